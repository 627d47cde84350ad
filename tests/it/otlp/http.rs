//! OTLP/HTTP as exporters speak it: real sockets, a real client.

use jwtrail::model::Refused;
use jwtrail::otlp::status::Status;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use reqwest::{Client, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::{Server, count, gzip, json_request, request, zlib, zstd};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

async fn post(server: &Server, kind: &str, coding: Option<&str>, body: Vec<u8>) -> Response {
    let mut request = Client::new().post(server.url("/v1/traces")).header("content-type", kind).body(body);
    if let Some(coding) = coding {
        request = request.header("content-encoding", coding);
    }
    request.send().await.unwrap()
}

fn kind(response: &Response) -> &str {
    response.headers()["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn spans_arrive_in_every_encoding_and_packing() {
    let server = Server::start();
    let (binary, text) = (request(3, 0), json_request(3, 0).into_bytes());
    for (encoding, body) in [(PROTOBUF, &binary), (JSON, &text)] {
        for (coding, body) in [
            (None, body.clone()),
            (Some("gzip"), gzip(body)),
            (Some("zstd"), zstd(body)),
            (Some("deflate"), zlib(body)),
            (Some("identity"), body.clone()),
        ] {
            let response = post(&server, encoding, coding, body).await;
            assert_eq!(response.status(), 200, "{encoding} {coding:?}");
            assert_eq!(kind(&response), encoding);
            let body = response.bytes().await.unwrap();
            assert_eq!(&body[..], if encoding == JSON { &b"{}"[..] } else { &b""[..] });
        }
    }
    assert_eq!(server.shelf.spans(), 30);
    assert_eq!(count(&server.counters.http.requests), 10);
    assert_eq!(count(&server.counters.http.spans), 30);
    server.stop().await;
}

#[tokio::test]
async fn logs_are_taken_and_metrics_dropped_without_an_error() {
    let server = Server::start();
    for signal in ["logs", "metrics"] {
        let client = Client::new().post(server.url(&format!("/v1/{signal}"))).header("content-type", JSON);
        let response = client.body(r#"{"resourceMetrics":[{}]}"#).send().await.unwrap();
        assert_eq!((response.status().as_u16(), &*response.text().await.unwrap()), (200, "{}"));
    }
    assert!(server.shelf.batches.lock().unwrap().is_empty());
    server.stop().await;
}

/// Node's exporters send `Transfer-Encoding: chunked`, the body in pieces of any size.
#[tokio::test]
async fn a_chunked_body_is_read_whole() {
    let server = Server::start();
    let mut socket = TcpStream::connect(server.addresses.http.unwrap()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json; charset=utf-8\r\n\
                transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    for piece in json_request(2, 0).as_bytes().chunks(7) {
        socket.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
        socket.write_all(piece).await.unwrap();
        socket.write_all(b"\r\n").await.unwrap();
    }
    socket.write_all(b"0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(server.shelf.spans(), 2);
    server.stop().await;
}

#[tokio::test]
async fn rejected_spans_are_a_partial_success_in_the_requests_encoding() {
    let server = Server::start();
    let response = post(&server, PROTOBUF, None, request(5, 2)).await;
    assert_eq!(response.status(), 200);
    let answer = ExportTraceServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
    let partial = answer.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert!(partial.error_message.contains("trace id of 16 bytes"), "{}", partial.error_message);
    let answer: serde_json::Value = post(&server, JSON, None, json_request(5, 2).into()).await.json().await.unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "2");
    assert_eq!(server.shelf.spans(), 6);
    assert_eq!(count(&server.counters.http.rejected), 4);
    server.stop().await;
}

#[tokio::test]
async fn garbage_is_a_400_that_says_where_and_quotes_nothing() {
    let server = Server::start();
    let secret = r#"{"resourceSpans":[eyJhbGciOiJub25lIn0.e30.]}"#;
    let response = post(&server, JSON, None, secret.into()).await;
    assert_eq!((response.status().as_u16(), kind(&response)), (400, JSON));
    let status: serde_json::Value = response.json().await.unwrap();
    assert_eq!(status["code"], 3);
    assert_eq!(status["message"], "malformed JSON at byte 18: expected an object, found something else");
    let response = post(&server, PROTOBUF, None, b"\x0a\xff garbage".to_vec()).await;
    assert_eq!((response.status().as_u16(), kind(&response)), (400, PROTOBUF));
    let status = Status::decode(response.bytes().await.unwrap()).unwrap();
    assert!(status.message.starts_with("malformed protobuf at byte "), "{}", status.message);
    let response = post(&server, PROTOBUF, Some("gzip"), request(1, 0)).await;
    assert_eq!(response.status(), 400, "no gzip stream");
    assert_eq!(count(&server.counters.http.malformed), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_foreign_content_type_or_coding_is_a_415() {
    let server = Server::start();
    for (kind, coding) in [("text/plain", None), ("application/x-www-form-urlencoded", None), (JSON, Some("br"))] {
        let response = post(&server, kind, coding, b"{}".to_vec()).await;
        assert_eq!(response.status(), 415, "{kind} {coding:?}");
        assert!(response.text().await.unwrap().contains("expected content-type"));
    }
    server.stop().await;
}

#[tokio::test]
async fn too_large_is_a_413_on_the_wire_and_unpacked() {
    let server = Server::start();
    let large = vec![b' '; (16 << 20) + 1];
    assert_eq!(post(&server, JSON, None, large.clone()).await.status(), 413);
    // A thousandfold bomb in each packing: what counts is what it unpacks to.
    let bomb = vec![0; 256 << 20];
    for (coding, packed) in [("gzip", gzip(&large)), ("zstd", zstd(&bomb)), ("deflate", zlib(&bomb))] {
        assert!(packed.len() < 2 << 20, "{coding}");
        assert_eq!(post(&server, JSON, Some(coding), packed).await.status(), 413, "{coding}");
    }
    assert_eq!(count(&server.counters.http.too_large), 4);
    assert_eq!(post(&server, JSON, None, json_request(1, 0).into()).await.status(), 200, "and the next one is fine");
    server.stop().await;
}

#[tokio::test]
async fn a_full_intake_is_a_503_that_says_when_to_come_again() {
    let server = Server::refusing(Refused::Full { retry_after_ms: 1_200 });
    let response = post(&server, PROTOBUF, None, request(1, 0)).await;
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"2".parse().unwrap()));
    let status = Status::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!((status.code, status.details.len()), (8, 1));
    *server.shelf.refuse.lock().unwrap() = Some(Refused::Closed);
    let closed = post(&server, PROTOBUF, None, request(1, 0)).await;
    assert_eq!((closed.status().as_u16(), &closed.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(count(&server.counters.http.refused), 2);
    server.stop().await;
}

#[tokio::test]
async fn people_who_look_in_are_told_what_this_is() {
    let server = Server::start();
    let client = Client::new();
    for (path, status) in [("/", 404), ("/v1/trace", 404), ("/v1/traces", 405)] {
        let response = client.get(server.url(path)).send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert!(response.text().await.unwrap().contains("OTEL_EXPORTER_OTLP_ENDPOINT"));
    }
    let grpc = format!("http://{}/v1/traces", server.addresses.grpc.unwrap());
    let wrong_port = client.post(grpc).header("content-type", JSON).body(json_request(1, 0)).send().await.unwrap();
    assert_eq!(wrong_port.status(), 200, "HTTP on the gRPC port gets through");
    server.stop().await;
}
