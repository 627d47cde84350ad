//! The page of problems.

use ratatui::style::Style;

use super::page_frame;
use super::pen::{Pen, Row};
use super::problems::{ago, cause_text, finding_detail, is_over};
use super::table::{Column, Table, cell, top};
use super::traces::says;
use crate::engine::Totals;
use crate::model::Verdict;
use crate::trail::summary::ProblemRow;
use crate::tui::geometry::Area;
use crate::tui::page::problems::{self, ProblemOrder, at};
use crate::tui::state::{ProblemKey, State};
use crate::tui::text::{Safe, count, share, things};
use crate::tui::theme::sparkline;

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    panes(state, &problems::rows(state)).0.h.saturating_sub(1)
}

/// Columns of a screen from which on there is room for each number in full.
const WIDE: u16 = 160;

/// The table, and what stands below it: the selected problem in full.
fn panes(state: &State, rows: &[&ProblemRow]) -> (Area, Area) {
    let inner = super::inner(state.body());
    // The lines that the longest hint takes, so that the list does not grow and shrink while the selection moves.
    let lines = rows.iter().map(|row| lines(state, row, inner.w).len()).max().unwrap_or(0);
    let most = usize::from(inner.h / 2);
    let below = u16::try_from(lines.min(most)).unwrap_or(0) + u16::from(lines > 0);
    let list = Area { h: inner.h.saturating_sub(below), ..inner };
    (list, Area { y: inner.y + list.h, h: inner.h - list.h, ..inner })
}

/// The row at a line of the screen.
pub fn row_at(state: &State, y: u16) -> Option<usize> {
    let rows = problems::rows(state);
    let (area, _) = panes(state, &rows);
    let line = y.checked_sub(area.y + 1).filter(|line| *line + 1 < area.h)?;
    Some(first(state, &rows, area) + usize::from(line)).filter(|row| *row < rows.len())
}

fn first(state: &State, rows: &[&ProblemRow], area: Area) -> usize {
    top(at(state, rows), state.problem_list.line, area.h.saturating_sub(1), rows.len())
}

/// What a click on a heading sorts by.
pub fn heading_at(state: &State, x: u16, y: u16) -> Option<ProblemOrder> {
    let rows = problems::rows(state);
    let (area, _) = panes(state, &rows);
    if y != area.y || rows.is_empty() {
        return None;
    }
    let columns = columns(state);
    let at = Table { columns: &columns, rows: 0, at: 0, reverse: false }.heading_at(area, x)?;
    ORDERS.iter().find(|(_, title)| columns[at].title == *title).map(|(order, _)| *order)
}

/// The heading of each column that can be sorted by.
const ORDERS: [(ProblemOrder, &str); 4] = [
    (ProblemOrder::Severity, "severity"),
    (ProblemOrder::Count, "hops"),
    (ProblemOrder::LastSeen, "last"),
    (ProblemOrder::Caller, "call"),
];

fn columns(state: &State) -> [Column; 9] {
    // What says most gets its room before columns that say little are kept.
    let why = match state.size.0 {
        ..70 => 16,
        70..100 => 22,
        _ => 28,
    };
    let all = [
        Column::left("severity", 9, 130),
        Column::left("what", 9, 250).up_to(23, 2),
        Column::left("call", 17, 255).up_to(28, 0).growing(),
        Column::left("why", why, 180).up_to(44, 1),
        Column::right("hops", 10, 200).up_to(23, 3),
        Column::right("first", 5, 60),
        Column::right("last", 5, 120),
        Column::left("seen", 12, 90),
        Column::left("confidence", 10, 80),
    ];
    let sorted = ORDERS.iter().find(|(order, _)| *order == state.problem_list.order).map(|(_, title)| *title);
    all.map(|column| column.sorted(sorted == Some(column.title)))
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let (rows, all) = (problems::rows(state), state.snapshot.problems.len());
    let columns = columns(state);
    let at = at(state, &rows);
    let table = Table { columns: &columns, rows: rows.len(), at, reverse: state.problem_list.reverse };
    let order = if table.shows_order(super::inner(area)) { "" } else { order_title(state) };
    let note =
        if rows.is_empty() { String::new() } else { format!("{order}{} of {}", at + 1, count(rows.len() as u64)) };
    let words = state.filter_words(Some((rows.len(), all)), area.w.saturating_sub(34));
    let title = Row::new().text("Problems", theme.strong()).then(words);
    let inner = page_frame(state, pen, area, title, Row::new().own(&note, theme.quiet()));
    if rows.is_empty() {
        return says(state, pen, inner, &nothing(state, all));
    }
    let (list, below) = panes(state, &rows);
    table.render_from(pen, list, theme, first(state, &rows, list), |row| cells(state, rows[row]));
    if below.h > 1 {
        pen.rule(Area { x: below.x, w: below.w, ..below }, theme.quiet());
        let lines = lines(state, rows[at], below.w);
        for (y, line) in (below.y + 1..below.y + below.h).zip(&lines) {
            pen.row(below.x + 1, y, below.w.saturating_sub(1), line);
        }
    }
}

/// What the list is sorted by, where no heading shows it.
fn order_title(state: &State) -> &'static str {
    match state.problem_list.order {
        ProblemOrder::Severity => "by severity, ",
        ProblemOrder::Count => "by hops, ",
        ProblemOrder::LastSeen => "by last seen, ",
        ProblemOrder::Caller => "by caller, ",
    }
}

/// A page without rows: why, and what to do.
pub(super) fn nothing(state: &State, all: usize) -> Vec<String> {
    let totals = &state.snapshot.totals;
    if all > 0 {
        vec![
            format!("none of {} matches", things(all as u64, "problem")),
            format!("filter: {}", state.filter_text()),
            state.filter_way_out(all),
        ]
    } else {
        vec![no_problem(totals)]
    }
}

/// What an empty list may promise: only as much as was seen. Hops that show nothing are no reason to be at ease.
pub(super) fn no_problem(totals: &Totals) -> String {
    let [unknown, absent] = [Verdict::Unknown, Verdict::Absent].map(|verdict| totals.verdicts[verdict as usize]);
    if totals.hops == unknown {
        "nothing can be judged yet: no service shows its tokens".to_owned()
    } else if totals.hops == unknown + absent && unknown > 0 {
        format!("no token was seen: {} carried none, {unknown} of {} show nothing", things(absent, "hop"), totals.hops)
    } else if totals.hops == absent {
        format!("no token was seen: {} carried none", things(absent, "hop"))
    } else if unknown > 0 {
        let of = things(totals.hops, "hop");
        format!("none: every token that was seen got through, but {} of {of} show nothing", count(unknown))
    } else {
        "none: every token that was seen got through".to_owned()
    }
}

fn cells(state: &State, row: &ProblemRow) -> Vec<Row> {
    let theme = state.theme;
    let (plain, quiet) = (Style::new(), theme.quiet());
    let (glyph, word, style) = match (row.verdict, row.finding) {
        (Some(verdict), _) => (theme.glyph(verdict), verdict.name(), theme.verdict(verdict)),
        (None, finding) => {
            let name = finding.map_or("", |finding| finding.name());
            (theme.finding_glyph(), name, theme.severity(row.severity))
        }
    };
    vec![
        cell(super::problems::standing(row), theme.severity(row.severity)),
        Row::new().text(glyph, style).plain(" ").own(&word.replace('_', " "), style),
        cell(&ProblemKey::of(row).edge.title(theme.sign("→", "->")), plain),
        cell(&why(row), plain),
        cell(&share(row.count, row.of, if state.size.0 < WIDE { 10 } else { 23 }), plain),
        cell(&state.since(row.first_seen), quiet),
        cell(&state.since(row.last_seen), quiet),
        cell(&sparkline(&row.spark, theme), quiet),
        cell(row.confidence.name(), quiet),
    ]
}

/// The cause in words, or what the finding found.
fn why(row: &ProblemRow) -> String {
    match (row.cause, row.finding) {
        (Some(cause), _) => cause_text(cause, &row.sample),
        (None, Some(finding)) => finding_detail(finding, &row.sample),
        (None, None) => String::new(),
    }
}

/// The selected problem in full: what, where, and what to look at.
fn lines(state: &State, row: &ProblemRow, width: u16) -> Vec<Row> {
    const LABEL: usize = 11;
    let theme = state.theme;
    let room = usize::from(width).saturating_sub(LABEL + 2).max(20);
    let status = row.sample.status.map(|status| format!(", answered {status}")).unwrap_or_default();
    let traces = match row.traces.len() {
        1 => format!("{}: Enter opens it", &row.traces[0].to_string()[..8]),
        _ => "Enter lists those that show it".to_owned(),
    };
    let asked = format!("{}{status}", row.sample.operation);
    let first = state.since(row.first_seen);
    let over = if is_over(state, row) { ", and later calls went without it" } else { "" };
    let seen = format!("first {first} ago, last {}{over}, {}", ago(state, row), row.confidence.name());
    let parts = [
        ("why", Some(why(row)), Style::new()),
        ("asked for", Some(asked), Style::new()),
        ("look at", row.hint.clone(), theme.strong()),
        ("seen", Some(seen), theme.quiet()),
        ("traces", Some(traces), theme.quiet()),
    ];
    let mut lines = Vec::new();
    for (label, text, style) in parts {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        for (at, line) in Safe::new(&text).wrap(room).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            lines.push(Row::new().own(&format!("{label:LABEL$}"), theme.quiet()).safe(line, style));
        }
    }
    lines
}
