//! The list of traces.

use ratatui::style::Style;

use super::page_frame;
use super::pen::{Pen, Row};
use super::table::{Column, Table, cell, first};
use crate::engine::query::{TraceOrder, TracePage};
use crate::trail::views::TraceRow;
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::{count, duration, stretch};

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    inner(state).h.saturating_sub(1)
}

fn inner(state: &State) -> Area {
    super::inner(state.body())
}

/// The row of the page at a line of the screen.
pub fn row_at(state: &State, y: u16) -> Option<usize> {
    let area = inner(state);
    let line = y.checked_sub(area.y + 1).filter(|line| *line + 1 < area.h)?;
    Some(first(state.traces.at(), area.h - 1) + usize::from(line))
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let page = state.traces.page.as_deref();
    let note = page.map_or_else(Row::new, |page| Row::new().own(&numbers(page, state.traces.at()), theme.quiet()));
    let inner = page_frame(state, pen, area, Row::new().text("Traces", theme.strong()), note);
    let Some(page) = page else {
        pen.row(inner.x + 1, inner.y, inner.w, &Row::new().text("asking for the traces held …", theme.quiet()));
        return;
    };
    if page.rows.is_empty() {
        let none = if page.held == 0 { "no trace yet" } else { "no trace matches the filter" };
        pen.row(inner.x + 1, inner.y, inner.w, &Row::new().text(none, theme.quiet()));
        return;
    }
    let sorted = |order| state.traces.order == order;
    let columns = [
        Column::right("start", 8, 50).sorted(sorted(TraceOrder::Start)),
        Column::left("trace", 8, 20),
        Column::left("root", 20, 255).growing().sorted(sorted(TraceOrder::Service)),
        Column::right("services", 8, 30),
        Column::right("hops", 5, 40).sorted(sorted(TraceOrder::Hops)),
        Column::left("worst", 14, 200).sorted(sorted(TraceOrder::Severity)),
        Column::left("tokens", 14, 60),
        Column::right("time", 8, 45).sorted(sorted(TraceOrder::Duration)),
        Column::right("status", 6, 55),
    ];
    let at = state.traces.at();
    let table = Table { columns: &columns, rows: page.rows.len(), at, reverse: state.traces.reverse };
    table.render(pen, inner, theme, |row| cells(state, &page.rows[row]));
}

fn numbers(page: &TracePage, at: usize) -> String {
    let of = count(page.matching as u64);
    let at = count((page.first + at + 1).min(page.matching) as u64);
    if page.matching == page.held {
        format!("{at} of {of}")
    } else {
        format!("{at} of {of}, {} held", count(page.held as u64))
    }
}

fn cells(state: &State, row: &TraceRow) -> Vec<Row> {
    let theme = state.theme;
    let (plain, quiet) = (Style::new(), theme.quiet());
    let ago = state.snapshot.now.0.saturating_sub(row.start.0) / 1_000_000_000;
    let worst = row.worst.map_or_else(
        || cell(theme.sign("✓", "v"), theme.good()),
        |verdict| {
            let style = theme.verdict(verdict);
            Row::new().text(theme.glyph(verdict), style).own(&format!(" {} {}", row.accused, verdict.name()), style)
        },
    );
    let mut tokens = Row::new();
    for token in row.tokens.iter().take(3) {
        let name = token.short_name();
        tokens = tokens.own(&name, theme.token(&name)).plain(" ");
    }
    vec![
        cell(&stretch(ago), quiet),
        cell(&row.id.to_string()[..8], quiet),
        Row::new().own(&row.service, theme.strong()).plain(" ").own(&row.operation, plain),
        cell(&row.services.len().to_string(), plain),
        cell(&count(row.hops as u64), plain),
        worst,
        tokens,
        cell(&duration(row.duration), plain),
        cell(&row.status.map(|status| status.to_string()).unwrap_or_default(), plain),
    ]
}
