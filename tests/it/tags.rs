//! What would break for a user who tags spans by hand.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, as tests do")]

use std::sync::Arc;

use jwtrail::model::{CarriedValue, Check, Reason, TokenFormat, VerifyResult};
use jwtrail::token::RawToken;
use serde_json::json;

use crate::spans::{attribute, carriers, extract, list, one, request, span, text, token_at};
use crate::token::{shared, signed};

#[test]
fn tags_by_hand_are_read_and_checked() {
    let shared = shared();
    let print = format!("s256:{}", "A".repeat(43));
    let tagged = one(
        &shared,
        vec![
            attribute("jwtrail.token.presence", text("present")),
            attribute("jwtrail.token.fp", text(&print)),
            attribute("jwtrail.token.fp.payload", text(&print)),
            attribute("jwtrail.token.sub_hash", text("ada")),
            attribute("jwtrail.token.aud", list(&["shop", "bank"])),
            attribute("jwtrail.token.exp", text("1900000000")),
            attribute("jwtrail.token.format", text("jws")),
            attribute("jwtrail.verify.result", text("failed")),
            attribute("jwtrail.verify.reason", text("expired")),
            attribute("jwtrail.verify.key_fp", text("hunter2")),
            attribute("jwtrail.check.result", text("failed")),
            attribute("jwtrail.check.reason", text("signature")),
        ],
    );
    let token = token_at(&tagged, 0);
    assert_eq!(token.s256.as_ref().map(ToString::to_string), Some(print.clone()));
    assert_eq!((token.payload.clone(), token.sub_hash.clone()), (None, None), "only keyed forms are taken there");
    assert_eq!((token.aud.len(), token.exp, token.format), (2, Some(1_900_000_000), Some(TokenFormat::Jws)));
    assert_eq!(token.check, Check::Failed(Reason::Signature));
    let tags = tagged.tags().unwrap();
    assert_eq!((tags.verify_result, tags.verify_reason), (Some(VerifyResult::Failed), Some(Reason::Expired)));
    assert_eq!(tags.verify_key, None);
    let bad = extract(
        &shared,
        &request(
            vec![],
            vec![span(
                2,
                vec![
                    attribute("jwtrail.token.fp", text("s256:short")),
                    attribute("jwtrail.exchange.from_fp", text(&format!("h256.XYZ:{}", "A".repeat(22)))),
                ],
            )],
        ),
    );
    assert_eq!((bad.bad_tags, bad.spans[0].carried.len()), (2, 0));
    let absent = one(&shared, vec![attribute("jwtrail.token.presence", text("absent"))]);
    assert!(absent.tags().is_some_and(|tags| tags.absent) && absent.carried.is_empty());
    let hidden = one(&shared, vec![attribute("jwtrail.token.presence", text("present"))]);
    assert_eq!(hidden.carried[0].value, CarriedValue::Redacted, "there, and that is all it says");
}

#[test]
fn several_carriers_stand_in_arrays() {
    let (one_print, other) = (format!("s256:{}", "A".repeat(43)), format!("h256.0123abcd:{}", "B".repeat(22)));
    let tagged = one(
        &shared(),
        vec![
            attribute("jwtrail.token.presence", list(&["present", "present", "absent"])),
            attribute("jwtrail.token.location", list(&["header:Authorization", "cookie:SID", "header:x_auth_token"])),
            attribute("jwtrail.token.fp", list(&[&one_print, &other, ""])),
            attribute("jwtrail.token.scheme", list(&["Bearer", "", ""])),
            attribute("jwtrail.token.scope", list(&["read write", "admin", ""])),
        ],
    );
    assert_eq!(carriers(&tagged), ["header:authorization", "cookie:SID", "header:x-auth-token"]);
    assert_eq!((token_at(&tagged, 0).scope.len(), token_at(&tagged, 1).scope.len()), (2, 1));
    assert!(token_at(&tagged, 0).s256.is_some() && token_at(&tagged, 1).h256.is_some());
    assert_eq!(tagged.carried[2].value, CarriedValue::Empty);
}

#[test]
fn equal_tags_share_one_token() {
    let tags = || {
        vec![
            attribute("jwtrail.token.fp", text(&format!("s256:{}", "A".repeat(43)))),
            attribute("jwtrail.token.iss", text("https://idp.test")),
        ]
    };
    let batch = extract(&shared(), &request(vec![], (0..512).map(|_| span(2, tags())).collect()));
    assert!(batch.spans.iter().all(|span| Arc::ptr_eq(token_at(span, 0), token_at(&batch.spans[0], 0))));
}

#[test]
fn a_header_outweighs_the_tag_that_repeats_it() {
    let shared = shared();
    let token = signed(&json!({"sub": "ada"}));
    let print = shared.token(&RawToken::borrowed(&token), "bearer").0.s256.clone().unwrap();
    let both = |value: &str, tag: &str| {
        one(
            &shared,
            vec![attribute("http.request.header.authorization", text(value)), attribute("jwtrail.token.fp", text(tag))],
        )
    };
    let bearer = format!("Bearer {token}");
    assert_eq!(both(&bearer, print.as_str()).carried.len(), 1);
    assert_eq!(both(&bearer, &format!("s256:{}", "A".repeat(43))).carried.len(), 2, "two tokens in one carrier");
    let hidden = both("[REDACTED]", print.as_str());
    assert_eq!(hidden.carried.len(), 1);
    assert_eq!(token_at(&hidden, 0).s256, Some(print));
}
