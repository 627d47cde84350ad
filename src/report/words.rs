//! The words of an issue and of a whole report: the same in every form.

use std::fmt::Write as _;

use super::baseline::Names;
use super::rules;
use super::safe::safe;
use super::{Edge, Issue, Report, Selection, Style};
use crate::model::{Cause, Severity, Verdict};
use crate::trail::summary::{ServiceRow, SetupNote};

/// `orders → shipping`.
pub(super) fn edge(caller: Option<&str>, callee: &str, style: Style) -> String {
    match caller {
        Some(caller) => format!("{} {} {}", safe(caller), style.arrow(), safe(callee)),
        None => format!("{} {}", style.arrow(), safe(callee)),
    }
}

/// The edge of an issue.
pub(super) fn issue_edge(issue: &Issue, style: Style) -> String {
    edge(issue.caller.as_deref(), &issue.callee, style)
}

/// `dropped: not sent`.
pub(super) fn verdict(verdict: Verdict, cause: Option<Cause>) -> String {
    match cause {
        Some(cause) => format!("{verdict}: {}", cause.name().replace('_', " ")),
        None => verdict.name().to_owned(),
    }
}

/// What an issue is: `dropped: not sent`, `leaked`.
pub(super) fn title(issue: &Issue) -> String {
    match (issue.finding, issue.verdict) {
        (Some(finding), _) => finding.name().replace('_', " "),
        (None, Some(of)) => verdict(of, issue.cause),
        (None, None) => String::new(),
    }
}

/// What an issue of an earlier report was.
pub(super) fn gone_title(names: &Names) -> String {
    let Names { verdict, cause, finding, .. } = names;
    let verdict = verdict.as_deref().unwrap_or_default();
    let what = match (finding.as_deref(), cause.as_deref()) {
        (Some(finding), _) => finding.to_owned(),
        (None, Some(cause)) => format!("{verdict}: {cause}"),
        (None, None) => verdict.to_owned(),
    };
    safe(&what.replace('_', " ")).to_string()
}

/// `3 of 7 hops`.
pub(super) fn share(issue: &Issue) -> String {
    format!("{} of {}", issue.count, many(issue.of, "hop"))
}

/// `orders → shipping: dropped: not sent, high, 3 of 7 hops, proven`, and whether a baseline holds it.
pub(super) fn headline(issue: &Issue) -> String {
    let known = if issue.known { ", known since the baseline" } else { "" };
    let edge = issue_edge(issue, Style::default());
    format!("{edge}: {}, {}, {}, {}{known}", title(issue), issue.severity, share(issue), issue.confidence)
}

/// What it means, in one sentence.
pub(super) fn meaning(issue: &Issue) -> Option<&'static str> {
    rules::of(issue).map(|(_, rule)| rule.full)
}

/// What the trace shows beside the verdict: the finding's own words where it is one.
pub(super) fn detail(issue: &Issue) -> Option<&str> {
    let hop = &issue.sample;
    let detail = match issue.finding {
        Some(finding) => hop.findings.iter().find(|hit| hit.finding == finding).map(|hit| hit.detail.as_str()),
        None => hop.detail.as_deref(),
    };
    detail.filter(|detail| !detail.is_empty())
}

/// What to do, with its label: the hint for this hop, else what helps with issues of this kind.
pub(super) fn advice(issue: &Issue) -> Option<(&'static str, &str)> {
    let hint = issue.hint.as_deref().filter(|hint| Some(*hint) != detail(issue));
    let usual = || rules::of(issue).map(|(_, rule)| ("advice", rule.help));
    hint.map(|hint| ("look at", hint)).or_else(usual)
}

/// `1 hop`, `2 hops`.
pub(super) fn many(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// `21 spans, 3 traces, 2 services, 12 hops`.
pub(super) fn totals(report: &Report<'_>) -> String {
    let (input, services) = (report.input, report.services.len() as u64);
    let (spans, traces) = (many(input.spans, "span"), many(input.traces, "trace"));
    let hops = report.selection.as_ref().map_or(report.counts.hops, |selection| selection.of);
    format!("{spans}, {traces}, {}, {}", many(services, "service"), many(hops, "hop"))
}

/// What the report does not speak of: hops that were not asked for, what did not come in as it was sent; a sentence each.
pub(super) fn losses(report: &Report<'_>) -> Vec<String> {
    let input = report.input;
    let losses = [
        (input.rejected, "could not be read"),
        (input.duplicates, "came twice and were counted once"),
        (input.lost, "were lost to the memory bound: what they would have shown is not in this report"),
    ];
    let bitten = losses.into_iter().filter(|(count, _)| *count > 0);
    let bitten = bitten.map(|(count, what)| format!("{} {}", many(count, "span"), number(count, what)));
    let chosen = report.selection.as_ref().map(|Selection { filter, of }| {
        format!("where {}: {} of {}", safe(filter), report.counts.hops, many(*of, "hop"))
    });
    chosen.into_iter().chain(bitten).collect()
}

/// `came twice and were counted once`, of one span.
fn number(count: u64, what: &str) -> String {
    if count == 1 { what.replace("were ", "was ") } else { what.to_owned() }
}

/// One sentence on something wrong with the set-up.
pub(super) fn setup_note(note: &SetupNote) -> String {
    match note {
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
    }
}

/// Why an edge cannot be judged.
pub(super) fn unjudged(edge: &Edge) -> String {
    let why = match edge.reason {
        Some(Cause::NotCaptured) => "nobody captured the header",
        Some(Cause::Redacted) => "the instrumentation hides the header's value",
        Some(Cause::CaptureCut) => "the captured value was cut at an attribute length limit",
        Some(Cause::CalleeUntraced) => "the callee sends no spans",
        Some(Cause::CallerUnseen) => "the caller's spans are missing",
        Some(Cause::KeysDiffer) => "the fingerprints were made with different keys",
        Some(Cause::Pending) => "spans were still missing",
        _ => "there is not enough evidence",
    };
    format!("{} of {} cannot be judged: {why}", edge.unknown, many(edge.hops, "hop"))
}

/// Whether no service shows what it saw of tokens, and what is said of the hops follows from what they are alone.
fn nobody_looks(report: &Report<'_>) -> bool {
    let verdicts = &report.counts.verdicts;
    let said = verdicts[Verdict::Unknown as usize] + verdicts[Verdict::Absent as usize];
    let looks = |row: &ServiceRow| row.captures_inbound == Some(true) || row.captures_outbound == Some(true);
    said == report.counts.hops && !report.services.iter().any(looks)
}

/// What it comes to, in one line: true whatever was found, and never of more than was read.
pub(super) fn conclusion(report: &Report<'_>) -> String {
    let (hops, input) = (report.counts.hops, report.input);
    let unknown = report.counts.verdicts[Verdict::Unknown as usize];
    if hops == 0 {
        let why = if input.spans == 0 {
            "no span came"
        } else if report.selection.as_ref().is_some_and(|selection| selection.of > 0) {
            "no hop matches"
        } else {
            "there is no hop, because no span is of kind SERVER, CLIENT, PRODUCER or CONSUMER"
        };
        return format!("nothing can be said: {why}{}", missing(report, 0, "; "));
    }
    let gone = report.baseline.as_ref().map_or(0, |compared| compared.gone.len() as u64);
    let (new, known) = (worst(report, false), worst(report, true));
    let mut line = match (new, known) {
        (Some((count, severity)), None) if report.baseline.is_none() => {
            format!("{} found, the worst is {severity}", many(count, "problem"))
        }
        (Some((count, severity)), known) => {
            let mut line = format!("{} found, the worst is {severity}", many(count, "new problem"));
            if let Some((count, _)) = known {
                let _ = write!(line, "; {count} known since the baseline");
            }
            line
        }
        (None, Some((count, severity))) => {
            format!("no new problem; {count} known since the baseline, the worst is {severity}")
        }
        (None, None) if unknown == hops || nobody_looks(report) => {
            "nothing can be said: no span shows whether it saw a token".to_owned()
        }
        (None, None) if unknown > 0 || input.rejected > 0 || input.lost > 0 => {
            format!("nothing is accused{}", missing(report, unknown, ", but "))
        }
        (None, None) => {
            let among = if report.selection.is_some() { " among those that match" } else { "" };
            format!("nothing is wrong{among}: {} judged, no token was lost, changed or refused", many(hops, "hop"))
        }
    };
    if gone > 0 {
        let _ = write!(line, "; {gone} gone since the baseline");
    }
    if new.is_some() || known.is_some() {
        line.push_str(&missing(report, unknown, "; "));
    }
    line
}

/// How many issues are known, or new, and the worst of them.
fn worst(report: &Report<'_>, known: bool) -> Option<(u64, Severity)> {
    let issues = || report.issues.iter().filter(|issue| issue.known == known);
    let worst = issues().map(|issue| issue.severity).max()?;
    Some((issues().count() as u64, worst))
}

/// What the conclusion does not cover, behind `first`.
fn missing(report: &Report<'_>, unknown: u64, first: &str) -> String {
    let Report { input, counts, .. } = report;
    let all = [
        (unknown, format!("{unknown} of {} cannot be judged", many(counts.hops, "hop"))),
        (input.rejected, format!("{} could not be read", many(input.rejected, "span"))),
        (input.lost, number(input.lost, &format!("{} were lost", many(input.lost, "span")))),
    ];
    let parts: Vec<String> = all.into_iter().filter(|(count, _)| *count > 0).map(|(_, what)| what).collect();
    if parts.is_empty() { String::new() } else { format!("{first}{}", parts.join("; ")) }
}
