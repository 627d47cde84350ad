//! The reports that build servers read, and the one that people read at a terminal: over one rich input whose names
//! try to break each of them.

mod baseline;
mod fixture;

use std::process::{Command, Output};
use std::sync::Arc;

use jwtrail::model::text::Safe;
use jwtrail::model::{Anomaly, Hop, Presence, Reason, Severity, SpanId, TraceId, Verdict, VerifyResult, VerifySource};
use jwtrail::report::{Input, Report, Style, text};
use jwtrail::trail::summary::Summary;
use quick_xml::events::Event;
use serde_json::Value;

use crate::report::{Traces, hop};
use fixture::{as_github, as_junit, as_markdown, as_sarif, as_text, many, rich};

#[test]
fn text() {
    insta::assert_snapshot!(as_text(&rich(), Style::default(), None));
}

#[test]
fn text_at_80_columns_in_colour() {
    let style = Style { colour: true, ascii: false, width: Some(80) };
    let shown = as_text(&rich(), style, None);
    insta::assert_snapshot!(shown.replace('\u{1b}', "␛"));
    for width in [80, 120] {
        let style = Style { width: Some(width), ..Style::default() };
        for line in as_text(&rich(), style, None).lines() {
            let one_word = line.trim_start().split(' ').next().unwrap_or_default();
            assert!(
                Safe::new(line).width() <= usize::from(width) || one_word.len() > 60 || line.contains("zzz"),
                "{line}"
            );
        }
    }
}

#[test]
fn text_in_ascii() {
    let style = Style { ascii: true, ..Style::default() };
    let mut traces = rich();
    traces.0.get_mut(&TraceId([1; 16])).unwrap()[0].callee.service = "gäteway…".into();
    assert!(as_text(&traces, style, None).is_ascii());
}

#[test]
fn sarif() {
    let mut log = as_sarif(&rich(), None);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap();
    assert!(rules.len() > 40);
    // All rules stand in their table; two of them here show the form.
    rules.retain(|rule| rule["id"] == "dropped/not_sent" || rule["id"] == "leaked");
    insta::assert_snapshot!(serde_json::to_string_pretty(&log).unwrap());
}

#[test]
fn junit() {
    insta::assert_snapshot!(as_junit(&rich(), Severity::High, None));
}

#[test]
fn github() {
    insta::assert_snapshot!(as_github(&rich(), None));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(as_markdown(&rich(), None));
}

/// Reads `JUnit` as a consumer does: sums of each element beside what is in it.
fn read_junit(xml: &str) -> (u64, u64, u64) {
    assert!(!xml.contains(|c: char| c.is_control() && c != '\n' || matches!(c, '\u{ffff}' | '\u{202e}')), "{xml}");
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut said, mut seen) = (Vec::new(), (0, 0, 0));
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(start) | Event::Empty(start)) = &event else {
            if matches!(event, Event::Eof) {
                break;
            }
            continue;
        };
        match start.name().as_ref() {
            "testsuites" | "testsuite" => {
                let number = |name: &str| -> u64 {
                    let value = start.try_get_attribute(name).unwrap().unwrap();
                    value.value.parse().unwrap()
                };
                said.push((number("tests"), number("failures"), number("skipped")));
            }
            "testcase" => seen.0 += 1,
            "failure" => seen.1 += 1,
            "skipped" => seen.2 += 1,
            _ => {}
        }
    }
    let suites = said[1..].iter().fold((0, 0, 0), |sum, suite| (sum.0 + suite.0, sum.1 + suite.1, sum.2 + suite.2));
    assert_eq!((said[0], suites), (seen, seen));
    seen
}

#[test]
fn junit_fails_what_the_threshold_names_and_its_sums_are_true() {
    let of = |fail_on| read_junit(&as_junit(&rich(), fail_on, None));
    // Ten edges and the run itself; the one that is dark is skipped.
    assert_eq!(of(Severity::Critical), (11, 2, 1));
    assert_eq!(of(Severity::High), (11, 5, 1));
    assert_eq!(of(Severity::Medium), (11, 6, 1));
    assert_eq!(of(Severity::Info), (11, 8, 1));
    assert_eq!(read_junit(&as_junit(&Traces::default(), Severity::High, None)), (1, 0, 1), "nothing judged is no pass");
    let edges = as_junit(&rich(), Severity::Critical, None);
    assert!(edges.contains("<system-out>orders → shipping: dropped: not sent, high"), "told where it passes: {edges}");
}

#[test]
fn github_shows_the_worst_ten_of_a_level_and_counts_the_rest() {
    let shown = as_github(&many(25, Severity::High), None);
    let annotations: Vec<&str> = shown.lines().take_while(|line| !line.starts_with("::group::")).collect();
    assert_eq!(annotations.iter().filter(|line| line.starts_with("::error title=")).count(), 10);
    assert_eq!(annotations.len(), 11);
    assert!(annotations[10].starts_with("::notice title=jwtrail::25 problems found"), "{}", annotations[10]);
    assert!(annotations[10].contains("%0A15 more problems are not shown here"), "{}", annotations[10]);
    let notices = as_github(&many(25, Severity::Low), None);
    assert_eq!(notices.lines().filter(|line| line.starts_with("::notice ")).count(), 10);
}

#[test]
fn github_takes_no_command_from_a_name() {
    let shown = as_github(&rich(), None);
    let lines: Vec<&str> = shown.lines().collect();
    let group = lines.iter().position(|line| line.starts_with("::group::")).unwrap();
    let levels = ["::error title=", "::warning title=", "::notice title="];
    for line in &lines[..group] {
        assert!(levels.iter().any(|level| line.starts_with(level)), "{line}");
        let properties = line.trim_start_matches(':').split("::").next().unwrap();
        assert!(!properties.split_once('=').unwrap().1.contains([':', ',']), "{line}");
    }
    // What is inside the group is not read until the word comes, and it comes at its end alone.
    let word = lines[group + 1].strip_prefix("::stop-commands::").unwrap();
    assert_eq!(lines[lines.len() - 2..], [format!("::{word}::"), "::endgroup::".to_owned()]);
    assert_eq!(shown.matches(word).count(), 2);
}

#[test]
fn a_comment_fits_and_counts_what_was_cut() {
    for count in [1, 40, 700] {
        let shown = as_markdown(&many(count, Severity::High), None);
        assert!(shown.len() <= 65_536, "{}", shown.len());
        let number = |what: &str| -> usize {
            let line = shown.lines().find(|line| line.contains(what));
            line.map_or(0, |line| line.split(' ').next().unwrap().parse().unwrap())
        };
        let rows = shown.lines().filter(|line| line.starts_with("| ✗ ")).count();
        assert_eq!(rows + number("in this table"), count as usize);
        let details = shown.lines().filter(|line| line.starts_with("<details")).count();
        assert_eq!(details + number("shown in detail"), count as usize);
        assert!(details > 0 && shown.ends_with("</sub>\n"));
    }
}

#[test]
fn a_comment_calls_nobody() {
    let shown = as_markdown(&rich(), None);
    let mut fence = None;
    for line in shown.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            Some(open) if ticks == line.len() && ticks >= open => fence = None,
            Some(_) => {}
            // Outside of fences, foreign text stands in code only.
            None => {
                let mut rest = line.to_owned();
                while let Some(start) = rest.find("<code>") {
                    let end = rest.find("</code>").unwrap();
                    assert!(!rest[start + 6..end].contains('<'), "{line}");
                    rest.replace_range(start..end + 7, "");
                }
                while let Some(start) = rest.find('`') {
                    let ticks = rest[start..].len() - rest[start..].trim_start_matches('`').len();
                    let behind = start + ticks;
                    let end = rest[behind..].find(&"`".repeat(ticks)).unwrap() + behind + ticks;
                    rest.replace_range(start..end, "");
                }
                assert!(!rest.contains(['@', '#']) || rest.starts_with("### "), "{line}");
                assert!(!line.starts_with("| ") || rest.matches('|').count() == 6, "{line}");
            }
        }
    }
    assert_eq!(fence, None);
}

#[test]
fn fingerprints_stay_while_counts_change() {
    let prints = |traces: &Traces| -> Vec<Value> {
        let log = as_sarif(traces, None);
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.into_iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let all = rich();
    let mut fewer = rich();
    fewer.0.retain(|trace, _| trace.0[0] == 1);
    assert_eq!(prints(&all), prints(&fewer));
    let mut sorted: Vec<String> = prints(&all).iter().map(Value::to_string).collect();
    sorted.dedup();
    assert_eq!(sorted.len(), 8);
}

#[test]
fn the_conclusion_claims_no_more_than_was_read() {
    let mut calm = Traces::default();
    calm.0.insert(TraceId([1; 16]), vec![hop(1, None, ("gateway", 1), Verdict::Originated)]);
    let last = |input: &Input| {
        let mut out = Vec::new();
        let report = Report::new(input, Summary::default(), &calm).unwrap();
        text::write(&report, Style::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().last().unwrap().to_owned()
    };
    assert!(last(&Input { spans: 1, ..Input::default() }).starts_with("nothing is wrong: 1 hop judged"));
    let rejected = last(&Input { spans: 4, rejected: 3, ..Input::default() });
    assert_eq!(rejected, "nothing is accused, but 3 spans could not be read");
    let lost = last(&Input { spans: 4, rejected: 1, lost: 1, ..Input::default() });
    assert_eq!(lost, "nothing is accused, but 1 span could not be read; 1 span was lost");
}

#[test]
fn evidence_does_not_contradict_itself() {
    let of = |change: &dyn Fn(&mut Hop)| {
        let mut hop = hop(1, Some(("orders", 2)), ("shipping", 3), Verdict::Dropped);
        change(&mut hop);
        let mut traces = Traces::default();
        traces.0.insert(TraceId([1; 16]), vec![hop]);
        as_text(&traces, Style::default(), None)
    };
    let placeholder = of(&|hop| {
        hop.sent.presence = Presence::Present;
        hop.sent.carrier = "header:authorization".into();
        hop.sent.anomalies.insert(Anomaly::Placeholder);
    });
    assert!(placeholder.contains("  sent      a placeholder, no token  header:authorization\n"), "{placeholder}");
    let refused = |source| {
        of(&move |hop: &mut Hop| {
            hop.verification.result = VerifyResult::Failed;
            hop.verification.reason = Some(Reason::Rejected);
            hop.verification.source = Some(source);
        })
    };
    assert!(refused(VerifySource::Status).contains("  answer    401, no reason given\n"));
    assert!(
        refused(VerifySource::Rejection).contains("  answer    401, the token was refused (by what it recorded)\n")
    );
    let once = of(&|hop| {
        hop.verification.relayed_from = Some(SpanId([7; 8]));
        hop.detail = Some("relays the refusal that its call 0707070707070707 met".into());
    });
    assert_eq!(once.matches("0707070707070707").count(), 1, "{once}");
}

fn jwtrail(args: &[&str]) -> Output {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtrail"));
    command.args(args).current_dir(format!("{root}/tests/data/runs")).env_clear();
    command.env("JWTRAIL_FP_KEY", "a fingerprint key of thirty-two bytes and more").output().unwrap()
}

#[test]
fn check_writes_each_form_and_reads_a_baseline() {
    let run = "401-propagates.jsonl";
    for (format, begins) in [
        ("text", "✗ high"),
        ("json", "{\"version\":1"),
        ("sarif", "{\n  \"$schema\""),
        ("junit", "<?xml"),
        ("github", "::error title="),
        ("markdown", "<!-- jwtrail -->"),
    ] {
        let output = jwtrail(&["check", run, "--format", format]);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.starts_with(begins) && shown.ends_with('\n'), "{format}: {shown}");
        assert_eq!(output.status.code(), Some(1), "{format}");
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.json");
    let path: Arc<str> = file.to_str().unwrap().into();
    std::fs::write(&file, jwtrail(&["check", run, "--format", "json"]).stdout).unwrap();
    let output = jwtrail(&["check", run, "--baseline", &path]);
    assert_eq!(output.status.code(), Some(0), "what is known fails no build");
    assert!(String::from_utf8(output.stdout).unwrap().contains("known since the baseline"));

    for (content, why) in [("no json", "found something else"), ("{\"version\":2,\"issues\":[]}", "found version 2")] {
        std::fs::write(&file, content).unwrap();
        let output = jwtrail(&["check", run, "--baseline", &path]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(error.starts_with("error: ") && error.contains("old.json") && error.contains(why), "{error}");
    }
    let missing = jwtrail(&["check", run, "--baseline", "nowhere.json"]);
    let error = String::from_utf8(missing.stderr).unwrap();
    assert!(missing.status.code() == Some(2) && error.contains("nowhere.json"), "{error}");
}
