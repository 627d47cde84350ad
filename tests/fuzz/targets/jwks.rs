//! Key sets, as issuers publish them.

#![no_main]

use jwtrail_fuzz::key_set;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| key_set(bytes));
