//! Writes what is received to disk, without credentials, so that it can be looked at again.
//!
//! Recording never holds up receiving: lines go through a queue that is bounded in bytes to a thread of their own. What
//! finds no room, or cannot be written, is counted and told; receiving goes on.

mod files;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use crate::model::{Batch, Redacted, Refused, Sink};
use files::Files;
use writer::{Message, Writer};

/// Bytes of lines that may wait for the disk.
const QUEUE_BYTES: usize = 64 << 20;

/// What a recording may take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordOptions {
    /// The first file; packed where its name ends in `.gz` or `.zst`. Further ones are numbered: `t.jsonl`, `t.2.jsonl`.
    pub path: PathBuf,
    /// Bytes of one file as it is on disk; the line that goes beyond is its last.
    pub file_bytes: u64,
    /// Files kept of this recording; the oldest is removed for one more.
    pub files: usize,
}

/// Why there can be no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The first file cannot be made.
    #[error("cannot record to {path}: {source}")]
    Create {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The system gave no thread.
    #[error("cannot start the recording thread: {0}")]
    Thread(#[source] io::Error),
}

/// Answers the capture profile as a line, once more at each file's end; true when nothing comes after it.
pub type ProfileSource = Box<dyn Fn(bool) -> Option<Vec<u8>> + Send>;

/// A recording that goes on until it is finished, or dropped.
pub struct Recorder {
    queue: Queue,
    thread: Option<JoinHandle<()>>,
    first: PathBuf,
}

/// What became of a recording so far.
#[derive(Clone)]
pub struct Progress(Arc<State>);

/// Where lines wait.
#[derive(Clone)]
struct Queue {
    sender: mpsc::Sender<Message>,
    state: Arc<State>,
}

/// Shared by everyone who has to do with a recording.
#[derive(Default, Debug)]
struct State {
    waiting: AtomicUsize,
    spans: AtomicU64,
    files: AtomicU64,
    /// Files removed for newer ones.
    removed: AtomicU64,
    /// Requests, and spans in them, that found no room in the queue.
    crowded: Lost,
    /// The same for those that could not be written.
    unwritten: Lost,
    /// The last error, for people.
    error: Mutex<Option<String>>,
}

#[derive(Default, Debug)]
struct Lost {
    requests: AtomicU64,
    spans: AtomicU64,
}

impl Lost {
    fn add(&self, requests: u64, spans: u64) {
        self.requests.fetch_add(requests, Ordering::Relaxed);
        self.spans.fetch_add(spans, Ordering::Relaxed);
    }

    fn told(&self, why: &str) -> Option<String> {
        let (requests, spans) = (self.requests.load(Ordering::Relaxed), self.spans.load(Ordering::Relaxed));
        (requests > 0).then(|| format!("{requests} requests with {spans} spans were not recorded: {why}"))
    }
}

impl Recorder {
    /// Makes the first file, so that a mistake is known before anything else starts. A file that is there already stays
    /// as it is: the next free number is taken.
    pub fn open(options: &RecordOptions) -> Result<Self, RecordError> {
        let state = Arc::new(State::default());
        let failed = |source| RecordError::Create { path: options.path.display().to_string(), source };
        let mut files = Files::new(options);
        let file = files.next().map_err(failed)?;
        state.files.store(1, Ordering::Relaxed);
        let first = file.path().to_path_buf();
        let (sender, messages) = mpsc::channel();
        let writer = Writer::new(files, file, Arc::clone(&state));
        let thread = std::thread::Builder::new()
            .name("jwtrail-recorder".to_owned())
            .spawn(move || writer.run(&messages))
            .map_err(RecordError::Thread)?;
        Ok(Self { queue: Queue { sender, state }, thread: Some(thread), first })
    }

    /// The file that was made first.
    pub fn first(&self) -> &std::path::Path {
        &self.first
    }

    /// Writes this profile at the end of each file.
    pub fn with_profile(&self, source: ProfileSource) {
        // A thread that is gone has said why.
        drop(self.queue.sender.send(Message::Profile(source)));
    }

    /// A sink that records what `inner` takes: what is refused comes again. Its batches must come from a decoder that
    /// redacts; of others nothing is recorded.
    pub fn sink(&self, inner: Arc<dyn Sink>) -> Arc<dyn Sink> {
        Arc::new(Tap { inner, queue: self.queue.clone() })
    }

    /// For those who tell people.
    pub fn progress(&self) -> Progress {
        Progress(Arc::clone(&self.queue.state))
    }

    /// Writes what waits, and the profile, and ends the file. Blocks until that is done.
    pub fn finish(mut self) -> Progress {
        let _span = tracing::info_span!("end recording").entered();
        self.end();
        self.progress()
    }

    fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            drop(self.queue.sender.send(Message::Finish));
            // A thread that panicked has said so by itself.
            drop(thread.join());
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

impl Progress {
    /// Spans written.
    pub fn spans(&self) -> u64 {
        self.0.spans.load(Ordering::Relaxed)
    }

    /// Files written to.
    pub fn files(&self) -> u64 {
        self.0.files.load(Ordering::Relaxed)
    }

    /// Files removed for newer ones.
    pub fn removed(&self) -> u64 {
        self.0.removed.load(Ordering::Relaxed)
    }

    /// Bytes that wait for the disk.
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Spans that were not recorded, by the reason.
    pub fn lost_spans(&self) -> [(&'static str, u64); 2] {
        let State { crowded, unwritten, .. } = &*self.0;
        [("queue_full", crowded), ("write_failed", unwritten)]
            .map(|(reason, lost)| (reason, lost.spans.load(Ordering::Relaxed)))
    }

    /// A sentence for each way in which something was lost.
    pub fn losses(&self) -> Vec<String> {
        let error = self.0.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let removed = self.0.removed.load(Ordering::Relaxed);
        let mut told: Vec<String> = Vec::new();
        told.extend(self.0.crowded.told("the disk is too slow"));
        told.extend(self.0.unwritten.told(error.as_deref().unwrap_or("the file cannot be written")));
        if removed > 0 {
            let (what, were) = if removed == 1 { ("file", "was") } else { ("files", "were") };
            told.push(format!("{removed} older {what} of the recording {were} removed for newer ones"));
        }
        told
    }
}

impl Queue {
    fn push(&self, redacted: Redacted) {
        if redacted.lines.is_empty() {
            return;
        }
        let (bytes, spans) = (redacted.lines.len(), redacted.spans);
        let before = self.state.waiting.fetch_add(bytes, Ordering::AcqRel);
        // A line that is larger than the queue is taken when nothing else waits, else it could never be.
        let full = before > 0 && before.saturating_add(bytes) > QUEUE_BYTES;
        if full || self.sender.send(Message::Lines(redacted)).is_err() {
            self.state.waiting.fetch_sub(bytes, Ordering::AcqRel);
            if self.state.crowded.requests.load(Ordering::Relaxed) == 0 {
                tracing::warn!("the recording lags behind: requests go unrecorded");
            }
            self.state.crowded.add(1, spans);
        }
    }
}

/// Hands batches on, and their lines to the queue.
struct Tap {
    inner: Arc<dyn Sink>,
    queue: Queue,
}

impl Sink for Tap {
    fn has_room(&self, bytes: usize) -> Result<(), Refused> {
        self.inner.has_room(bytes)
    }

    fn accept(&self, mut batch: Batch) -> Result<(), Refused> {
        let redacted = batch.redacted.take();
        self.inner.accept(batch)?;
        if let Some(redacted) = redacted {
            self.queue.push(*redacted);
        }
        Ok(())
    }
}
