//! A drafted policy must be valid, excuse what was plainly meant, and leave every real break accused.

use std::path::Path;

use jwtrail::config;
use jwtrail::model::policy::{Policy, TokenRule};
use jwtrail::model::{Cause, Confidence, Hop, Severity, SubjectKind, Token, UnixNanos, Verdict};
use jwtrail::report::HopSource;
use jwtrail::report::suggest::Suggestion;
use jwtrail::trail::summary::Summary;

use crate::trail::support::{batch, hops, judge, read, runs, trail};

/// The draft for a run, the policy in it, and the run judged under that.
fn drafted(run: &str) -> (String, Policy, Vec<Hop>) {
    let run = runs(run);
    let (spans, logs) = read(&run);
    let mut seen = trail(Policy::default());
    seen.ingest(batch(spans.clone(), logs.clone()), UnixNanos(0));
    seen.settle_all();
    let summary = seen.summary(UnixNanos(0));
    let text = Suggestion::new(&seen, &summary).unwrap().to_string();
    let found = config::inspect_text(Path::new("draft.toml"), &text);
    assert!(found.errors.is_empty() && found.warnings.is_empty(), "{found:?}\n{text}");
    let again = judge(found.file.policy.clone(), [batch(spans, logs)]);
    assert_eq!(again.len(), hops(&seen).len());
    (text, found.file.policy, again)
}

fn accused(hops: &[Hop]) -> usize {
    hops.iter().filter(|hop| hop.verdict.accuses()).count()
}

#[test]
fn calls_that_never_carry_a_token_become_optional() {
    let (text, policy, again) = drafted("token-free-inside.jsonl");
    assert_eq!(policy.edge.len(), 1, "{text}");
    assert_eq!((&*policy.edge[0].from, &*policy.edge[0].to), ("gateway", "catalog"));
    assert_eq!(policy.edge[0].token, TokenRule::Optional);
    assert!(text.contains("# gateway → catalog: always without a token, always accepted: 3 of 3 hops, 3 traces."));
    assert_eq!(accused(&again), 0);
    assert!(again.iter().all(|hop| hop.severity == Severity::Info));
}

#[test]
fn an_exchange_that_may_be_meant_is_offered_and_not_taken() {
    let (text, policy, again) = drafted("exchanged.jsonl");
    assert!(policy.edge.is_empty(), "{text}");
    assert!(text.contains("# Only if it is meant:\n# [[edge]]\n# from = \"orders\"\n# to = \"payment\""), "{text}");
    let exchanged = |hops: &[Hop]| hops.iter().find(|hop| hop.verdict == Verdict::Exchanged).map(|hop| hop.confidence);
    assert_eq!(exchanged(&again), Some(Confidence::Possible), "until somebody says so, it is a guess");
    let taken = text.replace(
        "\n# [[edge]]\n# from = \"orders\"\n# to = \"payment\"\n# token",
        "\n[[edge]]\nfrom = \"orders\"\nto = \"payment\"\ntoken",
    );
    let policy = config::parse(Path::new("taken.toml"), &taken).unwrap().policy;
    assert_eq!(policy.edge[0].token, TokenRule::Exchange);
    let (spans, logs) = read(&runs("exchanged.jsonl"));
    let taken = judge(policy, [batch(spans, logs)]);
    assert_eq!((accused(&taken), exchanged(&taken)), (0, Some(Confidence::Proven)));
}

#[test]
fn what_is_broken_is_named_and_stays_accused() {
    let broken = [
        ("reminted.jsonl", "orders → payment changed/reminted (high), 3 hops"),
        ("wrong-key.jsonl", "orders → payment failed/signature (high), 3 hops"),
        ("stripped-by-proxy.jsonl", "dropped/stripped"),
        ("bearer-undefined.jsonl", "changed/placeholder"),
        ("drop-in-fanout.jsonl", "dropped/not_sent (high)"),
    ];
    for (run, words) in broken {
        let (spans, logs) = read(&runs(run));
        let before = judge(Policy::default(), [batch(spans, logs)]);
        let (text, policy, again) = drafted(run);
        assert!(policy.edge.is_empty() && policy.ignore.is_empty(), "{run}: {text}");
        let line = text.lines().find(|line| line.starts_with("# not suggested: ") && line.contains(words));
        assert!(line.is_some_and(|line| line.contains(", trace ")), "{run}: {text}");
        assert!(accused(&before) > 0 && accused(&again) == accused(&before), "{run}");
    }
}

#[test]
fn healthy_runs_are_left_alone() {
    for run in ["intact.jsonl", "anonymous.jsonl", "third-parties.jsonl"] {
        let (text, _, again) = drafted(run);
        assert_eq!(accused(&again), 0, "{run}");
        assert!(!text.contains("not suggested"), "{run}: {text}");
    }
}

/// Hops of one trace, changed by a test.
struct Altered(Vec<Hop>);

impl HopSource for Altered {
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> std::io::Result<()>) -> std::io::Result<()> {
        each(&self.0)
    }
}

fn altered(run: &str, change: impl Fn(&mut Hop)) -> (String, Policy) {
    let (spans, logs) = read(&runs(run));
    let mut hops = judge(Policy::default(), [batch(spans, logs)]);
    hops.iter_mut().for_each(change);
    let text = Suggestion::new(&Altered(hops), &Summary::default()).unwrap().to_string();
    let policy = config::parse(Path::new("draft.toml"), &text).unwrap_or_else(|error| panic!("{error}\n{text}")).policy;
    (text, policy)
}

#[test]
fn a_service_that_uses_its_own_identity_is_marked_own() {
    let (text, policy) = altered("exchanged.jsonl", |hop| {
        if hop.verdict == Verdict::Exchanged {
            (hop.verdict, hop.confidence) = (Verdict::Changed, Confidence::Proven);
            hop.cause = Some(Cause::SubjectSwitched);
            hop.severity = Severity::Low;
            for side in [&mut hop.sent, &mut hop.received] {
                let token: &Token = side.token.as_deref().unwrap();
                let kind = Some(SubjectKind::Workload);
                side.token = Some(std::sync::Arc::new(Token { subject_kind: kind, ..token.clone() }));
            }
        }
    });
    assert_eq!(policy.edge.iter().map(|edge| edge.token).collect::<Vec<_>>(), [TokenRule::Own], "{text}");
}

#[test]
fn one_refusal_is_enough_to_suggest_nothing() {
    let first = std::cell::Cell::new(true);
    let (text, policy) = altered("token-free-inside.jsonl", |hop| {
        if hop.verdict == Verdict::Dropped && first.replace(false) {
            hop.status = Some(401);
        }
    });
    assert!(policy.edge.is_empty(), "{text}");
    assert!(text.contains("# not suggested: gateway → catalog dropped/not_sent (low), 1 hop, trace "), "{text}");
}

#[test]
fn names_of_strangers_match_themselves_and_add_no_line() {
    let hostile = "cat*\"\n[[ignore]]\u{202e}{a}\\";
    let (text, policy) = altered("token-free-inside.jsonl", |hop| {
        if &*hop.callee.service == "catalog" {
            hop.callee.service = hostile.into();
        }
    });
    assert!(policy.ignore.is_empty() && !text.contains('\u{202e}'), "{text}");
    let glob = globset::Glob::new(&policy.edge[0].to).unwrap().compile_matcher();
    assert!(glob.is_match(hostile) && !glob.is_match(hostile.replace('*', "x")), "{text}");
}
