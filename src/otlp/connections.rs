//! Which connections are open, and which of them has to make room for a new one.
//!
//! Idle connections and slow senders cost nothing but their places. So nobody is closed for having asked nothing as long as
//! there are places (connections on which all was answered go by themselves, see [`super::port`]); when they run short, the
//! connection that has been idle for longest gives its own to the next one, and if none is idle the one that waits for its
//! sender for longest. Whoever is being answered stays.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::counters::{Counters, add};

/// How long a sender is waited for before its connection may be taken for a slow one.
const SLOW: Duration = Duration::from_secs(1);

/// How long a connection may be new before it counts as idle: its first request is on the way.
const NEW: Duration = Duration::from_millis(250);

/// How often to look again for a connection that could go, while none could.
const AGAIN: Duration = Duration::from_millis(50);

/// Most places that are emptied ahead: a connection that is asked to go takes its time.
const AHEAD: usize = 64;

/// All places for connections.
pub(super) struct Table {
    permits: Arc<Semaphore>,
    /// So many free places are striven for.
    ahead: usize,
    taken: Mutex<HashMap<u64, Arc<Place>>>,
    next: AtomicU64,
    start: Instant,
    counters: Arc<Counters>,
}

impl Table {
    pub(super) fn new(connections: usize, counters: Arc<Counters>) -> Arc<Self> {
        let connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            permits: Arc::new(Semaphore::new(connections)),
            ahead: (connections / 8).min(AHEAD),
            taken: Mutex::default(),
            next: AtomicU64::new(0),
            start: Instant::now(),
            counters,
        })
    }

    /// A place for one more connection, as soon as there is one.
    pub(super) async fn place(self: &Arc<Self>) -> Option<Seat> {
        let permit = if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            permit
        } else {
            add(&self.counters.connections.waited, 1);
            self.wait().await?
        };
        if self.permits.available_permits() < self.ahead {
            self.make_room();
        }
        Some(self.seat(permit))
    }

    async fn wait(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            self.make_room();
            if let Ok(permit) = tokio::time::timeout(AGAIN, Arc::clone(&self.permits).acquire_owned()).await {
                return permit.ok();
            }
        }
    }

    fn seat(self: &Arc<Self>, permit: OwnedSemaphorePermit) -> Seat {
        let place = Arc::new(Place {
            start: self.start,
            open: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            heard: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            asked: AtomicBool::new(false),
            leave: Notify::new(),
        });
        place.touch();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&place));
        add(&self.counters.connections.accepted, 1);
        add(&self.counters.connections.open, 1);
        Seat { table: Arc::clone(self), id, place, _permit: permit }
    }

    /// Asks one connection to go, if there is one that may.
    fn make_room(&self) {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = || taken.values().filter(|place| !place.asked.load(Ordering::Relaxed));
        let since = |place: &&Arc<Place>| place.since.load(Ordering::Relaxed);
        let idle = |place: &&Arc<Place>| place.is_idle() && (place.was_used() || place.quiet() > NEW);
        let slow = |place: &&Arc<Place>| place.waits() && place.quiet() > SLOW;
        let (chosen, counter) = match free().filter(idle).min_by_key(since) {
            Some(idle) => (idle, &self.counters.connections.idle_closed),
            None => match free().filter(slow).min_by_key(since) {
                Some(slow) => (slow, &self.counters.connections.slow_closed),
                None => return,
            },
        };
        add(counter, 1);
        chosen.asked.store(true, Ordering::Relaxed);
        chosen.leave.notify_one();
    }
}

/// A connection's place in the table, for as long as it is open.
pub(super) struct Seat {
    table: Arc<Table>,
    id: u64,
    pub(super) place: Arc<Place>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.table.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.table.counters.connections.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is known of a connection.
pub(super) struct Place {
    start: Instant,
    /// Requests that have begun and are not answered.
    open: AtomicUsize,
    /// Those of them whose body is still being read.
    reading: AtomicUsize,
    /// Requests so far.
    requests: AtomicUsize,
    /// Bytes that its sender has sent, up to what a preface has.
    heard: AtomicUsize,
    /// When it last changed, in milliseconds since the table was made.
    since: AtomicU64,
    asked: AtomicBool,
    leave: Notify,
}

impl Place {
    fn touch(&self) {
        self.since.store(self.start.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn quiet(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_millis(self.since.load(Ordering::Relaxed)))
    }

    pub(super) fn is_idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }

    /// Whether it is the sender's turn, on all that is open.
    fn waits(&self) -> bool {
        self.open.load(Ordering::Relaxed) == self.reading.load(Ordering::Relaxed)
    }

    /// Whether anything has been asked on it.
    pub(super) fn was_used(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }

    /// Bytes that came on it.
    pub(super) fn hear(&self, bytes: usize) {
        self.heard.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether so many bytes came that it is known what it speaks.
    pub(super) fn has_spoken(&self) -> bool {
        /// Bytes of HTTP/2's preface, and less than any request of HTTP/1.1 has.
        const PREFACE: usize = 24;
        self.was_used() || self.heard.load(Ordering::Relaxed) >= PREFACE
    }

    /// Completes when it is asked to go.
    pub(super) async fn asked(&self) {
        self.leave.notified().await;
    }

    /// Completes when something was asked on it, and all of that was answered so long ago.
    pub(super) async fn rested(&self, rest: Duration) {
        loop {
            let used = self.was_used() && self.is_idle();
            let left = if used { rest.saturating_sub(self.quiet()) } else { rest };
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    /// A request has begun: one guard for all of it, one for its body.
    pub(super) fn begin(self: &Arc<Self>) -> (Guard, Guard) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.touch();
        let guard = |counter: fn(&Self) -> &AtomicUsize| {
            counter(self).fetch_add(1, Ordering::Relaxed);
            Guard { place: Arc::clone(self), counter }
        };
        (guard(|place| &place.open), guard(|place| &place.reading))
    }
}

/// Counts as long as it is held.
pub(super) struct Guard {
    place: Arc<Place>,
    counter: fn(&Place) -> &AtomicUsize,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.place.touch();
        (self.counter)(&self.place).fetch_sub(1, Ordering::Relaxed);
    }
}
