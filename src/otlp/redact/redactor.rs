//! A decoder that also writes down what it read, without credentials: for files that are to be handed on, and for
//! recordings.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::groups::Groups;
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
    groups: Groups,
    /// Records of this scope are no one's but jwtrail's own.
    in_profile: bool,
    done: Redacted,
}

impl Redactor {
    /// With `strict`, only what is known to be harmless stays.
    pub fn new(shared: Arc<Shared>, strict: Option<Arc<Strict>>) -> Self {
        Self {
            extractor: Extractor::new(Arc::clone(&shared)),
            shared,
            strict,
            groups: Groups::default(),
            in_profile: false,
            done: Redacted::default(),
        }
    }
}

impl BatchBuilder for Redactor {
    fn finish(&mut self, bytes: usize) -> Batch {
        let mut done = std::mem::take(&mut self.done);
        let (traces, logs) = self.groups.take();
        if !traces.is_empty() {
            json::traces(&traces, &mut done.lines);
        }
        if !logs.is_empty() {
            json::logs(&logs, &mut done.lines);
        }
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
        self.groups.resource(resource);
        self.in_profile = false;
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
        self.in_profile = scope.name == PROFILE_SCOPE;
        self.groups.scope(scope);
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
        self.groups.span(span);
    }

    fn log(&mut self, data: &LogData<'a>) {
        self.extractor.log(data);
        // Whoever writes the lines writes the profile that goes with them.
        if self.in_profile {
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
        if keep {
            self.groups.log(record);
        }
    }
}
