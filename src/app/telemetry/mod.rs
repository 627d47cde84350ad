//! jwtrail's own spans and logs, sent by OTLP to where the user said: never by a variable that is meant for the services
//! under test, and never to jwtrail itself.

mod own;
mod sender;

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::{Link, SpanKind, TraceId, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{self, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{self, BatchSpanProcessor, Sampler, SamplingResult, SdkTracerProvider, ShouldSample};
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{Targets, filter_fn};

use super::logs::{Ear, is_event};
use crate::otlp::Addresses;
use sender::Sender;

/// How long an export may take, and the flush at the end.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Spans and log records that may wait, of each; what comes beyond is dropped.
const QUEUE: usize = 2048;

/// Spans and log records in one request.
const BATCH: usize = 512;

/// How long they wait for company.
const DELAY: Duration = Duration::from_secs(2);

/// Spans of what happens many times a second: one in so many is sent.
const ONE_IN: f64 = 64.0;
const FREQUENT: [&str; 2] = ["receive", "publish"];

/// What is being sent, and the providers to shut down.
pub(super) struct Telemetry {
    spans: SdkTracerProvider,
    logs: SdkLoggerProvider,
}

impl Telemetry {
    /// Sets up sending to `url`; `own` is where this process listens. To be called within the runtime.
    pub(super) fn new(url: &str, own: Addresses) -> anyhow::Result<Self> {
        own::refuse(url, own)?;
        let (span_exporter, log_exporter) = exporters(url)?;
        let runtime = Handle::current();
        let spans = trace::BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let records = logs::BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let spans = BatchSpanProcessor::builder(Sender::new(span_exporter, runtime.clone())).with_batch_config(spans);
        let records = BatchLogProcessor::builder(Sender::new(log_exporter, runtime)).with_batch_config(records);
        Ok(Self {
            spans: SdkTracerProvider::builder()
                .with_resource(resource())
                .with_sampler(Sampler::ParentBased(Box::new(Seldom)))
                .with_span_processor(spans.build())
                .build(),
            logs: SdkLoggerProvider::builder().with_resource(resource()).with_log_processor(records.build()).build(),
        })
    }

    /// What hears jwtrail's own code, and nothing of the libraries below it: the sending itself would be heard, too.
    pub(super) fn ears(&self) -> Vec<Ear> {
        let own = || Targets::new().with_target("jwtrail", LevelFilter::INFO);
        let tracer = self.spans.tracer("jwtrail");
        let spans = tracing_opentelemetry::layer().with_tracer(tracer).with_threads(false).with_location(false);
        let records = OpenTelemetryTracingBridge::new(&self.logs);
        vec![spans.with_filter(own()).boxed(), records.with_filter(own()).with_filter(filter_fn(is_event)).boxed()]
    }

    /// Sends what is left and ends, within a time.
    pub(super) async fn end(self) {
        // The SDK blocks its caller, and what it waits for runs on this runtime.
        let flush = tokio::task::spawn_blocking(move || {
            let Self { spans, logs } = self;
            let spans_left = spans.shutdown_with_timeout(TIMEOUT);
            (spans_left, logs.shutdown_with_timeout(TIMEOUT))
        });
        if let Ok((spans, logs)) = flush.await {
            for error in [spans, logs].into_iter().filter_map(Result::err) {
                tracing::warn!(%error, "the last of jwtrail's own telemetry could not be sent");
            }
        }
    }
}

/// What jwtrail is called where its telemetry goes. Variables of the user's shell have no say in it.
fn resource() -> Resource {
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            KeyValue::new("service.name", "jwtrail"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("process.pid", i64::from(std::process::id())),
        ])
        .build()
}

fn exporters(url: &str) -> anyhow::Result<(SpanExporter, LogExporter)> {
    let failed = "cannot send jwtrail's own telemetry";
    if let Some(rest) = url.strip_prefix("grpc://") {
        let endpoint = format!("http://{rest}");
        let spans = SpanExporter::builder().with_tonic().with_endpoint(&endpoint).with_timeout(TIMEOUT).build();
        let logs = LogExporter::builder().with_tonic().with_endpoint(&endpoint).with_timeout(TIMEOUT).build();
        return Ok((spans.context(failed)?, logs.context(failed)?));
    }
    let client = client().context(failed)?;
    let endpoint = |signal: &str| format!("{}/v1/{signal}", url.trim_end_matches('/'));
    let spans = SpanExporter::builder()
        .with_http()
        .with_http_client(client.clone())
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint("traces"))
        .with_timeout(TIMEOUT)
        .build();
    let logs = LogExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint("logs"))
        .with_timeout(TIMEOUT)
        .build();
    Ok((spans.context(failed)?, logs.context(failed)?))
}

/// A client that follows no redirect: where telemetry goes is the user's word alone.
fn client() -> reqwest::Result<reqwest::Client> {
    let builder = || {
        reqwest::Client::builder()
            .user_agent(concat!("jwtrail/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
    };
    // A container without root certificates can still send to a collector beside it.
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

/// Samples what happens many times a second, and takes all else.
#[derive(Clone, Debug)]
struct Seldom;

impl ShouldSample for Seldom {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampler =
            if FREQUENT.contains(&name) { Sampler::TraceIdRatioBased(1.0 / ONE_IN) } else { Sampler::AlwaysOn };
        sampler.should_sample(parent, trace_id, name, kind, attributes, links)
    }
}
