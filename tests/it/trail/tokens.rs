//! The tokens of recorded runs: who saw each, who refused it and why, what it was exchanged into.

use std::sync::Arc;

use jwtrail::filter::{Filter, SeenToken};
use jwtrail::model::{Arrived, CarriedValue, Fingerprint, Token, TraceId, UnixNanos};
use jwtrail::trail::Trail;
use jwtrail::trail::tokens::{MOST_TOKENS, Standing, TokenOrder, TokenPage, TokenRow};

use super::support;

fn judged(name: &str) -> Trail {
    let run = support::runs(&format!("{name}.jsonl"));
    let (spans, logs) = support::read(&run);
    let mut trail = support::trail(support::policy_of(&run));
    trail.ingest(support::batch(spans, logs), UnixNanos(0));
    trail.settle_all();
    trail
}

fn tokens(name: &str) -> TokenPage {
    judged(name).tokens(TokenOrder::LastSeen, false, None)
}

/// Received, forwarded, verified, refused in how many traces, and why: `orders 3 3 3 0`.
fn standings(row: &TokenRow) -> Vec<String> {
    let line = |standing: &Standing| {
        let Standing { service, received, forwarded, verified, refused, .. } = standing;
        let why: Vec<String> =
            standing.reasons.iter().map(|(cause, count)| format!("{} {count}", cause.name())).collect();
        format!("{service} {received} {forwarded} {verified} {refused} {}", why.join(" "))
    };
    row.standings.iter().map(line).collect()
}

fn all(page: &TokenPage) -> Vec<Vec<String>> {
    page.rows.iter().map(standings).collect()
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    insta::assert_debug_snapshot!("tokens_wrong_key", all(&tokens("wrong-key")));
    insta::assert_debug_snapshot!("tokens_expired", all(&tokens("expired-at-entry")));
    insta::assert_debug_snapshot!("tokens_self_tagged", all(&tokens("self-tagged")));
}

#[test]
fn an_exchange_is_a_line_through_both_tokens() {
    let page = tokens("exchanged");
    let chains: Vec<&TokenRow> = page.rows.iter().filter(|row| !row.chain.is_empty()).collect();
    assert!(chains.len() >= 2, "{:?}", all(&page));
    for row in &chains {
        assert_eq!(row.chain.len(), 2, "{:?}", row.chain);
        assert!(row.chain.iter().any(|name| **name == *row.token.short_name()), "{:?}", row.chain);
        // Both ends of the line tell the same line.
        assert!(chains.iter().filter(|other| other.chain == row.chain).count() >= 2);
    }
    assert!(
        tokens("reminted").rows.iter().all(|row| row.chain.is_empty()),
        "a change that nothing excuses is no exchange"
    );
}

#[test]
fn tokens_of_one_subject_stand_together() {
    let page = tokens("reminted");
    let subject = |row: &TokenRow| row.token.subject_name();
    for (before, row) in page.rows.iter().zip(page.rows.iter().skip(1)) {
        assert_eq!(row.grouped, subject(row).is_some() && subject(before) == subject(row));
    }
    assert!(page.rows.iter().any(|row| row.grouped), "{:?}", page.rows.iter().map(subject).collect::<Vec<_>>());
}

#[test]
fn a_changed_token_that_is_turned_away_says_what_it_had_become() {
    // The callee answers the reminted token well in the recorded run: here it refuses it in its own words.
    let (mut spans, logs) = support::read(&support::runs("reminted.jsonl"));
    for span in spans.iter_mut().filter(|span| &*span.resource.service.name == "payment" && span.is_entry()) {
        span.http_status = Some(401);
        span.error_code = Some("invalid_token".into());
    }
    let mut trail = support::trail(jwtrail::model::policy::Policy::default());
    trail.ingest(support::batch(spans, logs), UnixNanos(0));
    trail.settle_all();
    let page = trail.tokens(TokenOrder::LastSeen, false, None);
    let payment: Vec<String> = all(&page).into_iter().flatten().filter(|line| line.starts_with("payment")).collect();
    assert_eq!(payment, ["payment 1 0 0 1 reminted 1"; 3], "{:?}", all(&page));
}

#[test]
fn a_filter_chooses_by_claims_and_services() {
    let trail = judged("wrong-key");
    let chosen = |filter: &str| {
        let filter: Filter = filter.parse().unwrap();
        let wanted = |token: &Token, services: &[&str]| {
            filter.shows(&SeenToken { token, services }, jwtrail::filter::Context::default())
        };
        trail.tokens(TokenOrder::LastSeen, false, Some(&wanted))
    };
    let all = trail.tokens(TokenOrder::LastSeen, false, None);
    let first = all.rows[0].token.short_name();
    let page = chosen(&format!("token:{first}"));
    assert_eq!((page.rows.len(), page.held), (1, all.rows.len() as u64));
    assert_eq!(page.rows[0].token, all.rows[0].token);
    assert_eq!(chosen("service:payment").rows.len(), all.rows.len());
    assert_eq!(chosen("service:nowhere").rows.len(), 0);
    assert_eq!(chosen("alg:none or kid:nothing").rows.len(), 0);
}

#[test]
fn what_a_proxy_took_away_was_forwarded_but_never_received() {
    let page = tokens("stripped-by-proxy");
    insta::assert_debug_snapshot!("tokens_stripped", all(&page));
}

#[test]
fn orders_sort_and_turn_around() {
    let trail = judged("exchanged");
    let by = |order, reverse| -> Vec<TokenRow> { trail.tokens(order, reverse, None).rows };
    let times: Vec<_> =
        by(TokenOrder::LastSeen, true).iter().filter(|row| !row.grouped).map(|row| row.last_seen).collect();
    assert!(times.is_sorted(), "{times:?}");
    let services: Vec<_> =
        by(TokenOrder::Services, false).iter().filter(|row| !row.grouped).map(|row| row.standings.len()).collect();
    assert!(services.iter().rev().is_sorted(), "{services:?}");
    let expiry: Vec<_> =
        by(TokenOrder::Expiry, false).iter().filter(|row| !row.grouped).map(|row| row.token.exp).collect();
    assert!(expiry.iter().flatten().is_sorted(), "{expiry:?}");
    assert_eq!(by(TokenOrder::Traces, false), by(TokenOrder::Traces, false), "one order, whatever map it came out of");
}

/// A run's spans once more under other trace ids, each trace with tokens of its own, shared by its spans.
fn copies(spans: &[Arrived], number: u64) -> Vec<Arrived> {
    let own = |print: &Fingerprint| {
        let (form, digits) = print.as_str().split_once(':').unwrap();
        Fingerprint::new(format!("{form}:{number:08}{}", &digits[8..]))
    };
    let mut renamed: Vec<(Arc<Token>, Arc<Token>)> = Vec::new();
    let mut copied: Vec<Arrived> = spans.to_vec();
    for span in &mut copied {
        let mut id = span.trace_id.0;
        id[..8].copy_from_slice(&number.to_be_bytes());
        span.trace_id = TraceId(id);
        for carried in &mut span.carried {
            let CarriedValue::Token(token) = &mut carried.value else { continue };
            if let Some((_, own)) = renamed.iter().find(|(known, _)| known == token) {
                *token = Arc::clone(own);
                continue;
            }
            let (s256, h256) = (token.s256.as_ref().map(own), token.h256.as_ref().map(own));
            let fresh = Arc::new(Token { s256, h256, ..(**token).clone() });
            renamed.push((std::mem::replace(token, Arc::clone(&fresh)), fresh));
        }
    }
    copied
}

#[test]
fn more_tokens_than_anyone_reads_are_counted() {
    let (spans, _) = support::read(&support::runs("intact.jsonl"));
    let one: Vec<Arrived> = spans.iter().filter(|span| span.trace_id == spans[0].trace_id).cloned().collect();
    let mut trail = support::trail(jwtrail::model::policy::Policy::default());
    for number in 0..MOST_TOKENS as u64 + 7 {
        trail.ingest(support::batch(copies(&one, number), Vec::new()), UnixNanos(0));
    }
    trail.settle_all();
    let page = trail.tokens(TokenOrder::LastSeen, false, None);
    assert_eq!((page.rows.len(), page.left_out), (MOST_TOKENS, 7));
    assert_eq!(trail.tokens(TokenOrder::Traces, true, None).left_out, 7);
}
