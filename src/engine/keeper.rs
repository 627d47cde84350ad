//! For whoever writes things down beside a running engine: traces whole, all hops one trace after the other, and the
//! policy on its way back. Every call blocks until the engine answers; none belongs on a screen's thread.

use std::sync::mpsc;

use tokio::sync::oneshot;

use super::owner::Message;
use super::{EngineError, HopQuery};
use crate::model::policy::Policy;
use crate::model::{Hop, TraceId};
use crate::trail::views::TraceView;
use crate::trail::{SavedProfile, Trail};

/// Traces that come along because others link to them: what a queue ties together could be everything.
const LINKED: usize = 64;

/// Traces, and what they were judged by.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Those that were asked for and are held, then those that are judged together with one of them.
    pub traces: Vec<TraceView>,
    /// How many of them were asked for.
    pub asked: usize,
    /// Linked traces that were too many to come along.
    pub left_out: usize,
    /// The capture profile of all traces: these alone would not show all of it.
    pub profile: SavedProfile,
}

impl Taken {
    /// Takes traces out of a trail as it stands.
    pub fn of(trail: &Trail, ids: &[TraceId]) -> Self {
        let mut asked: Vec<TraceId> = Vec::new();
        for id in ids {
            if !asked.contains(id) {
                asked.push(*id);
            }
        }
        let mut linked: Vec<TraceId> = Vec::new();
        let mut left_out = 0;
        for id in asked.iter().flat_map(|id| trail.linked_with(*id)) {
            if asked.contains(&id) || linked.contains(&id) {
                continue;
            }
            if linked.len() < LINKED {
                linked.push(id);
            } else {
                left_out += 1;
            }
        }
        let mut traces: Vec<TraceView> = asked.iter().filter_map(|id| trail.trace_view(*id)).collect();
        let asked = traces.len();
        traces.extend(linked.iter().filter_map(|id| trail.trace_view(*id)));
        Self { traces, asked, left_out, profile: trail.profile() }
    }
}

/// An end to take traces out at, and to give another policy to.
#[derive(Clone)]
pub struct Keeper {
    sender: mpsc::Sender<Message>,
}

impl Keeper {
    pub(super) fn new(sender: mpsc::Sender<Message>) -> Self {
        Self { sender }
    }

    fn ask<T>(&self, message: impl FnOnce(mpsc::Sender<T>) -> Message) -> Result<T, EngineError> {
        let (reply, answer) = mpsc::channel();
        self.sender.send(message(reply)).map_err(|_| EngineError::Gone)?;
        answer.recv().map_err(|_| EngineError::Gone)
    }

    /// These traces whole.
    pub fn take(&self, ids: Vec<TraceId>) -> Result<Taken, EngineError> {
        self.ask(|reply| Message::Take(ids, reply))
    }

    /// Every trace held, in the report's order.
    pub fn trace_ids(&self) -> Result<Vec<TraceId>, EngineError> {
        self.ask(Message::TraceIds)
    }

    /// The hops of one trace, in the report's order.
    pub fn hops_of(&self, id: TraceId) -> Result<Vec<Hop>, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Hops(HopQuery::Trace(id), reply)).map_err(|_| EngineError::Gone)?;
        answer.blocking_recv().map_err(|_| EngineError::Gone)
    }

    /// Judges all that is held by another policy; answers when that is published.
    pub fn set_policy(&self, policy: Policy) -> Result<(), EngineError> {
        self.ask(|reply| Message::Policy(Box::new(policy), reply))
    }
}
