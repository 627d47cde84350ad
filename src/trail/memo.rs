//! Judgements kept for traces that are alike.
//!
//! Traffic repeats itself: the same services call each other in the same order, and only ids, times and tokens differ.
//! All that the judge reads of a trace is compared with what it read of an earlier one; where nothing differs that a
//! verdict could depend on, the earlier judgement stands, with this trace's ids, times and tokens in it. What depends on
//! more than this comparison sees is never kept (see [`Recipe::of`]): refusals, whose words, order in time and other
//! takers count, redirects, links, logs, and what one span alone says.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use ahash::RandomState;

use crate::model::{CarriedValue, Finding, Span, SpanId, Token};

use super::aggregate::Contribution;
use super::alike::{Tokens, alike, alike_tokens};
use super::judge::{Case, Judged};
use super::nature::Nature;
use super::outcome::{Conclusion, behind, complete};
use super::pairing::{Caller, refuses};
use super::profile::{Age, Checked, Fact, Profile};
use super::taught::FactSet;
use super::tree::Role;

/// Shapes that are looked for at most; of two that fall together the later one stays.
const SLOTS: usize = 2048;
/// Spans of the largest trace that is kept, and of all kept together.
const LONGEST: usize = 256;
const ROOM: usize = 16 * 1024;
/// The share of the memory that all of it may take.
const SHARE: usize = 16;
/// Bytes of a span that is kept, with its part in the judgement.
const PER_SPAN: usize = 256;
/// Different tokens in one trace: each pair of them is compared.
const TOKENS: usize = 4;

/// In place of a parent: there is none, or it is not here.
const ROOT: u16 = u16::MAX;
const ORPHAN: u16 = u16::MAX - 1;

/// The judgements kept, and the sketch of the trace that is looked at now.
#[derive(Default)]
pub struct Memo {
    slots: Vec<Slot>,
    /// Shapes that are looked for, and spans that are kept of them: fewer where there is little memory.
    most: (usize, usize),
    /// Spans of all shapes kept.
    spans: usize,
    hasher: RandomState,
    sketch: Sketch,
}

/// A shape that was met, and its judgement once it was met twice.
#[derive(Default)]
struct Slot {
    hash: u64,
    shape: Option<Box<Shape>>,
}

/// What is read off a trace before it is compared. Kept between traces for its room.
#[derive(Default)]
struct Sketch {
    hash: u64,
    ids: Vec<(SpanId, u16)>,
    parents: Vec<u16>,
    /// For each carrier that holds a token which one, by its place in `tokens`; spans in order.
    shown: Vec<u8>,
    tokens: Vec<Arc<Token>>,
    /// When the first and the last span began, in seconds.
    began: (i64, i64),
}

/// A judged trace and its judgement.
struct Shape {
    spans: Vec<Span>,
    natures: Vec<Nature>,
    parents: Vec<u16>,
    shown: Vec<u8>,
    tokens: Vec<Arc<Token>>,
    checks: Vec<Option<Checked>>,
    settled: bool,
    age: Age,
    recipe: Recipe,
    contributions: Vec<Contribution>,
    waiting: bool,
    taught: Option<Arc<FactSet>>,
    /// Facts of single tokens, with the token's place in `tokens`.
    of_tokens: Vec<(usize, Fact)>,
    leans_on: Option<Arc<[Fact]>>,
}

/// How the judgement of one trace is made that of another one.
pub struct Recipe {
    /// The span that names each hop that counts.
    keys: Vec<usize>,
    /// Calls and entries of which the times are compared.
    timed: Vec<Timed>,
    parents: Vec<Option<usize>>,
    natures: Vec<Nature>,
    /// Whether what is known of operations had a say.
    of_operations: bool,
    age: Age,
}

struct Timed {
    call: usize,
    entry: usize,
    known: bool,
    caller: Arc<str>,
    callee: Arc<str>,
}

impl Recipe {
    /// The recipe; `None` where the judgement depends on more than a [`Memo`] compares.
    pub fn of(case: &Case<'_, '_>, hops: &[Judged<'_>], settled: bool, leans_on: &[Fact]) -> Option<Self> {
        let own = case.forest.own();
        let linked = case.forest.trees.len() > 1 || !case.forest.linked_from_outside.is_empty();
        let timeless = !linked
            && !case.rules.looks_at_time()
            && !leans_on.iter().any(Fact::is_of_a_token)
            && (0..own.spans.len())
                .all(|i| is_plain(own.span(i)) && !asks_issuer(own.nodes[i].role, own.nodes[i].nature))
            && hops.iter().all(speaks_for_itself);
        if !timeless {
            return None;
        }
        let place = |hop: &Judged<'_>| match (hop.pair.entry, &hop.pair.caller) {
            (Some(entry), _) => Some(entry),
            (None, Caller::Call(at) | Caller::Service(at)) => Some(at.span),
            (None, Caller::Nobody) => None,
        };
        let counted = hops.iter().filter(|hop| settled || complete(hop));
        let timed = hops.iter().filter_map(|hop| {
            let (Caller::Call(at), Some(entry)) = (&hop.pair.caller, hop.pair.entry) else { return None };
            let known = hop.ruling.verdict != crate::model::Verdict::Unknown;
            let (caller, callee) = (hop.caller.clone()?, Arc::clone(&hop.callee));
            Some(Timed { call: at.span, entry, known, caller, callee })
        });
        let of_operations = hops.iter().any(|hop| hop.ruling.verdict == crate::model::Verdict::Dropped);
        Some(Self {
            keys: counted.map(place).collect::<Option<_>>()?,
            timed: timed.collect(),
            parents: own.nodes.iter().map(|node| node.parent).collect(),
            natures: own.nodes.iter().map(|node| node.nature).collect(),
            of_operations,
            age: case.profile.age(),
        })
    }
}

/// Whether a span says nothing alone, refuses nobody and sends nobody elsewhere.
fn is_plain(span: &Span) -> bool {
    !span.has_own()
        && span.error_code.is_none()
        && !refuses(span)
        && !span.http_status.is_some_and(|status| (300..400).contains(&status))
}

/// Calls to issuers count by their order in time.
fn asks_issuer(role: Role, nature: Nature) -> bool {
    role == Role::Call && matches!(nature, Nature::TokenEndpoint | Nature::Introspection)
}

/// Whether what else is known of its token, and when it happened, had no say in a hop.
fn speaks_for_itself(hop: &Judged<'_>) -> bool {
    let elsewhere = [Finding::AcceptedUnverified, Finding::Disagreement, Finding::ExpiredInFlight];
    !hop.answer.refused
        && !hop.answer.redirected()
        && !hop.recovered
        && !hop.findings.iter().any(|hit| elsewhere.contains(&hit.finding))
}

impl Memo {
    /// An empty one, beside which so many bytes may be held.
    pub fn within(bytes: usize) -> Self {
        let slots = (bytes / SHARE / 2 / size_of::<Slot>()).clamp(1, SLOTS);
        Self { most: (slots, (bytes / SHARE / 2 / PER_SPAN).min(ROOM)), ..Self::default() }
    }

    /// Forgets everything: the rules are others.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.spans = 0;
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>() + self.spans * PER_SPAN
    }

    /// Sketches a trace in canonical order. False where it is none that could be kept.
    pub fn sketch(&mut self, spans: &[Span]) -> bool {
        self.sketch.read(spans, &self.hasher)
    }

    /// The judgement of a trace that is like the one sketched.
    pub fn recall(&self, spans: &[Span], settled: bool, profile: &Profile) -> Option<Conclusion> {
        let shape = self.slots.get(self.place())?.shape.as_ref()?;
        shape.fits(&self.sketch, spans, settled, profile).then(|| shape.recall(&self.sketch, spans))
    }

    /// Whether the judgement of the trace sketched is to be kept: one like it was met before.
    pub fn wants(&mut self) -> bool {
        if self.slots.is_empty() {
            self.slots.resize_with(self.most.0, Slot::default);
        }
        let place = self.place();
        let slot = &mut self.slots[place];
        let met = slot.hash == self.sketch.hash;
        slot.hash = self.sketch.hash;
        met
    }

    /// Keeps the judgement of the trace sketched.
    pub fn keep(&mut self, spans: &[Span], settled: bool, recipe: Recipe, conclusion: &Conclusion, profile: &Profile) {
        let place = self.place();
        if let Some(old) = self.slots.get_mut(place).and_then(|slot| slot.shape.take()) {
            self.spans -= old.spans.len();
        }
        if self.spans + spans.len() > self.most.1 {
            self.slots.iter_mut().for_each(|slot| slot.shape = None);
            self.spans = 0;
        }
        if spans.len() > self.most.1 {
            return;
        }
        let shape = Shape::new(&self.sketch, spans, settled, recipe, conclusion, profile);
        if let (Some(shape), Some(slot)) = (shape, self.slots.get_mut(place)) {
            self.spans += spans.len();
            slot.shape = Some(Box::new(shape));
        }
    }

    fn place(&self) -> usize {
        self.sketch.hash as usize % self.most.0
    }
}

impl Sketch {
    fn read(&mut self, spans: &[Span], hasher: &RandomState) -> bool {
        if spans.is_empty() || spans.len() > LONGEST {
            return false;
        }
        self.ids.clear();
        self.ids.extend(spans.iter().enumerate().map(|(i, span)| (span.span_id, i as u16)));
        self.ids.sort_unstable();
        if self.ids.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return false;
        }
        self.parents.clear();
        self.shown.clear();
        self.tokens.clear();
        self.began = (spans[0].start.seconds(), spans[spans.len() - 1].start.seconds());
        let mut hash = hasher.build_hasher();
        for (i, span) in spans.iter().enumerate() {
            let parent = self.parent(i, span);
            self.parents.push(parent);
            hash.write_usize(Arc::as_ptr(span.site()).addr());
            hash.write_u32(u32::from(parent) << 16 | span.carried.len() as u32);
            for carried in &span.carried {
                let CarriedValue::Token(token) = &carried.value else { continue };
                let known = self.tokens.iter().position(|known| Arc::ptr_eq(known, token));
                let number = known.unwrap_or(self.tokens.len());
                if number == TOKENS {
                    return false;
                }
                if known.is_none() {
                    self.tokens.push(Arc::clone(token));
                }
                self.shown.push(number as u8);
                hash.write_u8(number as u8);
            }
        }
        self.hash = hash.finish();
        self.tokens.iter().all(|token| self.finds_valid(token))
    }

    fn parent(&self, i: usize, span: &Span) -> u16 {
        let Some(id) = span.parent_id() else { return ROOT };
        match self.ids.binary_search_by_key(&id, |(known, _)| *known) {
            Ok(place) if usize::from(self.ids[place].1) != i => self.ids[place].1,
            _ => ORPHAN,
        }
    }

    /// Whether a token's own times hold from the first to the last span: then none of them tells on it.
    fn finds_valid(&self, token: &Token) -> bool {
        let (first, last) = self.began;
        token.exp.is_none_or(|exp| last < exp) && token.nbf.is_none_or(|nbf| first >= nbf)
    }

    fn tokens(&self) -> Tokens<'_> {
        Tokens { shown: &self.shown, tokens: &self.tokens }
    }
}

impl Shape {
    fn new(
        sketch: &Sketch,
        spans: &[Span],
        settled: bool,
        recipe: Recipe,
        conclusion: &Conclusion,
        profile: &Profile,
    ) -> Option<Self> {
        // Circles are cut by ids.
        let cut = |(tree, read): (&Option<usize>, &u16)| tree.is_none() && *read < ORPHAN;
        if recipe.parents.iter().zip(&sketch.parents).any(cut) || recipe.keys.len() != conclusion.contributions.len() {
            return None;
        }
        let place = |fact: &Fact| sketch.tokens.iter().position(|token| token.fingerprint() == fact.token());
        let of_tokens = conclusion.of_tokens.iter().map(|fact| Some((place(fact)?, fact.clone())));
        Some(Self {
            spans: spans.to_vec(),
            natures: recipe.natures.clone(),
            parents: sketch.parents.clone(),
            shown: sketch.shown.clone(),
            tokens: sketch.tokens.clone(),
            checks: sketch.tokens.iter().map(|token| profile.check(token)).collect(),
            settled,
            age: recipe.age,
            contributions: conclusion.contributions.clone(),
            waiting: conclusion.waiting,
            taught: conclusion.taught.clone(),
            of_tokens: of_tokens.collect::<Option<_>>()?,
            leans_on: conclusion.leans_on.clone(),
            recipe,
        })
    }

    /// Whether a trace is like this one in all that the judge reads.
    fn fits(&self, sketch: &Sketch, spans: &[Span], settled: bool, profile: &Profile) -> bool {
        let age = profile.age();
        let as_old =
            self.age.others == age.others && (!self.recipe.of_operations || self.age.operations == age.operations);
        as_old
            && self.settled == settled
            && self.parents == sketch.parents
            && self.shown == sketch.shown
            && self.spans.iter().zip(&self.natures).zip(spans).all(|((mine, nature), span)| alike(mine, span, *nature))
            && alike_tokens(&Tokens { shown: &self.shown, tokens: &self.tokens }, &sketch.tokens())
            && self.checks.iter().zip(&sketch.tokens).all(|(check, token)| *check == profile.check(token))
    }

    fn recall(&self, sketch: &Sketch, spans: &[Span]) -> Conclusion {
        let contributions = self.contributions.iter().zip(&self.recipe.keys).map(|(mine, &key)| {
            let span = &spans[key];
            Contribution { key: span.span_id, place: key as u32, start: span.start, ..mine.clone() }
        });
        let of_tokens = self
            .of_tokens
            .iter()
            .filter_map(|(place, fact)| sketch.tokens[*place].fingerprint().map(|token| fact.about(token)));
        let mut of_tokens: Vec<Fact> = of_tokens.collect();
        of_tokens.sort_unstable();
        let skew = self.recipe.timed.iter().filter_map(|timed| {
            let ms = behind(&spans[timed.call], &spans[timed.entry], timed.known)?;
            Some((Arc::clone(&timed.caller), Arc::clone(&timed.callee), ms))
        });
        Conclusion {
            contributions: contributions.collect(),
            waiting: self.waiting,
            taught: self.taught.clone(),
            of_tokens,
            leans_on: self.leans_on.clone(),
            skew: skew.collect(),
        }
    }
}
