//! A decoder that also writes down what it read, without credentials: for files that are to be handed on, and for
//! recordings.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};

use super::mask::Mask;
use super::{Strict, json, own, redact_log, redact_resource, redact_scope, redact_span};
use crate::model::{Batch, Redacted};
use crate::otlp::BatchBuilder;
use crate::otlp::data::{LogData, ResourceData, ScopeData, SpanData, Visitor};
use crate::otlp::extract::{Extractor, INSTANCE, PROFILE_SCOPE, instance_by_attributes};
use crate::token::Shared;

/// Builds a batch as [`Extractor`] does, and with it the lines of [`Redacted`].
pub struct Redactor {
    extractor: Extractor,
    shared: Arc<Shared>,
    strict: Option<Arc<Strict>>,
    resource: Resource,
    scope: InstrumentationScope,
    /// What comes next belongs to a resource, or a scope, that nothing was written of yet.
    fresh: Fresh,
    traces: Vec<ResourceSpans>,
    logs: Vec<ResourceLogs>,
    done: Redacted,
}

/// Whether a new group is due, for spans and for log records.
#[derive(Clone, Copy, Default)]
struct Fresh {
    resource: (bool, bool),
    scope: (bool, bool),
}

impl Redactor {
    /// With `strict`, only what is known to be harmless stays.
    pub fn new(shared: Arc<Shared>, strict: Option<Arc<Strict>>) -> Self {
        Self {
            extractor: Extractor::new(Arc::clone(&shared)),
            shared,
            strict,
            resource: Resource::default(),
            scope: InstrumentationScope::default(),
            fresh: Fresh { resource: (true, true), scope: (true, true) },
            traces: Vec::new(),
            logs: Vec::new(),
            done: Redacted::default(),
        }
    }
}

impl BatchBuilder for Redactor {
    fn finish(&mut self, bytes: usize) -> Batch {
        let mut done = std::mem::take(&mut self.done);
        if !self.traces.is_empty() {
            json::traces(&std::mem::take(&mut self.traces), &mut done.lines);
        }
        if !self.logs.is_empty() {
            json::logs(&std::mem::take(&mut self.logs), &mut done.lines);
        }
        self.fresh = Fresh { resource: (true, true), scope: (true, true) };
        let mut batch = self.extractor.finish(bytes);
        batch.redacted = Some(Box::new(done));
        batch
    }
}

impl<'a> Visitor<'a> for Redactor {
    fn resource(&mut self, data: &ResourceData<'a>) {
        self.extractor.resource(data);
        let mask = Mask::new(&self.shared);
        let mut resource = own::resource(data);
        redact_resource(Some(&mut resource), &mask);
        if self.strict.is_some() {
            self.done.dropped += Strict::resource(&mut resource);
        }
        if let Some(instance) = instance_by_attributes(&data.attributes) {
            // Where the attributes as they were sent are all that tells a process from others, their digest goes along.
            let value = Some(AnyValue { value: Some(Any::StringValue(instance)) });
            resource.attributes.push(KeyValue { key: INSTANCE.to_owned(), value, ..KeyValue::default() });
        }
        self.done.masked += mask.masked();
        self.resource = resource;
        self.scope = InstrumentationScope::default();
        self.fresh = Fresh { resource: (true, true), scope: (true, true) };
    }

    fn scope(&mut self, data: &ScopeData<'a>) {
        self.extractor.scope(data);
        let mask = Mask::new(&self.shared);
        let mut scope = own::scope(data);
        redact_scope(Some(&mut scope), &mask);
        if self.strict.is_some() {
            self.done.dropped += Strict::scope(&mut scope);
        }
        self.done.masked += mask.masked();
        self.scope = scope;
        self.fresh.scope = (true, true);
    }

    fn span(&mut self, data: &SpanData<'a>) {
        self.extractor.span(data);
        let Some(mut span) = own::span(data) else {
            self.done.left_out += 1;
            return;
        };
        let mask = Mask::new(&self.shared);
        redact_span(&mut span, &mask);
        if let Some(strict) = &self.strict {
            self.done.dropped += strict.span(&mut span, &mask);
        }
        self.done.masked += mask.masked();
        self.done.spans += 1;
        if std::mem::take(&mut self.fresh.resource.0) {
            self.traces.push(ResourceSpans { resource: Some(self.resource.clone()), ..ResourceSpans::default() });
            self.fresh.scope.0 = true;
        }
        let Some(group) = self.traces.last_mut() else { return };
        if std::mem::take(&mut self.fresh.scope.0) {
            group.scope_spans.push(ScopeSpans { scope: Some(self.scope.clone()), ..ScopeSpans::default() });
        }
        if let Some(scope_spans) = group.scope_spans.last_mut() {
            scope_spans.spans.push(span);
        }
    }

    fn log(&mut self, data: &LogData<'a>) {
        self.extractor.log(data);
        // Whoever writes the lines writes the profile that goes with them.
        if self.scope.name == PROFILE_SCOPE {
            return;
        }
        let mask = Mask::new(&self.shared);
        let mut record = own::log(data);
        redact_log(&mut record, &mask);
        let mut keep = true;
        if let Some(strict) = &self.strict {
            let dropped = strict.log(&mut record, &mask);
            keep = dropped.is_some();
            self.done.dropped += dropped.unwrap_or(1);
        }
        self.done.masked += mask.masked();
        if !keep {
            return;
        }
        if std::mem::take(&mut self.fresh.resource.1) {
            self.logs.push(ResourceLogs { resource: Some(self.resource.clone()), ..ResourceLogs::default() });
            self.fresh.scope.1 = true;
        }
        let Some(group) = self.logs.last_mut() else { return };
        if std::mem::take(&mut self.fresh.scope.1) {
            group.scope_logs.push(ScopeLogs { scope: Some(self.scope.clone()), ..ScopeLogs::default() });
        }
        if let Some(scope_logs) = group.scope_logs.last_mut() {
            scope_logs.log_records.push(record);
        }
    }
}
