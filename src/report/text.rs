//! The report for people: what is broken, worst first, with the evidence; then what was seen; then what to set.

use std::fmt::Write as _;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::evidence;
use super::path;
use super::safe::safe;
use super::{Issue, Report, Selection, Style};
use crate::model::{Cause, Hop, Verdict};
use crate::trail::summary::{Announcement, ProblemRow, SetupNote};

/// Width of a severity's name and of a label.
const LABEL: usize = 9;

/// Writes the report.
pub fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let width = report.issues.iter().map(|issue| edge(issue.caller.as_deref(), &issue.callee, style).width()).max();
    for issue in &report.issues {
        headline(issue, width.unwrap_or_default(), style, out)?;
        body(issue, style, out)?;
        writeln!(out)?;
    }
    counts(report, style, out)?;
    for note in &report.setup {
        writeln!(out, "{}", setup_note(note, style))?;
    }
    writeln!(out, "{}", conclusion(report))?;
    advice(report, style, out)?;
    out.flush()
}

/// One line of `serve` for a problem that appeared or was taken back.
pub fn announcement(announcement: &Announcement, style: Style) -> String {
    let (row, withdrawn) = match announcement {
        Announcement::New(row) => (row, false),
        Announcement::Withdrawn(row) => (row, true),
    };
    let ProblemRow { caller, callee, verdict, cause, finding, severity, .. } = &**row;
    let edge = edge(caller.as_deref(), callee, style);
    let finding = finding.map(|finding| finding.name().replace('_', " "));
    let what = finding.unwrap_or_else(|| verdict_words(verdict.unwrap_or(Verdict::Unknown), *cause));
    if withdrawn {
        return style.dim(format!("withdrawn {edge}  {what}: later spans explain it"));
    }
    let mark = verdict.map_or(style.finding(), |verdict| style.glyph(verdict));
    let mut line = format!(
        "{} {}  {}  {what}",
        style.severity(*severity, mark),
        style.severity(*severity, format!("{:<8}", severity.name())),
        style.bold(edge)
    );
    let _ = write!(line, "  {}", row.confidence);
    if let Some(trace) = row.traces.last() {
        let _ = write!(line, "  {}", style.dim(format!("trace {trace}")));
    }
    if let Some(hint) = &row.hint {
        let _ = write!(line, "  {}", safe(hint));
    }
    line
}

fn edge(caller: Option<&str>, callee: &str, style: Style) -> String {
    match caller {
        Some(caller) => format!("{} {} {}", safe(caller), style.arrow(), safe(callee)),
        None => format!("{} {}", style.arrow(), safe(callee)),
    }
}

fn verdict_words(verdict: Verdict, cause: Option<Cause>) -> String {
    match cause {
        Some(cause) => format!("{verdict}: {}", cause.name().replace('_', " ")),
        None => verdict.name().to_owned(),
    }
}

fn headline(issue: &Issue, width: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let edge = edge(issue.caller.as_deref(), &issue.callee, style);
    let fill = " ".repeat(width.saturating_sub(edge.width()));
    let mark = issue.verdict.map_or(style.finding(), |verdict| style.glyph(verdict));
    let what = match (issue.verdict, issue.finding) {
        (_, Some(finding)) => finding.name().replace('_', " "),
        (Some(verdict), None) => style.verdict(verdict, verdict_words(verdict, issue.cause)),
        (None, None) => String::new(),
    };
    let severity = style.severity(issue.severity, format!("{:<LABEL$}", issue.severity.name()));
    let of = format!("{} of {} hops", issue.count, issue.of);
    let mark = style.severity(issue.severity, mark);
    writeln!(out, "{mark} {severity} {}{fill}  {what}  {of}  {}", style.bold(edge), issue.confidence)
}

fn body(issue: &Issue, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let hop = &issue.sample;
    let mut line = |label: &str, text: &str| writeln!(out, "  {} {text}", style.dim(format!("{label:<LABEL$}")));
    line("path", &path::draw(&issue.path, style))?;
    line("request", &request(hop))?;
    for (label, text) in evidence::sides(hop, style) {
        line(label, &text)?;
    }
    if !hop.waypoints.is_empty() {
        let names: Vec<String> = hop.waypoints.iter().map(|name| safe(name).to_string()).collect();
        line("through", &names.join(", "))?;
    }
    if let Some(text) = evidence::verification(hop) {
        line("checked", &text)?;
    }
    let found = issue.finding.and_then(|finding| hop.findings.iter().find(|hit| hit.finding == finding));
    let detail = found.map(|hit| hit.detail.as_str()).or(hop.detail.as_deref().filter(|_| issue.finding.is_none()));
    if let Some(detail) = detail.filter(|detail| !detail.is_empty()) {
        line("detail", safe(detail).as_str())?;
    }
    if let Some(hint) = issue.hint.as_deref().filter(|hint| Some(*hint) != detail) {
        line("look at", &style.bold(safe(hint)))?;
    }
    let traces: Vec<String> = issue.traces.iter().map(ToString::to_string).collect();
    line("traces", &traces.join(" "))
}

fn request(hop: &Hop) -> String {
    let mut text = safe(&hop.operation).to_string();
    if let Some(status) = hop.status {
        let _ = write!(text, "  answered {status}");
    }
    let _ = write!(text, "  at {}", hop.start.rfc3339());
    text
}

/// `12 hops: 6 intact, 3 dropped, …`, with the services that stand behind them.
fn counts(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let input = report.input;
    let some = |(verdict, count): (&Verdict, &u64)| {
        (*count > 0).then(|| style.verdict(*verdict, format!("{} {count} {verdict}", style.glyph(*verdict))))
    };
    let verdicts: Vec<String> = Verdict::ALL.iter().zip(&report.counts.verdicts).filter_map(some).collect();
    let (spans, traces, hops) =
        (input.spans, input.traces, report.selection.as_ref().map_or(report.counts.hops, |s| s.of));
    let services = report.services.len();
    writeln!(
        out,
        "{}, {}, {}, {}",
        many(spans, "span"),
        many(traces, "trace"),
        many(services as u64, "service"),
        many(hops, "hop")
    )?;
    if let Some(Selection { filter, of }) = &report.selection {
        writeln!(out, "where {}: {} of {}", safe(filter), report.counts.hops, many(*of, "hop"))?;
    }
    if !verdicts.is_empty() {
        writeln!(out, "{}", verdicts.join("   "))?;
    }
    let losses = [
        (input.rejected, "could not be read"),
        (input.duplicates, "came twice and were counted once"),
        (input.lost, "were lost to the memory bound: what they would have shown is not in this report"),
    ];
    for (count, what) in losses.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "{} {what}", many(count, "span"))?;
    }
    Ok(())
}

fn many(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// One sentence on something wrong with the set-up.
pub fn setup_note(note: &SetupNote, style: Style) -> String {
    let text = match note {
        SetupNote::ContextBroken { single, all } => format!(
            "{single} of {all} traces hold one service: trace context is not propagated, so hops cannot be judged. \
             Turn on the instrumentation of the HTTP client, or pass `traceparent` on"
        ),
        SetupNote::SkewSuspected { caller, callee, ms } => {
            format!("the clocks of {} and {} stand about {ms} ms apart", safe(caller), safe(callee))
        }
        SetupNote::Dark { service, advice } => {
            format!("{} shows nothing about tokens. {}", safe(service), safe(advice))
        }
        SetupNote::Nameless { service } => {
            format!("{} has no name of its own: set OTEL_SERVICE_NAME", safe(service))
        }
        SetupNote::Intake(text) => safe(text).to_string(),
    };
    format!("{} {text}", style.dim("set-up:"))
}

/// What it comes to, in one line: true whatever was found.
fn conclusion(report: &Report<'_>) -> String {
    let counts = &report.counts;
    let unknown = counts.verdicts[Verdict::Unknown as usize];
    match (counts.hops, report.issues.first()) {
        (0, _) if report.selection.as_ref().is_some_and(|selection| selection.of > 0) => {
            "nothing can be said: no hop matches".to_owned()
        }
        (0, _) if report.input.spans == 0 => "nothing can be said: no span came".to_owned(),
        (0, _) => "nothing can be said: there is no hop, because no span is of kind SERVER, CLIENT, PRODUCER or \
                   CONSUMER"
            .to_owned(),
        (hops, Some(worst)) => {
            let problems = many(report.issues.len() as u64, "problem");
            let unjudged =
                if unknown > 0 { format!("; {unknown} of {hops} hops cannot be judged") } else { String::new() };
            format!("{problems} found, the worst is {}{unjudged}", worst.severity)
        }
        (hops, None) if unknown == hops => "nothing can be said: no span shows whether it saw a token".to_owned(),
        (hops, None) if unknown > 0 => {
            format!("nothing is accused, but {unknown} of {} cannot be judged", many(hops, "hop"))
        }
        (hops, None) => match counts.failing {
            Some(worst) => format!("no hop lost a token; {} judged, worst severity {worst}", many(hops, "hop")),
            // What was lost cannot be vouched for.
            None if report.input.lost > 0 => {
                format!(
                    "nothing is accused in the {} judged, and {} were lost",
                    many(hops, "hop"),
                    many(report.input.lost, "span")
                )
            }
            None => {
                let among = if report.selection.is_some() { " among those that match" } else { "" };
                format!("nothing is wrong{among}: {} judged, no token was lost, changed or refused", many(hops, "hop"))
            }
        },
    }
}

/// Where nothing is accused because nothing is seen: what to set, and where the header then goes.
fn advice(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let unknown = report.counts.verdicts[Verdict::Unknown as usize];
    if unknown == 0 || !report.issues.is_empty() {
        return Ok(());
    }
    let lines = [
        (
            "to see",
            "capture the request headers authorization,traceparent,user-agent in each service's OpenTelemetry \
             instrumentation, server and client side, or tag spans with jwtrail.token.*",
        ),
        (
            "take care",
            "a captured header goes to every backend that the service exports to: capture only where that is jwtrail \
             alone",
        ),
        ("or", "pass --assume-captured if every service captures the header already"),
    ];
    lines.iter().try_for_each(|(label, text)| writeln!(out, "  {} {text}", style.dim(format!("{label:<LABEL$}"))))
}
