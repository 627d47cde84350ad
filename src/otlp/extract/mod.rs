//! From borrowed OTLP to `model`: what is read of a span, a resource, a log record, whatever the wire format.

mod draft;
pub(crate) mod exception;
pub(crate) mod fields;
mod finish;
pub(crate) mod headers;
mod log;
mod names;
mod observe;
mod resource;
mod semantic;
pub(crate) mod tags;
mod text;

use std::sync::Arc;

use ahash::AHashMap;

use crate::model::{Batch, Exposure, Link, Resource, ServiceName, SpanId, SpanKind, StatusCode, TraceId, UnixNanos};
use crate::otlp::BatchBuilder;
use crate::otlp::data::{EventData, LinkData, LogData, ResourceData, ScopeData, SpanData, Value, Visitor};
use crate::token::{Credential, Shared};
use draft::Draft;
pub(crate) use exception::MAX_STACK;
use finish::Finishing;
use names::Names;
pub(crate) use observe::observe;
pub(crate) use resource::{INSTANCE, instance_by_attributes};
use semantic::Texts;
pub(crate) use text::both_ends;

/// The scope of the log record that holds a capture profile (`redact::profile_line`).
pub(crate) const PROFILE_SCOPE: &str = "jwtrail.profile";

/// Distinct resources remembered by one extractor.
const MAX_RESOURCES: usize = 1024;
const MAX_EXCEPTIONS: usize = 16;
const MAX_LINKS: usize = 1024;
const MAX_EXPOSURES: usize = 16;

/// Builds a [`Batch`] out of what a walker visits. One for each worker; reused from request to request.
pub struct Extractor {
    shared: Arc<Shared>,
    names: Names,
    resources: AHashMap<crate::token::TagKey, Arc<Resource>>,
    resource: Arc<Resource>,
    scope: Arc<str>,
    /// Used for one span after the other.
    draft: Option<Draft>,
    finishing: Finishing,
    batch: Batch,
}

impl Extractor {
    /// An extractor over what all workers share.
    pub fn new(shared: Arc<Shared>) -> Self {
        let mut names = Names::new(shared.caches());
        let finishing = Finishing::new(shared.meter(), shared.caches());
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
            draft: None,
            finishing,
            batch: Batch::default(),
        }
    }
}

impl BatchBuilder for Extractor {
    fn finish(&mut self, bytes: usize) -> Batch {
        let mut batch = std::mem::take(&mut self.batch);
        batch.bytes = bytes;
        batch.meter = Some(Arc::clone(self.shared.meter()));
        batch
    }
}

impl<'a> Visitor<'a> for Extractor {
    fn resource(&mut self, resource: &ResourceData<'a>) {
        let key = resource::key_of(&resource.attributes, &self.shared);
        if let Some(known) = self.resources.get(&key) {
            self.resource = Arc::clone(known);
            return;
        }
        self.resource = Arc::new(resource::read(&resource.attributes, &self.shared, &mut self.names));
        if self.resources.len() >= MAX_RESOURCES {
            self.resources.clear();
        }
        self.resources.insert(key, Arc::clone(&self.resource));
    }

    fn scope(&mut self, scope: &ScopeData<'a>) {
        self.scope = Texts { shared: &self.shared, names: &mut self.names }.keep(&scope.name);
    }

    fn span(&mut self, data: &SpanData<'a>) {
        let Some((trace_id, span_id, parent_id)) = ids_of(data) else {
            self.batch.rejected += 1;
            return;
        };
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
        let mut finished = span.finish(&mut self.finishing);
        (finished.trace_id, finished.span_id, finished.parent_id) = (trace_id, span_id, parent_id);
        (finished.start, finished.end) = (UnixNanos(data.start), UnixNanos(data.end));
        self.batch.spans.push(finished);
        self.draft = Some(span);
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

fn ids_of(data: &SpanData<'_>) -> Option<(TraceId, SpanId, Option<SpanId>)> {
    let trace_id = TraceId(<[u8; 16]>::try_from(&*data.trace_id).ok()?);
    let span_id = SpanId(<[u8; 8]>::try_from(&*data.span_id).ok()?);
    if trace_id.is_zero() || span_id.is_zero() {
        return None;
    }
    let parent_id = match &*data.parent_span_id {
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
