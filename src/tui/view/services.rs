//! The page of services: what each of them tells.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use super::table::{Column, Table, cell, first};
use super::words::{self, key_does};
use super::{service_detail, split};
use crate::trail::summary::ServiceRow;
use crate::tui::geometry::Area;
use crate::tui::message::Action;
use crate::tui::page::services::{Light, Listed, Order, at, listed};
use crate::tui::state::State;
use crate::tui::text::{Safe, count, things};
use crate::tui::theme::Theme;

/// The list's and the detail's place.
pub fn parts(state: &State) -> (Area, Area) {
    split::parts(state.body(), listed(state).len())
}

/// Rows that show.
pub fn rows(state: &State) -> u16 {
    split::inner(state.body(), parts(state).0).h.saturating_sub(1)
}

/// The row at a line of the screen.
pub fn row_at(state: &State, y: u16) -> Option<usize> {
    let area = split::inner(state.body(), parts(state).0);
    let line = y.checked_sub(area.y + 1).filter(|line| line + 1 < area.h)?;
    Some(first(at(state, &listed(state)), area.h - 1) + usize::from(line))
}

/// Draws the page.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let theme = state.theme;
    let rows = listed(state);
    let all = state.services_known();
    let words = state.filter_words(Some((rows.len(), all)), area.w.saturating_sub(40));
    let title = Row::new().text("Services", theme.strong()).then(words);
    if rows.is_empty() && state.filter.filter.is_some() {
        let inner = super::page_frame(state, pen, area, title, Row::new());
        let lines = [format!("none of {} matches", things(all as u64, "service")), state.filter_way_out(all)];
        return super::traces::says(state, pen, inner, &lines);
    }
    if rows.is_empty() {
        let inner = super::page_frame(state, pen, area, title, Row::new());
        return nothing(state, pen, inner);
    }
    let (upper, lower) = parts(state);
    let inner = split::list(state, pen, upper, title, numbers(state, &rows));
    let by = |order| state.services.order == order;
    let columns = [
        Column::left("service", 19, 255).growing().sorted(by(Order::Name)),
        Column::left("shows", 8, 210).sorted(by(Order::Dark)),
        Column::left("stack", 8, 100),
        Column::right("spans", 7, 50),
        Column::left("received", 9, 200),
        Column::left("sent", 9, 199),
        Column::left("absence", 9, 60),
        Column::left("verifies", 14, 150),
        Column::left("keys", 14, 90),
        Column::right("as caller", 9, 120).sorted(by(Order::Problems)),
        Column::right("as callee", 9, 121).sorted(by(Order::Problems)),
    ];
    let at = at(state, &rows);
    let table = Table { columns: &columns, rows: rows.len(), at, reverse: state.services.reverse };
    table.render(pen, inner, theme, |at| match rows[at] {
        Listed::Service(row, problems) => cells(state, row, problems),
        Listed::Proxy(name) => proxy(theme, name),
    });
    service_detail::render(state, pen, lower);
}

fn nothing(state: &State, pen: &mut Pen, area: Area) {
    let strong = state.theme.strong();
    let lines = if state.snapshot.totals.spans == 0 {
        vec![
            Row::new().text("No service yet.", strong),
            key_does(state, Action::ViewMap, "shows where exporters are to be pointed"),
            key_does(state, Action::CopySnippet, "copies the settings for a stack"),
        ]
    } else {
        vec![Row::new().text("The spans came, but no service of theirs is known yet.", strong)]
    };
    words::nothing(pen, area, lines);
}

/// How the list is sorted, how many there are, and how many of them show nothing.
fn numbers(state: &State, rows: &[Listed<'_>]) -> Row {
    let theme = state.theme;
    let order = match state.services.order {
        Order::Dark => "dark first  ",
        Order::Name => "by name  ",
        Order::Problems => "by problems  ",
    };
    let is_dark = |row: &&Listed<'_>| matches!(row, Listed::Service(row, _) if Light::of(row) == Light::Dark);
    let dark = rows.iter().filter(is_dark).count();
    let proxies = rows.iter().filter(|row| matches!(row, Listed::Proxy(_))).count();
    let services = things((rows.len() - proxies) as u64, "service");
    let all = Row::new().text(order, theme.quiet()).own(&services, theme.quiet());
    if dark == 0 { all } else { all.own(&format!(", {dark} dark"), theme.warning()) }
}

/// How much it shows: a sign and a word.
pub fn light(theme: Theme, light: Light) -> Row {
    let (sign, plain, word, style) = match light {
        Light::Dark => ("○", "-", " dark", theme.warning()),
        Light::Half => ("◐", "~", " half", theme.warning()),
        Light::Silent => ("·", ".", " silent", theme.quiet()),
        Light::Lit => ("●", "*", " lit", theme.good()),
    };
    Row::new().text(theme.sign(sign, plain), style).text(word, style)
}

fn cells(state: &State, row: &ServiceRow, [caller, callee]: [u64; 2]) -> Vec<Row> {
    let theme = state.theme;
    let side = |captured: Option<bool>| match captured {
        Some(true) => Row::new().text("captured", theme.good()),
        Some(false) => Row::new().text("dark", theme.warning()),
        None => Row::new().text(theme.sign("—", "-"), theme.quiet()),
    };
    let problems = |number: u64| match number {
        0 => Row::new().text(theme.sign("—", "-"), theme.quiet()),
        _ => cell(&count(number), theme.warning()),
    };
    vec![
        cell(&row.name, theme.strong()),
        light(theme, Light::of(row)),
        cell(stack(row), theme.quiet()),
        cell(&count(row.spans), theme.quiet()),
        side(row.captures_inbound),
        side(row.captures_outbound),
        if row.witness { Row::new().text("proven", theme.good()) } else { Row::new().text("unproven", theme.quiet()) },
        verifies(theme, row),
        keys(state, row),
        problems(caller),
        problems(callee),
    ]
}

/// The language, or what else it says of itself.
pub fn stack(row: &ServiceRow) -> &str {
    match (&*row.language, &*row.sdk) {
        ("", "") => "?",
        ("", sdk) => sdk,
        (language, _) => language,
    }
}

/// Whether it checks tokens, and how that is known.
fn verifies(theme: Theme, row: &ServiceRow) -> Row {
    match (row.verifies, row.check.says, row.check.refuses) {
        (Some(false), ..) => Row::new().text("no, it says", theme.warning()),
        (Some(true), true, true) => Row::new().text("says, refused", theme.good()),
        (Some(true), true, false) => Row::new().text("says so", theme.good()),
        (Some(true), ..) => Row::new().text("refused one", theme.good()),
        (None, ..) => Row::new().text("not seen", theme.quiet()),
    }
}

/// Keys that it names itself, else those of the tokens that it took.
fn keys(state: &State, row: &ServiceRow) -> Row {
    let mut keys: Vec<String> = row.check.keys.iter().map(|key| short(key)).collect();
    if keys.is_empty() {
        keys = service_detail::took(state, &row.name).into_keys().map(|kid| kid.to_string()).collect();
    }
    if keys.is_empty() {
        Row::new().text(state.theme.sign("—", "-"), state.theme.quiet())
    } else {
        cell(&keys.join(" "), Style::new())
    }
}

/// A thumbprint by its first letters; a `kid` as it is.
pub fn short(key: &str) -> String {
    match key.split_once(':') {
        Some((form, digits)) if form.starts_with("s256") || form.starts_with("h256") => {
            format!("#{}", digits.chars().take(8).collect::<String>())
        }
        _ => key.to_owned(),
    }
}

fn proxy(theme: Theme, name: &str) -> Vec<Row> {
    vec![
        Row::new().safe(Safe::new(name), theme.quiet()),
        Row::new().text(theme.sign("↔ proxy", "= proxy"), theme.quiet()),
        Row::new().text("between", theme.quiet()),
    ]
}
