//! OTLP/gRPC by tonic's client, its messages left as bytes.

use std::net::{SocketAddr, TcpListener};

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use jwtrail::model::Refused;
use jwtrail::otlp::Receivers;
use jwtrail::otlp::status::{RetryInfo, Status as RpcStatus};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::server::{Server, count, request};

const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

async fn client(address: SocketAddr) -> Grpc<Channel> {
    Grpc::new(Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap())
}

async fn export(client: &mut Grpc<Channel>, path: &'static str, body: Vec<u8>) -> Result<Bytes, Status> {
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(path);
    client.unary(Request::new(Bytes::from(body)), path, Raw).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn spans_arrive_plain_and_packed() {
    let server = Server::start();
    let client = client(server.addresses.grpc.unwrap()).await;
    for packing in [None, Some(CompressionEncoding::Gzip), Some(CompressionEncoding::Zstd)] {
        let mut client = packing.map_or(client.clone(), |packing| client.clone().send_compressed(packing));
        assert_eq!(export(&mut client, TRACES, request(4, 0)).await.unwrap(), "", "{packing:?}");
    }
    assert_eq!(server.shelf.spans(), 12);
    assert_eq!(count(&server.counters.grpc.spans), 12);
    server.stop().await;
}

#[tokio::test]
async fn logs_are_taken_and_metrics_dropped_without_an_error() {
    let server = Server::start();
    let mut client = client(server.addresses.grpc.unwrap()).await;
    export(&mut client, LOGS, Vec::new()).await.unwrap();
    export(&mut client, METRICS, b"not even protobuf".to_vec()).await.unwrap();
    assert_eq!(count(&server.counters.grpc.requests), 2);
    server.stop().await;
}

#[tokio::test]
async fn rejected_spans_are_a_partial_success() {
    let server = Server::start();
    let mut client = client(server.addresses.grpc.unwrap()).await;
    let answer = export(&mut client, TRACES, request(5, 2)).await.unwrap();
    let partial = ExportTraceServiceResponse::decode(answer).unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 2);
    assert!(partial.error_message.starts_with("2 not taken: expected a trace id of 16 bytes"));
    assert_eq!(server.shelf.spans(), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_full_intake_asks_the_exporter_to_come_again() {
    let server = Server::refusing(Refused::Full { retry_after_ms: 1_250 });
    let mut client = client(server.addresses.grpc.unwrap()).await;
    let status = export(&mut client, TRACES, request(1, 0)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = RpcStatus::decode(status.details()).unwrap().details;
    assert_eq!(details[0].type_url, "type.googleapis.com/google.rpc.RetryInfo");
    let delay = RetryInfo::decode(&*details[0].value).unwrap().retry_delay.unwrap();
    assert_eq!((delay.seconds, delay.nanos), (1, 250_000_000));
    let status = export(&mut client, TRACES, b"\x0a\xff".to_vec()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "nothing is decoded that is going to be refused");
    *server.shelf.refuse.lock().unwrap() = Some(Refused::Closed);
    let status = export(&mut client, TRACES, request(1, 0)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let details = RpcStatus::decode(status.details()).unwrap().details;
    assert_eq!(RetryInfo::decode(&*details[0].value).unwrap().retry_delay.unwrap().seconds, 1);
    server.stop().await;
}

#[tokio::test]
async fn too_large_is_final_and_the_connection_survives_it() {
    let server = Server::start();
    let mut plain = client(server.addresses.grpc.unwrap()).await;
    let mut packed = plain.clone().send_compressed(CompressionEncoding::Zstd);
    for (client, size) in [(&mut plain, (16 << 20) + 1), (&mut packed, 200 << 20)] {
        let status = export(client, TRACES, vec![0; size]).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        assert!(status.details().is_empty(), "no RetryInfo: it would come again just as large");
        assert!(status.message().contains("16777216 bytes"), "{status}");
    }
    assert_eq!(count(&server.counters.grpc.too_large), 2);
    export(&mut plain, TRACES, request(1, 0)).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn garbage_and_unknown_methods_get_their_own_codes() {
    let server = Server::start();
    let mut client = client(server.addresses.grpc.unwrap()).await;
    let status = export(&mut client, TRACES, b"\x0a\xff".to_vec()).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::InvalidArgument, "malformed protobuf at byte 1: a varint is cut off")
    );
    let status = export(&mut client, "/grpc.health.v1.Health/Check", Vec::new()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    server.stop().await;
}

#[test]
fn a_busy_port_is_an_error_that_names_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let free = "127.0.0.1:0".parse().unwrap();
    let error = Receivers::bind(Some(free), Some(address)).unwrap_err().to_string();
    for part in [&*address.to_string(), "another collector", "--http ADDR:PORT"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(Receivers::bind(Some(address), Some(free)).unwrap_err().to_string().contains("--grpc ADDR:PORT"));
}

#[tokio::test]
async fn stopping_does_not_wait_for_idle_exporters() {
    let server = Server::start();
    let mut client = client(server.addresses.grpc.unwrap()).await;
    export(&mut client, TRACES, request(1, 0)).await.unwrap();
    let address = server.addresses.grpc.unwrap();
    server.stop().await;
    assert!(TcpListener::bind(address).is_ok(), "the port is free again");
}
