//! Takes credentials out of attribute keys and values, in place.

use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use zeroize::Zeroize;

use crate::otlp::extract::headers::{request_header, response_header};
use crate::token::{
    Canonical, HeaderUse, Label, REDACTED, Shared, canonical, is_placeholder, is_sentinel, same_name, sensitive_key,
    split_values, valid_fingerprint,
};

/// Tags whose value must be a fingerprint.
const FINGERPRINT_TAGS: [&str; 12] = [
    "jwtrail.token.fp",
    "jwtrail.token.fp.keyed",
    "jwtrail.token.fp.header",
    "jwtrail.token.fp.payload",
    "jwtrail.token.fp.signature",
    "jwtrail.token.sub_hash",
    "jwtrail.token.subject_id_hash",
    "jwtrail.token.jti_hash",
    "jwtrail.token.txn_hash",
    "jwtrail.check.key_fp",
    "jwtrail.verify.key_fp",
    "jwtrail.exchange.from_fp",
];

/// Masks in place; what is overwritten is wiped.
pub(super) struct Mask<'s> {
    pub(super) shared: &'s Shared,
}

impl Mask<'_> {
    /// A list of attributes, keys and values.
    pub(super) fn attributes(&self, entries: &mut Vec<KeyValue>) {
        entries.retain(|entry| !FINGERPRINT_TAGS.contains(&&*entry.key) || is_fingerprint(entry.value.as_ref()));
        for entry in entries {
            self.entry(entry);
        }
    }

    fn entry(&self, entry: &mut KeyValue) {
        let Some(value) = &mut entry.value else { return self.text(&mut entry.key) };
        if let Some((_, name)) = request_header(&entry.key) {
            match self.shared.carriers.header_use(name) {
                HeaderUse::Carrier(at) => {
                    let scheme_expected = self.shared.carriers.expects_scheme(at);
                    each(value, &|text| self.carrier(text, scheme_expected));
                }
                HeaderUse::Cookie => each(value, &|text| self.cookies(text)),
                _ if sensitive_key(name, &self.shared.carriers) => each(value, &whole),
                _ => self.value(value),
            }
        } else if matches!(&*entry.key, "enduser.id" | "user.id") {
            each(value, &|text| self.person(text));
        } else if response_header(&entry.key).is_some_and(|name| same_name(name, "www-authenticate")) {
            self.value(value);
        } else if !entry.key.starts_with("jwtrail.") && sensitive_key(&entry.key, &self.shared.carriers) {
            each(value, &whole);
        } else {
            self.value(value);
        }
        self.text(&mut entry.key);
    }

    /// Any value, all the way down.
    pub(super) fn value(&self, value: &mut AnyValue) {
        match &mut value.value {
            Some(Any::StringValue(text)) => self.text(text),
            Some(Any::ArrayValue(list)) => list.values.iter_mut().for_each(|item| self.value(item)),
            Some(Any::KvlistValue(map)) => self.attributes(&mut map.values),
            Some(Any::BytesValue(bytes)) => self.bytes(bytes),
            _ => {}
        }
    }

    /// Any text.
    pub(super) fn text(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.shared.scrub(text) {
            text.zeroize();
            *text = clean;
        }
    }

    fn bytes(&self, bytes: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(clean) = self.shared.scrub(&text) {
            bytes.zeroize();
            *bytes = clean.into_bytes();
        }
    }

    /// A carrier's value: what it says of presence and scheme stays, the credential goes.
    fn carrier(&self, text: &str, scheme_expected: bool) -> String {
        let sentinels = &self.shared.carriers.sentinels;
        let masked = split_values(text).map(|part| match canonical(part, scheme_expected, sentinels) {
            Canonical::Token { .. } | Canonical::Redacted { scheme: "" } => REDACTED.to_owned(),
            Canonical::Redacted { scheme } | Canonical::Placeholder { scheme, .. } if !is_short(part) => {
                format!("{scheme} {REDACTED}").trim_start().to_owned()
            }
            Canonical::Redacted { scheme } => format!("{scheme} {REDACTED}"),
            Canonical::Other(scheme) => format!("{scheme} {REDACTED}"),
            Canonical::Placeholder { .. } | Canonical::Empty => part.to_owned(),
        });
        masked.collect::<Vec<_>>().join(",")
    }

    /// A cookie header: the names stay.
    fn cookies(&self, header: &str) -> String {
        let masked = header.split(';').map(|pair| match pair.trim().split_once('=') {
            Some((name, value)) => {
                let nothing = is_sentinel(value, &[]) || (is_placeholder(value) && is_short(value));
                format!("{}={}", self.shared.scrub(name), if nothing { value } else { REDACTED })
            }
            None if pair.trim().is_empty() => String::new(),
            None => REDACTED.to_owned(),
        });
        masked.collect::<Vec<_>>().join("; ")
    }

    /// Who the user is stays a keyed hash, so that it can still be told apart.
    fn person(&self, text: &str) -> String {
        if text.is_empty() || valid_fingerprint(text) {
            return text.to_owned();
        }
        self.shared.fingerprint_key().claim(Label::Subject, "", text).as_str().to_owned()
    }
}

/// Short enough, and without the look of a token, to be the word that it was taken for.
fn is_short(text: &str) -> bool {
    text.len() <= 48 && !text.contains("eyJ") && !text.contains("eyA")
}

fn whole(text: &str) -> String {
    if text.is_empty() { String::new() } else { REDACTED.to_owned() }
}

/// Rewrites every text of a value; lists that were written as JSON keep their form. Bytes and maps say nothing that
/// a header's reader would look for, and are emptied.
fn each(value: &mut AnyValue, rewrite: &dyn Fn(&str) -> String) {
    match &mut value.value {
        Some(Any::StringValue(text)) => {
            let listed = text.starts_with("[\"").then(|| serde_json::from_str::<Vec<String>>(text).ok()).flatten();
            let written = match listed {
                Some(mut items) => {
                    let masked: Vec<String> = items.iter().map(|item| rewrite(item)).collect();
                    items.zeroize();
                    serde_json::to_string(&masked).unwrap_or_default()
                }
                None => rewrite(text),
            };
            text.zeroize();
            *text = written;
        }
        Some(Any::ArrayValue(list)) => list.values.iter_mut().for_each(|item| each(item, rewrite)),
        Some(Any::KvlistValue(map)) => map.values.clear(),
        Some(Any::BytesValue(bytes)) => bytes.zeroize(),
        _ => {}
    }
}

fn is_fingerprint(value: Option<&AnyValue>) -> bool {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => valid_fingerprint(text),
        Some(Any::ArrayValue(list)) => {
            list.values.iter().all(|item| item.value.is_none() || is_fingerprint(Some(item)))
        }
        _ => false,
    }
}
