//! The first screen: what listens, what to set in each stack, and where the captured header goes besides.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use crate::tui::Mode;
use crate::tui::geometry::Area;
use crate::tui::message::Action;
use crate::tui::replay::Playback;
use crate::tui::state::State;
use crate::tui::text::{Safe, things};

/// One stack: its name, how to say it in one line, and lines ready to copy where there are such.
struct Stack {
    name: &'static str,
    short: &'static str,
    lines: [&'static str; 2],
}

const STACKS: [Stack; 5] = [
    Stack {
        name: "Python",
        short: "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_{SERVER,CLIENT}_REQUEST",
        lines: [
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=",
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST=",
        ],
    },
    Stack {
        name: "Java",
        short: "OTEL_INSTRUMENTATION_HTTP_{SERVER,CLIENT}_CAPTURE_REQUEST_HEADERS",
        lines: [
            "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS=",
            "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS=",
        ],
    },
    Stack {
        name: ".NET",
        short: "OTEL_DOTNET_AUTO_TRACES_{ASPNETCORE,HTTP}_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS",
        lines: [
            "OTEL_DOTNET_AUTO_TRACES_ASPNETCORE_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS=",
            "OTEL_DOTNET_AUTO_TRACES_HTTP_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS=",
        ],
    },
    Stack {
        name: "Node.js",
        short: "headersToSpanAttributes.{server,client}.requestHeaders (in code)",
        lines: [
            "",
            "in code: headersToSpanAttributes.{server,client}.requestHeaders of instrumentation-http; undici has its own",
        ],
    },
    Stack { name: "Go", short: "no option: tag by hand, jwtrail.token.presence and .fp", lines: ["", ""] },
];

/// What to capture: the token, and what proves that it was not there.
const HEADERS: &str = "authorization,traceparent,user-agent";

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
    let mut rows = vec![Row::new(), Row::new().plain(" ").then(tick(state)), Row::new()];
    if state.mode != Mode::Live {
        return rows;
    }
    if !state.listening.is_empty() {
        let all = state.listening.join(theme.sign("  ·  ", "  -  "));
        rows.push(Row::new().text(" Listening  ", theme.quiet()).own(&all, theme.strong()));
    }
    rows.push(Row::new().text(" No services at hand?  ", theme.quiet()).text("jwtrail demo", theme.strong()));
    rows.push(Row::new());
    rows.push(Row::new().text(" 1  Point an exporter here", theme.strong()));
    for line in exporter(state) {
        rows.extend(wrapped(&line, 4, width, Style::new()));
    }
    rows.push(Row::new());
    rows.push(Row::new().text(" 2  Let it capture the header", theme.strong()));
    // The warning comes before the recommendation: a screen that is cut below must not lose it.
    rows.extend(wrapped(WARNING, 4, width, theme.warning()));
    if !long {
        rows.push(Row::new().text("    Set to ", theme.quiet()).text(HEADERS, theme.strong()).text(":", theme.quiet()));
    }
    for stack in &STACKS {
        let label = Row::new().own(&format!("    {:<9}", stack.name), theme.quiet());
        if long && !stack.lines[0].is_empty() {
            rows.push(label);
            rows.extend(
                stack.lines.iter().map(|line| Row::new().plain("    ").text(line, Style::new()).plain(HEADERS)),
            );
        } else {
            let text = if long { stack.lines[1] } else { stack.short };
            let mut label = Some(label);
            for line in Safe::new(if text.is_empty() { stack.short } else { text }).wrap(width.saturating_sub(14)) {
                let before = label.take().unwrap_or_else(|| Row::new().plain("             "));
                rows.push(before.safe(line, Style::new()));
            }
        }
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
    let names: Vec<&str> = state.snapshot.services.iter().take(4).map(|row| &*row.name).collect();
    let more = if state.snapshot.services.len() > names.len() { " and others" } else { "" };
    let from = if names.is_empty() { String::new() } else { format!(" from {}{more}", names.join(", ")) };
    let said = format!("  {seen}{from}; no hop between services yet");
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

/// The two variables that point an exporter here, from what listens.
fn exporter(state: &State) -> Vec<String> {
    let listening = |protocol: &str| {
        let holds = |address: &&String| address.to_ascii_lowercase().contains(protocol);
        state.listening.iter().find(holds).and_then(|address| address.split_whitespace().next())
    };
    let mut lines = Vec::new();
    if let Some(address) = listening("grpc") {
        lines.push(format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{address} OTEL_EXPORTER_OTLP_PROTOCOL=grpc"));
    }
    if let Some(address) = listening("http") {
        lines.push(format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{address} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"));
    }
    lines
}
