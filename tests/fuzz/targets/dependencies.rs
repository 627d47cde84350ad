//! Lists of who calls whom, packed or not.

#![no_main]

use jwtrail::otlp::dependencies::{Peeked, read};
use jwtrail_fuzz::shared;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(peeked) = Peeked::new(bytes) else { return };
    let is_list = peeked.is_list();
    let mut calls = 0_u64;
    let found = read(peeked.whole(), "a list", shared(), &mut |_| calls += 1);
    if found.is_ok() && calls > 0 {
        assert!(is_list, "a list that was not recognised as one");
    }
});
