//! Forwarding, from a request that comes in to what the next collector holds.

mod next;

mod delivery;
mod passing;
mod program;
mod secure;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jwtrail::model::{Batch, Refused, Sink};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::forward::{Endpoint, ForwardOptions, Forwarded, Forwarder};
use jwtrail::otlp::{Addresses, Counters, Receivers, VisitorDecoder};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::token::shared;

/// Counts the spans that it takes, or refuses all of them.
#[derive(Default)]
struct Taker {
    spans: Mutex<usize>,
    refuse: Mutex<bool>,
}

impl Sink for Taker {
    fn accept(&self, batch: Batch) -> Result<(), Refused> {
        if *self.refuse.lock().unwrap() {
            return Err(Refused::Full { retry_after_ms: 1 });
        }
        assert!(batch.passed.is_none(), "what goes on belongs to the forwarder");
        *self.spans.lock().unwrap() += batch.spans.len();
        Ok(())
    }
}

/// Receivers that forward.
struct Chain {
    addresses: Addresses,
    taker: Arc<Taker>,
    forwarder: Forwarder,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), jwtrail::otlp::ServeError>>,
}

/// Options for tests: nothing is waited for long.
fn options(url: &str) -> ForwardOptions {
    let endpoint = Endpoint::parse(url, None).unwrap();
    ForwardOptions { first_pause: Duration::from_millis(5), ..ForwardOptions::new(endpoint) }
}

impl Chain {
    fn start(options: &ForwardOptions) -> Self {
        let any = Some("127.0.0.1:0".parse().unwrap());
        let bound = Receivers::bind(any, any).unwrap();
        let addresses = bound.addresses();
        let forwarder = Forwarder::start(options, addresses).unwrap();
        let (shared, taker) = (shared(), Arc::new(Taker::default()));
        let extracting = Arc::clone(&shared);
        let decoder = Arc::new(VisitorDecoder::new(move || Extractor::new(Arc::clone(&extracting))));
        let decoder = forwarder.decoder(decoder, shared);
        let sink = forwarder.sink(Arc::clone(&taker) as Arc<dyn Sink>);
        let (stop, stopped) = oneshot::channel();
        let serve = bound.serve(decoder, sink, Arc::new(Counters::default()), async move {
            let _ = stopped.await;
        });
        Self { addresses, taker, forwarder, stop, task: tokio::spawn(serve) }
    }

    /// Posts over HTTP; the status of the answer.
    async fn post(&self, path: &str, kind: &str, coding: Option<&str>, body: Vec<u8>) -> u16 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{path}", self.addresses.http.unwrap());
        let mut request = client.post(url).header("content-type", kind).body(body);
        if let Some(coding) = coding {
            request = request.header("content-encoding", coding);
        }
        request.send().await.unwrap().status().as_u16()
    }

    async fn traces(&self, body: Vec<u8>) -> u16 {
        self.post("/v1/traces", "application/x-protobuf", None, body).await
    }

    fn count(&self, name: &str) -> u64 {
        count(&self.forwarder.progress(), name)
    }

    /// Ends all of it, as the program does.
    async fn finish(self) -> Forwarded {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
        self.forwarder.finish().await
    }
}

fn count(forwarded: &Forwarded, name: &str) -> u64 {
    let each = forwarded.each();
    each.iter().find(|(known, ..)| *known == name).unwrap_or_else(|| panic!("no counter {name}")).2
}
