//! What jwtrail says of itself in `/metrics`: every counter and every loss. No service, no route and no token is a label:
//! what strangers send must not make the list longer.

use std::sync::Arc;

use tokio::sync::watch;

use super::exposition::{Exposition, Kind};
use super::process;
use crate::engine::{Intake, Snapshot, Totals};
use crate::model::Verdict;
use crate::otlp::Counters;
use crate::otlp::admin::MetricsFormat;
use crate::otlp::counters::Figure;
use crate::otlp::forward::Forwarded;
use crate::otlp::record::Progress;

/// Where the numbers come from.
pub(in crate::app) struct Sources {
    /// What came in.
    pub counters: Arc<Counters>,
    /// What waits to be judged.
    pub intake: Intake,
    /// What was judged.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What was recorded.
    pub recording: Option<Progress>,
    /// What was passed on.
    pub forwarding: Option<Forwarded>,
}

impl Sources {
    /// All metrics.
    pub(super) fn written(&self, format: MetricsFormat, ready: bool) -> String {
        let mut out = Exposition::new(format);
        out.metric(Kind::Gauge, "jwtrail_build_info", "The version that runs.")
            .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        out.gauge("jwtrail_ready", "1 while spans are taken, 0 before and after.", u8::from(ready));
        self.receivers(&mut out);
        let snapshot = Arc::clone(&self.snapshots.borrow());
        engine(&mut out, &snapshot.totals);
        out.gauge("jwtrail_intake_bytes", "Bytes accepted and not judged yet.", self.intake.in_flight());
        rows(&mut out, &snapshot);
        if let Some(recording) = &self.recording {
            recorder(&mut out, recording);
        }
        if let Some(forwarding) = &self.forwarding {
            forwarder(&mut out, forwarding);
        }
        own_log(&mut out);
        process(&mut out);
        out.finish()
    }

    fn receivers(&self, out: &mut Exposition) {
        let protocols = self.counters.protocols().map(|(name, counters)| (name, counters.each().collect::<Vec<_>>()));
        let [(_, first), ..] = &protocols;
        for (at, figure) in first.iter().enumerate() {
            family(out, figure);
            for (protocol, figures) in &protocols {
                if let Some(figure) = figures.get(at) {
                    out.sample(&[("protocol", protocol)], figure.value);
                }
            }
        }
        for figure in self.counters.connections.each() {
            family(out, &figure).sample(&[], figure.value);
        }
    }
}

/// Begins a figure of the receivers.
fn family<'o>(out: &'o mut Exposition, figure: &Figure) -> &'o mut Exposition {
    let (kind, suffix) = if figure.gauge { (Kind::Gauge, "") } else { (Kind::Counter, "_total") };
    out.metric(kind, &format!("jwtrail_receiver_{}{suffix}", figure.name), &format!("{}.", figure.help))
}

fn engine(out: &mut Exposition, totals: &Totals) {
    let lost = &totals.lost;
    out.counter("jwtrail_spans_total", "Spans judged, duplicates included.", totals.spans);
    out.counter("jwtrail_log_records_total", "Log records judged with them.", totals.logs);
    out.counter("jwtrail_duplicate_spans_total", "Spans that were there already.", totals.duplicates);
    out.gauge("jwtrail_traces", "Traces held.", totals.traces);
    // Late evidence moves a hop from one verdict to another, so that these go down as well.
    out.metric(Kind::Gauge, "jwtrail_hops", "Hops judged since start, by the verdict that they have now.");
    for (verdict, hops) in Verdict::ALL.iter().zip(totals.verdicts) {
        out.sample(&[("verdict", verdict.name())], hops);
    }
    let help =
        "Spans that were sent and cannot be judged: unreadable, in an evicted trace, beyond the bound of one trace.";
    out.metric(Kind::Counter, "jwtrail_lost_spans_total", help)
        .sample(&[("reason", "rejected")], lost.rejected)
        .sample(&[("reason", "evicted")], lost.evicted_spans)
        .sample(&[("reason", "trace_overflow")], lost.trace_overflow);
    out.counter("jwtrail_evicted_traces_total", "Traces let go whole to stay within --memory.", lost.evicted_traces);
    let help = "Times that a name of a service, process or destination was one too many.";
    out.counter("jwtrail_folded_names_total", help, lost.folded_names);
    out.counter("jwtrail_folded_hops_total", "Hops on edges beyond the bound on those.", lost.folded_edges);
    let help = "Requests told to come again because too much waited to be judged.";
    out.counter("jwtrail_engine_refused_requests_total", help, lost.refused_requests);
    out.counter("jwtrail_bad_tags_total", "Malformed jwtrail.* fingerprints that were dropped.", lost.bad_tags);
    out.gauge("jwtrail_memory_used_bytes", "Bytes kept for judging.", totals.memory_used);
    out.gauge("jwtrail_memory_limit_bytes", "The bound on that, --memory.", totals.memory_limit);
}

fn rows(out: &mut Exposition, snapshot: &Snapshot) {
    out.gauge("jwtrail_services", "Nodes of the call graph.", snapshot.services.len());
    out.gauge("jwtrail_edges", "Edges of the call graph.", snapshot.edges.len());
    out.metric(Kind::Gauge, "jwtrail_problems", "Problems that stand, by verdict.");
    for verdict in Verdict::ALL.iter().filter(|verdict| verdict.accuses()) {
        let standing = snapshot.problems.iter().filter(|row| row.verdict == Some(*verdict)).count();
        out.sample(&[("verdict", verdict.name())], standing);
    }
    let findings = snapshot.problems.iter().filter(|row| row.finding.is_some()).count();
    out.gauge("jwtrail_findings", "Findings that stand beside the verdicts.", findings);
    out.gauge("jwtrail_setup_notes", "What is wrong with the set-up, as the screen says it.", snapshot.setup.len());
}

fn recorder(out: &mut Exposition, recording: &Progress) {
    out.counter("jwtrail_recorded_spans_total", "Spans written by --record.", recording.spans());
    out.counter("jwtrail_recorded_files_total", "Files begun by --record.", recording.files());
    out.counter("jwtrail_removed_recordings_total", "Files removed for newer ones.", recording.removed());
    out.gauge("jwtrail_record_queue_bytes", "Bytes that wait for the disk.", recording.waiting());
    out.metric(Kind::Counter, "jwtrail_unrecorded_spans_total", "Spans taken that --record lost.");
    for (reason, spans) in recording.lost_spans() {
        out.sample(&[("reason", reason)], spans);
    }
}

fn forwarder(out: &mut Exposition, forwarding: &Forwarded) {
    for (name, help, value) in forwarding.each() {
        let kind = if name.ends_with("_total") { Kind::Counter } else { Kind::Gauge };
        out.metric(kind, &format!("jwtrail_{name}"), &format!("{help}.")).sample(&[], value);
    }
}

fn own_log(out: &mut Exposition) {
    let log = crate::app::logs::counters();
    out.counter("jwtrail_log_lines_total", "Lines of jwtrail's own log.", log.lines);
    out.counter("jwtrail_log_lost_lines_total", "Lines of it that could not be written.", log.lost);
    out.counter("jwtrail_log_rotations_total", "Times that it began anew, being full.", log.rotations);
}

fn process(out: &mut Exposition) {
    if let Some(bytes) = process::resident_bytes() {
        out.gauge("process_resident_memory_bytes", "Memory of this process that is in RAM.", bytes);
    }
    if let Some(seconds) = process::cpu_seconds() {
        let help = "Processor time of this process, user and system.";
        out.counter("process_cpu_seconds_total", help, format_args!("{seconds:.6}"));
    }
    if let Some(open) = process::open_files() {
        out.gauge("process_open_fds", "Files and sockets that are open.", open);
    }
    let help = "When this process started, in seconds of Unix time.";
    out.gauge("process_start_time_seconds", help, format_args!("{:.3}", process::started()));
}
