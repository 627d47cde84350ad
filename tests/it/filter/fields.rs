//! Every field over two hops: one that has a value of it, one that has another or none.

use std::collections::BTreeSet;

use jwtrail::filter::FIELDS;
use jwtrail::model::{Fingerprint, Token};

use super::{dropped, entry, matches, side};

/// Queries that the dropped hop matches and the entry hop does not. The first field of each is the one under test.
const DROPPED: &[&str] = &[
    "name:orders",
    "name:*parcel*",
    "service:shipping",
    "SERVICE:Orders",
    "caller:orders",
    "from:*",
    "callee:ship*",
    "to:shipping",
    "via:envoy*",
    "through:envoy-edge",
    "language:nodejs",
    "lang:python",
    "library:*python-http",
    "operation:\"POST /parcels/{id}\"",
    "op:post*",
    "route:/parcels/*",
    "path:/parcels/{id}",
    "method:post",
    "status:401",
    "status:*",
    "status:4xx",
    "status:400..499",
    "status:500,401",
    "status>=400",
    "status>400",
    "status<402",
    "status<=401",
    "status:>=400",
    "code = 401",
    "verdict:dropped",
    "verdict:failed,dropped",
    "verdict:dr*",
    "cause:not_sent",
    "cause:not-sent",
    "cause:not_*",
    "cause:*",
    "why:NOT_SENT",
    "segment:relay",
    "severity:critical",
    "severity>=medium",
    "sev>high",
    "confidence:likely",
    "conf<proven",
    "finding:leaked",
    "finding:*",
    "is:accused",
    "is:problem",
    "gap:yes",
    "settled:no",
    "trace:4e4e",
    "trace:4E4e4e4e4e4e4e4e4e4e4e4e4e4e4e4e",
    "span:a1a1",
    "span:b2b2b2b2b2b2b2b2",
    "blame:c3",
    "token:k3va",
    "token:K3VA",
    "token:k3-V",
    "token:s256:k3-Va_xyz",
    "fp:*",
    "inbound:present",
    "sent:absent",
    "received:absent inbound:present",
    "carrier:authorization",
    "carrier:header:authorization",
    "anomaly:placeholder",
    "issuer:https://id.example.com",
    "iss:*example*",
    "subject:q8f1",
    "sub:h256.ab12",
    "holder:user",
    "aud:billing",
    "audience:shop",
    "scope:orders:read",
    "scp:*:write",
    "kid:lab-2026",
    "alg:rs256",
    "typ:at+jwt",
    "verified:failed",
    "reason:missing",
    "checker:rejection",
    "until:5m",
    "before:2026-11-23T14:01:00Z",
];

/// The other way round.
const ENTRY: &[&str] = &[
    "service:gateway",
    "-caller:*",
    "callee:gateway",
    "language:go",
    "route:/health",
    "method:GET",
    "-status:*",
    "status!=401",
    "-status>=400",
    "verdict:originated",
    "severity<=low",
    "severity!=critical",
    "confidence:proven",
    "-finding:*",
    "is:entry",
    "-is:accused",
    "gap:no",
    "settled:yes",
    "trace:77",
    "span:d4",
    "-blame:*",
    "-token:*",
    "inbound:none",
    "sent:none",
    "verified:unknown",
    "-reason:*",
    "since:5m",
    "since:4m1s",
    "after:2026-11-23T16:01:00+02:00",
    "since:3m,5m",
];

fn field(query: &str) -> &'static str {
    let name: String = query.trim_start_matches('-').chars().take_while(char::is_ascii_alphabetic).collect();
    let known = FIELDS.iter().find(|row| row.name.eq_ignore_ascii_case(&name) || row.aliases.contains(&name.as_str()));
    known.unwrap_or_else(|| panic!("{query}")).name
}

#[test]
fn each_field_tells_hops_apart() {
    let (dropped, entry) = (dropped(), entry());
    for query in DROPPED {
        assert!(matches(query, &dropped) && !matches(query, &entry), "{query}");
    }
    for query in ENTRY {
        assert!(matches(query, &entry) && !matches(query, &dropped), "{query}");
    }
    let tried: BTreeSet<&str> = DROPPED.iter().chain(ENTRY).map(|query| field(query)).collect();
    let all: BTreeSet<&str> = FIELDS.iter().map(|row| row.name).collect();
    assert_eq!(tried, all, "a field that no query asks");
}

#[test]
fn an_age_and_a_time_mean_the_moment_that_they_say() {
    let hop = dropped();
    for (query, holds) in [
        ("since:6m", true),
        ("since:5m59s", false),
        ("since:0h6m", true),
        ("since:360000ms", true),
        ("since:1w", true),
        ("since:9999w", true),
        ("until:6m", true),
        ("until:361s", false),
        ("since:2026-11-23", true),
        ("since:2026-11-24", false),
        ("since:2026-11-23T14:00:00Z", true),
        ("since:2026-11-23T14:00:00.000000001Z", false),
        ("since:10m until:1m", true),
    ] {
        assert_eq!(matches(query, &hop), holds, "{query}");
    }
}

#[test]
fn every_side_and_every_form_of_a_token_is_asked() {
    let other = |print: &str| {
        let token = Token { h256: Some(Fingerprint::new(print)), ..Token::default() };
        side(Some(token.into()))
    };
    let mut hop = entry();
    hop.sent = other("h256.ab12cd34:Zz9-AAAAAAAAAAAAAAAAAA");
    hop.received = other("h256.ab12cd34:Yy8-AAAAAAAAAAAAAAAAAA");
    assert!(matches("token:zz9a", &hop) && matches("token:yy8-", &hop) && matches("token:h256.ab12cd34:yy", &hop));
    assert!(matches("token:zz9a token:yy8a", &hop) && !matches("token:k3va", &hop));
    // Something that is not known is not equal to anything, and has no wildcard's value either.
    assert!(!matches("kid:*", &hop) && !matches("aud:*", &hop) && matches("-kid:x", &hop) && matches("kid!=x", &hop));
}

#[test]
fn an_operation_without_a_method_is_all_route() {
    let mut hop = dropped();
    for (operation, query, holds) in [
        ("shop.Cart/Add", "route:shop.cart/add", true),
        ("shop.Cart/Add", "method:*", false),
        ("handle order", "route:\"handle order\"", true),
        ("GET", "route:get", true),
        ("", "route:*", false),
    ] {
        hop.operation = operation.into();
        assert_eq!(matches(query, &hop), holds, "{operation} {query}");
    }
}
