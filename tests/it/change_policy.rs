//! The policy, changed from a screen: what people wrote stays, what is wrong is not written, what is held is judged anew.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use jwtrail::config::edit::{EditError, Rule, Written, add};
use jwtrail::model::policy::{Policy, TokenRule};
use jwtrail::model::{Severity, UnixNanos, Verdict};

use crate::trail::support::{batch, read, runs, trail};

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn place(text: Option<&str>) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwtrail.toml");
    if let Some(text) = text {
        fs::write(&path, text).unwrap();
    }
    Place { _folder: folder, path }
}

fn edge(from: &str, to: &str, token: &'static str) -> Rule {
    Rule::Edge { from: from.to_owned(), to: to.to_owned(), token }
}

fn ignore(from: &str, to: &str, reason: &str) -> Rule {
    let (kind, name) = ("verdict", "dropped".to_owned());
    Rule::Ignore { from: from.to_owned(), to: to.to_owned(), kind, name, reason: reason.to_owned() }
}

/// Adds a rule; every line that was there is there afterwards, in its order.
fn added(place: &Place, rule: &Rule) -> Written {
    let before = fs::read_to_string(&place.path).unwrap_or_default();
    let written = add(&place.path, rule).unwrap();
    let after = fs::read_to_string(&place.path).unwrap();
    let mut lines = after.lines();
    for line in before.lines() {
        assert!(lines.any(|kept| kept == line), "`{line}` is gone or moved:\n{after}");
    }
    written
}

const OWN: &str = "\
# Ours.
[capture]
carriers = [ \"x-token\" ]   # the old gateway

# The shop's edges, the first that matches wins.
[[edge]]
from = \"gateway\"
to   = \"*\"
token = \"required\"

[[ignore]]  # agreed in March
from = \"cart\"
to = \"pricing\"
verdict = \"changed\"
reason = \"a test\"

# [[ignore]]
# from = \"an example to copy\"
";

#[test]
fn a_new_file_says_what_it_is() {
    let place = place(None);
    let written = added(&place, &edge("orders", "shipping", "optional"));
    assert!(written.created);
    insta::assert_snapshot!("new_policy", fs::read_to_string(&place.path).unwrap());
    assert_eq!(written.line, 3);
    assert!(!added(&place, &ignore("orders", "shipping", "known")).created);
}

#[test]
fn comments_and_order_stay() {
    let place = place(Some(OWN));
    added(&place, &edge("orders", "shipping", "optional"));
    added(&place, &edge("gateway", "orders", "exchange"));
    let written = added(&place, &ignore("orders", "ship[ping]", "  it is \"known\" "));
    let text = fs::read_to_string(&place.path).unwrap();
    insta::assert_snapshot!("policy_with_comments", text);
    let policy = &written.file.policy;
    let rules: Vec<TokenRule> = policy.edge.iter().map(|edge| edge.token).collect();
    assert_eq!(rules, [TokenRule::Exchange, TokenRule::Required, TokenRule::Optional], "the narrower rule comes first");
    assert_eq!(policy.ignore[1].to, "ship[[]ping[]]", "a name is no glob");
    assert_eq!(policy.ignore[1].reason, "it is \"known\"");
    assert_eq!(text.lines().nth(written.line - 1), Some("[[ignore]]"));
}

#[test]
fn the_same_edge_is_changed_in_place() {
    let place = place(Some(OWN));
    added(&place, &edge("orders", "shipping", "optional"));
    let length = fs::read_to_string(&place.path).unwrap().lines().count();
    let written = add(&place.path, &edge("orders", "shipping", "exchange")).unwrap();
    assert_eq!(fs::read_to_string(&place.path).unwrap().lines().count(), length);
    assert_eq!(written.file.policy.edge[1].token, TokenRule::Exchange);
}

#[test]
fn rules_on_one_line_stay_on_one_line() {
    let place = place(Some("edge = [ { from = \"a\", to = \"b\", token = \"own\" } ] # short\n"));
    let written = add(&place.path, &edge("c", "d", "optional")).unwrap();
    assert_eq!(written.file.policy.edge.len(), 2);
    let text = fs::read_to_string(&place.path).unwrap();
    assert!(text.contains("{ from = \"a\", to = \"b\", token = \"own\" }") && text.ends_with("# short\n"), "{text}");
}

#[test]
fn what_cannot_be_written_is_said_and_left_alone() {
    let wrong = place(Some("[[edge]]\nfrom = \"a\"\ntoken = \"optionall\"\n"));
    let error = add(&wrong.path, &edge("c", "d", "optional")).unwrap_err().to_string();
    assert!(error.contains("jwtrail.toml:3:") && error.contains("did you mean `optional`?"), "{error}");

    let empty = place(Some(OWN));
    let error = add(&empty.path, &ignore("a", "b", " ")).unwrap_err().to_string();
    assert!(error.contains("expected a sentence why this is accepted"), "{error}");
    assert_eq!(fs::read_to_string(&empty.path).unwrap(), OWN);

    let locked = place(Some(OWN));
    fs::set_permissions(&locked.path, fs::Permissions::from_mode(0o444)).unwrap();
    let error = add(&locked.path, &edge("c", "d", "optional")).unwrap_err();
    assert!(matches!(error, EditError::ReadOnly(_)) && error.to_string().contains("is read-only"), "{error}");

    let target = place(Some(OWN));
    let link = place(None);
    symlink(&target.path, &link.path).unwrap();
    let error = add(&link.path, &edge("c", "d", "optional")).unwrap_err();
    assert!(error.to_string().contains("is a symbolic link to"), "{error}");
    assert_eq!(fs::read_to_string(&target.path).unwrap(), OWN);
}

#[test]
fn permissions_are_kept() {
    let place = place(Some(OWN));
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o640)).unwrap();
    added(&place, &edge("orders", "shipping", "optional"));
    assert_eq!(fs::metadata(&place.path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn what_is_held_is_judged_anew() {
    let (spans, logs) = read(&runs("drop-in-fanout.jsonl"));
    let mut trail = trail(Policy::default());
    trail.ingest(batch(spans, logs), UnixNanos(0));
    trail.settle_all();
    let worst = |trail: &mut jwtrail::trail::Trail| {
        let summary = trail.summary(UnixNanos(0));
        let rows = summary.problems.iter().filter(|row| row.verdict == Some(Verdict::Dropped));
        rows.map(|row| row.severity).max()
    };
    let before = worst(&mut trail).expect("the run drops a token");
    assert!(before >= Severity::Medium);
    let row = trail.summary(UnixNanos(0)).problems[0].clone();
    let (from, to) = (row.caller.as_deref().unwrap().to_owned(), row.callee.to_string());

    let place = place(None);
    let written = added(&place, &ignore(&from, &to, "known since spring"));
    trail.set_policy(written.file.policy);
    trail.tick(UnixNanos(1));
    assert_eq!(worst(&mut trail), Some(Severity::Info), "an ignored problem is still told, and alarms nobody");
    let ignored = trail.summary(UnixNanos(1)).problems[0].sample.clone();
    assert!(ignored.detail.as_deref().is_some_and(|detail| detail.contains("known since spring")), "{ignored:?}");

    let written = add(&place.path, &edge(&from, &to, "optional")).unwrap();
    trail.set_policy(written.file.policy);
    trail.tick(UnixNanos(2));
    assert_eq!(worst(&mut trail), None, "what need not travel is not missed");

    trail.set_policy(Policy::default());
    trail.tick(UnixNanos(3));
    assert_eq!(worst(&mut trail), Some(before), "and back again");
}
