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
use jwtrail::token::{KeySets, KeySource, RawToken, Shared, valid_fingerprint};
use serde_json::{Value, json};

use crate::token::shared_with;

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A P-256 key with its JWK.
fn ec_key(kid: &str) -> (EncodingKey, Value) {
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

/// An RSA key with its JWK: the modulus is read out of the public key's DER.
fn rsa_key(kid: &str) -> (EncodingKey, Value) {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let components = aws_lc_rs::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let jwk = json!({"kty": "RSA", "kid": kid, "alg": "RS256", "n": b64(&components.n), "e": b64(&components.e)});
    let private: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    (EncodingKey::from_rsa_der(&pkcs1_of(private.as_ref())), jwk)
}

/// The `RSAPrivateKey` inside PKCS #8: the octet string that ends it.
fn pkcs1_of(pkcs8: &[u8]) -> Vec<u8> {
    let at = pkcs8.windows(4).skip(4).position(|w| w[0] == 0x30 && w[1] == 0x82 && w[2] >= 4).unwrap() + 4;
    pkcs8[at..].to_vec()
}

fn sign(alg: Algorithm, kid: Option<&str>, key: &EncodingKey) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(alg) };
    jsonwebtoken::encode(&header, &json!({"iss": "https://idp.test", "sub": "ada"}), key).unwrap()
}

fn jwks_file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    std::fs::File::create(&path).unwrap().write_all(content.as_bytes()).unwrap();
    (folder, path)
}

fn check(shared: &Shared, token: &str) -> Check {
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
    let source = KeySource::File { path, issuer: Some("https://other.test".to_owned()), algorithms: vec![] };
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

#[test]
fn workers_share_what_is_known() {
    fn shared_between_threads<T: Send + Sync>() {}
    fn moved_to_a_thread<T: Send>() {}
    shared_between_threads::<Shared>();
    moved_to_a_thread::<jwtrail::otlp::extract::Extractor>();
}
