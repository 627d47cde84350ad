//! Load for an OTLP receiver on this machine: what a span of it costs the receiver, and what it does when it is full.
//!
//! ```text
//! cargo run --release --example load -- --target 127.0.0.1:4317 --pid "$(pidof jwtrail)" --compare
//! cargo run --release --example load -- --rate 50000 --duration 60 --mode jwt --faults 0.01 --seed 7
//! cargo run --release --example load -- --write traces.otlp --requests 2000
//! ```
//!
//! A request holds 512 spans of small traces over four services, with trace ids that no other request has. It is built
//! once and only its ids are rewritten, so that the client leaves the machine to the server. A request that is refused
//! is sent again when the server says so, as exporters do, and every span is accounted for at the end. `--compare` runs
//! the same load against a server of this program's own that takes raw bytes and drops them: what the transport costs.

#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "load/client.rs"]
mod client;
#[path = "load/codec.rs"]
mod codec;
#[path = "load/deep.rs"]
mod deep;
#[path = "load/faults.rs"]
mod faults;
#[path = "load/json.rs"]
mod json;
#[path = "load/process.rs"]
mod process;
#[path = "load/report.rs"]
mod report;
#[path = "load/send.rs"]
mod send;
#[path = "load/server.rs"]
mod server;
#[path = "load/template.rs"]
mod template;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};

use template::{Plan, SPANS_PER_TRACE, Template};

/// Sends OTLP spans to a receiver on this machine, and says what became of each and what they cost.
#[derive(Parser, Clone)]
struct Options {
    /// Where to send to; loopback only.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:4317")]
    target: SocketAddr,
    /// Requests in all.
    #[arg(long, value_name = "COUNT", default_value_t = 2_000)]
    requests: u64,
    /// Send for so many seconds, however many requests that makes.
    #[arg(long, value_name = "SECONDS", conflicts_with = "requests")]
    duration: Option<u64>,
    /// Spans a second over all connections; as fast as it goes where it is left out. A request's latency then counts
    /// from when it was due.
    #[arg(long, value_name = "SPANS")]
    rate: Option<u64>,
    /// Spans in a request, a multiple of 8: that many make a trace.
    #[arg(long, value_name = "COUNT", default_value_t = 512)]
    spans: usize,
    /// Connections, each with one request at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    connections: u64,
    /// What spans say of their token.
    #[arg(long, value_enum, default_value_t = Mode::Tags)]
    mode: Mode,
    /// How requests travel, in the words of `OTEL_EXPORTER_OTLP_PROTOCOL`.
    #[arg(long, value_enum, default_value_t = Protocol::Grpc)]
    protocol: Protocol,
    /// How requests are packed, in the words of `OTEL_EXPORTER_OTLP_COMPRESSION`.
    #[arg(long, value_enum, default_value_t = Compression::None)]
    compression: Compression,
    /// Distinct tokens [default: one for each trace of a request, the same in all requests]
    #[arg(long, value_name = "COUNT")]
    tokens: Option<usize>,
    /// Distinct services, 4 at the least; each trace goes through four.
    #[arg(long, value_name = "COUNT", default_value_t = 4)]
    services: usize,
    /// Share of traces whose token is dropped or changed on its way, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    faults: f64,
    /// Which traces are broken, and their ids: the same again for the same seed. A receiver that saw them before takes
    /// them for repetitions [default: other ids in each run]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How long a request that is refused is sent again before it counts as lost, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    patience: u64,
    /// Process whose processor time is read before and after (Linux).
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// The same load against a server that drops raw bytes, in a process of its own.
    #[arg(long)]
    compare: bool,
    /// One JSON object a run instead of text.
    #[arg(long)]
    json: bool,
    /// Write requests into a file instead: each behind its length, or one a line with --protocol http/json.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["compare", "pid", "rate", "duration"])]
    write: Option<PathBuf>,
    /// How the spans of that file hang together.
    #[arg(long, value_enum, default_value_t = Shape::Calls, requires = "write")]
    shape: Shape,
    /// Be the server of --compare, over gRPC and HTTP.
    #[arg(long, value_name = "ADDR:PORT")]
    serve_raw: Option<SocketAddr>,
    /// Be a server of jwtrail's own receivers and walker, with nothing behind them.
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "serve_raw")]
    serve_walk: Option<SocketAddr>,
    /// When a server ends by itself, in seconds.
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 120)]
    seconds: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Four fingerprint tags.
    Tags,
    /// A captured header with a JWT of 900 bytes.
    Jwt,
    /// Nothing.
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Protocol {
    Grpc,
    #[value(name = "http/protobuf")]
    HttpProtobuf,
    #[value(name = "http/json")]
    HttpJson,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Traces of eight spans over four services.
    Calls,
    /// All spans are one trace of calls one after another.
    Trace,
    /// All spans but one are children of that one.
    Children,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let until = Duration::from_secs(options.seconds);
    if let Some(address) = options.serve_raw {
        return server::raw(loopback(address)?, until).await;
    }
    if let Some(address) = options.serve_walk {
        return server::walk(loopback(address)?, until).await;
    }
    let spans = options.spans;
    let whole = spans > 0 && spans.is_multiple_of(SPANS_PER_TRACE);
    ensure!(whole, "expected --spans to be a multiple of {SPANS_PER_TRACE}, found {spans}");
    let load = Load::new(&options)?;
    if let Some(path) = &options.write {
        return deep::write(path, &options, &load);
    }
    let figures = client::run(loopback(options.target)?, &load, &options, options.pid).await?;
    report::print("target", &options, &load, &figures);
    if options.compare {
        let (child, address) = server::raw_child().await?;
        let figures = client::run(address, &load, &options, child.id()).await?;
        report::print("raw bytes", &options, &load, &figures);
    }
    Ok(())
}

/// What is sent.
struct Load {
    template: Template,
    faults: faults::Faults,
    /// First half of all trace ids.
    run: u64,
}

impl Load {
    fn new(options: &Options) -> anyhow::Result<Self> {
        ensure!((0.0..=1.0).contains(&options.faults), "expected --faults from 0 to 1, found {}", options.faults);
        ensure!(options.services >= 4, "expected --services of 4 or more, found {}", options.services);
        let broken = options.faults > 0.0;
        ensure!(!broken || options.mode != Mode::None, "expected --mode tags or jwt: no token is there to be dropped");
        let mut plan = Plan::new(options.spans, options.mode);
        (plan.services, plan.tokens) = (options.services, options.tokens);
        plan.variants = if broken { faults::variants(&plan) } else { 1 };
        let faults = faults::Faults::new(&plan, options.faults, options.seed.unwrap_or_default());
        let encode = (options.protocol == Protocol::HttpJson).then_some(json::encode as fn(&_) -> _);
        let template = Template::planned(&plan, encode, &|trace| faults.of(trace))
            .context("so many tokens or services take more than 512 MiB of requests: lower --tokens or --services")?;
        let clock = jiff::Timestamp::now().as_microsecond().cast_unsigned();
        // A run without a seed sends other traces than any before.
        let run = options.seed.unwrap_or_else(|| u64::from(std::process::id()) << 32 ^ clock);
        Ok(Self { template, faults, run })
    }
}

fn loopback(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    ensure!(
        address.ip().is_loopback(),
        "expected a loopback address, found {address}: this program loads its own machine"
    );
    Ok(address)
}
