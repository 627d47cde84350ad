//! A stock exporter of the OpenTelemetry SDK against the receivers, over each of its protocols.

use std::time::{Duration, UNIX_EPOCH};

use jwtrail::model::Refused;
use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, SpanId, TraceId};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};

use super::server::{Server, count};

pub fn span(id: u64) -> SpanData {
    let trace_id = TraceId::from(u128::from(id) << 64 | 7);
    let state = TraceState::default();
    SpanData {
        span_context: SpanContext::new(trace_id, SpanId::from(id), TraceFlags::SAMPLED, false, state),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Server,
        name: format!("GET /{id}").into(),
        start_time: UNIX_EPOCH + Duration::from_secs(1),
        end_time: UNIX_EPOCH + Duration::from_secs(2),
        attributes: vec![KeyValue::new("http.request.method", "GET")],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("test").build(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdks_own_exporters_get_through() {
    let server = Server::start();
    let grpc = format!("http://{}", server.addresses.grpc.unwrap());
    let http = |protocol| {
        let builder = SpanExporter::builder().with_http().with_endpoint(server.url("/v1/traces"));
        builder.with_protocol(protocol).build().unwrap()
    };
    let exporters = [
        SpanExporter::builder().with_tonic().with_endpoint(grpc).build().unwrap(),
        http(Protocol::HttpBinary),
        http(Protocol::HttpJson),
    ];
    for exporter in &exporters {
        exporter.export((1..=3).map(span).collect()).await.unwrap();
    }
    let batches = std::mem::take(&mut *server.shelf.batches.lock().unwrap());
    for batch in &batches {
        let seen: Vec<_> = batch.spans.iter().map(|span| (span.trace_id.to_string(), span.name.to_string())).collect();
        let sent = (1..=3).map(|id| (format!("{id:016x}{:016x}", 7), format!("GET /{id}")));
        assert!(seen.into_iter().eq(sent));
    }
    assert_eq!((batches.len(), count(&server.counters.grpc.spans), count(&server.counters.http.spans)), (3, 3, 6));
    *server.shelf.refuse.lock().unwrap() = Some(Refused::Closed);
    for exporter in &exporters {
        assert!(exporter.export(vec![span(9)]).await.is_err(), "a refusal is no success");
    }
    drop(exporters);
    server.stop().await;
}
