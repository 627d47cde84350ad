//! Sends requests, and measures what they cost the server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::codec::RawCodec;
use crate::template::Template;
use crate::{Encoding, Options};

const EXPORT: PathAndQuery = PathAndQuery::from_static("/opentelemetry.proto.collector.trace.v1.TraceService/Export");

/// A tick of `/proc/PID/stat`: `USER_HZ` is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Figures {
    pub(crate) sent: u64,
    pub(crate) refused: u64,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Option<Duration>,
}

/// Sends all requests and waits for the last answer.
pub(crate) async fn run(
    target: SocketAddr,
    template: &Template,
    options: &Options,
    pid: Option<u32>,
) -> anyhow::Result<Figures> {
    let mut clients = Vec::new();
    for _ in 0..options.connections.max(1) {
        clients.push(connect(target, options.encoding).await?);
    }
    let next = Arc::new(AtomicU64::new(0));
    // Random, so that a second run sends other traces than the first.
    let run = u64::from(std::process::id()) << 32 ^ jiff::Timestamp::now().as_microsecond().cast_unsigned();
    let before = pid.map(processor_time).transpose()?;
    let began = Instant::now();
    let requests = options.requests;
    let mut tasks = tokio::task::JoinSet::new();
    for client in clients {
        let (template, next) = (template.clone(), Arc::clone(&next));
        tasks.spawn(async move { send(client, template, &next, requests, run).await });
    }
    let (mut sent, mut refused) = (0, 0);
    while let Some(counts) = tasks.join_next().await {
        let (taken, left) = counts??;
        sent += taken;
        refused += left;
    }
    let elapsed = began.elapsed();
    let after = pid.map(processor_time).transpose()?;
    let cpu = after.zip(before).map(|(after, before)| after.saturating_sub(before));
    let spans = options.spans as u64;
    Ok(Figures { sent: sent * spans, refused: refused * spans, elapsed, cpu })
}

async fn connect(target: SocketAddr, encoding: Encoding) -> anyhow::Result<Grpc<Channel>> {
    let endpoint = Endpoint::from_shared(format!("http://{target}"))?;
    let channel = endpoint.connect().await.with_context(|| format!("nothing answers at {target}"))?;
    let client = Grpc::new(channel);
    Ok(match encoding {
        Encoding::Identity => client,
        Encoding::Gzip => client.send_compressed(CompressionEncoding::Gzip),
        Encoding::Zstd => client.send_compressed(CompressionEncoding::Zstd),
    })
}

/// One connection's share: requests taken and requests refused.
async fn send(
    mut client: Grpc<Channel>,
    template: Template,
    next: &AtomicU64,
    requests: u64,
    run: u64,
) -> anyhow::Result<(u64, u64)> {
    let (mut sent, mut refused) = (0, 0);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= requests {
            return Ok((sent, refused));
        }
        client.ready().await?;
        match client.unary(Request::new(template.request(run, number)), EXPORT, RawCodec).await {
            Ok(_) => sent += 1,
            Err(status) if matches!(status.code(), Code::ResourceExhausted | Code::Unavailable) => refused += 1,
            Err(status) => return Err(status.into()),
        }
    }
}

/// User and system time of a process.
fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    // The second field, the name in brackets, may hold spaces; `utime` and `stime` are the 14th and 15th.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks = ticks.sum::<Result<u32, _>>().context("cannot read the process's times")?;
    Ok(TICK * ticks)
}
