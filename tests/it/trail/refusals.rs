//! What real libraries say when they refuse a token, and what others say that comes close.
//!
//! `tests/data/refusals.json` and `not_refusals.json` were written by the scripts under `tests/refusals`.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jwtrail::model::policy::{Policy, RejectionPolicy};
use jwtrail::model::{Hop, Reason, Verdict};
use jwtrail::otlp::{Encoding, Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::support::{decoder, judge};

#[derive(Deserialize)]
struct Refusal {
    library: String,
    language: String,
    asked_reason: String,
    /// What the library says instead, where it has one text for two reasons.
    said_reason: Option<String>,
    exception: Option<Thrown>,
    challenge: Option<String>,
    status: Option<u16>,
}

#[derive(Deserialize, Clone)]
struct Thrown {
    r#type: String,
    message: String,
    stacktrace: String,
}

#[derive(Deserialize)]
struct Ordinary {
    what: String,
    exception: Thrown,
}

impl Refusal {
    fn reason(&self) -> Reason {
        Reason::from_name(self.said_reason.as_ref().unwrap_or(&self.asked_reason)).unwrap()
    }
}

static REFUSALS: LazyLock<Vec<Refusal>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/refusals.json")).unwrap());
static ORDINARY: LazyLock<Vec<Ordinary>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/not_refusals.json")).unwrap());

/// A request that `web` passes on to `orders`, which answers it somehow.
#[derive(Clone, Default)]
struct Call<'c> {
    language: &'c str,
    status: u16,
    exception: Option<Thrown>,
    challenge: Option<&'c str>,
    /// The callee's instrumentation captures no header.
    callee_blind: bool,
    /// Neither does the caller's, on its calls.
    caller_blind: bool,
    /// The callee exports nothing at all.
    callee_dark: bool,
}

fn bearer() -> Value {
    let part = |claims: Value| URL_SAFE_NO_PAD.encode(claims.to_string());
    let payload =
        part(json!({"iss": "https://issuer.test", "sub": "alice", "aud": "orders", "exp": 4_102_444_800_u64}));
    let token = format!("{}.{payload}.{}", part(json!({"alg": "HS256"})), URL_SAFE_NO_PAD.encode([7; 32]));
    text("http.request.header.authorization", &format!("Bearer {token}"))
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn span(trace: usize, id: u8, parent: u8, kind: u8, attributes: &[Value]) -> Value {
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    json!({
        "traceId": format!("{:032x}", trace + 1), "spanId": format!("{id:016x}"), "parentSpanId": parent,
        "kind": kind, "name": "GET /orders", "attributes": attributes,
        "startTimeUnixNano": format!("179500000{id}000000000"), "endTimeUnixNano": "1795000009000000000",
    })
}

fn service(name: &str, language: &str, spans: &[Value]) -> Value {
    let attributes = [text("service.name", name), text("telemetry.sdk.language", language)];
    json!({"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {"name": "http"}, "spans": spans}]})
}

fn spans_of(trace: usize, call: &Call<'_>) -> [Value; 2] {
    let status = |code: u16| json!({"key": "http.response.status_code", "value": {"intValue": code.to_string()}});
    let at_edge = span(trace, 1, 0, 2, &[bearer(), status(200)]);
    let mut sent = vec![text("server.address", "orders"), status(call.status)];
    let mut received = vec![status(call.status)];
    if !call.caller_blind {
        sent.push(bearer());
    }
    if !call.callee_blind {
        received.push(bearer());
    }
    if let Some(challenge) = call.challenge {
        let to = if call.callee_dark { &mut sent } else { &mut received };
        to.push(text("http.response.header.www-authenticate", challenge));
    }
    let mut entry = span(trace, 3, 2, 2, &received);
    if let Some(thrown) = &call.exception {
        let attributes = [
            text("exception.type", &thrown.r#type),
            text("exception.message", &thrown.message),
            text("exception.stacktrace", &thrown.stacktrace),
        ];
        entry["events"] =
            json!([{"name": "exception", "timeUnixNano": "1795000003500000000", "attributes": attributes}]);
    }
    let web = [at_edge, span(trace, 2, 1, 3, &sent)];
    let entry = if call.callee_dark { vec![] } else { vec![entry] };
    [service("web", "nodejs", &web), service("orders", call.language, &entry)]
}

/// The hops into `orders`, one for each call, through the decoder, the extractor and the judge.
fn judged_under(policy: Policy, calls: &[Call<'_>]) -> Vec<Hop> {
    let spans: Vec<Value> = calls.iter().enumerate().flat_map(|(i, call)| spans_of(i, call)).collect();
    let body = json!({"resourceSpans": spans}).to_string();
    let batch = decoder(&policy, &[]).decode(Signal::Traces, Encoding::Json, body.as_bytes()).unwrap();
    let mut hops = judge(policy, [batch]);
    hops.retain(|hop| &*hop.callee.service == "orders");
    hops.sort_by_key(|hop| hop.trace_id);
    assert_eq!(hops.len(), calls.len());
    hops
}

fn judged(calls: &[Call<'_>]) -> Vec<Hop> {
    judged_under(Policy::default(), calls)
}

fn said(hop: &Hop) -> String {
    let reason = hop.verification.reason.map_or("-", Reason::name);
    format!("{}/{reason}", hop.verdict)
}

/// Fails with every line that differs: a table of texts is mended in one go.
fn all_same(rows: impl Iterator<Item = (String, String, String)>) {
    let wrong: Vec<String> = rows
        .filter(|(_, got, want)| got != want)
        .map(|(what, got, want)| format!("{what}: {got}, not {want}"))
        .collect();
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

fn thrown(status: u16, exception: &Thrown) -> Call<'static> {
    Call { language: "python", status, exception: Some(exception.clone()), ..Call::default() }
}

#[test]
fn a_refusal_is_named_after_what_the_library_recorded() {
    let with: Vec<(&Refusal, &Thrown)> =
        REFUSALS.iter().filter_map(|one| Some((one, one.exception.as_ref()?))).collect();
    let calls: Vec<Call<'_>> =
        with.iter().map(|(one, exception)| Call { language: &one.language, ..thrown(401, exception) }).collect();
    all_same(judged(&calls).iter().zip(&with).map(|(hop, (one, exception))| {
        let what = format!("{} {}: {}", one.library, exception.r#type, exception.message);
        (what, said(hop), format!("failed/{}", one.reason()))
    }));
}

#[test]
fn a_library_s_own_exception_that_nobody_caught_is_a_refusal_under_500() {
    // Go's errors have no type of their own, express-jwt's and Spring's always come with a 401.
    const TYPED: [&str; 16] = [
        "PyJWT",
        "python-jose",
        "Authlib",
        "joserfc",
        "Flask-JWT-Extended",
        "djangorestframework_simplejwt",
        "jsonwebtoken",
        "jose",
        "fast-jwt",
        "@fastify/jwt",
        "java-jwt",
        "jose4j",
        "jwx",
        "ruby-jwt",
        "php-jwt",
        "Microsoft.IdentityModel",
    ];
    let with: Vec<(&Refusal, &Thrown)> =
        REFUSALS.iter().filter_map(|one| Some((one, one.exception.as_ref()?))).collect();
    let own = |(one, thrown): &&(&Refusal, &Thrown)| {
        TYPED.contains(&&*one.library)
            || ["io.jsonwebtoken.", "com.nimbusds.", "org.springframework.security.oauth2.jwt."]
                .iter()
                .any(|module| thrown.r#type.starts_with(module))
            || thrown.message.starts_with("An error occurred while attempting to decode the Jwt")
    };
    let with: Vec<&(&Refusal, &Thrown)> = with.iter().filter(own).collect();
    let calls: Vec<Call<'_>> =
        with.iter().map(|(one, exception)| Call { language: &one.language, ..thrown(500, exception) }).collect();
    assert!(calls.len() > 150);
    all_same(judged(&calls).iter().zip(&with).map(|(hop, (one, exception))| {
        (
            format!("{} {}: {}", one.library, exception.r#type, exception.message),
            said(hop),
            format!("failed/{}", one.reason()),
        )
    }));
    // One key of several tried, or an optional check: what was let through was not refused.
    let let_through: Vec<Call<'_>> = calls.iter().map(|call| Call { status: 200, ..call.clone() }).collect();
    assert!(judged(&let_through).iter().all(|hop| hop.verdict == Verdict::Intact));
}

#[test]
fn a_challenge_names_the_reason() {
    let with: Vec<(&Refusal, &str)> =
        REFUSALS.iter().filter_map(|one| Some((one, one.challenge.as_deref()?))).collect();
    let calls: Vec<Call<'_>> = with
        .iter()
        .map(|(one, challenge)| Call {
            language: &one.language,
            status: one.status.unwrap_or(401),
            challenge: Some(challenge),
            ..Call::default()
        })
        .collect();
    all_same(judged(&calls).iter().zip(&with).map(|(hop, (one, challenge))| {
        // The callee is seen to hold a token: it cannot have missed one.
        let reason = if one.reason() == Reason::Missing { Reason::Rejected } else { one.reason() };
        (format!("{}: {challenge}", one.library), said(hop), format!("failed/{reason}"))
    }));
}

#[test]
fn a_bare_challenge_of_python_does_not_accuse_the_caller_of_having_sent_nothing() {
    let bare: Vec<&Refusal> = REFUSALS
        .iter()
        .filter(|one| one.challenge.as_ref().is_some_and(|text| !text.contains("error=")) && one.language == "python")
        .collect();
    assert!(bare.iter().any(|one| one.asked_reason == "rejected"), "a bad token that got the challenge of none");
    for caller_blind in [false, true] {
        let blind: Vec<Call<'_>> = bare
            .iter()
            .map(|one| Call {
                language: "python",
                status: 401,
                challenge: one.challenge.as_deref(),
                callee_blind: true,
                caller_blind,
                ..Call::default()
            })
            .collect();
        assert!(judged(&blind).iter().all(|hop| hop.verdict != Verdict::Dropped));
    }
}

#[test]
fn a_bare_challenge_of_a_callee_that_never_reports_does_not_deny_what_was_sent_to_it() {
    let call = Call { status: 401, challenge: Some("Bearer realm=\"api\""), callee_dark: true, ..Call::default() };
    assert_eq!(said(&judged(&[call])[0]), "failed/rejected");
}

#[test]
fn a_bare_challenge_of_spring_says_that_there_was_none() {
    let spring = REFUSALS.iter().find(|one| one.library == "spring-security" && one.asked_reason == "missing").unwrap();
    let challenge = spring.challenge.as_deref();
    let call = Call { language: "java", status: 401, challenge, callee_blind: true, ..Call::default() };
    assert_eq!(said(&judged(&[call])[0]), "dropped/missing");
}

#[test]
fn an_ordinary_exception_gives_no_reason_and_fails_no_hop() {
    for (status, want) in [(401, "failed/rejected"), (403, "failed/forbidden"), (400, "intact/-"), (500, "intact/-")] {
        let calls: Vec<Call<'_>> = ORDINARY.iter().map(|one| thrown(status, &one.exception)).collect();
        all_same(judged(&calls).iter().zip(&*ORDINARY).map(|(hop, one)| {
            // That session was asked for because the token before it could not be read.
            let token_before = one.what == "a session after a token" && (401..=403).contains(&status);
            let want = if token_before { "failed/malformed" } else { want };
            (format!("{} under {status}", one.what), said(hop), want.to_owned())
        }));
    }
}

#[test]
fn words_that_come_close_fail_no_hop() {
    let said_by = |kind: &str, message: &str| Thrown {
        r#type: kind.to_owned(),
        message: message.to_owned(),
        stacktrace: String::new(),
    };
    let expired_certificate = "Get \"https://stock/\": tls: failed to verify certificate: x509: certificate has expired \
                               or is not yet valid: current time 2026-11-23T18:00:00Z is after 2025-01-01T00:00:00Z";
    let close = [
        (400, said_by("ValidationError", "The reset token has expired"), "intact/-"),
        (400, said_by("", "invalid signature"), "intact/-"),
        (400, said_by("SyntaxError", "Unexpected token 'a', \"a\" is not valid JSON"), "intact/-"),
        (403, said_by("EBADCSRFTOKEN", "invalid csrf token"), "failed/forbidden"),
        (401, said_by("*url.Error", expired_certificate), "failed/rejected"),
        (401, said_by("AuthenticationFailed", "Invalid token."), "failed/rejected"),
        (500, said_by("java.security.SignatureException", "Signature length not correct: got 3"), "intact/-"),
        (
            500,
            said_by("com.nimbusds.jose.KeyLengthException", "The secret length must be at least 256 bits"),
            "intact/-",
        ),
        (500, said_by("DecodeError", "Error parsing message"), "intact/-"),
        (
            401,
            said_by(
                "org.springframework.web.client.HttpClientErrorException$Unauthorized",
                "401 Unauthorized on GET request for \"http://stock/\": [no body]",
            ),
            "failed/rejected",
        ),
    ];
    let calls: Vec<Call<'_>> = close.iter().map(|(status, exception, _)| thrown(*status, exception)).collect();
    all_same(judged(&calls).iter().zip(&close).map(|(hop, (status, exception, want))| {
        (format!("{} under {status}", exception.message), said(hop), (*want).to_owned())
    }));
}

#[test]
fn the_user_s_own_text_counts_before_ours_and_under_400() {
    let own = |how: &str, text: &str| RejectionPolicy {
        reason: "expired".to_owned(),
        field: "message".to_owned(),
        r#match: how.to_owned(),
        text: text.to_owned(),
    };
    let policy = Policy {
        rejection: vec![own("whole", "pass is stale"), own("substring", "jwt malformed")],
        ..Policy::default()
    };
    let message =
        |text: &str| Thrown { r#type: "Error".to_owned(), message: text.to_owned(), stacktrace: String::new() };
    let calls = [
        thrown(400, &message("pass is stale")),
        thrown(400, &message("the pass is stale")),
        thrown(401, &message("jwt malformed")),
    ];
    let got: Vec<String> = judged_under(policy, &calls).iter().map(said).collect();
    assert_eq!(got, ["failed/expired", "intact/-", "failed/expired"]);
}

#[test]
fn the_recorded_texts_hold_no_piece_of_a_token() {
    for file in [include_str!("../../data/refusals.json"), include_str!("../../data/not_refusals.json")] {
        // The base64url of `{"`, which every header and every payload begins with.
        let beginnings = file.match_indices("eyJ").count();
        assert_eq!(beginnings, 0);
    }
}
