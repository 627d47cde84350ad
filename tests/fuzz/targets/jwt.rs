//! What stands in an Authorization header, and any text that may hold a token: scrubbed once is scrubbed.

#![no_main]

use jwtrail::token::{Canonical, RawToken, Shape, canonical, split_values};
use jwtrail_fuzz::shared;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for part in split_values(text) {
        for scheme_expected in [true, false] {
            if let Canonical::Token { raw, scheme, .. } = canonical(part, scheme_expected, &[]) {
                let _ = Shape::of(&raw).claims();
                let _ = shared().token(&raw, scheme);
            }
        }
    }
    let raw = RawToken::borrowed(text);
    let _ = Shape::of(&raw).claims();
    let once = shared().scrub(text);
    assert_eq!(shared().scrub(&once), once, "scrubbed twice says something else");
});
