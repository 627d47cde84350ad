//! What has few values is shared again when it is read back. Tables of a fixed size: where two values meet in one slot,
//! the newer one stays and the older is merely no longer shared.

use std::hash::Hash;
use std::sync::Arc;

use ahash::RandomState;

use crate::model::{Arrived, CarriedValue, Carries, Exception, LogRecord, Resource, Site, Token};

/// Slots for texts.
const TEXTS: usize = 8_192;
/// Longer texts hardly have few values.
const LONGEST: usize = 96;
/// Slots for tokens.
const TOKENS: usize = 1_024;
/// Slots for processes.
const RESOURCES: usize = 1_024;
/// Slots for sites.
const SITES: usize = 1_024;

/// The tables.
pub struct Sharing {
    hasher: RandomState,
    texts: Vec<Option<Arc<str>>>,
    tokens: Vec<Option<Arc<Token>>>,
    resources: Vec<Option<Arc<Resource>>>,
    sites: Vec<Option<Arc<Site>>>,
}

impl Sharing {
    /// Empty ones.
    pub fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            texts: vec![None; TEXTS],
            tokens: vec![None; TOKENS],
            resources: vec![None; RESOURCES],
            sites: vec![None; SITES],
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

    /// Shares a site and its texts.
    pub fn site(&mut self, mut site: Site) -> Arc<Site> {
        let at = slot(&self.hasher, (&site.name, &site.resource.instance, site.kind), self.sites.len());
        if let Some(known) = self.sites.get(at).and_then(Option::as_ref).filter(|known| ***known == site) {
            return Arc::clone(known);
        }
        site.texts_mut().for_each(|text| self.text(text));
        let site = Arc::new(site);
        put(&mut self.sites, at, &site);
        site
    }

    /// Shares the texts of what spans carry.
    pub fn carries(&mut self, carries: &mut Carries) {
        for carried in &mut carries.carried {
            self.text(&mut carried.carrier);
            self.text(&mut carried.scheme);
            if let CarriedValue::OtherCredential(scheme) = &mut carried.value {
                self.text(scheme);
            }
        }
    }

    /// Shares the texts that a span alone says.
    pub fn span(&mut self, span: &mut Arrived) {
        if !span.has_own() {
            return;
        }
        let own = span.own_mut();
        [&mut own.location, &mut own.challenge].into_iter().flatten().for_each(|text| self.text(text));
        own.exceptions.iter_mut().for_each(|exception| self.exception(exception));
        own.exposures.iter_mut().for_each(|exposure| self.text(&mut exposure.place));
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
