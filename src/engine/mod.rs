//! The one owner of the trail: takes batches, judges, answers queries, publishes snapshots.
//!
//! Nothing here knows the time of day: the clock is passed in, and a replay passes the replayed one.

mod intake;
mod keeper;
mod listing;
mod owner;
pub mod query;
mod rate;
pub mod replay;
mod search;
pub mod snapshot;

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::sync::{mpsc as channel, oneshot, watch};

use crate::model::{Hop, TraceId, UnixNanos};
use crate::trail::summary::Announcement;
use crate::trail::{SavedProfile, Trail};
use owner::{Message, Owner};

pub use intake::Intake;
pub use keeper::{Keeper, Taken};
pub use query::{Answer, Asker, Query};
pub use replay::Replayer;
pub use snapshot::{Losses, Snapshot, Totals};

/// Where the engine gets its time from: the wall clock live, the replayed time in a replay.
pub type Clock = Arc<dyn Fn() -> UnixNanos + Send + Sync>;

/// Bytes that may wait between intake and engine, unless said otherwise.
pub const INTAKE_BYTES: usize = 32 * 1024 * 1024;

/// Announcements that may wait for a reader that is slow to print them.
const ANNOUNCEMENTS: usize = 4096;

/// The engine could not be started, or is gone.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The operating system gave no thread.
    #[error("cannot start the judging thread: {0}")]
    Thread(#[source] std::io::Error),
    /// The owner is gone: it was shut down, or it panicked (the log says where).
    #[error("the judging thread has ended")]
    Gone,
}

/// Bounds of an engine.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// Bytes accepted and not judged yet.
    pub intake_bytes: usize,
    /// The bound on memory that the trail was built with, for the header to show.
    pub memory: usize,
}

/// Which hops to answer with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HopQuery {
    /// The hops of one trace, in the report's order.
    Trace(TraceId),
    /// The newest hops of one edge, newest first, out of the newest thousand traces.
    Edge {
        /// Caller's name, `None` for requests that enter at the callee.
        caller: Option<Arc<str>>,
        /// Callee's name.
        callee: Arc<str>,
        /// How many at most.
        limit: usize,
    },
}

/// What is left when the engine has ended: the last picture, and the trail with every hop in it.
pub struct Finished {
    /// The last snapshot, everything settled.
    pub snapshot: Arc<Snapshot>,
    /// The trail: a report walks it trace by trace.
    pub trail: Trail,
}

/// Where the intake side says what is not about a span: a listener open to the network, requests that could not be
/// read. Shown with the trail's own notes on the set-up.
#[derive(Clone)]
pub struct Notes {
    sender: mpsc::Sender<Message>,
}

impl Notes {
    /// Says all of it, in place of what was said before.
    pub fn set(&self, notes: Vec<String>) -> Result<(), EngineError> {
        self.sender.send(Message::Notes(notes)).map_err(|_| EngineError::Gone)
    }
}

/// Where the capture profile of a running engine is asked for: a recording keeps it.
#[derive(Clone)]
pub struct Profiler {
    sender: mpsc::Sender<Message>,
}

impl Profiler {
    /// What is known by now, with all that was accepted before; `last` judges that as settled. Blocks until the engine
    /// answers, `None` where it has ended.
    pub fn profile(&self, last: bool) -> Option<SavedProfile> {
        let (reply, answer) = mpsc::channel();
        self.sender.send(Message::Profile { last, reply }).ok()?;
        answer.recv().ok()
    }
}

/// The consumers' end of a running engine.
pub struct EngineHandle {
    sender: mpsc::Sender<Message>,
    gauge: Arc<intake::Gauge>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    announcements: Option<channel::Receiver<Announcement>>,
    thread: JoinHandle<Finished>,
}

impl EngineHandle {
    /// Starts the owner's thread over a trail.
    pub fn start(trail: Trail, options: EngineOptions, clock: Clock) -> Result<Self, EngineError> {
        let (sender, messages) = mpsc::channel();
        let gauge = Arc::new(intake::Gauge::new(options.intake_bytes));
        let (publish, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let (announce, announcements) = channel::channel(ANNOUNCEMENTS);
        let owner = Owner::new(trail, options, clock, Arc::clone(&gauge), publish, announce);
        let thread = std::thread::Builder::new()
            .name("jwtrail-engine".to_owned())
            .spawn(move || owner.run(&messages))
            .map_err(EngineError::Thread)?;
        Ok(Self { sender, gauge, snapshots, announcements: Some(announcements), thread })
    }

    /// An end to put batches in.
    pub fn intake(&self) -> Intake {
        Intake::new(Arc::clone(&self.gauge), self.sender.clone())
    }

    /// The newest snapshot, and word of each new one.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Problems that appear and are withdrawn, in order. There is one such stream: the second call answers `None`.
    /// Nobody has to read it; what does not fit is dropped, the snapshots hold the same rows.
    pub fn announcements(&mut self) -> Option<channel::Receiver<Announcement>> {
        self.announcements.take()
    }

    /// Asks for hops.
    pub async fn hops(&self, query: HopQuery) -> Result<Vec<Hop>, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Hops(query, reply)).map_err(|_| EngineError::Gone)?;
        answer.await.map_err(|_| EngineError::Gone)
    }

    /// An end for a screen to ask at.
    pub fn asker(&self) -> Asker {
        Asker::new(self.sender.clone())
    }

    /// An end for whoever replays.
    pub fn replayer(&self) -> Replayer {
        Replayer::new(self.sender.clone())
    }

    /// An end for what the intake side has to say beside spans.
    pub fn notes(&self) -> Notes {
        Notes { sender: self.sender.clone() }
    }

    /// An end to ask for the capture profile.
    pub fn profiler(&self) -> Profiler {
        Profiler { sender: self.sender.clone() }
    }

    /// An end to take traces out at, and to give another policy to.
    pub fn keeper(&self) -> Keeper {
        Keeper::new(self.sender.clone())
    }

    /// Judges what came so far as settled (the end of a replay), and answers when that is published.
    pub async fn settle(&self) -> Result<(), EngineError> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Settle(reply)).map_err(|_| EngineError::Gone)?;
        answer.await.map_err(|_| EngineError::Gone)
    }

    /// Takes no more, judges everything that was accepted, and hands the trail back. Blocks until that is done.
    pub fn shutdown(self) -> Result<Finished, EngineError> {
        self.gauge.close();
        // An owner that is gone already cannot take the message; joining it says so.
        drop(self.sender.send(Message::Shutdown));
        self.thread.join().map_err(|_| EngineError::Gone)
    }
}
