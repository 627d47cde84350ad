//! From borrowed OTLP to `model`: what is read of a span, a resource, a log record, whatever the wire format.

mod draft;
pub(crate) mod exception;
pub(crate) mod fields;
mod finish;
mod form;
pub(crate) mod headers;
mod kept;
mod log;
mod memo;
mod names;
mod observe;
mod resource;
mod semantic;
pub(crate) mod tags;
mod text;

use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{
    Arrived, Batch, Exposure, Link, Resource, ServiceName, SpanId, SpanKind, StatusCode, TraceId, UnixNanos,
};
use crate::otlp::BatchBuilder;
use crate::otlp::data::{EventData, LinkData, LogData, RawSpan, ResourceData, ScopeData, SpanData, Value, Visitor};
use crate::token::{Credential, Shared};
use draft::Draft;
pub(crate) use exception::MAX_STACK;
use finish::Finishing;
use form::Known;
pub use memo::Memo;
use names::Names;
pub(crate) use observe::observe;
pub(crate) use resource::{INSTANCE, instance_by_attributes};
use semantic::Texts;
pub(crate) use text::both_ends;

/// The scope of the log record that holds a capture profile (`redact::profile_line`).
pub(crate) const PROFILE_SCOPE: &str = "jwtrail.profile";

/// Resources remembered by one extractor, each by two keys.
const MAX_RESOURCES: usize = 2048;
/// Spans that room is made for ahead.
const MOST_USUAL: usize = 1024;
const MAX_EXCEPTIONS: usize = 16;
const MAX_LINKS: usize = 1024;
const MAX_EXPOSURES: usize = 16;

/// Builds a [`Batch`] out of what a walker visits. One for each worker; reused from request to request.
pub struct Extractor {
    shared: Arc<Shared>,
    names: Names,
    /// Each with a number of its own, by its attributes and by its bytes.
    resources: AHashMap<crate::token::TagKey, (u64, Arc<Resource>)>,
    resource: Arc<Resource>,
    scope: Arc<str>,
    known: Known,
    /// Of the bytes of a resource that is about to be read.
    unread: Option<crate::token::TagKey>,
    /// Number of the resource.
    process: u64,
    /// Number of resources read.
    processes: u64,
    /// Number of the group of spans under one resource and scope.
    group: u64,
    /// Used for one span after the other.
    draft: Option<Draft>,
    finishing: Finishing,
    batch: Batch,
    /// Spans in the last request.
    usual: usize,
}

impl Extractor {
    /// An extractor over what all workers share.
    pub fn new(shared: Arc<Shared>) -> Self {
        let mut names = Names::new(shared.caches());
        let finishing = Finishing::new(shared.meter(), shared.caches());
        let known = Known::new(shared.caches());
        let empty = names.empty();
        let resource = Resource {
            service: ServiceName { namespace: names.empty(), name: names.get("unknown_service") },
            nameless: true,
            instance: names.empty(),
            language: names.empty(),
            sdk: names.empty(),
            host: names.empty(),
        };
        Self {
            shared,
            names,
            resources: AHashMap::new(),
            resource: Arc::new(resource),
            scope: empty,
            known,
            unread: None,
            process: 0,
            processes: 0,
            group: 1,
            draft: None,
            finishing,
            batch: Batch::default(),
            usual: 0,
        }
    }
}

impl BatchBuilder for Extractor {
    fn finish(&mut self, bytes: usize) -> Batch {
        let mut batch = std::mem::take(&mut self.batch);
        // The next request is likely to be as large, and a list that grows is copied.
        self.usual = batch.spans.len().min(MOST_USUAL);
        batch.bytes = bytes;
        batch.meter = Some(Arc::clone(self.shared.meter()));
        batch
    }
}

impl<'a> Visitor<'a> for Extractor {
    const TAKES_RAW: bool = true;

    fn raw_resource(&mut self, resource: &'a [u8]) -> bool {
        let mut digest = self.shared.digest();
        digest.add(resource);
        let key = digest.finish();
        let known = self.known_resource(key);
        self.unread = (!known).then_some(key);
        known
    }

    fn resource(&mut self, resource: &ResourceData<'a>) {
        let raw = self.unread.take();
        let key = resource::key_of(&resource.attributes, &self.shared);
        if self.known_resource(key) {
            return;
        }
        self.resource = Arc::new(resource::read(&resource.attributes, &self.shared, &mut self.names));
        if self.resources.len() >= MAX_RESOURCES {
            self.resources.clear();
        }
        self.processes += 1;
        self.process = self.processes;
        for key in [Some(key), raw].into_iter().flatten() {
            self.resources.insert(key, (self.process, Arc::clone(&self.resource)));
        }
    }

    fn scope(&mut self, scope: &ScopeData<'a>) {
        self.group += 1;
        self.scope = Texts { shared: &self.shared, names: &mut self.names }.keep(&scope.name);
    }

    fn raw_span(&mut self, span: &RawSpan<'a>, memo: &mut Memo<'a>) -> bool {
        let taken = self.formed(span, memo);
        if self.batch.spans.is_empty() {
            self.batch.spans.reserve(self.usual);
        }
        let known = taken.is_some();
        self.batch.spans.extend(taken);
        known
    }

    fn span(&mut self, data: &SpanData<'a>) {
        let Some((trace_id, span_id, parent_id)) = ids_of(&data.trace_id, &data.span_id, &data.parent_span_id) else {
            self.batch.rejected += 1;
            return;
        };
        let mut span = self.read(data);
        (span.trace_id, span.span_id) = (trace_id, span_id);
        span.set_parent(parent_id);
        (span.start, span.end) = (UnixNanos(data.start), UnixNanos(data.end));
        self.batch.spans.push(span);
    }

    fn hashed_id(&mut self) {
        self.batch.hashed_ids += 1;
    }

    fn log(&mut self, log: &LogData<'a>) {
        if &*self.scope == PROFILE_SCOPE {
            if let Value::Str(profile) = &log.body {
                self.batch.profiles.push(Box::from(&**profile));
            }
            return;
        }
        if let Some(record) = log::read(log, &self.resource, &self.shared) {
            self.batch.logs.push(record);
        }
    }
}

impl Extractor {
    /// Goes on with the resource of this key, if there is one.
    fn known_resource(&mut self, key: crate::token::TagKey) -> bool {
        self.group += 1;
        if let Some((number, known)) = self.resources.get(&key) {
            (self.process, self.resource) = (*number, Arc::clone(known));
            return true;
        }
        false
    }

    /// Reads all of a span but its ids and times.
    fn read(&mut self, data: &SpanData<'_>) -> Arrived {
        let shared = Arc::clone(&self.shared);
        let mut span = self.draft.take().unwrap_or_else(|| Draft::new(Arc::clone(&self.resource)));
        span.begin(&self.resource, &self.scope);
        span.flags = data.flags;
        span.kind = kind_of(data.kind);
        span.status = match data.status_code {
            1 => StatusCode::Ok,
            2 => StatusCode::Error,
            _ => StatusCode::Unset,
        };
        let mut exposures = Exposures::new(&shared);
        exposures.look(&data.name, "name");
        span.name = Texts { shared: &shared, names: &mut self.names }.keep(&data.name);
        let fields = observe::read(data, &mut span, &shared, &mut self.names, &mut exposures, &mut self.batch.bad_tags);
        semantic::fill(&mut span, &fields, &mut Texts { shared: &shared, names: &mut self.names });
        exposures.look(&data.status_message, "status.message");
        exposures.look(&data.trace_state, "tracestate");
        read_events(&data.events, &mut span, &shared, &mut exposures);
        read_links(&data.links, &mut span, &mut exposures);
        let exposures = exposures.into_found();
        if !exposures.is_empty() {
            span.own_mut().exposures = exposures;
        }
        let finished = span.finish(&mut self.finishing);
        self.draft = Some(span);
        finished
    }
}

/// Tokens found where none belongs, each place and token once.
pub(crate) struct Exposures<'w> {
    shared: &'w Shared,
    found: Vec<Exposure>,
}

impl<'w> Exposures<'w> {
    /// Nothing found yet.
    pub(crate) fn new(shared: &'w Shared) -> Self {
        Self { shared, found: Vec::new() }
    }

    /// What was found.
    pub(crate) fn into_found(self) -> Vec<Exposure> {
        self.found
    }

    /// Looks through a text; what is found is noted under `place`.
    pub(crate) fn look(&mut self, text: &str, place: &str) {
        let shared = self.shared;
        shared.scrub_with(text, &mut |credential| self.note(place, credential));
    }

    fn note(&mut self, place: &str, credential: Credential) {
        let fingerprint = match credential {
            Credential::Jwt(fingerprint) => Some(fingerprint),
            Credential::Token => None,
            Credential::Other => return,
        };
        let known = self.found.iter().any(|known| *known.place == *place && known.fingerprint == fingerprint);
        if !known && self.found.len() < MAX_EXPOSURES {
            let place = Arc::from(text::capped(&self.shared.scrub(place), 128));
            self.found.push(Exposure { place, fingerprint });
        }
    }
}

fn ids_of(trace: &[u8], span: &[u8], parent: &[u8]) -> Option<(TraceId, SpanId, Option<SpanId>)> {
    let trace_id = TraceId(<[u8; 16]>::try_from(trace).ok()?);
    let span_id = SpanId(<[u8; 8]>::try_from(span).ok()?);
    if trace_id.is_zero() || span_id.is_zero() {
        return None;
    }
    let parent_id = match parent {
        [] => None,
        bytes => Some(SpanId(<[u8; 8]>::try_from(bytes).ok()?)).filter(|parent| !parent.is_zero()),
    };
    Some((trace_id, span_id, parent_id))
}

fn kind_of(number: i32) -> SpanKind {
    match number {
        1 => SpanKind::Internal,
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Unspecified,
    }
}

fn read_events(events: &[EventData<'_>], span: &mut Draft, shared: &Shared, exposures: &mut Exposures<'_>) {
    for event in events {
        exposures.look(&event.name, "event");
        if event.name == "exception" && span.own_mut().exceptions.len() < MAX_EXCEPTIONS {
            span.own_mut().exceptions.push(exception::exception_of(&event.attributes, shared, &mut |_, _| ()));
        }
        for (key, value) in &event.attributes {
            observe::look_through(value, key, exposures);
        }
    }
}

fn read_links(links: &[LinkData<'_>], span: &mut Draft, exposures: &mut Exposures<'_>) {
    for link in links {
        let ids = (<[u8; 16]>::try_from(&*link.trace_id), <[u8; 8]>::try_from(&*link.span_id));
        if let (Ok(trace_id), Ok(span_id)) = ids {
            let link = Link { trace_id: TraceId(trace_id), span_id: SpanId(span_id) };
            if !link.trace_id.is_zero() && !link.span_id.is_zero() && span.own_mut().links.len() < MAX_LINKS {
                span.own_mut().links.push(link);
            }
        }
        for (key, value) in &link.attributes {
            observe::look_through(value, key, exposures);
        }
    }
}
