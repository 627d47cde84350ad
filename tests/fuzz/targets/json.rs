//! OTLP JSON in all its dialects.

#![no_main]

use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail_fuzz::record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| record(Signal::Traces, Encoding::Json, body));
