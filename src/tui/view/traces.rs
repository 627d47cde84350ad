//! The list of traces.

use ratatui::style::Style;

use super::page_frame;
use super::pen::{Pen, Row};
use super::table::{Column, Table, cell, top};
use crate::engine::query::{TraceOrder, TracePage};
use crate::model::{Severity, UnixNanos};
use crate::trail::views::TraceRow;
use crate::tui::Mode;
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::{Safe, count, duration, things};

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    list(state).h.saturating_sub(1)
}

/// Where the table stands: what is only a part has lines below it that say so.
fn list(state: &State) -> Area {
    let inner = super::inner(state.body());
    Area { h: inner.h.saturating_sub(u16::try_from(partial(state).len()).unwrap_or(0)), ..inner }
}

/// The row of the page at a line of the screen.
pub fn row_at(state: &State, y: u16) -> Option<usize> {
    let (area, page) = (list(state), state.traces.page.as_deref()?);
    let line = y.checked_sub(area.y + 1).filter(|line| *line + 1 < area.h)?;
    Some(first(state, page) + usize::from(line)).filter(|row| *row < page.rows.len())
}

/// What a click on a heading sorts by.
pub fn heading_at(state: &State, x: u16, y: u16) -> Option<TraceOrder> {
    let area = list(state);
    if y != area.y || state.traces.page.as_ref().is_none_or(|page| page.rows.is_empty()) {
        return None;
    }
    let columns = columns(state);
    let at = Table { columns: &columns, rows: 0, at: 0, reverse: false }.heading_at(area, x)?;
    ORDERS.iter().find(|(_, title)| columns[at].title == *title).map(|(order, _)| *order)
}

/// The heading of each column that can be sorted by.
const ORDERS: [(TraceOrder, &str); 5] = [
    (TraceOrder::Start, "start"),
    (TraceOrder::Service, "root"),
    (TraceOrder::Hops, "hops"),
    (TraceOrder::Severity, "worst"),
    (TraceOrder::Duration, "time"),
];

fn columns(state: &State) -> [Column; 10] {
    // What says most gets its room before columns that say little are kept.
    let (root, worst) = match state.size.0 {
        ..70 => (18, 14),
        70..100 => (20, 18),
        _ => (24, 20),
    };
    let all = [
        Column::right("start", 7, 150),
        Column::left("trace", 8, 20),
        Column::left("root", root, 255).up_to(28, 0).growing(),
        Column::right("services", 8, 30),
        Column::left("names", 16, 10).up_to(48, 3),
        Column::right("hops", 5, 60).up_to(7, 4),
        Column::left("worst", worst, 250).up_to(28, 1),
        Column::left("tokens", 9, 120).up_to(17, 2),
        Column::right("time", 7, 100),
        Column::right("status", 6, 110),
    ];
    let sorted = ORDERS.iter().find(|(order, _)| *order == state.traces.order).map(|(_, title)| *title);
    all.map(|column| column.sorted(sorted == Some(column.title)))
}

fn first(state: &State, page: &TracePage) -> usize {
    top(state.traces.at(), state.traces.line, rows(state), page.rows.len())
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let page = state.traces.page.as_deref();
    let known = page.filter(|_| state.traces.answers.filter == state.filter.filter);
    let columns = columns(state);
    let at = state.traces.at();
    let table =
        Table { columns: &columns, rows: page.map_or(0, |page| page.rows.len()), at, reverse: state.traces.reverse };
    let order = if table.shows_order(super::inner(area)) { "" } else { order_title(state) };
    let note = known.filter(|page| !page.rows.is_empty()).map(|page| format!("{order}{}", numbers(page, at)));
    let words = state.filter_words(known.map(|page| (page.matching, page.held)), area.w.saturating_sub(34));
    let title = Row::new().text("Traces", theme.strong()).then(words);
    let inner = page_frame(state, pen, area, title, Row::new().own(&note.unwrap_or_default(), theme.quiet()));
    let list = list(state);
    for (text, y) in partial(state).iter().zip(inner.y + list.h..) {
        let row = Row::new().text(theme.sign("▲ ", "! "), theme.warning()).own(text, theme.warning());
        pen.row(inner.x + 1, y, inner.w.saturating_sub(1), &row);
    }
    if calls_alone(state) {
        return says(state, pen, list, &[format!("{CALLS_ALONE}, so no trace either: replay the traces themselves")]);
    }
    let Some(page) = page else { return says(state, pen, list, &["asking for the traces held …".to_owned()]) };
    if page.rows.is_empty() {
        return says(state, pen, list, &nothing(state, page));
    }
    table.render_from(pen, list, theme, first(state, page), |row| cells(state, &page.rows[row]));
}

/// What a dependency list leaves to say on pages that live from spans.
pub(super) const CALLS_ALONE: &str = "a dependency list holds no span";

/// Whether a dependency list is shown: calls that no span stands behind, and none will come.
pub(super) fn calls_alone(state: &State) -> bool {
    matches!(state.mode, Mode::Replay { .. })
        && state.playback.is_none()
        && state.snapshot.totals.spans == 0
        && !state.is_empty()
}

/// A page without rows: why, and what to do.
fn nothing(state: &State, page: &TracePage) -> Vec<String> {
    if page.held == 0 {
        return vec!["no trace yet: each shows here with its first span".to_owned()];
    }
    let so_far = if page.searched < page.held { " so far" } else { "" };
    vec![
        format!("none of {} matches{so_far}", things(page.held as u64, "trace")),
        format!("filter: {}", state.filter_text()),
        state.filter_way_out(page.held),
    ]
}

/// Lines in place of rows.
pub(super) fn says(state: &State, pen: &mut Pen, area: Area, lines: &[String]) {
    let width = usize::from(area.w.saturating_sub(2));
    let lines = lines.iter().flat_map(|line| Safe::new(line).wrap(width));
    for (y, line) in (area.y..area.y + area.h).zip(lines) {
        pen.put(area.x + 1, y, area.w.saturating_sub(1), &line, state.theme.quiet());
    }
}

/// What is missing from the list, in as few lines as it fits.
fn partial(state: &State) -> Vec<String> {
    let Some(page) = &state.traces.page else { return Vec::new() };
    let mut said = Vec::new();
    if page.searched < page.held {
        let (searched, held) = (count(page.searched as u64), count(page.held as u64));
        said.push(format!("searched the newest {searched} of {held} traces"));
    }
    if let Some(until) = page.evicted_until {
        let evicted = state.snapshot.totals.lost.evicted_traces;
        let many = if evicted > 0 { format!(" ({})", count(evicted)) } else { String::new() };
        said.push(format!("traces before {} evicted{many}", clock(until)));
    }
    let line = said.join("; ");
    if said.len() > 1 && line.len() + 4 <= usize::from(super::inner(state.body()).w) { vec![line] } else { said }
}

/// What the list is sorted by, where no heading shows it.
fn order_title(state: &State) -> &'static str {
    match state.traces.order {
        TraceOrder::Start => "by start, ",
        TraceOrder::Severity => "by worst, ",
        TraceOrder::Duration => "by time, ",
        TraceOrder::Hops => "by hops, ",
        TraceOrder::Service => "by root, ",
    }
}

/// The time of day, UTC: `14:02 UTC`.
fn clock(time: UnixNanos) -> String {
    let minutes = time.0 / 60_000_000_000 % 1_440;
    format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
}

fn numbers(page: &TracePage, at: usize) -> String {
    let place = (page.first + at + 1).min(page.matching);
    format!("{} of {}", count(place as u64), count(page.matching as u64))
}

fn cells(state: &State, row: &TraceRow) -> Vec<Row> {
    let theme = state.theme;
    let (plain, quiet) = (Style::new(), theme.quiet());
    let names: Vec<&str> = row.services.iter().map(|name| &**name).collect();
    let mut tokens = Row::new();
    for token in row.tokens.iter().take(3) {
        let name = token.short_name();
        tokens = tokens.own(&name, theme.token(&name)).plain(" ");
    }
    if row.tokens.len() > 3 {
        tokens = tokens.own(&format!("+{}", row.tokens.len() - 3), quiet);
    }
    let status = match row.status {
        Some(status @ 400..) => cell(&status.to_string(), theme.warning()),
        Some(status) => cell(&status.to_string(), plain),
        None => Row::new(),
    };
    vec![
        cell(&state.since(row.start), quiet),
        cell(&row.id.to_string()[..8], quiet),
        Row::new().own(&row.service, theme.strong()).plain(" ").own(&row.operation, plain),
        cell(&row.services.len().to_string(), plain),
        cell(&names.join(" "), quiet),
        cell(&count(row.hops as u64), plain),
        worst(state, row),
        tokens,
        cell(&duration(row.duration), plain),
        status,
    ]
}

/// The worst that happened, how often, and why.
fn worst(state: &State, row: &TraceRow) -> Row {
    let theme = state.theme;
    let Some(verdict) = row.worst else {
        return match row.severity {
            _ if row.hops == 0 => {
                Row::new().text(theme.sign("…", "~"), theme.quiet()).text(" no hop yet", theme.quiet())
            }
            Severity::Info => cell(theme.sign("✓", "v"), theme.good()),
            severity => {
                let style = theme.severity(severity);
                Row::new().text(theme.finding_glyph(), style).own(&format!(" {} finding", severity.name()), style)
            }
        };
    };
    let style = theme.verdict(verdict);
    let many = if row.accused > 1 { format!(" {}", count(row.accused as u64)) } else { String::new() };
    let cause = row.cause.map(|cause| format!(" {}", cause.name().replace('_', " "))).unwrap_or_default();
    let word = format!("{many} {}", verdict.name());
    Row::new().text(theme.glyph(verdict), style).own(&word, style).own(&cause, theme.quiet())
}
