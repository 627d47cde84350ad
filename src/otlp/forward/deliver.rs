//! Brings what waits to the next collector: a few requests at a time, each as often as it takes.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::peer::{Answer, Peer};
use super::queue::{Item, State};

/// Requests on their way at the same time.
const AT_ONCE: usize = 4;

/// The longest pause between two attempts, in the absence of a word from the next collector.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long one request is tried while somebody answers: what is refused for ever must not be in the way of the rest. A
/// collector that cannot be reached is waited for without end; the queue is the bound.
const GIVE_UP: Duration = Duration::from_secs(300);

/// A body of this size takes long enough to pack to be in the way of others on the same thread.
const OFFLOAD_BYTES: usize = 64 << 10;

/// What every delivery needs.
pub(super) struct Courier {
    pub(super) peer: Peer,
    pub(super) state: Arc<State>,
    /// The pause after the first attempt; it doubles from one to the next.
    pub(super) first_pause: Duration,
    /// Turns true when no more is to come.
    pub(super) closing: watch::Receiver<bool>,
}

/// Delivers until `closing`, then what waits still, as long as `drain` allows; when this ends nothing is on its way.
pub(super) async fn deliver(courier: Courier, items: mpsc::UnboundedReceiver<Item>, drain: Duration) {
    let mut closing = courier.closing.clone();
    let mut on_their_way = JoinSet::new();
    let over = async {
        // A sender that is gone means the end too.
        let _ = closing.wait_for(|closing| *closing).await;
        tokio::time::sleep(drain).await;
    };
    tokio::select! {
        () = bring_all(courier, items, &mut on_their_way) => {}
        () = over => {}
    }
    on_their_way.shutdown().await;
}

/// Ends when all has a fate.
async fn bring_all(courier: Courier, mut items: mpsc::UnboundedReceiver<Item>, on_their_way: &mut JoinSet<()>) {
    let mut closing = courier.closing.clone();
    let (courier, places) = (Arc::new(courier), Arc::new(Semaphore::new(AT_ONCE)));
    loop {
        let item = tokio::select! {
            item = items.recv() => item,
            // A sender that is gone means the end too.
            _ = closing.wait_for(|closing| *closing), if !items.is_closed() => {
                items.close();
                continue;
            }
        };
        let Some(item) = item else { break };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        while on_their_way.try_join_next().is_some() {}
        let courier = Arc::clone(&courier);
        on_their_way.spawn(async move {
            courier.bring(item).await;
            drop(place);
        });
    }
    while on_their_way.join_next().await.is_some() {}
}

impl Courier {
    async fn bring(self: Arc<Self>, mut item: Item) {
        // Only the packed form is kept from here on.
        let body = std::mem::take(&mut item.body);
        let packed = if body.len() < OFFLOAD_BYTES {
            self.peer.packed(body)
        } else {
            let courier = Arc::clone(&self);
            // Without an answer the runtime is going down.
            let Ok(packed) = tokio::task::spawn_blocking(move || courier.peer.packed(body)).await else { return };
            packed
        };
        let mut pause = self.first_pause;
        let mut answered_first: Option<Instant> = None;
        loop {
            match self.peer.send(item.signal, packed.clone()).await {
                Answer::Taken(rejected) => {
                    self.state.rejected.fetch_add(rejected, std::sync::atomic::Ordering::Relaxed);
                    self.well();
                    return self.state.done(&item, &self.state.sent);
                }
                Answer::Refused(why) => {
                    self.well();
                    return self.refused(&item, &why);
                }
                Answer::Later { after, why, answered } => {
                    let since = answered_first.filter(|_| answered).unwrap_or_else(Instant::now);
                    answered_first = answered.then_some(since);
                    if since.elapsed() > GIVE_UP {
                        return self.refused(&item, &why);
                    }
                    if self.state.failed(why.clone()) {
                        tracing::warn!("forwarding waits for the next collector: {why}");
                    }
                    self.rest(asked_for(after).unwrap_or_else(|| jittered(pause))).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn well(&self) {
        if self.state.answered() {
            tracing::info!("the next collector answers again");
        }
    }

    fn refused(&self, item: &Item, why: &str) {
        if self.state.refused_for(why) {
            tracing::warn!("a request was not forwarded: {why}");
        }
        self.state.done(item, &self.state.refused);
    }

    /// Waits so long. At the end of the run there is no time for long pauses.
    async fn rest(&self, pause: Duration) {
        let mut closing = self.closing.clone();
        if *closing.borrow() {
            return tokio::time::sleep(pause.min(self.first_pause)).await;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            // Now is the last time to try.
            _ = closing.changed() => {}
        }
    }
}

/// The pause that the next collector asks for, within reason: what waits keeps others from being tried.
fn asked_for(after: Option<Duration>) -> Option<Duration> {
    after.map(|after| after.min(GIVE_UP))
}

/// Between a half and all of it, so that those who were turned away together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let random = std::hash::RandomState::new().hash_one(pause);
    pause / 2 + (pause / 2).mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pause_is_for_ever() {
        let ask = |seconds| asked_for(Some(Duration::from_secs(seconds)));
        assert_eq!((ask(7), ask(u64::MAX)), (Some(Duration::from_secs(7)), Some(GIVE_UP)));
        assert_eq!(asked_for(None), None);
        let pause = Duration::from_secs(2);
        assert!((pause / 2..=pause).contains(&jittered(pause)));
    }
}
