//! The thread that writes.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::files::{Files, Open};
use super::{ProfileSource, State};
use crate::model::Redacted;

/// How long what was written may stay in the program's own buffers: that much a crash loses.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// When to try again after an error: a full disk may have room by then.
const RETRY: Duration = Duration::from_secs(10);

/// What the thread is told.
pub(super) enum Message {
    /// Write these.
    Lines(Redacted),
    /// Ask here for the profile.
    Profile(ProfileSource),
    /// Write what came before, then end.
    Finish,
}

pub(super) struct Writer {
    files: Files,
    file: Option<Open>,
    state: Arc<State>,
    profile: Option<ProfileSource>,
    /// When what was written has to be flushed, if there is anything.
    flush_at: Option<Instant>,
    failed: Option<Instant>,
    /// Requests and spans that went to the file since it was flushed last.
    pending: (u64, u64),
    /// Something was written to this file.
    any: bool,
}

impl Writer {
    pub(super) fn new(files: Files, file: Open, state: Arc<State>) -> Self {
        Self {
            files,
            file: Some(file),
            state,
            profile: None,
            flush_at: None,
            failed: None,
            pending: (0, 0),
            any: false,
        }
    }

    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let message = match self.flush_at {
                Some(at) => messages.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(Message::Lines(redacted)) => {
                    self.take(&redacted);
                    self.state.waiting.fetch_sub(redacted.lines.len(), Ordering::AcqRel);
                }
                Ok(Message::Profile(source)) => self.profile = Some(source),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Finish) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.flush_at.is_some_and(|at| at <= Instant::now()) {
                self.flush_at = None;
                let flushed = self.file.as_mut().map_or(Ok(()), Open::flush);
                self.settle(flushed);
            }
        }
        self.complete(true);
    }

    fn take(&mut self, redacted: &Redacted) {
        if self.failed.is_some_and(|at| at.elapsed() < RETRY) {
            return self.state.unwritten.add(1, redacted.spans);
        }
        self.pending = (self.pending.0 + 1, self.pending.1 + redacted.spans);
        match self.write(&redacted.lines) {
            Ok(()) => {
                (self.failed, self.any) = (None, true);
                self.flush_at.get_or_insert_with(|| Instant::now() + FLUSH_EVERY);
            }
            failed => self.settle(failed),
        }
        if self.file.as_ref().is_some_and(|file| self.files.is_full(file)) {
            self.complete(false);
        }
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(self.files.next()?);
            self.state.files.fetch_add(1, Ordering::Relaxed);
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write(lines))
    }

    /// Ends the file with the profile in it. The next one is made when there is something to write.
    fn complete(&mut self, last: bool) {
        let Some(mut file) = self.file.take() else { return };
        let any = std::mem::take(&mut self.any);
        let line = self.profile.as_ref().filter(|_| any).and_then(|profile| profile(last));
        self.flush_at = None;
        let written = line.map_or(Ok(()), |line| file.write(&line));
        let finished = match written {
            Ok(()) => file.finish(),
            Err(error) => {
                file.abandon();
                Err(error)
            }
        };
        if let (Ok(path), false) = (&finished, last) {
            let removed = self.files.completed(path.clone());
            self.state.removed.fetch_add(removed, Ordering::Relaxed);
        }
        self.settle(finished.map(drop));
    }

    /// Counts what went to the file, or after an error did not: then says it once, gives the file up, and lets some time
    /// pass before the next one.
    fn settle(&mut self, done: io::Result<()>) {
        let (requests, spans) = std::mem::take(&mut self.pending);
        let Err(error) = done else {
            self.state.spans.fetch_add(spans, Ordering::Relaxed);
            return;
        };
        self.state.unwritten.add(requests, spans);
        self.any = false;
        let path = self.file.as_ref().map(|file| format!(" {}", file.path().display())).unwrap_or_default();
        let text = format!("cannot write{path}: {error}");
        let mut known = self.state.error.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() != Some(&*text) {
            tracing::warn!("recording: {text}; receiving goes on, and the next try is in {} s", RETRY.as_secs());
            *known = Some(text);
        }
        drop(known);
        self.failed = Some(Instant::now());
        self.flush_at = None;
        if let Some(file) = self.file.take() {
            file.abandon();
        }
    }
}
