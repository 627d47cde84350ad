//! What would break for a user if tokens were read wrongly.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, as tests do")]

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use jwtrail::model::policy::Policy;
use jwtrail::model::{Anomaly, Confirmation, SubjectKind, Token, TokenFormat};
use jwtrail::token::{
    Canonical, Credential, FingerprintKey, KeyError, KeySets, Label, RawToken, Shared, canonical, sha256_fingerprint,
    valid_fingerprint,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECRET: &[u8] = b"a-shared-secret-of-the-tests-that-is-worth-nothing";

/// A policy-free `Shared` with the key of the published vectors.
pub(crate) fn shared_with(keys: impl Into<Arc<KeySets>>) -> Arc<Shared> {
    Shared::new(&Policy::default(), FingerprintKey::of_any_length(b"jwtrail-test-vector-key"), keys).unwrap()
}

pub(crate) fn shared() -> Arc<Shared> {
    shared_with(KeySets::default())
}

/// An HS256 token over these claims.
pub(crate) fn signed(claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/vectors.json")).unwrap()
}

fn digits(text: &str) -> &str {
    text.rsplit(':').next().unwrap()
}

fn read(value: &str) -> (Option<Arc<Token>>, Vec<&'static str>) {
    match canonical(value, true, &[]) {
        Canonical::Token { scheme, raw, anomalies } => {
            let (token, shape) = shared().token(&raw, scheme);
            let all = jwtrail::model::Anomalies(anomalies.0 | shape.0);
            (Some(token), all.names().collect())
        }
        Canonical::Placeholder { anomalies, .. } => (None, anomalies.names().collect()),
        Canonical::Redacted { .. } => (None, vec!["redacted"]),
        Canonical::Other(_) | Canonical::Empty => (None, vec![]),
    }
}

#[test]
fn published_vectors_hold() {
    let vectors = vectors();
    let key = FingerprintKey::of_any_length(vectors["key_ascii"].as_str().unwrap().as_bytes());
    for vector in vectors["vectors"].as_array().unwrap() {
        let token = vector["token"].as_str().unwrap();
        assert_eq!(digits(sha256_fingerprint(token.as_bytes()).as_str()), vector["s256"]);
        assert_eq!(digits(key.fingerprint(Label::Token, token.as_bytes()).as_str()), vector["tok"]);
        let (read, _) = shared().token(&RawToken::borrowed(token), "bearer");
        assert_eq!(digits(read.h256.as_ref().unwrap().as_str()), vector["tok"]);
        if let Some(whole) = vector["as_sig"].as_str() {
            assert_eq!(read.format, Some(TokenFormat::Opaque));
            assert_eq!(digits(read.signature.as_ref().unwrap().as_str()), whole);
            continue;
        }
        for (name, part) in [("hdr", &read.header), ("pay", &read.payload), ("sig", &read.signature)] {
            assert_eq!(digits(part.as_ref().unwrap().as_str()), vector[name], "{name} of {}", vector["name"]);
        }
    }
    let split = &vectors["split_token"];
    let (opaque, _) = shared().token(&RawToken::borrowed(split["opaque"].as_str().unwrap()), "bearer");
    assert_eq!(digits(opaque.signature.as_ref().unwrap().as_str()), vectors["vectors"][0]["sig"]);
    let pair = &vectors["iss_sub"];
    let hash = key.claim(Label::Subject, pair["iss"].as_str().unwrap(), pair["sub"].as_str().unwrap());
    assert_eq!(digits(hash.as_str()), pair["sub_hash"]);
}

#[test]
fn canonical_cases_of_the_vectors_hold() {
    let vectors = vectors();
    let whole = vectors["vectors"][0]["token"].as_str().unwrap();
    let expected = vectors["vectors"][0]["tok"].as_str().unwrap();
    for case in vectors["canonical"].as_array().unwrap() {
        let value = case["in"].as_str().unwrap().replace("<A[:-5]>", &whole[..whole.len() - 5]).replace("<A>", whole);
        let (token, anomalies) = read(&value);
        let anomaly: Vec<&str> = case["anomaly"].as_str().into_iter().collect();
        assert_eq!(anomalies, anomaly, "anomalies of {}", case["in"]);
        let print = token.as_ref().and_then(|token| token.h256.as_ref()).map(|print| digits(print.as_str()).to_owned());
        match case["fp"].as_str() {
            Some("A.tok") => assert_eq!(print.as_deref(), Some(expected), "{}", case["in"]),
            Some(_) => assert!(print.is_some_and(|print| print != expected), "{}", case["in"]),
            None => assert!(token.is_none(), "{}", case["in"]),
        }
    }
}

#[test]
fn values_that_are_no_tokens_are_told_apart() {
    for value in
        ["Bearer ", "Bearer", "undefined", "Bearer null", "None", "[object Object]", "Bearer {{token}}", "${T}"]
    {
        assert!(matches!(canonical(value, true, &[]), Canonical::Placeholder { .. }), "{value} is a placeholder");
    }
    for value in ["[REDACTED]", "REDACTED", "****", "Bearer ***", "Sensitive", "Bearer eyJhbGci...", "ab****yz"] {
        assert!(matches!(canonical(value, true, &[]), Canonical::Redacted { .. }), "{value} hides itself");
    }
    for (value, scheme) in
        [("Basic dXNlcjpwYXNz", "basic"), ("AWS4-HMAC-SHA256 Credential=x, SignedHeaders=y", "aws4-hmac-sha256")]
    {
        assert!(matches!(canonical(value, true, &[]), Canonical::Other(found) if found == scheme), "{value}");
    }
    for value in ["", "  ", "-"] {
        assert!(matches!(canonical(value, true, &[]), Canonical::Empty), "`{value}` proves absence");
    }
    assert!(matches!(canonical("absent", true, &["absent".to_owned()]), Canonical::Empty));
}

#[test]
fn a_broken_prefix_still_shows_the_same_token() {
    let token = signed(&json!({"sub": "ada"}));
    let whole = read(&format!("Bearer {token}")).0.unwrap();
    for (value, anomaly) in [
        (format!("Bearer{token}"), "prefix_missing"),
        (format!("Bearer:{token}"), "prefix_missing"),
        (format!("DPoP Bearer {token}"), "prefix_duplicated"),
        (format!("Bearer 'Bearer {token}'"), "quoted"),
        (format!("Bearer%20{token}"), "percent_encoded"),
    ] {
        let (found, anomalies) = read(&value);
        assert_eq!(found.unwrap().h256, whole.h256, "{anomaly}");
        assert!(anomalies.contains(&anomaly), "{anomaly}: {anomalies:?}");
    }
    let bare = canonical(&token, false, &[]);
    assert!(matches!(bare, Canonical::Token { anomalies, .. } if anomalies.0 == 0), "bare is normal in x-auth-token");
}

#[test]
fn a_short_fingerprint_key_is_refused_without_being_shown() {
    let error = FingerprintKey::from_env_text("too-short-secret").err().unwrap();
    assert_eq!(error, KeyError::Short(16));
    assert!(!error.to_string().contains("too-short"));
    assert!(FingerprintKey::from_env_text(&"k".repeat(32)).is_ok());
    let (one, other) = (FingerprintKey::random().unwrap(), FingerprintKey::random().unwrap());
    let (one, other) = (one.fingerprint(Label::Token, b"x"), other.fingerprint(Label::Token, b"x"));
    assert_eq!(one.compare(&other), None, "fingerprints under different keys say nothing of each other");
    assert!(valid_fingerprint(one.as_str()));
}

#[test]
fn claims_that_name_people_are_hashed_and_the_rest_is_plain() {
    let claims = json!({
        "iss": "https://idp.test", "sub": "ada", "aud": ["shop", "bank"], "scope": "read write", "exp": 1_900_000_000,
        "iat": 1_899_996_400.5, "nbf": 1_899_996_400, "jti": "j1", "txn": "t1", "tid": "tenant", "oid": "object",
        "cnf": {"jkt": "x"}, "act": {"sub": "spiffe://shop/orders", "act": {"sub": "grace"}}
    });
    let (token, _) = shared().token(&RawToken::borrowed(&signed(&claims)), "bearer");
    assert_eq!(token.iss.as_deref(), Some("https://idp.test"));
    assert_eq!(token.aud.iter().map(|aud| &**aud).collect::<Vec<_>>(), ["shop", "bank"]);
    assert_eq!(token.scope.len(), 2);
    assert_eq!((token.exp, token.iat, token.nbf), (Some(1_900_000_000), Some(1_899_996_400), Some(1_899_996_400)));
    assert_eq!((token.cnf, token.subject_kind), (Some(Confirmation::Jkt), Some(SubjectKind::User)));
    let key = FingerprintKey::of_any_length(b"jwtrail-test-vector-key");
    assert_eq!(token.sub_hash, Some(key.claim(Label::Subject, "https://idp.test", "ada")));
    assert_eq!(token.subject_id_hash, Some(key.claim(Label::ObjectId, "tenant", "object")));
    assert_eq!(token.jti_hash, Some(key.claim(Label::JwtId, "https://idp.test", "j1")));
    assert_eq!(token.txn_hash, Some(key.claim(Label::Transaction, "https://idp.test", "t1")));
    assert_eq!(&*token.actors[0], "spiffe://shop/orders");
    assert_eq!(&*token.actors[1], key.claim(Label::Subject, "https://idp.test", "grace").as_str());
    assert!(!format!("{token:?}").contains("grace"));
}

#[test]
fn workloads_are_known_by_their_subject() {
    let kind = |claims: Value| shared().token(&RawToken::borrowed(&signed(&claims)), "bearer").0.subject_kind;
    for claims in [
        json!({"sub": "orders", "client_id": "orders"}),
        json!({"sub": "orders", "azp": "orders"}),
        json!({"sub": "x", "idtyp": "app"}),
        json!({"sub": "x", "gty": "client-credentials"}),
        json!({"sub": "x@clients"}),
        json!({"sub": "service-account-orders"}),
        json!({"sub": "system:serviceaccount:shop:orders"}),
    ] {
        assert_eq!(kind(claims.clone()), Some(SubjectKind::Workload), "{claims}");
    }
    assert_eq!(kind(json!({"sub": "ada", "client_id": "web"})), Some(SubjectKind::User));
    assert_eq!(kind(json!({"iss": "x"})), None);
}

#[test]
fn cut_unsigned_encrypted_and_opaque_tokens_are_told_apart() {
    let token = signed(&json!({"sub": "ada"}));
    let parts: Vec<&str> = token.split('.').collect();
    let of = |text: &str, scheme: &str| shared().token(&RawToken::borrowed(text), scheme);
    let truncated = |text: &str| of(text, "bearer").1.contains(Anomaly::MaybeTruncated);
    assert!(!truncated(&token));
    assert!(truncated(&token[..token.len() - 2]), "a signature too short for its algorithm");
    assert!(truncated(&format!("{}.{}", parts[0], parts[1])));
    assert!(truncated(&parts[0][..15]), "a header cut in the middle");
    for signature in ["", "SIGNATURE_REMOVED_BY_GOOGLE"] {
        let (removed, anomalies) = of(&format!("{}.{}.{signature}", parts[0], parts[1]), "bearer");
        assert!(removed.signature_removed && anomalies.0 == 0);
        assert_eq!(removed.s256, None, "without a signature it could be guessed");
        assert_eq!(removed.payload, of(&token, "bearer").0.payload);
    }
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM","kid":"k1"}"#);
    let (jwe, _) = of(&format!("{header}.a2V5.aXY.{}.dGFn", "c".repeat(80)), "bearer");
    assert_eq!((jwe.format, jwe.kid.as_deref(), jwe.parts), (Some(TokenFormat::Jwe), Some("k1"), Some(5)));
    assert!(jwe.s256.is_some());
    let opaque = "0123456789abcdef0123456789abcdef";
    assert!(of(opaque, "bearer").0.s256.is_some());
    assert!(of(opaque, "").0.s256.is_none() && of(&opaque[..31], "bearer").0.s256.is_none());
}

#[test]
fn a_hostile_token_is_fingerprinted_and_nothing_worse() {
    let nested = format!("{}1{}", "{\"act\":".repeat(5000), "}".repeat(5000));
    let huge = format!("{{\"sub\":\"{}\"}}", "x".repeat(1 << 20));
    for claims in [
        nested.as_str(),
        huge.as_str(),
        "{\"exp\":1e999}",
        "[]",
        "\"x\"",
        "{\"aud\":{\"a\":[1,null]},\"exp\":\"soon\"}",
    ] {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let token = format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(claims), "s".repeat(43));
        let (read, _) = shared().token(&RawToken::borrowed(&token), "bearer");
        assert!(read.s256.is_some() && read.alg.as_deref() == Some("HS256"));
        assert_eq!((read.exp, read.aud.len()), (None, 0));
    }
}

#[test]
fn one_token_is_worked_out_once() {
    let shared = shared();
    let token = signed(&json!({"sub": "ada"}));
    let first = shared.token(&RawToken::borrowed(&token), "bearer").0;
    let again = shared.token(&RawToken::borrowed(&token), "dpop").0;
    assert!(Arc::ptr_eq(&first, &again));
    for number in 0..100_000 {
        shared.token(&RawToken::borrowed(&format!("opaque-{number}")), "bearer");
    }
    assert!(shared.stats().tokens <= 64 * 1024, "what strangers send is forgotten in time: {:?}", shared.stats());
}

#[test]
fn credentials_are_cut_out_of_any_text() {
    let shared = shared();
    let token = signed(&json!({"iss": "x", "sub": "ada"}));
    let print = shared.token(&RawToken::borrowed(&token), "bearer").0.s256.clone().unwrap();
    let encoded = token.replace('.', "%2E");
    for (text, expected) in [
        (format!("GET /verify/{token}/next"), format!("GET /verify/jwt:{print}/next")),
        (format!("jwt malformed: {token}."), format!("jwt malformed: jwt:{print}.")),
        (format!("q={encoded}&x=1"), format!("q=jwt:{print}&x=1")),
        (format!("Bearer{token}"), format!("Bearerjwt:{print}")),
        ("auth: Bearer s3cr3t-opaque-value!".to_owned(), "auth: Bearer ‹redacted›".to_owned()),
        ("basic%20dXNlcjpwYXNz".to_owned(), "basic%20‹redacted›".to_owned()),
        ("/cb?code=abc123&state=x".to_owned(), "/cb?code=‹redacted›&state=x".to_owned()),
        (
            "u=http%3A%2F%2Fx%3Faccess_token%3Dabc%26y".to_owned(),
            "u=http%3A%2F%2Fx%3Faccess_token%3D‹redacted›%26y".to_owned(),
        ),
        ("client_secret=hunter2 x".to_owned(), "client_secret=‹redacted› x".to_owned()),
        ("/q?a=1&password=hunter2&apikey=s3cret".to_owned(), "/q?a=1&password=‹redacted›&apikey=‹redacted›".to_owned()),
        ("/x?X-Amz-Signature=0f0f&sig=ab".to_owned(), "/x?X-Amz-Signature=‹redacted›&sig=‹redacted›".to_owned()),
        ("https://me:s3cret@host/a@b:c".to_owned(), "https://me:‹redacted›@host/a@b:c".to_owned()),
        (
            "amqp://me@host:5672/a and http://host:80/@".to_owned(),
            "amqp://me@host:5672/a and http://host:80/@".to_owned(),
        ),
        ("design=1 /x?sign=2&the_password=3".to_owned(), "design=1 /x?sign=2&the_password=3".to_owned()),
        (r#"{"refresh_token":"abc"}"#.to_owned(), r#"{"refresh_token":"‹redacted›"}"#.to_owned()),
    ] {
        let clean = shared.scrub(&text);
        assert_eq!(clean, expected);
        assert_eq!(shared.scrub(&clean), expected, "scrubbing twice changes nothing");
    }
}

#[test]
fn harmless_text_stays_as_it_is() {
    for text in [
        "middleware - apiKeyAuthentication",
        "GET /orders/{id}?page=2&status_code=500",
        r#"Bearer realm="api", error="invalid_token", error_description="The token expired""#,
        "Found multiple bearer tokens in the request",
        "monkeyJungleExpedition",
        "Mozilla/5.0 (X11; Linux x86_64)",
        "access_token=REDACTED",
    ] {
        assert_eq!(shared().scrub(text), text);
    }
}

#[test]
fn what_was_cut_out_is_reported_before_and_after() {
    let shared = shared();
    let token = signed(&json!({"sub": "ada"}));
    let text = format!("a {token} b access_token=opaque c Basic dXNlcjpwYXNz");
    let collect = |text: &str| {
        let mut found = Vec::new();
        let clean = shared.scrub_with(text, &mut |credential| found.push(credential)).into_owned();
        (clean, found)
    };
    let (clean, found) = collect(&text);
    assert!(matches!(found[..], [Credential::Jwt(_), Credential::Token, Credential::Other]), "{found:?}");
    assert_eq!(collect(&clean).1, found[..2], "marks of what was cut out are still found");
}

#[test]
fn hostile_text_is_scrubbed_in_one_pass() {
    let shared = shared();
    for piece in [
        "eyJ",
        "eyJ.",
        "XeyJ",
        "jwt:",
        "bearer+**",
        "bearer realm=",
        "?token=**",
        "token=jwt:?",
        "eyJabcdefgh",
        "%2E",
        "é",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let start = std::time::Instant::now();
        let _ = shared.scrub(&text);
        // Quadratic time would be minutes; a machine that is busy with other things may take some seconds.
        assert!(start.elapsed().as_secs() < 20, "{piece} takes {:?} for a megabyte", start.elapsed());
    }
}

proptest! {
    /// What was kept once is taken as clean when it is met again: scrubbing twice must be scrubbing once.
    #[test]
    fn scrubbing_is_done_at_the_first_pass(
        text in "(Bearer |basic\\+|dpop%20|eyJ|eyA|abcdefgh|\\.|%2E|token=|access_token%3D|code=|\":\"|jwt:|s256:|‹redacted›|[?&;, \"']|\\*\\*|\\PC){0,16}",
    ) {
        let shared = shared();
        let once = shared.scrub(&text).into_owned();
        prop_assert_eq!(shared.scrub(&once).into_owned(), once);
    }
}
