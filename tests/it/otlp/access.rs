//! Who may send: secrets and pages of browsers, by real requests.

use std::collections::HashMap;

use jwtrail::otlp::Limits;
use jwtrail::otlp::access::{Access, Secrets};
use jwtrail::otlp::status::Status as RpcStatus;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::trace::SpanExporter as _;
use prost::Message as _;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::metadata::MetadataMap;

use super::exporter::span;
use super::server::{Server, count, json_request, request};

const TOKEN: &str = "only-for-this-test-0001";
const KEY: &str = "only-for-this-test-0002";

fn guarded() -> Server {
    let secrets = Secrets::parse(&format!("bearer {TOKEN}\napi-key {KEY}\n"), "TEST").unwrap();
    Server::with(Access { secrets: Some(secrets), ..Access::default() }, Limits::default())
}

fn grpc(server: &Server, name: &'static str, value: &str) -> SpanExporter {
    let mut metadata = MetadataMap::new();
    metadata.insert(name, value.parse().unwrap());
    let endpoint = format!("http://{}", server.addresses.grpc.unwrap());
    SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_metadata(metadata).build().unwrap()
}

fn http(server: &Server, name: &str, value: &str) -> SpanExporter {
    let headers = HashMap::from([(name.to_owned(), value.to_owned())]);
    let builder = SpanExporter::builder().with_http().with_endpoint(server.url("/v1/traces"));
    builder.with_headers(headers).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exporters_with_a_secret_get_through_and_others_are_told_what_to_set() {
    let server = guarded();
    let bearer = format!("Bearer {TOKEN}");
    for (name, value) in [("authorization", &*bearer), ("x-api-key", KEY)] {
        grpc(&server, name, value).export(vec![span(1)]).await.unwrap();
        http(&server, name, value).export(vec![span(2)]).await.unwrap();
    }
    assert_eq!(server.shelf.spans(), 4);
    let error = grpc(&server, "x-api-key", TOKEN).export(vec![span(3)]).await.unwrap_err().to_string();
    assert!(error.contains("UNAUTHENTICATED") || error.to_lowercase().contains("authent"), "{error}");
    assert!(http(&server, "authorization", "Bearer other").export(vec![span(3)]).await.is_err());
    assert_eq!(server.shelf.spans(), 4);
    assert_eq!(count(&server.counters.grpc.unauthenticated), 1);
    assert_eq!(count(&server.counters.http.unauthenticated), 1);
    server.stop().await;
}

#[tokio::test]
async fn the_answer_is_in_the_requests_encoding_and_quotes_nothing() {
    let server = guarded();
    let post = |kind: &str, body: Vec<u8>| {
        Client::new()
            .post(server.url("/v1/traces"))
            .header("content-type", kind)
            .bearer_auth("another-secret-9")
            .body(body)
            .send()
    };
    let answer = post("application/json", json_request(1, 0).into()).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["www-authenticate"]),
        (401, &"Bearer realm=\"jwtrail\"".parse().unwrap())
    );
    let said: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(said["code"], 16);
    let message = said["message"].as_str().unwrap();
    assert!(message.contains("found another one") && message.contains("OTEL_EXPORTER_OTLP_HEADERS"), "{message}");
    assert!(!message.contains("another-secret"), "{message}");
    let answer = post("application/x-protobuf", request(1, 0)).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(RpcStatus::decode(answer.bytes().await.unwrap()).unwrap().code, 16);
    server.stop().await;
}

/// A body without a secret is thrown away while it comes: 16 MiB of it leave no trace in what requests hold.
#[tokio::test]
async fn a_strangers_body_is_answered_and_never_kept() {
    let server = guarded();
    let large = vec![b' '; 16 << 20];
    let answer =
        Client::new().post(server.url("/v1/traces")).header("content-type", "application/json").body(large).send();
    assert_eq!(answer.await.unwrap().status(), 401);
    let mut socket = TcpStream::connect(server.addresses.http.unwrap()).await.unwrap();
    let head =
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "nobody asks for a body that is not wanted: {answer}");
    assert_eq!(count(&server.counters.http.bytes), 0);
    server.stop().await;
}

async fn page(server: &Server, method: Method, origin: &str, preflight: &[(&'static str, &str)]) -> Response {
    let mut request = Client::new().request(method.clone(), server.url("/v1/traces")).header("origin", origin);
    for (name, value) in preflight {
        request = request.header(*name, *value);
    }
    if method == Method::POST {
        request = request.header("content-type", "application/json").body(json_request(1, 0));
    }
    request.send().await.unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn pages_of_this_machine_and_named_ones_may_send_and_no_others() {
    let access = Access { origins: vec!["https://shop.example".parse().unwrap()], ..Access::default() };
    let server = Server::with(access, Limits::default());
    for origin in ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:8080", "https://shop.example"] {
        let answer = page(&server, Method::POST, origin, &[]).await;
        assert_eq!(answer.status(), 200, "{origin}");
        let headers = answer.headers();
        assert_eq!(header(headers, "access-control-allow-origin"), origin);
        assert_eq!(header(headers, "access-control-allow-credentials"), "true");
        assert_eq!(header(headers, "vary"), "origin");
    }
    for origin in ["https://evil.example", "http://shop.example", "http://localhost.evil.example", "null"] {
        let answer = page(&server, Method::POST, origin, &[]).await;
        assert_eq!(answer.status(), 403, "{origin}");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        assert!(answer.text().await.unwrap().contains("--cors-origin"));
    }
    assert_eq!((server.shelf.spans(), count(&server.counters.http.forbidden_origins)), (4, 4));
    server.stop().await;
}

#[tokio::test]
async fn a_preflight_needs_no_secret_and_its_request_does() {
    let server = guarded();
    let asks = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type,x-api-key,x-tenant"),
        ("access-control-request-private-network", "true"),
    ];
    let answer = page(&server, Method::OPTIONS, "http://localhost:5173", &asks).await;
    assert_eq!(answer.status(), 204);
    let headers = answer.headers();
    assert_eq!(header(headers, "access-control-allow-methods"), "POST");
    assert_eq!(header(headers, "access-control-allow-headers"), "content-type,x-api-key,x-tenant");
    assert_eq!(header(headers, "access-control-allow-private-network"), "true");
    assert_eq!(header(headers, "access-control-max-age"), "7200");
    let answer = page(&server, Method::OPTIONS, "http://localhost:5173", &asks[..1]).await;
    assert!(header(answer.headers(), "access-control-allow-headers").contains("traceparent"));
    assert_eq!(page(&server, Method::OPTIONS, "https://evil.example", &asks).await.status(), 403);
    let refused = page(&server, Method::POST, "http://localhost:5173", &[]).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(header(refused.headers(), "access-control-allow-origin"), "http://localhost:5173", "so that it is read");
    assert_eq!(page(&server, Method::POST, "http://localhost:5173", &[("x-api-key", KEY)]).await.status(), 200);
    assert_eq!(server.shelf.spans(), 1);
    server.stop().await;
}
