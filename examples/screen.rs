//! The screen under load: what a key takes to be seen, and what the screen costs, while spans come in. Linux only (/proc).
//!
//! ```text
//! cargo build --release && cargo run --release --example screen -- target/release/jwtrail
//! ```
//!
//! The program runs in a terminal of its own. A shop of some hundred services is sent to it, until it holds enough
//! traces; then keys are pressed at random moments while the sending goes on. When the sending has ended, the screen
//! has to fall silent. Bounds that are passed are said, and make the status 1.

#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "load/codec.rs"]
mod codec;
#[path = "screen/figures.rs"]
mod figures;
#[path = "screen/frames.rs"]
mod frames;
#[path = "screen/keys.rs"]
mod keys;
#[path = "screen/load.rs"]
mod load;
#[path = "screen/shop.rs"]
mod shop;
#[path = "screen/terminal.rs"]
mod terminal;
#[path = "screen/threads.rs"]
mod threads;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;

use figures::{Figures, quantile};
use load::Load;
use shop::{SPANS_A_TRACE, Shop};
use terminal::Terminal;

/// Measures the screen while spans come in.
#[derive(Parser)]
struct Options {
    /// The program.
    #[arg(default_value = "target/release/jwtrail")]
    program: PathBuf,
    /// Spans a second.
    #[arg(long, default_value_t = 50_000)]
    rate: u64,
    /// Services.
    #[arg(long, default_value_t = 300)]
    services: usize,
    /// Traces to hold before anything is measured.
    #[arg(long, default_value_t = 100_000)]
    traces: u64,
    /// Seconds to wait for them at most.
    #[arg(long, default_value_t = 20)]
    fill: u64,
    /// Seconds to press keys for.
    #[arg(long, default_value_t = 12)]
    seconds: u64,
    /// Seconds of silence to hold the screen to when nothing comes any more.
    #[arg(long, default_value_t = 10)]
    idle: u64,
    /// Pictures to draw in this process, of each page and size.
    #[arg(long, default_value_t = 100)]
    pictures: usize,
    /// Columns.
    #[arg(long, default_value_t = 120)]
    columns: u16,
    /// Rows.
    #[arg(long, default_value_t = 40)]
    rows: u16,
    /// Bound on the time from a key to the changed screen, in milliseconds (p99).
    #[arg(long, default_value_t = 50.0)]
    key_ms: f64,
    /// Bound on the time for one picture, in milliseconds (p99).
    #[arg(long, default_value_t = 8.0)]
    frame_ms: f64,
    /// Bound on the screen's thread, in percent of one core.
    #[arg(long, default_value_t = 20.0)]
    cpu: f64,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    ensure!(options.services > 0, "expected at least one service");
    let shop = Shop::new(options.services);
    let mut figures = Figures::default();
    if options.pictures > 0 {
        frames::measure(&mut figures, &shop, options.pictures, options.frame_ms)?;
    }
    let folder = tempfile::tempdir()?;
    under_load(&options, &shop, folder.path(), &mut figures)?;
    pace(folder.path(), &mut figures, options.frame_ms)?;
    Ok(if figures.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn under_load(options: &Options, shop: &Shop, folder: &Path, figures: &mut Figures) -> anyhow::Result<()> {
    let address = free()?;
    let grpc = address.to_string();
    let args = ["--no-http", "--memory", "2GiB", "--grpc", &grpc];
    let mut terminal = Terminal::start(&options.program, &args, folder, (options.columns, options.rows))?;
    let ready =
        terminal.until(Instant::now() + Duration::from_secs(10), |screen| screen.contents().contains("quit"))?;
    ready.context("the screen did not come up within 10 s")?;

    let mut load = Load::start(address, shop.clone(), options.rate)?;
    let (began, enough) = (Instant::now(), options.traces * SPANS_A_TRACE as u64);
    while load.sent() < enough && began.elapsed() < Duration::from_secs(options.fill) && !load.has_ended() {
        terminal.rest(Duration::from_millis(50))?;
    }
    let filled = load.sent() / SPANS_A_TRACE as u64;
    Figures::tell("traces before keys are pressed", &format!("{filled} in {:.1} s", began.elapsed().as_secs_f64()));

    let process = terminal.process()?;
    let (began, sent, bytes, before) = (Instant::now(), load.sent(), terminal.bytes(), threads::times(process)?);
    let mut pressed = keys::press(&mut terminal, began + Duration::from_secs(options.seconds))?;
    let seconds = began.elapsed().as_secs_f64();
    let after = threads::times(process)?;
    Figures::tell("spans a second, taken", &format!("{:.0}", (load.sent() - sent) as f64 / seconds));
    Figures::tell("spans refused", &load.refused().to_string());
    Figures::tell("bytes a second to the terminal", &format!("{:.0}", (terminal.bytes() - bytes) as f64 / seconds));
    load.end()?;

    let name = format!("key to changed screen, p99 of {}", pressed.times.len());
    let p99 = quantile(&mut pressed.times, 0.99);
    figures.bound(&name, p99, options.key_ms, &format!("ms, p50 {:.1} ms", quantile(&mut pressed.times, 0.5)));
    for (what, mut times) in pressed.by_kind {
        let [p50, worst] = [0.5, 1.0].map(|share| quantile(&mut times, share));
        Figures::tell(&format!("  {what}, p50 / worst of {}", times.len()), &format!("{p50:.1} / {worst:.1} ms"));
    }
    let unanswered = pressed.unanswered.join(", ");
    figures.bound("keys without an answer within 2 s", pressed.unanswered.len() as f64, 0.0, &unanswered);
    for (name, time) in after {
        let spent = time.saturating_sub(before.get(&name).copied().unwrap_or_default());
        let share = spent.as_secs_f64() * 100.0 / seconds;
        match name.as_str() {
            "screen" => figures.bound("thread screen", share, options.cpu, "% of a core"),
            name if share >= 0.1 => Figures::tell(&format!("thread {name}"), &format!("{share:.1} % of a core")),
            _ => {}
        }
    }
    // The page that shows most of what fades.
    terminal.press("1")?;
    idle(options, &mut terminal, figures)?;
    terminal.end()
}

/// Waits for silence: rates fade for some seconds, and a sparkline moves every 25, neither of them more often.
fn idle(options: &Options, terminal: &mut Terminal, figures: &mut Figures) -> anyhow::Result<()> {
    let (began, silence) = (Instant::now(), Duration::from_secs(options.idle));
    let patience = Duration::from_secs(16) + silence;
    loop {
        let (start, before, process) = (Instant::now(), terminal.bytes(), terminal.process()?);
        let times = threads::times(process)?;
        let woken = terminal.until(start + silence, |_| true)?.is_some();
        let last = began.elapsed() > patience;
        if woken && last {
            terminal.until(start + silence, |_| false)?;
        }
        if !woken || last {
            let bytes = (terminal.bytes() - before) as f64;
            figures.bound(&format!("bytes in {} s of idleness", options.idle), bytes, 0.0, "");
            let now: Duration = threads::times(process)?.values().sum();
            let spent = now.saturating_sub(times.values().sum());
            let share = spent.as_secs_f64() * 100.0 / start.elapsed().as_secs_f64();
            Figures::tell("all threads while idle", &format!("{share:.2} % of a core"));
            Figures::tell("silent after", &format!("{:.1} s", (start - began).as_secs_f64()));
            return Ok(());
        }
    }
}

/// What the program itself says of its pictures, in its log.
fn pace(folder: &Path, figures: &mut Figures, bound: f64) -> anyhow::Result<()> {
    let log = std::fs::read_to_string(folder.join("jwtrail/jwtrail.log")).context("the program wrote no log")?;
    let line =
        log.lines().rfind(|line| line.contains("p99_us=")).context("the log does not tell how long pictures took")?;
    let figure = |name: &str| -> Option<f64> { line.split_once(name)?.1.split_whitespace().next()?.parse().ok() };
    let [pictures, p50, p99] = ["pictures=", "p50_us=", "p99_us="].map(|name| figure(name).unwrap_or(f64::NAN));
    let name = format!("picture by the program, p99 of {pictures}");
    figures.bound(&name, p99 / 1_000.0, bound, &format!("ms, p50 {:.1} ms", p50 / 1_000.0));
    Ok(())
}

/// An address that nobody listens on.
fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
