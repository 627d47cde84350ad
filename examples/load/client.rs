//! Sends requests at their pace, again where they are refused, and measures what they cost the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::process::Used;
use crate::send::{Answer, Connection};
use crate::template::Template;
use crate::{Load, Options};

/// What became of all spans: sent = accepted + rejected + lost.
#[derive(Default)]
pub(crate) struct Figures {
    /// Requests begun.
    pub(crate) requests: u64,
    /// Spans in them.
    pub(crate) sent: u64,
    /// Spans that the server took.
    pub(crate) accepted: u64,
    /// Spans that the server took and rejected (partial success).
    pub(crate) rejected: u64,
    /// Spans of requests that were never taken.
    pub(crate) lost: u64,
    /// Answers that said to come again.
    pub(crate) refusals: u64,
    /// Connections that broke under a request.
    pub(crate) broken: u64,
    /// Until each request was taken, in µs, sorted.
    pub(crate) latencies: Vec<u64>,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Option<Duration>,
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.sent += other.sent;
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.lost += other.lost;
        self.refusals += other.refusals;
        self.broken += other.broken;
        self.latencies.extend(other.latencies);
    }

    /// The latency that this share of requests did not exceed, in µs.
    pub(crate) fn latency(&self, share: f64) -> u64 {
        let last = self.latencies.len().saturating_sub(1);
        #[expect(clippy::cast_sign_loss, reason = "neither is negative")]
        let at = (last as f64 * share).round() as usize;
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

/// Sends all requests and waits for the last answer.
pub(crate) async fn run(
    target: SocketAddr,
    load: &Load,
    options: &Options,
    pid: Option<u32>,
) -> anyhow::Result<Figures> {
    let mut connections = Vec::new();
    for _ in 0..options.connections.max(1) {
        connections.push(Connection::open(target, options.protocol, options.compression).await?);
    }
    let before = pid.map(Used::by).transpose()?;
    let pace = Arc::new(Pace::new(options));
    let mut tasks = tokio::task::JoinSet::new();
    for connection in connections {
        let (template, pace, run) = (load.template.clone(), Arc::clone(&pace), load.run);
        let patience = Duration::from_secs(options.patience);
        tasks.spawn(async move { pace.drive(connection, &template, run, patience).await });
    }
    let mut figures = Figures::default();
    while let Some(part) = tasks.join_next().await {
        figures.add(part??);
    }
    figures.elapsed = pace.began.elapsed();
    let after = pid.map(Used::by).transpose()?;
    figures.cpu = after.zip(before).map(|(after, before)| after.since(before));
    figures.latencies.sort_unstable();
    Ok(figures)
}

/// Which request is next, and when.
struct Pace {
    next: AtomicU64,
    requests: u64,
    began: Instant,
    until: Option<Instant>,
    /// From one request to the next.
    between: Option<Duration>,
    spans: u64,
}

impl Pace {
    fn new(options: &Options) -> Self {
        let (began, spans) = (Instant::now(), options.spans as u64);
        let until = options.duration.map(|seconds| began + Duration::from_secs(seconds));
        let requests = if until.is_some() { u64::MAX } else { options.requests };
        let between = options.rate.map(|rate| Duration::from_secs(1).mul_f64(spans as f64 / rate.max(1) as f64));
        Self { next: AtomicU64::new(0), requests, began, until, between, spans }
    }

    /// The next request's number, and when it was due: waits until then.
    async fn next(&self) -> Option<(u64, Instant)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due = self.between.map(|between| self.began + between.mul_f64(number as f64));
        let over = |at| self.until.is_some_and(|until| at >= until);
        if number >= self.requests || over(due.unwrap_or_else(Instant::now)) {
            return None;
        }
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        Some((number, due.unwrap_or_else(Instant::now)))
    }

    /// One connection's share.
    async fn drive(
        &self,
        mut connection: Connection,
        template: &Template,
        run: u64,
        patience: Duration,
    ) -> anyhow::Result<Figures> {
        let mut figures = Figures::default();
        while let Some((number, due)) = self.next().await {
            figures.requests += 1;
            figures.sent += self.spans;
            let request = template.request(run, number);
            let give_up = Instant::now() + patience;
            loop {
                let wait = match connection.send(request.clone()).await? {
                    Answer::Taken { rejected } => {
                        let rejected = rejected.min(self.spans);
                        figures.rejected += rejected;
                        figures.accepted += self.spans - rejected;
                        figures.latencies.push(due.elapsed().as_micros() as u64);
                        break;
                    }
                    Answer::ComeAgain(wait) => {
                        figures.refusals += 1;
                        Some(wait)
                    }
                    Answer::Broken(wait) => {
                        figures.broken += 1;
                        Some(wait)
                    }
                    Answer::Never => None,
                };
                match wait {
                    Some(wait) if Instant::now() + wait < give_up => tokio::time::sleep(wait).await,
                    _ => {
                        figures.lost += self.spans;
                        break;
                    }
                }
            }
        }
        Ok(figures)
    }
}
