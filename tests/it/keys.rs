//! What would break for a user if jwtrail's own check were wrong.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, as tests do")]

use std::io::Write;
use std::path::PathBuf;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use jwtrail::model::{Check, Reason};
use jwtrail::token::{KeyPlace, KeySets, KeySource, RawToken, Shared, valid_fingerprint};
use serde_json::{Value, json};

use crate::token::shared_with;

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A P-256 key with its JWK.
pub(crate) fn ec_key(kid: &str) -> (EncodingKey, Value) {
    let algorithm = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let private = pair.to_pkcs8v1().unwrap();
    let public = pair.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": b64(&public[1..33]), "y": b64(&public[33..])});
    (EncodingKey::from_ec_der(private.as_ref()), jwk)
}

fn ed_key(kid: &str) -> (EncodingKey, Value) {
    let random = aws_lc_rs::rand::SystemRandom::new();
    let private = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(private.as_ref()).unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(pair.public_key().as_ref())});
    (EncodingKey::from_ed_der(private.as_ref()), jwk)
}

fn rsa_key(kid: &str) -> (EncodingKey, Value) {
    let (pair, jwk) = rsa_pair(kid);
    let private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    (EncodingKey::from_rsa_der(&pkcs1_of(private.as_ref())), jwk)
}

/// An RSA key with its JWK.
fn rsa_pair(kid: &str) -> (aws_lc_rs::rsa::KeyPair, Value) {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let components = aws_lc_rs::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let jwk = json!({"kty": "RSA", "kid": kid, "alg": "RS256", "n": b64(&components.n), "e": b64(&components.e)});
    (pair, jwk)
}

/// The `RSAPrivateKey` inside PKCS #8: the octet string that ends it.
fn pkcs1_of(pkcs8: &[u8]) -> Vec<u8> {
    let at = pkcs8.windows(4).skip(4).position(|w| w[0] == 0x30 && w[1] == 0x82 && w[2] >= 4).unwrap() + 4;
    pkcs8[at..].to_vec()
}

pub(crate) fn sign(alg: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    sign_as("https://idp.test", alg, kid, key)
}

pub(crate) fn sign_as(issuer: &str, alg: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(alg) };
    jsonwebtoken::encode(&header, &json!({"iss": issuer, "sub": "ada"}), key).unwrap()
}

fn jwks_file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
    (folder, path)
}

pub(crate) fn check(shared: &Shared, token: &str) -> Check {
    shared.token(&RawToken::borrowed(token), "bearer").0.check.clone()
}

#[test]
fn signatures_are_checked_under_the_key_that_the_kid_names() {
    let (ec, ec_jwk) = ec_key("ec");
    let (ed, ed_jwk) = ed_key("ed");
    let (rsa, rsa_jwk) = rsa_key("rsa");
    let (_folder, path) = jwks_file(&json!({"keys": [ec_jwk, ed_jwk, rsa_jwk]}).to_string());
    let shared = shared_with(KeySets::load(&[KeySource::file(path)]).unwrap());
    for (alg, kid, key) in
        [(Algorithm::ES256, "ec", &ec), (Algorithm::EdDSA, "ed", &ed), (Algorithm::RS256, "rsa", &rsa)]
    {
        let token = sign(alg, Some(kid), key);
        let Check::Valid(Some(thumbprint)) = check(&shared, &token) else { panic!("{kid} did not verify") };
        assert!(valid_fingerprint(thumbprint.as_str()));
        let other = if token.ends_with('A') { "B" } else { "A" };
        let cut = token.rfind('.').unwrap() + 10;
        let tampered = format!("{}{other}{}", &token[..cut], &token[cut + 1..]);
        if tampered != token {
            assert_eq!(check(&shared, &tampered), Check::Failed(Reason::Signature), "{kid}");
        }
    }
    assert!(matches!(check(&shared, &sign(Algorithm::ES256, None, &ec)), Check::Valid(_)), "the one key that fits");
    assert_eq!(check(&shared, &sign(Algorithm::ES256, Some("rotated"), &ec)), Check::NotChecked, "no key for the kid");
    assert_eq!(check(&shared, &sign(Algorithm::ES256, Some("ed"), &ec)), Check::Failed(Reason::Algorithm));
    assert_eq!(check(&shared, &sign(Algorithm::PS256, Some("rsa"), &rsa)), Check::Failed(Reason::Algorithm));
}

#[test]
fn a_public_key_is_never_taken_for_a_shared_secret() {
    let (_, jwk) = rsa_key("rsa");
    let (_folder, path) = jwks_file(&json!({"keys": [jwk]}).to_string());
    let shared = shared_with(KeySets::load(&[KeySource::file(path)]).unwrap());
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let forged = sign(Algorithm::HS256, Some("rsa"), &EncodingKey::from_secret(&modulus));
    assert_eq!(check(&shared, &forged), Check::Failed(Reason::Algorithm));
    let unsigned = format!("{}.{}.", b64(br#"{"alg":"none","kid":"rsa"}"#), b64(br#"{"sub":"ada"}"#));
    assert_eq!(check(&shared, &unsigned), Check::Failed(Reason::Algorithm));
    let rsa = forged.split('.').collect::<Vec<_>>();
    let removed = format!("{}.{}.SIGNATURE_REMOVED_BY_GOOGLE", b64(br#"{"alg":"RS256","kid":"rsa"}"#), rsa[1]);
    assert_eq!(check(&shared, &removed), Check::NotChecked, "the gateway had verified it");
}

#[test]
fn a_key_set_of_one_issuer_says_nothing_of_others() {
    let (ec, jwk) = ec_key("1");
    let (_folder, path) = jwks_file(&json!({"keys": [jwk]}).to_string());
    let source = KeySource { issuer: Some("https://other.test".to_owned()), ..KeySource::file(path) };
    let shared = shared_with(KeySets::load(&[source]).unwrap());
    assert_eq!(check(&shared, &sign(Algorithm::ES256, Some("1"), &ec)), Check::NotChecked);
}

#[test]
fn an_unusable_key_set_is_an_error_that_names_the_file() {
    let missing = KeySets::load(&[KeySource::file("/nowhere/jwks.json")]).err().unwrap().to_string();
    assert!(missing.contains("/nowhere/jwks.json"), "{missing}");
    for (content, expected) in [
        ("not json", "no JSON"),
        ("{\"jwks\": []}", "JSON without it"),
        ("{\"keys\": []}", "found none"),
        ("{\"keys\": [{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"}]}", "curve"),
    ] {
        let (_folder, path) = jwks_file(content);
        let error = KeySets::load(&[KeySource::file(&path)]).err().unwrap().to_string();
        assert!(error.contains("jwks.json") && error.contains(expected), "{error}");
    }
}

#[test]
fn a_padded_signature_is_the_same_signature() {
    let (ec, jwk) = ec_key("alb");
    let (_folder, path) = jwks_file(&json!({"keys": [jwk]}).to_string());
    let shared = shared_with(KeySets::load(&[KeySource::file(path)]).unwrap());
    let padded = format!("{}==", sign(Algorithm::ES256, Some("alb"), &ec));
    assert!(matches!(check(&shared, &padded), Check::Valid(_)), "load balancers write base64url with padding");
}

fn ec384_key(kid: &str) -> (EncodingKey, Value) {
    let pair = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let private = pair.to_pkcs8v1().unwrap();
    let public = pair.public_key().as_ref();
    let jwk = json!({"kty": "EC", "crv": "P-384", "kid": kid, "x": b64(&public[1..49]), "y": b64(&public[49..])});
    (EncodingKey::from_ec_der(private.as_ref()), jwk)
}

#[test]
fn a_key_without_an_algorithm_serves_all_that_its_type_allows_and_the_policy_accepts() {
    use Algorithm::{ES384, PS256, PS512, RS384};
    let (rsa, mut jwk) = rsa_key("rsa");
    jwk.as_object_mut().unwrap().remove("alg");
    let (ec, ec_jwk) = ec384_key("ec");
    let (_folder, path) = jwks_file(&json!({"keys": [jwk, ec_jwk]}).to_string());
    let any = shared_with(KeySets::load(&[KeySource::file(&path)]).unwrap());
    for (alg, kid, key) in [(PS256, "rsa", &rsa), (PS512, "rsa", &rsa), (RS384, "rsa", &rsa), (ES384, "ec", &ec)] {
        assert!(matches!(check(&any, &sign(alg, Some(kid), key)), Check::Valid(Some(_))), "{alg:?}");
    }
    let only = KeySource { algorithms: vec!["PS256".to_owned()], ..KeySource::file(&path) };
    let only = shared_with(KeySets::load(&[only]).unwrap());
    assert!(matches!(check(&only, &sign(PS256, Some("rsa"), &rsa)), Check::Valid(_)));
    assert_eq!(check(&only, &sign(RS384, Some("rsa"), &rsa)), Check::Failed(Reason::Algorithm));
}

fn bound(place: KeyPlace, issuer: &str) -> KeySource {
    KeySource { issuer: Some(issuer.to_owned()), ..KeySource::any_issuer(place) }
}

#[test]
fn a_secret_from_a_file_checks_all_three_sizes_and_its_issuer_alone() {
    use Algorithm::{ES256, HS256, HS384, HS512};
    let secret = b"a secret of tests that is long enough for all of them";
    let (_folder, path) = jwks_file(&format!("{}\n", std::str::from_utf8(secret).unwrap()));
    let source = bound(KeyPlace::SecretFile(path.clone()), "https://idp.test");
    let shared = shared_with(KeySets::load(&[source]).unwrap());
    let key = EncodingKey::from_secret(secret);
    for (alg, kid) in [(HS256, None), (HS384, Some("any")), (HS512, None)] {
        assert_eq!(check(&shared, &sign(alg, kid, &key)), Check::Valid(None), "{alg:?}: a secret has no thumbprint");
    }
    let wrong = EncodingKey::from_secret(b"another one");
    assert_eq!(check(&shared, &sign(HS256, None, &wrong)), Check::Failed(Reason::Signature));
    assert_eq!(check(&shared, &sign_as("https://other.test", HS256, None, &key)), Check::NotChecked);
    assert_eq!(check(&shared, &sign(ES256, Some("k"), &ec_key("k").0)), Check::NotChecked, "no key for its kid");

    let unbound = shared_with(KeySets::load(&[KeySource::any_issuer(KeyPlace::SecretFile(path))]).unwrap());
    assert!(matches!(check(&unbound, &sign(HS256, None, &key)), Check::Valid(None)));
    assert_eq!(check(&unbound, &sign(HS256, None, &wrong)), Check::NotChecked, "it may be somebody else's");

    let encoded = base64::engine::general_purpose::STANDARD.encode(secret);
    let (_folder, path) = jwks_file(&encoded);
    let source = bound(KeyPlace::SecretFile(path), "https://idp.test");
    let shared = shared_with(KeySets::load(&[source]).unwrap());
    assert!(matches!(check(&shared, &sign(HS256, None, &key)), Check::Valid(None)), "as jjwt and Spring write it");
}

#[test]
fn what_is_no_secret_is_refused_and_never_shown() {
    let (_, jwk) = rsa_key("rsa");
    let pem = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----\n";
    for (content, expected) in [(jwk.to_string().as_str(), "PEM or JSON"), (pem, "PEM or JSON"), ("\n", "nothing")] {
        let (_folder, path) = jwks_file(content);
        let source = KeySource::any_issuer(KeyPlace::SecretFile(path));
        let error = KeySets::load(&[source]).err().unwrap().to_string();
        assert!(error.contains(expected) && error.contains("jwks.json") && !error.contains("MIIB"), "{error}");
    }
    let source = KeySource::any_issuer(KeyPlace::SecretVariable("JWTRAIL_TEST_NO_SUCH_SECRET".to_owned()));
    let error = KeySets::load(&[source]).err().unwrap().to_string();
    assert!(error.contains("$JWTRAIL_TEST_NO_SUCH_SECRET, found no such variable"), "{error}");
}

/// The public key as a PEM, as a forger takes it for a secret: the signature holds if the verifier does the same.
fn pem(pair: &aws_lc_rs::rsa::KeyPair) -> String {
    let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let body = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

#[test]
fn a_token_signed_with_the_public_key_as_its_secret_is_found_out() {
    let (pair, mut jwk) = rsa_pair("rsa");
    jwk.as_object_mut().unwrap().remove("alg");
    let (_folder, path) = jwks_file(&json!({"keys": [jwk]}).to_string());
    let unbound = shared_with(KeySets::load(&[KeySource::file(&path)]).unwrap());
    let bound = shared_with(KeySets::load(&[bound(KeyPlace::File(path), "https://idp.test")]).unwrap());
    for secret in [pem(&pair), pem(&pair).trim_end().to_owned(), jwk.to_string()] {
        let key = EncodingKey::from_secret(secret.as_bytes());
        for alg in [Algorithm::HS256, Algorithm::HS512] {
            let forged = sign(alg, Some("rsa"), &key);
            assert_eq!(check(&unbound, &forged), Check::Failed(Reason::Algorithm));
            assert_eq!(check(&bound, &forged), Check::Failed(Reason::Algorithm));
            assert_eq!(check(&bound, &sign(alg, None, &key)), Check::Failed(Reason::Algorithm), "no kid, same forgery");
        }
    }
}

#[test]
fn issuers_that_chose_the_same_kid_do_not_mix() {
    let ((red, red_jwk), (blue, blue_jwk), (grey, grey_jwk)) = (ec_key("1"), ec_key("1"), ec_key("1"));
    let files = [red_jwk, blue_jwk, grey_jwk].map(|jwk| jwks_file(&json!({"keys": [jwk]}).to_string()));
    let sources = [
        bound(KeyPlace::File(files[0].1.clone()), "https://red.test"),
        bound(KeyPlace::File(files[1].1.clone()), "https://blue.test/"),
        KeySource::file(&files[2].1),
    ];
    let shared = shared_with(KeySets::load(&sources).unwrap());
    let of = |issuer: &str, key: &EncodingKey| check(&shared, &sign_as(issuer, Algorithm::ES256, Some("1"), key));
    assert!(matches!(of("https://red.test", &red), Check::Valid(_)));
    assert!(matches!(of("https://blue.test", &blue), Check::Valid(_)), "but for the slash at the end");
    assert_eq!(of("https://red.test", &blue), Check::Failed(Reason::Signature));
    assert!(matches!(of("https://green.test", &grey), Check::Valid(_)), "a key set of nobody in particular serves any");
    assert!(matches!(of("https://red.test", &grey), Check::Valid(_)));
}

#[test]
fn workers_share_what_is_known() {
    fn shared_between_threads<T: Send + Sync>() {}
    fn moved_to_a_thread<T: Send>() {}
    shared_between_threads::<Shared>();
    moved_to_a_thread::<jwtrail::otlp::extract::Extractor>();
}
