//! What all workers share: the lists, the keys, and what is known of each distinct token.

use std::hash::Hasher;
use std::sync::Arc;

use ahash::AHasher;
use aws_lc_rs::digest;

use super::cache::{Cache, CacheKey, KeyedHash};
use super::carriers::Carriers;
use super::fingerprint::{FingerprintKey, KeyError};
use super::keys::{KeySets, is_final};
use super::{RawToken, looks_like_jwt, read};
use crate::model::meter::weigh_token;
use crate::model::policy::Policy;
use crate::model::{Anomalies, Meter, Token};

/// Distinct tokens that are remembered at most; beyond it the ones not seen for longest are worked out again.
const TOKENS: usize = 32 * 1024;

/// The least that are.
const LEAST_TOKENS: usize = 64;

/// Bytes that one takes, with its place.
const PER_TOKEN: usize = 768;

/// A worker's tables have eight generations in all, and there are a few workers: together a sixteenth of the memory.
const SHARE_OF_A_CACHE: usize = 512;
const LEAST_CACHE: usize = 16 * 1024;
const MOST_CACHE: usize = 1024 * 1024;

/// Shared by all workers. Reading is cheap: one keyed hash and one short lock per token seen.
pub struct Shared {
    /// Which headers carry tokens.
    pub carriers: Carriers,
    key: FingerprintKey,
    keys: Arc<KeySets>,
    salt: [u8; 32],
    tokens: Cache<Known>,
    tagged: Cache<Arc<Token>>,
    tag_hash: KeyedHash,
    meter: Arc<Meter>,
    caches: usize,
}

/// What is known of a raw token, and under which keys it was checked.
#[derive(Clone)]
struct Known {
    token: Arc<Token>,
    anomalies: Anomalies,
    generation: u64,
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

/// Collects a [`TagKey`]. One hash is enough where a match is looked at once more, two where it is believed.
pub struct TagKeyBuilder(AHasher, Option<AHasher>);

impl TagKeyBuilder {
    /// Adds bytes under a number; number and length are part of the hash, so that neighbours cannot be mistaken for
    /// each other.
    pub fn add(&mut self, number: usize, bytes: &[u8]) {
        for hasher in [Some(&mut self.0), self.1.as_mut()].into_iter().flatten() {
            hasher.write_u64((number as u64) << 48 ^ bytes.len() as u64);
            hasher.write(bytes);
        }
    }

    /// The key.
    pub fn finish(&self) -> TagKey {
        let second = self.1.as_ref().map_or(0, Hasher::finish);
        TagKey(CacheKey::from(second) << 64 | CacheKey::from(self.0.finish()))
    }
}

/// Collects a [`TagKey`] by SHA-256 under a salt of this run: slower, and believed whoever chose the bytes.
pub struct Digest(digest::Context);

impl Digest {
    /// Adds bytes, with their length.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The key: its first 128 bits.
    pub fn finish(self) -> TagKey {
        TagKey(cut(self.0))
    }
}

fn cut(context: digest::Context) -> CacheKey {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    CacheKey::from_le_bytes(bytes)
}

impl Shared {
    /// Takes the policy's lists, the fingerprint key and the key sets for jwtrail's own check.
    pub fn new(policy: &Policy, key: FingerprintKey, keys: impl Into<Arc<KeySets>>) -> Result<Arc<Self>, KeyError> {
        Self::within(policy, key, keys, usize::MAX)
    }

    /// The same, where no more than an eighth of so many bytes is for what is remembered.
    pub fn within(
        policy: &Policy,
        key: FingerprintKey,
        keys: impl Into<Arc<KeySets>>,
        memory: usize,
    ) -> Result<Arc<Self>, KeyError> {
        // Two generations each of what is known of raw tokens and of tags.
        let capacity = (memory / 8 / 4 / PER_TOKEN).clamp(LEAST_TOKENS, TOKENS);
        let mut salt = [0_u8; 32];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| KeyError::NoRandomness)?;
        Ok(Arc::new(Self {
            carriers: Carriers::new(&policy.capture),
            key,
            keys: keys.into(),
            salt,
            tokens: Cache::new(capacity),
            tagged: Cache::new(capacity),
            tag_hash: KeyedHash::new(),
            meter: Arc::new(Meter::default()),
            caches: (memory / SHARE_OF_A_CACHE).clamp(LEAST_CACHE, MOST_CACHE),
        }))
    }

    /// What counts the bytes of tokens and of all else that spans share.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Bytes that one generation of one table of shared values may take, of the tables that each worker has.
    pub fn caches(&self) -> usize {
        self.caches
    }

    /// A token that spans will share, counted from now on.
    pub fn weigh(&self, mut token: Token) -> Arc<Token> {
        weigh_token(&mut token, &self.meter);
        Arc::new(token)
    }

    /// What may be known of a raw token. `scheme` decides whether an opaque one may be hashed without a key.
    pub fn token(&self, raw: &RawToken<'_>, scheme: &str) -> (Arc<Token>, Anomalies) {
        let bound = matches!(scheme, "bearer" | "dpop") && !looks_like_jwt(raw.expose());
        let key = self.key_of(raw, bound);
        // Read before the keys are: keys that come meanwhile are then tried at the next sight.
        let generation = self.keys.generation();
        match self.tokens.get(key) {
            Some(known) if known.generation == generation || is_final(&known.token.check) => {
                (known.token, known.anomalies)
            }
            Some(known) => self.check_again(raw, key, known, generation),
            None => {
                let (token, anomalies) = read::read(raw, bound, &self.key, &self.keys);
                let known = self.tokens.insert(key, Known { token: self.weigh(token), anomalies, generation });
                (known.token, known.anomalies)
            }
        }
    }

    /// Keys have come since the token was last checked. Spans that hold it already keep what they have; the judge
    /// takes the best check that any span brings.
    fn check_again(
        &self,
        raw: &RawToken<'_>,
        key: CacheKey,
        mut known: Known,
        generation: u64,
    ) -> (Arc<Token>, Anomalies) {
        let check = read::check(raw, &self.keys);
        if check != known.token.check {
            known.token = self.weigh(Token { check, ..Token::clone(&known.token) });
        }
        known.generation = generation;
        self.tokens.replace(key, known.clone());
        (known.token, known.anomalies)
    }

    /// The token that a span's own tags described before. The fingerprint is compared, so that not even a collision of
    /// hashes can take one token for another.
    pub fn tagged(&self, key: TagKey, fingerprint: &str) -> Option<Arc<Token>> {
        let same = |known: &Arc<Token>| known.fingerprint().is_some_and(|known| known.as_str() == fingerprint);
        self.tagged.get(key.0).filter(same)
    }

    /// Remembers the token that tags describe.
    pub fn keep_tagged(&self, key: TagKey, token: Token) -> Arc<Token> {
        self.tagged.insert(key.0, self.weigh(token))
    }

    /// Begins the key of a token known from tags.
    pub fn tag_key(&self) -> TagKeyBuilder {
        TagKeyBuilder(self.tag_hash.hashers().0, None)
    }

    /// Begins a key that is believed without a second look.
    pub fn wide_key(&self) -> TagKeyBuilder {
        let (first, second) = self.tag_hash.hashers();
        TagKeyBuilder(first, Some(second))
    }

    /// Begins a digest.
    pub fn digest(&self) -> Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.salt);
        Digest(context)
    }

    /// Changes when tokens that were checked may have to be checked once more.
    pub fn generation(&self) -> u64 {
        self.keys.generation()
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
        cut(context)
    }
}
