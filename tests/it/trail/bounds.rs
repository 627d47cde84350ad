//! Spans of strangers: whatever ids, parents and clocks they have, judging ends, in time that grows with their number.

use std::sync::Arc;
use std::time::Duration;

use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, Batch, Resource, ServiceName, SpanId, SpanKind, TraceId, UnixNanos};
use jwtrail::trail::{Trail, TrailOptions};

use super::support::{hops, trail};

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_800_000_000 * SECOND;

fn resource(name: &str) -> Arc<Resource> {
    Arc::new(Resource {
        service: ServiceName { namespace: "".into(), name: name.into() },
        nameless: false,
        instance: format!("{name}-1").into(),
        language: "".into(),
        sdk: "".into(),
        host: "".into(),
    })
}

fn span(resource: &Arc<Resource>, trace: u64, id: u64, parent: Option<u64>) -> Arrived {
    let mut span = Arrived::new(Arc::clone(resource), "test".into());
    span.trace_id = TraceId(u128::from(trace).to_be_bytes());
    span.span_id = SpanId(id.to_be_bytes());
    span.set_parent(parent.map(|parent| SpanId(parent.to_be_bytes())));
    span.kind = if id.is_multiple_of(2) { SpanKind::Server } else { SpanKind::Client };
    (span.start, span.end) = (UnixNanos(NOW + id), UnixNanos(NOW + id + 1_000));
    span
}

fn batch(spans: Vec<Arrived>) -> Batch {
    super::support::batch(spans, Vec::new())
}

fn judged(spans: Vec<Arrived>) -> Trail {
    let mut trail = trail(Policy::default());
    trail.ingest(batch(spans), UnixNanos(NOW));
    trail.tick(UnixNanos(NOW));
    trail.settle_all();
    trail
}

/// Processor time of this thread, in seconds: other tests run beside it.
fn cpu(work: impl FnOnce()) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let before = now();
    work();
    now() - before
}

/// Ten times as much may take ten times as long, and some more for memory that is further away; not a hundred times.
fn assert_linear(what: &str, few: u64, work: impl Fn(u64)) {
    work(few / 10);
    let small = cpu(|| work(few));
    let large = cpu(|| work(few * 10));
    assert!(large < small.max(0.002) * 40.0, "{what}: {small:.4} s for {few}, {large:.4} s for ten times as many");
}

#[test]
fn one_trace_of_many_spans_takes_time_by_their_number() {
    let (web, shop) = (resource("web"), resource("shop"));
    assert_linear("a chain", 3_000, |count| {
        let of = |id: u64| if id.is_multiple_of(2) { &shop } else { &web };
        drop(judged((1..=count).map(|id| span(of(id), 1, id, id.checked_sub(1).filter(|id| *id > 0))).collect()));
    });
    assert_linear("children of one span", 3_000, |count| {
        drop(judged((1..=count).map(|id| span(&web, 1, id, (id > 1).then_some(1))).collect()));
    });
}

/// What a trace of one shape is like: the span with this number, of so many.
type Shape = fn(&[Arc<Resource>], u64, u64) -> Arrived;

fn chained(of: &Arc<Resource>, id: u64, kind: SpanKind) -> Arrived {
    let mut span = span(of, 1, id, id.checked_sub(1).filter(|id| *id > 0));
    span.kind = kind;
    span
}

fn site(span: &mut Arrived) -> &mut jwtrail::model::Site {
    Arc::make_mut(span.site_mut())
}

/// A chain as long as half of the spans, and the other half as entries of the last one of it.
fn tail(web: &Arc<Resource>, id: u64, of: u64, chain: impl Fn() -> Arrived) -> Arrived {
    if id <= of / 2 {
        return chain();
    }
    let mut span = span(web, 1, id, Some(of / 2));
    span.kind = SpanKind::Server;
    span
}

/// Whatever is walked over for a hop, many hops may share: calls within calls, proxies behind proxies, callees of one
/// call, services that show no entry.
#[test]
fn no_shape_of_a_trace_takes_time_by_the_square_of_its_spans() {
    let services: Vec<_> = ["a", "b", "c", "web", "shop"].map(resource).into();
    let shapes: [(&str, Shape); 9] = [
        ("calls through services without entries", |s, id, _| chained(&s[(id % 3) as usize], id, SpanKind::Client)),
        ("queries within queries", |s, id, _| {
            let mut span = chained(&s[0], id, SpanKind::Client);
            site(&mut span).db_system = Some("postgresql".into());
            span
        }),
        ("entries behind a chain of proxies", |s, id, of| {
            tail(&s[3], id, of, || {
                let mut span = chained(&s[(id % 3) as usize], id, SpanKind::Server);
                site(&mut span).proxy = true;
                span
            })
        }),
        ("entries behind work of many services", |s, id, of| {
            tail(&s[3], id, of, || chained(&s[(id % 3) as usize], id, SpanKind::Internal))
        }),
        ("entries behind calls within calls", |s, id, of| tail(&s[3], id, of, || chained(&s[4], id, SpanKind::Client))),
        ("calls below entries within entries", |s, id, of| {
            let mut span = tail(&s[3], id, of, || chained(&s[3], id, SpanKind::Server));
            span.kind = if id > of / 2 { SpanKind::Client } else { span.kind };
            span
        }),
        ("a chain of refusals", |s, id, _| {
            let kind = if id.is_multiple_of(2) { SpanKind::Server } else { SpanKind::Client };
            let mut span = chained(&s[3 + (id % 2) as usize], id, kind);
            site(&mut span).http_status = Some(401);
            span
        }),
        ("callees of one call", |s, id, _| {
            let mut span = span(&s[3], 1, id, (id > 1).then_some(1));
            span.kind = if id > 1 { SpanKind::Server } else { SpanKind::Client };
            site(&mut span).resource = Arc::clone(&s[if id > 1 { 4 } else { 3 }]);
            span
        }),
        ("a host for each call", |s, id, _| {
            let mut span = span(&s[3], 1, id, (id > 1).then_some(1));
            span.kind = if id > 1 { SpanKind::Client } else { SpanKind::Server };
            site(&mut span).host = Some(format!("{id}.example.com").into());
            span
        }),
    ];
    for (what, shape) in shapes {
        assert_linear(what, 1_000, |count| {
            drop(judged((1..=count).map(|id| shape(&services, id, count)).collect()));
        });
    }
}

#[test]
fn one_trace_sent_piece_by_piece_takes_time_by_its_spans() {
    let web = resource("web");
    assert_linear("span by span", 3_000, |count| {
        let mut trail = trail(Policy::default());
        for id in 1..=count {
            trail.ingest(batch(vec![span(&web, 1, id, (id > 1).then_some(1))]), UnixNanos(NOW));
        }
        trail.tick(UnixNanos(NOW));
    });
}

#[test]
fn one_span_sent_again_and_again_is_one_and_takes_no_more_than_its_copies() {
    let web = resource("web");
    assert_linear("the same span again and again", 3_000, |count| {
        let mut trail = trail(Policy::default());
        for _ in 0..count {
            trail.ingest(batch(vec![span(&web, 1, 7, Some(7))]), UnixNanos(NOW));
        }
        trail.tick(UnixNanos(NOW));
        assert_eq!(trail.stats().duplicates, count - 1);
    });
}

#[test]
fn parents_in_a_circle_are_judged_and_come_to_an_end() {
    let (web, shop) = (resource("web"), resource("shop"));
    // Its own parent; two that are each other's; a ring; and a tail that hangs on the ring.
    let mut spans = vec![span(&web, 1, 1, Some(1)), span(&web, 2, 1, Some(2)), span(&shop, 2, 2, Some(1))];
    spans
        .extend((1..=50_u64).map(|id| span(if id.is_multiple_of(2) { &shop } else { &web }, 3, id, Some(id % 50 + 1))));
    spans.extend((51..=60).map(|id| span(&shop, 3, id, Some(id - 1))));
    let trail = judged(spans);
    assert_eq!(trail.trace_ids().len(), 3);
    assert!(!hops(&trail).is_empty());
    let ids = trail.trace_ids();
    assert!(ids.into_iter().all(|id| trail.trace_view(id).is_some()), "they can be drawn");
}

#[test]
fn clocks_that_are_years_apart_break_no_window() {
    let (web, shop) = (resource("web"), resource("shop"));
    let times = [0, 1, SECOND, NOW, NOW * 2, u64::MAX - 1, u64::MAX];
    let mut trail = trail(Policy::default());
    let mut trace = 0;
    for start in times {
        for end in times {
            trace += 1;
            let (mut call, mut entry) = (span(&web, trace, 1, None), span(&shop, trace, 2, Some(1)));
            (call.start, call.end) = (UnixNanos(start), UnixNanos(end));
            (entry.start, entry.end) = (UnixNanos(end), UnixNanos(start));
            trail.ingest(batch(vec![call, entry]), UnixNanos(NOW));
            trail.tick(UnixNanos(NOW));
        }
    }
    let summary = trail.summary(UnixNanos(NOW));
    let edge = summary.edges.iter().find(|edge| &*edge.callee == "shop").unwrap();
    assert_eq!(edge.hops, trace);
    assert!(edge.rate.is_finite() && edge.rate >= 0.0, "{}", edge.rate);
    // One of now is still seen to be of now.
    trail.ingest(batch(vec![span(&web, 999, 1, None), span(&shop, 999, 2, Some(1))]), UnixNanos(NOW));
    trail.settle_all();
    assert_eq!(hops(&trail).len(), usize::try_from(trace).unwrap() + 1);
}

/// Evicted traces make room; what is kept stays within the bound however many ids, services and routes come.
#[test]
fn distinct_ids_stay_within_the_memory() {
    let web = resource("web");
    let options = TrailOptions {
        assume_captured: false,
        settle: Duration::from_secs(15),
        memory: 4 << 20,
        spans_per_trace: 1_000,
    };
    let mut trail = Trail::new(Policy::default(), options);
    for round in 0..40_u64 {
        let spans = (0..1_000).map(|n| span(&web, round * 1_000 + n + 1, 2, None)).collect();
        trail.ingest(batch(spans), UnixNanos(NOW + round * SECOND));
        trail.tick(UnixNanos(NOW + round * SECOND));
        assert!(trail.stats().memory_used <= 4 << 20);
    }
    let stats = trail.stats();
    assert_eq!(stats.traces + stats.evicted_traces, 40_000, "each is there or counted");
    assert_eq!(stats.traces + stats.evicted_spans, 40_000);

    let flood: Vec<Arrived> = (1..=5_000).map(|id| span(&web, 1_000_000, id, Some(1))).collect();
    trail.ingest(batch(flood), UnixNanos(NOW));
    assert_eq!(trail.stats().trace_overflow, 4_000);
}

fn small(memory: usize) -> Trail {
    let settle = Duration::from_secs(15);
    let options = TrailOptions { assume_captured: false, settle, memory, spans_per_trace: 1_000 };
    Trail::new(Policy::default(), options)
}

/// What is known of services outlives their traces, so it has bounds of its own: nothing that a stranger names without
/// end adds up, each that found no room is counted, and none of it is held against a service.
#[test]
fn names_without_end_are_summed_up_and_accuse_nobody() {
    let memory = 16 << 20;
    let mut trail = small(memory);
    let (web, shop) = (resource("web"), resource("shop"));
    trail.ingest(batch(vec![span(&web, 1, 1, None), span(&shop, 1, 2, Some(1))]), UnixNanos(NOW));
    for round in 0..20_u64 {
        let spans = (0..1_000).flat_map(|n| {
            let number = 2 + round * 1_000 + n;
            // A service, a process, a namespace, a route, a host and a destination of its own.
            let stranger = Arc::new(Resource {
                service: ServiceName { namespace: format!("n{number}").into(), name: format!("s{number}").into() },
                ..Resource::clone(&resource(&format!("s{number}")))
            });
            let mut call = span(&stranger, number, 1, None);
            site(&mut call).host = Some(format!("{number}.example.com").into());
            site(&mut call).messaging_destination = Some(format!("queue-{number}").into());
            let mut entry = span(&stranger, number, 2, None);
            site(&mut entry).route = Some(format!("/{number}").into());
            let mut consumer = span(&stranger, number, 3, Some(2));
            consumer.kind = SpanKind::Consumer;
            [call, entry, consumer]
        });
        trail.ingest(batch(spans.collect()), UnixNanos(NOW + round));
        trail.tick(UnixNanos(NOW + round));
        assert!(trail.stats().memory_used <= memory);
    }
    trail.settle_all();
    let (stats, summary) = (trail.stats(), trail.summary(UnixNanos(NOW)));
    let (names, edges) = stats.folded;
    assert!(names > 15_000 && edges > 15_000, "{names} names and {edges} edges");
    assert!(summary.edges.len() <= 2_049, "{}", summary.edges.len());
    assert!(summary.services.len() < 8_000, "{}", summary.services.len());
    let nodes: Vec<&str> = summary.services.iter().map(|row| &*row.name).collect();
    for edge in &summary.edges {
        assert!(nodes.contains(&&*edge.callee), "{} stands on an edge and nowhere else", edge.callee);
    }
    assert!(nodes.contains(&"(others)"), "and what they stand for is said");
    assert_eq!(summary.problems, [], "nobody is accused for having come late");
    let said = |what: &str| summary.setup.iter().any(|note| format!("{note:?}").contains(what));
    assert!(said("one too many") && said("summed up as (others)"));
    // Whoever was there before is still told apart.
    assert!(summary.edges.iter().any(|edge| edge.caller.as_deref() == Some("web") && &*edge.callee == "shop"));
}

/// Ids are chosen by whoever sends them: where a map puts them is not.
#[test]
fn where_a_map_puts_an_id_cannot_be_foreseen() {
    let places = || {
        let state = ahash::RandomState::new();
        (0..64_u64).map(|id| state.hash_one(TraceId(u128::from(id).to_be_bytes()))).collect::<Vec<_>>()
    };
    assert_ne!(places(), places());
}
