//! Raw header → what may be known of it: carriers, canonical form, fingerprints, claims, scrubbing, jwtrail's own check.
//!
//! A raw token lives here only as a [`RawToken`], borrowed from the request or wiped when dropped. What leaves this
//! module is `model` data: fingerprints, safe claims, scrubbed text.

mod cache;
mod canonical;
mod carriers;
mod claims;
mod fingerprint;
mod keys;
mod raw;
mod read;
mod scrub;
mod shape;
mod shared;

pub use crate::model::{KeyPlace, KeySource};
pub use canonical::{Canonical, canonical, is_placeholder, is_redacted, is_sentinel, split_values};
pub use carriers::{Carriers, HeaderUse, same_name};
pub use fingerprint::{FingerprintKey, KeyError, Label, sha256_fingerprint, valid_fingerprint};
pub use keys::{Installed, KeySets, KeySetsError, Pace, Schedule};
pub use raw::RawToken;
pub use scrub::{Credential, REDACTED, is_marked, sensitive_key, suspicious};
pub use shape::{Shape, looks_like_jwt};
pub use shared::{Digest, Shared, SharedStats, TagKey, TagKeyBuilder};
