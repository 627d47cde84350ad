//! How a shop service checks a token: keys from the issuer's JWKS endpoint, signatures and claims by jsonwebtoken.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanRef;
use serde_json::Value;

use super::faults::Faults;
use super::keys::{AUDIENCE, ISSUER};

/// The header that some of the shop's older services read a bare token from.
pub(super) const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");

/// A set-up mistake of one service, in force while its fault is on.
#[derive(Clone)]
pub(super) enum Mistake {
    /// This key is held for this `kid` in place of the issuer's.
    Key(&'static str, Box<DecodingKey>),
    /// Requests to this path are expected to have this audience.
    Audience(&'static str, &'static str),
}

/// Checks tokens for one service.
pub(super) struct Verifier {
    keys: HashMap<String, DecodingKey>,
    mistake: Option<(char, Mistake)>,
    faults: Arc<Faults>,
}

/// A token that was accepted.
#[derive(Clone)]
pub(super) struct Accepted {
    /// As it came, to be forwarded.
    pub(super) token: String,
    /// Its claims.
    pub(super) claims: Value,
}

impl Verifier {
    /// Fetches the issuer's keys over HTTP.
    pub(super) async fn fetch(
        http: &reqwest::Client,
        jwks_url: &str,
        mistake: Option<(char, Mistake)>,
        faults: Arc<Faults>,
    ) -> anyhow::Result<Self> {
        let set: JwkSet = http.get(jwks_url).send().await?.error_for_status()?.json().await?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            if let Some(kid) = &jwk.common.key_id {
                keys.insert(kid.clone(), DecodingKey::from_jwk(jwk)?);
            }
        }
        Ok(Self { keys, mistake, faults })
    }

    /// Reads the token from `Authorization` (RFC 6750), else from `X-Auth-Token`, and verifies it.
    pub(super) fn check(&self, path: &str, headers: &HeaderMap) -> Result<Accepted, Refusal> {
        let token = token_of(headers).ok_or(Refusal::Missing)?;
        let claims = self.verify(path, token).map_err(Refusal::Invalid)?;
        Ok(Accepted { token: token.to_owned(), claims })
    }

    fn verify(&self, path: &str, token: &str) -> jsonwebtoken::errors::Result<Value> {
        let header = jsonwebtoken::decode_header(token)?;
        let kid = header.kid.as_deref().unwrap_or_default();
        let mistake = self.mistake.as_ref().filter(|(fault, _)| self.faults.is_on(*fault)).map(|(_, mistake)| mistake);
        let key = match mistake {
            Some(Mistake::Key(of, key)) if *of == kid => Some(&**key),
            _ => self.keys.get(kid),
        };
        let key = key.ok_or(ErrorKind::InvalidKeyFormat)?;
        let allowed = [Algorithm::RS256, Algorithm::ES256].into_iter().find(|algorithm| *algorithm == header.alg);
        let mut rules = Validation::new(allowed.ok_or(ErrorKind::InvalidAlgorithm)?);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[match mistake {
            Some(Mistake::Audience(of, other)) if *of == path => other,
            _ => AUDIENCE,
        }]);
        Ok(jsonwebtoken::decode::<Value>(token, key, &rules)?.claims)
    }
}

fn token_of(headers: &HeaderMap) -> Option<&str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    bearer.or_else(|| text(X_AUTH_TOKEN))
}

/// Why a request was turned away.
pub(super) enum Refusal {
    /// No token came.
    Missing,
    /// The token does not verify.
    Invalid(jsonwebtoken::errors::Error),
    /// The token is good, and not enough here.
    Forbidden,
}

impl Refusal {
    /// Leaves on the span what a service's error handling leaves: the library's exception, by the name of its kind.
    pub(super) fn record(&self, span: &SpanRef<'_>) {
        let Self::Invalid(error) = self else { return };
        let kind = format!("{:?}", error.kind());
        let name = kind.split(['(', ' ']).next().unwrap_or(&kind).to_owned();
        span.add_event(
            "exception",
            vec![
                KeyValue::new("exception.type", name),
                KeyValue::new("exception.message", "could not verify the token"),
            ],
        );
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // RFC 6750, section 3: no error code where no token was sent.
        let (status, challenge) = match self {
            Self::Missing => (StatusCode::UNAUTHORIZED, "Bearer realm=\"shop\""),
            Self::Invalid(_) => (StatusCode::UNAUTHORIZED, "Bearer realm=\"shop\", error=\"invalid_token\""),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Bearer realm=\"shop\", error=\"insufficient_scope\""),
        };
        (status, [(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))]).into_response()
    }
}
