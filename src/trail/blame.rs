//! One break, one accusation: what hops inherit from those above, and what later tries mend (verdicts.md section 4).

use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{Cause, Confidence, SpanId, SpanKind, UnixNanos, Verdict};

use super::compare::{Change, Subject, subject};
use super::judge::{EntryState, Judged, Taint};
use super::observe::What;
use super::pairing::{At, Caller, Forest};
use super::sides::Inbound;

/// Behind a break, a hop that only passes on what it got is not accused.
pub fn inherit(hop: &mut Judged<'_>, inbound: &Inbound<'_>) {
    match (inbound.taint, hop.ruling.verdict) {
        (Taint::Lost(blame), Verdict::Absent) => {
            hop.ruling.cause = Some(Cause::Inherited);
            hop.ruling.anomaly = false;
            hop.blame = Some(blame);
        }
        (Taint::Changed(blame), Verdict::Intact) => {
            hop.ruling.cause = Some(Cause::Inherited);
            hop.blame = Some(blame);
        }
        // A placeholder that came in and goes out again is no new one.
        (Taint::Clean, Verdict::Absent) if inbound.observed.what == What::Placeholder => hop.ruling.anomaly = false,
        (Taint::Lost(blame), Verdict::Unknown)
            if inbound.stand_in.is_none() && hop.sent.none_there() && hop.received.none_there() =>
        {
            hop.ruling.verdict = Verdict::Absent;
            hop.ruling.cause = Some(Cause::Inherited);
            hop.ruling.confidence = Confidence::Possible;
            hop.blame = Some(blame);
        }
        _ => {}
    }
}

/// Writes what the callee's entry passes on to the hops below it.
pub fn pass_on<'a>(states: &mut [EntryState<'a>], entry: usize, hop: &Judged<'a>, forest: &Forest<'a>) {
    let taint = taint_of(hop, forest);
    let first = states[entry].received.is_none();
    let state = &mut states[entry];
    if first {
        state.received = Some(hop.received.clone());
        state.taint = taint;
    } else {
        if let Some(received) = &mut state.received {
            received.join(hop.received.clone());
        }
        // Several hops into one entry: one that brought a token keeps it clean.
        let brought = matches!(hop.ruling.verdict, Verdict::Intact | Verdict::Originated | Verdict::Exchanged);
        if brought || state.taint == Taint::Clean {
            state.taint = if brought { taint } else { state.taint };
        }
    }
    if hop.received.known() || state.stand_in.is_some() {
        return;
    }
    let message = hop.pair.linked
        || forest.own().spans[entry].kind == SpanKind::Consumer
        || hop.call().is_some_and(|at| forest.span(at).kind == SpanKind::Producer);
    let lost = matches!(taint, Taint::Lost(_));
    let known = [&hop.sent, &hop.inbound].into_iter().find(|side| !side.tokens.is_empty());
    if let Some(known) = known.filter(|_| !lost && hop.sent.what != What::Absent) {
        let mut stand_in = known.clone();
        stand_in.what = What::Token;
        state.stand_in = Some(stand_in);
        state.over_message |= message;
    }
}

fn taint_of(hop: &Judged<'_>, forest: &Forest<'_>) -> Taint {
    let here = || hop.key_span(forest).map(|span| span.span_id).unwrap_or_default();
    match (hop.ruling.verdict, hop.ruling.cause) {
        (Verdict::Dropped, _) | (Verdict::Changed, Some(Cause::Placeholder)) => Taint::Lost(here()),
        (Verdict::Changed, _) => Taint::Changed(here()),
        (Verdict::Absent, Some(Cause::Inherited)) => hop.blame.map_or(Taint::Clean, Taint::Lost),
        (Verdict::Intact, Some(Cause::Inherited)) => hop.blame.map_or(Taint::Clean, Taint::Changed),
        _ => Taint::Clean,
    }
}

/// A token seen unchanged behind services that show nothing went through them: those hops are intact, likely.
pub fn through_dark_services(hops: &mut [Judged<'_>]) {
    if !hops.iter().any(|hop| hop.ruling.verdict == Verdict::Unknown && hop.pair.entry.is_some()) {
        return;
    }
    // Hops by the entry that their caller received the request with.
    let mut below: AHashMap<usize, Vec<usize>> = AHashMap::new();
    for (i, hop) in hops.iter().enumerate() {
        if let Some(entry) = hop.inbound_entry {
            below.entry(entry).or_default().push(i);
        }
    }
    // Children stand behind their parents, so one pass from the end sees each subtree whole.
    for i in (0..hops.len()).rev() {
        let hop = &hops[i];
        if hop.ruling.verdict != Verdict::Unknown || hop.ruling.cause == Some(Cause::CallerUnseen) {
            continue;
        }
        let carried: Vec<_> = hop.sent.tokens.iter().chain(&hop.inbound.tokens).map(|seen| seen.token).collect();
        let arrived = !carried.is_empty()
            && hop.pair.group.iter().filter_map(|entry| below.get(entry)).flatten().any(|&child| {
                let child = &hops[child];
                let seen = child.inbound.tokens.iter().chain(&child.sent.tokens).chain(&child.received.tokens);
                let bridged = child.inbound.ground == super::observe::Ground::Bridge;
                (!bridged || child.ruling.verdict == Verdict::Intact)
                    && seen.into_iter().any(|s| carried.iter().any(|mine| mine.same_as(s.token) == Some(true)))
            });
        if arrived {
            hops[i].ruling.verdict = Verdict::Intact;
            hops[i].ruling.cause = None;
            hops[i].ruling.confidence = Confidence::Likely;
            hops[i].notes.push("the same token is seen again behind this service".to_owned());
        }
    }
}

/// The parts of a call that make a later one its retry: trace parent, caller, callee, operation, path.
type Attempt<'h> = (Option<SpanId>, &'h str, &'h str, &'h str, Option<&'h str>);

/// One try of a call: what it is a try of, its call span, and when call and entry began and ended.
struct Try<'h> {
    key: Attempt<'h>,
    call: At,
    called: (UnixNanos, UnixNanos),
    entered: (UnixNanos, UnixNanos),
}

fn attempt<'h>(hop: &'h Judged<'_>, forest: &'h Forest<'_>) -> Option<Try<'h>> {
    let Caller::Call(at) = hop.pair.caller else { return None };
    let outer = forest.span(hop.pair.chain.last().copied().unwrap_or(at));
    let call = forest.span(at);
    let callee = hop.key_span(forest)?;
    let path = callee.path.as_deref().or(call.path.as_deref());
    Some(Try {
        key: (outer.parent_id(), hop.caller.as_deref().unwrap_or_default(), &hop.callee, &hop.operation, path),
        call: at,
        called: (call.start, call.end),
        entered: (callee.start, callee.end),
    })
}

/// The latest tries of each kind: by their calls, and within one call span by their entries.
#[derive(Default)]
struct Latest<'h> {
    calls: AHashMap<Attempt<'h>, UnixNanos>,
    entries: AHashMap<(At, Attempt<'h>), UnixNanos>,
}

impl<'h> Latest<'h> {
    fn of(tries: impl Iterator<Item = Try<'h>>) -> Self {
        let mut latest = Self::default();
        for one in tries {
            let call = latest.calls.entry(one.key).or_default();
            *call = one.called.0.max(*call);
            let entry = latest.entries.entry((one.call, one.key)).or_default();
            *entry = one.entered.0.max(*entry);
        }
        latest
    }

    /// Whether one of them began when this one was over. Calls made side by side are no retries of each other.
    fn follow(&self, one: &Try<'h>) -> bool {
        self.calls.get(&one.key).is_some_and(|start| *start >= one.called.1)
            || self.entries.get(&(one.call, one.key)).is_some_and(|start| *start >= one.entered.1)
    }
}

/// A refused hop followed by the same caller's accepted call keeps its verdict at severity info.
pub fn recover(hops: &mut [Judged<'_>], forest: &Forest<'_>) {
    if !hops.iter().any(Judged::refused_itself) {
        return;
    }
    let accepted = Latest::of(hops.iter().filter(|hop| hop.answer.accepted()).filter_map(|hop| attempt(hop, forest)));
    let mended = |hop: &Judged<'_>| hop.answer.refused && attempt(hop, forest).is_some_and(|one| accepted.follow(&one));
    let mended: Vec<usize> = (0..hops.len()).filter(|&i| mended(&hops[i])).collect();
    for i in mended {
        hops[i].recovered = true;
        hops[i].notes.push("recovered by a retry".to_owned());
    }
}

/// The hops refused so far, so that a later try is known as one: by what they try, the earliest end.
#[derive(Default)]
pub struct RefusedTries {
    calls: AHashMap<OwnedAttempt, UnixNanos>,
    entries: AHashMap<(At, OwnedAttempt), UnixNanos>,
}

type OwnedAttempt = (Option<SpanId>, Arc<str>, Arc<str>, Arc<str>, Option<Arc<str>>);

fn owned((parent, caller, callee, operation, path): Attempt<'_>) -> OwnedAttempt {
    (parent, caller.into(), callee.into(), operation.into(), path.map(Into::into))
}

impl RefusedTries {
    /// Notes a judged hop.
    pub fn note(&mut self, forest: &Forest<'_>, hop: &Judged<'_>) {
        if !hop.refused_itself() {
            return;
        }
        if let Some(one) = attempt(hop, forest) {
            let earliest = |slot: &mut UnixNanos, end: UnixNanos| *slot = end.min(*slot);
            let never = UnixNanos(u64::MAX);
            earliest(self.calls.entry(owned(one.key)).or_insert(never), one.called.1);
            earliest(self.entries.entry((one.call, owned(one.key))).or_insert(never), one.entered.1);
        }
    }

    /// Whether a changed hop repeats a refused one with a new token of the same subject (refresh on 401).
    pub fn repeated_with_new_token(&self, forest: &Forest<'_>, hop: &Judged<'_>, change: &Change<'_>) -> bool {
        let (Some(from), Some(to)) = (change.from, change.to) else { return false };
        if self.calls.is_empty() || subject(from.token, to.token) != Subject::Kept || !hop.answer.accepted() {
            return false;
        }
        attempt(hop, forest).is_some_and(|this| {
            let key = owned(this.key);
            self.calls.get(&key).is_some_and(|end| this.called.0 >= *end)
                || self.entries.get(&(this.call, key)).is_some_and(|end| this.entered.0 >= *end)
        })
    }
}
