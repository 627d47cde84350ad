//! What was read before, from one request to the next, by a salted digest of what it was read from.

use std::sync::Arc;

use ahash::AHashMap;

use crate::token::TagKey;

/// Values held in each of the two generations, at most.
const CAPACITY: usize = 1024;

/// A bounded map: what has not been asked for over one or two generations is forgotten.
pub(super) struct Kept<T> {
    young: AHashMap<TagKey, Arc<T>>,
    old: AHashMap<TagKey, Arc<T>>,
    capacity: usize,
}

impl<T> Kept<T> {
    /// Nothing yet, and so many values in a generation, within reason.
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: AHashMap::new(), old: AHashMap::new(), capacity: capacity.clamp(1, CAPACITY) }
    }

    /// The value of a key, read where it is not there.
    pub(super) fn get(&mut self, key: TagKey, read: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
        if let Some(known) = self.young.get(&key) {
            return Some(Arc::clone(known));
        }
        let value = self.old.remove(&key).or_else(|| read().map(Arc::new))?;
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, Arc::clone(&value));
        Some(value)
    }

    /// The value of a key, where it is there.
    pub(super) fn known(&mut self, key: TagKey) -> Option<Arc<T>> {
        self.get(key, || None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::Policy;
    use crate::token::{FingerprintKey, KeySets, Shared};

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let (key, keys) = (FingerprintKey::random(), KeySets::load(&[]));
        let shared = Shared::new(&Policy::default(), key.expect("a key"), keys.expect("no keys")).expect("lists");
        let key = |number: usize| {
            let mut digest = shared.digest();
            digest.add(&number.to_le_bytes());
            digest.finish()
        };
        let mut kept = Kept::new(usize::MAX);
        for number in 0..10 * CAPACITY {
            kept.get(key(number), || Some(number));
        }
        assert!(kept.young.len() + kept.old.len() <= 2 * CAPACITY);
        assert_eq!(kept.known(key(10 * CAPACITY - 1)).as_deref(), Some(&(10 * CAPACITY - 1)));
        assert_eq!(kept.known(key(0)), None);
    }
}
