//! One tracer provider for each service, exporting to jwtrail's own receivers the way a real service would.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData,
    SpanExporter as SdkSpanExporter,
};
use tokio::runtime::Handle;

use super::keys::random_id;

/// How a service exports.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    Grpc,
    HttpProtobuf,
    HttpJson,
}

/// Where the receivers listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receivers {
    pub(super) grpc: SocketAddr,
    pub(super) http: SocketAddr,
}

/// How long spans wait for company before they are exported. The SDK's own 5 s would leave the first picture empty.
const SCHEDULED_DELAY: Duration = Duration::from_millis(300);
/// How long an export may take, and the flush at the end.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// The two tracers of a service's instrumentation, and the provider to shut down.
pub(super) struct Telemetry {
    pub(super) provider: SdkTracerProvider,
    pub(super) server: SdkTracer,
    pub(super) client: SdkTracer,
}

impl Telemetry {
    /// Sets up tracing for one service. Environment variables of the user's shell have no say in it.
    pub(super) fn new(service: &'static str, wire: Wire, receivers: Receivers) -> anyhow::Result<Self> {
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_attributes([
                KeyValue::new("service.name", service),
                KeyValue::new("service.instance.id", format!("{service}-{}", random_id(6)?)),
                KeyValue::new("service.version", "2.4.1"),
            ])
            .build();
        let exporter = OnRuntime { inner: Arc::new(exporter(wire, receivers)?), runtime: Handle::current() };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(2048)
            .with_max_export_batch_size(512)
            .with_scheduled_delay(SCHEDULED_DELAY)
            .build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_sampler(Sampler::AlwaysOn)
            .with_max_attributes_per_span(128)
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .build();
        let tracer = |name: &'static str, version: &'static str| {
            provider.tracer_with_scope(InstrumentationScope::builder(name).with_version(version).build())
        };
        let (server, client) =
            (tracer("opentelemetry-instrumentation-tower", "0.17.0"), tracer("reqwest-tracing", "0.5.8"));
        Ok(Self { provider, server, client })
    }
}

/// Exports what is left and stops exporting.
pub(super) async fn shut_down(providers: Vec<SdkTracerProvider>) {
    // The SDK blocks its caller, and the export that it waits for runs on this runtime.
    let flush = tokio::task::spawn_blocking(move || {
        for provider in providers {
            if let Err(error) = provider.shutdown_with_timeout(EXPORT_TIMEOUT) {
                tracing::debug!(%error, "a demo service could not export its last spans");
            }
        }
    });
    if let Err(error) = flush.await {
        tracing::debug!(%error, "the demo services' exporters did not stop as they should");
    }
}

fn exporter(wire: Wire, receivers: Receivers) -> anyhow::Result<SpanExporter> {
    let http = |protocol| -> anyhow::Result<SpanExporter> {
        Ok(SpanExporter::builder()
            .with_http()
            .with_http_client(super::client(EXPORT_TIMEOUT)?)
            .with_protocol(protocol)
            .with_endpoint(format!("http://{}/v1/traces", receivers.http))
            .with_timeout(EXPORT_TIMEOUT)
            .build()?)
    };
    match wire {
        Wire::HttpProtobuf => http(Protocol::HttpBinary),
        Wire::HttpJson => http(Protocol::HttpJson),
        Wire::Grpc => Ok(SpanExporter::builder()
            .with_tonic()
            .with_endpoint(format!("http://{}", receivers.grpc))
            .with_timeout(EXPORT_TIMEOUT)
            .build()?),
    }
}

/// Runs exports on the runtime: the SDK's batch processor has a thread of its own, where reqwest and tonic find no reactor.
#[derive(Debug)]
struct OnRuntime {
    inner: Arc<SpanExporter>,
    runtime: Handle,
}

impl SdkSpanExporter for OnRuntime {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let inner = Arc::clone(&self.inner);
        let export = self.runtime.spawn(async move { inner.export(batch).await });
        export.await.map_err(|error| OTelSdkError::InternalFailure(error.to_string()))?
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}
