//! A replay as the screen shows and steers it.

use tokio::sync::watch;

use std::sync::Arc;

use crate::model::UnixNanos;

/// Where a replay stands.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Playback {
    /// The replayed time; where it is on its way to another moment, that one.
    pub now: UnixNanos,
    /// Start of the first span.
    pub start: UnixNanos,
    /// End of the last span.
    pub end: UnixNanos,
    /// How many times as fast as it happened; `None` as fast as possible.
    pub speed: Option<f64>,
    /// Whether it plays.
    pub playing: bool,
    /// Whether it begins again at the end.
    pub looping: bool,
    /// Whether everything was replayed, and judged as settled.
    pub ended: bool,
    /// Whether it is on its way to `now` still; else the newest snapshot shows that moment.
    pub moving: bool,
    /// How much is done of a way to another moment that takes long, in percent.
    pub seeking: Option<u8>,
    /// Accused hops in equal slots from start to end; `None` until they are counted.
    pub accused: Option<Arc<[u32]>>,
    /// What the last control did not find.
    pub note: Option<Note>,
    /// Files that are read on as they grow: no time to steer, only what waits to be judged, in bytes.
    pub following: Option<usize>,
}

/// Why a control did nothing, or does it later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// It waits until hops are counted.
    Counting,
    /// The last hop was passed.
    NoLaterHop,
    /// The first hop was passed.
    NoEarlierHop,
    /// No accused hop comes after.
    NoLaterProblem,
    /// No accused hop came before.
    NoEarlierProblem,
}

impl Note {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Counting => "counting hops first",
            Self::NoLaterHop => "no later hop",
            Self::NoEarlierHop => "no earlier hop",
            Self::NoLaterProblem => "no later problem",
            Self::NoEarlierProblem => "no earlier problem",
        }
    }
}

/// What the user does to a replay.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Control {
    /// Play or stop.
    Toggle,
    /// On to the next hop.
    NextHop,
    /// Back to the hop before.
    PreviousHop,
    /// So many seconds on, back where negative.
    Seconds(i64),
    /// On to the next accused hop.
    NextAccused,
    /// Back to the accused hop before.
    PreviousAccused,
    /// To a moment.
    Seek(UnixNanos),
    /// The next faster speed.
    Faster,
    /// The next slower speed.
    Slower,
    /// This speed; `None` is as fast as possible.
    Speed(Option<f64>),
    /// Begin again at the end, or stop there.
    Loop,
}

/// Whoever plays.
pub trait Player: Send + Sync {
    /// Does what the user wants; never waits.
    fn control(&self, control: Control);
    /// Where it stands, and word of each change.
    fn watch(&self) -> watch::Receiver<Arc<Playback>>;
}
