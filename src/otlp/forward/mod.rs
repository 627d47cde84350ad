//! Passes what is received on to the next collector, without credentials.
//!
//! Forwarding never holds up receiving: requests are written anew while they are decoded, and go through a queue that is
//! bounded in bytes. No raw token enters the queue. What finds no room, or is refused by the next collector for good, is
//! counted and told; receiving goes on.

mod deliver;
mod endpoint;
mod headers;
mod peer;
mod queue;
mod rewrite;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::decode::{Decode, DecodeError, Encoding, Signal};
use super::receivers::Addresses;
use crate::model::{Batch, ForwardCarriers, ForwardCompression, Passed, Refused, Sink};
use crate::token::Shared;
use deliver::Courier;
pub use endpoint::{Endpoint, EndpointError};
pub use headers::{HeaderError, parse_headers};
use peer::Peer;
use queue::{Queue, State};

/// Where to forward, and what that may take.
#[derive(Clone, PartialEq, Eq)]
pub struct ForwardOptions {
    /// The next collector.
    pub endpoint: Endpoint,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// PEM of the certificates that are trusted in place of the system's.
    pub ca: Option<Vec<u8>>,
    /// PEM of our own certificate and its key.
    pub identity: Option<Vec<u8>>,
    /// What becomes of carriers' attributes.
    pub carriers: ForwardCarriers,
    /// How requests are packed.
    pub compression: ForwardCompression,
    /// Bytes of requests that may wait.
    pub queue_bytes: usize,
    /// How long one request may take, from the connection to the answer.
    pub timeout: Duration,
    /// How long what waits may take at the end of a run.
    pub drain: Duration,
    /// The pause after a first failure; it doubles from one to the next.
    pub first_pause: Duration,
}

impl fmt::Debug for ForwardOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and private keys are nothing to print.
        f.debug_struct("ForwardOptions").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl ForwardOptions {
    /// Defaults of everything but the place.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            headers: HeaderMap::new(),
            ca: None,
            identity: None,
            carriers: ForwardCarriers::default(),
            compression: ForwardCompression::default(),
            queue_bytes: 32 << 20,
            timeout: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            first_pause: Duration::from_millis(500),
        }
    }
}

/// Why there can be no forwarding.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// The endpoint is none.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// No certificates to trust.
    #[error("expected certificates in PEM in the file of --forward-ca, found none")]
    Ca,
    /// No certificate of our own.
    #[error("expected a certificate and its private key in PEM in the files of --forward-cert and --forward-key")]
    Identity,
    /// TLS cannot be set up.
    #[error("cannot set up TLS for --forward: {0}")]
    Client(String),
}

/// Forwarding that goes on until it is finished, or dropped.
pub struct Forwarder {
    queue: Queue,
    carriers: ForwardCarriers,
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What became of what was to be forwarded so far.
#[derive(Clone)]
pub struct Forwarded(Arc<State>);

impl Forwarder {
    /// Begins to deliver. Refuses an endpoint that is one of jwtrail's `own` addresses; a collector that is not there yet
    /// is waited for. To be called within a runtime.
    pub fn start(options: &ForwardOptions, own: Addresses) -> Result<Self, ForwardError> {
        options.endpoint.is_not_one_of(own)?;
        let peer = Peer::new(options)?;
        let (queue, items) = Queue::new(options.queue_bytes);
        let (closing, closed) = watch::channel(false);
        let (state, first_pause) = (Arc::clone(&queue.state), options.first_pause);
        let task =
            tokio::spawn(deliver::deliver(Courier { peer, state, first_pause, closing: closed }, items, options.drain));
        Ok(Self { queue, carriers: options.carriers, closing, task })
    }

    /// The same decoder, which also writes down what is to be forwarded.
    pub fn decoder(&self, inner: Arc<dyn Decode>, shared: Arc<Shared>) -> Arc<dyn Decode> {
        Arc::new(Rewriting { inner, shared, carriers: self.carriers, queue: self.queue.clone() })
    }

    /// A sink that forwards what `inner` takes: what is refused comes again.
    pub fn sink(&self, inner: Arc<dyn Sink>) -> Arc<dyn Sink> {
        Arc::new(Tap { inner, queue: self.queue.clone() })
    }

    /// For those who tell people.
    pub fn progress(&self) -> Forwarded {
        Forwarded(Arc::clone(&self.queue.state))
    }

    /// Delivers what waits, as long as that may take; what waits then is counted as lost.
    pub async fn finish(mut self) -> Forwarded {
        // Who delivers is gone only where the runtime goes down.
        let _ = self.closing.send(true);
        let _ = (&mut self.task).await;
        self.queue.state.give_up();
        self.progress()
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Forwarded {
    /// Requests and spans that the next collector took.
    pub fn sent(&self) -> (u64, u64) {
        self.0.sent.get()
    }

    /// A sentence for each way in which something was lost, and one where something waits.
    pub fn losses(&self) -> Vec<String> {
        self.0.losses()
    }

    /// Name, meaning and value of every counter (`…_total`) and gauge.
    pub fn each(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.0.each().to_vec()
    }
}

/// Spans or records of one request that were not taken; with more nothing of it goes on, and that is counted.
const MAX_REJECTED: u64 = 64 << 10;

/// Decodes, and writes the request anew.
struct Rewriting {
    inner: Arc<dyn Decode>,
    shared: Arc<Shared>,
    carriers: ForwardCarriers,
    queue: Queue,
}

impl Decode for Rewriting {
    fn decode(&self, signal: Signal, encoding: Encoding, body: &[u8]) -> Result<Batch, DecodeError> {
        let mut batch = self.inner.decode(signal, encoding, body)?;
        // Where so much could not be read, reading it once more for the next collector costs more than it is worth.
        let passed = if self.queue.is_full() || batch.rejected > MAX_REJECTED {
            Passed { crowded: Some(batch.spans.len() as u64), ..Passed::default() }
        } else {
            rewrite::rewrite((signal, encoding), body, batch.spans.len(), &self.shared, self.carriers)
        };
        batch.passed = Some(Box::new(passed));
        Ok(batch)
    }

    fn reads(&self, _: Signal) -> bool {
        true
    }
}

/// Hands batches on, and what is to be forwarded to the queue.
struct Tap {
    inner: Arc<dyn Sink>,
    queue: Queue,
}

impl Sink for Tap {
    fn has_room(&self, bytes: usize) -> Result<(), Refused> {
        self.inner.has_room(bytes)
    }

    fn accept(&self, mut batch: Batch) -> Result<(), Refused> {
        let passed = batch.passed.take();
        // Metrics have nothing to judge.
        if !batch.spans.is_empty() || !batch.logs.is_empty() || batch.rejected + batch.bad_tags > 0 {
            self.inner.accept(batch)?;
        }
        if let Some(passed) = passed {
            self.queue.push(*passed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let endpoint = Endpoint::parse("https://c:4318", None).unwrap();
        let identity = Some(b"-----BEGIN PRIVATE KEY-----".to_vec());
        let options = ForwardOptions { identity, ..ForwardOptions::new(endpoint) };
        let printed = format!("{options:?}");
        assert!(printed.contains("ForwardOptions") && !printed.contains("identity"), "{printed}");
    }
}
