//! Health and metrics of this process over HTTP, on a port of their own: what watches a receiver must not wait behind
//! what it receives.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections open at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 32;

/// How long a request's head may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may last, whatever happens on it.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// How long to wait where the system has no more of something, so as not to spin.
const BREATH: Duration = Duration::from_millis(100);

const HELP: &str = "jwtrail answers GET here: /healthz, /readyz, /metrics. OTLP is taken on other ports.\n";

/// Why there is no such port.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Someone else listens there.
    #[error(
        "cannot answer for health and metrics on {0}: the port is taken; choose another address with --admin ADDR:PORT"
    )]
    Busy(SocketAddr),
    /// Anything else.
    #[error("cannot answer for health and metrics on {0}: {1}; choose another address with --admin ADDR:PORT")]
    Other(SocketAddr, #[source] io::Error),
}

/// How metrics are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricsFormat {
    /// Prometheus's text format 0.0.4.
    Prometheus,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

/// Who knows how the program is.
pub trait Status: Send + Sync {
    /// Whether spans are taken and judged; else a sentence that says why not.
    fn ready(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>>;

    /// All metrics.
    fn metrics(&self, format: MetricsFormat) -> String;
}

/// A port that is taken, but not answered on yet.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

impl Admin {
    /// Takes the address.
    pub fn bind(address: SocketAddr) -> Result<Self, AdminError> {
        let bind = || {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok(Self { listener, address })
        };
        bind().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => AdminError::Busy(address),
            _ => AdminError::Other(address, error),
        })
    }

    /// Where it listens: with port 0 the one that the system chose.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped, and open connections with it.
    pub async fn serve(self, status: Arc<dyn Status>) -> io::Result<Infallible> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut open = JoinSet::new();
        loop {
            let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { continue };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "cannot accept a connection for health and metrics");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let status = Arc::clone(&status);
            open.spawn(async move {
                // Who is too slow is cut off, and comes again.
                let _ = tokio::time::timeout(CONNECTION_TIMEOUT, answer(stream, status)).await;
                drop(permit);
            });
            while open.try_join_next().is_some() {}
        }
    }
}

/// One request and its answer.
async fn answer(stream: TcpStream, status: Arc<dyn Status>) {
    let service = service_fn(move |request| {
        let status = Arc::clone(&status);
        async move { Ok::<_, Infallible>(respond(&request, status.as_ref()).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection for health and metrics broke");
    }
}

async fn respond(request: &Request<Incoming>, status: &dyn Status) -> Response<Full<Bytes>> {
    const PLAIN: &str = "text/plain; charset=utf-8";
    let path = request.uri().path();
    if !["/healthz", "/readyz", "/metrics"].contains(&path) {
        return response(StatusCode::NOT_FOUND, PLAIN, HELP.to_owned());
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = response(StatusCode::METHOD_NOT_ALLOWED, PLAIN, HELP.to_owned());
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/metrics" => {
            let format = wanted(request.headers());
            response(StatusCode::OK, format.content_type(), status.metrics(format))
        }
        "/readyz" => match status.ready().await {
            Ok(()) => response(StatusCode::OK, PLAIN, "ready\n".to_owned()),
            Err(why) => response(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("not ready: {why}\n")),
        },
        _ => response(StatusCode::OK, PLAIN, "alive\n".to_owned()),
    }
}

/// `OpenMetrics` where the scraper can read it.
fn wanted(headers: &HeaderMap) -> MetricsFormat {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    if accepted.any(|accept| accept.contains("application/openmetrics-text")) {
        MetricsFormat::OpenMetrics
    } else {
        MetricsFormat::Prometheus
    }
}

impl MetricsFormat {
    fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
