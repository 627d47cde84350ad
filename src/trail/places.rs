//! The places that spans come from, each known once: what every span of a place shows alike is learned from the first.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use ahash::{AHashMap, RandomState};

use crate::model::{Arrived, Resource, Site};

use super::process::ProcessFacts;
use super::profile::{Learned, Profile};

/// Places known at a time; beyond, all are learned anew. Fewer where there is little memory: they hold their sites, which
/// stay when traces go.
const MOST: usize = 16 * 1024;
const LEAST: usize = 256;

/// Bytes of memory for each place: a sixteenth of it is theirs where a site takes as much as most do.
const MEMORY_OF_A_PLACE: usize = 16 * 512;

/// All places met lately. Decoders share sites between spans, each for itself: here one stands for all that are equal.
pub struct Places {
    most: usize,
    by_address: AHashMap<usize, Address>,
    by_content: AHashMap<u64, Vec<usize>>,
    known: Vec<Place>,
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
    /// None yet, and as many as go with so many bytes of memory.
    pub fn within(memory: usize) -> Self {
        Self {
            most: (memory / MEMORY_OF_A_PLACE).clamp(LEAST, MOST),
            by_address: AHashMap::new(),
            by_content: AHashMap::new(),
            known: Vec::new(),
            hasher: RandomState::new(),
        }
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

/// Of all that strangers can choose: places of one hash are compared one by one.
fn hash_of(site: &Site, hasher: &RandomState) -> u64 {
    let Resource { service, nameless, instance, language, sdk, host } = &*site.resource;
    let mut hash = hasher.build_hasher();
    (service, nameless, instance, language, sdk, host).hash(&mut hash);
    (site.flags, site.kind, site.status as u8, site.http_status, site.port, site.proxy, site.captured).hash(&mut hash);
    (&site.name, &site.scope).hash(&mut hash);
    (&site.method, &site.route, &site.url_scheme, &site.host, &site.user_agent).hash(&mut hash);
    if let Some(rare) = site.rare() {
        (rare.grpc_status, rare.texts()).hash(&mut hash);
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Captured, ServiceName};

    /// Puts a text into one place of a site.
    type Put = fn(&mut Site, Arc<str>);

    fn resource(sdk: &str) -> Resource {
        Resource {
            service: ServiceName { namespace: "".into(), name: "shop".into() },
            nameless: false,
            instance: "1".into(),
            language: "".into(),
            sdk: sdk.into(),
            host: "".into(),
        }
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let (mut places, resource) = (Places::within(1 << 20), Arc::new(resource("")));
        for number in 0..10 * LEAST {
            let mut site = Site::new(Arc::clone(&resource), "".into());
            site.name = format!("GET /orders/{number}").into();
            places.number_of(&Arc::new(site));
            assert!(places.by_address.len() <= LEAST && places.known.len() <= LEAST);
        }
        assert_eq!(Places::within(256 << 20).most, MOST);
    }

    #[test]
    fn places_that_strangers_make_up_are_not_all_looked_through() {
        let puts: [Put; 9] = [
            |site, text| site.url_scheme = Some(text),
            |site, text| site.user_agent = Some(text),
            |site, text| site.peer_service = Some(text),
            |site, text| site.rpc_method = Some(text),
            |site, text| site.messaging_destination = Some(text),
            |site, text| site.db_system = Some(text),
            |site, text| site.error_type = Some(text),
            |site, _| site.grpc_status = Some(3),
            |site, _| site.captured = Captured { carrier: true, ..Captured::default() },
        ];
        let hasher = RandomState::new();
        let hash = |site: &Site| hash_of(site, &hasher);
        let plain = Site::new(Arc::new(resource("")), "".into());
        assert_eq!(hash(&plain), hash(&plain.clone()));
        for (at, put) in puts.into_iter().enumerate() {
            let mut other = plain.clone();
            put(&mut other, "other".into());
            assert_ne!(hash(&plain), hash(&other), "{at}");
        }
        assert_ne!(hash(&plain), hash(&Site::new(Arc::new(resource("other")), "".into())));
    }
}
