//! jwtrail's own check: issuers' public keys and the verification of signatures. No clock and no network in here:
//! time is judged per span, and what was fetched is handed in by whoever fetches.

mod jwks;
mod refresh;
mod source;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aws_lc_rs::digest;
use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::Shape;
use crate::model::{Check, KeySource, Reason};
use jwks::{Held, Published, VerificationKey, algorithm_named, is_symmetric};

pub use refresh::{Pace, Schedule};
pub use source::KeySetsError;

/// The keys that tokens are checked against, by source. Shared between those who check and those who fetch: a check
/// takes the keys that are there at the moment and waits for nobody.
#[derive(Default)]
pub struct KeySets {
    sets: Vec<KeySet>,
    skipped: Vec<String>,
    /// Counts each change of keys: what could not be checked before one may be checked after it.
    generation: AtomicU64,
    wanted: OnceLock<Box<dyn Fn(usize) + Send + Sync>>,
}

struct KeySet {
    source: KeySource,
    allowed: Vec<Algorithm>,
    held: RwLock<Arc<Held>>,
    digest: RwLock<Option<digest::Digest>>,
    wanted: AtomicBool,
}

/// What came of a document that was fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Installed {
    /// Whether it differs from the one before.
    pub changed: bool,
    /// Keys that were left out, each with the reason, for the log.
    pub skipped: Vec<String>,
}

impl KeySets {
    /// Reads every source on this machine; the first that cannot be used is the error. Remote ones are empty until
    /// [`Self::install`].
    pub fn load(sources: &[KeySource]) -> Result<Self, KeySetsError> {
        let mut sets = Self::default();
        for source in sources {
            let allowed = source::allowed(source)?;
            let held = source::read(&source.place, &allowed)?;
            sets.skipped.extend(held.skipped.iter().map(|skipped| format!("{}: {skipped}", source.place)));
            sets.sets.push(KeySet {
                source: source.clone(),
                allowed,
                held: RwLock::new(Arc::new(held)),
                digest: RwLock::default(),
                wanted: AtomicBool::new(false),
            });
        }
        Ok(sets)
    }

    /// Keys in files that were left out, each with the reason, for the log.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Whether there is nothing to check with, now or later.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Sources that are fetched, each with its number.
    pub fn remote(&self) -> impl Iterator<Item = (usize, &KeySource)> {
        self.sets.iter().enumerate().map(|(at, set)| (at, &set.source)).filter(|(_, source)| source.place.is_remote())
    }

    /// Takes the key set that was fetched for a source. One without usable keys is refused, and what was there stays.
    pub fn install(&self, number: usize, document: &[u8]) -> Result<Installed, KeySetsError> {
        let unchanged = Installed { changed: false, skipped: Vec::new() };
        let Some(set) = self.sets.get(number) else { return Ok(unchanged) };
        let print = digest::digest(&digest::SHA256, document);
        let same = |known: &digest::Digest| known.as_ref() == print.as_ref();
        if set.digest.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(same) {
            return Ok(unchanged);
        }
        let held = Held::parse(document, &set.allowed, Published::OnTheWeb)
            .map_err(|wrong| KeySetsError::of_document(&set.source.place, wrong))?;
        let skipped = held.skipped.clone();
        *set.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
        *set.digest.write().unwrap_or_else(PoisonError::into_inner) = Some(print);
        self.generation.fetch_add(1, Ordering::SeqCst);
        Ok(Installed { changed: true, skipped })
    }

    /// Whom to tell when a token came whose key a source does not hold. The first call counts.
    pub fn on_wanted(&self, tell: impl Fn(usize) + Send + Sync + 'static) {
        // A second listener would be a second fetcher of the same sources.
        let _ = self.wanted.set(Box::new(tell));
    }

    /// Whether a token asked for keys of this source since the last call.
    pub fn take_wanted(&self, number: usize) -> bool {
        self.sets.get(number).is_some_and(|set| set.wanted.swap(false, Ordering::SeqCst))
    }

    /// A source was asked and had nothing new: tokens that wait for a key may ask again when they are next seen.
    pub fn asked_in_vain(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Changes with each change of keys, and when a token may ask for them again.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Verifies a signature. The algorithm must be one that the *key* allows; the token only picks among those.
    pub(super) fn check(&self, shape: &Shape<'_>, claims: &Value) -> Check {
        let [header_part, payload_part, signature] = shape.parts[..] else { return Check::NotChecked };
        let (Some(header), false) = (&shape.header, self.is_empty()) else { return Check::NotChecked };
        let alg = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        if alg.eq_ignore_ascii_case("none") {
            return Check::Failed(Reason::Algorithm);
        }
        // A gateway that replaced the signature had verified it: there is nothing left to check.
        if shape.signature_removed && !signature.is_empty() {
            return Check::NotChecked;
        }
        let asked = Asked {
            issuer: claims.get("iss").and_then(Value::as_str),
            kid: header.get("kid").and_then(Value::as_str),
            algorithm: algorithm_named(alg),
        };
        let sets: Vec<(usize, &KeySet, Arc<Held>)> = self.serving(&asked);
        let candidates = asked.candidates(&sets);
        let message = zeroize::Zeroizing::new(format!("{header_part}.{payload_part}"));
        // Some gateways write base64url with padding, which this decoder does not take.
        let signature = signature.trim_end_matches('=');
        let check = asked.verify(&candidates, signature, message.as_bytes());
        if !is_final(&check) {
            self.want(&asked, &sets);
        }
        check
    }

    /// The sources that may hold this token's key, with what they hold.
    fn serving(&self, asked: &Asked<'_>) -> Vec<(usize, &KeySet, Arc<Held>)> {
        let serves = |set: &KeySet| set.source.issuer.as_deref().is_none_or(|own| same_issuer(own, asked.issuer));
        let held = |set: &KeySet| Arc::clone(&set.held.read().unwrap_or_else(PoisonError::into_inner));
        self.sets.iter().enumerate().filter(|(_, set)| serves(set)).map(|(at, set)| (at, set, held(set))).collect()
    }

    /// Says that newer keys might check what these could not.
    fn want(&self, asked: &Asked<'_>, sets: &[(usize, &KeySet, Arc<Held>)]) {
        for (number, set, held) in sets.iter().filter(|(_, set, _)| set.source.place.is_remote()) {
            let known = asked.kid.is_some_and(|kid| held.unusable.iter().any(|unusable| unusable == kid));
            if !known
                && !set.wanted.swap(true, Ordering::SeqCst)
                && let Some(tell) = self.wanted.get()
            {
                tell(*number);
            }
        }
    }
}

/// Whether newer keys can change nothing: a signature may have failed only because the issuer replaced a key without
/// renaming it.
pub(super) fn is_final(check: &Check) -> bool {
    !matches!(check, Check::NotChecked | Check::Failed(Reason::Signature))
}

/// Issuers are compared byte for byte (RFC 7519, section 4.1.1), but for the slash that people forget at the end.
fn same_issuer(own: &str, token: Option<&str>) -> bool {
    token.is_some_and(|token| token.trim_end_matches('/') == own.trim_end_matches('/'))
}

/// What a token says of the key that it was signed with.
struct Asked<'t> {
    issuer: Option<&'t str>,
    kid: Option<&'t str>,
    algorithm: Option<Algorithm>,
}

/// A key that the token may have been signed with.
struct Candidate<'k> {
    key: &'k VerificationKey,
    /// Whether it should have fitted, so that it says something if it does not.
    decisive: bool,
}

impl Asked<'_> {
    fn candidates<'k>(&self, sets: &'k [(usize, &KeySet, Arc<Held>)]) -> Vec<Candidate<'k>> {
        // Where the issuer has keys of its own, those of nobody in particular may help but not accuse.
        let any_bound = sets.iter().any(|(_, set, _)| set.source.issuer.is_some());
        let all = sets.iter().flat_map(|(_, set, held)| held.keys.iter().map(|key| (set.source.issuer.is_some(), key)));
        all.filter_map(|(bound, key)| {
            let named = self.kid.is_some() && key.kid.as_deref() == self.kid;
            let serves = named || self.kid.is_none() || key.secret && self.able(key);
            // Without a `kid`, an issuer's public keys still say that it does not sign with a shared secret.
            let confused = self.kid.is_none() && self.algorithm.is_some_and(is_symmetric) && !self.able(key);
            let says = named || key.secret && self.able(key) && bound || confused && bound;
            serves.then_some(Candidate { key, decisive: says && (bound || !any_bound) })
        })
        .collect()
    }

    fn able(&self, key: &VerificationKey) -> bool {
        self.algorithm.is_some_and(|algorithm| key.algorithms.contains(&algorithm))
    }

    fn verify(&self, candidates: &[Candidate<'_>], signature: &str, message: &[u8]) -> Check {
        let able = || candidates.iter().filter(|candidate| self.able(candidate.key));
        for Candidate { key, .. } in able() {
            let Some(algorithm) = self.algorithm else { break };
            if jsonwebtoken::crypto::verify(signature, message, &key.decoding, algorithm).unwrap_or(false) {
                return Check::Valid(key.thumbprint.clone());
            }
        }
        if able().any(|candidate| candidate.decisive) {
            return Check::Failed(Reason::Signature);
        }
        // An issuer with public keys and a secret signs with both: only where nothing fits is the algorithm wrong.
        let no_secret = self.kid.is_some() || able().next().is_none();
        if no_secret && candidates.iter().any(|candidate| candidate.decisive) {
            return Check::Failed(Reason::Algorithm);
        }
        Check::NotChecked
    }
}
