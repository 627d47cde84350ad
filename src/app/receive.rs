//! Receivers, from bound ports to a clean end.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::access::{self, Guard, turned_away};
use super::keys::Keeping;
use super::observe::events::Events;
use super::observe::metrics::Sources;
use super::observe::{self, Phase};
use super::settings::Listen;
use super::source::Source;
use super::{forward, out, profile};
use crate::engine::{EngineHandle, Intake, Notes};
use crate::model::Sink;
use crate::otlp::admin::Admin;
use crate::otlp::forward::{ForwardOptions, Forwarded, Forwarder};
use crate::otlp::record::{Progress, Recorder};
use crate::otlp::{Addresses, Bound, Counters, Limits, Receivers, ServeError};

/// How often the receivers' losses are looked at.
const WATCH: Duration = Duration::from_secs(1);

/// Ports that are taken, but not answered on yet: so that a busy port is known before anything else starts.
pub struct Listening {
    bound: Bound,
    admin: Option<Admin>,
    recorder: Option<Recorder>,
    forwarding: Option<Forwarding>,
    guard: Guard,
    limits: Limits,
}

/// A forwarder, and what it is called.
struct Forwarding {
    forwarder: Forwarder,
    place: String,
    note: Option<String>,
}

impl Forwarding {
    /// Begins to look for the next collector.
    fn start(options: &ForwardOptions, own: Addresses) -> anyhow::Result<Self> {
        let forwarder = Forwarder::start(options, own)?;
        Ok(Self { forwarder, place: options.endpoint.to_string(), note: forward::notes(options) })
    }
}

impl Listening {
    /// Takes both ports or none, reads who may send, makes the file to record to, and begins to look for the next
    /// collector. To be called within a runtime.
    pub fn bind(listen: &Listen) -> anyhow::Result<Self> {
        let (access, limits) = (access::open(&listen.access)?, listen.limits);
        let guard = Guard::of(&access);
        let bound = Receivers::bind(listen.grpc, listen.http)?.with(access, limits);
        let admin = listen.observe.admin.map(Admin::bind).transpose()?;
        let start = |options| Forwarding::start(options, bound.addresses());
        let forwarding = listen.forward.as_ref().map(start).transpose()?;
        let recorder = listen.record.as_ref().map(Recorder::open).transpose()?;
        Ok(Self { bound, admin, recorder, forwarding, guard, limits })
    }

    /// Scheme, host and port of the collector that is forwarded to.
    pub fn forwards_to(&self) -> Option<&str> {
        self.forwarding.as_ref().map(|forwarding| forwarding.place.as_str())
    }

    /// The file that is recorded to.
    pub fn recorded(&self) -> Option<&Path> {
        self.recorder.as_ref().map(Recorder::first)
    }

    /// Where they listen.
    pub fn addresses(&self) -> Addresses {
        self.bound.addresses()
    }

    /// Where health and metrics are answered.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::address)
    }

    /// `127.0.0.1:4317 gRPC`, one for each; with ` over TLS` behind it where nothing else is taken.
    pub fn names(&self) -> Vec<String> {
        let over = self.guard.suffix();
        self.each().map(|(address, protocol)| format!("{address} {protocol}{over}")).collect()
    }

    /// What people should know of these addresses: spans hold names and claims, and anyone who reaches a port can
    /// send some.
    pub fn notes(&self) -> Vec<String> {
        let open = self.each().filter(|(address, _)| !address.ip().is_loopback());
        let receivers = open.filter_map(|(address, protocol)| self.guard.note(&format!("{address} ({protocol})")));
        let admin = self.admin().filter(|address| !address.ip().is_loopback());
        let admin = admin.map(|address| {
            format!("{address} (admin) is open to the network: anyone who reaches it can read counters, but no name")
        });
        let forwarding = self.forwarding.iter().filter_map(|forwarding| forwarding.note.clone());
        receivers.chain(admin).chain(forwarding).collect()
    }

    fn each(&self) -> impl Iterator<Item = (SocketAddr, &'static str)> {
        let Addresses { grpc, http } = self.bound.addresses();
        grpc.map(|address| (address, "gRPC")).into_iter().chain(http.map(|address| (address, "HTTP")))
    }

    /// Begins to answer and to fetch keys, and keeps the engine's notes on addresses, on what had to be turned away and
    /// on keys that cannot be had.
    pub fn serve(self, source: Source, engine: &EngineHandle) -> Receiving {
        let counters = Arc::new(Counters::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            // A sender that is gone asks for the end too.
            drop(stopped.await);
        };
        let intake = engine.intake();
        let kept = Kept {
            recording: self.recorder.as_ref().map(Recorder::progress),
            forwarding: self.forwarding.as_ref().map(|forwarding| forwarding.forwarder.progress()),
        };
        let keys = source.keys.start();
        let (notes, events) = ((self.notes(), self.limits, engine.notes()), Events::new(engine.snapshots()));
        let phase = Phase::default();
        let sources = Sources {
            counters: Arc::clone(&counters),
            intake: intake.clone(),
            snapshots: engine.snapshots(),
            recording: kept.recording.clone(),
            forwarding: kept.forwarding.clone(),
        };
        let admin = self.admin.map(|admin| observe::tell(admin, phase.clone(), engine.asker(), sources));
        let (last, at_last) = oneshot::channel();
        let watching = watch(notes, intake.clone(), Arc::clone(&counters), keys, kept, (events, at_last));
        let shared = source.shared();
        let (decoder, sink) = match &self.recorder {
            None => (source.decoder, Arc::new(intake) as Arc<dyn Sink>),
            Some(recorder) => {
                let profiler = engine.profiler();
                recorder.with_profile(Box::new(move |last| profile::line(&profiler.profile(last)?)));
                (source.redacting(None), recorder.sink(Arc::new(intake)))
            }
        };
        let (decoder, sink) = match &self.forwarding {
            None => (decoder, sink),
            Some(Forwarding { forwarder, .. }) => (forwarder.decoder(decoder, shared), forwarder.sink(sink)),
        };
        let serving = self.bound.serve(decoder, sink, Arc::clone(&counters), shutdown);
        phase.serving();
        let ended = phase.clone();
        let serving = async move {
            let served = serving.await;
            ended.ended();
            served
        };
        let (task, watcher) = (tokio::spawn(serving), tokio::spawn(watching));
        let (recorder, forwarding) = (self.recorder, self.forwarding);
        Receiving { stop, task, watcher, counters, recorder, forwarding, phase, last, _admin: admin }
    }
}

/// What becomes of requests beside judging them.
struct Kept {
    recording: Option<Progress>,
    forwarding: Option<Forwarded>,
}

/// Says once a second what was turned away and which keys are missing, if that has changed: no loss stays in a counter
/// that nobody sees. Keys are kept fresh as long as this runs.
async fn watch(
    (standing, limits, notes): (Vec<String>, Limits, Notes),
    intake: Intake,
    counters: Arc<Counters>,
    keys: Keeping,
    kept: Kept,
    (mut events, mut at_last): (Events, oneshot::Receiver<()>),
) {
    let mut ticks = tokio::time::interval(WATCH);
    let mut said = None;
    loop {
        // The end looks once more: what the last second turned away belongs into the report.
        let over = tokio::select! {
            _ = ticks.tick() => false,
            _ = &mut at_last => true,
        };
        let mut lost = turned_away(&counters, &limits, intake.refused());
        lost.extend(keys.complaints());
        lost.extend(kept.recording.iter().flat_map(Progress::losses));
        lost.extend(kept.forwarding.iter().flat_map(Forwarded::losses));
        events.look(&lost);
        if said.as_ref() != Some(&lost) {
            let all = standing.iter().chain(&lost).cloned().collect();
            if notes.set(all).is_err() {
                return;
            }
            said = Some(lost);
        }
        if over {
            return;
        }
    }
}

/// Receivers that answer.
pub struct Receiving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServeError>>,
    watcher: JoinHandle<()>,
    counters: Arc<Counters>,
    recorder: Option<Recorder>,
    forwarding: Option<Forwarding>,
    phase: Phase,
    /// Asks the watcher to look a last time.
    last: oneshot::Sender<()>,
    /// Answers until all of this is dropped.
    _admin: Option<JoinSet<()>>,
}

impl Receiving {
    /// Waits for the end that nobody asked for.
    pub async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.task).await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) => anyhow::anyhow!("the receivers have ended by themselves"),
            Err(error) => anyhow::Error::from(error).context("the receivers have ended"),
        }
    }

    /// Export requests so far, of whatever outcome.
    pub fn requests(&self) -> u64 {
        [&self.counters.grpc, &self.counters.http].map(|each| each.requests.load(Ordering::Relaxed)).iter().sum()
    }

    /// Takes no more requests and lets open ones end, then ends recording and forwarding, and says what became of them.
    /// To be called before the engine is shut down, and not after [`Self::failed`] has answered.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.phase.ended();
        // Receivers that have ended by themselves say so below.
        let _ = self.stop.send(());
        self.task.await.context("the receivers were lost")?.context("the receivers failed")?;
        // A watcher that is gone has said all.
        let _ = self.last.send(());
        drop(self.watcher.await);
        tracing::info!(counters = ?self.counters, "receivers stopped");
        if let Some(recorder) = self.recorder {
            let first = recorder.first().display().to_string();
            let recorded = tokio::task::spawn_blocking(|| recorder.finish()).await.context("the recorder was lost")?;
            for line in told(&first, &recorded) {
                out::note(&line);
            }
        }
        if let Some(Forwarding { forwarder, place, .. }) = self.forwarding {
            forward::tell(&place, &forwarder.finish().await);
        }
        Ok(())
    }
}

/// What a recording holds, and what it lost.
fn told(first: &str, recorded: &Progress) -> Vec<String> {
    let more = match recorded.files() {
        0 | 1 => String::new(),
        files => format!(" and {} more", files - 1),
    };
    let losses = recorded.losses();
    let said = match recorded.spans() {
        0 if losses.is_empty() => "recorded nothing, for no span came".to_owned(),
        spans => format!("recorded {spans} spans to {first}{more}"),
    };
    std::iter::once(said).chain(losses.into_iter().map(|loss| format!("warning: {loss}"))).collect()
}
