//! Spans and log records under their resources and scopes again, in the order in which they were visited.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use super::own;
use crate::otlp::data::{LogData, ResourceData, ScopeData, SpanData, Visitor};

/// Groups as they grow.
#[derive(Default)]
pub(super) struct Groups {
    resource: Resource,
    scope: InstrumentationScope,
    /// The current resource, or scope, stands already over the last spans, and over the last log records.
    placed: Placed,
    pub(super) traces: Vec<ResourceSpans>,
    pub(super) logs: Vec<ResourceLogs>,
}

#[derive(Clone, Copy, Default)]
struct Placed {
    resource: (bool, bool),
    scope: (bool, bool),
}

impl Groups {
    pub(super) fn resource(&mut self, resource: Resource) {
        self.resource = resource;
        self.scope = InstrumentationScope::default();
        self.placed = Placed::default();
    }

    pub(super) fn scope(&mut self, scope: InstrumentationScope) {
        self.scope = scope;
        self.placed.scope = (false, false);
    }

    pub(super) fn span(&mut self, span: Span) {
        if !std::mem::replace(&mut self.placed.resource.0, true) {
            self.traces.push(ResourceSpans { resource: Some(self.resource.clone()), ..ResourceSpans::default() });
            self.placed.scope.0 = false;
        }
        let Some(group) = self.traces.last_mut() else { return };
        if !std::mem::replace(&mut self.placed.scope.0, true) {
            group.scope_spans.push(ScopeSpans { scope: Some(self.scope.clone()), ..ScopeSpans::default() });
        }
        if let Some(scope_spans) = group.scope_spans.last_mut() {
            scope_spans.spans.push(span);
        }
    }

    pub(super) fn log(&mut self, record: LogRecord) {
        if !std::mem::replace(&mut self.placed.resource.1, true) {
            self.logs.push(ResourceLogs { resource: Some(self.resource.clone()), ..ResourceLogs::default() });
            self.placed.scope.1 = false;
        }
        let Some(group) = self.logs.last_mut() else { return };
        if !std::mem::replace(&mut self.placed.scope.1, true) {
            group.scope_logs.push(ScopeLogs { scope: Some(self.scope.clone()), ..ScopeLogs::default() });
        }
        if let Some(scope_logs) = group.scope_logs.last_mut() {
            scope_logs.log_records.push(record);
        }
    }

    /// What grew so far, and a clean slate under the same resource.
    pub(super) fn take(&mut self) -> (Vec<ResourceSpans>, Vec<ResourceLogs>) {
        self.placed = Placed::default();
        (std::mem::take(&mut self.traces), std::mem::take(&mut self.logs))
    }
}

/// A visitor that keeps all that it is shown, as it is: with its credentials. Redact it at once.
#[derive(Default)]
pub(in crate::otlp) struct Gather(Groups);

impl Gather {
    /// What was visited.
    pub(in crate::otlp) fn take(mut self) -> (Vec<ResourceSpans>, Vec<ResourceLogs>) {
        self.0.take()
    }
}

impl<'a> Visitor<'a> for Gather {
    fn resource(&mut self, data: &ResourceData<'a>) {
        self.0.resource(own::resource(data));
    }

    fn scope(&mut self, data: &ScopeData<'a>) {
        self.0.scope(own::scope(data));
    }

    fn span(&mut self, data: &SpanData<'a>) {
        if let Some(span) = own::span(data) {
            self.0.span(span);
        }
    }

    fn log(&mut self, data: &LogData<'a>) {
        self.0.log(own::log(data));
    }
}
