//! What jwtrail says when it is done: to programs as JSON, to people as text.
//!
//! Hops are walked trace by trace and never held all at once: first for the sums, then to be written.

mod evidence;
pub mod graph;
mod issues;
pub mod json;
mod path;
mod safe;
mod style;
pub mod suggest;
pub mod text;

use std::io;
use std::sync::Arc;

use crate::model::{Cause, Confidence, Finding, Hop, Segment, Severity, TraceId, UnixNanos, Verdict};
use crate::trail::Trail;
use crate::trail::summary::{NodeKind, ServiceRow, SetupNote, Summary};

pub use style::Style;

/// Where a report takes hops from, one trace after the other, in the report's order.
pub trait HopSource {
    /// Calls `each` once for every trace, by trace start, then id, with its hops by hop start, then callee span id
    /// (caller's where there is none). Stops at the first error, which may be of the source or of `each`.
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()>;
}

impl HopSource for Trail {
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()> {
        self.trace_ids().into_iter().try_for_each(|trace| each(&self.hops_of(trace)))
    }
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Input {
    /// Files as named by the user; the listeners' addresses where spans were received.
    pub files: Vec<String>,
    /// Spans, duplicates included.
    pub spans: u64,
    /// Traces judged.
    pub traces: u64,
    /// Log records.
    pub logs: u64,
    /// Spans that were there already.
    pub duplicates: u64,
    /// Spans that could not be read or have no usable id.
    pub rejected: u64,
    /// Spans that were judged and then evicted, or refused, to stay within memory: not among the hops below.
    pub lost: u64,
}

/// One accused verdict, or one finding, on one edge, over all its hops.
#[derive(Clone, PartialEq, Debug)]
pub struct Issue {
    /// Caller's name, `None` for requests that enter at the callee.
    pub caller: Option<Arc<str>>,
    /// Callee's name.
    pub callee: Arc<str>,
    /// The accused verdict, `None` for a finding.
    pub verdict: Option<Verdict>,
    /// Its cause.
    pub cause: Option<Cause>,
    /// The finding, `None` for a verdict.
    pub finding: Option<Finding>,
    /// Segment of the worst hop.
    pub segment: Option<Segment>,
    /// Worst severity.
    pub severity: Severity,
    /// Confidence of the surest hop of that severity.
    pub confidence: Confidence,
    /// Hops with it.
    pub count: u64,
    /// All hops on the edge.
    pub of: u64,
    /// Start of the first hop with it.
    pub first_seen: UnixNanos,
    /// Start of the last hop with it.
    pub last_seen: UnixNanos,
    /// At most five traces that show it, oldest first.
    pub traces: Vec<TraceId>,
    /// What to look at.
    pub hint: Option<String>,
    /// The worst hop, the surest of those, the first of those.
    pub sample: Hop,
    /// The hops by which the request came to it, from where it entered; the sample itself comes last.
    pub path: Vec<Hop>,
}

/// Sums over all hops.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Hops.
    pub hops: u64,
    /// By verdict, in the order of [`Verdict::ALL`].
    pub verdicts: [u64; Verdict::ALL.len()],
    /// By finding, in the order of [`Finding::ALL`].
    pub findings: [u64; Finding::ALL.len()],
    /// Worst severity of any verdict or finding, `None` without a hop.
    pub worst: Option<Severity>,
    /// Worst severity that is somebody's fault: accused verdicts, findings, and whatever is above info.
    pub failing: Option<Severity>,
}

/// A report, ready to be written in any form.
pub struct Report<'a> {
    /// What was read.
    pub input: &'a Input,
    /// Sums.
    pub counts: Counts,
    /// Issues, worst first, then by caller, callee, cause.
    pub issues: Vec<Issue>,
    /// Services that export spans, by name.
    pub services: Vec<ServiceRow>,
    /// What is wrong with the set-up.
    pub setup: Vec<SetupNote>,
    /// Where the hops are.
    pub hops: &'a dyn HopSource,
}

impl<'a> Report<'a> {
    /// Sums up; `summary` is the trail's own, of which a report takes services and notes.
    pub fn new(input: &'a Input, summary: Summary, hops: &'a dyn HopSource) -> io::Result<Self> {
        let mut sums = issues::Sums::default();
        hops.walk(&mut |trace| {
            sums.add(trace);
            Ok(())
        })?;
        let (counts, issues) = sums.finish();
        let mut services = summary.services;
        services.retain(|row| row.kind == NodeKind::Service);
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { input, counts, issues, services, setup: summary.setup, hops })
    }

    /// Whether anything is at least this bad: the exit status of `check`.
    pub fn fails(&self, threshold: Severity) -> bool {
        self.counts.failing.is_some_and(|worst| worst >= threshold)
    }
}
