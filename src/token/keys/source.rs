//! Reading what can be read without the network: key sets and secrets in files, secrets in variables.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use jsonwebtoken::Algorithm;
use zeroize::Zeroizing;

use super::jwks::{Held, NoKeySet, Published, algorithm_named};
use crate::model::{KeyPlace, KeySource};

/// Largest JWKS that is read from a file, in bytes.
const MAX_JWKS: u64 = 4 * 1024 * 1024;

/// Largest secret, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

/// Why keys were not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeySetsError {
    /// The file could not be read.
    #[error("expected a file with keys at {place}, and it could not be read: {source}")]
    Unreadable {
        /// Which.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// It is no JWKS.
    #[error("expected a JSON object with `keys` (RFC 7517) in {place}, found {found}")]
    Malformed {
        /// Which.
        place: String,
        /// What was there.
        found: String,
    },
    /// No key in it verifies signatures.
    #[error("expected at least one RSA, EC or Ed25519 signature key in {place}, found none: {found}")]
    NoUsableKey {
        /// Which.
        place: String,
        /// What was wrong with the keys that are there.
        found: String,
    },
    /// An algorithm name that is not known.
    #[error("expected a JOSE signature algorithm such as RS256 or ES256 for {place}, found `{found}`")]
    UnknownAlgorithm {
        /// Which.
        place: String,
        /// The name.
        found: String,
    },
    /// A secret that is none.
    #[error("expected the secret of HS256, HS384 or HS512 in {place}, found {found}")]
    NoSecret {
        /// Which.
        place: String,
        /// What was there; never the text itself.
        found: String,
    },
}

impl KeySetsError {
    /// What was wrong with a document, and where it was found.
    pub(super) fn of_document(place: &KeyPlace, wrong: NoKeySet) -> Self {
        let place = place.to_string();
        match wrong {
            NoKeySet::Malformed(found) => Self::Malformed { place, found },
            NoKeySet::NoUsableKey(found) => Self::NoUsableKey { place, found },
        }
    }
}

/// The algorithms that the user accepts.
pub(super) fn allowed(source: &KeySource) -> Result<Vec<Algorithm>, KeySetsError> {
    let unknown =
        |name: &String| KeySetsError::UnknownAlgorithm { place: source.place.to_string(), found: name.clone() };
    source.algorithms.iter().map(|name| algorithm_named(name).ok_or_else(|| unknown(name))).collect()
}

/// Reads a source that is on this machine; a remote one holds nothing yet.
pub(super) fn read(place: &KeyPlace, allowed: &[Algorithm]) -> Result<Held, KeySetsError> {
    let no_secret = |found: String| KeySetsError::NoSecret { place: place.to_string(), found };
    match place {
        KeyPlace::Url(_) | KeyPlace::Discovery(_) => Ok(Held::default()),
        KeyPlace::File(path) => {
            let bytes = bounded(path, MAX_JWKS)
                .map_err(|source| KeySetsError::Unreadable { place: place.to_string(), source })?;
            let bytes = bytes.ok_or_else(|| KeySetsError::Malformed {
                place: place.to_string(),
                found: format!("more than {MAX_JWKS} bytes"),
            })?;
            Held::parse(&bytes, allowed, Published::OnDisk).map_err(|wrong| KeySetsError::of_document(place, wrong))
        }
        KeyPlace::SecretFile(path) => {
            let bytes = bounded(path, MAX_SECRET)
                .map_err(|source| KeySetsError::Unreadable { place: place.to_string(), source })?;
            let bytes = bytes.ok_or_else(|| no_secret(format!("more than {MAX_SECRET} bytes")))?;
            secret(&bytes, allowed).map_err(no_secret)
        }
        KeyPlace::SecretVariable(name) => match std::env::var_os(name) {
            Some(text) => secret(&Zeroizing::new(text.into_encoded_bytes()), allowed).map_err(no_secret),
            None => Err(no_secret("no such variable".to_owned())),
        },
    }
}

/// A file's content, wiped when dropped; `None` where it is larger than expected.
fn bounded(path: &Path, most: u64) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = File::open(path)?;
    let size = fs::metadata(path)?.len().min(most);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1));
    file.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

/// Editors end a file with a line break, which is no part of the secret.
fn secret(bytes: &[u8], allowed: &[Algorithm]) -> Result<Held, String> {
    let bytes = bytes.strip_suffix(b"\n").map_or(bytes, |bytes| bytes.strip_suffix(b"\r").unwrap_or(bytes));
    if bytes.is_empty() {
        return Err("nothing".to_owned());
    }
    // A public key taken for a shared secret is the oldest mistake with JWTs: anyone could sign with it.
    if bytes.starts_with(b"-----BEGIN") || serde_json::from_slice::<serde_json::Map<_, _>>(bytes).is_ok() {
        return Err("a key in PEM or JSON: name a key set under `jwks`".to_owned());
    }
    Held::secret(bytes, allowed)
}
