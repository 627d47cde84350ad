//! The report for programs, version 1. Key order, names and meaning are fixed; new keys may be added.
//!
//! One hop a line, so that two reports can be compared by line.

use std::fmt::Display;
use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::{Input, Issue, Report};
use crate::model::{
    Cause, Finding, Fingerprint, Hop, Party, Reason, Segment, Severity, Side, SpanId, TraceId, UnixNanos, Verdict,
    VerifySource,
};
use crate::trail::summary::ServiceRow;

/// Writes the report and a line end. Two reports of the same input are byte for byte the same where
/// fingerprints have the same key.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\"version\":1,\n\"input\":")?;
    serde_json::to_writer(&mut *out, &InputJson::of(report))?;
    out.write_all(b",\n\"summary\":")?;
    serde_json::to_writer(&mut *out, &SummaryJson::from(report))?;
    out.write_all(b",\n\"issues\":")?;
    lines(out, report.issues.iter().filter(|issue| issue.accuses()).map(IssueJson::from))?;
    out.write_all(b",\n\"services\":")?;
    lines(out, report.services.iter().map(ServiceJson::from))?;
    out.write_all(b",\n\"hops\":[")?;
    let mut first = true;
    report.hops.walk(&mut |trace| {
        for hop in trace {
            out.write_all(if first { b"\n" } else { b",\n" })?;
            first = false;
            serde_json::to_writer(&mut *out, &HopJson::from(hop))?;
        }
        Ok(())
    })?;
    out.write_all(b"]}\n")?;
    out.flush()
}

fn lines<T: Serialize>(out: &mut dyn Write, rows: impl Iterator<Item = T>) -> io::Result<()> {
    out.write_all(b"[")?;
    for (index, row) in rows.enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &row)?;
    }
    out.write_all(b"]")
}

/// A value that is printed by its `Display`.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// RFC 3339 in UTC, nine digits.
struct Time(UnixNanos);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

/// Names and their counts, in the order given.
struct Tally<'a>(Vec<(&'static str, &'a u64)>);

impl Serialize for Tally<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

#[derive(Serialize)]
struct InputJson<'a> {
    files: &'a [String],
    spans: u64,
    traces: u64,
    logs: u64,
    duplicates: u64,
    rejected: u64,
    lost: u64,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
}

impl<'a> InputJson<'a> {
    fn of(report: &'a Report<'_>) -> Self {
        let Input { files, spans, traces, logs, duplicates, rejected, lost } = report.input;
        Self {
            files,
            spans: *spans,
            traces: *traces,
            logs: *logs,
            duplicates: *duplicates,
            rejected: *rejected,
            lost: *lost,
            filter: report.selection.as_ref().map(|selection| selection.filter.as_str()),
        }
    }
}

#[derive(Serialize)]
struct SummaryJson<'a> {
    hops: u64,
    verdicts: Tally<'a>,
    findings: Tally<'a>,
    worst: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<BaselineJson>,
}

/// How the issues compare with those of the baseline.
#[derive(Serialize)]
struct BaselineJson {
    new: usize,
    known: usize,
    gone: usize,
}

impl<'a> From<&'a Report<'_>> for SummaryJson<'a> {
    fn from(report: &'a Report<'_>) -> Self {
        let counts = &report.counts;
        let issues = |known| report.issues.iter().filter(move |issue| issue.accuses() && issue.known == known).count();
        Self {
            hops: counts.hops,
            verdicts: Tally(Verdict::ALL.iter().map(|verdict| verdict.name()).zip(&counts.verdicts).collect()),
            findings: Tally(Finding::ALL.iter().map(|finding| finding.name()).zip(&counts.findings).collect()),
            worst: counts.worst.map(Severity::name),
            baseline: report.baseline.as_ref().map(|compared| BaselineJson {
                new: issues(false),
                known: issues(true),
                gone: compared.gone.iter().filter(|(names, _)| names.accuses()).count(),
            }),
        }
    }
}

#[derive(Serialize)]
struct IssueJson<'a> {
    caller: Option<&'a str>,
    callee: &'a str,
    verdict: Option<&'static str>,
    cause: Option<&'static str>,
    finding: Option<&'static str>,
    segment: Option<&'static str>,
    severity: &'static str,
    confidence: &'static str,
    count: u64,
    of: u64,
    first_seen: Time,
    last_seen: Time,
    traces: Vec<Shown<TraceId>>,
    hint: Option<&'a str>,
    /// Only where a baseline holds it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    known: bool,
}

impl<'a> From<&'a Issue> for IssueJson<'a> {
    fn from(issue: &'a Issue) -> Self {
        Self {
            caller: issue.caller.as_deref(),
            callee: &issue.callee,
            verdict: issue.verdict.map(Verdict::name),
            cause: issue.cause.map(Cause::name),
            finding: issue.finding.map(Finding::name),
            segment: issue.segment.map(Segment::name),
            severity: issue.severity.name(),
            confidence: issue.confidence.name(),
            count: issue.count,
            of: issue.of,
            first_seen: Time(issue.first_seen),
            last_seen: Time(issue.last_seen),
            traces: issue.traces.iter().copied().map(Shown).collect(),
            hint: issue.hint.as_deref(),
            known: issue.known,
        }
    }
}

#[derive(Serialize)]
struct ServiceJson<'a> {
    service: &'a str,
    spans: u64,
    captures: Captures,
    verifies: Option<bool>,
}

#[derive(Serialize)]
struct Captures {
    inbound: Option<bool>,
    outbound: Option<bool>,
}

impl<'a> From<&'a ServiceRow> for ServiceJson<'a> {
    fn from(row: &'a ServiceRow) -> Self {
        Self {
            service: &row.name,
            spans: row.spans,
            captures: Captures { inbound: row.captures_inbound, outbound: row.captures_outbound },
            verifies: row.verifies,
        }
    }
}

#[derive(Serialize)]
struct HopJson<'a> {
    trace_id: Shown<TraceId>,
    caller: Option<PartyJson<'a>>,
    callee: PartyJson<'a>,
    operation: &'a str,
    start: Time,
    status: Option<u16>,
    verdict: &'static str,
    cause: Option<&'static str>,
    segment: Option<&'static str>,
    severity: &'static str,
    confidence: &'static str,
    gap: bool,
    settled: bool,
    tokens: Three<Option<&'a str>>,
    presence: Three<&'static str>,
    verification: VerificationJson,
    blame: Option<Shown<SpanId>>,
    findings: Vec<&'static str>,
    detail: Option<&'a str>,
    hint: Option<&'a str>,
}

#[derive(Serialize)]
struct PartyJson<'a> {
    service: &'a str,
    span_id: Option<Shown<SpanId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<Shown<TraceId>>,
}

impl<'a> From<&'a Party> for PartyJson<'a> {
    fn from(party: &'a Party) -> Self {
        Self { service: &party.service, span_id: party.span_id.map(Shown), trace_id: party.trace_id.map(Shown) }
    }
}

#[derive(Serialize)]
struct Three<T> {
    inbound: T,
    sent: T,
    received: T,
}

impl<T> Three<T> {
    fn of<'a>(hop: &'a Hop, read: impl Fn(&'a Side) -> T) -> Self {
        Self { inbound: read(&hop.inbound), sent: read(&hop.sent), received: read(&hop.received) }
    }
}

#[derive(Serialize)]
struct VerificationJson {
    result: &'static str,
    reason: Option<&'static str>,
    source: Option<&'static str>,
    relayed_from: Option<Shown<SpanId>>,
}

impl<'a> From<&'a Hop> for HopJson<'a> {
    fn from(hop: &'a Hop) -> Self {
        let check = &hop.verification;
        Self {
            trace_id: Shown(hop.trace_id),
            caller: hop.caller.as_ref().map(PartyJson::from),
            callee: PartyJson::from(&hop.callee),
            operation: &hop.operation,
            start: Time(hop.start),
            status: hop.status,
            verdict: hop.verdict.name(),
            cause: hop.cause.map(Cause::name),
            segment: hop.segment.map(Segment::name),
            severity: hop.severity.name(),
            confidence: hop.confidence.name(),
            gap: hop.gap,
            settled: hop.settled,
            tokens: Three::of(hop, |side| Hop::printed(side).map(Fingerprint::as_str)),
            presence: Three::of(hop, |side| side.presence.name()),
            verification: VerificationJson {
                result: check.result.name(),
                reason: check.reason.map(Reason::name),
                source: check.source.map(VerifySource::name),
                relayed_from: check.relayed_from.map(Shown),
            },
            blame: hop.blame.map(Shown),
            findings: hop.findings.iter().map(|hit| hit.finding.name()).collect(),
            detail: hop.detail.as_deref(),
            hint: hop.hint.as_deref(),
        }
    }
}
