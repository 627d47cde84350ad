//! The protobuf walker over log records, against prost.

#![no_main]

use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail_fuzz::decoder;
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

fuzz_target!(|body: &[u8]| {
    let walked = decoder().decode(Signal::Logs, Encoding::Protobuf, body);
    if ExportLogsServiceRequest::decode(body).is_ok() {
        walked.expect("prost reads it, so does the walker");
    }
});
