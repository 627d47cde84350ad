//! The policy file.

#![no_main]

use std::path::Path;

use jwtrail::config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("jwtrail.toml");
    let found = config::inspect_text(path, text);
    assert_eq!(config::parse(path, text).is_ok(), found.errors.is_empty(), "one reads what the other refuses");
});
