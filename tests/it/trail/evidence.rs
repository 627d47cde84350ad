//! What more or less evidence may do to a verdict.

use jwtrail::model::{Arrived, Captured, Confidence, Hop, SpanId, TraceId, Verdict};
use jwtrail::trail::SavedProfile;
use proptest::prelude::*;

use super::support::{batch, hops, judge, policy_of, read, runs, trail};

const RUNS: [&str; 12] = [
    "intact.jsonl",
    "drop-in-fanout.jsonl",
    "drop-then-chain.jsonl",
    "401-propagates.jsonl",
    "wrong-key.jsonl",
    "reminted.jsonl",
    "stripped-by-proxy.jsonl",
    "self-tagged.jsonl",
    "shapes/envoy-sidecars.jsonl",
    "shapes/py-redirect.jsonl",
    "shapes/node-grpc.jsonl",
    "shapes/py-confluent-kafka.jsonl",
];

/// The spans that an accusation is about: one of them stays when the other is lost.
fn accused(hop: &Hop) -> [Option<(TraceId, SpanId)>; 2] {
    let id = |span: Option<SpanId>| span.map(|span| (hop.trace_id, span));
    [id(hop.caller.as_ref().and_then(|caller| caller.span_id)), id(hop.callee.span_id)]
}

/// Switches capture off in one unit: a process, a kind, an instrumentation scope. Single spans cannot lose it.
fn blind(spans: &mut [Arrived], like: usize) {
    let unit = |span: &Arrived| (span.resource.instance.clone(), span.kind, span.scope.clone());
    let blinded = unit(&spans[like]);
    for span in spans.iter_mut().filter(|span| unit(span) == blinded) {
        span.carried.clear();
        span.captured = Captured::default();
        *span.carried.tags_mut() = None;
    }
}

fn no_new_accusation(before: &[Hop], after: &[Hop]) -> Result<(), TestCaseError> {
    let known: Vec<_> = before.iter().filter(|hop| hop.verdict.accuses()).flat_map(accused).flatten().collect();
    let new = |hop: &&Hop| hop.verdict.accuses() && !accused(hop).iter().flatten().any(|span| known.contains(span));
    for hop in after.iter().filter(new) {
        prop_assert_eq!(
            hop.confidence,
            Confidence::Possible,
            "{}/{:?} {:?} → {} ({:?})",
            hop.verdict,
            hop.cause,
            hop.caller.as_ref().map(|c| &c.service),
            hop.callee.service,
            hop.detail
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn spans_that_show_less_accuse_nobody_else(
        run in prop::sample::select(&RUNS[..]),
        blinded in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
    ) {
        let run = runs("").join(run);
        let (mut spans, logs) = read(&run);
        let before = judge(policy_of(&run), [batch(spans.clone(), logs.clone())]);
        for index in blinded {
            let like = index.index(spans.len());
            blind(&mut spans, like);
        }
        no_new_accusation(&before, &judge(policy_of(&run), [batch(spans, logs)]))?;
    }

    #[test]
    fn a_lost_span_moves_no_blame_with_certainty(
        run in prop::sample::select(&RUNS[..]),
        lost in any::<prop::sample::Index>(),
    ) {
        let run = runs("").join(run);
        let (mut spans, logs) = read(&run);
        let before = judge(policy_of(&run), [batch(spans.clone(), logs.clone())]);
        spans.remove(lost.index(spans.len()));
        no_new_accusation(&before, &judge(policy_of(&run), [batch(spans, logs)]))?;
    }
}

#[test]
fn a_trace_alone_is_judged_as_among_the_others_once_it_has_their_profile() {
    for run in RUNS {
        let run = runs("").join(run);
        let (spans, logs) = read(&run);
        let mut whole = trail(policy_of(&run));
        whole.ingest(batch(spans.clone(), logs.clone()), jwtrail::model::UnixNanos(0));
        whole.settle_all();
        let text = serde_json::to_string(&whole.profile()).unwrap();
        let profile: SavedProfile = serde_json::from_str(&text).unwrap();
        assert_eq!(profile, whole.profile(), "a profile reads back as it was written");
        for id in whole.trace_ids() {
            // Links lead into other traces: those that this one needs come with it.
            let linked: Vec<TraceId> =
                spans.iter().filter(|s| s.trace_id == id).flat_map(|s| &s.own().links).map(|l| l.trace_id).collect();
            let linking = spans.iter().filter(|s| s.own().links.iter().any(|l| l.trace_id == id)).map(|s| s.trace_id);
            let linking: Vec<TraceId> = linking.collect();
            let wanted = |t: TraceId| t == id || linked.contains(&t) || linking.contains(&t);
            let mut alone = trail(policy_of(&run));
            alone.restore_profile(&profile);
            let own = spans.iter().filter(|s| wanted(s.trace_id)).cloned().collect();
            alone.ingest(batch(own, logs.clone()), jwtrail::model::UnixNanos(0));
            alone.settle_all();
            assert_eq!(alone.hops_of(id), whole.hops_of(id), "{} {id}", run.display());
        }
        assert!(!hops(&whole).is_empty());
    }
}

/// Traces that a trace's own verdicts read, by links in either direction.
fn with_linked(spans: &[Arrived], id: TraceId) -> Vec<Arrived> {
    let linked: Vec<TraceId> =
        spans.iter().filter(|s| s.trace_id == id).flat_map(|s| &s.own().links).map(|l| l.trace_id).collect();
    let links_here = |s: &Arrived| s.own().links.iter().any(|l| l.trace_id == id);
    let linking: Vec<TraceId> = spans.iter().filter(|s| links_here(s)).map(|s| s.trace_id).collect();
    let wanted = |t: TraceId| t == id || linked.contains(&t) || linking.contains(&t);
    spans.iter().filter(|s| wanted(s.trace_id)).cloned().collect()
}

#[test]
fn other_traces_turn_unknown_into_known_and_overturn_nothing() {
    for run in RUNS {
        let run = runs("").join(run);
        let (spans, logs) = read(&run);
        let whole = judge(policy_of(&run), [batch(spans.clone(), logs.clone())]);
        let mut ids: Vec<TraceId> = spans.iter().map(|span| span.trace_id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let alone = judge(policy_of(&run), [batch(with_linked(&spans, id), logs.clone())]);
            let same = |a: &Hop, b: &Hop| {
                (a.trace_id, a.callee.span_id, a.caller.as_ref().map(|c| c.span_id))
                    == (b.trace_id, b.callee.span_id, b.caller.as_ref().map(|c| c.span_id))
            };
            for hop in alone.iter().filter(|hop| hop.trace_id == id && hop.verdict != Verdict::Unknown) {
                let among = whole.iter().find(|other| same(hop, other)).unwrap();
                assert_eq!(
                    hop.verdict,
                    among.verdict,
                    "{} {id} {:?} → {}",
                    run.display(),
                    hop.caller,
                    hop.callee.service
                );
            }
        }
    }
}
