//! The evidence of what is selected on the map: a problem, an edge, or a node.

use ratatui::style::Style;

use super::evidence::Page;
use super::frame;
use super::pen::{Pen, Row};
use super::problems::{cause_text, is_over};
use crate::model::{Segment, UnixNanos, Verdict};
use crate::trail::summary::{EdgeRow, ProblemRow};
use crate::tui::geometry::{Area, Frame, Pane};
use crate::tui::graph::OUTSIDE;
use crate::tui::state::{Selection, State};
use crate::tui::text::count;
use crate::tui::theme::sparkline;

/// Draws the pane.
pub fn render(state: &State, pen: &mut Pen, area: Area, shape: Frame) {
    let inner = area.inner(shape);
    let rows = rows(state, inner);
    let over = rows.len().saturating_sub(usize::from(inner.h));
    let below = over.saturating_sub(usize::from(state.scroll));
    let note = match (over, below) {
        (0, _) => Row::new(),
        (_, 1) => Row::new().text("1 line more", state.theme.quiet()),
        _ => Row::new().own(&format!("{below} lines more"), state.theme.quiet()),
    };
    frame(state, pen, area, shape, Pane::Detail, title(state), note);
    let first = usize::from(state.scroll).min(over);
    for (y, row) in (inner.y..inner.y + inner.h).zip(rows.iter().skip(first)) {
        pen.row(inner.x, y, inner.w, row);
    }
}

/// Lines that do not fit: how far the pane can be scrolled.
pub fn overflow(state: &State) -> u16 {
    let screen = state.screen();
    let inner = screen.detail.inner(screen.frame);
    let rows = rows(state, inner).len();
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_sub(inner.h)
}

fn title(state: &State) -> Row {
    let theme = state.theme;
    let arrow = theme.sign("→", "->");
    match &state.selection {
        Selection::None => Row::new().text("Evidence", theme.strong()),
        Selection::Node(node) => Row::new().own(node.as_deref().unwrap_or(OUTSIDE), theme.strong()),
        Selection::Edge(edge) => Row::new().own(&edge.title(arrow), theme.strong()),
        Selection::Problem(key) => Row::new().own(&key.edge.title(arrow), theme.strong()),
    }
}

fn rows(state: &State, area: Area) -> Vec<Row> {
    let mut page = Page::new(usize::from(area.w.saturating_sub(1)), state.theme);
    match &state.selection {
        Selection::Problem(key) => {
            if let Some(row) = state.problem(key) {
                page.problem(state, row);
            }
        }
        Selection::Edge(key) => {
            if let Some(row) = state.edge(key) {
                page.edge(state, row);
            }
        }
        Selection::Node(Some(name)) => {
            if let Some(row) = state.service(name) {
                page.service(state, row);
            }
        }
        Selection::Node(None) => page.outside(state),
        Selection::None => page.text("", "select an edge or a problem to see its evidence", state.theme.quiet()),
    }
    page.done()
}

impl Page {
    fn problem(&mut self, state: &State, row: &ProblemRow) {
        let hop = &row.sample;
        let (glyph, word, style) = match (row.verdict, row.finding) {
            (Some(verdict), _) => (self.theme.glyph(verdict), verdict.name(), self.theme.verdict(verdict)),
            (None, Some(finding)) => (self.theme.finding_glyph(), finding.name(), self.theme.severity(row.severity)),
            (None, None) => ("?", "unknown", self.theme.quiet()),
        };
        let mut parts = vec![Row::new().text(glyph, style).plain(" ").own(&word.replace('_', " "), style)];
        if let Some(cause) = row.cause {
            parts.push(Row::new().own(&cause_text(cause, hop), Style::new()));
        }
        match (row.verdict, row.segment) {
            (Some(Verdict::Changed), Some(Segment::Relay)) => {
                parts.push(Row::new().text("by the caller", Style::new()));
            }
            (Some(Verdict::Changed), Some(Segment::Transit)) => parts.push(Row::new().text("on the way", Style::new())),
            _ => {}
        }
        parts.push(match super::problems::ignored(row) {
            Some(reason) => Row::new().own(&format!("ignored: {reason}"), self.theme.severity(row.severity)),
            None => Row::new().text(row.severity.name(), self.theme.severity(row.severity)),
        });
        parts.push(Row::new().text(row.confidence.name(), Style::new()));
        parts.push(Row::new().own(&format!("{} of {} hops", count(row.count), count(row.of)), Style::new()));
        if is_over(state, row) {
            parts.push(Row::new().text("later calls went without it", self.theme.good()));
        }
        self.parts("verdict", Row::new(), parts);
        // A finding's own words say more of it than the hint of a verdict that stands beside it.
        let found = row.finding.and_then(|finding| hop.findings.iter().find(|hit| hit.finding == finding));
        if let Some(hit) = found.filter(|hit| !hit.detail.is_empty()) {
            self.text("because", &hit.detail, Style::new());
        }
        self.hop(hop, row.hint.as_deref().or(hop.hint.as_deref()), row.finding);
        let seen = vec![
            Row::new().own(&sparkline(&row.spark, self.theme), style).own(
                &format!("  {} in 5 min", count(row.spark.iter().map(|slot| u64::from(*slot)).sum())),
                self.theme.quiet(),
            ),
            Row::new().own(&format!("first {}", ago(state, row.first_seen)), self.theme.quiet()),
            Row::new().own(&format!("last {}", ago(state, row.last_seen)), self.theme.quiet()),
        ];
        self.parts("seen", Row::new(), seen);
    }

    fn edge(&mut self, state: &State, row: &EdgeRow) {
        let hop = &row.sample;
        let style = self.theme.verdict(hop.verdict);
        let mut parts =
            vec![Row::new().text(self.theme.glyph(hop.verdict), style).plain(" ").text(hop.verdict.name(), style)];
        if let Some(cause) = hop.cause {
            parts.push(Row::new().own(&cause_text(cause, hop), Style::new()));
        }
        if !hop.settled {
            parts.push(Row::new().text("not settled: evidence may still come", self.theme.quiet()));
        }
        parts.push(Row::new().text(hop.confidence.name(), Style::new()));
        parts.push(Row::new().own(&crate::tui::text::things(row.hops, "hop"), Style::new()));
        if row.rate > 0.0 {
            parts.push(Row::new().own(&format!("{:.1}/s", row.rate), Style::new()));
        }
        self.parts("verdict", Row::new(), parts);
        let tally = Verdict::ALL.iter().filter(|verdict| row.verdicts[**verdict as usize] > 0);
        let tally: Vec<Row> = tally
            .map(|verdict| {
                let number = count(row.verdicts[*verdict as usize]);
                Row::new().own(&format!("{number} {verdict}"), self.theme.verdict(*verdict))
            })
            .collect();
        if tally.len() > 1 {
            self.parts("hops", Row::new(), tally);
        }
        self.hop(hop, hop.hint.as_deref(), None);
        let last = Row::new().own(&format!("last {}", ago(state, row.last_seen)), self.theme.quiet());
        self.parts("seen", Row::new(), vec![last]);
    }
}

fn ago(state: &State, at: UnixNanos) -> String {
    format!("{} ago", state.since(at))
}
