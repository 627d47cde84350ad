//! The filter language: what it prints of a filter, it reads back as the same one; its errors and completions point
//! into the text.

#![no_main]

use jwtrail::filter::{Filter, complete};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Filter::parse(text) {
        Ok(filter) => {
            let again = Filter::parse(&filter.to_string()).expect("what is printed can be read");
            assert_eq!(again, filter);
        }
        Err(error) => assert!(text.is_char_boundary(error.offset), "{error} points into a character"),
    }
    let cursor = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    for offered in complete(text, cursor, &|_| vec!["orders".to_owned(), "a b".to_owned()]) {
        assert!(text.get(offered.range).is_some(), "a completion points beside the text");
    }
});
