//! One pass over a span's attributes: known fields, headers, tags, texts that hold what they should not.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Exposures;
use super::draft::Draft;
use super::fields::{Field, Fields};
use super::headers::{Observation, Observer, Source, each_text, merge, request_header, response_header};
use super::names::Names;
use super::tags::{TagReader, Tagged};
use super::text::{capped, grpc_status, without_query};
use crate::model::{Carried, SelfTags};
use crate::otlp::data::{Attributes, SpanData, Value};
use crate::token::{Shared, is_marked, same_name};

const MAX_CHALLENGE: usize = 512;

/// Reads the carriers of a span's attributes as the extractor does, for those who write them down again.
pub(crate) fn observe(attributes: &Attributes<'_>, shared: &Shared) -> Vec<Observation> {
    let mut names = Names::new(shared.caches());
    let mut fields = Fields::new();
    let mut observer = Observer::new(shared, &mut names);
    for (key, value) in attributes {
        if let Some(field) = Field::of(key) {
            fields.set(field, value);
        } else if let Some((family, name)) = request_header(key) {
            observer.header(family, name, value);
        }
    }
    queries(&fields, &mut observer);
    let headers = observer.found;
    let tagged = TagReader::read(&fields, shared, &mut names).unwrap_or_default();
    merge(headers, tagged.observations)
}

/// Reads one span's attributes into it; the known fields are handed on to the semantic conventions.
pub(super) fn read<'s, 'a>(
    data: &'s SpanData<'a>,
    span: &mut Draft,
    shared: &Shared,
    names: &mut Names,
    exposures: &mut Exposures<'_>,
    bad_tags: &mut u64,
) -> Fields<'s, 'a> {
    let mut fields = Fields::new();
    let mut longest = Longest::default();
    let mut observer = Observer::new(shared, names);
    for (key, value) in &data.attributes {
        if let Some(field) = Field::of(key) {
            fields.set(field, value);
            if !field.is_own_tag() {
                longest.take(value);
                look_through(value, key, exposures);
            }
            continue;
        }
        longest.take(value);
        if let Some((family, name)) = request_header(key) {
            observer.header(family, name, value);
        } else if let Some(name) = response_header(key) {
            response(name, value, span, shared);
        } else if !key.starts_with("jwtrail.") {
            exposures.look(key, "attribute key");
            look_through(value, key, exposures);
        }
    }
    queries(&fields, &mut observer);
    span.captured = observer.captured;
    span.user_agent = observer.user_agent;
    let marked_cookie = observer.marked_cookie;
    let headers = observer.found;
    let Tagged { observations, tags, malformed } = TagReader::read(&fields, shared, names).unwrap_or_default();
    *bad_tags += malformed;
    if tags != SelfTags::default() {
        span.tags = Some(Box::new(tags));
    }
    if marked_cookie && tells_of_cookie(&observations) {
        span.captured.carrier = true;
    }
    span.carried.extend(carry(headers, observations, &mut longest));
    span.longest_text = longest.0;
    fields
}

/// Whether tags tell of a token in a cookie.
pub(super) fn tells_of_cookie(tagged: &[Observation]) -> bool {
    tagged.iter().any(|tag| tag.carried.carrier.starts_with("cookie:"))
}

/// Brings together what headers and tags say of a span's carriers.
pub(super) fn carry(
    headers: Vec<Observation>,
    tagged: Vec<Observation>,
    longest: &mut Longest,
) -> impl Iterator<Item = Carried> {
    let merged = merge(headers, tagged);
    let tagged = merged.iter().filter(|it| it.source == Source::Tag).map(|it| &it.carried);
    let mut last = None;
    for carried in tagged.filter(|carried| carried.captured_length as usize >= SHORTEST_LIMIT) {
        // Several values of one carrier stood in one text.
        let this = Some((&carried.carrier, carried.captured_length));
        if this != last {
            longest.count(carried.captured_length);
        }
        last = this;
    }
    merged.into_iter().map(|observation| observation.carried)
}

/// Looks through every text in a value.
pub(super) fn look_through(value: &Value<'_>, place: &str, exposures: &mut Exposures<'_>) {
    match value {
        Value::Str(text) => exposures.look(text, place),
        Value::Array(items) => items.iter().for_each(|item| look_through(item, place, exposures)),
        Value::Map(entries) => {
            for (key, value) in entries {
                exposures.look(key, place);
                look_through(value, place, exposures);
            }
        }
        Value::Bytes(bytes) => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                exposures.look(text, place);
            }
        }
        Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => {}
    }
}

fn queries(fields: &Fields<'_, '_>, observer: &mut Observer<'_>) {
    for field in [Field::UrlQuery, Field::UrlFull, Field::HttpUrl, Field::HttpTarget] {
        if let Some(text) = fields.text(&[field]).filter(|text| text.contains("access_token=")) {
            observer.query(text);
        }
    }
}

/// The response headers that explain a refusal.
fn response(name: &str, value: &Value<'_>, span: &mut Draft, shared: &Shared) {
    if same_name(name, "www-authenticate") {
        let mut challenges = String::new();
        each_text(value, &mut |text| {
            if !text.is_empty() {
                challenges.push_str(if challenges.is_empty() { "" } else { ", " });
                challenges.push_str(text);
            }
        });
        if !challenges.is_empty() {
            span.own_mut().challenge = Some(Arc::from(capped(&shared.scrub(&challenges), MAX_CHALLENGE)));
        }
    } else if same_name(name, "location") {
        each_text(value, &mut |text| {
            if !text.is_empty() {
                span.own_mut().location = Some(Arc::from(capped(&shared.scrub(without_query(text)), MAX_CHALLENGE)));
            }
        });
    } else if same_name(name, "grpc-status") {
        each_text(value, &mut |text| match grpc_status(text) {
            Some(16) => span.error_code = Some(Arc::from("UNAUTHENTICATED")),
            Some(7) => span.error_code = Some(Arc::from("FORBIDDEN")),
            _ => {}
        });
    }
}

/// Attribute length limits below this cut more than tokens, and nobody looks for them (tagging.md section 3).
pub(super) const SHORTEST_LIMIT: usize = 64;

/// The longest attribute text in characters, and how many have that length; texts under 64 bytes do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Longest(pub(super) (u32, u16));

impl Longest {
    /// Adds what other texts have.
    pub(super) fn join(&mut self, other: Self) {
        let (longest, times) = other.0;
        match longest.cmp(&self.0.0) {
            Ordering::Less => {}
            Ordering::Equal => self.0.1 = self.0.1.saturating_add(times),
            Ordering::Greater => self.0 = other.0,
        }
    }

    pub(super) fn take(&mut self, value: &Value<'_>) {
        match value {
            // A text has no more characters than bytes: most are settled without counting.
            // Where something was taken out, the length is nobody's limit.
            Value::Str(text) => self.text(text),
            Value::Array(items) => items.iter().for_each(|item| self.take(item)),
            _ => {}
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        if text.len() >= SHORTEST_LIMIT.max(self.0.0 as usize) && !is_marked(text) {
            self.count(text.chars().count() as u32);
        }
    }

    fn count(&mut self, length: u32) {
        let (longest, times) = self.0;
        if length > longest {
            self.0 = (length, 1);
        } else if length == longest && length > 0 {
            self.0 = (longest, times.saturating_add(1));
        }
    }
}
