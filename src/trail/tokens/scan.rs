//! One pass over the spans held. Tokens and resources are shared by the spans that name them, so most of it goes by address.

use std::sync::Arc;

use ahash::AHashMap;

use super::Wanted;
use crate::model::{Cause, Fingerprint, Resource, ServiceName, Span, SpanId, Token, UnixNanos, Verdict, VerifyResult};
use crate::trail::Trail;
use crate::trail::kept::Kept;
use crate::trail::profile::Fact;
use crate::trail::store::TraceState;
use crate::trail::views::tokens_of;

/// Spans that are walked up at most to find the token that a span stands under.
const DEPTH: usize = 64;
/// Exchanges that are kept of one token, each way.
pub const EXCHANGES: usize = 8;

/// What a service did: an index into [`Mark::counts`].
#[derive(Clone, Copy)]
enum Did {
    Received,
    Forwarded,
    Verified,
    Said,
    Refused,
}

/// What one service did with one token.
pub struct Mark {
    service: u32,
    /// The trace that `done` speaks of: each counts a trace once.
    trace: u32,
    done: u8,
    /// Start of the first span that shows it.
    pub first: UnixNanos,
    /// Traces: received, forwarded, verified, said so, refused.
    pub counts: [u32; 5],
    /// Why it was refused.
    pub reasons: Vec<(Cause, u64)>,
}

/// Sums of one token.
pub struct Sum<'t> {
    /// Whatever span told most of it.
    pub token: &'t Arc<Token>,
    /// Traces.
    pub traces: u32,
    trace: u32,
    /// First and last start of a span with it.
    pub first_seen: UnixNanos,
    /// See there.
    pub last_seen: UnixNanos,
    /// Services.
    pub marks: Vec<Mark>,
    /// What it was exchanged from.
    pub from: Vec<u32>,
    /// What it was exchanged into.
    pub into: Vec<u32>,
    /// What a tag says that it was exchanged from.
    pub origin: Option<&'t Fingerprint>,
}

/// All tokens of all traces held.
pub struct Scan<'t> {
    /// Tokens in no order.
    pub sums: Vec<Sum<'t>>,
    trail: &'t Trail,
    by_address: AHashMap<*const Token, u32>,
    by_print: AHashMap<&'t Fingerprint, u32>,
    services: Vec<Arc<str>>,
    by_resource: AHashMap<*const Resource, u32>,
    by_service: AHashMap<&'t ServiceName, u32>,
    by_name: AHashMap<Arc<str>, u32>,
    /// Spans of the trace at hand by id, built where it is needed.
    ids: Vec<(SpanId, u32)>,
    /// Tokens of the trace at hand.
    held: Vec<u32>,
}

impl<'t> Scan<'t> {
    /// Reads everything that is held.
    pub fn new(trail: &'t Trail) -> Self {
        let mut scan = Self {
            sums: Vec::new(),
            trail,
            by_address: AHashMap::new(),
            by_print: AHashMap::new(),
            services: Vec::new(),
            by_resource: AHashMap::new(),
            by_service: AHashMap::new(),
            by_name: AHashMap::new(),
            ids: Vec::new(),
            held: Vec::new(),
        };
        for (number, trace) in (1_u32..).zip(trail.traces.values()) {
            scan.trace(number, trace);
        }
        scan.resolve();
        scan
    }

    /// The name of the service that a mark speaks of.
    pub fn service(&self, mark: &Mark) -> &Arc<str> {
        &self.services[mark.service as usize]
    }

    /// Whether a token is chosen.
    pub fn is_wanted(&self, number: u32, wanted: &Wanted<'_>) -> bool {
        let sum = &self.sums[number as usize];
        let services: Vec<&str> = sum.marks.iter().map(|mark| &**self.service(mark)).collect();
        wanted(sum.token, &services)
    }

    fn trace(&mut self, number: u32, trace: &'t TraceState) {
        self.held.clear();
        self.ids.clear();
        for span in &trace.spans {
            for token in tokens_of(span) {
                let at = self.token(token, number, span.start);
                let did = if span.is_call() { Did::Forwarded } else { Did::Received };
                if span.is_call() || span.is_entry() {
                    let service = self.reporting(&span.resource);
                    self.mark(at, service, number, span.start, did);
                }
            }
        }
        if self.held.is_empty() {
            return;
        }
        self.ids.extend((0_u32..).zip(&trace.spans).map(|(at, span)| (span.span_id, at)));
        self.ids.sort_unstable();
        for span in &trace.spans {
            self.handed_on(number, trace, span);
            self.told(number, trace, span);
        }
        for &hop in trace.hops() {
            self.judged(number, trace, hop);
        }
        self.accepted(number, trace);
    }

    /// The number of a token, which this trace holds.
    fn token(&mut self, token: &'t Arc<Token>, trace: u32, start: UnixNanos) -> u32 {
        let at = match self.by_address.get(&Arc::as_ptr(token)) {
            Some(at) => *at,
            None => self.meet(token, start),
        };
        let sum = &mut self.sums[at as usize];
        if sum.trace != trace {
            (sum.trace, sum.traces) = (trace, sum.traces + 1);
            self.held.push(at);
        }
        sum.first_seen = sum.first_seen.min(start);
        sum.last_seen = sum.last_seen.max(start);
        at
    }

    fn meet(&mut self, token: &'t Arc<Token>, start: UnixNanos) -> u32 {
        let prints = || [token.s256.as_ref(), token.h256.as_ref()].into_iter().flatten();
        let known = prints().find_map(|print| self.by_print.get(print).copied());
        let at = known.unwrap_or_else(|| {
            self.sums.push(Sum {
                token,
                traces: 0,
                trace: 0,
                first_seen: start,
                last_seen: start,
                marks: Vec::new(),
                from: Vec::new(),
                into: Vec::new(),
                origin: None,
            });
            self.sums.len() as u32 - 1
        });
        let sum = &mut self.sums[at as usize];
        if token.shows_claims() && !sum.token.shows_claims() {
            sum.token = token;
        }
        for print in prints() {
            self.by_print.insert(print, at);
        }
        self.by_address.insert(Arc::as_ptr(token), at);
        at
    }

    fn reporting(&mut self, resource: &'t Arc<Resource>) -> u32 {
        if let Some(at) = self.by_resource.get(&Arc::as_ptr(resource)) {
            return *at;
        }
        let at = self.named(&resource.service);
        self.by_resource.insert(Arc::as_ptr(resource), at);
        at
    }

    fn named(&mut self, service: &'t ServiceName) -> u32 {
        if let Some(at) = self.by_service.get(service) {
            return *at;
        }
        let at = self.shown(&self.trail.profile.shown(service));
        self.by_service.insert(service, at);
        at
    }

    fn shown(&mut self, name: &Arc<str>) -> u32 {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        self.services.push(Arc::clone(name));
        let at = self.services.len() as u32 - 1;
        self.by_name.insert(Arc::clone(name), at);
        at
    }

    /// Notes what a service did; true where this trace did not show it before.
    fn mark(&mut self, token: u32, service: u32, trace: u32, start: UnixNanos, did: Did) -> bool {
        let marks = &mut self.sums[token as usize].marks;
        let at = marks.iter().position(|mark| mark.service == service).unwrap_or_else(|| {
            marks.push(Mark { service, trace, done: 0, first: start, counts: [0; 5], reasons: Vec::new() });
            marks.len() - 1
        });
        let mark = &mut marks[at];
        if mark.trace != trace {
            (mark.trace, mark.done) = (trace, 0);
        }
        mark.first = mark.first.min(start);
        let bit = 1 << did as u8;
        let fresh = mark.done & bit == 0;
        mark.done |= bit;
        mark.counts[did as usize] += u32::from(fresh);
        fresh
    }

    fn refused(&mut self, token: u32, service: u32, trace: u32, start: UnixNanos, why: Cause) {
        if !self.mark(token, service, trace, start, Did::Refused) {
            return;
        }
        let marks = &mut self.sums[token as usize].marks;
        let Some(mark) = marks.iter_mut().find(|mark| mark.service == service) else { return };
        match mark.reasons.iter_mut().find(|(cause, _)| *cause == why) {
            Some((_, count)) => *count += 1,
            None => mark.reasons.push((why, 1)),
        }
    }

    fn span<'s>(&self, trace: &'s TraceState, id: SpanId) -> Option<&'s Span> {
        let first = self.ids.partition_point(|(known, _)| *known < id);
        let same = self.ids[first..].iter().take_while(|(known, _)| *known == id);
        // Both ends of a call may share an id; the callee's names the hop.
        let spans = same.map(|(_, at)| &trace.spans[*at as usize]);
        spans.max_by_key(|span| span.is_entry())
    }

    fn parent<'s>(&self, trace: &'s TraceState, span: &Span) -> Option<&'s Span> {
        self.span(trace, span.parent_id()?)
    }

    /// What arrived with the caller's service among the spans above was sent by it, whether its own spans show it or not.
    fn handed_on(&mut self, number: u32, trace: &'t TraceState, span: &'t Span) {
        if !span.is_entry() {
            return;
        }
        let Some(token) = tokens_of(span).next() else { return };
        let Some(parent) = self.parent(trace, span) else { return };
        if parent.resource.service == span.resource.service {
            return;
        }
        let (at, service) = (self.token(token, number, span.start), self.reporting(&parent.resource));
        self.mark(at, service, number, parent.start, Did::Forwarded);
    }

    /// The token that a span speaks of: its own, or that of the nearest span above within its service.
    fn spoken_of(&self, trace: &'t TraceState, span: &'t Span) -> Option<&'t Arc<Token>> {
        let mut here = span;
        for _ in 0..DEPTH {
            if let Some(token) = tokens_of(here).next() {
                return Some(token);
            }
            here = self.parent(trace, here).filter(|above| above.resource.service == span.resource.service)?;
        }
        None
    }

    /// What a service's own tags say of its check and of an exchange.
    fn told(&mut self, number: u32, trace: &'t TraceState, span: &'t Span) {
        let Some(tags) = span.tags() else { return };
        let Some(token) = self.spoken_of(trace, span) else { return };
        let (at, service) = (self.token(token, number, span.start), self.reporting(&span.resource));
        match tags.verify_result {
            Some(VerifyResult::Ok) => {
                self.mark(at, service, number, span.start, Did::Verified);
                self.mark(at, service, number, span.start, Did::Said);
            }
            Some(VerifyResult::Failed) => {
                let why = tags.verify_reason.map_or(Cause::Rejected, crate::model::Reason::cause);
                self.refused(at, service, number, span.start, why);
            }
            _ => {}
        }
        if let Some(from) = &tags.exchanged_from {
            self.sums[at as usize].origin.get_or_insert(from);
        }
    }

    /// What a hop's verdict says of its token.
    fn judged(&mut self, number: u32, trace: &'t TraceState, hop: Kept) {
        if !matches!(hop.verdict(), Verdict::Failed | Verdict::Exchanged | Verdict::Changed) {
            return;
        }
        let Some(key) = trace.spans.get(hop.place()) else { return };
        let call = if key.is_entry() { self.parent(trace, key) } else { Some(key) };
        let Some(token) = tokens_of(key).next().or_else(|| tokens_of(call?).next()) else { return };
        let at = self.token(token, number, key.start);
        match hop.verdict() {
            Verdict::Exchanged => {
                if let Some(before) = call.and_then(|call| self.before(trace, call)) {
                    let from = self.token(before, number, key.start);
                    self.exchanged(from, at);
                }
            }
            // A changed token that was turned away was so for what it had become.
            Verdict::Changed if !refused_itself(trace, key) => {}
            _ => {
                let service = self.shown(&Arc::clone(&self.trail.sums.edges[hop.edge()].callee));
                self.refused(at, service, number, hop.start(), hop.cause().unwrap_or(Cause::Rejected));
            }
        }
    }

    /// The token that the service of a call span received.
    fn before(&self, trace: &'t TraceState, call: &'t Span) -> Option<&'t Arc<Token>> {
        let mut here = call;
        for _ in 0..DEPTH {
            here = self.parent(trace, here)?;
            if here.is_entry() {
                return tokens_of(here).next();
            }
        }
        None
    }

    fn exchanged(&mut self, from: u32, into: u32) {
        if from == into {
            return;
        }
        let note = |list: &mut Vec<u32>, token| {
            if list.len() < EXCHANGES && !list.contains(&token) {
                list.push(token);
            }
        };
        note(&mut self.sums[from as usize].into, into);
        note(&mut self.sums[into as usize].from, from);
    }

    /// Services that took a token of this trace, by what the judge learned of it.
    fn accepted(&mut self, number: u32, trace: &'t TraceState) {
        for fact in trace.of_tokens() {
            let Fact::Accepts(print, service, _) = &**fact else { continue };
            let Some(&at) = self.by_print.get(print) else { continue };
            let service = self.named(service);
            let start = self.sums[at as usize].last_seen;
            self.mark(at, service, number, start, Did::Verified);
        }
    }

    /// Joins what tags say to tokens that were seen after all, and puts exchanges in order of time: the map that traces
    /// come out of has none.
    fn resolve(&mut self) {
        for into in 0..self.sums.len() {
            let from = self.sums[into].origin.and_then(|origin| self.by_print.get(origin).copied());
            if let Some(from) = from {
                self.exchanged(from, into as u32);
            }
        }
        for at in 0..self.sums.len() {
            let (mut from, mut into) =
                (std::mem::take(&mut self.sums[at].from), std::mem::take(&mut self.sums[at].into));
            for list in [&mut from, &mut into] {
                list.sort_by_key(|other| {
                    let sum = &self.sums[*other as usize];
                    (sum.first_seen, sum.token.fingerprint())
                });
            }
            (self.sums[at].from, self.sums[at].into) = (from, into);
        }
    }
}

/// Whether an entry span was answered by a refusal that its own service made, as far as the judge saw.
fn refused_itself(trace: &TraceState, entry: &Span) -> bool {
    let status = matches!(entry.http_status, Some(401 | 403)) || matches!(entry.grpc_status, Some(7 | 16));
    let service = &entry.resource.service;
    status && trace.facts().any(|fact| matches!(&**fact, Fact::Refuses(refuses) if refuses == service))
}
