//! One trace: a line of what it is, its waterfall with the token lane, and the selected span with its evidence.

mod bar;
mod lines;
mod places;
mod span;
mod twin;

use ratatui::style::Style;

use super::pen::{Pen, Row};
use super::{frame_of, page_frame};
use crate::model::Verdict;
use crate::trail::views::TraceView;
use crate::tui::Mode;
use crate::tui::geometry::{Area, Frame};
use crate::tui::message::Action;
use crate::tui::page::trace::{Trace, first_shown};
use crate::tui::state::State;
use crate::tui::text::{count, duration, things};
use crate::tui::waterfall::hop_at;

use places::Places;

/// Lines of the list that show.
pub fn rows(state: &State) -> u16 {
    Places::of(state).rows()
}

/// Lines of the detail that show.
pub fn detail_rows(state: &State) -> u16 {
    Places::of(state).detail_inner().h
}

/// Lines of the detail that do not fit: how far it can be scrolled.
pub fn overflow(state: &State) -> u16 {
    let inner = Places::of(state).detail_inner();
    let rows = state.trace.as_ref().map_or(0, |trace| span::rows(state, trace, inner).len());
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_sub(inner.h)
}

/// The line of the list at a place of the screen.
pub fn row_at(state: &State, x: u16, y: u16) -> Option<usize> {
    let trace = state.trace.as_ref()?;
    let places = Places::of(state);
    let list = places.lists().into_iter().flatten().find(|area| area.holds(x, y))?;
    let row = first(trace, list.h) + usize::from(y - list.y);
    (row < trace.rows()).then_some(row)
}

/// Whether a place of the screen belongs to the detail.
pub fn is_detail(state: &State, x: u16, y: u16) -> bool {
    Places::of(state).detail.holds(x, y)
}

/// The first line that shows in a list of some height.
fn first(trace: &Trace, height: u16) -> usize {
    first_shown(trace.top, trace.at, trace.rows(), usize::from(height.max(1)))
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let Some(trace) = &state.trace else { return };
    let title = Row::new().text("Trace ", theme.strong()).own(&trace.id.to_string(), theme.quiet());
    let note = match trace.rows() {
        0 => Row::new(),
        rows => {
            Row::new().own(&format!("{} of {}", count(trace.at as u64 + 1), things(rows as u64, "line")), theme.quiet())
        }
    };
    let inner = page_frame(state, pen, area, title, note);
    let Some(view) = &trace.view else {
        let text = if trace.answered {
            format!("this trace is not held (any more){}", key(state, Action::Back, "goes back"))
        } else {
            "asking for the trace …".to_owned()
        };
        pen.row(inner.x + 1, inner.y, inner.w.saturating_sub(1), &Row::new().own(&text, theme.quiet()));
        return;
    };
    if view.spans.is_empty() {
        let text = "no span of this trace yet: only log records came so far";
        pen.row(inner.x + 1, inner.y, inner.w.saturating_sub(1), &Row::new().text(text, theme.quiet()));
        return;
    }
    let places = Places::of(state);
    head(state, pen, places.head, trace, view);
    match trace.twin() {
        Some((beside, there)) => twin::render(state, pen, &places, (trace, view), (beside, there)),
        None => lines::render(state, pen, &places, trace, view),
    }
    detail(state, pen, &places, trace, view);
}

/// What the trace is, in one line, and below it what a reader must know before they believe the rest.
fn head(state: &State, pen: &mut Pen, area: Area, trace: &Trace, view: &TraceView) {
    let theme = state.theme;
    let mut parts: Vec<Row> = Vec::new();
    if let Some((service, root)) = view.root() {
        parts.push(Row::new().own(service, theme.strong()).plain(" ").own(&root.operation(), Style::new()));
    }
    let (start, end) = trace.fall.axis;
    parts.push(Row::new().own(&duration(end - start), Style::new()));
    parts.push(verdicts(state, view));
    parts.push(Row::new().own(&things(view.spans.len() as u64, "span"), theme.quiet()));
    let hidden = trace.hidden();
    if trace.all {
        parts.push(Row::new().text("all of them shown", theme.quiet()));
    } else if hidden > 0 {
        let text =
            format!("{} without a token hidden{}", count(hidden as u64), key(state, Action::AllSpans, "shows them"));
        parts.push(Row::new().own(&text, theme.quiet()));
    }
    pen.row(area.x, area.y, area.w, &joined(state, parts, usize::from(area.w)));
    for (y, (text, style)) in (area.y + 1..area.y + area.h).zip(notices(state, trace, view)) {
        pen.row(area.x, y, area.w, &Row::new().plain(" ").own(&text, style));
    }
}

/// A key and what it does, behind a comma; nothing where the user gave it none.
fn key(state: &State, action: Action, does: &str) -> String {
    state.keymap.keys(action).first().map_or_else(String::new, |key| format!(", {key} {does}"))
}

/// Parts with dots between them, as many as fit.
fn joined(state: &State, parts: Vec<Row>, width: usize) -> Row {
    let mut row = Row::new().plain(" ");
    for (at, part) in parts.into_iter().enumerate() {
        let gap = if at == 0 { Row::new() } else { Row::new().text(" · ", state.theme.quiet()) };
        if at == 0 || row.width() + gap.width() + part.width() <= width {
            row = row.then(gap).then(part);
        }
    }
    row
}

/// How many hops there are, and how many of each kind are broken.
fn verdicts(state: &State, view: &TraceView) -> Row {
    let theme = state.theme;
    let mut row = Row::new().own(&things(view.hops.len() as u64, "hop"), Style::new());
    for verdict in [Verdict::Dropped, Verdict::Changed, Verdict::Failed] {
        let number = view.hops.iter().filter(|hop| hop.verdict == verdict).count();
        if number > 0 {
            row = row.plain(", ").own(&format!("{number} {}", theme.glyph(verdict)), theme.verdict(verdict));
        }
    }
    let findings: usize = view.hops.iter().map(|hop| hop.findings.len()).sum();
    if findings > 0 {
        row = row.plain(", ").own(&format!("{findings} {}", theme.finding_glyph()), theme.warning());
    }
    row
}

/// What is not as it should be with the trace itself, what weighs most first.
fn notices(state: &State, trace: &Trace, view: &TraceView) -> Vec<(String, Style)> {
    let theme = state.theme;
    let mut notices = Vec::new();
    if let Some(text) = twin::notice(state, trace, view) {
        notices.push(text);
    }
    if !trace.held {
        let text = if matches!(state.mode, Mode::Replay { .. }) {
            "not held at this point of the replay: this is what was last seen of it"
        } else {
            "evicted meanwhile to stay within memory: this is what was last seen of it"
        };
        notices.push((text.to_owned(), theme.warning()));
    } else if !view.settled {
        notices.push(("not settled: evidence may still come and change what is said here".to_owned(), theme.quiet()));
    }
    if view.hops.is_empty() {
        notices.push(("no hop was found in it: no span shows a request that arrived".to_owned(), theme.quiet()));
    } else if trace.fall.is_silent() {
        notices.push(("no span says anything of a token: all are shown".to_owned(), theme.quiet()));
    }
    if trace.fall.orphans > 0 {
        let orphans = things(trace.fall.orphans as u64, "span");
        notices.push((format!("parents are missing: {orphans} stand at the left on their own"), theme.warning()));
    }
    if trace.fall.skewed > 0 {
        let skewed = things(trace.fall.skewed as u64, "bar");
        notices.push((format!("clocks stand apart: {skewed} moved into the call above"), theme.quiet()));
    }
    notices
}

/// The selected span; beside a twin, the one that only the twin has.
fn detail(state: &State, pen: &mut Pen, places: &Places, trace: &Trace, view: &TraceView) {
    let theme = state.theme;
    let inner = places.detail_inner();
    let rows = span::rows(state, trace, inner);
    let over = rows.len().saturating_sub(usize::from(inner.h));
    let scroll = usize::from(trace.scroll).min(over);
    let note = match over - scroll {
        0 => Row::new(),
        more => {
            let reach = if trace.in_detail { String::new() } else { key(state, Action::NextPane, "reaches them") };
            Row::new().own(&format!("{} more{reach}", things(more as u64, "line")), theme.quiet())
        }
    };
    let title = match span::selected(trace, view) {
        Some((service, span)) => {
            let arrow = if span.is_call() { theme.sign(" → ", " -> ") } else { " " };
            Row::new().own(service, theme.strong()).plain(arrow).own(&span.operation(), Style::new())
        }
        None => Row::new().text("Span", theme.strong()),
    };
    frame_of(state, pen, places.detail, Frame::Rule, trace.in_detail, title, note);
    for (y, row) in (inner.y..inner.y + inner.h).zip(rows.iter().skip(scroll)) {
        pen.row(inner.x, y, inner.w, row);
    }
}

/// The style of a span's bar: the token's own, so that the eye sees where it changes; red and the like where a hop broke.
fn bar_style(state: &State, trace: &crate::tui::waterfall::Waterfall, view: &TraceView, at: usize) -> Style {
    use crate::tui::waterfall::lane::Held;
    let theme = state.theme;
    let node = &trace.nodes[at];
    if let Some(hop) = hop_at(view, node).filter(|hop| hop.verdict.accuses()) {
        let told = node.mark.as_ref().and_then(|mark| mark.verdict);
        if told == Some(hop.verdict) {
            return theme.verdict(hop.verdict);
        }
    }
    match node.mark.as_ref().map(|mark| &mark.held) {
        Some(Held::Token(name)) => theme.token(name),
        _ => theme.quiet(),
    }
}
