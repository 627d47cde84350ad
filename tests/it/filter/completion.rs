//! What Tab offers.

use jwtrail::filter::{FIELDS, Field, Filter, complete};
use proptest::prelude::*;

fn live(field: Field) -> Vec<String> {
    let names: &[&str] = match field {
        Field::Service | Field::Caller | Field::Callee | Field::Name => &["gateway", "orders", "Payment", "order desk"],
        Field::Token => &["k3va", "zz9a"],
        _ => &[],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The text with each of what is offered at `|` in its place.
fn offered(query: &str) -> Vec<String> {
    let cursor = query.find('|').unwrap();
    let text = query.replacen('|', "", 1);
    let put = |range: std::ops::Range<usize>, with: &str| {
        assert_eq!(range.end, cursor);
        format!("{}{with}{}", &text[..range.start], &text[range.end..])
    };
    complete(&text, cursor, &live).into_iter().map(|one| put(one.range, &one.text)).collect()
}

#[test]
fn what_fits_at_the_cursor_is_offered() {
    let table: &[(&str, &[&str])] = &[
        ("se|", &["service:", "severity:", "segment:", "sent:", "settled:"]),
        ("SEV|", &["severity:"]),
        ("fro|", &["caller:"]),
        ("-stat|", &["-status:"]),
        ("(verd|", &["(verdict:"]),
        ("verdict:dr|", &["verdict:dropped"]),
        ("verdict:dropped,f|", &["verdict:dropped,failed"]),
        ("verdict: dropped, f|", &["verdict: dropped, failed"]),
        (
            "severity>=|",
            &["severity>=info", "severity>=low", "severity>=medium", "severity>=high", "severity>=critical"],
        ),
        ("severity >= h|", &["severity >= high"]),
        ("gap:|", &["gap:yes", "gap:no"]),
        ("status>=4|", &["status>=4xx", "status>=401", "status>=403"]),
        ("service:ord|", &["service:orders", "service:\"order desk\""]),
        ("service:\"order d|", &["service:\"order desk\""]),
        ("service:gateway,pay|", &["service:gateway,Payment"]),
        ("service:ay|", &["service:Payment", "service:gateway"]),
        ("token:k|", &["token:k3va"]),
        ("since:1|", &["since:1m", "since:15m", "since:1h", "since:1d"]),
        ("ord|", &["orders", "\"order desk\""]),
        ("orders,pay|", &["orders,Payment"]),
        ("o|", &["operation:", "or", "orders", "\"order desk\""]),
        ("kid:a no|", &["kid:a not"]),
        ("service:gat| or x", &["service:gateway or x"]),
        ("nofield:x|", &[]),
        ("kid:x|", &[]),
    ];
    for (query, expected) in table {
        let mut found = offered(query);
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(offered("|").len(), FIELDS.len());
    assert_eq!(offered("a |").len(), FIELDS.len());
    assert_eq!(offered("service:ord|")[0], "service:orders", "what begins so comes first");
    assert!(complete("ver", 3, &live).iter().all(|one| !one.help.is_empty()));
}

#[test]
fn what_is_offered_as_a_value_can_be_read() {
    for row in FIELDS {
        let text = format!("{}:", row.name);
        for one in complete(&text, text.len(), &live) {
            let whole = format!("{text}{}", one.text);
            assert!(Filter::parse(&whole).is_ok(), "{whole}");
        }
    }
}

proptest! {
    #[test]
    fn no_text_and_no_cursor_stops_it(text in "(?s).{0,60}", cursor in 0..200_usize) {
        for one in complete(&text, cursor, &live) {
            prop_assert!(text.get(one.range).is_some());
        }
    }

    #[test]
    fn half_a_filter_is_as_good(text in r#"[-a-z:=<>,"\\*() ]{0,40}"#, cursor in 0..41_usize) {
        for one in complete(&text, cursor, &live) {
            prop_assert!(text.get(one.range).is_some());
        }
    }
}
