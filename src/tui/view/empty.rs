//! The first screen: what listens, what to set in each stack, and where the captured header goes besides.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use crate::tui::Mode;
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::{Safe, count};

/// One stack: its name, and the lines that turn the capture on.
const STACKS: [(&str, &[&str]); 5] = [
    (
        "Python",
        &[
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=authorization,traceparent,user-agent",
            "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST=authorization,traceparent,user-agent",
        ],
    ),
    (
        "Java",
        &[
            "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS=authorization,traceparent,user-agent",
            "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS=authorization,traceparent,user-agent",
        ],
    ),
    (
        ".NET",
        &[
            "OTEL_DOTNET_AUTO_TRACES_ASPNETCORE_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS=authorization,traceparent",
            "OTEL_DOTNET_AUTO_TRACES_HTTP_INSTRUMENTATION_CAPTURE_REQUEST_HEADERS=authorization,traceparent",
        ],
    ),
    (
        "Node.js",
        &[
            "in code: instrumentation-http headersToSpanAttributes.{server,client}.requestHeaders:",
            "['authorization', 'traceparent', 'user-agent'] (undici, for fetch, has its own)",
        ],
    ),
    ("Go", &["no option: tag spans by hand with jwtrail.token.presence and jwtrail.token.fp"]),
];

const WARNING: &str = "Every backend this service exports to gets the raw token: capture only where the exporter points at \
                       jwtrail alone, or delete the attribute in the Collector's other pipelines.";

/// Draws the screen's body.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    let rows = lines(state, usize::from(area.w));
    // Where all of it does not fit, blank lines go first, then what stands lowest.
    let full = rows.len() <= usize::from(area.h);
    let rows = rows.into_iter().filter(|row| full || row.width() > 0);
    for (y, row) in (area.y..area.y + area.h).zip(rows) {
        pen.row(area.x, y, area.w, &row);
    }
}

fn lines(state: &State, width: usize) -> Vec<Row> {
    let theme = state.theme;
    let mut rows = vec![Row::new(), Row::new().plain(" ").then(tick(state)), Row::new()];
    if let Mode::Replay { .. } = state.mode {
        return rows;
    }
    let wrapped = |rows: &mut Vec<Row>, text: &str, style: Style| {
        for line in Safe::new(text).wrap(width.saturating_sub(4)) {
            rows.push(Row::new().plain("   ").safe(line, style));
        }
    };
    if !state.listening.is_empty() {
        let all = state.listening.join(theme.sign("  ·  ", "  -  "));
        rows.push(Row::new().text(" Listening  ", theme.quiet()).own(&all, theme.strong()));
    }
    rows.push(Row::new().text(" No services at hand?  ", theme.quiet()).text("jwtrail demo", theme.strong()));
    rows.push(Row::new());
    rows.push(Row::new().text(" 1  Point an exporter here", theme.strong()));
    rows.extend(exporter(state).into_iter().map(|line| Row::new().plain("    ").own(&line, Style::new())));
    rows.push(Row::new());
    rows.push(Row::new().text(" 2  Let it capture the header", theme.strong()));
    // The warning comes before the recommendation: a screen that is cut below must not lose it.
    for line in Safe::new(WARNING).wrap(width.saturating_sub(6)) {
        rows.push(Row::new().text("    ", theme.warning()).safe(line, theme.warning()));
    }
    for (stack, settings) in STACKS {
        let label = width >= 112;
        if !label {
            rows.push(Row::new().own(&format!("    {stack}"), theme.quiet()));
        }
        for (at, setting) in settings.iter().enumerate() {
            if label {
                let name = if at == 0 { stack } else { "" };
                rows.push(Row::new().own(&format!("    {name:<9}"), theme.quiet()).own(setting, Style::new()));
            } else {
                wrapped(&mut rows, setting, Style::new());
            }
        }
    }
    rows
}

fn tick(state: &State) -> Row {
    let theme = state.theme;
    let totals = &state.snapshot.totals;
    if let Mode::Replay { file } = &state.mode {
        return Row::new().text("Reading ", theme.strong()).own(file, theme.strong()).own(
            &format!(": {} spans, {} traces, no hop yet", count(totals.spans), count(totals.traces)),
            theme.quiet(),
        );
    }
    if totals.spans == 0 {
        return Row::new().text("Nothing yet.", theme.strong()).text("  Waiting for the first span.", theme.quiet());
    }
    let services = state.snapshot.services.len() as u64;
    let names: Vec<&str> = state.snapshot.services.iter().take(4).map(|row| &*row.name).collect();
    let from = if names.is_empty() { String::new() } else { format!(" from {}", names.join(", ")) };
    Row::new().text(theme.sign("● ", "* "), theme.good()).text("It works.", theme.strong()).own(
        &format!(
            "  {} spans{from}{}, {} traces, no hop between services yet",
            count(totals.spans),
            if services > 4 { " …" } else { "" },
            count(totals.traces)
        ),
        Style::new(),
    )
}

/// The two variables that point an exporter here, from what listens.
fn exporter(state: &State) -> Vec<String> {
    let listening = |protocol: &str| {
        let holds = |address: &&String| address.to_ascii_lowercase().contains(protocol);
        state.listening.iter().find(holds).and_then(|address| address.split_whitespace().next())
    };
    let mut lines = Vec::new();
    if let Some(address) = listening("grpc") {
        lines.push(format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}  OTEL_EXPORTER_OTLP_PROTOCOL=grpc"));
    }
    if let Some(address) = listening("http") {
        lines.push(format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"));
    }
    lines
}
