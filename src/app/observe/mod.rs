//! jwtrail watched from outside: health and metrics, its own spans and logs.

pub(super) mod events;
mod exposition;
pub(super) mod metrics;
pub(super) mod process;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::logs::{self, LogOptions};
use super::receive::Listening;
use super::settings::Observe;
use super::telemetry::Telemetry;
use crate::engine::{Asker, Query};
use crate::model::TraceId;
use crate::otlp::admin::{Admin, MetricsFormat, Status};
use metrics::Sources;

/// How long the engine may take to answer: a probe waits a second by default, and one that is busy is not dead.
const ENGINE_TIMEOUT: Duration = Duration::from_millis(900);

/// Where a run of the receivers stands.
#[derive(Clone, Default)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Phase {
    const SERVING: u8 = 1;
    const ENDED: u8 = 2;

    /// Requests are answered from here on.
    pub(super) fn serving(&self) {
        self.0.store(Self::SERVING, Ordering::Relaxed);
    }

    /// No more requests are taken.
    pub(super) fn ended(&self) {
        self.0.store(Self::ENDED, Ordering::Relaxed);
    }

    /// Why nothing is taken, if so.
    fn why_not(&self) -> Option<&'static str> {
        match self.0.load(Ordering::Relaxed) {
            Self::SERVING => None,
            Self::ENDED => Some("the receivers take no more: what came is written down and judged"),
            _ => Some("the receivers do not answer yet"),
        }
    }
}

/// What the admin port tells.
struct Telling {
    phase: Phase,
    asker: Asker,
    sources: Sources,
}

impl Status for Telling {
    fn ready(&self) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + '_>> {
        Box::pin(async {
            if let Some(why) = self.phase.why_not() {
                return Err(why.to_owned());
            }
            // A trace that nobody can have sent: looking for it costs nothing, and the answer waits its turn.
            let asked = self.asker.ask(Query::Trace(TraceId([0; 16])));
            match tokio::time::timeout(ENGINE_TIMEOUT, asked).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("the judging thread did not answer within {} ms", ENGINE_TIMEOUT.as_millis())),
            }
        })
    }

    fn metrics(&self, format: MetricsFormat) -> String {
        self.sources.written(format, self.phase.why_not().is_none())
    }
}

/// Answers on the admin port until what this gives back is dropped.
pub(super) fn tell(admin: Admin, phase: Phase, asker: Asker, sources: Sources) -> JoinSet<()> {
    let status = Arc::new(Telling { phase, asker, sources });
    let mut task = JoinSet::new();
    task.spawn(async move {
        let Err(error) = admin.serve(status).await;
        tracing::error!(%error, "health and metrics are not answered");
    });
    task
}

/// What a run says of itself beside its screen and its report.
pub(super) struct Observing {
    /// Where the log is.
    pub log: Option<PathBuf>,
    telemetry: Option<Telemetry>,
}

/// Starts the log and, where asked for, the sending of what stands in it, once the ports are taken: only then is it known
/// which addresses are jwtrail's own. To be called within the runtime.
pub(super) fn start(log: &LogOptions, observe: &Observe, listening: &Listening) -> anyhow::Result<Observing> {
    let own = listening.addresses();
    let telemetry = observe.telemetry.as_deref().map(|url| Telemetry::new(url, own)).transpose()?;
    let ears = telemetry.as_ref().map(Telemetry::ears).unwrap_or_default();
    let path = logs::start(log, ears)?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "jwtrail starts");
    for name in listening.names().into_iter().chain(listening.admin().map(|address| format!("{address} admin"))) {
        tracing::info!("listening on {name}");
    }
    for note in listening.notes() {
        tracing::warn!("{note}");
    }
    if let Some(path) = listening.recorded() {
        tracing::info!("recording to {}", path.display());
    }
    if let Some(url) = &observe.telemetry {
        tracing::info!("sending own spans and logs to {url}");
    }
    Ok(Observing { log: path, telemetry })
}

impl Observing {
    /// Sends what is left. To be called last.
    pub(super) async fn end(self) {
        tracing::info!("jwtrail ends");
        if let Some(telemetry) = self.telemetry {
            telemetry.end().await;
        }
    }
}
