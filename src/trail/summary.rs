//! Rows that people read: services, edges and problems, summed up over judged hops.

use std::sync::Arc;

use crate::model::{Cause, Confidence, Finding, Hop, Segment, Severity, TraceId, UnixNanos, Verdict};

/// What stands at the end of an edge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeKind {
    /// A service that exports spans.
    Service,
    /// A host that never reports.
    External,
    /// A message destination.
    Queue,
    /// A database or cache.
    Database,
}

/// One node of the call graph.
#[derive(Clone, PartialEq, Debug)]
pub struct ServiceRow {
    /// Name as shown; two rows never share one.
    pub name: Arc<str>,
    /// What it is.
    pub kind: NodeKind,
    /// `telemetry.sdk.language`, empty where not known.
    pub language: Arc<str>,
    /// `telemetry.sdk.name`, empty where not known (Envoy says `envoy`).
    pub sdk: Arc<str>,
    /// Spans seen.
    pub spans: u64,
    /// Whether its entry spans show what they received; `None` where it has none.
    pub captures_inbound: Option<bool>,
    /// Whether its call spans show what they sent; `None` where it has none.
    pub captures_outbound: Option<bool>,
    /// Whether it captures what proves that a header was not there (`traceparent`, `user-agent`, `host`), or tags absence
    /// itself.
    pub witness: bool,
    /// Whether it was seen to check tokens; `None` where nothing says so.
    pub verifies: Option<bool>,
    /// How that is known.
    pub check: CheckGround,
}

impl ServiceRow {
    /// A node that no span tells of.
    pub fn silent(name: &Arc<str>, kind: NodeKind) -> Self {
        let nothing: Arc<str> = "".into();
        Self {
            name: Arc::clone(name),
            kind,
            language: Arc::clone(&nothing),
            sdk: nothing,
            spans: 0,
            captures_inbound: None,
            captures_outbound: None,
            witness: false,
            verifies: None,
            check: CheckGround::default(),
        }
    }
}

/// How it is known whether a service checks tokens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CheckGround {
    /// Its own tags say so (`jwtrail.verify.result`).
    pub says: bool,
    /// It was seen to refuse a token by itself.
    pub refuses: bool,
    /// Keys that its own tags name (`jwtrail.verify.key_fp`), or the `kid` of what it says to have checked; at most
    /// eight.
    pub keys: Vec<Arc<str>>,
}

/// One edge of the call graph.
#[derive(Clone, PartialEq, Debug)]
pub struct EdgeRow {
    /// Caller's name, `None` for requests that enter here.
    pub caller: Option<Arc<str>>,
    /// Callee's name.
    pub callee: Arc<str>,
    /// Hops seen.
    pub hops: u64,
    /// Hops by verdict, indexed by `Verdict as usize`.
    pub verdicts: [u64; 8],
    /// Worst severity of its hops, findings included.
    pub severity: Severity,
    /// The verdict to draw: the worst accused one, else the most frequent; unknown only while the newest hops are.
    pub shown: Verdict,
    /// Hops per second over the last ten seconds.
    pub rate: f32,
    /// Start of the newest hop.
    pub last_seen: UnixNanos,
    /// Waypoints passed, by name.
    pub waypoints: Vec<Arc<str>>,
    /// The newest hop with the shown verdict.
    pub sample: Arc<Hop>,
}

/// One problem: an accused verdict or a finding on an edge, over all its hops.
#[derive(Clone, PartialEq, Debug)]
pub struct ProblemRow {
    /// Caller's name, `None` for requests that enter here.
    pub caller: Option<Arc<str>>,
    /// Callee's name.
    pub callee: Arc<str>,
    /// The accused verdict; `None` for a finding.
    pub verdict: Option<Verdict>,
    /// Its cause; `None` for a finding.
    pub cause: Option<Cause>,
    /// The finding; `None` for a verdict.
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
    /// Start of the newest hop with it.
    pub last_seen: UnixNanos,
    /// At most five traces that show it, oldest first.
    pub traces: Vec<TraceId>,
    /// Hops with it in each of the last twelve slots of 25 seconds, oldest first.
    pub spark: [u32; 12],
    /// The newest hop with it.
    pub sample: Arc<Hop>,
    /// What to look at.
    pub hint: Option<String>,
}

/// Something wrong with the set-up, not with a hop (verdicts.md section 10, last paragraph).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SetupNote {
    /// Most traces hold one service: trace context is not propagated, so nothing can be judged.
    ContextBroken {
        /// Traces that hold one service.
        single: u64,
        /// All traces.
        all: u64,
    },
    /// Clocks of two services stand apart.
    SkewSuspected {
        /// The service whose call began later than the callee's entry.
        caller: Arc<str>,
        /// The service called.
        callee: Arc<str>,
        /// By how much, in milliseconds.
        ms: u64,
    },
    /// A service whose spans show nothing about tokens.
    Dark {
        /// The service.
        service: Arc<str>,
        /// What to set, for its stack.
        advice: &'static str,
    },
    /// A service without a name of its own.
    Nameless {
        /// As it is shown.
        service: Arc<str>,
    },
    /// The intake side has something to say: keys unreachable, a listener open to the network, …
    Intake(String),
}

/// A problem that appeared, grew worse, or was taken back: one line of `serve`.
#[derive(Clone, PartialEq, Debug)]
pub enum Announcement {
    /// First hop with this (caller, callee, verdict or finding, cause).
    New(Box<ProblemRow>),
    /// Late evidence took back all that was said.
    Withdrawn(Box<ProblemRow>),
}

/// All rows of one moment.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Summary {
    /// Nodes, in order of first appearance.
    pub services: Vec<ServiceRow>,
    /// Edges, in order of first appearance.
    pub edges: Vec<EdgeRow>,
    /// Problems, worst first, then by caller, callee, cause.
    pub problems: Vec<ProblemRow>,
    /// What is wrong with the set-up.
    pub setup: Vec<SetupNote>,
}
