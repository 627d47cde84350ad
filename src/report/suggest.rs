//! A policy drafted from what was seen: what is plainly meant stands ready, what may be meant stands as a comment, and
//! what is broken is named and left alone.

mod draft;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use super::HopSource;
use crate::model::{Cause, Confidence, Finding, Hop, Severity, SubjectKind, Token, TraceId, Verdict, VerifyResult};
use crate::trail::summary::{NodeKind, Summary};

/// Who called whom; `None` for requests that enter at the callee.
type Pair = (Option<Arc<str>>, Arc<str>);

/// What hops of one operation have in common, as far as a policy can speak of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    /// A token, the same one, or nothing that a policy needs to say.
    Plain,
    /// Not enough is known.
    Unknown,
    /// Exempt by nature or by the policy that was in force.
    Exempt,
    /// No token, and nobody missed it.
    Free,
    /// Exchanged, as the trace itself shows.
    Exchanged,
    /// Another token, taken by the callee: an exchange, if it is meant.
    MaybeExchanged,
    /// The caller's own identity in place of the user's, taken by the callee.
    Own,
    /// Behind a break above.
    Behind,
    /// Broken: nothing that a policy should excuse.
    Broken,
}

/// Hops of one operation on one edge.
#[derive(Default)]
struct Seen {
    kinds: BTreeMap<Kind, u64>,
    /// Issuer and audience of the tokens that came out of a change.
    became: BTreeSet<(String, String)>,
    traces: Traces,
}

/// Traces by the number of their turn in the walk, each once: they may be many.
#[derive(Default)]
struct Traces(Vec<u32>);

impl Traces {
    fn add(&mut self, turn: usize) {
        let turn = u32::try_from(turn).unwrap_or(u32::MAX);
        if self.0.last() != Some(&turn) {
            self.0.push(turn);
        }
    }
}

/// A broken kind of hop on an edge, or a finding.
#[derive(Default)]
struct Broken {
    severity: Option<Severity>,
    count: u64,
    trace: Option<TraceId>,
}

/// What was seen, ready to be written as a policy.
pub struct Suggestion {
    edges: BTreeMap<Pair, BTreeMap<Arc<str>, Seen>>,
    broken: BTreeMap<(Pair, String), Broken>,
    /// Hosts that got the caller's token and are not known: hops, traces.
    leaked: BTreeMap<Arc<str>, (u64, Traces)>,
    /// Services whose observations are missing: hops that stay unknown for it.
    dark: BTreeMap<Arc<str>, u64>,
    /// Services in the middle of calls whose names are those of proxies.
    proxies: BTreeSet<Arc<str>>,
    hops: u64,
    traces: usize,
}

/// Names under which proxies usually run.
const PROXIES: [&str; 8] = ["envoy", "nginx", "traefik", "kong", "haproxy", "apisix", "istio-proxy", "linkerd"];

impl Suggestion {
    /// Walks over all hops, one trace after the other.
    pub fn new(hops: &dyn HopSource, summary: &Summary) -> io::Result<Self> {
        let mut all = Self {
            edges: BTreeMap::new(),
            broken: BTreeMap::new(),
            leaked: BTreeMap::new(),
            dark: BTreeMap::new(),
            proxies: proxies(summary),
            hops: 0,
            traces: 0,
        };
        let services: BTreeMap<&str, (bool, bool)> = summary
            .services
            .iter()
            .filter(|row| row.kind == NodeKind::Service)
            .map(|row| (&*row.name, (row.captures_inbound == Some(false), row.captures_outbound == Some(false))))
            .collect();
        hops.walk(&mut |trace| {
            all.traces += 1;
            for hop in trace {
                all.add(hop, &services);
            }
            Ok(())
        })?;
        Ok(all)
    }

    fn add(&mut self, hop: &Hop, services: &BTreeMap<&str, (bool, bool)>) {
        self.hops += 1;
        let pair: Pair = (hop.caller.as_ref().map(|party| Arc::clone(&party.service)), Arc::clone(&hop.callee.service));
        let kind = kind(hop);
        let seen = self.edges.entry(pair.clone()).or_default().entry(Arc::clone(&hop.operation)).or_default();
        *seen.kinds.entry(kind).or_default() += 1;
        seen.traces.add(self.traces);
        if matches!(kind, Kind::Exchanged | Kind::MaybeExchanged | Kind::Own) {
            seen.became.insert(new_token(hop).map(|token| (issuer(token), audience(token))).unwrap_or_default());
        }
        if kind == Kind::Broken {
            let cause = hop.cause.map_or(String::new(), |cause| format!("/{cause}"));
            self.broke(&pair, format!("{}{cause}", hop.verdict), hop.severity, hop.trace_id);
        }
        for hit in &hop.findings {
            if hit.finding == Finding::Leaked {
                let (count, traces) = self.leaked.entry(Arc::clone(&hop.callee.service)).or_default();
                *count += 1;
                traces.add(self.traces);
            }
            if hit.severity >= Severity::Medium {
                self.broke(&pair, hit.finding.name().to_owned(), hit.severity, hop.trace_id);
            }
        }
        if hop.verdict == Verdict::Unknown && hop.cause == Some(Cause::NotCaptured) {
            let dark = |name: &Arc<str>, inbound: bool| {
                services.get(&**name).is_some_and(|side| if inbound { side.0 } else { side.1 }).then(|| name.clone())
            };
            let callee = dark(&hop.callee.service, true);
            let caller = hop.caller.as_ref().and_then(|party| dark(&party.service, false));
            for name in callee.into_iter().chain(caller) {
                *self.dark.entry(name).or_default() += 1;
            }
        }
    }

    fn broke(&mut self, pair: &Pair, what: String, severity: Severity, trace: TraceId) {
        let broken = self.broken.entry((pair.clone(), what)).or_default();
        broken.severity = broken.severity.max(Some(severity));
        broken.count += 1;
        broken.trace = broken.trace.or(Some(trace));
    }
}

/// Services that call and are called, and whose names are those of proxies: no built-in mark gave them away.
fn proxies(summary: &Summary) -> BTreeSet<Arc<str>> {
    let called = |name: &str| summary.edges.iter().any(|edge| edge.caller.is_some() && &*edge.callee == name);
    let calls = |name: &str| summary.edges.iter().any(|edge| edge.caller.as_deref() == Some(name));
    let named = |name: &str| PROXIES.iter().any(|proxy| name.to_ascii_lowercase().contains(proxy));
    let rows = summary.services.iter().filter(|row| row.kind == NodeKind::Service);
    rows.map(|row| &row.name).filter(|name| named(name) && called(name) && calls(name)).cloned().collect()
}

fn kind(hop: &Hop) -> Kind {
    let refused = hop.verification.result == VerifyResult::Failed || matches!(hop.status, Some(401 | 403 | 16 | 7));
    let well = hop.status.is_some_and(|status| matches!(status, 0 | 101 | 200..300 | 304)) && !refused;
    let sure = hop.confidence > Confidence::Possible;
    match (hop.verdict, hop.cause) {
        (Verdict::Absent, Some(Cause::Exempt)) => Kind::Exempt,
        // What is missing behind a break is the break's doing.
        (Verdict::Absent | Verdict::Intact, Some(Cause::Inherited)) => Kind::Behind,
        (Verdict::Absent, _) if hop.severity > Severity::Info => Kind::Broken,
        (Verdict::Absent, _) if well => Kind::Free,
        (Verdict::Dropped, _) if hop.severity == Severity::Low && well && sure => Kind::Free,
        (Verdict::Exchanged, Some(Cause::Policy)) => Kind::Plain,
        (Verdict::Exchanged, _) if sure && !refused => Kind::Exchanged,
        (Verdict::Exchanged, _) if !refused => Kind::MaybeExchanged,
        (Verdict::Changed, Some(Cause::SubjectSwitched)) if well && sure && to_workload(hop) => Kind::Own,
        (Verdict::Changed, Some(Cause::Reminted | Cause::Replaced)) if well => Kind::MaybeExchanged,
        // Seen again by a retry that worked: nothing to excuse and nothing to mend.
        (Verdict::Dropped | Verdict::Changed | Verdict::Failed, _) if hop.severity == Severity::Info => Kind::Plain,
        (Verdict::Dropped | Verdict::Changed | Verdict::Failed, _) => Kind::Broken,
        (Verdict::Unknown, _) => Kind::Unknown,
        _ => Kind::Plain,
    }
}

fn to_workload(hop: &Hop) -> bool {
    hop.severity <= Severity::Low && new_token(hop).is_some_and(|t| t.subject_kind == Some(SubjectKind::Workload))
}

/// The token that came out of a change.
fn new_token(hop: &Hop) -> Option<&Token> {
    let other = |token: &&Token| hop.inbound.token.as_deref().is_none_or(|from| from.same_as(token) != Some(true));
    [&hop.sent, &hop.received].into_iter().filter_map(|side| side.token.as_deref()).find(other)
}

fn issuer(token: &Token) -> String {
    token.iss.as_deref().unwrap_or_default().to_owned()
}

fn audience(token: &Token) -> String {
    token.aud.join(" ")
}
