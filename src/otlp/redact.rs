//! The same spans without credentials, for the recorder and the forwarder (tagging.md sections 2 and 5).
//!
//! Captured carriers keep their attribute, with a mark in place of the token, so that what was captured can still be
//! seen; the token itself is described by `jwtrail.*` tags. Reading the result back gives the same observations.

mod borrow;
mod groups;
pub(super) mod json;
mod mask;
mod own;
mod redactor;
mod stack;
mod strict;
pub(super) mod write;

use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::model::{Carried, CarriedValue, ForwardCarriers};
use crate::otlp::extract::headers::Source;
use crate::otlp::extract::observe;
use crate::token::Shared;
pub(super) use borrow::attributes as borrowed;
pub use borrow::{visit_logs, visit_traces};
pub(super) use groups::Gather;
pub use json::profile_line;
use mask::Mask;
pub use redactor::Redactor;
pub use strict::Strict;

/// Takes every credential out of a decoded request, in place.
pub fn redact_traces(request: &mut ExportTraceServiceRequest, shared: &Shared) {
    redact_carriers(request, shared, ForwardCarriers::Redact);
}

/// The same, where the attributes of carriers may go altogether.
pub fn redact_carriers(request: &mut ExportTraceServiceRequest, shared: &Shared, carriers: ForwardCarriers) {
    let mask = Mask::new(shared).with_carriers(carriers);
    for group in &mut request.resource_spans {
        mask.text(&mut group.schema_url);
        redact_resource(group.resource.as_mut(), &mask);
        for scope_spans in &mut group.scope_spans {
            mask.text(&mut scope_spans.schema_url);
            redact_scope(scope_spans.scope.as_mut(), &mask);
            for span in &mut scope_spans.spans {
                redact_span(span, &mask);
            }
        }
    }
}

/// The same for log records.
pub fn redact_logs(request: &mut ExportLogsServiceRequest, shared: &Shared) {
    let mask = Mask::new(shared);
    for group in &mut request.resource_logs {
        mask.text(&mut group.schema_url);
        redact_resource(group.resource.as_mut(), &mask);
        for scope_logs in &mut group.scope_logs {
            mask.text(&mut scope_logs.schema_url);
            redact_scope(scope_logs.scope.as_mut(), &mask);
            for record in &mut scope_logs.log_records {
                redact_log(record, &mask);
            }
        }
    }
}

fn redact_resource(resource: Option<&mut Resource>, mask: &Mask<'_>) {
    let Some(resource) = resource else { return };
    mask.attributes(&mut resource.attributes);
    for entity in &mut resource.entity_refs {
        mask.text(&mut entity.schema_url);
        mask.text(&mut entity.r#type);
        entity.id_keys.iter_mut().chain(&mut entity.description_keys).for_each(|key| mask.text(key));
    }
}

fn redact_scope(scope: Option<&mut InstrumentationScope>, mask: &Mask<'_>) {
    let Some(scope) = scope else { return };
    mask.text(&mut scope.name);
    mask.text(&mut scope.version);
    mask.attributes(&mut scope.attributes);
}

fn redact_log(record: &mut LogRecord, mask: &Mask<'_>) {
    mask.text(&mut record.severity_text);
    mask.text(&mut record.event_name);
    if let Some(body) = &mut record.body {
        mask.value(body);
    }
    mask.attributes(&mut record.attributes);
}

fn redact_span(span: &mut Span, mask: &Mask<'_>) {
    let (written, told) = tags_of(&span.attributes, mask);
    if !written.is_empty() {
        // Written anew below, out of what was believed of them.
        span.attributes
            .retain(|entry| !entry.key.starts_with("jwtrail.token.") && !entry.key.starts_with("jwtrail.check."));
    }
    mask.captured(&mut span.attributes, &told);
    if mask.drops_carriers() {
        // Only now: what was masked was wiped too.
        span.attributes.retain(|entry| !mask.is_carrier(&entry.key));
    }
    span.attributes.extend(written);
    mask.text(&mut span.name);
    mask.text(&mut span.trace_state);
    if let Some(status) = &mut span.status {
        mask.text(&mut status.message);
    }
    for event in &mut span.events {
        mask.text(&mut event.name);
        mask.attributes(&mut event.attributes);
    }
    for link in &mut span.links {
        mask.text(&mut link.trace_state);
        mask.attributes(&mut link.attributes);
    }
}

/// The tags that describe what the masked attributes will no longer show, and the carriers that they describe. One that
/// held a token is described with all that it held, and its attribute then says nothing.
fn tags_of(attributes: &[KeyValue], mask: &Mask<'_>) -> (Vec<KeyValue>, Vec<Arc<str>>) {
    let observed = observe(&borrow::attributes(attributes), mask.shared());
    let lost = observed.iter().filter(|observation| {
        let token = matches!(observation.carried.value, CarriedValue::Token(_));
        token || observation.source == Source::Tag || mask.drops_carriers()
    });
    let told: Vec<Arc<str>> = lost.map(|observation| Arc::clone(&observation.carried.carrier)).collect();
    let carried = observed.into_iter().map(|observation| observation.carried);
    let carried: Vec<Carried> = carried.filter(|carried| told.contains(&carried.carrier)).collect();
    (write::tags(&carried), told)
}
