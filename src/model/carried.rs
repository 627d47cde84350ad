//! What the carriers of a span held, and what its own tags say: shared by all spans that say the same.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Anomalies, Fingerprint, Reason, Token, VerifyResult, Weight};

/// What one carrier held (tagging.md sections 1 and 4).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum CarriedValue {
    /// A token, known by its fingerprint.
    Token(Arc<Token>),
    /// `undefined`, `null`, `{{…}}`, or a scheme with nothing behind it.
    Placeholder,
    /// There, but hidden by the instrumentation, or said to be there by a tag without a fingerprint.
    Redacted,
    /// Another credential: Basic, Digest, AWS4-HMAC-SHA256, … with its scheme in lower case.
    OtherCredential(Arc<str>),
    /// The carrier was captured and is empty or a configured sentinel: proof of absence.
    Empty,
}

/// One carrier of one span and what it held.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Carried {
    /// `header:authorization`, `cookie:NAME`, `metadata:KEY`, `query:NAME`, `message:KEY`.
    pub carrier: Arc<str>,
    /// What it held.
    pub value: CarriedValue,
    /// How the value strayed from the canonical form.
    pub anomalies: Anomalies,
    /// The scheme word in lower case, empty where there was none.
    pub scheme: Arc<str>,
    /// Length of the captured value as exported, in characters: tells a value cut by an attribute limit.
    pub captured_length: u32,
}

/// What a span's own `jwtrail.*` tags say beside the token itself (tagging.md section 2).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct SelfTags {
    /// `jwtrail.token.presence` = `absent`.
    pub absent: bool,
    /// `jwtrail.verify.result`.
    pub verify_result: Option<VerifyResult>,
    /// `jwtrail.verify.reason`.
    pub verify_reason: Option<Reason>,
    /// `jwtrail.verify.key_fp`.
    pub verify_key: Option<Fingerprint>,
    /// `jwtrail.exchange.intent`, unless `none`.
    pub exchange_intent: Option<Arc<str>>,
    /// `jwtrail.exchange.from_fp`.
    pub exchanged_from: Option<Fingerprint>,
}

/// What a span's carriers held, and its own tags. A pointer, and null where there is neither.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Carrying(Option<Arc<Carries>>);

/// What a [`Carrying`] points at.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Carries {
    /// What the carriers held.
    pub carried: Vec<Carried>,
    /// Its own tags.
    pub tags: Option<Box<SelfTags>>,
    /// What it is counted with where it is shared.
    #[serde(skip)]
    pub weight: Weight,
}

/// What most spans carry.
static NOTHING: Vec<Carried> = Vec::new();

impl Carrying {
    /// Points at what others may point at, too.
    pub fn new(carries: Arc<Carries>) -> Self {
        Self(Some(carries))
    }

    /// What it points at, where there is anything.
    pub fn shared(&self) -> Option<&Arc<Carries>> {
        self.0.as_ref()
    }

    /// Its own tags.
    pub fn tags(&self) -> Option<&SelfTags> {
        self.0.as_ref().and_then(|carries| carries.tags.as_deref())
    }

    /// Writes its own tags: a copy of its own where others share it.
    pub fn tags_mut(&mut self) -> &mut Option<Box<SelfTags>> {
        &mut self.own().tags
    }

    fn own(&mut self) -> &mut Carries {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl Deref for Carrying {
    type Target = Vec<Carried>;

    fn deref(&self) -> &Vec<Carried> {
        self.0.as_ref().map_or(&NOTHING, |carries| &carries.carried)
    }
}

/// Writes a copy of its own where others share it.
impl DerefMut for Carrying {
    fn deref_mut(&mut self) -> &mut Vec<Carried> {
        &mut self.own().carried
    }
}

impl<'c> IntoIterator for &'c Carrying {
    type Item = &'c Carried;
    type IntoIter = std::slice::Iter<'c, Carried>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'c> IntoIterator for &'c mut Carrying {
    type Item = &'c mut Carried;
    type IntoIter = std::slice::IterMut<'c, Carried>;

    fn into_iter(self) -> Self::IntoIter {
        if self.is_empty() { [].iter_mut() } else { self.iter_mut() }
    }
}
