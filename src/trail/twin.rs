//! A trace over the same route on which the token arrived: what a broken one is held against.

use std::sync::Arc;

use crate::model::{Hop, TraceId, Verdict};

use super::Trail;
use super::facts::folded;
use super::store::TraceState;
use super::views::{TraceView, root_of};

/// Traces that one search looks at: a person waits for it, and the engine has other work.
const SEARCHED: usize = 20_000;

/// What two traces must have in common to be held against each other.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Route {
    /// The trace that a twin is wanted for.
    pub trace: TraceId,
    /// Service of its root span as shown.
    pub service: Arc<str>,
    /// What its root span says was asked for, as [`folded_operation`] has it.
    pub operation: Arc<str>,
    /// Caller of the hop in question; `None` for an entry.
    pub caller: Option<Arc<str>>,
    /// Its callee.
    pub callee: Arc<str>,
}

impl Route {
    /// Whether a hop is one of the edge in question.
    pub fn is_of(&self, hop: &Hop) -> bool {
        hop.callee.service == self.callee && hop.caller.as_ref().map(|party| &party.service) == self.caller.as_ref()
    }
}

/// What a search for a twin found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Twin {
    /// The newest trace over the same route on which that hop went well.
    pub view: Option<Arc<TraceView>>,
    /// Traces looked at until then.
    pub searched: usize,
    /// Traces held.
    pub held: usize,
}

/// An operation with the ids in its path folded into one: `GET /orders/42` is `GET /orders/*`.
pub fn folded_operation(operation: &str) -> Arc<str> {
    folded(&Arc::from(operation))
}

impl Trail {
    /// Looks for a trace over this route on which every hop of the edge went well: unbroken traces first, the newest
    /// first, at most 20,000.
    pub fn twin(&self, route: &Route) -> Twin {
        let mut twin = Twin { held: self.traces.len(), ..Twin::default() };
        let wanted = |edge: &super::aggregate::EdgeSum| (&edge.caller, &edge.callee) == (&route.caller, &route.callee);
        let Some(edge) = self.sums.edges.iter().position(wanted) else { return twin };
        // A trace that broke stands in both queues until eviction meets it: seen twice, it is refused twice.
        let newest = self.oldest.iter().rev().chain(self.oldest_broken.iter().rev());
        for id in newest.filter(|id| **id != route.trace) {
            let Some(trace) = self.traces.get(id) else { continue };
            if twin.searched == SEARCHED {
                break;
            }
            twin.searched += 1;
            if went_well(trace, edge, route.caller.is_none()) && self.has_root(trace, route) {
                twin.view = self.trace_view(*id).map(Arc::new);
                break;
            }
        }
        twin
    }

    fn has_root(&self, trace: &TraceState, route: &Route) -> bool {
        root_of(trace.spans.iter()).is_some_and(|root| {
            self.profile.shown(&root.resource.service) == route.service
                && folded_operation(&root.operation()) == route.operation
        })
    }
}

/// Whether a trace has hops of this edge, and the token arrived on all of them. Where a token enters, that is its origin.
fn went_well(trace: &TraceState, edge: usize, entry: bool) -> bool {
    let mut hops = trace.hops().iter().filter(|hop| hop.edge() == edge).peekable();
    let well = |verdict| verdict == Verdict::Intact || (entry && verdict == Verdict::Originated);
    hops.peek().is_some() && hops.all(|hop| well(hop.verdict()))
}
