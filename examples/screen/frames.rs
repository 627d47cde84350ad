//! What one picture costs, and one snapshot: the judge and the screen in this process, without terminal or network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jwtrail::engine::{Snapshot, Totals};
use jwtrail::model::UnixNanos;
use jwtrail::model::policy::Policy;
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Decode as _, Encoding, Signal, VisitorDecoder};
use jwtrail::token::{FingerprintKey, KeySets, Shared};
use jwtrail::trail::summary::Summary;
use jwtrail::trail::{Trail, TrailOptions};
use jwtrail::tui::graph::lay_out;
use jwtrail::tui::message::{Action, Message};
use jwtrail::tui::state::State;
use jwtrail::tui::update::update;
use jwtrail::tui::{Depth, Theme, view};

use crate::figures::{Figures, quantile};
use crate::shop::Shop;

const PAGES: [(&str, Action); 5] = [
    ("map", Action::ViewMap),
    ("problems", Action::ViewProblems),
    ("traces", Action::ViewTraces),
    ("tokens", Action::ViewTokens),
    ("services", Action::ViewServices),
];
/// Requests of the shop that are judged first.
const REQUESTS: u64 = 64;
/// When the shop is: any time serves.
const NOW: u64 = 1_768_478_400_000_000_000;

/// Prints the figures.
pub(crate) fn measure(figures: &mut Figures, shop: &Shop, pictures: usize, bound: f64) -> anyhow::Result<()> {
    let mut trail = filled(shop)?;
    let mut summaries = Vec::new();
    let mut summary = Summary::default();
    for turn in 0..30 {
        let began = Instant::now();
        summary = trail.summary(UnixNanos(NOW + turn * 34_000_000));
        summaries.push(began.elapsed());
    }
    let of = format!(
        "{} services, {} edges, {} problems",
        summary.services.len(),
        summary.edges.len(),
        summary.problems.len()
    );
    Figures::tell("a snapshot of", &of);
    Figures::tell("drawn up by the engine, p50 / p99", &pair(&mut summaries));
    let snapshot = Snapshot {
        revision: 1,
        now: UnixNanos(NOW),
        totals: Totals { spans: 1_000_000, traces: 100_000, hops: 200_000, ..Totals::default() },
        services: summary.services,
        edges: summary.edges,
        problems: summary.problems,
        setup: summary.setup,
    };
    for size in [(120, 40), (200, 60)] {
        for (name, view) in PAGES {
            let mut times = draw(&snapshot, size, view, pictures);
            let name = format!("picture of {name} at {}x{}, p99", size.0, size.1);
            let p99 = quantile(&mut times, 0.99);
            figures.bound(&name, p99, bound, &format!("ms, p50 {:.2} ms", quantile(&mut times, 0.5)));
        }
    }
    Ok(())
}

fn pair(times: &mut [Duration]) -> String {
    let [p50, p99] = [0.5, 0.99].map(|share| quantile(times, share));
    format!("{p50:.2} / {p99:.2} ms")
}

/// Every edge of the shop, judged.
fn filled(shop: &Shop) -> anyhow::Result<Trail> {
    let shared = Shared::new(&Policy::default(), FingerprintKey::random()?, KeySets::default())?;
    let decoder = VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared)));
    let settle = Duration::from_secs(15);
    let options = TrailOptions { assume_captured: false, settle, memory: 1 << 30, spans_per_trace: 10_000 };
    let mut trail = Trail::new(Policy::default(), options);
    for number in 0..REQUESTS {
        let now = NOW - (REQUESTS - number) * 10_000_000;
        let batch = decoder.decode(Signal::Traces, Encoding::Protobuf, &shop.request(1, number, now))?;
        trail.ingest(batch, UnixNanos(now));
        trail.tick(UnixNanos(now));
    }
    Ok(trail)
}

/// How long the screen takes for a new snapshot, a key in between, and the picture.
fn draw(snapshot: &Snapshot, size: (u16, u16), page: Action, pictures: usize) -> Vec<Duration> {
    let theme = Theme { ascii: false, depth: Depth::Indexed, ..Theme::default() };
    let mut state = State { size, theme, ..State::default() };
    update(&mut state, Message::Snapshot(Arc::new(snapshot.clone())));
    update(&mut state, Message::Act(page));
    let laid = lay_out(&state.ask());
    update(&mut state, Message::Laid(Arc::new(laid)));
    let mut times = Vec::new();
    for turn in 0..pictures {
        let newest = Arc::new(Snapshot { revision: turn as u64 + 2, ..snapshot.clone() });
        let began = Instant::now();
        update(&mut state, Message::Snapshot(newest));
        if turn % 2 == 1 {
            update(&mut state, Message::Act(if turn % 32 < 16 { Action::Down } else { Action::Up }));
        }
        let ask = state.ask();
        std::hint::black_box((state.laid.serves(&ask), state.wants(), view::picture(&state)));
        times.push(began.elapsed());
    }
    times
}
