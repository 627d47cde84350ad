//! Receivers on ports of their own, for one test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jwtrail::model::{Refused, Sink};
use jwtrail::otlp::access::Access;
use jwtrail::otlp::{Addresses, Counters, Limits, Receivers};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::support::{Shelf, decoder};

pub struct Server {
    pub addresses: Addresses,
    pub shelf: Arc<Shelf>,
    pub counters: Arc<Counters>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), jwtrail::otlp::ServeError>>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(Access::default(), Limits::default())
    }

    pub fn with(access: Access, limits: Limits) -> Self {
        let any = Some("127.0.0.1:0".parse().unwrap());
        let bound = Receivers::bind(any, any).unwrap().with(access, limits);
        let addresses = bound.addresses();
        let (shelf, counters) = (Arc::new(Shelf::default()), Arc::new(Counters::default()));
        let (stop, stopped) = oneshot::channel();
        let sink: Arc<dyn Sink> = shelf.clone();
        let serve = bound.serve(Arc::new(decoder()), sink, Arc::clone(&counters), async move {
            let _ = stopped.await;
        });
        Self { addresses, shelf, counters, stop, task: tokio::spawn(serve) }
    }

    pub fn refusing(refused: Refused) -> Self {
        let server = Self::start();
        *server.shelf.refuse.lock().unwrap() = Some(refused);
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addresses.http.unwrap())
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

pub fn count(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Waits until something is so, which it is soon or never.
pub async fn until(so: impl Fn() -> bool) {
    let looking = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.expect("what was waited for");
}

/// A request of so many spans, the first `bad` with a trace id that is too short.
pub fn request(spans: u8, bad: u8) -> Vec<u8> {
    let span = |index| Span {
        trace_id: if index < bad { vec![1; 3] } else { vec![1; 16] },
        span_id: vec![index + 1; 8],
        name: "GET /".to_owned(),
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: (0..spans).map(span).collect(), ..ScopeSpans::default() }];
    TracesData { resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }] }.encode_to_vec()
}

/// The same in JSON.
pub fn json_request(spans: u8, bad: u8) -> String {
    let span = |index: u8| {
        let id = if index < bad { String::new() } else { "01".repeat(16) };
        format!(r#"{{"traceId":"{id}","spanId":"{:016x}","name":"GET /"}}"#, index + 1)
    };
    let spans: Vec<String> = (0..spans).map(span).collect();
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}
