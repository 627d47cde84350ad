//! The calls as a list, in the order in which the graph is read: for those who prefer lists, for screen readers, and for
//! graphs of which no drawing could be read.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use super::problems::cause_text;
use super::table::{Column, Table, cell, first};
use crate::trail::summary::EdgeRow;
use crate::tui::geometry::Area;
use crate::tui::graph::EdgeKey;
use crate::tui::state::{Selection, State};
use crate::tui::text::{Safe, count};

/// The row that the list is moved to: the selected call, or the first of the selected node.
fn at(state: &State, rows: &[&EdgeRow]) -> usize {
    let found = match &state.selection {
        Selection::Node(node) => rows.iter().position(|row| EdgeKey::of(row).touches(node)),
        selection => {
            let lit = selection.edge();
            rows.iter().position(|row| lit == Some(&EdgeKey::of(row)))
        }
    };
    found.unwrap_or(0)
}

/// The call at a line of the list.
pub fn row_at(state: &State, area: Area, y: u16) -> Option<usize> {
    // The headings take the first line.
    let line = y.checked_sub(area.y + 1).filter(|line| line + 1 < area.h)?;
    let rows = state.edges_listed();
    Some(first(at(state, &rows), area.h - 1) + usize::from(line))
}

/// Draws the list.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let rows = state.edges_listed();
    let at = at(state, &rows);
    let name = |row: &EdgeRow| EdgeKey::of(row).title(theme.sign("→", "->"));
    let shown = rows.iter().skip(first(at, area.h.saturating_sub(1))).take(usize::from(area.h));
    let longest = shown.map(|row| Safe::new(&name(row)).width()).max().unwrap_or(0);
    let columns = [
        Column::left("call", u16::try_from(longest.clamp(16, 40)).unwrap_or(40), 255),
        Column::left("verdict", 12, 200),
        Column::left("cause", 16, 100).growing(),
        Column::right("hops", 7, 150),
        Column::right("per second", 10, 50),
        Column::left("through", 14, 60),
    ];
    let table = Table { columns: &columns, rows: rows.len(), at, reverse: false };
    table.render(pen, area, theme, |at| {
        let row = rows[at];
        let style = theme.verdict(row.shown);
        let verdict = Row::new().text(theme.glyph(row.shown), style).plain(" ").text(row.shown.name(), style);
        let cause = row.sample.cause.map(|cause| cause_text(cause, &row.sample)).unwrap_or_default();
        let through: Vec<&str> = row.waypoints.iter().map(|name| &**name).collect();
        vec![
            cell(&name(row), Style::new()),
            verdict,
            cell(&cause, Style::new()),
            cell(&count(row.hops), theme.quiet()),
            cell(&rate(row.rate), theme.quiet()),
            cell(&through.join(", "), theme.quiet()),
        ]
    });
}

/// Hops in a second; nothing where none came lately.
fn rate(rate: f32) -> String {
    if rate > 0.0 { format!("{rate:.1}") } else { String::new() }
}
