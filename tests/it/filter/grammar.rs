//! What is read, what it is printed as, and what a mistake is told.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use jwtrail::filter::{FIELDS, Filter, MAX_DEPTH, MAX_LENGTH, listing};
use proptest::prelude::*;

use super::{dropped, entry, matches};

#[test]
fn the_example_of_the_help_is_read() {
    let text = "service:orders verdict:dropped,failed status>=400 -route:/health token:k3va since:5m \
                (caller:gw* or callee:pay*)";
    assert_eq!(Filter::parse(text).unwrap().to_string(), text);
}

#[test]
fn one_form_is_printed_for_all_spellings() {
    let table = [
        ("", ""),
        (" \t\n", ""),
        ("SVC=orders", "service:orders"),
        ("service : orders", "service:orders"),
        ("status >= 400", "status>=400"),
        ("status:>=400", "status>=400"),
        ("status==404", "status:404"),
        ("status:404..404", "status:404"),
        ("status:400..499", "status:4xx"),
        ("status:4XX, 502", "status:4xx,502"),
        ("status!=200", "-status:200"),
        ("status:!=200", "-status:200"),
        ("verdict:Dropped , failed", "verdict:dropped,failed"),
        ("cause:not-sent", "cause:not_sent"),
        ("cause:\"not sent\"", "cause:not_sent"),
        ("a and b AND c", "a b c"),
        ("a (b c)", "a b c"),
        ("a or (b or c)", "a or b or c"),
        ("a b or c d", "a b or c d"),
        ("a (b or c)", "a (b or c)"),
        ("not a", "-a"),
        ("NOT (a b)", "-(a b)"),
        ("- -a", "--a"),
        ("not(a or b)", "-(a or b)"),
        ("-(a)", "-a"),
        ("orders", "orders"),
        ("*orders*", "orders"),
        ("name:*orders*", "orders"),
        ("orders ,payment", "orders,payment"),
        ("order-service", "order-service"),
        ("nothing organic android", "nothing organic android"),
        ("\"or\"", "name:*or*"),
        ("\"a b\"", "\"a b\""),
        ("gw*x", "name:*gw*x*"),
        ("*", "name:*"),
        ("service:a**b", "service:a*b"),
        ("service:\"a*b\"", "service:\"a*b\""),
        ("service:\"plain\"", "service:plain"),
        ("service:\"a b\"*", "service:\"a b\"*"),
        ("service:\"\"", "service:\"\""),
        ("service:\"\\\"\\\\\\n\\u{7}\"", "service:\"\\\"\\\\\\n\\u{7}\""),
        ("issuer:https://id.example.com", "issuer:https://id.example.com"),
        ("kid:\"=x\"", "kid:\"=x\""),
        ("kid:-x", "kid:-x"),
        ("carrier:header:authorization", "carrier:header:authorization"),
        ("since:90s", "since:90s"),
        ("since:60m", "since:1h"),
        ("since:1h30m", "since:90m"),
        ("since:0m", "since:0s"),
        ("after:2026-11-23", "since:2026-11-23T00:00:00.000000000Z"),
        ("until:2026-11-23T16:00:00.5+02:00", "until:2026-11-23T14:00:00.500000000Z"),
    ];
    for (typed, printed) in table {
        let filter = Filter::parse(typed).unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(filter.to_string(), printed, "{typed}");
        assert_eq!(Filter::parse(printed).unwrap(), filter, "{printed}");
        assert_eq!(filter.is_empty(), printed.is_empty());
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closer_than_both() {
    let (dropped, entry) = (dropped(), entry());
    for (query, of_dropped, of_entry) in [
        ("", true, true),
        ("gateway or orders shipping", true, true),
        ("(gateway or orders) shipping", true, false),
        ("-orders gateway", false, true),
        ("-(orders or gateway)", false, false),
        ("not orders or not gateway", true, true),
        ("--orders", true, false),
        ("orders and not status:200", true, false),
        ("ship?ing", true, false),
        ("SHIPP", true, false),
        ("parcels/", true, false),
        ("service:shipp", false, false),
    ] {
        assert_eq!((matches(query, &dropped), matches(query, &entry)), (of_dropped, of_entry), "{query}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_was_meant() {
    let long = format!("{} servce:x {}", "a ".repeat(100), "b ".repeat(100));
    let deep = "(".repeat(MAX_DEPTH + 1);
    let huge = "x".repeat(MAX_LENGTH + 1);
    let texts = [
        "servce:orders",
        "verdct:dropped",
        "tokens:k3va",
        "http://id.example.com",
        "verdict:droped",
        "verdict:intact,drop",
        "cause:lunar",
        "cause:x*",
        "severity>=hihg",
        "severity>=*",
        "severity>=high,low",
        "verdict>dropped",
        "kid:<x",
        "since>5m",
        "since:5",
        "since:tomorrow",
        "since:1969-12-31",
        "since:99999999999999999999w",
        "status:4x",
        "status:70000",
        "status:499..400",
        "service:",
        "service: )",
        "service:a,",
        ":orders",
        ", a",
        "or a",
        "a or",
        "a and",
        "a or or b",
        "and",
        "-",
        "()",
        "(a",
        "a)",
        "(a (b) c",
        "service:\"a",
        "service:\"a\\q\"",
        "service:\"\\u{d800}\"",
        "注文 servce:\u{1b}[31m",
        "a \u{7}",
        &long,
        &deep,
        &huge,
    ];
    let mut told = String::new();
    for text in texts {
        let error = Filter::parse(text).unwrap_err();
        let character = text.chars().nth(error.column - 1);
        assert_eq!(text[error.offset..].chars().next(), character, "column and offset are of one place");
        writeln!(told, "{error:#}\n").unwrap();
    }
    assert!(!told.contains('\u{1b}') && !told.contains('\u{7}'));
    insta::assert_snapshot!(told);
}

#[test]
fn an_error_carries_what_was_meant() {
    let error = Filter::parse("a 注文 servce:x").unwrap_err();
    assert_eq!((error.offset, error.column, error.length), (9, 6, 6));
    assert_eq!(error.nearest.as_deref(), Some("service"));
    assert_eq!(error.to_string(), "column 6: unknown field `servce`: did you mean `service`?");
    assert_eq!(error.caret(), "a 注文 servce:x\n       ^^^^^^");
}

#[test]
fn the_fields_are_listed() {
    insta::assert_snapshot!(listing());
    assert!(FIELDS.iter().all(|row| row.help.len() < 100 && !row.help.ends_with('.')));
}

#[test]
fn nesting_is_bounded_and_no_more_than_that() {
    for open in ["(", "-", "not ", "(not "] {
        let levels = open.matches(['(', '-', 'n']).count();
        let fits = |times: usize| {
            Filter::parse(&format!("{}a{}", open.repeat(times), ")".repeat(times * open.matches('(').count()))).is_ok()
        };
        assert!(fits(MAX_DEPTH / levels) && !fits(MAX_DEPTH / levels + 1), "{open}");
    }
    // Beside each other there may be as many as there is room for.
    assert!(Filter::parse(&"(a) -b ".repeat(500)).is_ok());
}

/// A shape that took quadratic time would take minutes here; the bound is generous for a busy machine.
#[test]
fn the_longest_text_is_read_at_once() {
    let fill = |piece: &str| piece.repeat(MAX_LENGTH / piece.len());
    let texts = [
        fill("a "),
        fill("a,"),
        fill(" "),
        fill("- "),
        fill("a or "),
        fill("service:x* "),
        fill("(a)"),
        fill("\"\\"),
        fill("cause:x"),
        fill("?*"),
        fill("a  \t "),
        format!("service:{}", fill("*a").get(10..).unwrap_or_default()),
    ];
    let start = Instant::now();
    for text in &texts {
        for _ in 0..20 {
            drop(Filter::parse(text));
        }
    }
    let hop = dropped();
    let stars = format!("{}b", "*a".repeat(1000));
    assert!(!matches(&format!("service:{stars}"), &hop));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

/// A filter as somebody might type it.
fn typed() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[a-z]{1,6}",
        "[a-z*?]{1,5}",
        r#""[ -~é注]{0,6}""#.prop_map(|text| {
            let inner = text[1..text.len() - 1].replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{inner}\"")
        }),
        Just("\"\\u{1b}\\n\"".to_owned()),
        "[a-z]{1,3}[:/=<!.@-][a-z]{0,3}",
    ];
    let value =
        (0..FIELDS.len(), text, any::<u16>(), 1..100_u32, 0..60_usize).prop_map(|(field, text, n, age, pick)| {
            let row = &FIELDS[field];
            let choices: Vec<&str> = row.choices().collect();
            let value = match (row.name, choices.is_empty()) {
                ("since" | "until", _) => {
                    format!("{age}{}", ["m", "s", "h", "d", "ms", "w", "h5m", "d90s"][usize::from(n) % 8])
                }
                ("status", _) => match n % 4 {
                    0 => format!("{}xx", 1 + n % 9),
                    1 => format!("{}..{}", n / 2, n / 2 + n % 300),
                    2 => "*".to_owned(),
                    _ => n.to_string(),
                },
                (_, false) => choices[pick % choices.len()].to_owned(),
                _ => text,
            };
            let comparison = if row.ordered() && !value.contains('*') {
                [":", ">", ">=", "<", "<=", "!=", " : "][pick % 7]
            } else {
                [":", "=", "!=", ": "][pick % 4]
            };
            let list = if comparison.contains(['<', '>']) { value } else { format!("{value},{value}") };
            format!("{}{comparison}{list}", row.name)
        });
    let word = prop_oneof!["[a-z]{4,8}", "[a-z]{4,5},[a-z?]{4}", "\"[a-z (]{1,5}\"", "[/.@a-z]{5}\\*"];
    prop_oneof![3 => value, 1 => word].prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("-({one})")),
            inner.clone().prop_map(|one| format!("not ({one})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and {b}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a} or {b})")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_back_to_the_same(text in typed()) {
        let filter = Filter::parse(&text).map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        let printed = filter.to_string();
        let again = Filter::parse(&printed).map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        prop_assert_eq!(&again, &filter, "{}", printed);
        prop_assert_eq!(again.to_string(), printed);
        for hop in [dropped(), entry()] {
            prop_assert_eq!(matches(&text, &hop), !matches(&format!("-({text})"), &hop));
        }
    }

    #[test]
    fn no_text_stops_it(text in "(?s).{0,80}") {
        read(&text)?;
    }

    #[test]
    fn nothing_that_looks_like_a_filter_stops_it(text in r#"([-a-z:=!<>,"\\*?() ]|or |not |cause:|since:|status|\\u\{|[0-9]|注){0,60}"#) {
        read(&text)?;
    }
}

fn read(text: &str) -> Result<(), TestCaseError> {
    match Filter::parse(text) {
        Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()).unwrap(), filter),
        Err(error) => {
            prop_assert!(text.is_char_boundary(error.offset));
            prop_assert_eq!(text[..error.offset].chars().count() + 1, error.column);
            let told = format!("{error:#}");
            prop_assert!(told.lines().count() <= 3, "{}", told);
        }
    }
    Ok(())
}
