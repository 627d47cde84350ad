//! A plain HTTP proxy without tracing: it passes every header on, `traceparent` included, but one.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::faults::Faults;

/// Longest body that is passed on, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// Where to, and whether to strip.
pub(super) struct Proxy {
    pub(super) upstream: String,
    pub(super) http: reqwest::Client,
    pub(super) faults: Arc<Faults>,
}

/// Passes every path on.
pub(super) fn router(proxy: Arc<Proxy>) -> Router {
    Router::new().fallback(pass).with_state(proxy)
}

async fn pass(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    match proxy.forward(request).await {
        Ok(response) => response,
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Proxy {
    async fn forward(&self, request: Request) -> anyhow::Result<Response> {
        let (mut parts, body) = request.into_parts();
        end_to_end(&mut parts.headers);
        if self.faults.is_on('8') {
            parts.headers.remove(header::AUTHORIZATION);
        }
        let url = format!("{}{}", self.upstream, parts.uri);
        let body = to_bytes(body, MAX_BODY).await?;
        let answer = self.http.request(parts.method, url).headers(parts.headers).body(body).send().await?;
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        end_to_end(&mut headers);
        let mut response = Response::new(Body::from(answer.bytes().await?));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

/// Takes off what speaks of one connection only (RFC 9110, section 7.6.1), and what is set anew for the next.
fn end_to_end(headers: &mut HeaderMap) {
    for name in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::UPGRADE] {
        headers.remove(name);
    }
}
