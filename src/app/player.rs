//! A recording that plays: time goes on, stops, and jumps, back as fast as on.
//!
//! One thread owns it all, so that neither the screen nor the engine ever waits for it. On the way forward the engine
//! takes what arrives meanwhile; on the way back another trail is built here, out of copies, and handed over whole. Both
//! go in chunks, and between two of them the newest wish counts.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::deck::Deck;
use super::survey::Survey;
use super::timeline::Timeline;
use crate::engine::Replayer;
use crate::trail::Trail;
use crate::tui::replay::{Control, Playback, Player};

/// Makes an empty trail under the policy, with the profiles that stood beside the recording.
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
    gone: Arc<AtomicBool>,
}

impl Playing {
    /// Begins to play, and to count hops.
    pub fn start(line: Arc<Timeline>, blank: Blank, engine: Replayer, options: PlayerOptions) -> io::Result<Self> {
        let (orders, taken) = mpsc::channel();
        let (deck, playback) = Deck::new(Arc::clone(&line), Arc::clone(&blank), engine, options);
        let gone = Arc::new(AtomicBool::new(false));
        std::thread::Builder::new().name("jwtrail-replay".to_owned()).spawn(move || play(deck, &taken))?;
        let (sender, given_up) = (orders.clone(), Arc::clone(&gone));
        std::thread::Builder::new().name("jwtrail-survey".to_owned()).spawn(move || {
            let survey = Survey::of(&line, blank(), options.settle, || given_up.load(Ordering::Relaxed));
            if let Some(survey) = survey {
                // Nobody plays any more: then nobody asks where hops lie.
                drop(sender.send(Order::Surveyed(survey)));
            }
        })?;
        Ok(Self { orders, playback, gone })
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
        self.gone.store(true, Ordering::Relaxed);
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
