//! Bounds of the receivers, each by what exceeds it, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use jwtrail::otlp::Limits;
use jwtrail::otlp::access::Access;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::trace::SpanExporter as _;
use reqwest::{Client, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::metadata::MetadataMap;

use super::exporter::span;
use super::server::{Server, count, gzip, request, until};

const HEAD: &str = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n";

fn within(limits: Limits) -> Server {
    Server::with(Access::default(), limits)
}

async fn post(server: &Server, body: Vec<u8>) -> Response {
    let client = Client::new().post(server.url("/v1/traces")).header("content-type", "application/x-protobuf");
    client.body(body).send().await.unwrap()
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// A request of which only the first byte comes.
async fn slow(address: SocketAddr, length: usize) -> TcpStream {
    let mut socket = connect(address).await;
    socket.write_all(format!("{HEAD}content-length: {length}\r\n\r\n\n").as_bytes()).await.unwrap();
    socket
}

async fn answer(mut socket: TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection may also be cut, which is an answer of its own.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_make_room_for_those_who_send() {
    let server = within(Limits { connections: 8, ..Limits::default() });
    let mut idle = Vec::new();
    for port in [server.addresses.grpc.unwrap(), server.addresses.http.unwrap()] {
        for _ in 0..50 {
            idle.push(connect(port).await);
        }
    }
    // One that was used before is told to go, and its exporter comes again.
    let grpc = SpanExporter::builder().with_tonic().with_endpoint(format!("http://{}", server.addresses.grpc.unwrap()));
    let grpc = grpc.build().unwrap();
    for id in 1..=3 {
        grpc.export(vec![span(id)]).await.unwrap();
        assert_eq!(post(&server, request(1, 0)).await.status(), 200);
        for _ in 0..20 {
            idle.push(connect(server.addresses.http.unwrap()).await);
        }
    }
    assert_eq!(server.shelf.spans(), 6);
    let connections = &server.counters.connections;
    assert!(count(&connections.idle_closed) > 50, "{connections:?}");
    assert!(count(&connections.open) <= 8, "{connections:?}");
    assert_eq!(count(&connections.slow_closed), 0, "{connections:?}");
    drop((idle, grpc));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_senders_make_room_where_nobody_is_idle() {
    let server = within(Limits { connections: 4, ..Limits::default() });
    let mut stuck = Vec::new();
    for _ in 0..12 {
        stuck.push(slow(server.addresses.http.unwrap(), 100).await);
    }
    assert_eq!(post(&server, request(1, 0)).await.status(), 200);
    let connections = &server.counters.connections;
    let closed = count(&connections.slow_closed) + count(&connections.idle_closed);
    assert!(closed >= 9 && count(&connections.slow_closed) > 0 && count(&connections.waited) > 0, "{connections:?}");
    drop(stuck);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_408() {
    let server = within(Limits { body_time: Duration::from_millis(200), ..Limits::default() });
    let said = answer(slow(server.addresses.http.unwrap(), 100).await).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("within 0.2 seconds"), "{said}");
    assert_eq!((count(&server.counters.http.slow), count(&server.counters.http.malformed)), (1, 0));
    server.stop().await;
}

/// Silence, a head that never ends, and HTTP/2's preface byte by byte.
#[tokio::test]
async fn who_does_not_say_what_it_speaks_is_let_go() {
    let server = within(Limits { head_time: Duration::from_millis(300), ..Limits::default() });
    let address = server.addresses.http.unwrap();
    let trickle = async |bytes: &'static [u8]| {
        let mut socket = connect(address).await;
        for byte in bytes {
            socket.write_all(&[*byte]).await.unwrap();
        }
        answer(socket).await
    };
    let (silent, head, preface) =
        tokio::join!(trickle(b""), trickle(b"POST /v1/traces HTTP/1.1\r\nx: "), trickle(b"PRI * HT"));
    assert_eq!((&*silent, &*head, &*preface), ("", "", ""));
    let connections = &server.counters.connections;
    until(|| count(&connections.silent) == 3 && count(&connections.open) == 0).await;
    server.stop().await;
}

#[tokio::test]
async fn heads_are_bounded_over_both_protocols() {
    let server = within(Limits { head: 2_000, ..Limits::default() });
    for bytes in [1_900, 100_000] {
        let mut socket = connect(server.addresses.http.unwrap()).await;
        let head = format!("{HEAD}connection: close\r\ncontent-length: 0\r\nx-large: {}\r\n\r\n", "x".repeat(bytes));
        socket.write_all(head.as_bytes()).await.unwrap();
        let said = answer(socket).await;
        assert!(said.starts_with("HTTP/1.1 431"), "{bytes}: {said}");
    }
    assert_eq!(count(&server.counters.http.large_heads), 2);
    let exporter = |bytes: usize| {
        let mut metadata = MetadataMap::new();
        metadata.insert("x-large", "x".repeat(bytes).parse().unwrap());
        let builder = SpanExporter::builder().with_tonic().with_metadata(metadata);
        builder.with_endpoint(format!("http://{}", server.addresses.grpc.unwrap())).build().unwrap()
    };
    exporter(500).export(vec![span(1)]).await.unwrap();
    let error = exporter(1_900).export(vec![span(1)]).await.unwrap_err().to_string();
    assert_eq!(count(&server.counters.grpc.large_heads), 1, "{error}");
    assert!(exporter(100_000).export(vec![span(1)]).await.is_err());
    assert_eq!(server.shelf.spans(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_request_may_be_as_large_as_it_is_said() {
    let server = within(Limits { request: 2_000, ..Limits::default() });
    assert_eq!(post(&server, request(20, 0)).await.status(), 200);
    let large = vec![b' '; 2_001];
    let answer = post(&server, large.clone()).await;
    assert_eq!(answer.status(), 413);
    let said = answer.bytes().await.unwrap();
    assert!(String::from_utf8_lossy(&said).contains("larger than 2000 bytes"), "{said:?}");
    let packed = Client::new().post(server.url("/v1/traces")).header("content-type", "application/x-protobuf");
    let packed = packed.header("content-encoding", "gzip").body(gzip(&large)).send().await.unwrap();
    assert_eq!(packed.status(), 413);
    assert_eq!(count(&server.counters.http.too_large), 2);
    server.stop().await;
}

/// Half of what may be in flight stands in a request that does not end; the other half is too little for one more.
#[tokio::test]
async fn requests_in_flight_are_bounded_together_and_told_to_come_again() {
    let server = within(Limits { request: 300_000, in_flight: 600_000, ..Limits::default() });
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut socket = connect(server.addresses.http.unwrap()).await;
        socket.write_all(format!("{HEAD}content-length: 290000\r\n\r\n").as_bytes()).await.unwrap();
        socket.write_all(&[b'\n'; 1_000]).await.unwrap();
        held.push(socket);
    }
    // What they hold is seen by what is refused.
    let refused = loop {
        let answer = post(&server, vec![b'\n'; 40_000]).await;
        if answer.status() == 503 {
            break answer;
        }
        assert_eq!(answer.status(), 400);
    };
    assert_eq!(&refused.headers()["retry-after"], "2");
    assert!(count(&server.counters.http.refused) > 0);
    drop(held);
    while post(&server, vec![b'\n'; 40_000]).await.status() == 503 {}
    server.stop().await;
}

/// What an HTTP/2 server says of itself first: its bounds, by number (RFC 9113 section 6.5.2).
#[tokio::test]
async fn streams_and_heads_of_http2_are_said_in_its_settings() {
    let server = within(Limits { streams: 7, head: 5_000, ..Limits::default() });
    let mut socket = connect(server.addresses.grpc.unwrap()).await;
    socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    socket.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], 4, "a SETTINGS frame");
    let mut settings = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    socket.read_exact(&mut settings).await.unwrap();
    let value = |number: u8| {
        let row = settings.chunks(6).find(|row| row[1] == number)?;
        Some(u32::from_be_bytes(row[2..].try_into().unwrap()))
    };
    assert_eq!((value(3), value(6)), (Some(7), Some(10_000)));
    server.stop().await;
}

/// A bomb among the metrics, which nobody reads, is not unpacked either.
#[tokio::test]
async fn metrics_are_not_unpacked() {
    let server = within(Limits::default());
    let bomb = gzip(&vec![0; 32 << 20]);
    let length = bomb.len() as u64;
    let client = Client::new().post(server.url("/v1/metrics")).header("content-type", "application/x-protobuf");
    let answer = client.header("content-encoding", "gzip").body(bomb).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), count(&server.counters.http.bytes)), (200, length));
    server.stop().await;
}

/// A zstd frame that asks for a window of 128 MiB: it is not unpacked, whatever is in it.
#[tokio::test]
async fn a_zstd_window_beyond_the_bound_is_refused() {
    let server = within(Limits::default());
    let body = request(3, 0);
    let packed = |window| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(window).unwrap();
        encoder.long_distance_matching(true).unwrap();
        std::io::Write::write_all(&mut encoder, &body).unwrap();
        encoder.finish().unwrap()
    };
    for (window, status) in [(23, 200), (27, 400)] {
        let client = Client::new().post(server.url("/v1/traces")).header("content-type", "application/x-protobuf");
        let answer = client.header("content-encoding", "zstd").body(packed(window)).send().await.unwrap();
        assert_eq!(answer.status(), status, "2^{window}");
    }
    assert_eq!((server.shelf.spans(), count(&server.counters.http.malformed)), (3, 1));
    server.stop().await;
}

/// A field of protobuf that has a length.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(content);
    bytes
}

/// What takes two bytes on the wire takes a hundred to hold.
#[tokio::test]
async fn a_span_of_more_parts_than_any_tells_is_refused() {
    let server = within(Limits::default());
    let body = |part: u8, parts: usize| {
        let identity = [field(1, &[1; 16]), field(2, &[2; 8])].concat();
        let span = [identity, [part << 3 | 2, 0].repeat(parts)].concat();
        field(1, &field(2, &field(2, &span)))
    };
    for part in [9, 11, 13] {
        assert_eq!(post(&server, body(part, 1_000)).await.status(), 200, "field {part}");
        let answer = post(&server, body(part, 70_000)).await;
        assert_eq!(answer.status(), 400, "field {part}");
        assert_eq!(count(&server.counters.http.spans) + count(&server.counters.http.rejected), u64::from(part - 7) / 2);
    }
    server.stop().await;
}
