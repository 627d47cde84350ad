//! What may be known of a token once its raw value is forgotten (tagging.md, sections 2 to 4).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Reason, Weight};

/// A fingerprint in one of its two printed forms: `s256:` + 43 base64url digits, or `h256.KEYID:` + 22.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Arc<str>);

impl Fingerprint {
    /// Takes a text that is known to be well formed; the token module checks what strangers send.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The printed form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Four letters drawn from it, for people.
    pub fn short(&self) -> String {
        let digits = self.0.rsplit(':').next().unwrap_or_default();
        digits.chars().filter(char::is_ascii_alphanumeric).take(4).map(|c| c.to_ascii_lowercase()).collect()
    }

    /// `None` where the two stand under different keys or forms and so say nothing of each other.
    pub fn compare(&self, other: &Self) -> Option<bool> {
        let form = |text: &str| text.find(':').unwrap_or(0);
        let (mine, theirs) = (form(&self.0), form(&other.0));
        (self.0[..mine] == other.0[..theirs]).then(|| self.0 == other.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The shape of a token: signed (RFC 7515), encrypted (RFC 7516), or neither as far as can be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TokenFormat {
    /// Three parts, the first a JOSE header; or what is left of such a token after a cut.
    Jws,
    /// Five parts, the first a JOSE header with `enc`.
    Jwe,
    /// No structure that can be read.
    Opaque,
}

/// Whether a token speaks for a person or for a service (verdicts.md section 5, "Workload").
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SubjectKind {
    /// A person.
    User,
    /// A service.
    Workload,
}

/// The proof-of-possession binding of a token (`cnf`, RFC 7800).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Confirmation {
    /// No `cnf` claim.
    None,
    /// Bound to a `DPoP` key (RFC 9449).
    Jkt,
    /// Bound to a client certificate (RFC 8705).
    X5t,
}

/// What jwtrail's own check against the configured keys said of a signature; time is judged per span.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Check {
    /// No key for this token, or nothing to check.
    #[default]
    NotChecked,
    /// The signature holds under the key with this RFC 7638 thumbprint (none for a shared secret).
    Valid(Option<Fingerprint>),
    /// The check failed for this reason (never a matter of time or audience).
    Failed(Reason),
}

/// One way in which a carrier's value strays from `Scheme token` (tagging.md section 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Anomaly {
    /// `Bearer Bearer …`
    PrefixDuplicated = 1,
    /// A token without its scheme in `authorization`.
    PrefixMissing = 2,
    /// The token stands in quotes.
    Quoted = 4,
    /// One layer of percent-encoding.
    PercentEncoded = 8,
    /// `undefined`, `null`, `{{token}}` and the like, or a scheme with nothing behind it.
    Placeholder = 16,
    /// A JWT with fewer than three parts, or a signature too short for its algorithm.
    MaybeTruncated = 32,
    /// A value that hides itself: `[REDACTED]`, `****`.
    Redacted = 64,
}

/// A set of [`Anomaly`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Anomalies(pub u8);

impl Anomalies {
    /// Adds one.
    pub fn insert(&mut self, anomaly: Anomaly) {
        self.0 |= anomaly as u8;
    }

    /// Whether it is there.
    pub fn contains(self, anomaly: Anomaly) -> bool {
        self.0 & anomaly as u8 != 0
    }

    /// Those of `self` that `earlier` lacks.
    #[must_use]
    pub fn new_since(self, earlier: Self) -> Self {
        Self(self.0 & !earlier.0)
    }

    /// The names of tagging.md, in its order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        ANOMALY_NAMES.iter().filter(move |(anomaly, _)| self.contains(*anomaly)).map(|(_, name)| *name)
    }
}

/// Each anomaly with its name in `jwtrail.token.anomaly`.
pub const ANOMALY_NAMES: [(Anomaly, &str); 7] = [
    (Anomaly::PrefixDuplicated, "prefix_duplicated"),
    (Anomaly::PrefixMissing, "prefix_missing"),
    (Anomaly::Quoted, "quoted"),
    (Anomaly::PercentEncoded, "percent_encoded"),
    (Anomaly::Placeholder, "placeholder"),
    (Anomaly::MaybeTruncated, "maybe_truncated"),
    (Anomaly::Redacted, "redacted"),
];

/// A token as it is known after ingest: fingerprints and safe claims, shared by all spans that carry it.
///
/// Claims that name a person are keyed hashes. `None` means that this span's source did not say.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Token {
    /// SHA-256 of the whole token, the `ath` of RFC 9449; absent for short opaque values.
    pub s256: Option<Fingerprint>,
    /// Keyed fingerprint of the whole token.
    pub h256: Option<Fingerprint>,
    /// Fingerprint of the first part.
    pub header: Option<Fingerprint>,
    /// Fingerprint of the second part (`h256` only).
    pub payload: Option<Fingerprint>,
    /// Fingerprint of the third part; for an opaque token, of the whole of it.
    pub signature: Option<Fingerprint>,
    /// Shape of the token.
    pub format: Option<TokenFormat>,
    /// Number of dot-separated parts, where the raw token was seen.
    pub parts: Option<u8>,
    /// Whether the signature is empty or a known sentinel, where the raw token was seen.
    pub signature_removed: bool,
    /// JOSE `alg`.
    pub alg: Option<Arc<str>>,
    /// JOSE `kid`.
    pub kid: Option<Arc<str>>,
    /// JOSE `typ`.
    pub typ: Option<Arc<str>>,
    /// `iss` claim.
    pub iss: Option<Arc<str>>,
    /// `aud` claim, in the token's order.
    pub aud: Vec<Arc<str>>,
    /// `scope` (or `scp`) split at spaces.
    pub scope: Vec<Arc<str>>,
    /// The `act` chain, outermost first; hashed unless a workload's.
    pub actors: Vec<Arc<str>>,
    /// `exp`, seconds since the epoch.
    pub exp: Option<i64>,
    /// `iat`, seconds since the epoch.
    pub iat: Option<i64>,
    /// `nbf`, seconds since the epoch.
    pub nbf: Option<i64>,
    /// Length in bytes.
    pub length: Option<u32>,
    /// Keyed hash of `iss NUL sub`.
    pub sub_hash: Option<Fingerprint>,
    /// Keyed hash of `tid NUL oid` (Microsoft Entra).
    pub subject_id_hash: Option<Fingerprint>,
    /// Keyed hash of `iss NUL jti`.
    pub jti_hash: Option<Fingerprint>,
    /// Keyed hash of `iss NUL txn`.
    pub txn_hash: Option<Fingerprint>,
    /// Person or service.
    pub subject_kind: Option<SubjectKind>,
    /// Proof-of-possession binding.
    pub cnf: Option<Confirmation>,
    /// jwtrail's own check.
    pub check: Check,
    /// What it is counted with where it is shared.
    #[serde(skip)]
    pub weight: Weight,
}

impl Token {
    /// The fingerprint that reports print: `s256` where there is one, else `h256`.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.s256.as_ref().or(self.h256.as_ref())
    }

    /// Whether two tokens are byte for byte the same; `None` where no common form allows to say.
    pub fn same_as(&self, other: &Self) -> Option<bool> {
        let pair = |a: &Option<Fingerprint>, b: &Option<Fingerprint>| a.as_ref()?.compare(b.as_ref()?);
        pair(&self.s256, &other.s256).or_else(|| pair(&self.h256, &other.h256))
    }

    /// Whether the source showed any claim at all: an opaque or encrypted token, or a bare fingerprint, shows none.
    pub fn shows_claims(&self) -> bool {
        self.iss.is_some() || self.sub_hash.is_some() || self.exp.is_some() || !self.aud.is_empty()
    }

    /// A short name for people: four letters drawn from the fingerprint, stable for a token.
    pub fn short_name(&self) -> String {
        self.fingerprint().map(Fingerprint::short).unwrap_or_default()
    }

    /// The same for whom the token is about.
    pub fn subject_name(&self) -> Option<String> {
        self.sub_hash.as_ref().or(self.subject_id_hash.as_ref()).map(Fingerprint::short)
    }
}
