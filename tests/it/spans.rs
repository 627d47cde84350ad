//! Spans as exporters would send them, for the tests of reading and redacting.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail loudly, as tests do")]

use std::sync::Arc;

use jwtrail::model::{Arrived, Batch, CarriedValue, Span, Token};
use jwtrail::otlp::BatchBuilder;
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::redact::visit_traces;
use jwtrail::token::Shared;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as ProtoSpan};

pub(crate) fn any(value: Any) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(crate) fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

pub(crate) fn list(items: &[&str]) -> Any {
    Any::ArrayValue(ArrayValue { values: items.iter().map(|item| any(text(item))).collect() })
}

pub(crate) fn attribute(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() }
}

pub(crate) fn span(kind: i32, attributes: Vec<KeyValue>) -> ProtoSpan {
    ProtoSpan {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        kind,
        name: "GET /orders".to_owned(),
        attributes,
        ..ProtoSpan::default()
    }
}

pub(crate) fn request(resource: Vec<KeyValue>, spans: Vec<ProtoSpan>) -> ExportTraceServiceRequest {
    let scope = Some(InstrumentationScope { name: "test".to_owned(), ..InstrumentationScope::default() });
    let resource = Some(Resource { attributes: resource, ..Resource::default() });
    let scope_spans = vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

pub(crate) fn extract(shared: &Arc<Shared>, request: &ExportTraceServiceRequest) -> Batch {
    let mut extractor = Extractor::new(Arc::clone(shared));
    visit_traces(request, &mut extractor);
    extractor.finish(0)
}

pub(crate) fn one(shared: &Arc<Shared>, attributes: Vec<KeyValue>) -> Arrived {
    extract(shared, &request(vec![], vec![span(2, attributes)])).spans.remove(0)
}

pub(crate) fn token_at(span: &Span, at: usize) -> &Arc<Token> {
    match &span.carried[at].value {
        CarriedValue::Token(token) => token,
        other => panic!("expected a token, found {other:?}"),
    }
}

pub(crate) fn carriers(span: &Span) -> Vec<&str> {
    span.carried.iter().map(|carried| &*carried.carrier).collect()
}

/// No nine neighbouring characters of a token stand in the text.
pub(crate) fn assert_no_piece(token: &str, haystack: &[u8], place: &str) {
    for piece in token.as_bytes().windows(9).filter(|piece| !piece.contains(&b'.')) {
        let found = memchr::memmem::find(haystack, piece).is_some();
        assert!(!found, "{} of the token is left in {place}", String::from_utf8_lossy(piece));
    }
}
