//! From a request as it came to one that may leave: in protobuf, with nothing of a credential.
//!
//! Decoded whole into prost's types, so that what jwtrail does not read (dropped counts, schema URLs, flags of links…)
//! goes on as it came. What these types refuse and jwtrail's own readers take, goes on by those.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use prost::Message as _;
use serde::Deserialize;
use zeroize::Zeroize as _;

use crate::model::{ForwardCarriers, Passed};
use crate::otlp::decode::{Encoding, Signal, walk};
use crate::otlp::extract::{INSTANCE, instance_by_attributes};
use crate::otlp::redact::{Gather, borrowed, redact_carriers, redact_logs};
use crate::token::{Credential, Shared};

/// What a document in JSON may hold: it says itself what it carries.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    resource_spans: Vec<ResourceSpans>,
    resource_logs: Vec<ResourceLogs>,
}

/// Writes a request anew that was found sound; `taken` is how many of its spans were.
pub(super) fn rewrite(
    (signal, encoding): (Signal, Encoding),
    body: &[u8],
    taken: usize,
    shared: &Shared,
    carriers: ForwardCarriers,
) -> Passed {
    if signal == Signal::Metrics {
        return metrics(encoding, body, shared);
    }
    let mut passed = Passed::default();
    let Document { resource_spans, resource_logs } = read(signal, encoding, body, taken);
    if !resource_spans.is_empty() {
        let mut request = ExportTraceServiceRequest { resource_spans };
        let told = instances(request.resource_spans.iter().map(|group| group.resource.as_ref()));
        redact_carriers(&mut request, shared, carriers);
        well_formed(&mut request);
        name_instances(told, request.resource_spans.iter_mut().map(|group| &mut group.resource));
        passed.spans = spans(&request.resource_spans) as u64;
        passed.traces = request.encode_to_vec();
    }
    if !resource_logs.is_empty() {
        let mut request = ExportLogsServiceRequest { resource_logs };
        let told = instances(request.resource_logs.iter().map(|group| group.resource.as_ref()));
        redact_logs(&mut request, shared);
        let scopes = request.resource_logs.iter_mut().flat_map(|group| &mut group.scope_logs);
        for record in scopes.flat_map(|scope| &mut scope.log_records) {
            id_or_none(&mut record.trace_id, 16);
            id_or_none(&mut record.span_id, 8);
        }
        name_instances(told, request.resource_logs.iter_mut().map(|group| &mut group.resource));
        passed.logs = request.encode_to_vec();
    }
    passed
}

fn read(signal: Signal, encoding: Encoding, body: &[u8], taken: usize) -> Document {
    let read = match (signal, encoding) {
        (_, Encoding::Json) => serde_json::from_slice(body).ok(),
        (Signal::Logs, Encoding::Protobuf) => ExportLogsServiceRequest::decode(body)
            .ok()
            .map(|request| Document { resource_logs: request.resource_logs, ..Document::default() }),
        (_, Encoding::Protobuf) => ExportTraceServiceRequest::decode(body)
            .ok()
            .map(|request| Document { resource_spans: request.resource_spans, ..Document::default() }),
        _ => None,
    };
    // A field by another name (`trace_id`) is passed over by serde, and known to jwtrail's own reader.
    let whole = |document: &Document| {
        let spans = spans_of(&document.resource_spans).filter(|span| is_id(&span.trace_id, 16)).count();
        encoding == Encoding::Protobuf || spans >= taken
    };
    read.filter(whole).unwrap_or_else(|| {
        let mut gather = Gather::default();
        // It was read without an error just before.
        let _ = walk(signal, encoding, body, &mut gather);
        let (resource_spans, resource_logs) = gather.take();
        Document { resource_spans, resource_logs }
    })
}

fn spans_of(groups: &[ResourceSpans]) -> impl Iterator<Item = &opentelemetry_proto::tonic::trace::v1::Span> {
    groups.iter().flat_map(|group| &group.scope_spans).flat_map(|scope| &scope.spans)
}

fn spans(groups: &[ResourceSpans]) -> usize {
    groups.iter().flat_map(|group| &group.scope_spans).map(|scope| scope.spans.len()).sum()
}

fn is_id(bytes: &[u8], length: usize) -> bool {
    bytes.len() == length && bytes.iter().any(|byte| *byte != 0)
}

/// Bytes in an id's place that are none may be anything, a credential too.
fn id_or_none(bytes: &mut Vec<u8>, length: usize) {
    if bytes.len() != length {
        bytes.zeroize();
    }
}

/// Leaves out spans without ids, as the sender was told.
fn well_formed(request: &mut ExportTraceServiceRequest) {
    for scope in request.resource_spans.iter_mut().flat_map(|group| &mut group.scope_spans) {
        scope.spans.retain(|span| is_id(&span.trace_id, 16) && is_id(&span.span_id, 8));
        for span in &mut scope.spans {
            id_or_none(&mut span.parent_span_id, 8);
            for link in &mut span.links {
                id_or_none(&mut link.trace_id, 16);
                id_or_none(&mut link.span_id, 8);
            }
        }
    }
}

fn instance(resource: Option<&Resource>) -> Option<String> {
    instance_by_attributes(&borrowed(&resource?.attributes))
}

fn instances<'r>(resources: impl Iterator<Item = Option<&'r Resource>>) -> Vec<Option<String>> {
    resources.map(instance).collect()
}

/// Where the attributes as they were sent are all that tells a process from others, and they are no longer what they
/// were, their digest goes along.
fn name_instances<'r>(told: Vec<Option<String>>, resources: impl Iterator<Item = &'r mut Option<Resource>>) {
    for (told, resource) in told.into_iter().zip(resources) {
        if told.is_some()
            && told != instance(resource.as_ref())
            && let (Some(told), Some(resource)) = (told, resource)
        {
            let value = Some(AnyValue { value: Some(Any::StringValue(told)) });
            resource.attributes.push(KeyValue { key: INSTANCE.to_owned(), value, ..KeyValue::default() });
        }
    }
}

/// Metrics go on as they came, unless a token stands in them: nobody here reads them, so nobody could take it out.
fn metrics(encoding: Encoding, body: &[u8], shared: &Shared) -> Passed {
    let metrics = match encoding {
        Encoding::Protobuf => Some(body.to_vec()),
        _ => serde_json::from_slice::<ExportMetricsServiceRequest>(body).ok().map(|request| request.encode_to_vec()),
    };
    let Some(mut metrics) = metrics else { return Passed::default() };
    let mut token = false;
    let mut text = String::from_utf8_lossy(&metrics);
    shared.scrub_with(&text, &mut |credential| token |= matches!(credential, Credential::Jwt(_)));
    if token {
        if let std::borrow::Cow::Owned(text) = &mut text {
            text.zeroize();
        }
        drop(text);
        metrics.zeroize();
        return Passed { unsafe_to_pass: true, ..Passed::default() };
    }
    drop(text);
    Passed { metrics, ..Passed::default() }
}
