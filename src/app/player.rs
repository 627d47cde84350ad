//! A recording that plays: time goes on, stops, and jumps, back as fast as on.
//!
//! One thread owns it all, so that neither the screen nor the engine ever waits for it. On the way forward the engine
//! takes what arrives meanwhile; on the way back another trail is built here, out of copies, and handed over whole. Both
//! go in chunks, and between two of them the newest wish counts.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::deck::Deck;
use super::survey::Survey;
use super::timeline::Timeline;
use crate::engine::Replayer;
use crate::trail::Trail;
use crate::tui::replay::{Control, Playback, Player};

/// Makes an empty trail with the profiles that stood beside the recording. The engine knows the policy in force.
pub type Blank = Arc<dyn Fn() -> Trail + Send + Sync>;

/// How a recording begins to play.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PlayerOptions {
    /// How many times as fast as it happened; `None` shows everything at once.
    pub speed: Option<f64>,
    /// Whether it begins again at the end.
    pub looping: bool,
    /// How long a trace must be quiet to be settled, in nanoseconds.
    pub settle: u64,
}

/// What the thread is told.
pub(super) enum Order {
    /// The user wants something.
    Control(Control),
    /// The hops are counted.
    Surveyed(Survey),
}

/// The end that the screen steers by.
pub struct Playing {
    orders: mpsc::Sender<Order>,
    playback: watch::Receiver<Arc<Playback>>,
    line: Arc<Timeline>,
    blank: Blank,
    engine: Replayer,
    settle: u64,
    /// Which count of the hops is wanted; another one is given up.
    count: Arc<AtomicU64>,
}

impl Playing {
    /// Begins to play, and to count hops.
    pub fn start(line: Arc<Timeline>, blank: Blank, engine: Replayer, options: PlayerOptions) -> io::Result<Self> {
        let (orders, taken) = mpsc::channel();
        let (deck, playback) = Deck::new(Arc::clone(&line), Arc::clone(&blank), engine.clone(), options);
        std::thread::Builder::new().name("jwtrail-replay".to_owned()).spawn(move || play(deck, &taken))?;
        let count = Arc::new(AtomicU64::new(0));
        let playing = Self { orders, playback, line, blank, engine, settle: options.settle, count };
        playing.recount()?;
        Ok(playing)
    }

    /// Counts hops beside everything else, by the policy in force: another one accuses others.
    pub fn recount(&self) -> io::Result<()> {
        let mine = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let (line, blank, engine) = (Arc::clone(&self.line), Arc::clone(&self.blank), self.engine.clone());
        let (orders, count, settle) = (self.orders.clone(), Arc::clone(&self.count), self.settle);
        std::thread::Builder::new().name("jwtrail-survey".to_owned()).spawn(move || {
            // Nobody plays any more where the engine is gone: then nobody asks where hops lie.
            let Ok(trail) = engine.prepare(blank()) else { return };
            let survey = Survey::of(&line, trail, settle, || count.load(Ordering::Relaxed) != mine);
            if let Some(survey) = survey {
                drop(orders.send(Order::Surveyed(survey)));
            }
        })?;
        Ok(())
    }
}

impl Player for Playing {
    fn control(&self, control: Control) {
        // An engine that is gone ends the screen by itself.
        drop(self.orders.send(Order::Control(control)));
    }

    fn watch(&self) -> watch::Receiver<Arc<Playback>> {
        self.playback.clone()
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Plays until nobody is left who could steer, or until the engine is gone. A replay that stands still costs nothing.
fn play(mut deck: Deck, orders: &mpsc::Receiver<Order>) {
    loop {
        let order = match deck.wait(Instant::now()) {
            Some(Duration::ZERO) => orders.try_recv().map_err(|error| error == mpsc::TryRecvError::Disconnected),
            Some(time) => orders.recv_timeout(time).map_err(|error| error == mpsc::RecvTimeoutError::Disconnected),
            None => orders.recv().map_err(|_| true),
        };
        match order {
            Ok(order) => {
                deck.take(order);
                // Wishes that came together are one: only where they lead is gone to.
                while let Ok(order) = orders.try_recv() {
                    deck.take(order);
                }
            }
            Err(true) => return,
            Err(false) => {}
        }
        if deck.work(Instant::now()).is_err() {
            return;
        }
    }
}
