//! What spans have in common is shared when they are finished, within bounds: what strangers send must not fill the
//! memory.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use ahash::{AHashMap, RandomState};

use crate::model::meter::{weigh_carries, weigh_site};
use crate::model::{Carried, CarriedValue, Carries, Carrying, Meter, SelfTags, Site, Weight};

/// Values held in each of the two generations of a table.
const CAPACITY: usize = 2048;

/// Bytes that a site takes, its texts included, and what a span carries with its token.
const PER_SITE: usize = 512;
const PER_CARRIES: usize = 1024;

/// Finds what was shared before by its texts' addresses: those are shared already, and held by what is found.
pub(super) struct Finishing {
    hasher: RandomState,
    meter: Arc<Meter>,
    sites: Table<Site>,
    carries: Table<Carries>,
}

impl Finishing {
    /// Nothing shared yet; what will be is counted by `meter`, and a generation of a table takes so many bytes.
    pub(super) fn new(meter: &Arc<Meter>, bytes: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            meter: Arc::clone(meter),
            sites: Table::new(bytes / PER_SITE),
            carries: Table::new(bytes / PER_CARRIES),
        }
    }

    /// The shared copy of a site.
    pub(super) fn site(&mut self, site: &Site) -> Arc<Site> {
        let mut hasher = self.hasher.build_hasher();
        hash_site(site, &mut hasher);
        let make = || {
            let mut site = site.clone();
            weigh_site(&mut site, &self.meter);
            site
        };
        self.sites.get(hasher.finish(), |known| same_site(known, site), make)
    }

    /// The shared copy of what a span carries, taken out of a list that is used again.
    pub(super) fn carrying(&mut self, carried: &mut Vec<Carried>, tags: Option<&SelfTags>) -> Carrying {
        if carried.is_empty() && tags.is_none() {
            return Carrying::default();
        }
        let mut hasher = self.hasher.build_hasher();
        for one in &*carried {
            hash_carried(one, &mut hasher);
        }
        if let Some(tags) = tags {
            tags.hash(&mut hasher);
        }
        let shared = self.carries.get(
            hasher.finish(),
            |known| {
                known.tags.as_deref() == tags
                    && known.carried.len() == carried.len()
                    && known.carried.iter().zip(&*carried).all(|(known, one)| same_carried(known, one))
            },
            || {
                // A copy has no more room than it needs.
                let mut carries =
                    Carries { carried: carried.clone(), tags: tags.cloned().map(Box::new), weight: Weight::default() };
                weigh_carries(&mut carries, &self.meter);
                carries
            },
        );
        carried.clear();
        Carrying::new(shared)
    }
}

/// Values by their hash. It forgets what has not been asked for over one or two generations.
struct Table<T> {
    young: AHashMap<u64, Arc<T>>,
    old: AHashMap<u64, Arc<T>>,
    capacity: usize,
}

impl<T> Table<T> {
    /// An empty one with so many values in each generation.
    fn new(capacity: usize) -> Self {
        Self { young: AHashMap::new(), old: AHashMap::new(), capacity: capacity.clamp(1, CAPACITY) }
    }

    fn get(&mut self, hash: u64, same: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> Arc<T> {
        if let Some(known) = self.young.get(&hash).filter(|known| same(known)) {
            return Arc::clone(known);
        }
        let old = self.old.remove(&hash).filter(|known| same(known));
        let value = old.unwrap_or_else(|| Arc::new(make()));
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, Arc::clone(&value));
        value
    }
}

fn address(text: &Arc<str>) -> usize {
    Arc::as_ptr(text).addr()
}

fn hash_site(site: &Site, hasher: &mut impl Hasher) {
    let numbers = (site.flags, site.kind, site.status as u8, site.http_status, site.port, site.proxy);
    numbers.hash(hasher);
    site.captured.hash(hasher);
    Arc::as_ptr(&site.resource).addr().hash(hasher);
    for text in [&site.name, &site.scope] {
        hasher.write_usize(address(text));
    }
    for text in [&site.method, &site.route, &site.url_scheme, &site.host, &site.user_agent] {
        hasher.write_usize(text.as_ref().map_or(0, address));
    }
    if let Some(rare) = site.rare() {
        rare.grpc_status.hash(hasher);
        for text in rare.texts() {
            hasher.write_usize(text.as_ref().map_or(0, address));
        }
    }
}

fn same(a: Option<&Arc<str>>, b: Option<&Arc<str>>) -> bool {
    a.map(address) == b.map(address)
}

fn same_site(a: &Site, b: &Site) -> bool {
    let numbers =
        |site: &Site| (site.flags, site.kind, site.status, site.http_status, site.port, site.proxy, site.captured);
    let rare = match (a.rare(), b.rare()) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a.grpc_status == b.grpc_status
                && a.texts().into_iter().zip(b.texts()).all(|(a, b)| same(a.as_ref(), b.as_ref()))
        }
        _ => false,
    };
    rare && numbers(a) == numbers(b)
        && Arc::ptr_eq(&a.resource, &b.resource)
        && address(&a.name) == address(&b.name)
        && address(&a.scope) == address(&b.scope)
        && same(a.method.as_ref(), b.method.as_ref())
        && same(a.route.as_ref(), b.route.as_ref())
        && same(a.url_scheme.as_ref(), b.url_scheme.as_ref())
        && same(a.host.as_ref(), b.host.as_ref())
        && same(a.user_agent.as_ref(), b.user_agent.as_ref())
}

fn hash_carried(carried: &Carried, hasher: &mut impl Hasher) {
    let value = match &carried.value {
        CarriedValue::Token(token) => Arc::as_ptr(token).addr(),
        CarriedValue::OtherCredential(scheme) => address(scheme),
        CarriedValue::Placeholder => 1,
        CarriedValue::Redacted => 2,
        CarriedValue::Empty => 3,
    };
    (value, address(&carried.carrier), address(&carried.scheme)).hash(hasher);
    (carried.anomalies.0, carried.captured_length).hash(hasher);
}

fn same_carried(a: &Carried, b: &Carried) -> bool {
    let value = match (&a.value, &b.value) {
        (CarriedValue::Token(a), CarriedValue::Token(b)) => Arc::ptr_eq(a, b),
        (CarriedValue::OtherCredential(a), CarriedValue::OtherCredential(b)) => Arc::ptr_eq(a, b),
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    };
    value
        && Arc::ptr_eq(&a.carrier, &b.carrier)
        && Arc::ptr_eq(&a.scheme, &b.scheme)
        && (a.anomalies, a.captured_length) == (b.anomalies, b.captured_length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let mut table = Table::new(usize::MAX);
        for number in 0..10 * CAPACITY as u64 {
            table.get(number, |known| *known == number, || number);
        }
        assert!(table.young.len() + table.old.len() <= 2 * CAPACITY);
        let first = table.get(7, |known| *known == 7, || 7);
        assert!(Arc::ptr_eq(&first, &table.get(7, |known| *known == 7, || 7)));
        // Two values of one hash are told apart.
        assert_eq!(*table.get(7, |known| *known == 8, || 8), 8);
    }
}
