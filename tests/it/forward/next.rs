//! The next collector: OpenTelemetry's own gRPC services and OTLP/HTTP on one port, with answers as a test wants them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next as Rest};
use axum::response::Response;
use axum::routing::post;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tokio::sync::Notify;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;

/// What one request is answered; without a word it is taken.
pub enum Reply {
    /// Taken, but for so many spans.
    Partial(i64),
    /// A gRPC status.
    Grpc(tonic::Status),
    /// An HTTP status, and `Retry-After`.
    Http(u16, Option<&'static str>),
}

/// What came, unpacked and in protobuf.
#[derive(Clone)]
pub struct Seen {
    pub signal: &'static str,
    pub body: Vec<u8>,
    pub headers: HeaderMap,
}

#[derive(Default)]
pub struct Shelf {
    seen: Mutex<Vec<Seen>>,
    replies: Mutex<VecDeque<Reply>>,
    headers: Mutex<Vec<HeaderMap>>,
    came: Notify,
}

#[derive(Clone)]
pub struct Next {
    pub address: SocketAddr,
    shelf: Arc<Shelf>,
}

impl Next {
    pub async fn start() -> Self {
        Self::on(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn on(listener: tokio::net::TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        Self::over(listener, address)
    }

    pub fn over<L: axum::serve::Listener<Addr = SocketAddr>>(listener: L, address: SocketAddr) -> Self {
        let shelf = Arc::new(Shelf::default());
        tokio::spawn(axum::serve(listener, router(&shelf)).into_future());
        Self { address, shelf }
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// The next requests are answered so, one after the other.
    pub fn answer(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shelf.replies.lock().unwrap().extend(replies);
    }

    /// Attempts that came, of whatever outcome.
    pub fn attempts(&self) -> Vec<HeaderMap> {
        self.shelf.headers.lock().unwrap().clone()
    }

    /// What was taken, once there is so much of it.
    pub async fn taken(&self, requests: usize) -> Vec<Seen> {
        let wait = async {
            loop {
                let came = self.shelf.came.notified();
                let seen = self.shelf.seen.lock().unwrap().clone();
                if seen.len() >= requests {
                    return seen;
                }
                came.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
        waited.unwrap_or_else(|_| panic!("{requests} requests were expected"))
    }

    /// The one request that was taken, decoded.
    pub async fn one(&self) -> ExportTraceServiceRequest {
        let seen = self.taken(1).await;
        assert_eq!((seen.len(), seen[0].signal), (1, "traces"));
        ExportTraceServiceRequest::decode(&*seen[0].body).unwrap()
    }
}

impl Shelf {
    fn reply(&self) -> Option<Reply> {
        self.replies.lock().unwrap().pop_front()
    }

    fn take(&self, signal: &'static str, body: Vec<u8>) {
        let headers = self.headers.lock().unwrap().last().cloned().unwrap_or_default();
        self.seen.lock().unwrap().push(Seen { signal, body, headers });
        self.came.notify_waiters();
    }

    /// Answers over gRPC: how many were left out.
    fn grpc(&self, signal: &'static str, message: &impl Message) -> Result<Option<i64>, tonic::Status> {
        let reply = self.reply();
        if let Some(Reply::Grpc(status)) = reply {
            return Err(status);
        }
        self.take(signal, message.encode_to_vec());
        Ok(if let Some(Reply::Partial(count)) = reply { Some(count) } else { None })
    }
}

#[derive(Clone)]
struct Services(Arc<Shelf>);

#[tonic::async_trait]
impl TraceService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let left_out = self.0.grpc("traces", request.get_ref())?;
        Ok(tonic::Response::new(partial(left_out)))
    }
}

#[tonic::async_trait]
impl LogsService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, tonic::Status> {
        self.0.grpc("logs", request.get_ref())?;
        Ok(tonic::Response::new(ExportLogsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Services {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        self.0.grpc("metrics", request.get_ref())?;
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn partial(left_out: Option<i64>) -> ExportTraceServiceResponse {
    let partial_success = left_out
        .map(|rejected_spans| ExportTracePartialSuccess { rejected_spans, error_message: "too old".to_owned() });
    ExportTraceServiceResponse { partial_success }
}

fn router(shelf: &Arc<Shelf>) -> Router {
    let services = Services(Arc::clone(shelf));
    let gzip = CompressionEncoding::Gzip;
    let grpc = Routes::new(TraceServiceServer::new(services.clone()).accept_compressed(gzip))
        .add_service(LogsServiceServer::new(services.clone()).accept_compressed(gzip))
        .add_service(MetricsServiceServer::new(services).accept_compressed(gzip));
    let http = Router::new().route("/{*path}", post(over_http)).with_state(Arc::clone(shelf));
    let note = middleware::from_fn_with_state(Arc::clone(shelf), note);
    // Routes of gRPC have their own fallback, which HTTP's paths must not fall into.
    http.merge(grpc.prepare().into_axum_router().reset_fallback()).layer(note)
}

async fn note(State(shelf): State<Arc<Shelf>>, request: Request, rest: Rest) -> Response {
    shelf.headers.lock().unwrap().push(request.headers().clone());
    rest.run(request).await
}

async fn over_http(State(shelf): State<Arc<Shelf>>, Path(path): Path<String>, request: Request) -> Response {
    let headers = request.headers().clone();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let answer = |status: u16| Response::builder().status(status);
    let reply = shelf.reply();
    if let Some(Reply::Http(status, after)) = reply {
        let answer = answer(status);
        let answer = if let Some(after) = after { answer.header("retry-after", after) } else { answer };
        return answer.body(axum::body::Body::empty()).unwrap();
    }
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let body = if headers.get("content-encoding").is_some_and(|coding| coding == "gzip") {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*body), &mut plain).unwrap();
        plain
    } else {
        body.to_vec()
    };
    let signal = ["traces", "logs", "metrics"].into_iter().find(|name| path.ends_with(&format!("v1/{name}"))).unwrap();
    shelf.take(signal, body);
    let message = partial(if let Some(Reply::Partial(count)) = reply { Some(count) } else { None });
    let answer = answer(200).header("content-type", "application/x-protobuf");
    answer.body(axum::body::Body::from(message.encode_to_vec())).unwrap()
}
