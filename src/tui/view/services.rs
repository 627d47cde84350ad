//! The page of services.

use super::page_frame;
use super::pen::{Pen, Row};
use super::table::{Column, Table, cell};
use crate::tui::geometry::Area;
use crate::tui::page::services::at;
use crate::tui::state::State;
use crate::tui::text::{count, things};

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    super::inner(state.body()).h.saturating_sub(1)
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let rows = state.services_listed();
    let note = Row::new().own(&count(rows.len() as u64), theme.quiet());
    let all = state.services_known();
    let words = state.filter_words(Some((rows.len(), all)), area.w.saturating_sub(24));
    let inner = page_frame(state, pen, area, Row::new().text("Services", theme.strong()).then(words), note);
    if rows.is_empty() && state.filter.filter.is_some() {
        let lines = [format!("none of {} matches", things(all as u64, "service")), state.filter_way_out(all)];
        return super::traces::says(state, pen, inner, &lines);
    }
    let columns = [
        Column::left("service", 20, 255).growing(),
        Column::left("stack", 8, 100),
        Column::right("spans", 8, 50),
        Column::left("received", 10, 90),
        Column::left("sent", 10, 90),
        Column::left("verifies", 10, 80),
    ];
    let table = Table { columns: &columns, rows: rows.len(), at: at(state), reverse: false };
    table.render(pen, inner, theme, |row| {
        let row = rows[row];
        let said = |known: Option<bool>, yes, no| match known {
            Some(true) => cell(yes, theme.good()),
            Some(false) => cell(no, theme.warning()),
            None => cell("-", theme.quiet()),
        };
        vec![
            cell(&row.name, theme.strong()),
            cell(&row.language, theme.quiet()),
            cell(&count(row.spans), theme.quiet()),
            said(row.captures_inbound, "captured", "dark"),
            said(row.captures_outbound, "captured", "dark"),
            said(row.verifies, "yes", "skips"),
        ]
    });
}
