//! What happens, for the log: problems as they come and go, losses as they grow, the sums at the end.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::engine::{Losses, Snapshot};
use crate::model::{Finding, Verdict};
use crate::trail::summary::ProblemRow;

/// Losses are told at most so often: under pressure they grow with each request.
const LOSSES_EVERY: Duration = Duration::from_secs(10);

/// Problems told in one look; of more, the number.
const MOST_PROBLEMS: usize = 20;

/// Looked at once a second.
pub(in crate::app) struct Events {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    revision: u64,
    problems: BTreeSet<String>,
    lost: (Losses, Vec<String>),
    told_losses: Option<Instant>,
}

impl Events {
    pub(in crate::app) fn new(snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self {
            snapshots,
            revision: 0,
            problems: BTreeSet::new(),
            lost: (Losses::default(), Vec::new()),
            told_losses: None,
        }
    }

    /// Tells what is new; `intake` is what was lost before the engine.
    pub(in crate::app) fn look(&mut self, intake: &[String]) {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        if snapshot.revision != self.revision {
            self.revision = snapshot.revision;
            self.problems(&snapshot.problems);
        }
        self.losses(snapshot.totals.lost, intake);
    }

    fn problems(&mut self, rows: &[ProblemRow]) {
        let now: BTreeSet<String> = rows.iter().map(sentence).collect();
        let fresh: Vec<&String> = now.difference(&self.problems).collect();
        let gone: Vec<&String> = self.problems.difference(&now).collect();
        for row in fresh.iter().take(MOST_PROBLEMS) {
            tracing::info!("new problem: {row}");
        }
        for row in gone.iter().take(MOST_PROBLEMS) {
            tracing::info!("withdrawn: {row}");
        }
        let more = fresh.len().saturating_sub(MOST_PROBLEMS) + gone.len().saturating_sub(MOST_PROBLEMS);
        if more > 0 {
            tracing::info!(more, "problems came and went");
        }
        self.problems = now;
    }

    fn losses(&mut self, engine: Losses, intake: &[String]) {
        let recently = self.told_losses.is_some_and(|told| told.elapsed() < LOSSES_EVERY);
        if recently || (self.lost.0 == engine && self.lost.1 == intake) {
            return;
        }
        if self.lost.0 != engine {
            let Losses {
                rejected,
                refused_requests,
                evicted_traces,
                evicted_spans,
                trace_overflow,
                folded_names,
                folded_edges,
                bad_tags,
            } = engine;
            tracing::warn!(
                rejected,
                refused_requests,
                evicted_traces,
                evicted_spans,
                trace_overflow,
                folded_names,
                folded_edges,
                bad_tags,
                "lost so far"
            );
        }
        for sentence in intake.iter().filter(|sentence| !self.lost.1.contains(sentence)) {
            tracing::warn!("{sentence}");
        }
        self.lost = (engine, intake.to_vec());
        self.told_losses = Some(Instant::now());
    }

    /// Tells the sums.
    pub(in crate::app) fn sums(snapshot: &Snapshot) {
        let totals = &snapshot.totals;
        tracing::info!(
            spans = totals.spans,
            logs = totals.logs,
            duplicates = totals.duplicates,
            traces = totals.traces,
            hops = totals.hops,
            problems = snapshot.problems.len(),
            lost_spans = totals.lost.spans(),
            refused_requests = totals.lost.refused_requests,
            "judged in all"
        );
    }
}

/// What a problem is and where, without what changes as it goes on.
fn sentence(row: &ProblemRow) -> String {
    let what = row.verdict.map(Verdict::name).or(row.finding.map(Finding::name));
    let cause = row.cause.map(|cause| format!("/{}", cause.name())).unwrap_or_default();
    let from = row.caller.as_deref().unwrap_or("(outside)");
    format!("{} {}{cause} {from} -> {}", row.severity.name(), what.unwrap_or("?"), row.callee)
}
