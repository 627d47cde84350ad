//! What an HTTP instrumentation does: spans by the stable HTTP conventions, W3C trace context, captured headers.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracer;

/// The header capture setting of every service: what tokens travel in, and what proves that one was not there.
const CAPTURED_REQUEST_HEADERS: [&str; 4] = ["authorization", "x-auth-token", "traceparent", "user-agent"];

/// The SERVER span that a request is handled under.
#[derive(Clone)]
pub(super) struct Traced(pub(super) Context);

/// Opens the SERVER span of a request, and closes it over the response.
pub(super) async fn serve(State(tracer): State<SdkTracer>, mut request: Request, next: Next) -> Response {
    let cx = open(&tracer, request.method().as_str(), request.uri().path(), request.headers());
    request.extensions_mut().insert(Traced(cx.clone()));
    let response = next.run(request).await;
    let status = response.status();
    let span = cx.span();
    span.set_attributes(captured_response(status, response.headers()));
    if status.is_server_error() {
        span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

fn open(tracer: &SdkTracer, method: &str, path: &str, headers: &HeaderMap) -> Context {
    let parent = TraceContextPropagator::new().extract(&Headers(headers));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (host, port) = text("host").rsplit_once(':').unwrap_or_default();
    let mut attributes = vec![
        KeyValue::new("http.request.method", method.to_owned()),
        KeyValue::new("http.route", path.to_owned()),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", path.to_owned()),
        KeyValue::new("server.address", host.to_owned()),
        KeyValue::new("server.port", port.parse::<i64>().unwrap_or_default()),
        KeyValue::new("user_agent.original", text("user-agent").to_owned()),
        KeyValue::new("network.protocol.version", "1.1"),
    ];
    attributes.extend(captured_request(headers));
    let span = tracer
        .span_builder(format!("{method} {path}"))
        .with_kind(SpanKind::Server)
        .with_attributes(attributes)
        .start_with_context(tracer, &parent);
    parent.with_span(span)
}

/// The extractor for handlers that call further services.
pub(super) type Parent = Extension<Traced>;

/// Sends a request under a CLIENT span, with the trace context of that span in it.
pub(super) async fn send(
    tracer: &SdkTracer,
    parent: &Context,
    http: &reqwest::Client,
    mut request: reqwest::Request,
) -> Result<reqwest::Response, reqwest::Error> {
    let method = request.method().to_string();
    let url = request.url();
    let attributes = vec![
        KeyValue::new("http.request.method", method.clone()),
        KeyValue::new("url.full", url.to_string()),
        KeyValue::new("server.address", url.host_str().unwrap_or_default().to_owned()),
        KeyValue::new("server.port", i64::from(url.port_or_known_default().unwrap_or(80))),
    ];
    let span = tracer
        .span_builder(method)
        .with_kind(SpanKind::Client)
        .with_attributes(attributes)
        .start_with_context(tracer, parent);
    let cx = parent.with_span(span);
    TraceContextPropagator::new().inject_context(&cx, &mut HeadersMut(request.headers_mut()));
    let span = cx.span();
    span.set_attributes(captured_request(request.headers()));
    let answer = http.execute(request).await;
    if let Ok(response) = &answer {
        let status = response.status();
        span.set_attributes(captured_response(status, response.headers()));
        if status.is_client_error() || status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
    } else {
        span.set_attribute(KeyValue::new("error.type", "reqwest::Error"));
        span.set_status(Status::error("connection failed"));
    }
    span.end();
    answer
}

fn captured_request(headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
    CAPTURED_REQUEST_HEADERS.into_iter().filter_map(|name| captured("request", name, headers))
}

fn captured_response(status: StatusCode, headers: &HeaderMap) -> impl Iterator<Item = KeyValue> {
    let code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
    [code].into_iter().chain(captured("response", "www-authenticate", headers))
}

/// One captured header: a string array, as the convention wants it; nothing where the header is not there.
fn captured(side: &str, name: &str, headers: &HeaderMap) -> Option<KeyValue> {
    let text = |value: &HeaderValue| StringValue::from(String::from_utf8_lossy(value.as_bytes()).into_owned());
    let values: Vec<StringValue> = headers.get_all(name).iter().map(text).collect();
    let key = format!("http.{side}.header.{name}");
    (!values.is_empty()).then(|| KeyValue::new(key, Value::Array(Array::String(values))))
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
