//! The protobuf walker against prost: whatever prost reads, the walker reads, with as many spans.

#![no_main]

use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail_fuzz::decoder;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;

fuzz_target!(|body: &[u8]| {
    let walked = decoder().decode(Signal::Traces, Encoding::Protobuf, body);
    let Ok(read) = ExportTraceServiceRequest::decode(body) else { return };
    let batch = walked.expect("prost reads it, so does the walker");
    let spans = read.resource_spans.iter().flat_map(|group| &group.scope_spans).map(|scope| scope.spans.len()).sum::<usize>();
    assert_eq!(batch.spans.len() as u64 + batch.rejected, spans as u64);
});
