//! The order of a list of traces, and the part of it that is asked for: found without sorting the rest.

use std::sync::Arc;

use ahash::AHashMap;

use super::query::{PAGE_ROWS, TraceOrder, TraceQuery, Window};
use crate::model::{ServiceName, TraceId};
use crate::trail::held::Held;

/// What one trace is sorted by: the least rank first, then the newest, then by id. Small, as there is one for each
/// trace held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Line {
    rank: u64,
    /// Time between its start and the end of all times.
    newest_first: u64,
    /// Which trace.
    pub id: TraceId,
}

/// The lines of these traces, in no order yet.
pub(super) fn lines<'a>(held: impl Iterator<Item = Held<'a>>, order: TraceOrder) -> Vec<Line> {
    if order != TraceOrder::Service {
        return held.map(|trace| line(&trace, rank(&trace, order))).collect();
    }
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut known: AHashMap<&ServiceName, u64> = AHashMap::new();
    let mut lines: Vec<Line> = held
        .map(|trace| {
            let name = trace.root().map(|service| {
                *known.entry(service).or_insert_with(|| {
                    names.push(trace.shown(service));
                    names.len() as u64 - 1
                })
            });
            line(&trace, name.unwrap_or(0))
        })
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    let ranks: Vec<u64> = names.iter().map(|name| sorted.binary_search(name).unwrap_or(0) as u64).collect();
    for line in &mut lines {
        line.rank = usize::try_from(line.rank).ok().and_then(|at| ranks.get(at)).copied().unwrap_or(0);
    }
    lines
}

fn line(trace: &Held<'_>, rank: u64) -> Line {
    Line { rank, newest_first: u64::MAX - trace.start().0, id: trace.id }
}

/// The higher the number, the earlier the trace.
fn rank(trace: &Held<'_>, order: TraceOrder) -> u64 {
    let high = match order {
        TraceOrder::Start | TraceOrder::Service => 0,
        TraceOrder::Severity => {
            let (accused, severity) = (trace.accused() as u64, trace.severity() as u64);
            u64::from(accused > 0) << 48 | severity << 40 | accused.min((1 << 40) - 1)
        }
        TraceOrder::Duration => trace.duration(),
        TraceOrder::Hops => trace.hops() as u64,
    };
    u64::MAX - high
}

/// The rows of a window, sorted, and the place of the first of them in the whole list.
pub(super) fn window(mut lines: Vec<Line>, query: &TraceQuery) -> (usize, Vec<Line>) {
    let compare = |a: &Line, b: &Line| if query.reverse { b.cmp(a) } else { a.cmp(b) };
    let last = lines.len().saturating_sub(PAGE_ROWS);
    let first = match query.window {
        Window::First => 0,
        Window::Last => last,
        Window::Around(id, place) => {
            let at = lines.iter().find(|line| line.id == id).copied();
            let at = at.map(|at| lines.iter().filter(|line| compare(line, &at).is_lt()).count());
            at.unwrap_or(place).saturating_sub(PAGE_ROWS / 2).min(last)
        }
    };
    // Twice all rows are divided at a place, which costs far less than sorting them.
    if first > 0 {
        lines.select_nth_unstable_by(first, compare);
    }
    let mut rows = lines.split_off(first);
    if rows.len() > PAGE_ROWS {
        rows.select_nth_unstable_by(PAGE_ROWS, compare);
        rows.truncate(PAGE_ROWS);
    }
    rows.sort_unstable_by(compare);
    (first, rows)
}
