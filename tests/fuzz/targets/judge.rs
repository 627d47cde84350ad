//! Spans of any shape through the judge: trees that are none, times that run backward, links into nothing.

#![no_main]

use std::time::Duration;

use jwtrail::model::UnixNanos;
use jwtrail::model::policy::Policy;
use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail::trail::{Trail, TrailOptions};
use jwtrail_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(batch) = decoder().decode(Signal::Traces, Encoding::Protobuf, body) else { return };
    let options = TrailOptions {
        assume_captured: body.len() % 2 == 0,
        settle: Duration::from_secs(15),
        memory: usize::MAX,
        spans_per_trace: usize::MAX,
    };
    let mut trail = Trail::new(Policy::default(), options);
    trail.ingest(batch, UnixNanos::default());
    trail.settle_all();
    let _ = trail.summary(UnixNanos::default());
    for trace in trail.trace_ids() {
        let _ = trail.hops_of(trace);
    }
});
