//! jwtrail's own check of a token counts for all its hops, whenever the keys came.

use std::sync::Arc;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, CarriedValue, Check, Hop, Reason, TraceId, UnixNanos};

use super::support::{batch, hops, judge, policy_of, read, runs, trail};

/// Runs with refused tokens, and with tokens that were made anew.
const RUNS: [&str; 4] = ["wrong-key.jsonl", "expired-at-entry.jsonl", "reminted.jsonl", "exchanged.jsonl"];

/// The spans with this check in place of their own.
fn with_check(spans: &[Arrived], check: &Check) -> Vec<Arrived> {
    let mut spans = spans.to_vec();
    for carried in spans.iter_mut().flat_map(|span| &mut span.carried) {
        if let CarriedValue::Token(token) = &mut carried.value {
            Arc::make_mut(token).check = check.clone();
        }
    }
    spans
}

/// The same requests once more, under other trace ids.
fn again(spans: &[Arrived]) -> Vec<Arrived> {
    let mut spans = spans.to_vec();
    for span in &mut spans {
        span.trace_id = TraceId(span.trace_id.0.map(|byte| byte ^ 0x55));
    }
    spans
}

/// What a reader sees of a hop; the token itself still says what it knew when its span came.
fn shown(hops: &[Hop]) -> Vec<String> {
    let of = |hop: &Hop| {
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            hop.trace_id,
            hop.callee.span_id,
            hop.verdict,
            hop.cause,
            hop.severity,
            hop.verification,
            hop.findings,
            hop.detail,
            hop.hint
        )
    };
    hops.iter().map(of).collect()
}

#[test]
fn a_check_that_becomes_possible_counts_for_the_hops_before_it() {
    let mut changed = 0;
    for run in RUNS {
        let run = runs("").join(run);
        let policy = || policy_of(&run);
        let (spans, _) = read(&run);
        for check in [Check::Valid(None), Check::Failed(Reason::Signature)] {
            let (early, late) = (with_check(&spans, &Check::NotChecked), again(&with_check(&spans, &check)));
            let expected = judge(policy(), [batch([with_check(&spans, &check), late.clone()].concat(), vec![])]);
            let never = judge(policy(), [batch([early.clone(), again(&early)].concat(), vec![])]);
            changed += usize::from(shown(&expected) != shown(&never));
            let orders = [vec![early.clone(), late.clone()], vec![late, early]];
            for order in orders {
                let got = judge(policy(), order.into_iter().map(|spans| batch(spans, vec![])));
                assert_eq!(shown(&got), shown(&expected), "{} {check:?}", run.display());
            }
        }
    }
    assert!(changed >= 3, "the check shows in these runs: {changed}");
}

/// The problems of a trail that judged these batches one settle window after the other: what came early is settled by
/// the time that the rest comes, and only news of its token brings it up again.
fn problems(policy: Policy, batches: Vec<Vec<Arrived>>) -> Vec<String> {
    let mut trail = trail(policy);
    for (window, spans) in (0_u64..).zip(batches) {
        let now = UnixNanos(window * 40_000_000_000);
        trail.ingest(batch(spans, vec![]), now);
        trail.tick(now);
        trail.tick(UnixNanos(now.0 + 20_000_000_000));
    }
    let summary = trail.summary(UnixNanos(0));
    let mut rows: Vec<String> = summary
        .problems
        .iter()
        .map(|row| {
            let kind = (row.verdict, row.cause, row.finding);
            format!("{:?} {} {kind:?} {:?} {}", row.caller, row.callee, row.severity, row.count)
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn what_was_settled_is_judged_again_when_its_token_is_checked() {
    let mut changed = 0;
    for run in RUNS {
        let run = runs("").join(run);
        let policy = || policy_of(&run);
        let (spans, _) = read(&run);
        for check in [Check::Valid(None), Check::Failed(Reason::Signature)] {
            let (early, late) = (with_check(&spans, &Check::NotChecked), again(&with_check(&spans, &check)));
            let expected = problems(policy(), vec![[with_check(&spans, &check), late.clone()].concat()]);
            assert_eq!(problems(policy(), vec![early.clone(), late]), expected, "{} {check:?}", run.display());
            changed += usize::from(problems(policy(), vec![early.clone(), again(&early)]) != expected);
        }
    }
    assert!(changed >= 2, "the check shows in these runs: {changed}");
}

#[test]
fn the_best_check_wins_and_is_kept_with_the_profile() {
    let run = runs("").join("wrong-key.jsonl");
    let (spans, _) = read(&run);
    let failed = with_check(&spans, &Check::Failed(Reason::Signature));
    let valid = again(&with_check(&spans, &Check::Valid(None)));
    let expected =
        judge(policy_of(&run), [batch([with_check(&spans, &Check::Valid(None)), valid.clone()].concat(), vec![])]);
    let got = judge(policy_of(&run), [batch(failed, vec![]), batch(valid.clone(), vec![])]);
    assert_eq!(shown(&got), shown(&expected), "keys that were stale once do not accuse for ever");

    let mut teacher = trail(policy_of(&run));
    teacher.ingest(batch(valid, vec![]), UnixNanos(0));
    teacher.settle_all();
    let text = serde_json::to_string(&teacher.profile()).unwrap();
    let mut pupil = trail(policy_of(&run));
    pupil.restore_profile(&serde_json::from_str(&text).unwrap());
    pupil.ingest(batch(with_check(&spans, &Check::NotChecked), vec![]), UnixNanos(0));
    pupil.settle_all();
    let ids: Vec<TraceId> = spans.iter().map(|span| span.trace_id).collect();
    let expected: Vec<Hop> = expected.into_iter().filter(|hop| ids.contains(&hop.trace_id)).collect();
    assert_eq!(shown(&hops(&pupil)), shown(&expected));
}
