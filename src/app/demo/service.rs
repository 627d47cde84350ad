//! What every service of the shop has: a name, its tracers, its token check, and the others' addresses.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::trace::SdkTracer;

use super::faults::Faults;
use super::keys::SigningKey;
use super::trace::{self, Parent, Traced};
use super::verify::{Accepted, Verifier};

/// Who listens where.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses(pub(super) HashMap<&'static str, SocketAddr>);

impl Addresses {
    /// The URL of a path at a service.
    pub(super) fn url(&self, service: &str, path: &str) -> String {
        // Every service is bound before the first is started, so the name is always there.
        let address = self.0.get(service).copied().unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 9)));
        format!("http://{address}{path}")
    }
}

/// One service.
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) client: SdkTracer,
    pub(super) http: reqwest::Client,
    pub(super) addresses: Addresses,
    pub(super) verifier: Verifier,
    pub(super) faults: Arc<Faults>,
    /// Its secret at the auth service, where it has one.
    pub(super) secret: Arc<str>,
    /// A signing key that it should not have, where it has one.
    pub(super) signing: Option<Arc<SigningKey>>,
}

/// What a call carries as its token: header and value.
pub(super) type Credential = (HeaderName, String);

/// `Authorization: Bearer …` (RFC 6750).
pub(super) fn bearer(token: &str) -> Credential {
    (header::AUTHORIZATION, format!("Bearer {token}"))
}

/// An authenticated request that is being handled.
#[derive(Clone)]
pub(super) struct Call {
    /// Trace context with the SERVER span.
    pub(super) cx: Context,
    /// The caller's token.
    pub(super) accepted: Accepted,
}

/// Lets only requests with a good token through to the handlers.
pub(super) async fn authenticate(
    State(service): State<Arc<Service>>,
    axum::Extension(Traced(cx)): Parent,
    mut request: Request,
    next: Next,
) -> Response {
    match service.verifier.check(request.uri().path(), request.headers()) {
        Ok(accepted) => {
            request.extensions_mut().insert(Call { cx, accepted });
            next.run(request).await
        }
        Err(refusal) => {
            refusal.record(&cx.span());
            refusal.into_response()
        }
    }
}

impl Service {
    /// Calls another service for this request; the answer's status, 502 where there is none.
    pub(super) async fn ask(
        &self,
        call: &Call,
        method: Method,
        callee: &str,
        path: &str,
        credential: impl Into<Option<Credential>>,
    ) -> StatusCode {
        let mut request = self.http.request(method, self.addresses.url(callee, path));
        if let Some((name, value)) = credential.into() {
            request = request.header(name, value);
        }
        match self.send(&call.cx, request).await {
            Ok(response) => response.status(),
            Err(_) => StatusCode::BAD_GATEWAY,
        }
    }

    /// Sends a request under a CLIENT span, under this service's own user agent.
    pub(super) async fn send(
        &self,
        cx: &Context,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let mut request = request.build()?;
        if let Ok(agent) = HeaderValue::try_from(format!("{}/2.4.1 reqwest/0.13", self.name)) {
            request.headers_mut().insert(header::USER_AGENT, agent);
        }
        trace::send(&self.client, cx, &self.http, request).await
    }
}
