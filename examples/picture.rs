//! The README's picture: the demo's shop against real receivers and the real judge, drawn once every fault was seen.
//!
//! `cargo run --example picture -- assets/map.svg`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jwtrail::app::clock;
use jwtrail::app::demo::{Shop, ShopOptions, expectations};
use jwtrail::engine::{EngineHandle, EngineOptions, INTAKE_BYTES, Snapshot};
use jwtrail::model::policy::Policy;
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Counters, Receivers, VisitorDecoder};
use jwtrail::token::{FingerprintKey, KeySets, Shared};
use jwtrail::trail::{Trail, TrailOptions};
use jwtrail::tui::graph::{EdgeKey, lay_out};
use jwtrail::tui::message::{Action, Message};
use jwtrail::tui::state::State;
use jwtrail::tui::update::update;
use jwtrail::tui::{Depth, Mode, Switch, Theme, picture, view};
use ratatui::buffer::Buffer;

/// Columns and rows of the picture.
const SIZE: (u16, u16) = (120, 40);
const MEMORY: usize = 256 << 20;
/// Requests before the picture is taken, so that each edge has some.
const REQUESTS: u64 = 150;
/// A shop that has not shown every fault by then never will.
const PATIENCE: Duration = Duration::from_secs(60);
/// The problem that the picture looks into.
const SHOWN: (&str, &str) = ("orders", "shipping");

fn main() -> anyhow::Result<()> {
    let path = PathBuf::from(std::env::args().nth(1).context("expected where to write the SVG, found no argument")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let buffer = runtime.block_on(async { tokio::time::timeout(PATIENCE, take()).await })??;
    std::fs::write(&path, picture::svg(&buffer)).with_context(|| format!("cannot write {}", path.display()))
}

/// Runs the shop until every fault was seen, and draws.
async fn take() -> anyhow::Result<Buffer> {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bound = Receivers::bind(Some(free), Some(free))?;
    let (grpc, http) = bound.addresses().grpc.zip(bound.addresses().http).context("the shop needs both receivers")?;
    let shared = Shared::new(&Policy::default(), FingerprintKey::random()?, KeySets::default())?;
    let decoder = VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared)));
    let settle = Duration::from_secs(3);
    let options = TrailOptions { assume_captured: false, settle, memory: MEMORY, spans_per_trace: 10_000 };
    let bounds = EngineOptions { intake_bytes: INTAKE_BYTES, memory: MEMORY };
    let engine = EngineHandle::start(Trail::new(Policy::default(), options), bounds, clock::system())?;
    let intake = Arc::new(engine.intake());
    tokio::spawn(bound.serve(Arc::new(decoder), intake, Arc::new(Counters::default()), std::future::pending()));
    let pace = Duration::from_millis(100);
    let shop = Shop::start_with(grpc, http, ShopOptions { pace, ..ShopOptions::default() }).await?;
    let mut snapshots = engine.snapshots();
    while shop.requests() < REQUESTS || !complete(&snapshots.borrow()) {
        snapshots.changed().await.context("the judging thread has ended")?;
    }
    let switches = shop.faults().list().into_iter().map(|(key, name, on, _)| Switch { key, name: name.to_owned(), on });
    let snapshot = snapshots.borrow_and_update().clone();
    draw(snapshot, vec![format!("{grpc} gRPC"), format!("{http} HTTP")], switches.collect())
}

/// Whether each fault of the shop is among the problems.
fn complete(snapshot: &Snapshot) -> bool {
    expectations().iter().all(|fault| {
        snapshot.problems.iter().any(|row| {
            row.caller.as_deref() == Some(fault.caller)
                && &*row.callee == fault.callee
                && (row.verdict == Some(fault.verdict)
                    || row.finding.is_some_and(|found| fault.findings.contains(&found)))
        })
    })
}

/// The screen as hands would have it: the problem is looked for with the key that moves down.
fn draw(snapshot: Arc<Snapshot>, listening: Vec<String>, switches: Vec<Switch>) -> anyhow::Result<Buffer> {
    let theme = Theme { ascii: false, depth: Depth::True, ..Theme::default() };
    let mut state = State { size: SIZE, listening, switches, mode: Mode::Demo, theme, ..State::default() };
    update(&mut state, Message::Snapshot(snapshot));
    let shown = EdgeKey { caller: Some(SHOWN.0.into()), callee: SHOWN.1.into() };
    for _ in 0..state.snapshot.problems.len() {
        let laid = lay_out(&state.ask());
        update(&mut state, Message::Laid(Arc::new(laid)));
        if state.selection.edge() == Some(&shown) {
            return Ok(view::picture(&state));
        }
        update(&mut state, Message::Act(Action::Down));
    }
    bail!("expected a problem from {} to {}, found none", SHOWN.0, SHOWN.1)
}
