//! What stays where only the known-harmless may: what the judge reads, and no more.
//!
//! Works on what is masked already. Gone are people, addresses of clients, queries, bodies, statements, and whatever an
//! application wrote by itself. Stays: names of services, hosts that were called, routes and paths, user agents, status
//! codes, types of exceptions and what they say of tokens, `jwtrail.*`. Of a text that goes, the marks of the tokens that
//! stood in it stay: they are what a finding speaks of.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::mask::Mask;
use super::stack;
use crate::model::policy::RejectionPolicy;
use crate::otlp::extract::INSTANCE;
use crate::otlp::extract::fields::Field;
use crate::otlp::extract::headers::{request_header, response_header};
use crate::token::{HeaderUse, REDACTED, same_name};

/// Attributes of a resource, by the beginning of their key.
const OF_RESOURCES: [&str; 12] = [
    "service.",
    "telemetry.",
    "deployment.environment",
    "host.name",
    "process.pid",
    "process.runtime.",
    "k8s.namespace.name",
    "k8s.deployment.name",
    "k8s.pod.name",
    "k8s.container.name",
    "faas.name",
    INSTANCE,
];

/// Attributes of spans that nobody reads and that say nothing of anyone.
const HARMLESS: [&str; 12] = [
    "network.protocol.name",
    "network.protocol.version",
    "network.transport",
    "network.type",
    "net.transport",
    "net.protocol.version",
    "http.flavor",
    "http.request.resend_count",
    "http.request.body.size",
    "http.response.body.size",
    "db.operation.name",
    "db.operation",
];

/// What a log record's own text may stand in, beside its body.
const MESSAGES: [&str; 6] = ["message", "msg", "error", "err", "error.message", "exception.message"];

/// Words without which no text says why a token was refused.
const WORDS: [&str; 55] = [
    "jwt",
    "jws",
    "jwk",
    "jose",
    "token",
    "bearer",
    "unauthor",
    "authoriz",
    "authent",
    "no auth",
    "signature",
    "signing",
    "algorithm",
    "'alg'",
    "alg value",
    "[alg]",
    "\"alg\"",
    "kid",
    "audience",
    "\"aud\"",
    "'aud'",
    "issuer",
    "\"iss\"",
    "'iss'",
    "issued",
    "claim",
    "expired",
    "not satisfied",
    "nbf",
    "segments",
    "padding",
    "decode_error",
    "idx1",
    "rbac",
    "insufficient_scope",
    "error in cryptographic primitive",
    "incorrect key for",
    "signing key",
    "verification key",
    "key set",
    "public key",
    "matching key",
    "applicable key",
    "correct key",
    "key not found",
    "keys failed",
    "required key",
    "fetch data",
    "locally computed",
    "invalidsubject",
    "header string",
    "payload value",
    "base64",
    "header is invalid",
    "charsequence cannot",
];

/// The list, and the texts by which the user's own policy knows a refusal.
#[derive(Debug, Default)]
pub struct Strict {
    words: Vec<String>,
}

impl Strict {
    /// Keeps, beside the built-in words, the texts of these rows.
    pub fn new(rejections: &[RejectionPolicy]) -> Self {
        Self { words: rejections.iter().map(|row| row.text.to_ascii_lowercase()).collect() }
    }

    /// Whether a text may say why a token was refused.
    pub fn speaks(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let own = self.words.iter().map(String::as_str);
        WORDS.into_iter().chain(own).any(|word| !word.is_empty() && text.contains(word))
    }

    /// Each of these answers how much was left out.
    pub(super) fn resource(resource: &mut Resource) -> u64 {
        resource.entity_refs.clear();
        only(&mut resource.attributes, |entry| OF_RESOURCES.iter().any(|known| entry.key.starts_with(known)))
    }

    pub(super) fn scope(scope: &mut InstrumentationScope) -> u64 {
        only(&mut scope.attributes, |_| false)
    }

    pub(super) fn span(&self, span: &mut Span, mask: &Mask<'_>) -> u64 {
        let database = span.attributes.iter().any(|entry| matches!(&*entry.key, "db.system" | "db.system.name"));
        if database {
            // `SELECT shop.users where …`: how a statement begins is all that a name may say of it.
            let end = span.name.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-'));
            span.name.truncate(end.unwrap_or(span.name.len()));
        }
        let mut dropped = only(&mut span.attributes, |entry| attribute(entry, mask));
        dropped += text(&mut span.trace_state, mask);
        if let Some(status) = &mut span.status {
            dropped += text(&mut status.message, mask);
        }
        for event in &mut span.events {
            let exception = event.name == "exception";
            if !exception {
                dropped += text(&mut event.name, mask);
            }
            dropped +=
                only(&mut event.attributes, |entry| exception && self.exception(entry, mask) || marks(entry, mask));
        }
        span.events.retain(|event| !event.name.is_empty() || !event.attributes.is_empty());
        for link in &mut span.links {
            dropped += only(&mut link.attributes, |entry| marks(entry, mask));
        }
        dropped
    }

    /// `None` for a record of which nothing would stay.
    pub(super) fn log(&self, record: &mut LogRecord, mask: &Mask<'_>) -> Option<u64> {
        if record.trace_id.is_empty() || record.span_id.is_empty() {
            return None;
        }
        let own = record.attributes.iter().filter(|entry| MESSAGES.contains(&&*entry.key.to_ascii_lowercase()));
        let mut speaks = own.filter_map(|entry| entry.value.as_ref()).any(|value| self.value_speaks(value));
        speaks |= record.body.as_ref().is_some_and(|body| self.value_speaks(body));
        let mut dropped = only(&mut record.attributes, |entry| {
            let message = MESSAGES.contains(&&*entry.key.to_ascii_lowercase());
            message && speaks || self.exception(entry, mask) || marks(entry, mask)
        });
        if let Some(body) = record.body.take() {
            record.body = if speaks { said(body, mask, &mut dropped) } else { marked(&body, mask) };
            dropped += u64::from(record.body.is_none());
        }
        (record.body.is_some() || !record.attributes.is_empty()).then_some(dropped)
    }

    /// A log's own words: its text, or the messages of a structured body.
    fn value_speaks(&self, value: &AnyValue) -> bool {
        match &value.value {
            Some(Any::StringValue(text)) => self.speaks(text),
            Some(Any::KvlistValue(map)) => map
                .values
                .iter()
                .filter_map(|entry| entry.value.as_ref())
                .any(|value| matches!(&value.value, Some(Any::StringValue(text)) if self.speaks(text))),
            _ => false,
        }
    }

    fn exception(&self, entry: &mut KeyValue, mask: &Mask<'_>) -> bool {
        let Some(Any::StringValue(text)) = entry.value.as_mut().and_then(|value| value.value.as_mut()) else {
            return false;
        };
        match &*entry.key {
            "exception.type" => !text.contains(char::is_whitespace) || self.speaks(text),
            "exception.message" if !self.speaks(text) => {
                // The judge tells an exception that says nothing from one that says something else.
                let short = mask.marks(text).unwrap_or_else(|| REDACTED.to_owned());
                *text = if text.is_empty() { String::new() } else { short };
                true
            }
            "exception.message" => true,
            "exception.stacktrace" => {
                *text = stack::reduced(text, |line| self.speaks(line));
                true
            }
            _ => false,
        }
    }
}

/// Leaves out what `stays` says no to.
fn only(attributes: &mut Vec<KeyValue>, mut stays: impl FnMut(&mut KeyValue) -> bool) -> u64 {
    let before = attributes.len();
    attributes.retain_mut(|entry| stays(entry));
    (before - attributes.len()) as u64
}

fn attribute(entry: &mut KeyValue, mask: &Mask<'_>) -> bool {
    if let Some((_, name)) = request_header(&entry.key) {
        if matches!(mask.shared().carriers.header_use(name), HeaderUse::Other | HeaderUse::Witness) {
            // That something was captured says how far to trust an absence; what it was says nothing.
            entry.value.iter_mut().for_each(black_out);
        }
        return true;
    }
    if let Some(name) = response_header(&entry.key) {
        if same_name(name, "location") {
            entry.value.iter_mut().for_each(without_query);
        }
        return ["www-authenticate", "location", "grpc-status"].iter().any(|known| same_name(known, name));
    }
    match Field::of(&entry.key) {
        Some(Field::UrlQuery) => {
            if let Some(Any::StringValue(query)) = entry.value.as_mut().and_then(|value| value.value.as_mut()) {
                *query = tokens_of(query);
                return !query.is_empty();
            }
            false
        }
        Some(Field::UrlFull | Field::HttpUrl | Field::HttpTarget | Field::UrlPath) => {
            entry.value.iter_mut().for_each(without_query);
            true
        }
        Some(_) => true,
        None => HARMLESS.contains(&&*entry.key) || marks(entry, mask),
    }
}

/// A URL keeps of its query the tokens alone, which are masked, and nothing of who asks.
fn without_query(value: &mut AnyValue) {
    match &mut value.value {
        Some(Any::StringValue(url)) => {
            let end = url.find(['?', '#']).unwrap_or(url.len());
            let (place, query) = url.split_at(end);
            let place = match place.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('/'), rest)) {
                Some((scheme, Some((authority, path)), _)) => format!("{scheme}://{}/{path}", nobody(authority)),
                Some((scheme, None, authority)) => format!("{scheme}://{}", nobody(authority)),
                None => place.to_owned(),
            };
            let tokens = tokens_of(query.trim_start_matches(['?', '#']));
            *url = if tokens.is_empty() { place } else { format!("{place}?{tokens}") };
        }
        Some(Any::ArrayValue(list)) => list.values.iter_mut().for_each(without_query),
        _ => {}
    }
}

/// An authority without the user.
fn nobody(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// The parameters of a query that carry tokens.
fn tokens_of(query: &str) -> String {
    let carries = |pair: &&str| {
        let name = pair.split_once('=').map_or("", |(name, _)| name);
        matches!(&*name.to_ascii_lowercase(), "access_token" | "id_token" | "refresh_token")
    };
    query.split(['&', ';', '#', '?']).filter(carries).collect::<Vec<_>>().join("&")
}

fn black_out(value: &mut AnyValue) {
    match &mut value.value {
        Some(Any::StringValue(text)) if !text.is_empty() => REDACTED.clone_into(text),
        Some(Any::ArrayValue(list)) => list.values.iter_mut().for_each(black_out),
        Some(Any::StringValue(_)) | None => {}
        Some(_) => value.value = None,
    }
}

/// Nothing but the marks in a text stays; 1 where nothing did.
fn text(text: &mut String, mask: &Mask<'_>) -> u64 {
    if text.is_empty() {
        return 0;
    }
    *text = mask.marks(text).unwrap_or_default();
    u64::from(text.is_empty())
}

/// Whether an attribute holds the mark of a token, which is then all that stays of its value.
fn marks(entry: &mut KeyValue, mask: &Mask<'_>) -> bool {
    let value = entry.value.as_ref().and_then(|value| marked(value, mask));
    let stays = value.is_some() || mask.marks(&entry.key).is_some();
    entry.value = value.or(Some(AnyValue { value: None }));
    stays
}

fn marked(value: &AnyValue, mask: &Mask<'_>) -> Option<AnyValue> {
    let mut found = Vec::new();
    collect(value, mask, &mut found);
    (!found.is_empty()).then(|| AnyValue { value: Some(Any::StringValue(found.join(" "))) })
}

fn collect(value: &AnyValue, mask: &Mask<'_>, found: &mut Vec<String>) {
    let mut look = |text: &str| {
        if let Some(mark) = mask.marks(text)
            && !found.contains(&mark)
        {
            found.push(mark);
        }
    };
    match &value.value {
        Some(Any::StringValue(text)) => look(text),
        Some(Any::BytesValue(bytes)) => look(std::str::from_utf8(bytes).unwrap_or_default()),
        Some(Any::ArrayValue(list)) => list.values.iter().for_each(|item| collect(item, mask, found)),
        Some(Any::KvlistValue(map)) => {
            for entry in &map.values {
                if let Some(mark) = mask.marks(&entry.key)
                    && !found.contains(&mark)
                {
                    found.push(mark);
                }
                entry.value.iter().for_each(|value| collect(value, mask, found));
            }
        }
        _ => {}
    }
}

/// A body that speaks of tokens: its text, or of a structured one the message and the marks.
fn said(mut body: AnyValue, mask: &Mask<'_>, dropped: &mut u64) -> Option<AnyValue> {
    if let Some(Any::KvlistValue(map)) = &mut body.value {
        *dropped +=
            only(&mut map.values, |entry| MESSAGES.contains(&&*entry.key.to_ascii_lowercase()) || marks(entry, mask));
    }
    match &body.value {
        Some(Any::StringValue(_) | Any::KvlistValue(_)) => Some(body),
        _ => marked(&body, mask),
    }
}
