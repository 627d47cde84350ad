//! What was acknowledged is judged, what was refused is counted, and a screen is told only of what changed.

mod query;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jwtrail::engine::{Clock, EngineHandle, EngineOptions};
use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, Batch, Refused, Resource, ServiceName, Sink, SpanId, SpanKind, TraceId, UnixNanos};
use jwtrail::trail::summary::SetupNote;
use jwtrail::trail::{Trail, TrailOptions};

fn trail() -> Trail {
    let options = TrailOptions {
        assume_captured: false,
        settle: Duration::from_secs(15),
        memory: 64 << 20,
        spans_per_trace: 10_000,
    };
    Trail::new(Policy::default(), options)
}

fn options(intake_bytes: usize) -> EngineOptions {
    EngineOptions { intake_bytes, memory: 64 << 20 }
}

fn still() -> Clock {
    Arc::new(|| UnixNanos(1_000_000_000))
}

/// A batch with one span of a trace of its own.
fn batch(number: u64) -> Batch {
    let resource = Arc::new(Resource {
        service: ServiceName { namespace: "".into(), name: "orders".into() },
        nameless: false,
        instance: "1".into(),
        language: "".into(),
        sdk: "".into(),
        host: "".into(),
    });
    let mut span = Arrived::new(resource, "test".into());
    span.trace_id = TraceId(u128::from(number + 1).to_be_bytes());
    span.span_id = SpanId((number + 1).to_be_bytes());
    span.kind = SpanKind::Server;
    (span.start, span.end) = (UnixNanos(number + 1), UnixNanos(number + 2));
    Batch { spans: vec![span], bytes: 500, ..Batch::default() }
}

/// Waits for a snapshot that fulfils `wanted`.
async fn until(engine: &EngineHandle, wanted: impl Fn(&jwtrail::engine::Snapshot) -> bool) {
    let mut snapshots = engine.snapshots();
    tokio::time::timeout(Duration::from_secs(20), snapshots.wait_for(|snapshot| wanted(snapshot)))
        .await
        .expect("no such snapshot came")
        .expect("the engine ended");
}

#[test]
fn a_full_intake_refuses_whole_batches_and_counts_them() {
    // The engine stands still in its clock, so that what is accepted stays in flight.
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let clock: Clock = {
        let gate = Arc::clone(&gate);
        Arc::new(move || {
            drop(gate.lock());
            UnixNanos(1)
        })
    };
    let engine = EngineHandle::start(trail(), options(100_000), clock).unwrap();
    let intake = engine.intake();
    let large = |number| Batch { bytes: 60_000, ..batch(number) };
    assert_eq!(intake.accept(large(0)), Ok(()));
    let refused = intake.accept(large(1));
    assert!(matches!(refused, Err(Refused::Full { retry_after_ms }) if retry_after_ms > 0), "{refused:?}");
    assert!(intake.in_flight() <= 100_000, "a refused batch must hold no bytes");
    assert!(matches!(intake.has_room(60_000), Err(Refused::Full { .. })), "known before anything is decoded");
    assert_eq!(intake.has_room(500), Ok(()));
    assert_eq!(intake.accept(batch(2)), Ok(()), "what still fits is taken");

    drop(closed);
    let finished = engine.shutdown().unwrap();
    assert_eq!(finished.snapshot.totals.lost.refused_requests, 2);
    assert_eq!(finished.snapshot.totals.spans, 2);
    assert_eq!(intake.in_flight(), 0);
}

#[test]
fn a_batch_larger_than_the_bound_is_taken_when_nothing_else_waits() {
    let engine = EngineHandle::start(trail(), options(1_000), still()).unwrap();
    assert_eq!(engine.intake().accept(Batch { bytes: 1 << 20, ..batch(0) }), Ok(()));
    assert_eq!(engine.shutdown().unwrap().snapshot.totals.spans, 1);
}

#[test]
fn what_was_acknowledged_before_or_during_shutdown_is_judged() {
    let engine = EngineHandle::start(trail(), options(1 << 30), still()).unwrap();
    let (acknowledged, next) = (AtomicU64::new(0), AtomicU64::new(0));
    let intakes: Vec<_> = (0..3).map(|_| engine.intake()).collect();
    let finished = std::thread::scope(|scope| {
        for intake in &intakes {
            scope.spawn(|| {
                while intake.accept(batch(next.fetch_add(1, Ordering::Relaxed))).is_ok() {
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while acknowledged.load(Ordering::Relaxed) < 500 {
            std::thread::yield_now();
        }
        engine.shutdown().unwrap()
    });
    assert_eq!(finished.snapshot.totals.spans, acknowledged.load(Ordering::Relaxed));
    assert_eq!(intakes[0].accept(batch(0)), Err(Refused::Closed));
}

#[tokio::test]
async fn snapshots_come_only_when_something_changed() {
    let engine = EngineHandle::start(trail(), options(1 << 20), still()).unwrap();
    assert_eq!(engine.snapshots().borrow().revision, 0, "nothing has come, so there is nothing to draw");
    engine.intake().accept(Batch { rejected: 3, bad_tags: 1, ..Batch::default() }).unwrap();
    until(&engine, |snapshot| snapshot.totals.lost.rejected == 3).await;
    engine.settle().await.unwrap();
    let before = engine.snapshots().borrow().revision;
    engine.settle().await.unwrap();
    engine.settle().await.unwrap();
    let snapshots = engine.snapshots();
    assert_eq!(snapshots.borrow().revision, before);
    assert_eq!(snapshots.borrow().totals.lost.bad_tags, 1);
}

#[tokio::test]
async fn snapshots_come_at_most_thirty_times_a_second() {
    let engine = EngineHandle::start(trail(), options(1 << 30), still()).unwrap();
    let intake = engine.intake();
    let mut number = 0;
    let mut began = None;
    let last = loop {
        intake.accept(batch(number)).unwrap();
        number += 1;
        let revision = engine.snapshots().borrow().revision;
        if revision >= 1 {
            let began = *began.get_or_insert((Instant::now(), revision));
            if revision >= began.1 + 6 {
                break (began.0.elapsed(), revision - began.1);
            }
        }
        tokio::task::yield_now().await;
    };
    // The first one may be seen late, which takes at most one interval away.
    let least = Duration::from_millis(33) * (u32::try_from(last.1).unwrap() - 1);
    assert!(last.0 >= least, "{} snapshots within {:?}", last.1, last.0);
}

#[tokio::test]
async fn notes_of_the_intake_side_are_shown_without_a_span() {
    let engine = EngineHandle::start(trail(), options(1 << 20), still()).unwrap();
    engine.notes().set(vec!["listens on 0.0.0.0:4317".to_owned()]).unwrap();
    let note = SetupNote::Intake("listens on 0.0.0.0:4317".to_owned());
    until(&engine, |snapshot| snapshot.setup.contains(&note)).await;
    engine.notes().set(Vec::new()).unwrap();
    until(&engine, |snapshot| !snapshot.setup.contains(&note)).await;
}

#[tokio::test]
async fn queries_are_answered_and_end_with_the_engine() {
    let mut engine = EngineHandle::start(trail(), options(1 << 20), still()).unwrap();
    let unknown = jwtrail::engine::HopQuery::Trace(TraceId([9; 16]));
    assert_eq!(engine.hops(unknown).await.unwrap(), []);
    assert!(engine.announcements().is_some());
    assert!(engine.announcements().is_none(), "two readers would each see half of the announcements");
    let mut snapshots = engine.snapshots();
    drop(engine.shutdown().unwrap());
    while snapshots.changed().await.is_ok() {}
}
