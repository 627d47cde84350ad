//! The hop that stands for an edge: always there, newer from time to time, and never all of them in one summary.

use std::sync::Arc;

use jwtrail::model::policy::Policy;
use jwtrail::model::{TraceId, UnixNanos, Verdict};
use jwtrail::token::{FingerprintKey, KeySets, Shared};
use jwtrail::trail::Trail;

use super::support;
use crate::spans::{attribute, extract, request, span, text};

const EDGES: u8 = 200;
const SECOND: u64 = 1_000_000_000;
const SERVER: i32 = 2;

/// One trace into each of many services, all at this second.
fn take(trail: &mut Trail, shared: &Arc<Shared>, second: u8) {
    let at = u64::from(second) * SECOND;
    for edge in 0..EDGES {
        let mut entry = span(SERVER, Vec::new());
        entry.trace_id = [vec![second, edge], vec![1; 14]].concat();
        (entry.start_time_unix_nano, entry.end_time_unix_nano) = (at, at + SECOND / 10);
        let resource = vec![attribute("service.name", text(&format!("service-{edge}")))];
        trail.ingest(extract(shared, &request(resource, vec![entry])), UnixNanos(at));
    }
    trail.tick(UnixNanos(at));
}

/// Edges of a summary whose sample is of this second.
fn samples_of(trail: &mut Trail, second: u8, now: u64) -> usize {
    let summary = trail.summary(UnixNanos(now));
    assert_eq!(summary.edges.len(), usize::from(EDGES), "each edge has a row, and so a sample");
    let is = |id: TraceId| id.0[0] == second;
    summary.edges.iter().filter(|row| is(row.sample.trace_id)).count()
}

#[test]
fn newer_samples_come_in_turn() {
    let key = FingerprintKey::random().unwrap();
    let shared = Shared::new(&Policy::default(), key, KeySets::default()).unwrap();
    let mut trail = support::trail(Policy::default());
    take(&mut trail, &shared, 1);
    assert_eq!(samples_of(&mut trail, 1, SECOND), usize::from(EDGES), "the first ones are there at once");
    take(&mut trail, &shared, 5);
    let mut newer = Vec::new();
    for turn in 0..6 {
        newer.push(samples_of(&mut trail, 5, 5 * SECOND + turn));
    }
    let steps: Vec<usize> = newer.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(newer[0] < usize::from(EDGES) / 2 && newer[0] > 0, "a part of them: {newer:?}");
    assert!(steps.iter().all(|step| *step <= newer[0]), "no more at a time later on: {newer:?}");
    assert_eq!(newer.last(), Some(&usize::from(EDGES)), "and all of them in the end: {newer:?}");
}

/// One hop into a service each half second from here on, with a captured header or without.
fn take_half_seconds(trail: &mut Trail, shared: &Arc<Shared>, numbers: std::ops::Range<u8>, captured: bool) {
    for number in numbers {
        let at = SECOND + u64::from(number) * SECOND / 2;
        let header = || attribute("http.request.header.authorization", text("Bearer an-opaque-token-of-a-test"));
        let mut entry = span(SERVER, captured.then(header).into_iter().collect());
        entry.trace_id = [vec![number], vec![1; 15]].concat();
        (entry.start_time_unix_nano, entry.end_time_unix_nano) = (at, at + SECOND / 10);
        let resource = vec![attribute("service.name", text("gateway"))];
        trail.ingest(extract(shared, &request(resource, vec![entry])), UnixNanos(at));
    }
    trail.settle_all();
}

#[test]
fn an_edge_is_drawn_as_known_soon_after_its_service_begins_to_capture() {
    let key = FingerprintKey::random().unwrap();
    let shared = Shared::new(&Policy::default(), key, KeySets::default()).unwrap();
    let mut trail = support::trail(Policy::default());
    let mut shown = |numbers, captured| {
        take_half_seconds(&mut trail, &shared, numbers, captured);
        trail.summary(UnixNanos(200 * SECOND)).edges[0].shown
    };
    assert_eq!(shown(0..100, false), Verdict::Unknown);
    assert_eq!(shown(100..102, true), Verdict::Unknown, "two hops are not enough");
    assert_eq!(shown(102..118, true), Verdict::Originated, "though most of its hops are unknown");
    assert_eq!(shown(118..140, false), Verdict::Unknown, "and back, where it stops to capture");
}
