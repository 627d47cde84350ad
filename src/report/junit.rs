//! `JUnit` XML, for build servers: one suite for each caller, one case for each edge.
//!
//! An edge with an issue at or above the threshold is a failure, one that cannot be judged at all is skipped, the rest
//! passes. What is below the threshold or known stands under the output of the case. Times are 0: nothing is run.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::safe::safe;
use super::{Edge, Issue, Report, Style, evidence, rules, words};
use crate::model::Severity;

/// The suite of requests that enter from outside, and that of the run itself: no service can be called so by accident.
const OUTSIDE: &str = "(outside)";
const RUN: &str = "(run)";

/// Caller and callee.
type Ends<'a> = (Option<&'a str>, &'a str);

/// What became of an edge.
enum Outcome<'a> {
    Failed(Vec<&'a Issue>),
    Skipped(String),
    Passed,
}

struct Case<'a> {
    suite: String,
    name: String,
    outcome: Outcome<'a>,
    output: String,
}

/// Writes the report; issues at or above `fail_on` are failures.
pub fn write(report: &Report<'_>, fail_on: Severity, out: &mut dyn Write) -> io::Result<()> {
    let mut issues: HashMap<Ends<'_>, Vec<&Issue>> = HashMap::new();
    for issue in &report.issues {
        issues.entry((issue.caller.as_deref(), &*issue.callee)).or_default().push(issue);
    }
    let mut cases = Vec::with_capacity(report.edges.len() + 1);
    for edge in &report.edges {
        let of_edge = issues.remove(&(edge.caller.as_deref(), &*edge.callee)).unwrap_or_default();
        cases.push(case(of_edge, edge, fail_on));
    }
    cases.push(run(report));
    let mut writer = Writer::new_with_indent(out, b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    open(&mut writer, "testsuites", env!("CARGO_PKG_NAME"), &cases)?;
    // Edges come by caller: the cases of one suite stand together.
    for suite in cases.chunk_by(|a, b| a.suite == b.suite) {
        open(&mut writer, "testsuite", &suite[0].suite, suite)?;
        suite.iter().try_for_each(|case| write_case(&mut writer, case))?;
        writer.write_event(Event::End(BytesEnd::new("testsuite")))?;
    }
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let out = writer.into_inner();
    out.write_all(b"\n")?;
    out.flush()
}

fn case<'a>(issues: Vec<&'a Issue>, edge: &Edge, fail_on: Severity) -> Case<'a> {
    let (failing, rest): (Vec<&Issue>, Vec<&Issue>) = issues.into_iter().partition(|issue| issue.fails(fail_on));
    let mut output: String = rest.iter().map(|issue| told(issue)).collect();
    let outcome = if !failing.is_empty() {
        Outcome::Failed(failing)
    } else if edge.unknown == edge.hops && rest.is_empty() {
        Outcome::Skipped(words::unjudged(edge))
    } else {
        Outcome::Passed
    };
    if edge.unknown > 0 && !matches!(outcome, Outcome::Skipped(_)) {
        output.push_str(&words::unjudged(edge));
        output.push('\n');
    }
    Case {
        suite: edge.caller.as_deref().map_or_else(|| OUTSIDE.to_owned(), |caller| safe(caller).to_string()),
        name: words::edge(edge.caller.as_deref(), &edge.callee, Style::default()),
        outcome,
        output,
    }
}

/// The run as a whole: passed where anything could be judged.
fn run(report: &Report<'_>) -> Case<'static> {
    let mut output = format!("{}\n", words::totals(report));
    for line in words::losses(report).into_iter().chain(report.setup.iter().map(words::setup_note)) {
        output.push_str(&line);
        output.push('\n');
    }
    let conclusion = words::conclusion(report);
    let gone = report.baseline.iter().flat_map(|compared| &compared.gone);
    for (names, _) in gone {
        let edge = words::edge(names.caller.as_deref(), &names.callee, Style::default());
        let _ = writeln!(output, "{edge}: {}, gone since the baseline", words::gone_title(names));
    }
    output.push_str(&conclusion);
    output.push('\n');
    let outcome = if report.counts.hops == 0 { Outcome::Skipped(conclusion) } else { Outcome::Passed };
    Case { suite: RUN.to_owned(), name: "jwtrail check".to_owned(), outcome, output }
}

/// An issue with its evidence.
fn told(issue: &Issue) -> String {
    let mut text = format!("{}\n", words::headline(issue));
    for (label, line) in evidence::lines(issue, Style::default()) {
        let _ = writeln!(text, "  {label:<9} {line}");
    }
    text
}

fn open(writer: &mut Writer<&mut dyn Write>, tag: &str, name: &str, cases: &[Case<'_>]) -> io::Result<()> {
    let count = |of: fn(&Outcome<'_>) -> bool| cases.iter().filter(|case| of(&case.outcome)).count().to_string();
    let failures = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    writer.write_event(Event::Start(BytesStart::new(tag).with_attributes([
        ("name", name),
        ("tests", cases.len().to_string().as_str()),
        ("failures", failures.as_str()),
        ("errors", "0"),
        ("skipped", skipped.as_str()),
        ("time", "0"),
    ])))
}

fn write_case(writer: &mut Writer<&mut dyn Write>, case: &Case<'_>) -> io::Result<()> {
    let start = BytesStart::new("testcase").with_attributes([
        ("name", case.name.as_str()),
        ("classname", case.suite.as_str()),
        ("time", "0"),
    ]);
    if matches!(case.outcome, Outcome::Passed) && case.output.is_empty() {
        return writer.write_event(Event::Empty(start));
    }
    writer.write_event(Event::Start(start))?;
    match &case.outcome {
        Outcome::Failed(issues) => {
            let messages: Vec<String> = issues.iter().map(|issue| failure(issue)).collect();
            let kind = issues.first().and_then(|issue| rules::of(issue)).map_or("", |(_, rule)| rule.id);
            let body: String = issues.iter().map(|issue| told(issue)).collect();
            let start = BytesStart::new("failure");
            let start = start.with_attributes([("message", messages.join("; ").as_str()), ("type", kind)]);
            text(writer, &start, &body)?;
        }
        Outcome::Skipped(why) => {
            let skipped = BytesStart::new("skipped").with_attributes([("message", why.as_str())]);
            writer.write_event(Event::Empty(skipped))?;
        }
        Outcome::Passed => {}
    }
    if !case.output.is_empty() {
        text(writer, &BytesStart::new("system-out"), &case.output)?;
    }
    writer.write_event(Event::End(BytesEnd::new("testcase")))
}

/// `dropped: not sent, high, 3 of 3 hops, proven`: the edge is the name of the case.
fn failure(issue: &Issue) -> String {
    format!("{}, {}, {}, {}", words::title(issue), issue.severity, words::share(issue), issue.confidence)
}

/// An element with text, which is made safe before: XML 1.0 has no way to write most control characters.
fn text(writer: &mut Writer<&mut dyn Write>, start: &BytesStart<'_>, text: &str) -> io::Result<()> {
    writer.write_event(Event::Start(start.borrow()))?;
    writer.write_event(Event::Text(BytesText::new(text)))?;
    writer.write_event(Event::End(start.to_end()))
}
