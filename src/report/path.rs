//! The way of one request from where it entered to the hop in question.

use std::fmt::Write as _;

use super::safe::safe;
use super::{HopSource, Style};
use crate::model::Hop;

/// Services drawn at most; a path longer than that loses its beginning.
const LONGEST: usize = 8;

/// `● gateway ─✓─▸ orders ─✗─▸ shipping`: the hops of a trace that lead to `last`, and it.
pub(super) fn draw(last: &Hop, source: &dyn HopSource, style: Style) -> String {
    let hops = source.hops_of(last.trace_id);
    let mut chain = vec![last];
    while let Some(above) = above(chain[chain.len() - 1], &hops) {
        // Spans may stand in a circle: a hop that is drawn already ends the walk.
        if chain.iter().any(|hop| std::ptr::eq(*hop, above) || *hop == above) {
            break;
        }
        chain.push(above);
    }
    let more = chain.len() > LONGEST;
    chain.truncate(LONGEST);
    chain.reverse();
    let mut line = String::new();
    if more {
        line.push_str(if style.ascii { "... " } else { "… " });
    }
    for (index, hop) in chain.into_iter().enumerate() {
        let caller = hop.caller.as_ref().map(|party| safe(&party.service));
        match (index, caller) {
            (0, None) => line.push_str(&style.verdict(hop.verdict, style.glyph(hop.verdict))),
            (0, Some(caller)) => drop(write!(line, "{caller} {}", style.hop(hop.verdict))),
            _ => line.push_str(&style.hop(hop.verdict)),
        }
        let _ = write!(line, " {} ", safe(&hop.callee.service));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The hop by which the request came to the caller of `hop`: the one whose entry span shows what it received, else
/// the last one to that service that began before.
fn above<'a>(hop: &Hop, hops: &'a [Hop]) -> Option<&'a Hop> {
    let caller = hop.caller.as_ref()?;
    let to_caller = |other: &&Hop| other.callee.service == caller.service && other.callee.span_id != hop.callee.span_id;
    let exact = hop
        .inbound
        .span_id
        .and_then(|entry| hops.iter().filter(to_caller).find(|other| other.callee.span_id == Some(entry)));
    exact.or_else(|| {
        let earlier = hops.iter().filter(to_caller).filter(|other| other.start <= hop.start);
        earlier.max_by_key(|other| other.start)
    })
}
