//! One trace.

use super::page_frame;
use super::pen::{Pen, Row};
use super::table::{Column, Table, cell};
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::duration;

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    super::inner(state.body()).h.saturating_sub(1)
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let Some(trace) = &state.trace else { return };
    let title = Row::new().text("Trace ", theme.strong()).own(&trace.id.to_string(), theme.quiet());
    let inner = page_frame(state, pen, area, title, Row::new());
    let Some(view) = &trace.view else {
        let text = if trace.answered { "this trace is not held any more" } else { "asking for the trace …" };
        pen.row(inner.x + 1, inner.y, inner.w, &Row::new().text(text, theme.quiet()));
        return;
    };
    let columns =
        [Column::left("service", 16, 255), Column::left("span", 20, 255).growing(), Column::right("time", 8, 50)];
    let table = Table { columns: &columns, rows: view.spans.len(), at: trace.at, reverse: false };
    table.render(pen, inner, theme, |row| {
        let (service, span) = &view.spans[row];
        let long = span.end.0.saturating_sub(span.start.0);
        vec![cell(service, theme.strong()), cell(&span.name, theme.strong()), cell(&duration(long), theme.quiet())]
    });
}
