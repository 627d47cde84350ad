//! SARIF 2.1.0 (OASIS), for code scanning: one rule for each kind of issue, one result for each issue.
//!
//! Results carry fingerprints of what they speak of and not of how often it was seen, so that a run is compared with
//! the one before.

use std::fmt::Write as _;
use std::io::{self, Write};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::baseline::Names;
use super::rules::{self, Rule};
use super::safe::safe;
use super::{Issue, Report, Style, words};
use crate::model::{Segment, Severity, TraceId};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Named as the place of a result where no file can be named: what decides what is expected.
const POLICY: &str = "jwtrail.toml";

/// Writes the report and a line end; `fail_on` decides the exit code that it names.
pub fn write(report: &Report<'_>, fail_on: Severity, out: &mut dyn Write) -> io::Result<()> {
    let place = place(report);
    let mut results: Vec<Value> = report.issues.iter().map(|issue| result(report, issue, &place)).collect();
    let gone = report.baseline.iter().flat_map(|compared| &compared.gone);
    results.extend(gone.map(|(names, severity)| absent(names, *severity, &place)));
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": driver(report)},
            "invocations": [invocation(report, fail_on)],
            "artifacts": report.input.files.iter().map(|file| json!({"location": {"uri": uri(file)}})).collect::<Value>(),
            "results": results,
            "columnKind": "unicodeCodePoints",
            "properties": {"summary": words::conclusion(report), "input": words::totals(report)},
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn driver(report: &Report<'_>) -> Value {
    let mut driver = json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "shortDescription": {"text": "Follows a JWT through every hop of a request."},
        "rules": rules::all().iter().map(|rule| descriptor(rule, report)).collect::<Value>(),
    });
    if let Some(home) = Some(env!("CARGO_PKG_REPOSITORY")).filter(|home| !home.is_empty()) {
        driver["informationUri"] = home.into();
    }
    driver
}

fn descriptor(rule: &Rule, report: &Report<'_>) -> Value {
    let mut properties = json!({"tags": ["jwt"]});
    if rule.security {
        // Code scanning takes this figure from the rule alone: it is that of the worst result.
        let of_rule = report.issues.iter().filter(|issue| rules::of(issue).is_some_and(|(_, of)| of.id == rule.id));
        let worst = of_rule.map(|issue| issue.severity).max().unwrap_or(rule.severity);
        properties = json!({"tags": ["jwt", "security"], "security-severity": score(worst)});
    }
    json!({
        "id": rule.id,
        "name": pascal(rule.id),
        "shortDescription": {"text": message(rule.short)},
        "fullDescription": {"text": message(rule.full)},
        "help": {"text": message(rule.help)},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": properties,
    })
}

/// `dropped/not_sent` as `DroppedNotSent`.
fn pascal(id: &str) -> String {
    let words = id.split(['/', '_']).filter_map(|word| Some((word.get(..1)?, word.get(1..)?)));
    words.map(|(first, rest)| first.to_ascii_uppercase() + rest).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// On the scale from 0 to 10 of CVSS, in the middle of what code scanning calls by the same name.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// From 0 to 100: what to look at first.
fn rank(issue: &Issue) -> f64 {
    let severity = match issue.severity {
        Severity::Critical => 90,
        Severity::High => 70,
        Severity::Medium => 50,
        Severity::Low => 30,
        Severity::Info => 10,
    };
    f64::from(severity + 4 * issue.confidence as i32)
}

fn result(report: &Report<'_>, issue: &Issue, place: &str) -> Value {
    let mut text = words::headline(issue);
    text.push('.');
    // The general advice stands in the rule.
    let hint = words::advice(issue).filter(|(label, _)| *label == "look at").map(|(_, hint)| hint);
    for (label, sentence) in [("", words::meaning(issue)), ("Detail: ", words::detail(issue)), ("Look at: ", hint)] {
        if let Some(sentence) = sentence {
            let _ = write!(text, " {label}{}.", safe(sentence.trim_end_matches('.')));
        }
    }
    let names = Names::of(issue);
    let mut result = header(&names, issue.severity, &text, place);
    result.insert("rank".to_owned(), rank(issue).into());
    if report.baseline.is_some() {
        result.insert("baselineState".to_owned(), if issue.known { "unchanged" } else { "new" }.into());
    }
    result.insert("occurrenceCount".to_owned(), issue.count.into());
    result.insert(
        "properties".to_owned(),
        json!({
            "severity": issue.severity.name(),
            "confidence": issue.confidence.name(),
            "segment": issue.segment.map(Segment::name),
            "hops": issue.of,
            "operation": safe(&issue.sample.operation).as_str(),
            "firstSeen": issue.first_seen.rfc3339(),
            "lastSeen": issue.last_seen.rfc3339(),
            "traces": issue.traces.iter().map(TraceId::to_string).collect::<Value>(),
        }),
    );
    result.into()
}

/// What the baseline holds and this run does not.
fn absent(names: &Names, severity: Severity, place: &str) -> Value {
    let edge = words::edge(names.caller.as_deref(), &names.callee, Style::default());
    let text = format!("{edge}: {}, no longer seen.", words::gone_title(names));
    let mut result = header(names, severity, &text, place);
    result.insert("baselineState".to_owned(), "absent".into());
    result.insert("properties".to_owned(), json!({"severity": severity.name()}));
    result.into()
}

/// What every result has.
fn header(names: &Names, severity: Severity, text: &str, place: &str) -> Map<String, Value> {
    let id = rules::id(names.verdict.as_deref(), names.cause.as_deref(), names.finding.as_deref());
    let shown = |name: &str| json!({"name": safe(name).as_str(), "kind": "module"});
    let mut logical = vec![json!({
        "name": safe(&names.callee).as_str(),
        "fullyQualifiedName": words::edge(names.caller.as_deref(), &names.callee, Style::default()),
        "kind": "module",
    })];
    logical.extend(names.caller.as_deref().map(shown));
    let print = fingerprint(names);
    let mut result = Map::new();
    result.insert("ruleId".to_owned(), id.as_str().into());
    if let Some(index) = rules::all().iter().position(|rule| rule.id == id) {
        result.insert("ruleIndex".to_owned(), index.into());
    }
    result.insert("level".to_owned(), level(severity).into());
    result.insert("message".to_owned(), json!({"text": message(text)}));
    result.insert(
        "locations".to_owned(),
        json!([{
            "physicalLocation": {"artifactLocation": {"uri": place}, "region": {"startLine": 1}},
            "logicalLocations": logical,
        }]),
    );
    // Code scanning knows the second one only, and makes it of the file's lines where there is none: all issues stand
    // at one line, and would be one.
    result.insert(
        "partialFingerprints".to_owned(),
        json!({"jwtrailIssue/v1": print, "primaryLocationLineHash": format!("{}:1", &print[..16])}),
    );
    result
}

/// The same for the same edge, verdict and cause or finding, however often it was seen.
fn fingerprint(names: &Names) -> String {
    let text = json!([names.caller, names.callee, names.verdict, names.cause, names.finding]).to_string();
    digest(&SHA256, text.as_bytes()).as_ref().iter().take(16).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn invocation(report: &Report<'_>, fail_on: Severity) -> Value {
    let notes = report.setup.iter().map(words::setup_note).chain(words::losses(report));
    let notification = |text: String| json!({"level": "warning", "message": {"text": message(&text)}});
    json!({
        "executionSuccessful": true,
        "exitCode": i32::from(report.fails(fail_on)),
        "toolExecutionNotifications": notes.map(notification).collect::<Value>(),
    })
}

/// Plain text of a message: brackets would be a link, braces a placeholder (section 3.11).
fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '[' | ']' => out.extend(['\\', character]),
            '{' | '}' => out.extend([character, character]),
            _ => out.push(character),
        }
    }
    out
}

/// The file that results are said to stand in: the first that has a name.
fn place(report: &Report<'_>) -> String {
    let named = report.input.files.iter().find(|file| *file != "-");
    named.map_or_else(|| POLICY.to_owned(), |file| uri(file))
}

/// A path as a reference (RFC 3986): relative where it is, so that it stands below the folder that was checked.
fn uri(path: &str) -> String {
    if path == "-" {
        return "stdin".to_owned();
    }
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let mut out = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.strip_prefix("./").unwrap_or(&path).bytes() {
        // A colon in the first part of a relative reference would end a scheme.
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("./runs/a b.jsonl"), "runs/a%20b.jsonl");
        assert_eq!(uri("c:d"), "c%3Ad");
        assert_eq!(uri("/var/é"), "file:///var/%C3%A9");
    }

    #[test]
    fn messages_hold_no_link_and_no_placeholder() {
        assert_eq!(message("GET /{id} [x](http://y)"), "GET /{{id}} \\[x\\](http://y)");
    }

    #[test]
    fn names_that_run_together_do_not_share_a_fingerprint() {
        let names = |caller: Option<&str>, callee: &str| Names {
            caller: caller.map(str::to_owned),
            callee: callee.to_owned(),
            verdict: Some("dropped".to_owned()),
            cause: Some("lost".to_owned()),
            finding: None,
        };
        let prints = [names(Some("a"), "b,c"), names(Some("a,b"), "c"), names(None, "a"), names(Some("null"), "a")];
        let prints: std::collections::BTreeSet<String> = prints.iter().map(fingerprint).collect();
        assert_eq!(prints.len(), 4);
        assert_eq!(pascal("dropped/not_sent"), "DroppedNotSent");
    }
}
