//! A replay's end of the engine: what was recorded arrives at its own time, and time can go back.
//!
//! To go back, whoever replays builds another trail beside the engine and hands it over whole: until then the engine
//! answers out of the old one, so that no screen ever sees the state in between.

use std::sync::{Arc, mpsc};
use std::time::Instant;

use super::EngineError;
use super::owner::{Message, Owner};
use super::rate::Rate;
use crate::model::{Arrived, LogRecord, UnixNanos};
use crate::trail::Trail;

/// Something recorded.
#[derive(Clone, PartialEq, Debug)]
pub enum Recorded {
    /// A span.
    Span(Arrived),
    /// A log record; boxed, so that it takes no more room in a list than a span.
    Log(Box<LogRecord>),
}

/// Something recorded, and when its exporter had it.
#[derive(Clone, PartialEq, Debug)]
pub struct Arrival {
    /// When: the end of a span, the time of a log record.
    pub at: UnixNanos,
    /// What.
    pub what: Recorded,
}

impl Arrival {
    /// Gives it to a trail at its own time, so that what a trail shows at some moment does not depend on the steps that
    /// led there.
    pub fn give(self, trail: &mut Trail) {
        match self.what {
            Recorded::Span(span) => trail.take(span, self.at),
            Recorded::Log(record) => trail.take_log(*record, self.at),
        }
    }
}

/// One step of a replay.
pub(super) enum Step {
    /// Take these, in order.
    Arrive {
        arrivals: Vec<Arrival>,
        /// The replayed time from here on.
        now: UnixNanos,
        /// Whether the picture is to be published at once: the step is the last one to where the replay goes.
        show: bool,
        /// Whether nothing comes after, so that everything is judged as settled.
        last: bool,
    },
    /// Hand back this trail, judging by the policy in force.
    Prepare { trail: Box<Trail>, reply: mpsc::Sender<Box<Trail>> },
    /// Go on with another trail at this time, under the policy in force: it may have changed while the trail was built.
    Replace { trail: Box<Trail>, now: UnixNanos },
    /// Count this many spans and tags that could not be read.
    Lost { rejected: u64, bad_tags: u64 },
}

/// The end that a replay steers the engine by. Each call waits until the engine has done it.
#[derive(Clone)]
pub struct Replayer {
    sender: mpsc::Sender<Message>,
}

impl Replayer {
    pub(super) fn new(sender: mpsc::Sender<Message>) -> Self {
        Self { sender }
    }

    /// Hands over what has arrived by `now`, which is the engine's time from here on, and lets it be seen with `show`.
    pub fn arrive(&self, arrivals: Vec<Arrival>, now: UnixNanos, show: bool) -> Result<(), EngineError> {
        self.step(Step::Arrive { arrivals, now, show, last: false })
    }

    /// Hands over the last of it: everything is judged as settled, and seen.
    pub fn finish(&self, arrivals: Vec<Arrival>, now: UnixNanos) -> Result<(), EngineError> {
        self.step(Step::Arrive { arrivals, now, show: true, last: true })
    }

    /// The same trail, judging by the policy in force: that may be another one than when the replay began.
    pub fn prepare(&self, trail: Trail) -> Result<Trail, EngineError> {
        let (reply, prepared) = mpsc::channel();
        self.step(Step::Prepare { trail: Box::new(trail), reply })?;
        prepared.recv().map(|trail| *trail).map_err(|_| EngineError::Gone)
    }

    /// Puts another trail, judged at `now`, in the place of the engine's, and lets it be seen.
    pub fn replace(&self, trail: Trail, now: UnixNanos) -> Result<(), EngineError> {
        self.step(Step::Replace { trail: Box::new(trail), now })
    }

    /// Says what could not be read: it stays so wherever the replay goes.
    pub fn lost(&self, rejected: u64, bad_tags: u64) -> Result<(), EngineError> {
        self.step(Step::Lost { rejected, bad_tags })
    }

    fn step(&self, step: Step) -> Result<(), EngineError> {
        let (reply, done) = mpsc::channel();
        self.sender.send(Message::Replay(step, reply)).map_err(|_| EngineError::Gone)?;
        done.recv().map_err(|_| EngineError::Gone)
    }
}

impl Owner {
    /// Does one step of a replay.
    pub(super) fn replay(&mut self, step: Step) {
        self.replayed = true;
        let show = match step {
            Step::Prepare { mut trail, reply } => {
                trail.judge_like(&self.trail);
                // Whoever asked may have gone away meanwhile.
                drop(reply.send(trail));
                return;
            }
            Step::Arrive { arrivals, now: time, show, last } => {
                self.clock = Arc::new(move || time);
                let spans = arrivals.iter().filter(|arrival| matches!(arrival.what, Recorded::Span(_))).count();
                if spans > 0 {
                    let now = Instant::now();
                    self.rate.add(spans as u64, now);
                    self.last_span = Some(now);
                }
                for arrival in arrivals {
                    arrival.give(&mut self.trail);
                }
                if last {
                    self.trail.settle_all();
                }
                show
            }
            Step::Replace { mut trail, now } => {
                trail.judge_like(&self.trail);
                self.clock = Arc::new(move || now);
                let old = std::mem::replace(&mut self.trail, *trail);
                // Announcements are of what comes for the first time; what the new trail holds was there before.
                drop(self.trail.announcements());
                self.rate = Rate::default();
                free(old);
                true
            }
            Step::Lost { rejected, bad_tags } => {
                (self.rejected, self.bad_tags) = (rejected, bad_tags);
                false
            }
        };
        self.dirty = true;
        if show {
            self.tick();
        }
    }
}

/// Gives the memory of a large trail back beside the engine: that takes as long as building a part of it did.
fn free(trail: Trail) {
    // Where no thread can be had, it is given back here.
    drop(std::thread::Builder::new().name("jwtrail-free".to_owned()).spawn(move || drop(trail)));
}
