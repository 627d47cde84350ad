//! One trace as text: its spans below each other, each with its time, its token and its verdict.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::model::text::Safe;
use crate::model::{CarriedValue, Hop, Span, SpanId};
use crate::trail::views::TraceView;
use crate::tui::text::{duration, things};
use crate::tui::theme::Theme;

/// Columns of the bar.
const BAR: usize = 24;
/// Levels that are indented; deeper ones stay there.
const DEEPEST: usize = 20;

/// The trace from its first span to its last.
pub fn text(view: &TraceView) -> String {
    let theme = Theme::default();
    let start = view.spans.iter().map(|(_, span)| span.start.0).min().unwrap_or(0);
    let end = view.spans.iter().map(|(_, span)| span.end.0.max(span.start.0)).max().unwrap_or(start);
    let accused = view.hops.iter().filter(|hop| hop.verdict.accuses()).count();
    let mut out = format!(
        "trace {}  {}  {}, {}, {accused} accused\n\n",
        view.id,
        duration(end - start),
        things(view.spans.len() as u64, "span"),
        things(view.hops.len() as u64, "hop"),
    );
    let depths = depths(view);
    for (service, span) in &view.spans {
        let depth = depths.get(&span.span_id).copied().unwrap_or(0).min(DEEPEST);
        let name = format!("{}{} {}", "  ".repeat(depth), service, span.operation());
        let name = Safe::new(&name);
        let bar = bar(span, start, end);
        let status = span.http_status.or(span.grpc_status).map(|status| status.to_string()).unwrap_or_default();
        let token = token(span);
        let mut line = format!(
            "{:<60} {bar} {:>8} {status:>4}  {token:<5}",
            name.fit(60).as_str(),
            duration(span.end.0.saturating_sub(span.start.0)),
        );
        if let Some(hop) = view.hops.iter().find(|hop| names(hop, span.span_id)) {
            let cause = hop.cause.map(|cause| format!(", {}", cause.name().replace('_', " "))).unwrap_or_default();
            let _ = write!(line, " {} {}{cause}", theme.glyph(hop.verdict), hop.verdict);
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for hop in view.hops.iter().filter(|hop| hop.verdict.accuses()) {
        let _ = write!(out, "\n{}", super::markdown::hop(hop, None, &[view.id]));
    }
    out
}

/// Whether a hop is shown at this span: at the callee's, at the call where the callee never reports.
fn names(hop: &Hop, span: SpanId) -> bool {
    hop.callee.span_id.or(hop.caller.as_ref().and_then(|party| party.span_id)) == Some(span)
}

fn depths(view: &TraceView) -> HashMap<SpanId, usize> {
    let parents: HashMap<SpanId, Option<SpanId>> =
        view.spans.iter().map(|(_, span)| (span.span_id, span.parent_id())).collect();
    let mut depths = HashMap::new();
    for id in parents.keys() {
        let (mut depth, mut at) = (0, *id);
        // A circle of parents ends where nothing is indented any more.
        while let Some(Some(parent)) = parents.get(&at).filter(|_| depth < DEEPEST) {
            if !parents.contains_key(parent) {
                break;
            }
            (depth, at) = (depth + 1, *parent);
        }
        depths.insert(*id, depth);
    }
    depths
}

fn bar(span: &Span, start: u64, end: u64) -> String {
    let whole = u128::from((end - start).max(1));
    let place = |at: u64| {
        let step = u128::from(at.saturating_sub(start)) * (BAR as u128 - 1) / whole;
        usize::try_from(step).unwrap_or(0).min(BAR - 1)
    };
    let (from, to) = (place(span.start.0), place(span.end.0.max(span.start.0)));
    (0..BAR).map(|at| if (from..=to).contains(&at) { '█' } else { ' ' }).collect()
}

fn token(span: &Span) -> String {
    let token = span.carried.iter().find_map(|carried| match &carried.value {
        CarriedValue::Token(token) => Some(token.short_name()),
        _ => None,
    });
    token.unwrap_or_default()
}
