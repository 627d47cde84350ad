//! Sends the shop's requests at a steady rate, from a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::codec::RawCodec;
use crate::shop::{SPANS, Shop};

const EXPORT: PathAndQuery = PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");
/// Requests under way at one time, each on a connection of its own.
const CONNECTIONS: usize = 4;

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    next: AtomicU64,
    sent: AtomicU64,
    refused: AtomicU64,
}

/// A load that runs until it is ended.
pub(crate) struct Load {
    counts: Arc<Counts>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Load {
    /// Sends so many spans a second, or fewer where the other side takes no more.
    pub(crate) fn start(target: SocketAddr, shop: Shop, rate: u64) -> anyhow::Result<Self> {
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let thread = std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(target, shop, rate, shared))
        })?;
        Ok(Self { counts, thread: Some(thread) })
    }

    /// Spans that were taken so far.
    pub(crate) fn sent(&self) -> u64 {
        self.counts.sent.load(Ordering::Relaxed) * SPANS as u64
    }

    /// Spans that were refused so far.
    pub(crate) fn refused(&self) -> u64 {
        self.counts.refused.load(Ordering::Relaxed) * SPANS as u64
    }

    /// Whether it has ended by itself: something went wrong.
    pub(crate) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends it, and says why it ended before where it did.
    pub(crate) fn end(&mut self) -> anyhow::Result<()> {
        self.counts.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => anyhow::bail!("the thread that sends panicked"),
            None => Ok(()),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.end());
    }
}

async fn run(target: SocketAddr, shop: Shop, rate: u64, counts: Arc<Counts>) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let endpoint = Endpoint::from_shared(format!("http://{target}"))?;
        let channel = endpoint.connect().await.with_context(|| format!("nothing answers at {target}"))?;
        tasks.spawn(send(Grpc::new(channel), shop.clone(), rate, began, Arc::clone(&counts)));
    }
    while let Some(result) = tasks.join_next().await {
        result??;
    }
    Ok(())
}

/// One connection's share: whoever is free takes the next request when its time has come.
async fn send(
    mut client: Grpc<Channel>,
    shop: Shop,
    rate: u64,
    began: Instant,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let run = u64::from(std::process::id()) << 32 ^ nanos()?;
    while !counts.stop.load(Ordering::Relaxed) {
        let number = counts.next.fetch_add(1, Ordering::Relaxed);
        let due = began + Duration::from_secs_f64((number * SPANS as u64) as f64 / rate.max(1) as f64);
        tokio::time::sleep_until(due.into()).await;
        client.ready().await?;
        let body = shop.request(run, number, nanos()?);
        match client.unary(Request::new(body), EXPORT, RawCodec).await {
            Ok(_) => counts.sent.fetch_add(1, Ordering::Relaxed),
            Err(status) if matches!(status.code(), Code::ResourceExhausted | Code::Unavailable) => {
                counts.refused.fetch_add(1, Ordering::Relaxed)
            }
            Err(status) => return Err(status.into()),
        };
    }
    Ok(())
}

/// Now, in nanoseconds.
fn nanos() -> anyhow::Result<u64> {
    Ok(u64::try_from(jiff::Timestamp::now().as_nanosecond())?)
}
