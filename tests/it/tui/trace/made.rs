//! Traces made by hand: damage, size, and what answers to what.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use jwtrail::model::{Arrived, Batch, Resource, ServiceName, SpanId, SpanKind, TraceId, UnixNanos};
use jwtrail::trail::views::TraceView;
use jwtrail::tui::waterfall::Waterfall;
use jwtrail::tui::waterfall::align::{Difference, align, first_difference};

use super::super::fixture;
use super::{showing, trace};
use crate::trail::support;

fn resource(name: &str) -> Arc<Resource> {
    Arc::new(Resource {
        service: ServiceName { namespace: "".into(), name: name.into() },
        nameless: false,
        instance: name.into(),
        language: name.into(),
        sdk: "".into(),
        host: "".into(),
    })
}

/// A span of a trace made by hand.
fn span(id: u64, parent: u64, kind: SpanKind, service: &str, (start, end): (u64, u64)) -> Arrived {
    let mut span = Arrived::new(resource(service), "scope".into());
    span.trace_id = TraceId([9; 16]);
    (span.span_id, span.kind, span.name) = (SpanId(id.to_be_bytes()), kind, "work".into());
    span.set_parent((parent > 0).then_some(SpanId(parent.to_be_bytes())));
    let at = |millis: u64| UnixNanos(fixture::seconds(0).0 + millis * 1_000_000);
    (span.start, span.end) = (at(start), at(end));
    span
}

fn view_of(spans: Vec<Arrived>) -> TraceView {
    let mut trail = support::trail(jwtrail::model::policy::Policy::default());
    let id = spans[0].trace_id;
    trail.ingest(Batch { spans, ..Batch::default() }, UnixNanos(1));
    trail.tick(UnixNanos(1));
    trail.settle_all();
    trail.trace_view(id).expect("it is held")
}

#[test]
fn missing_and_circular_parents_and_clocks_apart_leave_a_tree() {
    let spans = vec![
        span(1, 0, SpanKind::Server, "gateway", (0, 100)),
        span(2, 1, SpanKind::Client, "gateway", (10, 90)),
        span(3, 2, SpanKind::Server, "orders", (3_600_000, 3_600_040)),
        span(4, 3, SpanKind::Internal, "orders", (3_600_010, 3_600_020)),
        span(5, 77, SpanKind::Internal, "orders", (20, 30)),
        span(6, 7, SpanKind::Internal, "loop", (40, 50)),
        span(7, 6, SpanKind::Internal, "loop", (41, 49)),
    ];
    let mut driven = showing(view_of(spans), 120, 40);
    driven = driven.keys("a");
    let trace = trace(&driven);
    assert_eq!(trace.rows(), 7, "every span has its line");
    assert_eq!(trace.fall.axis.1 - trace.fall.axis.0, 100_000_000, "an hour between clocks does not stretch the axis");
    insta::assert_snapshot!("trace_of_damage", driven.text());
}

/// A trace of many spans: a chain as deep as it is long, or a fan.
fn many(spans: u64, deep: bool) -> TraceView {
    let parent = |id: u64| if deep || id == 1 { id - 1 } else { 1 };
    let kind = |id: u64| if id.is_multiple_of(2) { SpanKind::Client } else { SpanKind::Server };
    view_of(
        (1..=spans)
            .map(|id| span(id, parent(id), kind(id), ["a", "b"][(id / 2 % 2) as usize], (id, spans * 2 - id)))
            .collect(),
    )
}

#[test]
fn ten_thousand_spans_stay_quick() {
    for deep in [false, true] {
        let view = many(10_000, deep);
        let start = Instant::now();
        let mut driven = showing(view, 120, 40);
        let opened = start.elapsed();
        let start = Instant::now();
        for key in "GgjjlahlkG".chars() {
            driven.press(KeyCode::Char(key));
            driven.picture();
        }
        // Debug builds on a busy machine: the bound is there to catch what grows with the square.
        assert!(opened < Duration::from_secs(5), "{opened:?}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        assert_eq!(trace(&driven).rows(), 10_000);
        let falls = Waterfall::new(trace(&driven).view.as_ref().expect("it is held"));
        let view = trace(&driven).view.clone().expect("it is held");
        let aligned = align((&view, &falls), (&view, &falls), true);
        assert_eq!((aligned.len(), first_difference(&aligned)), (10_000, None), "a trace does not differ from itself");
    }
}

#[test]
fn alignment_pairs_by_service_operation_and_kind_whatever_the_order() {
    let child = |id, service: &str, start| span(id, 1, SpanKind::Server, service, (start, start + 5));
    let root = || span(1, 0, SpanKind::Server, "gateway", (0, 100));
    let here = view_of(vec![root(), child(2, "orders", 10), child(3, "cart", 20), child(4, "cart", 30)]);
    let there = view_of(vec![root(), child(2, "cart", 10), child(3, "extra", 15), child(4, "orders", 20)]);
    let falls = [Waterfall::new(&here), Waterfall::new(&there)];
    let aligned = align((&here, &falls[0]), (&there, &falls[1]), true);
    let name =
        |view: &TraceView, at: Option<usize>| at.map_or_else(|| "-".to_owned(), |at| view.spans[at].0.to_string());
    let pairs: Vec<String> = aligned
        .iter()
        .map(|line| format!("{} {} {:?}", name(&here, line.here), name(&there, line.there), line.difference))
        .collect();
    assert_eq!(
        pairs,
        [
            "gateway gateway None",
            "- extra Some(OnlyThere)",
            "orders orders None",
            "cart cart None",
            "cart - Some(OnlyHere)"
        ]
    );
    assert_eq!(first_difference(&aligned), Some(1));
    assert_eq!(aligned[4].difference, Some(Difference::OnlyHere));
}
