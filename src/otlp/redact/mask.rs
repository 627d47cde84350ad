//! Takes credentials out of attribute keys and values, in place.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use zeroize::Zeroize;

use crate::model::ForwardCarriers;
use crate::otlp::extract::headers::{request_header, response_header};
use crate::token::{
    Canonical, Credential, HeaderUse, Label, REDACTED, Shared, canonical, is_placeholder, is_sentinel, same_name,
    sensitive_key, split_values, valid_fingerprint,
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
    shared: &'s Shared,
    /// Values that were changed.
    masked: Cell<u64>,
    carriers: ForwardCarriers,
}

impl<'s> Mask<'s> {
    pub(super) fn new(shared: &'s Shared) -> Self {
        Self { shared, masked: Cell::new(0), carriers: ForwardCarriers::Redact }
    }

    pub(super) fn with_carriers(self, carriers: ForwardCarriers) -> Self {
        Self { carriers, ..self }
    }

    /// Whether the attributes of carriers go altogether.
    pub(super) fn drops_carriers(&self) -> bool {
        self.carriers == ForwardCarriers::Drop
    }

    /// Whether a captured header may carry a token.
    pub(super) fn is_carrier(&self, key: &str) -> bool {
        let header = request_header(key).map(|(_, name)| self.shared.carriers.header_use(name));
        matches!(header, Some(HeaderUse::Carrier(_) | HeaderUse::Cookie))
    }

    pub(super) fn shared(&self) -> &'s Shared {
        self.shared
    }

    /// Values changed so far.
    pub(super) fn masked(&self) -> u64 {
        self.masked.get()
    }

    /// A span's own attributes, keys and values: captured carriers keep what they say of presence and scheme. Those that
    /// tags will speak of, with all that they held, keep nothing.
    pub(super) fn captured(&self, entries: &mut Vec<KeyValue>, told: &[Arc<str>]) {
        self.entries(entries, Some(told));
    }

    /// Any other list of attributes, keys and values: a credential has no place there, and the mark of one stays.
    pub(super) fn attributes(&self, entries: &mut Vec<KeyValue>) {
        self.entries(entries, None);
    }

    fn entries(&self, entries: &mut Vec<KeyValue>, told: Option<&[Arc<str>]>) {
        entries.retain(|entry| !FINGERPRINT_TAGS.contains(&&*entry.key) || is_fingerprint(entry.value.as_ref()));
        for entry in entries {
            if let Some(value) = &mut entry.value {
                self.entry(&entry.key, value, told);
            }
            self.text(&mut entry.key);
        }
    }

    fn entry(&self, key: &str, value: &mut AnyValue, told: Option<&[Arc<str>]>) {
        let carriers = &self.shared.carriers;
        match request_header(key).zip(told) {
            Some(((family, name), told)) => match carriers.header_use(name) {
                HeaderUse::Carrier(at) if told.contains(&carriers.printed(at, family)) => {
                    self.each(value, &|_| REDACTED.to_owned());
                }
                HeaderUse::Carrier(at) => {
                    let scheme_expected = carriers.expects_scheme(at);
                    self.each(value, &|text| self.carrier(text, scheme_expected));
                }
                HeaderUse::Cookie => self.each(value, &|text| self.cookies(text, told)),
                _ if sensitive_key(name, carriers) => self.hide(value),
                _ => self.value(value),
            },
            _ if matches!(key, "enduser.id" | "user.id") => self.each(value, &|text| self.person(text)),
            _ if response_header(key).is_some_and(|name| same_name(name, "www-authenticate")) => self.value(value),
            _ if !key.starts_with("jwtrail.") && sensitive_key(key, carriers) => self.hide(value),
            _ => self.value(value),
        }
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
            self.put(text, clean);
        }
    }

    fn bytes(&self, bytes: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(clean) = self.shared.scrub(&text) {
            // Nobody looks for tokens in what is no text, so its mark would be news to the reader.
            let clean = if matches!(text, Cow::Borrowed(_)) { clean } else { REDACTED.to_owned() };
            bytes.zeroize();
            *bytes = clean.into_bytes();
            self.count();
        }
    }

    fn put(&self, text: &mut String, clean: String) {
        if *text != clean {
            text.zeroize();
            *text = clean;
            self.count();
        }
    }

    fn count(&self) {
        self.masked.set(self.masked.get() + 1);
    }

    /// The marks of the tokens in a text, `None` where there are none: what a reader takes for an exposure, and no more.
    pub(super) fn marks(&self, text: &str) -> Option<String> {
        let mut marks: Vec<String> = Vec::new();
        self.shared.scrub_with(text, &mut |credential| {
            let mark = match credential {
                Credential::Jwt(fingerprint) => format!("jwt:{fingerprint}"),
                Credential::Token => format!("bearer {REDACTED}"),
                Credential::Other => return,
            };
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        });
        (!marks.is_empty()).then(|| marks.join(" "))
    }

    /// A value of which nothing stays but the marks of tokens that are known by their looks.
    fn hide(&self, value: &mut AnyValue) {
        match &mut value.value {
            Some(Any::StringValue(text)) if !text.is_empty() => {
                let hidden = self.marks(text).unwrap_or_else(|| REDACTED.to_owned());
                self.put(text, hidden);
            }
            Some(Any::ArrayValue(list)) => list.values.iter_mut().for_each(|item| self.hide(item)),
            Some(Any::KvlistValue(map)) => {
                for entry in &mut map.values {
                    self.text(&mut entry.key);
                    entry.value.iter_mut().for_each(|value| self.hide(value));
                }
            }
            Some(Any::BytesValue(bytes)) if !bytes.is_empty() => {
                let marks = std::str::from_utf8(bytes).ok().and_then(|text| self.marks(text));
                bytes.zeroize();
                *bytes = marks.unwrap_or_default().into_bytes();
                self.count();
            }
            _ => {}
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
    fn cookies(&self, header: &str, told: &[Arc<str>]) -> String {
        let masked = header.split(';').map(|pair| match pair.trim().split_once('=') {
            Some((name, value)) => {
                let nothing = is_sentinel(value, &[]) || (is_placeholder(value) && is_short(value));
                let name = self.shared.scrub(name);
                let nothing = nothing && !told.iter().any(|told| told.strip_prefix("cookie:") == Some(&name));
                format!("{name}={}", if nothing { value } else { REDACTED })
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
        if let Some(marks) = self.marks(text) {
            return marks;
        }
        self.shared.fingerprint_key().claim(Label::Subject, "", text).as_str().to_owned()
    }

    /// Rewrites every text of a value; lists that were written as JSON keep their form. Bytes and maps say nothing that
    /// a header's reader would look for, and are emptied.
    fn each(&self, value: &mut AnyValue, rewrite: &dyn Fn(&str) -> String) {
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
                self.put(text, written);
            }
            Some(Any::ArrayValue(list)) => list.values.iter_mut().for_each(|item| self.each(item, rewrite)),
            Some(Any::KvlistValue(map)) => map.values.clear(),
            Some(Any::BytesValue(bytes)) => bytes.zeroize(),
            _ => {}
        }
    }
}

/// Short enough, and without the look of a token, to be the word that it was taken for.
fn is_short(text: &str) -> bool {
    text.len() <= 48 && !text.contains("eyJ") && !text.contains("eyA")
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
