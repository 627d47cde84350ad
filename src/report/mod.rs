//! What jwtrail says when it is done: to programs as JSON, to people as text, to build servers in the forms that they
//! read.
//!
//! Hops are walked trace by trace and never held all at once: first for the sums, then to be written.

pub mod baseline;
mod evidence;
pub mod github;
pub mod graph;
mod issues;
pub mod json;
pub mod junit;
pub mod markdown;
mod path;
mod rules;
mod safe;
pub mod sarif;
mod selected;
mod style;
pub mod suggest;
pub mod text;
mod words;
mod wrap;

use std::io;
use std::sync::Arc;

use crate::model::{Cause, Confidence, Finding, Hop, Segment, Severity, TraceId, UnixNanos, Verdict};
use crate::trail::Trail;
use crate::trail::summary::{NodeKind, ServiceRow, SetupNote, Summary};

pub use baseline::Baseline;
pub use selected::Selected;
pub use style::Style;

use baseline::Compared;

/// Takes all hops of a trace, and those that the report speaks of.
pub type EachTrace<'a> = dyn FnMut(&[Hop], &[Hop]) -> io::Result<()> + 'a;

/// Where a report takes hops from, one trace after the other, in the report's order.
pub trait HopSource {
    /// Calls `each` once for every trace, by trace start, then id, with its hops by hop start, then callee span id
    /// (caller's where there is none). Stops at the first error, which may be of the source or of `each`.
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()>;

    /// The same, with all hops of the trace before those that the report speaks of: a path is drawn through hops that a
    /// filter leaves out.
    fn walk_within(&self, each: &mut EachTrace<'_>) -> io::Result<()> {
        self.walk(&mut |hops| each(hops, hops))
    }

    /// The filter, as people wrote it, where only some hops are spoken of.
    fn filter(&self) -> Option<String> {
        None
    }
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

/// One verdict that matters, or one finding, on one edge, over all its hops: an accused verdict, or another one above
/// info.
#[derive(Clone, PartialEq, Debug)]
pub struct Issue {
    /// Caller's name, `None` for requests that enter at the callee.
    pub caller: Option<Arc<str>>,
    /// Callee's name.
    pub callee: Arc<str>,
    /// The verdict, `None` for a finding.
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
    /// All hops on the edge; behind a filter, those of them that match.
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
    /// Whether a baseline holds it, as bad as it is now: then it fails no build.
    pub known: bool,
}

impl Issue {
    /// Whether it is an accused verdict or a finding: those are the issues of the JSON report.
    pub fn accuses(&self) -> bool {
        self.finding.is_some() || self.verdict.is_some_and(Verdict::accuses)
    }

    /// Whether it fails a build that minds what is at least this bad.
    pub fn fails(&self, threshold: Severity) -> bool {
        !self.known && self.severity >= threshold
    }
}

/// All hops from one service to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// Caller's name, `None` for requests that enter at the callee.
    pub caller: Option<Arc<str>>,
    /// Callee's name.
    pub callee: Arc<str>,
    /// Hops.
    pub hops: u64,
    /// Those that cannot be judged.
    pub unknown: u64,
    /// Why the first of those cannot be judged.
    pub reason: Option<Cause>,
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
}

/// Which hops a report speaks of, where it does not speak of all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// The filter that they match.
    pub filter: String,
    /// Hops that there are, matching or not.
    pub of: u64,
}

/// A report, ready to be written in any form.
pub struct Report<'a> {
    /// What was read.
    pub input: &'a Input,
    /// The filter, if there is one: sums, issues and hops are of matching hops only, everything else of all.
    pub selection: Option<Selection>,
    /// Sums.
    pub counts: Counts,
    /// Issues, worst first, then by caller, callee, cause.
    pub issues: Vec<Issue>,
    /// Edges, by caller, callee.
    pub edges: Vec<Edge>,
    /// Services that export spans, by name.
    pub services: Vec<ServiceRow>,
    /// What is wrong with the set-up.
    pub setup: Vec<SetupNote>,
    /// How the issues compare with those of an earlier report.
    pub baseline: Option<Compared>,
    /// Where the hops are.
    pub hops: &'a dyn HopSource,
}

impl<'a> Report<'a> {
    /// Sums up; `summary` is the trail's own, of which a report takes services and notes.
    pub fn new(input: &'a Input, summary: Summary, hops: &'a dyn HopSource) -> io::Result<Self> {
        let mut sums = issues::Sums::default();
        let mut of = 0;
        hops.walk_within(&mut |trace, chosen| {
            of += trace.len() as u64;
            sums.add(trace, chosen);
            Ok(())
        })?;
        let selection = hops.filter().map(|filter| Selection { filter, of });
        let (counts, issues, edges) = sums.finish();
        let mut services = summary.services;
        services.retain(|row| row.kind == NodeKind::Service);
        services.sort_by(|a, b| a.name.cmp(&b.name));
        let setup = summary.setup;
        Ok(Self { input, selection, counts, issues, edges, services, setup, baseline: None, hops })
    }

    /// Marks what an earlier report holds already, as bad as it is now.
    #[must_use]
    pub fn against(mut self, baseline: &Baseline) -> Self {
        self.baseline = Some(baseline.compare(&mut self.issues));
        self
    }

    /// Whether anything that is not known is at least this bad: the exit status of `check`.
    pub fn fails(&self, threshold: Severity) -> bool {
        self.issues.iter().any(|issue| issue.fails(threshold))
    }
}
