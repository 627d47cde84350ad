//! The thread that owns the trail. It alone touches it; everyone else sends a message or reads a snapshot.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use super::intake::{Gauge, cost};
use super::keeper::Taken;
use super::query::{Answer, Answerer, Query};
use super::rate::Rate;
use super::replay::Step;
use super::{Clock, EngineOptions, Finished, HopQuery, Losses, Snapshot, Totals};
use crate::model::policy::Policy;
use crate::model::{Batch, Hop, TraceId};
use crate::trail::summary::{Announcement, SetupNote};
use crate::trail::{SavedProfile, Trail};

/// Shortest time between two snapshots: 30 a second at most.
const PUBLISH_EVERY: Duration = Duration::from_millis(34);
/// A snapshot of thousands of edges takes its time: this many times as long goes to spans before the next one.
const PUBLISH_REST: u32 = 15;
/// Longest time that changes wait for their snapshot.
const PUBLISH_LATEST: Duration = Duration::from_millis(500);
/// How often a quiet engine looks whether traces have become quiet enough to settle.
const SETTLE_EVERY: Duration = Duration::from_millis(500);
/// Rows that speak of "the last ten seconds" still change this long after the last span.
const RATES_FADE: Duration = Duration::from_secs(13);
/// Sparklines have slots of 25 seconds over five minutes, and still move this long after the last span.
const SPARKS_FADE: Duration = Duration::from_secs(330);
/// One slot of a sparkline.
const SPARK_SLOT: Duration = Duration::from_secs(25);

/// Traces that are looked through for the hops of one edge: each is judged anew, and meanwhile nothing is taken.
const SEARCHED: usize = 1_000;

/// What the owner is asked.
pub(super) enum Message {
    /// Take these spans; boxed to keep the queue's slots small.
    Batch(Box<Batch>),
    /// Answer with hops.
    Hops(HopQuery, oneshot::Sender<Vec<Hop>>),
    /// Answer a screen.
    Query(Query, oneshot::Sender<Answer>),
    /// Show these notes of the intake side.
    Notes(Vec<String>),
    /// Answer with the capture profile, everything judged as settled where nothing comes after.
    Profile { last: bool, reply: std::sync::mpsc::Sender<SavedProfile> },
    /// Answer with these traces, and those that they are judged with.
    Take(Vec<TraceId>, std::sync::mpsc::Sender<Taken>),
    /// Answer with the ids of all traces held, in the report's order.
    TraceIds(std::sync::mpsc::Sender<Vec<TraceId>>),
    /// Judge by another policy, and answer when that is published.
    Policy(Box<Policy>, std::sync::mpsc::Sender<()>),
    /// Do one step of a replay, and say when it is done.
    Replay(Step, std::sync::mpsc::Sender<()>),
    /// Judge everything as settled.
    Settle(oneshot::Sender<()>),
    /// Judge what was accepted, then end.
    Shutdown,
}

/// Owner of the trail.
pub(super) struct Owner {
    pub(super) trail: Trail,
    options: EngineOptions,
    pub(super) clock: Clock,
    gauge: Arc<Gauge>,
    publish: watch::Sender<Arc<Snapshot>>,
    announce: mpsc::Sender<Announcement>,
    pub(super) rate: Rate,
    /// Counted from batches: the trail never sees what could not be read.
    pub(super) rejected: u64,
    pub(super) bad_tags: u64,
    /// What the intake side has to say.
    notes: Vec<String>,
    /// Batches or notes came since the last tick.
    pub(super) dirty: bool,
    /// Whether the time is a replay's: it goes on without spans, and back.
    pub(super) replayed: bool,
    pub(super) last_span: Option<Instant>,
    last_publish: Option<Instant>,
    /// How long the last snapshot took.
    publishing: Duration,
    last_tick: Instant,
    answerer: Answerer,
}

impl Owner {
    pub(super) fn new(
        trail: Trail,
        options: EngineOptions,
        clock: Clock,
        gauge: Arc<Gauge>,
        publish: watch::Sender<Arc<Snapshot>>,
        announce: mpsc::Sender<Announcement>,
    ) -> Self {
        Self {
            trail,
            options,
            clock,
            gauge,
            publish,
            announce,
            rate: Rate::default(),
            rejected: 0,
            bad_tags: 0,
            notes: Vec::new(),
            dirty: false,
            replayed: false,
            last_span: None,
            last_publish: None,
            publishing: Duration::ZERO,
            last_tick: Instant::now(),
            answerer: Answerer::default(),
        }
    }

    /// Runs until told to end, or until nobody is left who could send.
    pub(super) fn run(mut self, messages: &Receiver<Message>) -> Finished {
        loop {
            match messages.recv_timeout(self.wait()) {
                Ok(Message::Shutdown) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.wait().is_zero() {
                self.tick();
            }
        }
        self.finish(messages)
    }

    /// How long until there is something to do without a message.
    fn wait(&self) -> Duration {
        let next = match (self.dirty, self.last_publish) {
            (true, None) => return Duration::ZERO,
            (true, Some(last)) => {
                last.max(self.last_tick) + (self.publishing * PUBLISH_REST).clamp(PUBLISH_EVERY, PUBLISH_LATEST)
            }
            (false, _) => self.last_tick + SETTLE_EVERY,
        };
        next.saturating_duration_since(Instant::now())
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Batch(batch) => self.ingest(*batch),
            // Whoever asked may have gone away meanwhile; then nobody misses the answer.
            Message::Hops(query, reply) => drop(reply.send(self.answer(&query))),
            Message::Query(query, reply) => {
                if self.dirty {
                    self.trail.tick((self.clock)());
                }
                drop(reply.send(self.answerer.answer(&self.trail, query, (self.clock)())));
            }
            Message::Notes(notes) => {
                self.notes = notes;
                self.dirty = true;
            }
            Message::Replay(step, done) => {
                self.replay(step);
                // Whoever replays may have gone away meanwhile.
                let _ = done.send(());
            }
            Message::Settle(reply) => {
                self.trail.settle_all();
                self.dirty = false;
                self.publish_if_changed();
                let _ = reply.send(());
            }
            Message::Profile { last, reply } => {
                if last {
                    self.trail.settle_all();
                } else {
                    self.trail.tick((self.clock)());
                }
                self.dirty = true;
                drop(reply.send(self.trail.profile()));
            }
            Message::Take(ids, reply) => {
                self.trail.tick((self.clock)());
                self.dirty = true;
                drop(reply.send(Taken::of(&self.trail, &ids)));
            }
            Message::TraceIds(reply) => drop(reply.send(self.trail.trace_ids())),
            Message::Policy(policy, reply) => {
                self.trail.set_policy(*policy);
                self.trail.tick((self.clock)());
                self.dirty = false;
                self.publish_if_changed();
                let _ = reply.send(());
            }
            Message::Shutdown => {}
        }
    }

    fn ingest(&mut self, batch: Batch) {
        let (cost, now) = (cost(&batch), Instant::now());
        self.rejected += batch.rejected;
        self.bad_tags += batch.bad_tags;
        self.rate.add(batch.spans.len() as u64, now);
        self.last_span = Some(now);
        self.dirty = true;
        self.trail.ingest(batch, (self.clock)());
        self.gauge.release(cost);
    }

    pub(super) fn tick(&mut self) {
        self.last_tick = Instant::now();
        let changed = self.trail.tick((self.clock)());
        let fresh = std::mem::take(&mut self.dirty);
        if changed || fresh || self.fading() || self.losses() != self.publish.borrow().totals.lost {
            self.publish_if_changed();
        }
    }

    /// Whether rows that look back over a window may have moved though nothing came: once a second while rates fade,
    /// once a slot while sparklines do, then never.
    fn fading(&self) -> bool {
        let (Some(span), Some(publish)) = (self.last_span, self.last_publish) else { return false };
        let (quiet, stale) = (span.elapsed(), publish.elapsed());
        (quiet < RATES_FADE && stale >= Duration::from_secs(1)) || (quiet < SPARKS_FADE && stale >= SPARK_SLOT)
    }

    fn publish_if_changed(&mut self) {
        let _span = tracing::info_span!("publish").entered();
        let began = Instant::now();
        self.last_publish = Some(began);
        // The summary comes first: it draws up the hops that announcements show.
        let mut snapshot = self.snapshot();
        self.publishing = began.elapsed();
        for announcement in self.trail.announcements() {
            // A reader that is too slow, or not there, loses lines and no verdict: the snapshot has them all.
            drop(self.announce.try_send(announcement));
        }
        if self.replayed {
            // The order of first appearance would be another one after each way back.
            snapshot.services.sort_by(|a, b| a.name.cmp(&b.name));
            snapshot.edges.sort_by(|a, b| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)));
        }
        let last = Arc::clone(&self.publish.borrow());
        let moved = self.replayed && snapshot.now != last.now;
        (snapshot.revision, snapshot.now) = (last.revision, last.now);
        if snapshot == *last && !moved {
            return;
        }
        (snapshot.revision, snapshot.now) = (last.revision + 1, (self.clock)());
        self.publish.send_replace(Arc::new(snapshot));
    }

    fn snapshot(&mut self) -> Snapshot {
        let now = (self.clock)();
        let mut summary = self.trail.summary(now);
        summary.setup.extend(self.notes.iter().cloned().map(SetupNote::Intake));
        Snapshot {
            revision: 0,
            now,
            totals: self.totals(),
            services: summary.services,
            edges: summary.edges,
            problems: summary.problems,
            setup: summary.setup,
        }
    }

    fn totals(&mut self) -> Totals {
        let stats = self.trail.stats();
        Totals {
            spans: stats.spans,
            logs: stats.logs,
            duplicates: stats.duplicates,
            traces: stats.traces,
            hops: stats.hops,
            verdicts: stats.verdicts,
            dropped_low: stats.dropped_low,
            spans_per_second: self.rate.per_second(Instant::now()),
            lost: self.losses(),
            memory_used: stats.memory_used,
            memory_limit: self.options.memory,
        }
    }

    fn losses(&self) -> Losses {
        let stats = self.trail.stats();
        Losses {
            rejected: self.rejected,
            refused_requests: self.gauge.refused(),
            evicted_traces: stats.evicted_traces,
            evicted_spans: stats.evicted_spans,
            trace_overflow: stats.trace_overflow,
            folded_names: stats.folded.0,
            folded_edges: stats.folded.1,
            bad_tags: self.bad_tags,
        }
    }

    fn answer(&mut self, query: &HopQuery) -> Vec<Hop> {
        match query {
            HopQuery::Trace(trace) => self.trail.hops_of(*trace),
            HopQuery::Edge { caller, callee, limit } => {
                let mut found = Vec::new();
                for trace in self.trail.trace_ids().into_iter().rev().take(SEARCHED) {
                    let hops = self.trail.hops_of(trace).into_iter().rev();
                    found.extend(hops.filter(|hop| {
                        hop.callee.service == *callee
                            && hop.caller.as_ref().map(|party| &party.service) == caller.as_ref()
                    }));
                    if found.len() >= *limit {
                        break;
                    }
                }
                found.truncate(*limit);
                found
            }
        }
    }

    /// Judges all that was accepted. A sender that had reserved its bytes but not sent yet is waited for: it holds
    /// nothing else between the two, so this ends.
    fn finish(mut self, messages: &Receiver<Message>) -> Finished {
        self.gauge.close();
        while self.gauge.in_flight() > 0 {
            match messages.recv_timeout(SETTLE_EVERY) {
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        while let Ok(message) = messages.try_recv() {
            self.handle(message);
        }
        self.trail.settle_all();
        self.publish_if_changed();
        Finished { snapshot: Arc::clone(&self.publish.borrow()), trail: self.trail }
    }
}
