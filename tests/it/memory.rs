//! What would break for a user whose spans are all different: what they take would not be counted, and the bound on
//! memory would not hold.

use std::sync::Arc;
use std::time::Duration;

use jwtrail::model::UnixNanos;
use jwtrail::model::policy::Policy;
use jwtrail::otlp::BatchBuilder;
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::redact::visit_traces;
use jwtrail::token::{FingerprintKey, KeySets, Shared};
use jwtrail::trail::{Trail, TrailOptions, TrailStats};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};

use crate::spans::{attribute, request, span, text};

/// Spans in a trace.
const IN_A_TRACE: u64 = 8;

/// Changes the span of this number.
type Change = fn(&mut Span, u64);

/// Sends so many spans, each changed in its own way, and gives back the counters and the bytes that are shared.
fn send(count: u64, memory: usize, change: Change) -> (TrailStats, usize) {
    let key = FingerprintKey::random().unwrap();
    let shared = Shared::within(&Policy::default(), key, KeySets::load(&[]).unwrap(), memory).unwrap();
    let mut extractor = Extractor::new(Arc::clone(&shared));
    let settle = Duration::from_secs(1);
    let options = TrailOptions { assume_captured: false, settle, memory, spans_per_trace: 1_000 };
    let mut trail = Trail::new(Policy::default(), options);
    let mut now = UnixNanos(1);
    for begin in (0..count).step_by(256) {
        let spans = (begin..begin + 256).map(|at| {
            let kind = if at % 2 == 0 { 2 } else { 3 };
            let mut one = span(kind, vec![attribute("jwtrail.token.fp", text(&format!("s256:{:043}", at % 8)))]);
            one.trace_id = u128::from(at / IN_A_TRACE + 1).to_be_bytes().to_vec();
            one.span_id = (at + 1).to_be_bytes().to_vec();
            one.parent_span_id = if at % IN_A_TRACE == 0 { Vec::new() } else { at.to_be_bytes().to_vec() };
            change(&mut one, at);
            one
        });
        let request = request(vec![attribute("service.name", text("orders"))], spans.collect());
        visit_traces(&request, &mut extractor);
        trail.ingest(extractor.finish(0), now);
        now = UnixNanos(now.0 + 100_000_000);
        trail.tick(now);
        assert!(trail.stats().memory_used <= memory, "{} bytes counted of {memory}", trail.stats().memory_used);
    }
    trail.tick(UnixNanos(now.0 + 2_000_000_000));
    (trail.stats(), shared.meter().bytes())
}

/// Ways to be different, and the bytes that each span at least takes for it.
const DIFFERENT: [(&str, usize, Change); 6] = [
    ("names", 200, |span, at| span.name = format!("GET /orders/{at:0200}")),
    ("paths", 200, |span, at| span.attributes.push(attribute("url.path", text(&format!("/orders/{at:0200}"))))),
    ("hosts", 200, |span, at| span.attributes.push(attribute("server.address", text(&format!("host-{at:0200}"))))),
    ("tokens", 100, |span, at| {
        span.attributes[0] = attribute("jwtrail.token.fp", text(&format!("s256:{:043}", at / IN_A_TRACE)));
    }),
    ("exceptions", 900, |span, at| {
        let texts = vec![
            attribute("exception.message", text(&format!("{at:0400}"))),
            attribute("exception.stacktrace", text(&format!("{at:0500}"))),
        ];
        span.events = vec![Event { name: "exception".to_owned(), attributes: texts, ..Event::default() }];
    }),
    ("links", 200, |span, at| {
        let trace_id = u128::from(at + (1 << 40)).to_be_bytes().to_vec();
        span.links = vec![Link { trace_id, span_id: vec![7; 8], ..Link::default() }];
    }),
];

#[test]
fn a_usual_span_takes_no_more_than_128_bytes() {
    let (stats, _) = send(16_384, usize::MAX, |_, _| ());
    let each = stats.memory_used as u64 / stats.spans;
    assert!(each <= 128, "{each} bytes a span");
}

#[test]
fn what_only_one_span_says_is_counted() {
    let (usual, _) = send(8_192, usize::MAX, |_, _| ());
    for (name, bytes, change) in DIFFERENT {
        let (stats, _) = send(8_192, usize::MAX, change);
        let more = stats.memory_used.saturating_sub(usual.memory_used) / 8_192;
        assert!(more >= bytes, "{name}: {more} bytes more for each span, expected {bytes}");
    }
}

#[test]
fn the_bound_holds_whatever_is_sent() {
    const MEMORY: usize = 1 << 20;
    for (name, _, change) in DIFFERENT {
        let (stats, _) = send(16_384, MEMORY, change);
        assert!(stats.evicted_traces > 0, "{name}: nothing was evicted");
        assert!(stats.traces > 0, "{name}: nothing is left");
    }
}

#[test]
fn what_was_shared_goes_with_the_last_that_held_it() {
    let (_, kept) = send(8_192, 1 << 20, DIFFERENT[0].2);
    assert!(kept < 1 << 20, "{kept} bytes of sites outlive their spans");
}
