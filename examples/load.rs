//! Load for an OTLP/gRPC receiver on this machine, and what a span of it costs the receiver.
//!
//! ```text
//! cargo run --release --example load -- --target 127.0.0.1:4317 --pid "$(pidof jwtrail)" --compare
//! ```
//!
//! A request holds 512 spans of small traces over four services, with trace ids that no other request has. It is built
//! once and only its ids are rewritten, so that the client leaves the machine to the server. `--compare` runs the same
//! load against a server of this program's own that takes raw bytes and drops them: what the transport alone costs.

#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "load/client.rs"]
mod client;
#[path = "load/codec.rs"]
mod codec;
#[path = "load/server.rs"]
mod server;
#[path = "load/template.rs"]
mod template;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Parser, ValueEnum};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use client::Figures;
use template::Template;

/// Sends OTLP spans over gRPC to a receiver on this machine.
#[derive(Parser, Clone)]
struct Options {
    /// Where to send to; loopback only.
    #[arg(long, default_value = "127.0.0.1:4317")]
    target: SocketAddr,
    /// Requests in all.
    #[arg(long, default_value_t = 2_000)]
    requests: u64,
    /// Spans in a request, a multiple of 8.
    #[arg(long, default_value_t = 512)]
    spans: usize,
    /// Connections, each with one request at a time.
    #[arg(long, default_value_t = 4)]
    connections: u64,
    /// What spans say of their token: fingerprint tags, a captured header with a JWT of 900 bytes, nothing.
    #[arg(long, value_enum, default_value_t = Mode::Tags)]
    mode: Mode,
    /// How requests are packed.
    #[arg(long, value_enum, default_value_t = Encoding::Identity)]
    encoding: Encoding,
    /// Process whose processor time is read before and after.
    #[arg(long)]
    pid: Option<u32>,
    /// The same load against a server that drops raw bytes, in a process of its own.
    #[arg(long)]
    compare: bool,
    /// Be that server.
    #[arg(long, value_name = "ADDR")]
    serve_raw: Option<SocketAddr>,
    /// Be a server of jwtrail's own receivers and walker, with nothing behind them.
    #[arg(long, value_name = "ADDR", conflicts_with = "serve_raw")]
    serve_walk: Option<SocketAddr>,
    /// When a server ends by itself, in seconds.
    #[arg(long = "for", default_value_t = 120)]
    seconds: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Tags,
    Jwt,
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Encoding {
    Identity,
    Gzip,
    Zstd,
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
    ensure!(options.spans > 0 && options.spans.is_multiple_of(8), "expected --spans to be a multiple of 8");
    let template = Template::new(options.spans, options.mode);
    println!("{} requests of {} spans and {} bytes", options.requests, options.spans, template.len());
    let figures = client::run(loopback(options.target)?, &template, &options, options.pid).await?;
    report("target", &figures);
    if options.compare {
        let (child, address) = raw_server().await?;
        let figures = client::run(address, &template, &options, child.id()).await?;
        report("raw bytes", &figures);
    }
    Ok(())
}

fn loopback(address: SocketAddr) -> anyhow::Result<SocketAddr> {
    ensure!(
        address.ip().is_loopback(),
        "expected a loopback address, found {address}: this program loads its own machine"
    );
    Ok(address)
}

/// This program again, as a server; it ends with the child's handle.
async fn raw_server() -> anyhow::Result<(Child, SocketAddr)> {
    let program = std::env::current_exe().context("cannot find this program itself")?;
    let mut command = Command::new(program);
    command.args(["--serve-raw", "127.0.0.1:0"]).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start the raw server")?;
    let stdout = child.stdout.take().context("the raw server has no output")?;
    let line = BufReader::new(stdout).lines().next_line().await?.context("the raw server ended early")?;
    let address = line.rsplit(' ').next().unwrap_or_default().parse().context("the raw server told no address")?;
    Ok((child, address))
}

fn report(name: &str, figures: &Figures) {
    let seconds = figures.elapsed.as_secs_f64();
    println!(
        "{name}: {} spans sent in {seconds:.2} s ({:.0} a second), {} refused",
        figures.sent,
        figures.sent as f64 / seconds,
        figures.refused,
    );
    if let (Some(cpu), 1..) = (figures.cpu, figures.sent) {
        println!("{name}: {:.3} µs of processor time a span", cpu.as_secs_f64() * 1e6 / figures.sent as f64);
    }
}
