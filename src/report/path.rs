//! The way of one request from where it entered to the hop in question.

use std::fmt::Write as _;

use super::Style;
use super::safe::safe;
use crate::model::Hop;

/// Services drawn at most; a path longer than that loses its beginning.
const LONGEST: usize = 8;

/// The hops of a trace that lead to `last`, and it.
pub(super) fn to<'a>(last: &'a Hop, hops: &'a [Hop]) -> Vec<&'a Hop> {
    let mut chain = vec![last];
    while let Some(above) = above(chain[chain.len() - 1], hops) {
        // Spans may stand in a circle: a hop that is drawn already ends the walk.
        if chain.iter().any(|hop| std::ptr::eq(*hop, above) || *hop == above) {
            break;
        }
        chain.push(above);
    }
    chain.reverse();
    chain
}

/// `● gateway ─✓─▸ orders ─✗─▸ shipping`.
pub(super) fn draw(path: &[Hop], style: Style) -> String {
    let more = path.len() > LONGEST;
    let shown = path.get(path.len().saturating_sub(LONGEST)..).unwrap_or_default();
    let mut line = String::new();
    if more {
        line.push_str(if style.ascii { "... " } else { "… " });
    }
    for (index, hop) in shown.iter().enumerate() {
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
