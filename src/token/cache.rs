//! A bounded map shared by all workers: what was worked out of a value, by a keyed hash of the value.

use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use ahash::{AHashMap, AHasher, RandomState};

/// 128 bits of keyed hash: what strangers send cannot be made to collide without the keys.
pub(super) type CacheKey = u128;

const SHARDS: usize = 16;

/// Two generations per shard: when the young one is full it becomes the old one, and what was old is forgotten. An
/// entry that is asked for again moves back to the young one.
pub(super) struct Cache<V> {
    shards: Vec<Mutex<Generations<V>>>,
    capacity: usize,
}

struct Generations<V> {
    young: AHashMap<CacheKey, V>,
    old: AHashMap<CacheKey, V>,
}

impl<V: Clone> Cache<V> {
    /// Holds at most twice `capacity` entries.
    pub(super) fn new(capacity: usize) -> Self {
        let shard = || Mutex::new(Generations { young: AHashMap::new(), old: AHashMap::new() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), capacity: (capacity / SHARDS).max(1) }
    }

    /// What is known under a key.
    pub(super) fn get(&self, key: CacheKey) -> Option<V> {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = shard.young.get(&key) {
            return Some(value.clone());
        }
        let value = shard.old.remove(&key)?;
        self.put(&mut shard, key, value.clone());
        Some(value)
    }

    /// Keeps a value; the one that was there first wins, so that all spans share one.
    pub(super) fn insert(&self, key: CacheKey, value: V) -> V {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.young.get(&key) {
            return known.clone();
        }
        self.put(&mut shard, key, value.clone());
        value
    }

    /// Keeps a value in place of the one that was there.
    pub(super) fn replace(&self, key: CacheKey, value: V) {
        let mut shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.young.get_mut(&key) {
            *known = value;
        } else {
            self.put(&mut shard, key, value);
        }
    }

    /// Entries held.
    pub(super) fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
            .map(|shard| shard.young.len() + shard.old.len())
            .sum()
    }

    fn put(&self, shard: &mut Generations<V>, key: CacheKey, value: V) {
        if shard.young.len() >= self.capacity {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(key, value);
    }

    fn shard(&self, key: CacheKey) -> &Mutex<Generations<V>> {
        &self.shards[key as usize % SHARDS]
    }
}

/// The keys of the two hashes that make up a [`CacheKey`], drawn afresh for each run.
pub(super) struct KeyedHash(RandomState, RandomState);

impl KeyedHash {
    pub(super) fn new() -> Self {
        Self(RandomState::new(), RandomState::new())
    }

    pub(super) fn hashers(&self) -> (AHasher, AHasher) {
        (self.0.build_hasher(), self.1.build_hasher())
    }
}
