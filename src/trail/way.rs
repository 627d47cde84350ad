//! Walks up a tree, taken once for all spans from the root down: a walk for each span of a deep trace would take time by
//! the square of their number.

use super::tree::{Role, Tree};

/// The most calls, proxies and entries nested in each other that count as one: no real request meets as many, and each
/// hop lists its own.
pub const NESTED: usize = 64;

/// What stands above a span, by places in the trace.
#[derive(Clone, Copy, Default, Debug)]
pub struct Way {
    /// The nearest entry, or call that can have a callee: between here and there is one request.
    end: Option<u32>,
    /// The nearest inner span before that, and the nearest of another service.
    inner: Option<u32>,
    foreign: Option<u32>,
    /// The nearest proxy's span before that.
    waypoint: Option<u32>,
    /// The nearest span of another service.
    other: Option<u32>,
    /// The nearest entry with nothing of another service before it.
    entry: Option<u32>,
    /// The nearest call that can have a callee, whatever stands before it.
    call: Option<u32>,
    /// The call right around this span in the same service: the same call, seen further from the wire.
    nest: Option<u32>,
    root: u32,
    below: Below,
}

/// What stands right below a span.
#[derive(Clone, Copy, Default, Debug)]
struct Below {
    calls: Option<Calls>,
    foreign: bool,
}

/// Calls of the span's own service.
#[derive(Clone, Copy, Debug)]
enum Calls {
    One(u32),
    Many,
}

fn place(at: Option<u32>) -> Option<usize> {
    at.map(|at| at as usize)
}

impl Tree<'_> {
    /// Notes the way of a span whose role, and whose parent's way, are known.
    pub(super) fn note_way(&mut self, i: usize) {
        let here = i as u32;
        let Some(parent) = self.nodes[i].parent else {
            self.nodes[i].way.root = here;
            return;
        };
        let (same, up) = (self.same_service(i, parent), &self.nodes[parent]);
        let (role, above, request) = (up.role, up.way, self.is_request(parent));
        let p = Some(parent as u32);
        let mut way = Way { root: above.root, end: p, ..Way::default() };
        if !request && role != Role::Entry {
            way.end = above.end;
            way.inner = if role == Role::Inner { p } else { above.inner };
            way.waypoint = if role == Role::Waypoint { p } else { above.waypoint };
        }
        way.foreign = way.inner.and_then(|inner| {
            let known = self.same_service(i, inner as usize).then(|| self.nodes[inner as usize].way.foreign);
            known.unwrap_or(Some(inner))
        });
        way.other = if same { above.other } else { p };
        way.entry = if role == Role::Entry { p } else { above.entry }.filter(|_| same);
        way.call = if request { p } else { above.call };
        way.nest = if request { p } else { above.nest }.filter(|_| same && matches!(role, Role::Call | Role::Inner));
        way.below = self.nodes[i].way.below;
        self.nodes[i].way = way;
        let call = same && self.is_request(i);
        let below = &mut self.nodes[parent].way.below;
        below.foreign |= !same;
        if call {
            below.calls = Some(below.calls.map_or(Calls::One(here), |_| Calls::Many));
        }
    }

    fn way(&self, i: usize) -> &Way {
        &self.nodes[i].way
    }

    /// The topmost span above, itself where it has no parent.
    pub fn root(&self, i: usize) -> usize {
        self.way(i).root as usize
    }

    /// The nearest entry above, or call that can have a callee.
    pub fn end_of_way(&self, i: usize) -> Option<usize> {
        place(self.way(i).end)
    }

    /// The nearest inner span of another service before the end of the way.
    pub fn foreign_work(&self, i: usize) -> Option<usize> {
        place(self.way(i).foreign).map(|at| self.nodes[at].top)
    }

    /// The proxies' spans before the end of the way, nearest first.
    pub fn waypoints(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(place(self.way(i).waypoint), |&at| place(self.way(at).waypoint)).take(NESTED)
    }

    /// The nearest span of another service above.
    pub fn other_service(&self, i: usize) -> Option<usize> {
        place(self.way(i).other).map(|at| self.nodes[at].top)
    }

    /// The entry span that a span is at work for, where its own service shows it.
    pub fn entry_of(&self, i: usize) -> Option<usize> {
        if self.nodes[i].role == Role::Entry { Some(i) } else { self.entry_above(i) }
    }

    /// The nearest entry above, with nothing of another service before it.
    pub fn entry_above(&self, i: usize) -> Option<usize> {
        place(self.way(i).entry)
    }

    /// The nearest call above that can have a callee.
    pub fn call_above(&self, i: usize) -> Option<usize> {
        place(self.way(i).call)
    }

    /// The call right around a call that is the same one, seen further from the wire.
    pub fn call_around(&self, i: usize) -> Option<usize> {
        place(self.way(i).nest)
    }

    /// The one call right below a call that is the same one, seen closer to the wire: it has no callee of its own.
    pub fn call_inside(&self, i: usize) -> Option<usize> {
        match self.way(i).below.calls {
            Some(Calls::One(only)) => Some(only as usize).filter(|&only| !self.way(only).below.foreign),
            _ => None,
        }
    }
}
