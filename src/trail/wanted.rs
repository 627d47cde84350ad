//! Which facts about tokens matter where not all can be kept: those of tokens that somebody refused, and what the own
//! check says of tokens that some span shows unchecked.

use ahash::{AHashSet, RandomState};

use crate::model::{CarriedValue, Fingerprint, Span};

use super::profile::{Checked, Fact, Profile};

/// Keeps the tokens that are asked for, each as a keyed hash: a rare collision keeps a fact too many.
#[derive(Clone, Debug)]
pub struct Wanted {
    tokens: AHashSet<u64>,
    hasher: RandomState,
    /// As long as there is room, facts of all tokens are kept: who will be asked for is not known yet.
    everything: bool,
    /// Facts that hold if a service is ever seen to refuse; only in the first pass, and while there is room.
    supposed: Option<AHashSet<Fact>>,
    /// Tokens whose facts may be kept.
    room: usize,
    /// Facts that found no room.
    turned_away: u64,
    /// Whether the own check had anything to say of any token.
    checks: bool,
}

impl Wanted {
    /// Nothing asked for yet, and room for the facts of so many tokens.
    pub fn new(room: usize) -> Self {
        Self {
            tokens: AHashSet::new(),
            hasher: RandomState::new(),
            everything: true,
            supposed: Some(AHashSet::new()),
            room,
            turned_away: 0,
            checks: false,
        }
    }

    /// Looks whether the own check said anything.
    pub fn look_for_checks(&mut self, span: &Span) {
        self.checks = self.checks || tokens(span).any(|token| Checked::of(token).is_some());
    }

    /// Asks for tokens.
    pub fn note(&mut self, tokens: &[Fingerprint]) {
        self.tokens.extend(tokens.iter().map(|token| self.hasher.hash_one(token)));
    }

    /// Asks for what the own check says of tokens that this span shows unchecked.
    pub fn note_unchecked(&mut self, span: &Span) {
        if self.checks {
            let unchecked = tokens(span).filter(|token| Checked::of(token).is_none());
            self.tokens
                .extend(unchecked.filter_map(|token| token.fingerprint()).map(|token| self.hasher.hash_one(token)));
        }
    }

    /// Whether facts are still collected that may turn out to hold.
    pub fn supposes(&self) -> bool {
        self.supposed.is_some()
    }

    /// Collects facts that may turn out to hold. Without them another pass finds them.
    pub fn suppose(&mut self, facts: Vec<Fact>) {
        let Some(supposed) = &mut self.supposed else { return };
        supposed.extend(facts);
        if supposed.len() > self.room {
            let (tokens, hasher) = (&self.tokens, &self.hasher);
            supposed.retain(|fact| fact.token().is_some_and(|token| tokens.contains(&hasher.hash_one(token))));
            if supposed.len() > self.room / 2 {
                self.supposed = None;
            }
        }
    }

    /// Gives out the collected facts that do hold, and collects no more.
    pub fn proven(&mut self, held: &AHashSet<Fact>) -> Vec<Fact> {
        let supposed = self.supposed.take().unwrap_or_default();
        let proven = supposed.into_iter().filter(|fact| match fact {
            Fact::Accepts(_, service, _) => held.contains(&Fact::Refuses(service.clone())),
            _ => false,
        });
        proven.collect()
    }

    /// Leaves the facts that are worth keeping.
    pub fn select(&mut self, facts: &mut Vec<Fact>, profile: &Profile) {
        facts.retain(|fact| {
            let Some(token) = fact.token() else { return true };
            if profile.holds(fact) {
                return true;
            }
            if !self.everything && !self.asks_for(token) {
                return false;
            }
            let room = self.everything || profile.tokens_known() < self.room;
            self.turned_away += u64::from(!room);
            room
        });
    }

    /// Gives up what nobody asked for, where facts outgrow their room.
    pub fn tidy(&mut self, profile: &mut Profile) {
        if self.everything && profile.tokens_known() > self.room {
            self.everything = false;
            profile.keep_tokens(|token| self.asks_for(token));
        }
    }

    /// Whether facts of this token matter.
    pub fn asks_for(&self, token: &Fingerprint) -> bool {
        self.tokens.contains(&self.hasher.hash_one(token))
    }

    /// Knows what another part asks for. True where that was new after facts had been given up.
    pub fn absorb(&mut self, part: &Self) -> bool {
        let before = self.tokens.len();
        self.tokens.extend(&part.tokens);
        self.turned_away = self.turned_away.max(part.turned_away);
        if let (Some(supposed), Some(more)) = (&mut self.supposed, &part.supposed) {
            supposed.extend(more.iter().cloned());
        }
        !self.everything && self.tokens.len() > before
    }

    /// From now on only what is asked for.
    pub fn be_choosy(&mut self) {
        self.everything = false;
    }

    /// Facts that found no room.
    pub fn turned_away(&self) -> u64 {
        self.turned_away
    }
}

fn tokens(span: &Span) -> impl Iterator<Item = &crate::model::Token> {
    span.carried.iter().filter_map(|carried| match &carried.value {
        CarriedValue::Token(token) => Some(&**token),
        _ => None,
    })
}
