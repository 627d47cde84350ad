//! What a policy says must reach the verdicts: a test for each rule of verdicts.md section 12.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwtrail::config;
use jwtrail::model::{Batch, Cause, Confidence, Finding, Hop, Severity, Verdict, VerifySource};
use jwtrail::token::{KeySets, Shared};
use serde_json::{Value, json};

use super::support::{judge, test_key};
use crate::spans::{attribute, extract, list, request, span, text};

const NOW: u64 = 1_790_000_000;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

/// A bearer token with these claims over the usual ones; another one has another signature.
fn bearer(claims: &Value) -> String {
    let mut all =
        json!({"iss": "https://id.example", "sub": "alice", "aud": "shop", "iat": NOW - 60, "exp": NOW + 3600});
    for (key, value) in claims.as_object().unwrap() {
        all[key] = value.clone();
    }
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let payload = part(all.to_string());
    let signature: String = payload.bytes().rev().cycle().take(256).map(char::from).collect();
    format!("Bearer {}.{payload}.{}", part(json!({"alg": "RS256", "kid": "k1"}).to_string()), part(signature))
}

fn user() -> String {
    bearer(&json!({}))
}

/// One request: client → gateway → orders.
struct Request {
    /// What the gateway received, sent, and what orders received; `None` where nobody captured it.
    inbound: Option<String>,
    sent: Option<String>,
    received: Option<String>,
    path: &'static str,
    status: u16,
    /// The callee, `None` where it never reports and a host is called.
    callee: Result<&'static str, &'static str>,
    /// Further attributes of the callee's span.
    extra: Vec<(&'static str, &'static str)>,
}

fn sends(sent: &str) -> Request {
    let some = |text: &str| Some(text.to_owned());
    Request {
        inbound: Some(user()),
        sent: some(sent),
        received: some(sent),
        path: "/cart/7",
        status: 200,
        callee: Ok("orders"),
        extra: Vec::new(),
    }
}

fn batch(shared: &Arc<Shared>, number: u8, ask: &Request) -> Vec<Batch> {
    let make = |service: &str, id: u8, kind: i32, header: Option<&String>, path: &str, status: u16| {
        let mut attributes = vec![
            attribute("http.request.method", text("GET")),
            attribute("url.path", text(path)),
            attribute("http.response.status_code", text(&status.to_string())),
        ];
        attributes.extend(header.map(|value| attribute("http.request.header.authorization", list(&[value]))));
        if let (CLIENT, Err(host)) = (kind, ask.callee) {
            attributes.push(attribute("server.address", text(host)));
        }
        if id == 3 {
            attributes.extend(ask.extra.iter().map(|(key, value)| attribute(key, text(value))));
        }
        let mut made = span(kind, attributes);
        (made.trace_id, made.span_id) = (vec![number; 16], vec![id; 8]);
        made.parent_span_id = if id == 1 { Vec::new() } else { vec![id - 1; 8] };
        made.start_time_unix_nano = NOW * 1_000_000_000 + u64::from(id) * 1_000_000;
        made.end_time_unix_nano = made.start_time_unix_nano + 100_000_000 - u64::from(id) * 10_000_000;
        extract(shared, &request(vec![attribute("service.name", text(service))], vec![made]))
    };
    let mut batches = vec![
        make("gateway", 1, SERVER, ask.inbound.as_ref(), "/shop", 200),
        make("gateway", 2, CLIENT, ask.sent.as_ref(), ask.path, ask.status),
    ];
    if let Ok(callee) = ask.callee {
        batches.push(make(callee, 3, SERVER, ask.received.as_ref(), ask.path, ask.status));
    }
    batches
}

/// Judges requests under a policy; the hops of each, entry first.
fn hops(policy: &str, requests: &[Request]) -> Vec<Hop> {
    let policy = config::parse(Path::new("jwtrail.toml"), policy).unwrap().policy;
    let shared = Shared::new(&policy, test_key(), KeySets::load(&[]).unwrap()).unwrap();
    let batches: Vec<Batch> =
        requests.iter().zip(1..).flat_map(|(request, number)| batch(&shared, number, request)).collect();
    judge(policy, batches)
}

/// The hop gateway → orders of one request.
fn inner(policy: &str, request: Request) -> Hop {
    hops(policy, &[request]).into_iter().find(|hop| hop.caller.is_some()).unwrap()
}

fn said(hop: &Hop) -> (Verdict, Option<Cause>, Severity) {
    (hop.verdict, hop.cause, hop.severity)
}

fn finding(hop: &Hop, finding: Finding) -> Option<Severity> {
    hop.findings.iter().find(|hit| hit.finding == finding).map(|hit| hit.severity)
}

fn edge(token: &str) -> String {
    format!("[[edge]]\nfrom = \"gate*\"\nto = \"orders\"\ntoken = \"{token}\"\n")
}

const LOW_DROP: (Verdict, Option<Cause>, Severity) = (Verdict::Dropped, Some(Cause::NotSent), Severity::Low);
const EXEMPT: (Verdict, Option<Cause>, Severity) = (Verdict::Absent, Some(Cause::Exempt), Severity::Info);

#[test]
fn required_makes_any_absence_high() {
    assert_eq!(said(&inner("", sends(""))), LOW_DROP);
    assert_eq!(inner(&edge("required"), sends("")).severity, Severity::High);
    let anonymous = Request { inbound: Some(String::new()), ..sends("") };
    let hop = inner(&edge("required"), anonymous);
    assert_eq!((hop.verdict, hop.severity), (Verdict::Absent, Severity::High));
}

#[test]
fn required_does_not_mean_what_never_carries_a_token() {
    let health = inner(&edge("required"), Request { path: "/healthz", ..sends("") });
    assert_eq!(said(&health), EXEMPT);
    let partner = || Request { callee: Err("api.partner.example.org"), ..sends("") };
    assert_eq!(said(&inner("", partner())), EXEMPT);
    let hop = inner("[[edge]]\nto = \"api.partner.*\"\ntoken = \"required\"\n", partner());
    assert_eq!(hop.severity, Severity::High, "a host outside that is named is meant");
}

#[test]
fn optional_excuses_what_was_not_sent_and_nothing_else() {
    assert_eq!(said(&inner(&edge("optional"), sends(""))), EXEMPT);
    let stripped = inner(&edge("optional"), Request { received: Some(String::new()), ..sends(&user()) });
    assert_eq!((stripped.verdict, stripped.cause), (Verdict::Dropped, Some(Cause::Stripped)));
    let other = inner(&edge("optional"), sends(&bearer(&json!({"sub": "mallory"}))));
    assert_eq!((other.verdict, other.severity), (Verdict::Changed, Severity::Critical));
    let late = Request { received: Some(bearer(&json!({"sub": "mallory"}))), ..sends("") };
    let late = inner(&edge("optional"), late);
    assert_eq!(late.verdict, Verdict::Changed, "another token arrived, whatever the caller's span shows");
    let unseen = Request { sent: None, received: Some(String::new()), ..sends("") };
    assert_eq!(said(&inner(&edge("optional"), unseen)), EXEMPT);
}

#[test]
fn forbidden_wants_no_token() {
    assert_eq!(said(&inner(&edge("forbidden"), sends(""))), EXEMPT);
    let hop = inner(&edge("forbidden"), sends(&user()));
    assert_eq!((hop.verdict, finding(&hop, Finding::Unwanted)), (Verdict::Intact, Some(Severity::High)));
    assert_eq!(finding(&inner("", sends(&user())), Finding::Unwanted), None);
}

#[test]
fn exchange_takes_another_token_of_the_same_subject_only() {
    let other = || sends(&bearer(&json!({"aud": "orders"})));
    assert_eq!(said(&inner("", other())), (Verdict::Changed, Some(Cause::Reminted), Severity::High));
    let hop = inner(&edge("exchange"), other());
    assert_eq!((hop.verdict, hop.cause, hop.confidence), (Verdict::Exchanged, Some(Cause::Policy), Confidence::Proven));
    let switched = inner(&edge("exchange"), sends(&bearer(&json!({"sub": "mallory"}))));
    assert_eq!((switched.verdict, switched.cause), (Verdict::Changed, Some(Cause::SubjectSwitched)));
    let lost = inner(&edge("exchange"), sends(""));
    assert_eq!(lost.verdict, Verdict::Dropped, "an exchange still ends in a token");
}

#[test]
fn own_expects_the_identity_of_the_caller() {
    let own = || sends(&bearer(&json!({"sub": "gateway", "azp": "gateway"})));
    assert_eq!(said(&inner("", own())), (Verdict::Changed, Some(Cause::SubjectSwitched), Severity::Low));
    let hop = inner(&edge("own"), own());
    assert_eq!((hop.verdict, hop.cause, hop.confidence), (Verdict::Exchanged, Some(Cause::Policy), Confidence::Proven));
    let cron = inner(&edge("own"), Request { inbound: Some(String::new()), ..own() });
    assert_eq!((cron.verdict, cron.cause), (Verdict::Originated, Some(Cause::Minted)));
    let tampered =
        user().replace(&user()[user().find('.').unwrap() + 1..user().rfind('.').unwrap()], "eyJzdWIiOiJtYWxsb3J5In0");
    let hop = inner(&edge("own"), sends(&tampered));
    assert_eq!(said(&hop), (Verdict::Changed, Some(Cause::Tampered), Severity::Critical));
}

#[test]
fn a_refusal_is_seen_through_every_rule() {
    for rule in ["exchange", "own"] {
        let other = bearer(&json!({"aud": "orders"}));
        let hop = inner(&edge(rule), Request { status: 401, ..sends(&other) });
        assert_eq!((hop.verdict, hop.severity), (Verdict::Failed, Severity::High), "{rule}");
    }
}

#[test]
fn a_route_is_a_glob_over_the_operation_or_its_path() {
    for route in ["/cart/*", "GET /cart/*", "/cart/7", "* /cart/7"] {
        let policy = format!("[[edge]]\nroute = \"{route}\"\ntoken = \"optional\"\n");
        assert_eq!(said(&inner(&policy, sends(""))), EXEMPT, "{route}");
    }
    for route in ["/cart", "POST /cart/*", "/orders/*"] {
        let policy = format!("[[edge]]\nroute = \"{route}\"\ntoken = \"optional\"\n");
        assert_eq!(said(&inner(&policy, sends(""))), LOW_DROP, "{route}");
    }
}

#[test]
fn the_first_edge_that_matches_wins() {
    let any = "[[edge]]\ntoken = \"required\"\n";
    assert_eq!(said(&inner(&(edge("optional") + any), sends(""))), EXEMPT);
    assert_eq!(inner(&(any.to_owned() + &edge("optional")), sends("")).severity, Severity::High);
    let elsewhere = "[[edge]]\nto = \"payment\"\ntoken = \"required\"\n";
    assert_eq!(said(&inner(&(elsewhere.to_owned() + &edge("optional")), sends(""))), EXEMPT);
}

#[test]
fn requests_that_enter_are_called_by_client() {
    let entry = |policy: &str| hops(policy, &[Request { inbound: Some(String::new()), ..sends("") }]).remove(0);
    assert_eq!(said(&entry("")), (Verdict::Absent, Some(Cause::Anonymous), Severity::Info));
    let rule = |token: &str| format!("[[edge]]\nfrom = \"client\"\nto = \"gateway\"\ntoken = \"{token}\"\n");
    assert_eq!(entry(&rule("required")).severity, Severity::High);
    assert_eq!(said(&entry(&rule("optional"))), EXEMPT);
    let ignored = "[[ignore]]\nfrom = \"client\"\nfinding = \"long_lived\"\nreason = \"known\"\n";
    let long = Request { inbound: Some(bearer(&json!({"exp": NOW + 500_000}))), ..sends("") };
    let hop = hops(ignored, &[long]).remove(0);
    assert_eq!(finding(&hop, Finding::LongLived), Some(Severity::Info));
}

#[test]
fn severities_are_overridden_by_cause_before_verdict_and_for_findings() {
    let level = |policy: &str| inner(policy, sends("")).severity;
    assert_eq!(level("[severity]\ndropped = \"critical\"\n"), Severity::Critical);
    assert_eq!(level("[severity]\ndropped = \"critical\"\nnot_sent = \"medium\"\n"), Severity::Medium);
    assert_eq!(level("[severity]\nstripped = \"critical\"\n"), Severity::Low);
    let policy = edge("forbidden") + "[severity]\nunwanted = \"low\"\n";
    assert_eq!(finding(&inner(&policy, sends(&user())), Finding::Unwanted), Some(Severity::Low));
}

#[test]
fn a_team_that_wants_a_token_everywhere_grades_its_absence() {
    let anonymous = || Request { inbound: Some(String::new()), ..sends("") };
    assert_eq!(inner("", anonymous()).severity, Severity::Info);
    assert_eq!(inner("[severity]\nabsent = \"medium\"\n", anonymous()).severity, Severity::Medium);
    let excused = edge("optional") + "[severity]\nabsent = \"medium\"\n";
    assert_eq!(said(&inner(&excused, anonymous())), EXEMPT, "an edge that says optional is excused");
}

#[test]
fn ignored_is_what_is_named_with_its_reason_until_its_day_is_over() {
    // The spans are of 2026-09-21, UTC.
    let ignore = |rest: &str| format!("[[ignore]]\nto = \"orders\"\nreason = \"ticket 12\"\n{rest}\n");
    let told = |rest: &str| inner(&(edge("required") + &ignore(rest)), sends(""));
    let hop = told("verdict = \"dropped\"\nuntil = \"2026-09-21\"");
    assert_eq!((hop.verdict, hop.severity), (Verdict::Dropped, Severity::Info));
    assert!(hop.detail.unwrap().contains("ignored by the policy: ticket 12"));
    assert_eq!(told("verdict = \"dropped\"").severity, Severity::Info);
    assert_eq!(told("verdict = \"dropped\"\nuntil = \"2026-09-20\"").severity, Severity::High, "its day is over");
    assert_eq!(told("verdict = \"changed\"").severity, Severity::High);
    assert_eq!(told("verdict = \"dropped\"\nfrom = \"orders\"").severity, Severity::High);
    assert_eq!(told("finding = \"moved\"").severity, Severity::High);
}

#[test]
fn an_ignored_absence_is_quiet_too() {
    let anonymous = || Request { inbound: Some(String::new()), ..sends("") };
    let policy = edge("required") + "[[ignore]]\nverdict = \"absent\"\nreason = \"being rolled out\"\n";
    assert_eq!(inner(&edge("required"), anonymous()).severity, Severity::High);
    assert_eq!(inner(&policy, anonymous()).severity, Severity::Info);
}

#[test]
fn own_carriers_witnesses_and_sentinels_are_read() {
    let unseen = || Request { received: None, ..sends(&user()) };
    let bare = |extra| Request { extra: vec![extra], ..unseen() };
    let carrier = || bare(("http.request.header.x-shop-token", "none"));
    assert_eq!(inner("", carrier()).received.presence.name(), "unknown");
    let policy = "[capture]\ncarriers = [\"X-Shop-Token\"]\nsentinels = [\"none\"]\n";
    assert_eq!(said(&inner(policy, carrier())).1, Some(Cause::Stripped), "the sentinel proves absence");
    let witness = || bare(("http.request.header.x-request-id", "17"));
    assert_eq!(inner("", witness()).verdict, Verdict::Intact);
    let hop = inner("[capture]\nwitnesses = [\"x-request-id\"]\n", witness());
    assert_eq!((hop.verdict, hop.cause, hop.confidence), (Verdict::Dropped, Some(Cause::Stripped), Confidence::Proven));
}

#[test]
fn assumed_services_capture_what_is_there() {
    let unseen = || Request { received: None, ..sends(&user()) };
    assert_eq!(inner("", unseen()).verdict, Verdict::Intact);
    let hop = inner("[capture]\nassume = [\"ord*\"]\n", unseen());
    assert_eq!((hop.verdict, hop.confidence), (Verdict::Dropped, Confidence::Likely));
    assert_eq!(inner("[capture]\nassume = [\"payment\"]\n", unseen()).verdict, Verdict::Intact);
}

#[test]
fn hosts_that_are_internal_or_allowed_leak_nothing() {
    let to = || Request { callee: Err("api.partner.example.org"), ..sends(&user()) };
    let leaked = |policy: &str| finding(&inner(policy, to()), Finding::Leaked);
    assert_eq!(leaked(""), Some(Severity::Critical));
    assert_eq!(leaked("[hosts]\ninternal = [\"*.partner.example.org\"]\n"), None);
    assert_eq!(leaked("[hosts]\nallowed = [\"api.partner.*\"]\n"), None);
    assert_eq!(leaked("[hosts]\nallowed = [\"www.partner.*\"]\n"), Some(Severity::Critical));
}

#[test]
fn proxies_of_the_list_are_no_services() {
    let through = || Request { callee: Ok("edge-7"), ..sends(&user()) };
    assert_eq!(&*inner("", through()).callee.service, "edge-7");
    let hops = hops("[proxies]\nservices = [\"edge-*\"]\n", &[through()]);
    let names: Vec<&str> =
        hops.iter().filter(|hop| hop.callee.span_id.is_some()).map(|hop| &*hop.callee.service).collect();
    assert_eq!(names, ["gateway"], "a proxy between two applications is no callee");
}

#[test]
fn limits_bound_lives_and_clocks() {
    let long = || Request { inbound: Some(bearer(&json!({"exp": NOW + 90_000}))), ..sends("") };
    let entry = |policy: &str| hops(policy, &[long()]).remove(0);
    assert_eq!(finding(&entry(""), Finding::LongLived), Some(Severity::Low));
    assert_eq!(finding(&entry("[limits]\nmax_lifetime = 100000\n"), Finding::LongLived), None);
    let late = bearer(&json!({"exp": NOW - 30}));
    let refused = |policy: &str| inner(policy, Request { inbound: Some(late.clone()), status: 401, ..sends(&late) });
    let hop = refused("[limits]\nclock_skew = 10\n");
    assert_eq!((hop.cause, hop.verification.source), (Some(Cause::Expired), Some(VerifySource::Jwtrail)));
    assert_eq!(refused("").cause, Some(Cause::Rejected), "within the skew it may be anything");
}

#[test]
fn own_rejection_rows_come_before_the_built_in_ones() {
    let challenge = "Bearer error=\"invalid_token\", error_description=\"jwt expired: ticket too old for this tenant\"";
    let refused =
        || Request { status: 401, extra: vec![("http.response.header.www-authenticate", challenge)], ..sends(&user()) };
    let built_in = inner("", refused());
    assert_eq!((built_in.verdict, built_in.cause), (Verdict::Failed, Some(Cause::Expired)));
    let row = "[[rejection]]\nreason = \"claim\"\nfield = \"challenge\"\ntext = \"too old for this tenant\"\n";
    assert_eq!(inner(row, refused()).cause, Some(Cause::Claim));
    let elsewhere = "[[rejection]]\nreason = \"claim\"\nfield = \"type\"\ntext = \"too old for this tenant\"\n";
    assert_eq!(inner(elsewhere, refused()).cause, Some(Cause::Expired), "another field than the row names");
}
