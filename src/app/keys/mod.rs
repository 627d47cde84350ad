//! Keeps remote key sets fresh: a task for each source, beside intake and engine, which never wait for it.

pub mod fetch;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::model::KeySource;
use crate::token::{KeySets, Pace, Schedule};
use fetch::Fetcher;

/// The key sets of a run, and how often the remote ones are asked for.
#[derive(Clone)]
pub struct Keeper {
    sets: Arc<KeySets>,
    pace: Pace,
}

/// Remote key sets that are kept fresh until this is dropped.
#[derive(Default)]
pub struct Keeping {
    complaints: Arc<Complaints>,
    /// One for each source, aborted when this is dropped.
    tasks: JoinSet<()>,
}

/// What is wrong at the moment, by the source's number.
#[derive(Default)]
struct Complaints(RwLock<BTreeMap<usize, String>>);

impl Keeper {
    /// For these sets, at this pace.
    pub fn new(sets: Arc<KeySets>, pace: Pace) -> Self {
        Self { sets, pace }
    }

    /// Whether there is anything to fetch.
    pub fn is_remote(&self) -> bool {
        self.sets.remote().next().is_some()
    }

    /// Fetches every remote set once, all at the same time, and answers with what went wrong.
    pub async fn fetch_all(&self) -> Vec<String> {
        let fetcher = match Fetcher::new() {
            Ok(fetcher) => fetcher,
            Err(error) => return vec![format!("keys cannot be fetched: {error}")],
        };
        let each = self.sets.remote().map(|(number, source)| {
            let fetcher = &fetcher;
            async move { fetch_one(fetcher, &self.sets, number, source).await.err() }
        });
        futures_util::future::join_all(each).await.into_iter().flatten().collect()
    }

    /// Begins to fetch, and to fetch again: when the keys grow old, when a token names one that is not there, and ever
    /// more slowly while nothing comes. To be called within the runtime, once.
    pub fn start(&self) -> Keeping {
        let mut keeping = Keeping::default();
        if !self.is_remote() {
            return keeping;
        }
        let fetcher = match Fetcher::new() {
            Ok(fetcher) => Arc::new(fetcher),
            Err(error) => {
                keeping.complaints.set(usize::MAX, Some(format!("keys cannot be fetched: {error}")));
                return keeping;
            }
        };
        let mut bells: BTreeMap<usize, Arc<Notify>> = BTreeMap::new();
        for (number, source) in self.sets.remote() {
            let bell = Arc::clone(bells.entry(number).or_default());
            let task = Task {
                number,
                source: source.clone(),
                sets: Arc::clone(&self.sets),
                fetcher: Arc::clone(&fetcher),
                complaints: Arc::clone(&keeping.complaints),
            };
            keeping.tasks.spawn(task.keep(bell, self.pace));
        }
        self.sets.on_wanted(move |number| {
            if let Some(bell) = bells.get(&number) {
                bell.notify_one();
            }
        });
        keeping
    }
}

impl Keeping {
    /// Sentences for the screen: which keys cannot be had, and why.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Complaints {
    /// Sets what is wrong with a source; true where that is news.
    fn set(&self, number: usize, complaint: Option<String>) -> bool {
        let mut complaints = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let news = complaints.get(&number) != complaint.as_ref();
        match complaint {
            Some(complaint) => complaints.insert(number, complaint),
            None => complaints.remove(&number),
        };
        news
    }
}

/// What one source's task works with.
struct Task {
    number: usize,
    source: KeySource,
    sets: Arc<KeySets>,
    fetcher: Arc<Fetcher>,
    complaints: Arc<Complaints>,
}

impl Task {
    async fn keep(self, bell: Arc<Notify>, pace: Pace) {
        let began = Instant::now();
        let mut schedule = Schedule::new(pace);
        loop {
            let wanted = self.wait(&bell, began, &schedule).await;
            let outcome = fetch_one(&self.fetcher, &self.sets, self.number, &self.source).await;
            let now = began.elapsed();
            let complaint = match outcome {
                Ok(One { lifetime, changed }) => {
                    schedule.fetched(now, lifetime, changed, wanted);
                    if !changed {
                        self.sets.asked_in_vain();
                    }
                    None
                }
                Err(complaint) => {
                    schedule.failed(now);
                    Some(complaint)
                }
            };
            if self.complaints.set(self.number, complaint.clone()) {
                let place = &self.source.place;
                complaint.map_or_else(
                    || tracing::info!("keys of {place} are there again"),
                    |complaint| tracing::warn!("{complaint}"),
                );
            }
        }
    }

    /// Until the next fetch is due; answers whether a token asked for it.
    async fn wait(&self, bell: &Notify, began: Instant, schedule: &Schedule) -> bool {
        let mut wanted = false;
        loop {
            wanted |= self.sets.take_wanted(self.number);
            tokio::select! {
                () = tokio::time::sleep_until(began + schedule.due(wanted)) => return wanted,
                () = bell.notified(), if !wanted => {}
            }
        }
    }
}

/// A fetch that brought keys.
struct One {
    lifetime: Option<std::time::Duration>,
    changed: bool,
}

/// Fetches and installs one source's keys; the error is a sentence for people.
async fn fetch_one(fetcher: &Fetcher, sets: &KeySets, number: usize, source: &KeySource) -> Result<One, String> {
    let place = &source.place;
    let sentence = |why: &dyn std::fmt::Display| {
        format!("keys of {place} cannot be fetched, so tokens that need them are not checked: {why}")
    };
    let span = tracing::info_span!("fetch keys", otel.kind = "client", %place);
    let fetched = fetcher.fetch(place).instrument(span).await.map_err(|error| sentence(&error))?;
    let installed = sets.install(number, &fetched.document).map_err(|error| sentence(&error))?;
    for skipped in &installed.skipped {
        tracing::warn!("{place}: key left out: {skipped}");
    }
    if installed.changed {
        tracing::info!("keys of {place} fetched");
    }
    Ok(One { lifetime: fetched.lifetime, changed: installed.changed })
}
