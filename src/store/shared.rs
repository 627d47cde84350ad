//! What has few values is shared again when it is read back. Tables of a fixed size: where two values meet in one slot,
//! the newer one stays and the older is merely no longer shared.

use std::hash::Hash;
use std::sync::Arc;

use ahash::RandomState;

use crate::model::{CarriedValue, Exception, LogRecord, Resource, Span, Token};

/// Slots for texts.
const TEXTS: usize = 8_192;
/// Longer texts hardly have few values.
const LONGEST: usize = 96;
/// Slots for tokens.
const TOKENS: usize = 1_024;
/// Slots for processes.
const RESOURCES: usize = 1_024;

/// The tables.
pub struct Sharing {
    hasher: RandomState,
    texts: Vec<Option<Arc<str>>>,
    tokens: Vec<Option<Arc<Token>>>,
    resources: Vec<Option<Arc<Resource>>>,
}

impl Sharing {
    /// Empty ones.
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            texts: vec![None; TEXTS],
            tokens: vec![None; TOKENS],
            resources: vec![None; RESOURCES],
        }
    }

    /// Shares a token and its texts.
    pub fn token(&mut self, mut token: Token) -> Arc<Token> {
        let at = slot(&self.hasher, token.fingerprint(), self.tokens.len());
        if let Some(known) = self.tokens.get(at).and_then(Option::as_ref).filter(|known| ***known == token) {
            return Arc::clone(known);
        }
        for text in [&mut token.alg, &mut token.kid, &mut token.typ, &mut token.iss].into_iter().flatten() {
            self.text(text);
        }
        token.aud.iter_mut().chain(&mut token.scope).chain(&mut token.actors).for_each(|text| self.text(text));
        let token = Arc::new(token);
        put(&mut self.tokens, at, &token);
        token
    }

    /// Shares a process.
    pub fn resource(&mut self, resource: Resource) -> Arc<Resource> {
        let at = slot(&self.hasher, &resource.instance, self.resources.len());
        if let Some(known) = self.resources.get(at).and_then(Option::as_ref).filter(|known| ***known == resource) {
            return Arc::clone(known);
        }
        let resource = Arc::new(resource);
        put(&mut self.resources, at, &resource);
        resource
    }

    /// Shares the texts of a span.
    pub fn span(&mut self, span: &mut Span) {
        self.text(&mut span.name);
        self.text(&mut span.scope);
        let some = [
            &mut span.method,
            &mut span.route,
            &mut span.path,
            &mut span.url_scheme,
            &mut span.host,
            &mut span.user_agent,
        ];
        some.into_iter().flatten().for_each(|text| self.text(text));
        for carried in &mut span.carried {
            self.text(&mut carried.carrier);
            self.text(&mut carried.scheme);
            if let CarriedValue::OtherCredential(scheme) = &mut carried.value {
                self.text(scheme);
            }
        }
        let Some(rare) = span.rare_mut() else { return };
        let some = [
            &mut rare.peer_service,
            &mut rare.rpc_system,
            &mut rare.rpc_service,
            &mut rare.rpc_method,
            &mut rare.messaging_system,
            &mut rare.messaging_destination,
            &mut rare.messaging_operation,
            &mut rare.db_system,
            &mut rare.error_type,
            &mut rare.location,
            &mut rare.challenge,
            &mut rare.error_code,
        ];
        some.into_iter().flatten().for_each(|text| self.text(text));
        rare.exceptions.iter_mut().for_each(|exception| self.exception(exception));
        rare.exposures.iter_mut().for_each(|exposure| self.text(&mut exposure.place));
    }

    /// Shares the texts of a log record.
    pub fn log(&mut self, record: &mut LogRecord) {
        self.exception(&mut record.text);
        record.exposures.iter_mut().for_each(|exposure| self.text(&mut exposure.place));
    }

    fn exception(&mut self, exception: &mut Exception) {
        self.text(&mut exception.kind);
        self.text(&mut exception.message);
        self.text(&mut exception.stack);
    }

    /// Shares a text.
    pub fn text(&mut self, text: &mut Arc<str>) {
        if text.len() > LONGEST {
            return;
        }
        let at = slot(&self.hasher, &**text, self.texts.len());
        match self.texts.get(at).and_then(Option::as_ref) {
            Some(known) if **known == **text => *text = Arc::clone(known),
            _ => put(&mut self.texts, at, text),
        }
    }
}

fn slot(hasher: &RandomState, value: impl Hash, slots: usize) -> usize {
    (hasher.hash_one(value) % slots as u64) as usize
}

fn put<T: ?Sized>(table: &mut [Option<Arc<T>>], at: usize, value: &Arc<T>) {
    if let Some(slot) = table.get_mut(at) {
        *slot = Some(Arc::clone(value));
    }
}
