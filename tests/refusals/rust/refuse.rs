//! Makes Rust's jsonwebtoken refuse, and prints what the stock OpenTelemetry SDK records of each refusal.
//!
//!     mkdir -p /tmp/refusals/rust && cp Cargo.toml refuse.rs /tmp/refusals/rust && cd /tmp/refusals/rust
//!     timeout 600 cargo run -q > /tmp/refusals/rust.jsonl
//!
//! One JSON object a line, with the token in it for `collect.py` to scrub by. `record_error` writes the message alone:
//! no type and no stack.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use serde_json::{Value, json};

const SECRET: &[u8] = b"a secret of this script alone, long enough for HS256";
const OTHER: &[u8] = b"another secret of this script, long enough for HS256";

fn token(secret: &[u8], algorithm: Algorithm, changes: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({"iss": "https://issuer.test", "aud": "orders", "sub": "alice", "exp": now + 600});
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            Value::Number(seconds) => claims[name] = json!(now as i64 + seconds.as_i64().unwrap()),
            text => claims[name] = text.clone(),
        }
    }
    encode(&Header::new(algorithm), &claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn check(token: &str) -> Result<(), Error> {
    let mut wanted = Validation::new(Algorithm::HS256);
    wanted.set_audience(&["orders"]);
    wanted.set_issuer(&["https://issuer.test"]);
    wanted.set_required_spec_claims(&["exp", "sub"]);
    wanted.sub = Some("alice".to_owned());
    wanted.validate_nbf = true;
    decode::<Value>(token, &DecodingKey::from_secret(SECRET), &wanted).map(drop)
}

fn main() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let tracer = provider.tracer("refusals");
    let hs = |changes: Value| token(SECRET, Algorithm::HS256, &changes);
    let good = hs(json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    check(&good).unwrap();
    let asked = [
        ("signature", token(OTHER, Algorithm::HS256, &json!({}))),
        ("algorithm", token(SECRET, Algorithm::HS512, &json!({}))),
        ("expired", hs(json!({"exp": -3600}))),
        ("not_yet_valid", hs(json!({"nbf": 3600}))),
        ("audience", hs(json!({"aud": "billing"}))),
        ("issuer", hs(json!({"iss": "https://other.test"}))),
        ("claim", hs(json!({"sub": null}))),
        ("claim", hs(json!({"sub": "mallory"}))),
        ("claim", hs(json!({"exp": "soon"}))),
        ("malformed", format!("{}.{}", parts[0], parts[1])),
        ("malformed", format!("x{}.{}.{}", &parts[0][3..], parts[1], parts[2])),
        ("malformed", format!("{}~.{}.{}", parts[0], parts[1], parts[2])),
        ("malformed", "undefined".to_owned()),
    ];
    for (reason, token) in asked {
        exporter.reset();
        let mut span = tracer.start("GET /orders");
        let error = check(&token).expect_err("a token that was to be refused");
        span.record_error(&error);
        span.end();
        let spans = exporter.get_finished_spans().unwrap();
        let at = |key: &str| {
            let of = spans[0].events[0].attributes.iter().find(|kv| kv.key.as_str() == format!("exception.{key}"));
            of.map(|kv| kv.value.to_string()).unwrap_or_default()
        };
        let exception = json!({"type": at("type"), "message": at("message"), "stacktrace": at("stacktrace")});
        let line = json!({
            "library": "rust jsonwebtoken", "version": "11.1.0", "language": "rust", "asked_reason": reason,
            "recorded_by": "opentelemetry_sdk 0.33.1", "exception": exception, "challenge": null, "status": null,
            "token": token,
        });
        println!("{line}");
    }
}
