//! Traces that are alike are judged once: what is kept of the first must be what the judge says of each.

use jwtrail::model::{Arrived, Batch, CarriedValue, Hop, SpanKind, TraceId, UnixNanos};
use jwtrail::trail::Trail;
use proptest::prelude::*;

use super::support::{batch, policy_of, read, runs, trail};

/// Runs of all kinds: whole and broken ones, exchanges, proxies, queues, messages, dark services.
const RUNS: [&str; 13] = [
    "drop-then-chain.jsonl",
    "401-propagates.jsonl",
    "wrong-key.jsonl",
    "undefined-handed-on.jsonl",
    "shapes/reject-express.jsonl",
    "shapes/py-redirect.jsonl",
    "shapes/envoy-sidecars.jsonl",
    "shapes/py-confluent-kafka.jsonl",
    "shapes/dark-middle-all.jsonl",
    "exchanged.jsonl",
    "self-tagged.jsonl",
    "moved-header.jsonl",
    "intact.jsonl",
];

/// One change to one span: what makes a trace almost, and not quite, like the one before.
#[derive(Clone, Copy, Debug)]
enum Change {
    NoToken,
    OthersToken,
    Status(u16),
    Kind(SpanKind),
    Parent,
    NoParent,
    Begins(u64),
    Gone,
    Expires(i64),
    Path,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::NoToken),
        Just(Change::OthersToken),
        prop::sample::select(vec![200_u16, 302, 401, 403, 500]).prop_map(Change::Status),
        prop::sample::select(vec![SpanKind::Internal, SpanKind::Server, SpanKind::Client]).prop_map(Change::Kind),
        Just(Change::Parent),
        Just(Change::NoParent),
        (0_u64..3).prop_map(Change::Begins),
        Just(Change::Gone),
        (-5_i64..5).prop_map(Change::Expires),
        Just(Change::Path),
    ]
}

fn apply(change: Change, at: usize, other: usize, spans: &mut Vec<Arrived>) {
    let from = spans[other].clone();
    let span = &mut spans[at];
    match change {
        Change::NoToken => span.carried.clear(),
        Change::OthersToken => span.carried = from.span.carried,
        Change::Status(status) => span.http_status = Some(status),
        Change::Kind(kind) => span.kind = kind,
        Change::Parent => span.set_parent(Some(from.span_id)),
        Change::NoParent => span.set_parent(None),
        Change::Begins(later) => span.start = UnixNanos(from.start.0 + later),
        Change::Gone => drop(spans.remove(at)),
        Change::Expires(after) => {
            let at = span.start.seconds() + after;
            for carried in &mut span.carried {
                if let CarriedValue::Token(token) = &mut carried.value {
                    std::sync::Arc::make_mut(token).exp = Some(at);
                }
            }
        }
        Change::Path => span.path = Some("/.well-known/jwks.json".into()),
    }
}

/// The same spans as other traces, a second later.
fn copy(spans: &[Arrived], number: u8) -> Vec<Arrived> {
    let again = |span: &Arrived| {
        let mut span = span.clone();
        let TraceId(mut id) = span.trace_id;
        id[0] = id[0].wrapping_add(number);
        span.trace_id = TraceId(id);
        span.start.0 += u64::from(number) * 1_000_000_000;
        span.end.0 += u64::from(number) * 1_000_000_000;
        span
    };
    spans.iter().map(again).collect()
}

/// What the sums keep of a trace's hops, and what the judge says of them now.
fn kept_and_judged(trail: &Trail, id: TraceId) -> (Vec<String>, Vec<String>) {
    let Some(held) = trail.held_one(id) else { return Default::default() };
    let kept = held.sketches().map(|hop| {
        let (caller, callee) = hop.edge.unwrap_or_default();
        let findings = hop.findings.to_vec();
        format!(
            "{caller:?} {callee} {:?} {:?} {:?} {:?} {:?} {:?} {findings:?}",
            hop.start, hop.verdict, hop.cause, hop.segment, hop.severity, hop.confidence
        )
    });
    let judged = |hop: Hop| {
        let findings: Vec<_> = hop.findings.iter().map(|hit| (hit.finding, hit.severity)).collect();
        let severity = findings.iter().map(|(_, severity)| *severity).fold(hop.severity, Ord::max);
        let caller = hop.caller.as_ref().map(|party| &*party.service);
        format!(
            "{caller:?} {} {:?} {:?} {:?} {:?} {severity:?} {:?} {findings:?}",
            hop.callee.service, hop.start, hop.verdict, hop.cause, hop.segment, hop.confidence
        )
    };
    let (mut kept, mut judged): (Vec<_>, Vec<_>) = (kept.collect(), held.judged().into_iter().map(judged).collect());
    kept.sort();
    judged.sort();
    (kept, judged)
}

#[test]
fn traces_alike_are_recalled() {
    let run = runs("").join("drop-then-chain.jsonl");
    let (spans, _) = read(&run);
    let mut trail = trail(policy_of(&run));
    for number in 0..6 {
        let now = UnixNanos(u64::from(number) * 1_000_000_000);
        trail.ingest(batch(copy(&spans, number), Vec::new()), now);
        trail.tick(now);
    }
    trail.settle_all();
    assert!(trail.stats().recalled > 0, "nothing was recalled: the test below tests nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_recalled_is_what_the_judge_says(
        run in prop::sample::select(&RUNS[..]),
        first in prop::option::of((change(), any::<prop::sample::Index>(), any::<prop::sample::Index>())),
        later in prop::collection::vec(
            prop::option::of((change(), any::<prop::sample::Index>(), any::<prop::sample::Index>())), 3..8),
        split in any::<prop::sample::Index>(),
    ) {
        let run = runs("").join(run);
        let (mut spans, logs) = read(&run);
        if let Some((change, at, other)) = first {
            apply(change, at.index(spans.len()), other.index(spans.len()), &mut spans);
        }
        let mut trail = trail(policy_of(&run));
        for (number, changed) in (0_u8..).zip(&later) {
            let mut spans = copy(&spans, number);
            if let Some((change, at, other)) = changed {
                apply(*change, at.index(spans.len()), other.index(spans.len()), &mut spans);
            }
            let late = spans.split_off(split.index(spans.len() + 1).min(spans.len()));
            let parts: [Batch; 2] = [batch(spans, if number == 0 { logs.clone() } else { Vec::new() }), batch(late, Vec::new())];
            for (part, at) in parts.into_iter().zip([0, 300_000_000]) {
                let now = UnixNanos(u64::from(number) * 1_000_000_000 + at);
                trail.ingest(part, now);
                trail.tick(now);
            }
        }
        trail.settle_all();
        for id in trail.trace_ids() {
            let (kept, judged) = kept_and_judged(&trail, id);
            prop_assert_eq!(kept, judged);
        }
    }
}
