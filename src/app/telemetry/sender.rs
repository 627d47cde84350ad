//! Runs exports on the runtime: the SDK's batch processors have threads of their own, where reqwest and tonic find no
//! reactor. Those threads may block; the runtime's may not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{LogExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter as SdkLogExporter};
use opentelemetry_sdk::trace::{SpanData, SpanExporter as SdkSpanExporter};
use tokio::runtime::Handle;

/// An exporter, and the runtime that it needs.
#[derive(Debug)]
pub(super) struct Sender<E> {
    exporter: E,
    runtime: Handle,
    failing: AtomicBool,
}

impl<E> Sender<E> {
    pub(super) fn new(exporter: E, runtime: Handle) -> Self {
        Self { exporter, runtime, failing: AtomicBool::new(false) }
    }

    /// Logs when sending begins to fail and when it works again, each once: the line itself is sent too, and one for each
    /// failure would never end.
    fn told(&self, sent: OTelSdkResult) -> OTelSdkResult {
        let failed = sent.is_err();
        if self.failing.swap(failed, Ordering::Relaxed) != failed {
            if let Err(error) = &sent {
                tracing::warn!(%error, "jwtrail's own telemetry cannot be sent, and what was tried is lost");
            } else {
                tracing::info!("jwtrail's own telemetry is sent again");
            }
        }
        sent
    }
}

impl SdkSpanExporter for Sender<SpanExporter> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.told(self.runtime.block_on(self.exporter.export(batch)))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl SdkLogExporter for Sender<LogExporter> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.told(self.runtime.block_on(self.exporter.export(batch)))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
