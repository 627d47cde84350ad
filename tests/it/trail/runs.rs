//! Every recorded run against its truth: what is accused, on which edge, how often, and nothing else.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jwtrail::model::{Cause, Finding, Hop, UnixNanos, Verdict};
use serde::Deserialize;

use super::support::{batch, judge, policy_of, read, runs, trail};

#[derive(Deserialize)]
struct Truth {
    hops: Vec<Expected>,
    findings: Vec<(Option<String>, String, String, usize)>,
    #[serde(default)]
    waypoints: Vec<String>,
}

/// `a|b` allows either, `*` any; no caller is an entry hop, no cause any.
#[derive(Deserialize)]
struct Expected {
    caller: Option<String>,
    callee: String,
    verdict: String,
    cause: Option<String>,
    n: usize,
    severity: Option<String>,
}

fn fits(wanted: &str, got: &str) -> bool {
    wanted == "*" || wanted.split('|').any(|one| one == got)
}

fn on_edge(hop: &Hop, caller: Option<&str>, callee: &str) -> bool {
    let from = match (caller, &hop.caller) {
        (Some("*"), _) | (None, None) => true,
        (Some(wanted), Some(party)) => fits(wanted, &party.service),
        _ => false,
    };
    from && fits(callee, &hop.callee.service)
}

fn matches(hop: &Hop, expected: &Expected) -> bool {
    on_edge(hop, expected.caller.as_deref(), &expected.callee)
        && fits(&expected.verdict, hop.verdict.name())
        && expected.cause.as_deref().is_none_or(|cause| fits(cause, hop.cause.map_or("", |c| c.name())))
        && expected.severity.as_deref().is_none_or(|severity| severity == hop.severity.name())
}

/// What is wrong with a run's hops, one line each.
fn wrong(truth: &Truth, hops: &[Hop]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut explained = vec![false; hops.len()];
    for expected in &truth.hops {
        // Accused hops first: an expectation that allows several verdicts is there for them.
        let mut fitting: Vec<usize> =
            (0..hops.len()).filter(|&i| !explained[i] && matches(&hops[i], expected)).collect();
        fitting.sort_by_key(|&i| !hops[i].verdict.accuses());
        fitting.truncate(expected.n);
        let found = fitting.len();
        for i in fitting {
            explained[i] = true;
        }
        if found != expected.n {
            let Expected { caller, callee, verdict, cause, n, .. } = expected;
            wrong.push(format!("{caller:?} → {callee}: {n} × {verdict}/{cause:?} expected, {found} found"));
        }
    }
    let accused = hops.iter().zip(&explained).filter(|(hop, explained)| !**explained && hop.verdict.accuses());
    wrong.extend(
        accused.map(|(hop, _)| format!("false alarm: {:?}/{:?} → {}", hop.verdict, hop.cause, hop.callee.service)),
    );
    for (caller, callee, finding, n) in &truth.findings {
        let shows = |hop: &&Hop| {
            on_edge(hop, caller.as_deref(), callee) && hop.findings.iter().any(|hit| hit.finding.name() == finding)
        };
        let found = hops.iter().filter(shows).count();
        if found != *n {
            wrong.push(format!("{caller:?} → {callee}: finding {finding} {n} times expected, {found} found"));
        }
    }
    let parties = hops.iter().flat_map(|hop| hop.caller.iter().chain([&hop.callee]));
    wrong.extend(
        parties
            .filter(|p| truth.waypoints.iter().any(|w| **w == *p.service))
            .map(|p| format!("{} is a proxy", p.service)),
    );
    wrong
}

/// Judges every run of a folder and holds it to its truth; what was seen goes to `seen`.
fn check_folder(folder: &Path, at_least: usize, seen: &mut dyn FnMut(&Hop)) {
    let mut failures = Vec::new();
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let run = entry.unwrap().path();
        if run.extension().is_none_or(|ext| ext != "jsonl") {
            continue;
        }
        let truth: Truth = serde_json::from_slice(&std::fs::read(run.with_extension("truth.json")).unwrap()).unwrap();
        let (spans, logs) = read(&run);
        let hops = judge(policy_of(&run), [batch(spans, logs)]);
        hops.iter().for_each(&mut *seen);
        failures.extend(wrong(&truth, &hops).into_iter().map(|line| format!("{}: {line}", run.display())));
        checked += 1;
    }
    assert!(checked >= at_least, "only {checked} runs found in {}", folder.display());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs that belong to this repository: shaped by hand after the sources, and recorded from real services.
fn scenarios(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(folder)
}

#[test]
fn recorded_faults_are_accused_on_their_edge_and_nothing_else_is() {
    check_folder(&runs(""), 16, &mut |_| ());
}

#[test]
fn waypoints_stay_on_their_edge_when_a_run_ends() {
    let (spans, logs) = read(&runs("shapes/envoy-sidecars.jsonl"));
    let mut trail = trail(jwtrail::model::policy::Policy::default());
    trail.ingest(batch(spans, logs), UnixNanos(0));
    trail.settle_all();
    let summary = trail.summary(UnixNanos(0));
    let edge = summary.edges.iter().find(|edge| &*edge.callee == "store").unwrap();
    assert!(edge.waypoints.iter().any(|name| &**name == "gateway.default"), "{:?}", edge.waypoints);
}

#[test]
fn recorded_shapes_of_other_set_ups_are_read_as_they_are_meant() {
    check_folder(&runs("shapes"), 18, &mut |_| ());
}

#[test]
fn scenarios_hold_and_each_verdict_cause_and_finding_occurs() {
    let (mut verdicts, mut causes, mut findings) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut seen = |hop: &Hop| {
        verdicts.insert(hop.verdict);
        causes.extend(hop.cause);
        findings.extend(hop.findings.iter().map(|hit| hit.finding));
    };
    check_folder(&scenarios(""), 100, &mut seen);
    check_folder(&scenarios("recorded"), 20, &mut seen);
    check_folder(&runs(""), 16, &mut seen);
    check_folder(&runs("shapes"), 18, &mut seen);
    let missing: Vec<&str> = Verdict::ALL
        .iter()
        .filter(|verdict| !verdicts.contains(verdict))
        .map(|verdict| verdict.name())
        // `pending` is said of traces that are not settled; these runs all are.
        .chain(Cause::ALL.iter().filter(|c| **c != Cause::Pending && !causes.contains(c)).map(|c| c.name()))
        .chain(Finding::ALL.iter().filter(|finding| !findings.contains(finding)).map(|finding| finding.name()))
        .collect();
    assert!(missing.is_empty(), "no run shows {missing:?}");
}
