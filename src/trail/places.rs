//! The places that spans come from, each known once: what every span of a place shows alike is learned from the first.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use ahash::{AHashMap, RandomState};

use crate::model::{Arrived, Site};

use super::process::ProcessFacts;
use super::profile::{Learned, Profile};

/// Places known at a time, at most; beyond, all are learned anew.
const MOST: usize = 16 * 1024;

/// The share of the memory that they may hold, and bytes that one holds: a site that no span has any more.
const SHARE: usize = 8;
const PER_PLACE: usize = 1024;

/// All places met lately. Decoders share sites between spans, each for itself: here one stands for all that are equal.
#[derive(Default)]
pub struct Places {
    by_address: AHashMap<usize, Address>,
    by_content: AHashMap<u64, Vec<usize>>,
    known: Vec<Place>,
    most: usize,
    hasher: RandomState,
}

/// A site as a decoder gave it: held, so that no other one takes its address.
struct Address {
    place: usize,
    _site: Arc<Site>,
}

struct Place {
    site: Arc<Site>,
    /// What the profile knew of its process when a span of it was learned last. It only ever knows more.
    process: Option<ProcessFacts>,
}

impl Places {
    /// None yet; so many at a time that they leave room for spans in so many bytes.
    pub fn within(bytes: usize) -> Self {
        Self { most: (bytes / SHARE / PER_PLACE).clamp(1, MOST), ..Self::default() }
    }

    /// Gives a span the one site that stands for all that are equal, and learns what it shows.
    pub fn learn(&mut self, span: &mut Arrived, profile: &mut Profile) -> Learned {
        let number = self.number_of(span.site());
        let place = &mut self.known[number];
        if !Arc::ptr_eq(&place.site, span.site()) {
            *span.site_mut() = Arc::clone(&place.site);
        }
        if place.process.is_some_and(|process| process.learns_nothing_of(span)) {
            return Learned::Nothing;
        }
        let learned = profile.learn(span);
        let all_of_it = span.messaging_destination.as_ref().is_none_or(|name| profile.destination_carries(name));
        place.process = profile.processes.get(&span.resource.instance).copied().filter(|_| all_of_it);
        learned
    }

    fn number_of(&mut self, site: &Arc<Site>) -> usize {
        let address = Arc::as_ptr(site).addr();
        if let Some(known) = self.by_address.get(&address) {
            return known.place;
        }
        if self.by_address.len() >= self.most {
            self.by_address.clear();
            self.by_content.clear();
            self.known.clear();
        }
        let same = self.by_content.entry(hash_of(site, &self.hasher)).or_default();
        let equal = same.iter().copied().find(|&place| self.known[place].site == *site);
        let place = equal.unwrap_or(self.known.len());
        if equal.is_none() {
            same.push(place);
            self.known.push(Place { site: Arc::clone(site), process: None });
        }
        self.by_address.insert(address, Address { place, _site: Arc::clone(site) });
        place
    }
}

/// Of enough to tell most places apart.
fn hash_of(site: &Site, hasher: &RandomState) -> u64 {
    let mut hash = hasher.build_hasher();
    (&site.name, &site.scope, site.kind, &site.resource.service, &site.resource.instance).hash(&mut hash);
    (&site.method, &site.route, &site.host, site.http_status, site.port).hash(&mut hash);
    hash.finish()
}
