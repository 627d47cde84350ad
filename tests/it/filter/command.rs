//! `check --where` over recorded runs: sums, issues, hops and status of what matches.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn check(run: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/runs").join(run);
    let folder = tempfile::tempdir().unwrap();
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_jwtrail"))
        .arg("check")
        .arg(data)
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        .env("JWTRAIL_FP_KEY", "a fingerprint key of thirty-two bytes and more")
        .env("XDG_STATE_HOME", folder.path())
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn report(args: &[&str]) -> Value {
    let (_, out, _) = check("drop-in-fanout.jsonl", &[args, &["--format", "json"]].concat());
    serde_json::from_str(&out).unwrap()
}

#[test]
fn only_what_matches_is_counted_and_listed() {
    let all = report(&[]);
    assert_eq!(all["input"].get("where"), None);
    let some = report(&["--where", "to:orders or  callee:shipping"]);
    assert_eq!(some["input"]["where"], "callee:orders or callee:shipping");
    for key in ["files", "spans", "traces", "duplicates", "rejected", "lost"] {
        assert_eq!(some["input"][key], all["input"][key], "{key}");
    }
    assert_eq!(some["services"], all["services"]);
    let verdicts = &some["summary"]["verdicts"];
    assert_eq!((&verdicts["intact"], &verdicts["dropped"], &verdicts["originated"]), (&json!(3), &json!(3), &json!(0)));
    let wanted = |hop: &&Value| ["orders", "shipping"].contains(&hop["callee"]["service"].as_str().unwrap());
    let hops: Vec<&Value> = all["hops"].as_array().unwrap().iter().filter(wanted).collect();
    assert_eq!(some["hops"].as_array().unwrap().iter().collect::<Vec<_>>(), hops);
    assert_eq!(some["summary"]["hops"], 6);
    assert_eq!(some["issues"], all["issues"]);
}

#[test]
fn the_status_is_that_of_what_matches() {
    let run = |filter: &str| check("drop-in-fanout.jsonl", &["--where", filter]);
    let (status, out, errors) = run("verdict:dropped");
    assert_eq!((status, errors.as_str()), (Some(1), ""));
    // The way to the hop leads through hops that do not match.
    assert!(out.contains("  path      ● gateway ─✓─▸ orders ─✗─▸ shipping\n"), "{out}");
    assert!(out.contains("12 hops\n✗ 3 dropped\nwhere verdict:dropped: 3 of 12 hops\n"), "{out}");
    let (status, out, _) = run("-callee:shipping");
    assert_eq!(status, Some(0));
    assert!(out.ends_with(
        "✓ 6 intact   ● 3 originated\nwhere -callee:shipping: 9 of 12 hops\nnothing is wrong among those that match: 9 hops \
         judged, no token was lost, changed or refused\n"
    ), "{out}");
}

#[test]
fn nothing_that_matches_is_no_failure_but_is_said() {
    let (status, out, errors) = check("drop-in-fanout.jsonl", &["--where", "nobody"]);
    assert_eq!((status, errors.as_str()), (Some(0), "where nobody: none of 12 hops matches\n"));
    assert!(out.ends_with("where nobody: 0 of 12 hops\nnothing can be said: no hop matches\n"), "{out}");
}

#[test]
fn an_age_counts_from_the_end_of_the_last_span() {
    let hops = |filter: &str| report(&["--where", filter])["summary"]["hops"].as_u64().unwrap();
    assert_eq!(hops("since:1d"), 12);
    assert_eq!(hops("since:0s"), 0);
    let (early, late) = (hops("until:1s"), hops("since:1s"));
    assert_eq!(early + late, 12);
    assert!(late > 0, "the last span began within a second of its end");
}

#[test]
fn a_mistake_is_bad_input_with_a_caret() {
    let (status, out, errors) = check("drop-in-fanout.jsonl", &["--where", "orders servce:x"]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    let told = "error: --where: column 8: unknown field `servce`: did you mean `service`?\n  orders servce:x\n         ^^^^^^\n";
    assert_eq!(errors, told);
}

/// Whoever looks for a token has it in the clipboard.
#[test]
fn a_token_itself_is_refused_and_not_shown() {
    let token = crate::token::signed(&json!({"iss": "https://idp.test", "sub": "alice", "exp": 1_900_000_000}));
    let parts: Vec<&str> = token.split('.').collect();
    let split = format!("token:{}\"{}\"", &parts[1][..8], &parts[1][8..]);
    for filter in [format!("token:{token}"), format!("tokn:{token} or x"), format!("{}.{}", parts[1], parts[2]), split]
    {
        let (status, out, errors) = check("drop-in-fanout.jsonl", &["--where", &filter]);
        assert_eq!((status, out.as_str()), (Some(2), ""));
        assert!(errors.contains("found a token itself"), "{errors}");
        let pieces = parts[1..].iter().flat_map(|part| part.as_bytes().windows(9));
        for piece in pieces {
            assert!(!errors.contains(std::str::from_utf8(piece).unwrap()), "{errors}");
        }
    }
}

#[test]
fn the_help_lists_every_field() {
    let help = |flag: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_jwtrail")).args(["check", flag]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (short, long) = (help("-h"), help("--help"));
    for row in jwtrail::filter::FIELDS {
        assert!(long.lines().any(|line| line.trim_start().starts_with(row.name)), "{}", row.name);
    }
    assert!(short.contains("--where") && !short.contains("Fields:"));
}
