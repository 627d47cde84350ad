//! Servers to measure against: they take requests and keep nothing.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::routing::post;
use bytes::Bytes;
use jwtrail::model::{Batch, Refused, Sink};
use jwtrail::otlp::data::{LogData, ResourceData, ScopeData, SpanData, Visitor};
use jwtrail::otlp::{BatchBuilder, Counters, Receivers, VisitorDecoder};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;
use tonic::server::Grpc;
use tonic::service::Routes;
use tonic::transport::Server;

use crate::codec::RawCodec;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// This program again, as [`raw`]; it ends with the child's handle.
pub(crate) async fn raw_child() -> anyhow::Result<(Child, SocketAddr)> {
    let program = std::env::current_exe().context("cannot find this program itself")?;
    let mut command = Command::new(program);
    command.args(["--serve-raw", "127.0.0.1:0"]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start the raw server")?;
    let stdout = child.stdout.take().context("the raw server has no output")?;
    let line = BufReader::new(stdout).lines().next_line().await?.context("the raw server ended early")?;
    let address = line.rsplit(' ').next().unwrap_or_default().parse().context("the raw server told no address")?;
    Ok((child, address))
}

/// tonic and axum alone: bytes in, an empty answer out.
pub(crate) async fn raw(address: SocketAddr, until: Duration) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("raw bytes on {}", listener.local_addr()?);
    let export = |request: Request| async {
        let mut grpc = Grpc::new(RawCodec)
            .max_decoding_message_size(16 << 20)
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Zstd);
        Ok::<_, Infallible>(grpc.unary(Drop, request).await)
    };
    // An empty answer is one of OTLP's in protobuf.
    let http = post(|_: Bytes| async { [(http::header::CONTENT_TYPE, "application/x-protobuf")] });
    let router = Router::new().route(EXPORT, post(export)).route("/v1/traces", http);
    Server::builder()
        .accept_http1(true)
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20)
        .add_routes(Routes::from(router.layer(DefaultBodyLimit::max(16 << 20))))
        .serve_with_incoming_shutdown(
            tokio_stream::wrappers::TcpListenerStream::new(listener),
            tokio::time::sleep(until),
        )
        .await?;
    Ok(())
}

#[derive(Clone, Copy)]
struct Drop;

impl Service<tonic::Request<Bytes>> for Drop {
    type Response = tonic::Response<Bytes>;
    type Error = tonic::Status;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: tonic::Request<Bytes>) -> Self::Future {
        ready(Ok(tonic::Response::new(Bytes::new())))
    }
}

/// jwtrail's receivers and walker, with a visitor that looks at every span and keeps none.
pub(crate) async fn walk(address: SocketAddr, until: Duration) -> anyhow::Result<()> {
    let bound = Receivers::bind(Some(address), None)?;
    println!("walker on {}", bound.addresses().grpc.unwrap_or(address));
    let counters = Arc::new(Counters::default());
    let decoder = Arc::new(VisitorDecoder::new(Seen::default));
    bound.serve(decoder, Arc::new(Nowhere), counters, tokio::time::sleep(until)).await?;
    Ok(())
}

#[derive(Default)]
struct Seen {
    rejected: u64,
}

impl<'a> Visitor<'a> for Seen {
    fn resource(&mut self, _: &ResourceData<'a>) {}

    fn scope(&mut self, _: &ScopeData<'a>) {}

    fn span(&mut self, span: &SpanData<'a>) {
        self.rejected += u64::from(span.trace_id.len() != 16 || std::hint::black_box(span).span_id.len() != 8);
    }

    fn log(&mut self, _: &LogData<'a>) {}
}

impl BatchBuilder for Seen {
    fn finish(&mut self, bytes: usize) -> Batch {
        Batch { rejected: std::mem::take(&mut self.rejected), bytes, ..Batch::default() }
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn accept(&self, _: Batch) -> Result<(), Refused> {
        Ok(())
    }
}
