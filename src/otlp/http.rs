//! OTLP over HTTP: `POST /v1/{traces,logs,metrics}`, protobuf and JSON, answered in the request's own encoding.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Router, extract::Request};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tonic::Code;
use tracing::Instrument as _;

use super::compression::Coding;
use super::decode::{Encoding, Signal};
use super::grpc;
use super::intake::{Accepted, Ahead, Failure, Intake, Protocol};
use super::status::{Status, response, retry_ms};
use crate::model::Refused;

const HELP: &str = "jwtrail takes OTLP here: POST /v1/traces, /v1/logs or /v1/metrics, as application/x-protobuf or \
                    application/json. Point OTEL_EXPORTER_OTLP_ENDPOINT at this address without a path.\n";

pub(super) fn routes(intake: &Arc<Intake>) -> Router {
    let route = |router: Router, signal: Signal| {
        let intake = Arc::clone(intake);
        let export = post(move |request: Request| export(Arc::clone(&intake), signal, request));
        router.route(&format!("/v1/{}", signal.name()), export.fallback(wrong_method))
    };
    [Signal::Traces, Signal::Logs, Signal::Metrics].into_iter().fold(Router::new(), route)
}

/// What any other path is told: in gRPC's manner if it asked so, for one port serves both.
pub(super) async fn wrong_path(request: Request) -> Response {
    let grpc = content_type(request.headers()).is_some_and(|kind| kind.starts_with("application/grpc"));
    if grpc {
        return grpc::unimplemented();
    }
    (StatusCode::NOT_FOUND, HELP).into_response()
}

async fn wrong_method(method: Method) -> Response {
    // A method of the sender's own making may be anything, a credential too.
    let standard = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let found = standard.iter().find(|known| **known == method).map_or("another method", Method::as_str);
    let text = format!("expected POST, found {found}. {HELP}");
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], text).into_response()
}

async fn export(intake: Arc<Intake>, signal: Signal, request: Request) -> Response {
    let encoding = encoding(request.headers());
    let span = tracing::info_span!("receive", otel.kind = "server", protocol = "http", signal = signal.name());
    let outcome = exported(&intake, signal, encoding, request).instrument(span).await;
    intake.count(Protocol::Http, &outcome);
    // A request whose encoding is unknown is answered in the one that people can read.
    let encoding = encoding.unwrap_or(Encoding::Json);
    match outcome {
        Ok(accepted) => answer(StatusCode::OK, encoding, response(signal, &accepted, encoding)),
        Err(failure) => failed(&failure, encoding),
    }
}

async fn exported(
    intake: &Arc<Intake>,
    signal: Signal,
    encoding: Option<Encoding>,
    request: Request,
) -> Result<Accepted, Failure> {
    let headers = request.headers();
    let (Some(encoding), Some(coding)) = (encoding, coding(headers)) else {
        let what = "expected content-type application/x-protobuf or application/json, and content-encoding gzip, \
                    zstd, deflate or none";
        return Err(Failure::Unsupported(what.to_owned()));
    };
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let ahead = length.map_or(Ahead::Nothing, Ahead::Length);
    let body = intake.read(request.into_body(), 0, ahead).await?;
    intake.take(Protocol::Http, (signal, encoding), (coding, body, 0)).await
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

pub(super) fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let (kind, _) = content_type(headers).map(|kind| kind.split_once(';').unwrap_or((kind, "")))?;
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/x-protobuf" | "application/protobuf" => Some(Encoding::Protobuf),
        "application/json" => Some(Encoding::Json),
        _ => None,
    }
}

fn coding(headers: &HeaderMap) -> Option<Coding> {
    let named = headers.get(header::CONTENT_ENCODING).map(|name| name.to_str().ok().and_then(Coding::named));
    named.unwrap_or(Some(Coding::Identity))
}

fn failed(failure: &Failure, encoding: Encoding) -> Response {
    let (status, code) = match failure {
        Failure::Malformed(_) | Failure::Damaged(_) => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        Failure::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted),
        Failure::Unsupported(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument),
        Failure::Slow(_) => (StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
        // OTLP allows 429 too, but Python's exporter gives up on that, and sends again after this.
        Failure::Refused(Refused::Full { .. }) => (StatusCode::SERVICE_UNAVAILABLE, Code::ResourceExhausted),
        Failure::Refused(Refused::Closed) => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
    };
    let body = Status::new(code as i32, failure.to_string());
    let Failure::Refused(refused) = failure else { return answer(status, encoding, body.encoded(encoding)) };
    let mut response = answer(status, encoding, body.with_retry(*refused).encoded(encoding));
    // The header counts whole seconds, and 0 would ask for a busy loop.
    let seconds = retry_ms(*refused).div_ceil(1_000).max(1);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

pub(super) fn answer(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    let kind = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json | Encoding::JaegerJson | Encoding::ZipkinJson => "application/json",
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
