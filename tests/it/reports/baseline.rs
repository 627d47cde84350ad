//! An earlier report, held against the rich input in each form.

use jwtrail::model::{Severity, TraceId, Verdict};
use jwtrail::report::{Baseline, Report, Style};
use serde_json::Value;

use super::fixture::{as_github, as_json, as_junit, as_markdown, as_sarif, as_text, input, notes, rich};
use super::read_junit;
use crate::report::hop;

/// The rich input before orders lost the token on its way to stock, and with another break that is mended since.
fn earlier() -> String {
    let mut traces = rich();
    for hops in traces.0.values_mut() {
        hops.retain(|hop| &*hop.callee.service != "stock");
        for hop in hops.iter_mut().filter(|hop| &*hop.callee.service == "shipping") {
            hop.severity = Severity::Medium;
        }
    }
    let old = hop(1, Some(("orders", 2)), ("old|one", 20), Verdict::Dropped);
    traces.0.get_mut(&TraceId([1; 16])).unwrap().push(old);
    as_json(&traces, None)
}

#[test]
fn what_a_baseline_holds_fails_no_build() {
    let (traces, input) = (rich(), input());
    let report = |baseline: &str| {
        let baseline = Baseline::read(baseline.as_bytes()).unwrap();
        Report::new(&input, notes(), &traces).unwrap().against(&baseline)
    };
    let same = report(&as_json(&traces, None));
    assert!(!same.fails(Severity::Info), "remarks beside the issues are known from the hops");
    assert!(same.baseline.as_ref().unwrap().gone.is_empty());

    let changed = report(&earlier());
    let new: Vec<&str> = changed.issues.iter().filter(|issue| !issue.known).map(|issue| &*issue.callee).collect();
    assert_eq!(new, ["shipping", "stock"], "what grew worse is new, too");
    assert!(changed.fails(Severity::High) && !changed.fails(Severity::Critical));
    let gone: Vec<&str> = changed.baseline.as_ref().unwrap().gone.iter().map(|(names, _)| &*names.callee).collect();
    assert_eq!(gone, ["old|one"]);
}

#[test]
fn json_names_what_is_known_only_with_a_baseline() {
    let plain: Value = serde_json::from_str(&as_json(&rich(), None)).unwrap();
    assert_eq!(plain["summary"].get("baseline"), None);
    assert!(plain["issues"].as_array().unwrap().iter().all(|issue| issue.get("known").is_none()));
    let held: Value = serde_json::from_str(&as_json(&rich(), Some(&earlier()))).unwrap();
    assert_eq!(held["summary"]["baseline"], serde_json::json!({"new": 2, "known": 5, "gone": 1}));
    let known = held["issues"].as_array().unwrap().iter().filter(|issue| issue["known"] == true).count();
    assert_eq!((known, held["issues"].as_array().unwrap().len()), (5, 7));
}

#[test]
fn text_against_a_baseline() {
    let shown = as_text(&rich(), Style::default(), Some(&earlier()));
    insta::assert_snapshot!(shown);
}

#[test]
fn markdown_against_a_baseline() {
    insta::assert_snapshot!(as_markdown(&rich(), Some(&earlier())));
}

#[test]
fn build_servers_tell_new_from_known() {
    let baseline = earlier();
    let log = as_sarif(&rich(), Some(&baseline));
    let of = |state: &str| -> Vec<String> {
        let results = log["runs"][0]["results"].as_array().unwrap();
        let of_state = results.iter().filter(|result| result["baselineState"] == state);
        of_state.map(|result| result["locations"][0]["logicalLocations"][0]["name"].to_string()).collect()
    };
    assert_eq!(of("new"), ["\"shipping\"", "\"stock\""]);
    assert_eq!((of("unchanged").len(), of("absent")), (6, vec!["\"old|one\"".to_owned()]));

    assert_eq!(read_junit(&as_junit(&rich(), Severity::Info, Some(&baseline))), (11, 2, 1));
    let annotations = as_github(&rich(), Some(&baseline));
    let annotations: Vec<&str> = annotations.lines().take_while(|line| !line.starts_with("::group::")).collect();
    assert_eq!(annotations.len(), 3, "{annotations:?}");
    assert!(annotations[2].contains("2 new problems found, the worst is high; 6 known since the baseline"));
}
