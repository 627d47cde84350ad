//! Figures, for people or for programs.

use serde_json::json;

use crate::client::Figures;
use crate::{Load, Options};

const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)];

/// Prints what a run brought.
pub(crate) fn print(name: &str, options: &Options, load: &Load, figures: &Figures) {
    if options.json {
        println!("{}", object(name, options, load, figures));
        return;
    }
    let Figures { sent, accepted, rejected, lost, refusals, broken, .. } = figures;
    let seconds = figures.elapsed.as_secs_f64();
    println!("{name}: {} requests of {} spans and {} bytes", figures.requests, options.spans, load.template.len());
    println!("{name}: {sent} spans sent = {accepted} accepted + {rejected} rejected + {lost} lost");
    println!("{name}: {seconds:.2} s, {:.0} spans a second", *sent as f64 / seconds);
    println!("{name}: {refusals} times told to come again, {broken} connections broke");
    let (dropped, changed) = load.faults.counts(figures.requests);
    if dropped + changed > 0 {
        println!("{name}: in {dropped} traces the token was dropped, in {changed} changed");
    }
    let latencies = PERCENTILES.map(|(name, share)| format!("{name} {:.2} ms", figures.latency(share) as f64 / 1e3));
    println!("{name}: a request took {}", latencies.join(", "));
    if let Some(micros) = a_span(figures) {
        println!("{name}: {micros:.3} µs of processor time a span");
    }
}

fn object(name: &str, options: &Options, load: &Load, figures: &Figures) -> serde_json::Value {
    let (dropped, changed) = load.faults.counts(figures.requests);
    let latencies = PERCENTILES.map(|(name, share)| (name.to_owned(), figures.latency(share).into()));
    json!({
        "server": name,
        "requests": figures.requests,
        "spans_per_request": options.spans,
        "bytes_per_request": load.template.len(),
        "sent": figures.sent,
        "accepted": figures.accepted,
        "rejected": figures.rejected,
        "lost": figures.lost,
        "refusals": figures.refusals,
        "broken_connections": figures.broken,
        "traces_dropped": dropped,
        "traces_changed": changed,
        "seconds": figures.elapsed.as_secs_f64(),
        "latency_us": serde_json::Map::from_iter(latencies),
        "cpu_us_per_span": a_span(figures),
    })
}

/// Processor time of the server a span, in µs: for what it took, since what it refused comes again.
fn a_span(figures: &Figures) -> Option<f64> {
    let cpu = figures.cpu?.as_secs_f64();
    (figures.accepted > 0).then(|| cpu * 1e6 / figures.accepted as f64)
}
