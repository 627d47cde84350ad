//! The page of tokens.

use std::sync::Arc;

use crossterm::event::KeyCode;
use jwtrail::engine::query::TokenQuery;
use jwtrail::engine::{Answer, Query, Snapshot};
use jwtrail::model::{Cause, Fingerprint, SubjectKind, Token, TokenFormat, UnixNanos};
use jwtrail::trail::tokens::{Standing, TokenOrder, TokenPage, TokenRow};
use jwtrail::tui::message::Message;
use jwtrail::tui::page::Page;
use jwtrail::tui::{Depth, Theme};

use crate::tui::fixture::{self, NOON, seconds};
use crate::tui::{Driven, store};

pub(in crate::tui) fn standing(
    service: &str,
    [received, forwarded, verified, refused]: [u64; 4],
    reasons: &[(Cause, u64)],
) -> Standing {
    let said = if service == "orders" { verified } else { 0 };
    Standing { service: service.into(), received, forwarded, verified, said, refused, reasons: reasons.to_vec() }
}

pub(in crate::tui) fn row(token: Token, traces: u64, standings: Vec<Standing>) -> TokenRow {
    let (first_seen, last_seen) = (UnixNanos(seconds(0).0 - 300_000_000_000), seconds(0));
    let token = Arc::new(token);
    TokenRow { token, traces, first_seen, last_seen, standings, chain: Vec::new(), forks: 0, grouped: false }
}

pub(in crate::tui) fn user(name: &str) -> Token {
    Token {
        format: Some(TokenFormat::Jws),
        typ: Some("at+jwt".into()),
        aud: vec!["shop".into(), "orders".into()],
        scope: vec!["read".into(), "write".into()],
        subject_kind: Some(SubjectKind::User),
        iat: Some(NOON.cast_signed() - 100),
        ..(*fixture::token(name)).clone()
    }
}

fn bare(name: &str, format: Option<TokenFormat>) -> Token {
    Token { s256: Some(Fingerprint::new(format!("s256:{name}{}", "B".repeat(39)))), format, ..Token::default() }
}

/// Tokens of every sort, two of them for one subject.
pub(in crate::tui) fn page() -> TokenPage {
    let mut k3va = row(
        user("k3va"),
        42,
        vec![
            standing("gateway", [42, 42, 42, 0], &[]),
            standing("orders", [42, 40, 42, 0], &[]),
            standing("payment", [40, 0, 0, 13], &[(Cause::UnknownKey, 9), (Cause::Audience, 4)]),
        ],
    );
    k3va.chain = vec!["k3va".into(), "zz9q".into()];
    k3va.forks = 2;
    let mut exchanged = row(
        Token { exp: Some(NOON.cast_signed() + 40), aud: vec!["payment".into()], ..user("zz9q") },
        40,
        vec![standing("payment", [40, 0, 40, 0], &[])],
    );
    (exchanged.chain, exchanged.grouped) = (k3va.chain.clone(), true);
    let expired = Token {
        exp: Some(NOON.cast_signed() - 180),
        sub_hash: Some(Fingerprint::new("h256.00c0ffee:wrk1aaaaaaaaaaaaaaaaaa")),
        subject_kind: Some(SubjectKind::Workload),
        iat: None,
        ..user("w0rk")
    };
    let refusal = [(Cause::Expired, 3)];
    let rows = vec![
        k3va,
        exchanged,
        row(expired, 3, vec![standing("gateway", [3, 0, 0, 3], &refusal)]),
        row(bare("0paq", Some(TokenFormat::Opaque)), 12, vec![standing("gateway", [12, 0, 0, 0], &[])]),
        row(bare("enc5", Some(TokenFormat::Jwe)), 2, vec![standing("gateway", [2, 2, 0, 0], &[])]),
        row(bare("f1ng", None), 1, vec![standing("orders", [1, 0, 0, 0], &[])]),
    ];
    TokenPage { held: rows.len() as u64, rows, left_out: 0 }
}

pub(in crate::tui) fn answer(driven: &mut Driven, page: TokenPage) {
    let query = TokenQuery::default();
    driven.say(Message::Answered(Arc::new(Answer::Tokens(query, page))));
}

fn driven(width: u16, height: u16, snapshot: Arc<Snapshot>, page: TokenPage) -> Driven {
    let mut driven = Driven::new(width, height, snapshot).keys("4");
    answer(&mut driven, page);
    driven
}

#[test]
fn tokens_where_there_is_little_room() {
    insta::assert_snapshot!("tokens_60x16", driven(60, 16, store(), page()).text());
}

#[test]
fn tokens_without_claims_say_so() {
    let mut texts = String::new();
    for down in ["jj", "jjj", "jjjj", "jjjjj"] {
        let text = driven(100, 30, store(), page()).keys(down).text();
        let detail = text.lines().skip_while(|line| !line.contains("Token ")).take(8);
        texts.extend(detail.flat_map(|line| [line.trim_end(), "\n"]));
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn what_nothing_shows_is_a_question_mark() {
    let mut build = fixture::store();
    for row in &mut build.snapshot.services {
        (row.captures_outbound, row.verifies) = (Some(&*row.name != "payment"), None);
    }
    let text = driven(120, 40, build.done(), page()).text();
    let line = |service: &str| text.lines().skip(15).find(|line| line.contains(service)).unwrap_or_default().to_owned();
    let cells = |service: &str| {
        line(service).split_whitespace().skip(2).take(5).map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(cells("payment"), "✓ 40 ? — !", "{text}");
    assert!(text.contains("; ? not shown"), "{text}");
    let gateway = driven(120, 40, store(), page()).text();
    assert!(!gateway.contains("; ? not shown"), "nothing there to explain: {gateway}");
}

#[test]
fn before_the_answer_and_without_a_token() {
    let asked = Driven::new(80, 24, store()).keys("4");
    assert_eq!(asked.state.wants(), [Query::Tokens(TokenQuery::default())]);
    assert!(asked.text().contains("Looking through the spans held"), "{}", asked.text());
    let filtered = driven(80, 24, store(), TokenPage { held: 12, ..TokenPage::default() }).text();
    assert!(filtered.contains("None of 12 tokens matches the filter"), "{filtered}");
    insta::assert_snapshot!("tokens_nothing_yet", driven(80, 24, Arc::default(), TokenPage::default()).text());
}

#[test]
fn what_overflows_is_counted_and_scrolls() {
    let mut rows: Vec<TokenRow> = Vec::new();
    for at in 0..300_u64 {
        let services: Vec<Standing> =
            (0..40).map(|n| standing(&format!("a-service-with-a-long-name-{n:02}"), [at, n, 0, 0], &[])).collect();
        let long = Token {
            iss: Some("https://login.example.com/a/very/long/path/of/a/tenant/that/nobody/reads".into()),
            aud: vec!["an-audience-with-a-long-name".into(); 9],
            kid: Some("0123456789abcdef0123456789abcdef".into()),
            ..user(&format!("t{at:03}"))
        };
        rows.push(row(long, at, services));
    }
    let mut driven = driven(80, 24, store(), TokenPage { held: 12_645, rows, left_out: 12_345 }).keys("G");
    insta::assert_snapshot!("tokens_overflowing_80x24", driven.text());
    driven.press(KeyCode::Tab);
    driven = driven.keys("G");
    assert!(
        driven.text().contains("a-service-with-a-long-name-39") && driven.text().contains("t299"),
        "{}",
        driven.text()
    );
    driven.press(KeyCode::Esc);
    assert!(!driven.state.tokens.below.focused && driven.state.view == Page::Tokens);
}

#[test]
fn the_selection_follows_the_token_and_enter_shows_its_traces() {
    let mut driven = driven(120, 40, store(), page()).keys("jj");
    let name = |driven: &Driven| driven.state.tokens.row().map(|row| row.token.short_name());
    assert_eq!(name(&driven).as_deref(), Some("w0rk"));
    let mut turned = page();
    turned.rows.reverse();
    answer(&mut driven, turned);
    assert_eq!(name(&driven).as_deref(), Some("w0rk"), "the list turned around");
    let mut gone = page();
    gone.rows.retain(|row| row.token.short_name() != "w0rk");
    answer(&mut driven, gone);
    assert!(name(&driven).is_some_and(|name| name != "w0rk"), "evicted: its neighbour is selected");
    let driven = driven.keys("g\n");
    assert_eq!((driven.state.view, driven.state.filter.text.as_str()), (Page::Traces, "token:k3va"));
    let filters: Vec<_> = driven
        .state
        .wants()
        .into_iter()
        .map(|query| matches!(query, Query::Traces(query) if query.filter == "token:k3va".parse().ok()))
        .collect();
    assert_eq!(filters, [true], "its traces are asked for");
}

#[test]
fn sorting_asks_anew() {
    let mut driven = driven(120, 40, store(), page());
    let mut seen = Vec::new();
    for _ in 0..4 {
        driven = driven.keys("o");
        seen.push(driven.state.tokens.order);
    }
    assert_eq!(seen, [TokenOrder::Traces, TokenOrder::Services, TokenOrder::Expiry, TokenOrder::LastSeen]);
    driven = driven.keys("O");
    assert_eq!(driven.state.wants(), [Query::Tokens(TokenQuery { reverse: true, ..TokenQuery::default() })]);
    assert!(driven.text().contains("seen▴"), "{}", driven.text());
}

#[test]
fn a_click_selects_and_plain_terminals_see_the_same() {
    let mut clicked = driven(120, 40, store(), page());
    let y = clicked.text().lines().position(|line| line.contains("0paq")).expect("its row");
    let y = u16::try_from(y).expect("a line of the screen");
    clicked.say(Message::Point(jwtrail::tui::message::Pointer::Click, 10, y));
    assert_eq!(clicked.state.tokens.row().map(|row| row.token.short_name()).as_deref(), Some("0paq"));
    let mut plain = driven(120, 40, store(), page());
    plain.state.theme = Theme { ascii: true, depth: Depth::None, ..Theme::default() };
    assert!(plain.text().is_ascii(), "{}", plain.text());
    insta::assert_snapshot!("tokens_ascii", plain.text());
}
