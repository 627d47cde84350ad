//! Whether `--memory` holds, whatever is sent: what the process grows by, beside what the trail counts.
//!
//! ```text
//! cargo run --release --example memory -- --memory 64 --input paths
//! ```
//!
//! Each input is made to take as much as it can. Linux only (`/proc`).

#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, LogsData, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message as _;

use jwtrail::model::UnixNanos;
use jwtrail::model::policy::Policy;
use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Decode as _, VisitorDecoder};
use jwtrail::token::{FingerprintKey, KeySets, Shared};
use jwtrail::trail::{Trail, TrailOptions};

/// The program's own allocator, for the figures to be the program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Spans or records in a request.
const IN_A_REQUEST: u64 = 512;

/// Requests after which all that is needed but for keeping has been taken from the system.
const WARMING_UP: u64 = 32;

/// Fills a trail and prints what that took.
#[derive(Parser)]
struct Options {
    /// What is sent.
    #[arg(long, value_enum, default_value_t = Input::Tags)]
    input: Input,
    /// Memory that the trail may take, in MiB.
    #[arg(long, default_value_t = 64)]
    memory: usize,
    /// Spans or log records to send.
    #[arg(long, default_value_t = 1_000_000)]
    count: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Input {
    /// Traces of eight spans with one of 64 tokens.
    Tags,
    /// The same, each with a token of its own.
    Tokens,
    /// A path for each span.
    Paths,
    /// A name for each span.
    Names,
    /// Exceptions with long texts.
    Exceptions,
    /// A dozen links in each span, into other traces.
    Links,
    /// Log records with long bodies.
    Logs,
    /// Traces of one span.
    Single,
    /// One trace.
    One,
    /// A service for each span.
    Services,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let memory = options.memory << 20;
    let shared = Shared::within(&Policy::default(), FingerprintKey::random()?, KeySets::load(&[])?, memory)?;
    let decoder = VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared)));
    let settle = Duration::from_secs(1);
    let bounds = TrailOptions { assume_captured: false, settle, memory, spans_per_trace: 50_000 };
    let mut trail = Trail::new(Policy::default(), bounds);
    let signal = if options.input == Input::Logs { Signal::Logs } else { Signal::Traces };
    let (mut base, mut most, mut counted) = (0, 0, 0);
    for number in 0..options.count.div_ceil(IN_A_REQUEST) {
        let request = request(options.input, number);
        let batch = decoder.decode(signal, Encoding::Protobuf, &request)?;
        drop(request);
        let now = UnixNanos(1_700_000_000_000_000_000 + number * 5_000_000);
        trail.ingest(batch, now);
        if number % 7 == 0 {
            trail.tick(now);
            let (resident, used) = (resident()?, trail.stats().memory_used);
            if number < WARMING_UP {
                base = resident.saturating_sub(used);
            }
            most = most.max(resident.saturating_sub(base));
            counted = counted.max(used);
        }
    }
    let stats = trail.stats();
    let held = (stats.spans + stats.logs - stats.evicted_spans - stats.trace_overflow).max(1);
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let name = options.input.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    println!(
        "{name:<10} bound {} MiB, counted {:.1}, grew by {:.1} ({:.0} %); {held} held of {} in {} traces, {} bytes each, {} counted",
        options.memory,
        mib(counted),
        mib(most),
        most as f64 * 100.0 / memory as f64,
        stats.spans + stats.logs,
        stats.traces,
        resident()?.saturating_sub(base) as u64 / held,
        stats.memory_used as u64 / held,
    );
    Ok(())
}

fn request(input: Input, number: u64) -> Vec<u8> {
    let records = (number * IN_A_REQUEST)..((number + 1) * IN_A_REQUEST);
    if input == Input::Logs {
        let log_records = records.map(log).collect();
        let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
        let group = ResourceLogs { resource: Some(process("orders")), scope_logs, ..ResourceLogs::default() };
        return LogsData { resource_logs: vec![group] }.encode_to_vec();
    }
    if input == Input::Services {
        let each = records.map(|at| group(&format!("service-{at}"), vec![span(input, at)])).collect();
        return TracesData { resource_spans: each }.encode_to_vec();
    }
    TracesData { resource_spans: vec![group("orders", records.map(|at| span(input, at)).collect())] }.encode_to_vec()
}

fn process(name: &str) -> Resource {
    Resource { attributes: vec![text("service.name", name), text("service.instance.id", name)], ..Resource::default() }
}

fn group(name: &str, spans: Vec<Span>) -> ResourceSpans {
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    ResourceSpans { resource: Some(process(name)), scope_spans, ..ResourceSpans::default() }
}

fn span(input: Input, at: u64) -> Span {
    let (trace, place) = match input {
        Input::One => (1, at),
        Input::Single => (at + 1, 0),
        _ => (at / 8 + 1, at % 8),
    };
    let parent = if place == 0 { Vec::new() } else { at.to_be_bytes().to_vec() };
    let kind = if place % 2 == 0 { 2 } else { 3 };
    let mut span = Span {
        trace_id: u128::from(trace).to_be_bytes().to_vec(),
        span_id: (at + 1).to_be_bytes().to_vec(),
        parent_span_id: parent,
        name: "GET /things/{id}".to_owned(),
        kind,
        start_time_unix_nano: 1_700_000_000_000_000_000 + at * 1_000,
        end_time_unix_nano: 1_700_000_000_000_500_000 + at * 1_000,
        attributes: vec![text("http.request.method", "GET"), text("http.route", "/things/{id}")],
        ..Span::default()
    };
    let number = if input == Input::Tokens { trace } else { trace % 64 };
    span.attributes.push(text("jwtrail.token.fp", &format!("s256:{number:043}")));
    match input {
        Input::Paths => span.attributes.push(text("url.path", &format!("/things/{at:0200}"))),
        Input::Names => span.name = format!("GET /things/{at:0200}"),
        Input::Exceptions => {
            let attributes = vec![
                text("exception.message", &format!("{at:0500}")),
                text("exception.stacktrace", &format!("{at:02000}")),
            ];
            span.events = vec![Event { name: "exception".to_owned(), attributes, ..Event::default() }; 3];
        }
        Input::Links => {
            let link = |other: u64| Link {
                trace_id: u128::from(at * 16 + other + (1 << 50)).to_be_bytes().to_vec(),
                span_id: (other + 1).to_be_bytes().to_vec(),
                ..Link::default()
            };
            span.links = (0..12).map(link).collect();
        }
        _ => {}
    }
    span
}

fn log(at: u64) -> LogRecord {
    LogRecord {
        trace_id: u128::from(at / 8 + 1).to_be_bytes().to_vec(),
        span_id: (at + 1).to_be_bytes().to_vec(),
        severity_number: 17,
        body: Some(AnyValue { value: Some(Value::StringValue(format!("token refused {at:0480}"))) }),
        ..LogRecord::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// Memory in use, in bytes.
fn resident() -> anyhow::Result<usize> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<usize>().ok());
    Ok(kib.context("expected VmRSS in /proc/self/status")? * 1024)
}
