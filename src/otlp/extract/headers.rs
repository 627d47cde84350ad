//! Captured request headers and metadata: which tokens a span carried, and what it shows to have been captured.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::names::Names;
use super::text::capped;
use crate::model::{Anomalies, Anomaly, Captured, Carried, CarriedValue};
use crate::otlp::data::Value;
use crate::token::{Canonical, HeaderUse, REDACTED, Shared, canonical, is_marked, looks_like_jwt, split_values};

/// The keys that request headers are captured under, with the name of the carrier's family.
const FAMILIES: [(&str, &str); 4] = [
    ("http.request.header.", "header"),
    ("rpc.request.metadata.", "metadata"),
    ("rpc.grpc.request.metadata.", "metadata"),
    ("messaging.header.", "message"),
];

/// Response headers and metadata: read for refusals, never for tokens.
const RESPONSES: [&str; 3] = ["http.response.header.", "rpc.response.metadata.", "rpc.grpc.response.metadata."];

/// Family and name of a captured request header.
pub(crate) fn request_header(key: &str) -> Option<(&'static str, &str)> {
    FAMILIES.iter().find_map(|(prefix, family)| key.strip_prefix(prefix).map(|name| (*family, name)))
}

/// Name of a captured response header.
pub(crate) fn response_header(key: &str) -> Option<&str> {
    RESPONSES.iter().find_map(|prefix| key.strip_prefix(prefix))
}

/// Where an observation was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// A carrier's own attribute.
    Header,
    /// A cookie or a query, which hold more than the token.
    Within,
    /// The span's own tags.
    Tag,
}

/// What one carrier held and where that was read.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) carried: Carried,
    pub(crate) source: Source,
}

/// Collects what a span's headers show.
pub(crate) struct Observer<'w> {
    shared: &'w Shared,
    names: &'w mut Names,
    /// What was found so far.
    pub(crate) found: Vec<Observation>,
    /// What was captured.
    pub(crate) captured: Captured,
    /// `user-agent`, where it was captured as a header.
    pub(crate) user_agent: Option<Arc<str>>,
    /// A cookie was taken out by an earlier redaction: if it held a token, the tags know.
    pub(crate) marked_cookie: bool,
}

impl<'w> Observer<'w> {
    pub(crate) fn new(shared: &'w Shared, names: &'w mut Names) -> Self {
        Self { shared, names, found: Vec::new(), captured: Captured::default(), user_agent: None, marked_cookie: false }
    }

    /// Takes one captured request header.
    pub(crate) fn header(&mut self, family: &str, name: &str, value: &Value<'_>) {
        self.captured.any_header = true;
        match self.shared.carriers.header_use(name) {
            HeaderUse::Carrier(at) => {
                self.captured.carrier = true;
                let carrier = self.shared.carriers.printed(at, family);
                let scheme_expected = self.shared.carriers.expects_scheme(at);
                each_text(value, &mut |text| {
                    let length = text.chars().count() as u32;
                    for part in split_values(text) {
                        self.take(&carrier, part, scheme_expected, Source::Header, length);
                    }
                });
            }
            HeaderUse::Cookie => each_text(value, &mut |text| self.cookies(text)),
            HeaderUse::TraceParent => {
                self.captured.traceparent = true;
                each_text(value, &mut |text| self.captured.unsampled_parent |= is_unsampled(text));
            }
            HeaderUse::Witness => self.captured.traceparent = true,
            HeaderUse::Host => self.captured.user_agent_or_host = true,
            HeaderUse::UserAgent => {
                self.captured.user_agent_or_host = true;
                each_text(value, &mut |text| {
                    if !text.is_empty() {
                        self.user_agent = Some(self.names.get(capped(&self.shared.scrub(text), 256)));
                    }
                });
            }
            HeaderUse::Other => {}
        }
    }

    /// Takes the `access_token` of a captured query or URL (RFC 6750 section 2.3).
    pub(crate) fn query(&mut self, text: &str) {
        const NAME: &str = "access_token=";
        for (at, _) in text.match_indices(NAME) {
            let begins = at == 0 || matches!(text.as_bytes()[at - 1], b'?' | b'&' | b';' | b'#');
            if !begins {
                continue;
            }
            let value = text[at + NAME.len()..].split(['&', '#', ';', ' ']).next().unwrap_or("");
            let carrier = self.names.get("query:access_token");
            let length = value.chars().count() as u32;
            self.take(&carrier, value, false, Source::Within, length);
        }
    }

    fn cookies(&mut self, header: &str) {
        for pair in header.split(';') {
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            let shape = value.trim_start_matches(['"', '\'']);
            let behind_scheme = shape.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("bearer"));
            let named = self.shared.carriers.names_cookie(name);
            if value == REDACTED {
                self.marked_cookie = true;
                continue;
            }
            if !(named || behind_scheme || looks_like_jwt(shape)) {
                continue;
            }
            self.captured.carrier = true;
            let carrier = self.names.get(&format!("cookie:{}", capped(&self.shared.scrub(name), 64)));
            let length = value.chars().count() as u32;
            self.take(&carrier, value, false, Source::Within, length);
        }
    }

    fn take(&mut self, carrier: &Arc<str>, value: &str, scheme_expected: bool, source: Source, length: u32) {
        let mut anomalies = Anomalies::default();
        let (value, scheme) = if source == Source::Within && is_marked(value) {
            (CarriedValue::Redacted, "")
        } else {
            match canonical(value, scheme_expected, &self.shared.carriers.sentinels) {
                Canonical::Token { scheme, raw, anomalies: strayed } => {
                    let (token, shape) = self.shared.token(&raw, scheme);
                    anomalies = Anomalies(strayed.0 | shape.0);
                    (CarriedValue::Token(token), scheme)
                }
                Canonical::Placeholder { scheme, anomalies: strayed } => {
                    anomalies = strayed;
                    (CarriedValue::Placeholder, scheme)
                }
                Canonical::Redacted { scheme } => (CarriedValue::Redacted, scheme),
                Canonical::Other(scheme) => {
                    let scheme = self.names.get(&scheme);
                    self.push(carrier, CarriedValue::OtherCredential(Arc::clone(&scheme)), scheme, anomalies, length);
                    return;
                }
                Canonical::Empty => (CarriedValue::Empty, ""),
            }
        };
        if value == CarriedValue::Redacted {
            anomalies.insert(Anomaly::Redacted);
        }
        let scheme = self.names.get(scheme);
        self.push(carrier, value, scheme, anomalies, length);
        if let Some(last) = self.found.last_mut() {
            last.source = source;
        }
    }

    fn push(&mut self, carrier: &Arc<str>, value: CarriedValue, scheme: Arc<str>, anomalies: Anomalies, length: u32) {
        let carried = Carried { carrier: Arc::clone(carrier), value, anomalies, scheme, captured_length: length };
        self.found.push(Observation { carried, source: Source::Header });
    }
}

/// Every text of a captured header: a string, a list of them, or (from exporters that know only strings) a list
/// written as JSON. A header captured without a value counts as one empty text.
pub(crate) fn each_text(value: &Value<'_>, take: &mut dyn FnMut(&str)) {
    match value {
        Value::Str(text) if text.starts_with("[\"") && text.ends_with("\"]") => {
            match serde_json::from_str::<Vec<String>>(text) {
                Ok(items) => items.into_iter().map(Zeroizing::new).for_each(|item| take(&item)),
                Err(_) => take(text),
            }
        }
        Value::Str(text) => take(text),
        Value::Array(items) if items.is_empty() => take(""),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, take)),
        Value::Empty => take(""),
        _ => {}
    }
}

/// W3C `traceparent`: version, trace id, span id, flags; bit 0 of the flags says sampled.
fn is_unsampled(traceparent: &str) -> bool {
    let flags = traceparent.trim().split('-').nth(3).and_then(|flags| u8::from_str_radix(flags, 16).ok());
    flags.is_some_and(|flags| flags & 1 == 0)
}

/// One list of what headers and tags say. Where both speak of one carrier, the header's token counts unless the tags
/// name another one; a value that hides itself gives way to what the tags know of it.
pub(crate) fn merge(headers: Vec<Observation>, tags: Vec<Observation>) -> Vec<Observation> {
    if headers.is_empty() {
        return tags;
    }
    let mut merged: Vec<Observation> = Vec::with_capacity(headers.len() + tags.len());
    for header in headers {
        let told = tags.iter().any(|tag| tag.carried.carrier == header.carried.carrier);
        let hidden = header.carried.value == CarriedValue::Redacted;
        let again = merged.iter().any(|earlier| {
            earlier.carried.carrier == header.carried.carrier && earlier.carried.value == header.carried.value
        });
        if !(again && header.source == Source::Within || hidden && told) {
            merged.push(header);
        }
    }
    for tag in tags {
        let known = merged.iter().any(|header| {
            header.source != Source::Tag
                && header.carried.carrier == tag.carried.carrier
                && match (&header.carried.value, &tag.carried.value) {
                    (CarriedValue::Token(raw), CarriedValue::Token(tagged)) => raw.same_as(tagged) != Some(false),
                    _ => true,
                }
        });
        if !known {
            merged.push(tag);
        }
    }
    merged
}
