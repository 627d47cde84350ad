//! Whatever a file may hold: what it is, where its records begin and end, packed or not.

#![no_main]

use jwtrail::model::Batch;
use jwtrail::otlp::files;
use jwtrail_fuzz::decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut spans = 0;
    let read = files::read(bytes, "a file", decoder(), &mut |batch: Batch| spans += batch.spans.len() as u64);
    if let Ok(report) = read {
        assert_eq!(report.spans, spans);
    }
});
