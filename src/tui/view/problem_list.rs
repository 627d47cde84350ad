//! The page of problems.

use super::page_frame;
use super::pen::{Pen, Row};
use super::problems::cause_text;
use super::table::{Column, Table, cell, first};
use crate::tui::geometry::Area;
use crate::tui::page::problems::at;
use crate::tui::state::{ProblemKey, State};
use crate::tui::text::count;

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    super::inner(state.body()).h.saturating_sub(1)
}

/// The row at a line of the screen.
pub fn row_at(state: &State, y: u16) -> Option<usize> {
    let area = super::inner(state.body());
    let line = y.checked_sub(area.y + 1).filter(|line| *line + 1 < area.h)?;
    Some(first(at(state), area.h - 1) + usize::from(line))
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let rows = state.all_problems();
    let note = Row::new().own(&count(rows.len() as u64), theme.quiet());
    let inner = page_frame(state, pen, area, Row::new().text("Problems", theme.strong()), note);
    if rows.is_empty() {
        let text = "none: every token that was seen got through";
        pen.row(inner.x + 1, inner.y, inner.w, &Row::new().text(text, theme.quiet()));
        return;
    }
    let columns = [
        Column::left("severity", 8, 100),
        Column::left("call", 24, 255).growing(),
        Column::left("what", 30, 200),
        Column::right("hops", 12, 90),
        Column::left("confidence", 10, 50),
    ];
    let table = Table { columns: &columns, rows: rows.len(), at: at(state), reverse: false };
    table.render(pen, inner, theme, |row| {
        let row = rows[row];
        let name =
            row.verdict.map_or_else(|| row.finding.map_or("", |finding| finding.name()), |verdict| verdict.name());
        let what = row.cause.map_or_else(|| name.replace('_', " "), |cause| cause_text(cause, &row.sample));
        vec![
            cell(row.severity.name(), theme.severity(row.severity)),
            cell(&ProblemKey::of(row).edge.title(theme.sign("→", "->")), theme.strong()),
            cell(&what, theme.strong()),
            cell(&format!("{} of {}", count(row.count), count(row.of)), theme.quiet()),
            cell(row.confidence.name(), theme.quiet()),
        ]
    });
}
