//! What all workers share: the lists, the keys, and what is known of each distinct token.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use aws_lc_rs::digest;

use super::cache::{Cache, CacheKey, KeyedHash};
use super::carriers::Carriers;
use super::fingerprint::{FingerprintKey, KeyError};
use super::keys::KeySets;
use super::{RawToken, looks_like_jwt, read};
use crate::model::policy::Policy;
use crate::model::{Anomalies, Token};

/// Distinct tokens that are remembered; beyond it the ones not seen for longest are worked out again.
const TOKENS: usize = 32 * 1024;

/// Shared by all workers. Reading is cheap: one keyed hash and one short lock per token seen.
pub struct Shared {
    /// Which headers carry tokens.
    pub carriers: Carriers,
    key: FingerprintKey,
    keys: KeySets,
    salt: [u8; 32],
    tokens: Cache<(Arc<Token>, Anomalies)>,
    tagged: Cache<Arc<Token>>,
    tag_hash: KeyedHash,
}

/// How much is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SharedStats {
    /// Distinct raw tokens.
    pub tokens: usize,
    /// Distinct tokens known from tags.
    pub tagged: usize,
}

/// A keyed hash over a span's own tags.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TagKey(CacheKey);

/// Collects a [`TagKey`].
pub struct TagKeyBuilder(DefaultHasher, DefaultHasher);

impl TagKeyBuilder {
    /// Adds bytes; their length is part of the hash, so that neighbours cannot be mistaken for each other.
    pub fn add(&mut self, bytes: &[u8]) {
        for hasher in [&mut self.0, &mut self.1] {
            hasher.write_usize(bytes.len());
            hasher.write(bytes);
        }
    }

    /// The key.
    pub fn finish(&self) -> TagKey {
        TagKey(CacheKey::from(self.0.finish()) << 64 | CacheKey::from(self.1.finish()))
    }
}

impl Shared {
    /// Takes the policy's lists, the fingerprint key and the key sets for jwtrail's own check.
    pub fn new(policy: &Policy, key: FingerprintKey, keys: KeySets) -> Result<Arc<Self>, KeyError> {
        let mut salt = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| KeyError::NoRandomness)?;
        Ok(Arc::new(Self {
            carriers: Carriers::new(&policy.capture),
            key,
            keys,
            salt,
            tokens: Cache::new(TOKENS),
            tagged: Cache::new(TOKENS),
            tag_hash: KeyedHash::new(),
        }))
    }

    /// What may be known of a raw token. `scheme` decides whether an opaque one may be hashed without a key.
    pub fn token(&self, raw: &RawToken<'_>, scheme: &str) -> (Arc<Token>, Anomalies) {
        let bound = matches!(scheme, "bearer" | "dpop") && !looks_like_jwt(raw.expose());
        let key = self.key_of(raw, bound);
        if let Some(known) = self.tokens.get(key) {
            return known;
        }
        let (token, anomalies) = read::read(raw, bound, &self.key, &self.keys);
        self.tokens.insert(key, (Arc::new(token), anomalies))
    }

    /// The token that a span's own tags describe, made at most once for equal tags.
    pub fn tagged(&self, key: TagKey, make: impl FnOnce() -> Token) -> Arc<Token> {
        self.tagged.get(key.0).unwrap_or_else(|| self.tagged.insert(key.0, Arc::new(make())))
    }

    /// Begins a [`TagKey`].
    pub fn tag_key(&self) -> TagKeyBuilder {
        let (first, second) = self.tag_hash.hashers();
        TagKeyBuilder(first, second)
    }

    /// The key of `h256` fingerprints.
    pub fn fingerprint_key(&self) -> &FingerprintKey {
        &self.key
    }

    /// The key sets of jwtrail's own check.
    pub fn key_sets(&self) -> &KeySets {
        &self.keys
    }

    /// How much is remembered.
    pub fn stats(&self) -> SharedStats {
        SharedStats { tokens: self.tokens.len(), tagged: self.tagged.len() }
    }

    /// The raw value itself is never a key: what is remembered is a salted SHA-256 of it, cut to 128 bits.
    fn key_of(&self, raw: &RawToken<'_>, bound: bool) -> CacheKey {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.salt);
        context.update(&[u8::from(bound)]);
        context.update(raw.expose().as_bytes());
        let hash = context.finish();
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        CacheKey::from_le_bytes(bytes)
    }
}
