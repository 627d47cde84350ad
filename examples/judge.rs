//! What judging costs, without a network: processor time and memory a span, of decoding and of the trail each alone.
//!
//! ```text
//! cargo run --release --example judge -- --hops 1000000
//! ```
//!
//! The requests are those of the `load` example: traces of eight spans over four services, four hops each. They are
//! decoded, judged at once, and judged as settled when their trace has been quiet. Linux only (`/proc`).

#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "judge/pages.rs"]
mod pages;
#[path = "load/template.rs"]
mod template;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};

use jwtrail::model::UnixNanos;
use jwtrail::model::policy::Policy;
use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Decode as _, VisitorDecoder};
use jwtrail::token::{FingerprintKey, KeySets, Shared};
use jwtrail::trail::{Trail, TrailOptions};

use template::Template;

/// The program's own allocator, for the figures to be the program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Time between two requests on the trail's clock: a hundred thousand spans a second.
const BETWEEN: u64 = 5_000_000;

/// Requests between two ticks: the engine's 34 ms.
const A_TICK: u64 = 7;

/// Decodes and judges generated traces.
#[derive(Parser)]
struct Options {
    /// Hops to judge.
    #[arg(long, default_value_t = 1_000_000)]
    hops: u64,
    /// Spans in a request, a multiple of 8.
    #[arg(long, default_value_t = 512)]
    spans: usize,
    /// What spans say of their token.
    #[arg(long, value_enum, default_value_t = Mode::Tags)]
    mode: Mode,
    /// Memory that the trail may take, in MiB; what is beyond is evicted.
    #[arg(long, default_value_t = 1 << 20)]
    memory: usize,
    /// Ask for pages of the lists of traces and of tokens then, and print how long each holds up the engine.
    #[arg(long)]
    pages: bool,
    /// Give each request tokens of its own, in place of the same ones: a token for each trace (tags alone).
    #[arg(long)]
    own_tokens: bool,
    /// Decode and judge nothing.
    #[arg(long)]
    decode_only: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Tags,
    Jwt,
    None,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let template = Template::new(options.spans, options.mode);
    let shared = Shared::new(&Policy::default(), FingerprintKey::random()?, KeySets::load(&[])?)?;
    let decoder = VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared)));
    let settle = Duration::from_secs(1);
    let bounds = TrailOptions {
        assume_captured: false,
        settle,
        memory: options.memory.saturating_mul(1 << 20),
        spans_per_trace: 10_000,
    };
    let mut trail = Trail::new(Policy::default(), bounds);
    let requests = options.hops.div_ceil(options.spans as u64 / 2).max(1);
    let (mut decoding, mut judging, mut spans, mut now) = (Duration::ZERO, Duration::ZERO, 0_u64, UnixNanos(0));
    let memory_before = resident()?;
    for number in 0..requests {
        let request = template.request(1, number);
        let request = if options.own_tokens { pages::with_own_tokens(&request, number) } else { request };
        let begun = on_cpu()?;
        let batch = decoder.decode(Signal::Traces, Encoding::Protobuf, &request)?;
        let decoded = on_cpu()?;
        decoding += decoded.saturating_sub(begun);
        spans += batch.spans.len() as u64;
        if options.decode_only {
            continue;
        }
        now = UnixNanos(now.0 + BETWEEN);
        trail.ingest(batch, now);
        if number % A_TICK == 0 {
            trail.tick(now);
        }
        judging += on_cpu()?.saturating_sub(decoded);
    }
    let begun = on_cpu()?;
    trail.tick(UnixNanos(now.0 + BETWEEN));
    trail.tick(UnixNanos(now.0 + BETWEEN + 2_000_000_000));
    judging += on_cpu()?.saturating_sub(begun);
    let stats = trail.stats();
    let held = spans.saturating_sub(stats.evicted_spans).max(1);
    println!("{spans} spans in requests of {} bytes, {} hops judged, {held} spans held", template.len(), stats.hops);
    println!("decoding  {:.3} µs of processor time a span", a_span(decoding, spans));
    println!("judging   {:.3} µs of processor time a span", a_span(judging, spans));
    println!("memory    {} bytes a span held", resident()?.saturating_sub(memory_before) / held);
    println!("          {} bytes a span by the trail's own count", stats.memory_used as u64 / held);
    if options.pages {
        pages::print(&trail, now)?;
    }
    Ok(())
}

fn a_span(time: Duration, spans: u64) -> f64 {
    time.as_secs_f64() * 1e6 / spans as f64
}

/// Processor time of this thread.
fn on_cpu() -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    Ok(Duration::from_nanos(nanos.context("expected nanoseconds in /proc/thread-self/schedstat")?))
}

/// Memory in use, in bytes.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
    Ok(kib.context("expected VmRSS in /proc/self/status")? * 1024)
}
