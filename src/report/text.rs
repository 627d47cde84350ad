//! The report for people: what is broken, worst first, with the evidence; then what was seen; then what to set.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::safe::safe;
use super::{Issue, Report, Style, evidence, words, wrap};
use crate::model::{Cause, Verdict};
use crate::trail::summary::{Announcement, ProblemRow, SetupNote};

/// Width of a severity's name and of a label.
const LABEL: usize = 9;
/// Where the text of a headline and of a labelled line begins.
const INDENT: usize = LABEL + 3;
/// Edges are aligned up to this width; longer ones stand out, and do not push all others away.
const ALIGNED: usize = 40;

/// A blank at which no line is broken.
const HOLD: &str = "\u{a0}";

/// Writes the report.
pub fn write(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    issues(report, style, out)?;
    counts(report, style, out)?;
    for note in &report.setup {
        writeln!(out, "{}", wrap::lines(&setup_note(note, style), 8, style))?;
    }
    writeln!(out, "{}", wrap::lines(&words::conclusion(report), 2, style))?;
    advice(report, style, out)?;
    out.flush()
}

/// What is new, with its evidence; then what is known since a baseline and what is gone, one line each.
fn issues(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let edges = report.issues.iter().map(|issue| wrap::visible(&words::issue_edge(issue, style)));
    let width = edges.filter(|width| *width <= ALIGNED).max().unwrap_or_default();
    let mut shown: HashMap<(String, &str), String> = HashMap::new();
    for issue in report.issues.iter().filter(|issue| !issue.known) {
        writeln!(out, "{}", wrap::lines(&headline(issue, width, style), INDENT, style))?;
        // A dozen services that fail alike need one explanation.
        let kind = (words::title(issue), words::advice(issue).map_or("", |(_, text)| text));
        let lines = match shown.get(&kind) {
            Some(like) => evidence::short(issue, like, style),
            None => evidence::lines(issue, style),
        };
        shown.entry(kind).or_insert_with(|| words::issue_edge(issue, style));
        for (label, text) in lines {
            labelled(label, &text, style, out)?;
        }
        writeln!(out)?;
    }
    let known = report.issues.iter().filter(|issue| issue.known).map(|issue| {
        let what = format!("{}  known since the baseline", plain(issue, width));
        style.dim(format!("{} {what}", style.mark(issue)))
    });
    let gone = report.baseline.iter().flat_map(|compared| &compared.gone).map(|(names, severity)| {
        let edge = words::edge(names.caller.as_deref(), &names.callee, style);
        let fill = " ".repeat(width.saturating_sub(wrap::visible(&edge)));
        let what = words::gone_title(names);
        style.dim(format!("- {:<LABEL$} {edge}{fill}  {what}  gone since the baseline", severity.name()))
    });
    let lines: Vec<String> = known.chain(gone).collect();
    for line in &lines {
        writeln!(out, "{}", wrap::lines(line, INDENT, style))?;
    }
    if lines.is_empty() { Ok(()) } else { writeln!(out) }
}

/// One line of `serve` for a problem that appeared or was taken back.
pub fn announcement(announcement: &Announcement, style: Style) -> String {
    let (row, withdrawn) = match announcement {
        Announcement::New(row) => (row, false),
        Announcement::Withdrawn(row) => (row, true),
    };
    let ProblemRow { caller, callee, verdict, cause, finding, severity, .. } = &**row;
    let edge = words::edge(caller.as_deref(), callee, style);
    let finding = finding.map(|finding| finding.name().replace('_', " "));
    let what = finding.unwrap_or_else(|| words::verdict(verdict.unwrap_or(Verdict::Unknown), *cause));
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

fn headline(issue: &Issue, width: usize, style: Style) -> String {
    let edge = words::issue_edge(issue, style);
    let fill = " ".repeat(width.saturating_sub(wrap::visible(&edge)));
    let title = words::title(issue);
    let what = match issue.verdict {
        Some(verdict) => style.verdict(verdict, title),
        None => title,
    };
    let severity = style.severity(issue.severity, format!("{:<LABEL$}", issue.severity.name()));
    let mark = style.severity(issue.severity, style.mark(issue));
    format!("{mark} {severity} {}{fill}  {what}  {}  {}", style.bold(edge), words::share(issue), issue.confidence)
}

/// The headline without its mark and colours.
fn plain(issue: &Issue, width: usize) -> String {
    let line = headline(issue, width, Style::default());
    line.split_once(' ').map_or_else(String::new, |(_, rest)| rest.to_owned())
}

fn labelled(label: &str, text: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let line = format!("  {} {text}", style.dim(format!("{label:<LABEL$}")));
    writeln!(out, "{}", wrap::lines(&line, INDENT, style))
}

/// `12 hops: 6 intact, 3 dropped, …`, with the services that stand behind them.
fn counts(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", words::totals(report))?;
    let some = |(verdict, count): (&Verdict, &u64)| {
        let glyph = style.glyph(*verdict);
        (*count > 0).then(|| style.verdict(*verdict, format!("{glyph}{HOLD}{count}{HOLD}{verdict}")))
    };
    let verdicts: Vec<String> = Verdict::ALL.iter().zip(&report.counts.verdicts).filter_map(some).collect();
    if !verdicts.is_empty() {
        writeln!(out, "{}", wrap::lines(&verdicts.join("   "), 0, style).replace(HOLD, " "))?;
    }
    for loss in words::losses(report) {
        writeln!(out, "{}", wrap::lines(&loss, 2, style))?;
    }
    Ok(())
}

/// One sentence on something wrong with the set-up.
pub fn setup_note(note: &SetupNote, style: Style) -> String {
    format!("{} {}", style.dim("set-up:"), words::setup_note(note))
}

/// Where nothing is accused because nothing is seen: what to set, and where the header then goes.
fn advice(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let unknown = report.counts.verdicts[Verdict::Unknown as usize];
    if unknown == 0 || !report.issues.is_empty() {
        return Ok(());
    }
    // Capturing more mends only what nobody captured; spans that are missing are another matter.
    let unjudged = || report.edges.iter().filter(|edge| edge.unknown > 0);
    if unjudged().all(|edge| matches!(edge.reason, Some(Cause::CallerUnseen | Cause::CalleeUntraced | Cause::Pending)))
    {
        return unjudged().take(3).try_for_each(|edge| {
            let said =
                format!("{}: {}", words::edge(edge.caller.as_deref(), &edge.callee, style), words::unjudged(edge));
            labelled("why", &said, style, out)
        });
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
    lines.iter().try_for_each(|(label, text)| labelled(label, text, style, out))
}
