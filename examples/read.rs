//! What reading saved traces costs, judging nothing: processor time a span, cores, memory.
//!
//! ```text
//! cargo run --release --example read -- FILE…
//! ```
//!
//! Linux only (`/proc`).

#![allow(clippy::print_stdout, reason = "figures are what this program is for")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser;

use jwtrail::model::policy::Policy;
use jwtrail::otlp::VisitorDecoder;
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::files::{Options, expand, read_file_with};
use jwtrail::token::{FingerprintKey, KeySets, Shared};

/// The program's own allocator, for the figures to be the program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Args {
    /// Saved traces, of any format.
    files: Vec<PathBuf>,
    /// Threads that decode.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let shared = Shared::new(&Policy::default(), FingerprintKey::random()?, KeySets::load(&[])?)?;
    let decoder = VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared)));
    let mut options = Options::default();
    options.threads = args.threads.unwrap_or(options.threads);
    for file in expand(&args.files).files {
        let (began, used) = (Instant::now(), processor_seconds()?);
        let report = read_file_with(&file.path, &decoder, &options, &mut drop)?;
        let (wall, used) = (began.elapsed().as_secs_f64(), processor_seconds()? - used);
        println!("{}: {:?}, {} records, {} spans", file.path.display(), report.format, report.records, report.spans);
        println!("  {:.3} µs of processor time a span", used * 1e6 / report.spans as f64);
        println!("  {wall:.2} s, {:.2} cores, at most {} MiB of memory so far", used / wall, peak_mib()?);
        println!("  {} damaged, cut off: {:?}", report.damaged_total, report.truncated);
    }
    Ok(())
}

/// Processor time of this process, all threads together.
fn processor_seconds() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let behind = text.rsplit_once(") ").context("expected a name in /proc/self/stat")?.1;
    let ticks: u64 = behind.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

/// The most memory that this process ever had in use.
fn peak_mib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
    Ok(kib.context("expected VmHWM in /proc/self/status")? / 1024)
}
