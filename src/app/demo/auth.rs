//! The auth service: JWKS, and tokens for users who log in and for services that ask for their own (RFC 6749).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use opentelemetry_sdk::trace::SdkTracer;
use serde_json::{Value, json};

use super::keys::{AUDIENCE, ISSUER, LIFETIME, SigningKey, random_id};
use super::trace;

/// A person with an account.
pub(super) struct User {
    name: &'static str,
    password: String,
    subject: String,
    plan: &'static str,
    /// Accounts made since the move to ES256 get such tokens; the older ones still get RS256.
    es256: bool,
}

impl User {
    /// The form that logs this user in.
    pub(super) fn login(&self) -> String {
        format!(
            "grant_type=password&client_id=storefront&scope=read+write&username={}&password={}",
            self.name, self.password
        )
    }
}

/// Everyone who shops here.
pub(super) fn users() -> anyhow::Result<Vec<User>> {
    [("ada", "basic", false), ("edsger", "basic", false), ("grace", "basic", true)]
        .into_iter()
        .map(|(name, plan, es256)| Ok(User { name, password: random_id(12)?, subject: random_id(12)?, plan, es256 }))
        .collect()
}

/// The auth service's state.
pub(super) struct Issuer {
    pub(super) rs256: SigningKey,
    pub(super) es256: SigningKey,
    pub(super) jwks: Value,
    pub(super) users: Arc<Vec<User>>,
    /// The one confidential client: id and secret.
    pub(super) client: (&'static str, Arc<str>),
}

/// Routes; the JWKS is served without a span, as monitoring and well-known paths mostly are.
pub(super) fn router(issuer: Arc<Issuer>, tracer: SdkTracer) -> Router {
    Router::new()
        .route("/oauth/token", post(token))
        .layer(middleware::from_fn_with_state(tracer, trace::serve))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(issuer)
}

async fn jwks(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(issuer.jwks.clone())
}

async fn token(State(issuer): State<Arc<Issuer>>, form: String) -> Response {
    match issuer.grant(&form) {
        Ok(Some(token)) => {
            Json(json!({"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME})).into_response()
        }
        Ok(None) => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Issuer {
    /// The token for a grant, `None` where the credentials are wrong.
    fn grant(&self, form: &str) -> anyhow::Result<Option<String>> {
        let field = |name: &str| {
            form.split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
        };
        match field("grant_type") {
            Some("password") => {
                let user = self.users.iter().find(|user| {
                    field("username") == Some(user.name) && field("password") == Some(user.password.as_str())
                });
                user.map(|user| self.user_token(user)).transpose()
            }
            Some("client_credentials") => {
                let (id, secret) = &self.client;
                let known = field("client_id") == Some(id) && field("client_secret") == Some(secret);
                known.then(|| self.client_token(id)).transpose()
            }
            _ => Ok(None),
        }
    }

    fn user_token(&self, user: &User) -> anyhow::Result<String> {
        let key = if user.es256 { &self.es256 } else { &self.rs256 };
        key.sign(json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": user.subject, "client_id": "storefront",
            "scope": "read write", "plan": user.plan,
        }))
    }

    /// The subject of a client's own token is the client (RFC 9068, section 2.2).
    fn client_token(&self, id: &str) -> anyhow::Result<String> {
        self.rs256.sign(json!({"iss": ISSUER, "aud": AUDIENCE, "sub": id, "client_id": id, "scope": "read"}))
    }
}
