//! Two traces over one route, side by side: which span answers to which, and where they first part.

use std::collections::{HashMap, HashSet, VecDeque};
use std::mem::discriminant;
use std::sync::Arc;

use crate::model::{Span, SpanKind, StatusCode, Verdict};
use crate::trail::twin::folded_operation;
use crate::trail::views::TraceView;

use super::lane::Mark;
use super::{Line, Waterfall};

/// How two spans that answer to each other differ, what matters most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Difference {
    /// Another thing became of the token.
    Token,
    /// Only in this trace.
    OnlyHere,
    /// Only in the twin.
    OnlyThere,
    /// One went well and the other did not.
    Status,
}

/// One line of two traces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aligned {
    /// Place of the span in this trace.
    pub here: Option<usize>,
    /// Place of the span in the twin.
    pub there: Option<usize>,
    /// Lines above that it stands below.
    pub depth: usize,
    /// How they differ.
    pub difference: Option<Difference>,
}

/// What a span must have in common with another to answer to it.
type Key = (Arc<str>, Arc<str>, SpanKind);

/// One trace as it is aligned.
struct Side<'a> {
    view: &'a TraceView,
    fall: &'a Waterfall,
    lines: Vec<Line>,
    roots: Vec<usize>,
    below: Vec<Vec<usize>>,
    keys: Vec<Key>,
}

impl<'a> Side<'a> {
    fn new(view: &'a TraceView, fall: &'a Waterfall, all: bool) -> Self {
        let lines = fall.lines(view, all, &HashSet::new());
        let mut below = vec![Vec::new(); lines.len()];
        let mut roots = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            match line.parent {
                Some(parent) => below[parent].push(at),
                None => roots.push(at),
            }
        }
        let key = |line: &Line| {
            let (service, span) = &view.spans[line.span];
            (Arc::clone(service), folded_operation(&span.operation()), span.kind)
        };
        let keys = lines.iter().map(key).collect();
        Self { view, fall, lines, roots, below, keys }
    }

    fn below(&self, at: Option<usize>) -> &[usize] {
        at.map_or(&[], |at| &self.below[at])
    }

    fn span(&self, at: usize) -> &Span {
        &self.view.spans[self.lines[at].span].1
    }

    fn mark(&self, at: usize) -> Option<&Mark> {
        self.fall.nodes[self.lines[at].span].mark.as_ref()
    }
}

/// Lays two traces beside each other, from top to bottom: children that ask the same of the same service answer to each
/// other in their order, whatever stands between them.
pub fn align(here: (&TraceView, &Waterfall), there: (&TraceView, &Waterfall), all: bool) -> Vec<Aligned> {
    let (left, right) = (Side::new(here.0, here.1, all), Side::new(there.0, there.1, all));
    let mut out = Vec::new();
    let mut open: Vec<(Option<usize>, Option<usize>, usize)> = Vec::new();
    let push = |open: &mut Vec<_>, pairs: Vec<(Option<usize>, Option<usize>)>, depth| {
        open.extend(pairs.into_iter().rev().map(|(here, there)| (here, there, depth)));
    };
    push(&mut open, pair(&left, &left.roots, &right, &right.roots), 0);
    while let Some((here, there, depth)) = open.pop() {
        out.push(Aligned {
            here: here.map(|at| left.lines[at].span),
            there: there.map(|at| right.lines[at].span),
            depth,
            difference: difference(&left, here, &right, there),
        });
        push(&mut open, pair(&left, left.below(here), &right, right.below(there)), depth + 1);
    }
    out
}

/// The line where two traces first part: where the token did, else where one lacks a span, else where one failed.
pub fn first_difference(aligned: &[Aligned]) -> Option<usize> {
    let found = aligned.iter().enumerate().filter_map(|(at, line)| Some((rank(line.difference?), at)));
    found.min().map(|(_, at)| at)
}

/// A failure comes up from below, so that a status says least of where it began.
fn rank(difference: Difference) -> u8 {
    match difference {
        Difference::Token => 0,
        Difference::OnlyHere | Difference::OnlyThere => 1,
        Difference::Status => 2,
    }
}

fn pair(left: &Side, here: &[usize], right: &Side, there: &[usize]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut waiting: HashMap<&Key, VecDeque<usize>> = HashMap::new();
    for (place, at) in there.iter().enumerate() {
        waiting.entry(&right.keys[*at]).or_default().push_back(place);
    }
    let partners: Vec<Option<usize>> =
        here.iter().map(|at| waiting.get_mut(&left.keys[*at]).and_then(VecDeque::pop_front)).collect();
    let mut alone: VecDeque<usize> = waiting.into_values().flatten().collect::<Vec<_>>().into();
    alone.make_contiguous().sort_unstable();
    let mut pairs = Vec::with_capacity(here.len() + alone.len());
    for (at, partner) in here.iter().zip(&partners) {
        while let Some(place) = alone.front().copied().filter(|place| partner.is_some_and(|partner| *place < partner)) {
            alone.pop_front();
            pairs.push((None, Some(there[place])));
        }
        pairs.push((Some(*at), partner.map(|place| there[place])));
    }
    pairs.extend(alone.into_iter().map(|place| (None, Some(there[place]))));
    pairs
}

fn difference(left: &Side, here: Option<usize>, right: &Side, there: Option<usize>) -> Option<Difference> {
    let (here, there) = match (here, there) {
        (Some(here), Some(there)) => (here, there),
        (Some(_), None) => return Some(Difference::OnlyHere),
        (None, _) => return Some(Difference::OnlyThere),
    };
    if other_token(left.mark(here), right.mark(there)) {
        return Some(Difference::Token);
    }
    (failed(left.span(here)) != failed(right.span(there))).then_some(Difference::Status)
}

/// Two traces never hold the same token: what counts is whether there was one, and what is said of it.
fn other_token(here: Option<&Mark>, there: Option<&Mark>) -> bool {
    let accused = |mark: &Mark| mark.verdict.filter(|verdict| verdict.accuses());
    match (here, there) {
        (Some(here), Some(there)) => {
            discriminant(&here.held) != discriminant(&there.held) || accused(here) != accused(there)
        }
        (Some(mark), None) | (None, Some(mark)) => mark.verdict.is_some_and(Verdict::accuses),
        (None, None) => false,
    }
}

/// Whether a span says that it went wrong.
pub fn failed(span: &Span) -> bool {
    span.status == StatusCode::Error
        || span.http_status.is_some_and(|status| status >= 400)
        || span.grpc_status.is_some_and(|status| status != 0)
}
