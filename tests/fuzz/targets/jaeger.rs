//! Traces as Jaeger shows them.

#![no_main]

use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail_fuzz::record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| record(Signal::Traces, Encoding::JaegerJson, body));
