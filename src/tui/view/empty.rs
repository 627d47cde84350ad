//! The first screen: what listens, what to set in each stack, and where the captured header goes besides.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use super::services;
use super::words::{key, key_does};
use crate::trail::summary::ServiceRow;
use crate::tui::Mode;
use crate::tui::geometry::Area;
use crate::tui::message::Action;
use crate::tui::page::services::Light;
use crate::tui::page::start::can_start;
use crate::tui::replay::Playback;
use crate::tui::stacks::{HEADERS, Here, Stack};
use crate::tui::state::State;
use crate::tui::text::{Safe, things};

/// Stacks that the screen names.
const SHOWN: [Stack; 5] = [Stack::Python, Stack::Java, Stack::DotNet, Stack::Node, Stack::Go];

/// Columns of how much a service shows.
const LIGHT: usize = 9;

/// Services that are listed before the first hop.
const SEEN: usize = 5;

const NODE: &str =
    "in code: headersToSpanAttributes.{server,client}.requestHeaders of instrumentation-http; undici has its own";

/// Why saved traces may hold no hop.
const WITHOUT_HOPS: [&str; 2] = [
    "A hop is a request that arrives: an entry span, with the span of whoever called in the same trace.",
    "Spans of kind client or internal alone make none; neither do traces whose services share no trace id.",
];

const WARNING: &str = "Every backend this service exports to gets the raw token: capture only where the exporter points at \
                       jwtrail alone, or delete the attribute in the Collector's other pipelines.";

/// Draws the screen's body.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let rows = fitting(state, area);
    let over = rows.len().saturating_sub(usize::from(area.h));
    let first = usize::from(state.scroll).min(over);
    for (y, row) in (area.y..area.y + area.h).zip(rows.iter().skip(first)) {
        pen.row(area.x, y, area.w, row);
    }
    if over > first {
        let more = Row::new().text(state.theme.sign(" ↓ more", " more below"), state.theme.focus());
        let columns = u16::try_from(more.width() + 1).unwrap_or(0).min(area.w);
        pen.row(area.x + area.w - columns, area.y + area.h - 1, columns, &more);
    }
}

/// The lines in the longest form that fits.
fn fitting(state: &State, area: Area) -> Vec<Row> {
    let width = usize::from(area.w);
    let mut rows = lines(state, width, true);
    // Lines to copy must stand on one line each, and blank lines go before anything that says something.
    let longest = rows.iter().map(Row::width).max().unwrap_or(0);
    if longest > width || rows.len() > usize::from(area.h) {
        rows = lines(state, width, false);
    }
    if rows.len() > usize::from(area.h) {
        rows.retain(|row| row.width() > 0);
    }
    rows
}

/// Lines that do not fit: how far the screen can be scrolled.
pub fn overflow(state: &State) -> u16 {
    let screen = state.screen();
    let h = state.size.1.saturating_sub(screen.header.h + screen.footer.h);
    let rows = fitting(state, Area { x: 0, y: 0, w: state.size.0, h }).len();
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_sub(h)
}

fn lines(state: &State, width: usize, long: bool) -> Vec<Row> {
    let theme = state.theme;
    let mut rows = vec![Row::new(), Row::new().plain(" ").then(tick(state))];
    rows.extend(seen(state));
    rows.push(Row::new());
    if let Mode::Replay { .. } = state.mode {
        for line in WITHOUT_HOPS {
            rows.extend(wrapped(line, 1, width, theme.quiet()));
        }
        let services = key_does(state, Action::ViewServices, "shows which services were seen, ");
        let traces = key_does(state, Action::ViewTraces, "their traces");
        rows.push(Row::new().plain(" ").then(services).then(traces));
        return rows;
    }
    if state.mode != Mode::Live {
        return rows;
    }
    if !state.listening.is_empty() {
        let all = state.listening.join(theme.sign("  ·  ", "  -  "));
        rows.push(Row::new().text(" Listening  ", theme.quiet()).own(&all, theme.strong()));
    }
    if can_start(state) {
        rows.push(
            Row::new()
                .text(" No services at hand?  ", theme.quiet())
                .then(key(state, Action::Demo))
                .plain(" starts a shop of real services that break tokens"),
        );
    }
    rows.push(Row::new());
    rows.push(Row::new().text(" 1  Point an exporter here", theme.strong()));
    for line in exporter(state) {
        rows.extend(wrapped(&line, 4, width, Style::new()));
    }
    rows.push(Row::new());
    let copies = key_does(state, Action::CopySnippet, "copies both steps for a stack");
    rows.push(Row::new().text(" 2  Let it capture the header   ", theme.strong()).then(copies));
    // The warning comes before the recommendation: a screen that is cut below must not lose it.
    rows.extend(wrapped(WARNING, 4, width, theme.warning()));
    if !long {
        rows.push(Row::new().text("    Set to ", theme.quiet()).text(HEADERS, theme.strong()).text(":", theme.quiet()));
    }
    for stack in SHOWN {
        rows.extend(about(state, stack, width, long));
    }
    rows
}

/// What one stack is to be told: its variables in full where there is room, else in one line.
fn about(state: &State, stack: Stack, width: usize, long: bool) -> Vec<Row> {
    let label = Row::new().own(&format!("    {:<9}", stack.name()), state.theme.quiet());
    if let Some(variables) = stack.capture().filter(|_| long) {
        let line = |variable| Row::new().plain("    ").text(variable, Style::new()).plain("=").plain(HEADERS);
        return std::iter::once(label).chain(variables.into_iter().map(line)).collect();
    }
    let text = if long && stack == Stack::Node { NODE } else { stack.short() };
    let mut label = Some(label);
    let lines = Safe::new(text).wrap(width.saturating_sub(14)).into_iter();
    lines
        .map(|line| label.take().unwrap_or_else(|| Row::new().plain("             ")).safe(line, Style::new()))
        .collect()
}

/// The services seen so far, though there is no hop between any of them: what each of them shows.
fn seen(state: &State) -> Vec<Row> {
    let theme = state.theme;
    let all = state.services_listed();
    let line = |row: &&ServiceRow| {
        let light = services::light(theme, Light::of(row));
        let pad = " ".repeat(LIGHT.saturating_sub(light.width()));
        let said = format!("  {}, {}", services::stack(row), things(row.spans, "span"));
        Row::new()
            .plain("   ")
            .then(light)
            .own(&pad, Style::new())
            .own(&row.name, theme.strong())
            .own(&said, theme.quiet())
    };
    let mut rows: Vec<Row> = all.iter().take(SEEN).map(line).collect();
    if all.len() > SEEN {
        let more = format!("   and {} more: ", all.len() - SEEN);
        let rest = key_does(state, Action::ViewServices, "lists them all");
        rows.push(Row::new().own(&more, theme.quiet()).then(rest));
    }
    rows
}

/// Text in lines with so many blanks before each.
fn wrapped(text: &str, indent: usize, width: usize, style: Style) -> Vec<Row> {
    let lines = Safe::new(text).wrap(width.saturating_sub(indent + 1));
    lines.into_iter().map(|line| Row::new().own(&" ".repeat(indent), style).safe(line, style)).collect()
}

fn tick(state: &State) -> Row {
    let theme = state.theme;
    let totals = &state.snapshot.totals;
    let seen = format!("{}, {}", things(totals.spans, "span"), things(totals.traces, "trace"));
    if let Some(playback) = state.playback.as_ref().filter(|playback| playback.following.is_none()) {
        return replayed(state, playback, &seen);
    }
    if let Mode::Replay { file } = &state.mode {
        let said = format!(": {seen}, no hop yet");
        return Row::new().text("Reading ", theme.strong()).own(file, theme.strong()).own(&said, theme.quiet());
    }
    if totals.spans == 0 {
        return match state.mode {
            Mode::Demo => Row::new()
                .text("The shop opens.", theme.strong())
                .text("  Waiting for its first request.", theme.quiet()),
            _ => Row::new().text("Nothing yet.", theme.strong()).text("  Waiting for the first span.", theme.quiet()),
        };
    }
    // Several are listed below, by name.
    let from = match &*state.snapshot.services {
        [] => String::new(),
        [one] => format!(" from {}", one.name),
        more => format!(" from {}", things(more.len() as u64, "service")),
    };
    let said = format!("  {seen}{from}; no hop yet");
    Row::new().text(theme.sign("● ", "* "), theme.good()).text("It works.", theme.strong()).own(&said, Style::new())
}

/// A moment of a replay without a hop.
fn replayed(state: &State, playback: &Playback, seen: &str) -> Row {
    let theme = state.theme;
    let row = match playback {
        Playback { ended: true, .. } => Row::new().text("No hop in all of it", theme.strong()),
        Playback { seeking: Some(_), .. } => return Row::new().text("Judging what was recorded.", theme.strong()),
        _ => Row::new().text("No hop yet at this moment", theme.strong()),
    };
    let row = row.own(&format!(": {seen}"), theme.quiet());
    match state.keymap.keys(Action::NextHop).first() {
        Some(key) if !playback.ended => row.plain("   ").own(key, theme.strong()).text(" next hop", theme.quiet()),
        _ => row,
    }
}

/// The two variables that point an exporter here, from what listens: one line for each protocol.
fn exporter(state: &State) -> Vec<String> {
    let here = Here::of(&state.listening);
    let mut lines: Vec<String> =
        [true, false].into_iter().filter_map(|grpc| here.variables(grpc)).map(|both| both.join(" ")).collect();
    lines.dedup();
    lines
}
