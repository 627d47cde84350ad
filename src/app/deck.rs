//! What a player does between two orders. Nothing here waits for anybody but the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::player::{Blank, Order, PlayerOptions};
use super::survey::Survey;
use super::timeline::{END, Timeline};
use crate::engine::{EngineError, Replayer};
use crate::model::UnixNanos;
use crate::trail::Trail;
use crate::tui::replay::{Control, Note, Playback};

/// Between two steps of the replayed time: no faster than the engine publishes.
const STEP: Duration = Duration::from_millis(33);
/// Between two pictures of a time in which nothing arrives: ages grow no faster.
const QUIET: Duration = Duration::from_millis(250);
/// What is handed over before the orders are looked at again.
const CHUNK: usize = 4_096;
/// A way that takes longer is shown with how much of it is done.
const LONG: Duration = Duration::from_millis(120);
/// How long the end stays before a loop begins again.
const LINGER: Duration = Duration::from_secs(1);
/// Nobody waits longer than this for the next span: what is left of the gap is leapt over.
const GAP: Duration = Duration::from_secs(10);
/// Speeds to choose from; beyond the last one it goes as fast as it can.
const SPEEDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 30.0, 100.0, 1_000.0];
/// A recording is to be over in this time where nobody chose a speed.
const SITTING: f64 = 60.0;

/// A moment on the way to it.
struct Goal {
    to: UnixNanos,
    since: Instant,
    /// Whether it is a step of what plays, not a wish.
    step: bool,
    /// The trail to go back with, and how much it holds.
    rebuilt: Option<(Trail, usize)>,
}

/// A recording and where it stands.
pub(super) struct Deck {
    line: Arc<Timeline>,
    blank: Blank,
    engine: Replayer,
    playback: watch::Sender<Arc<Playback>>,
    /// The time that the engine has come to; [`END`] where everything is settled.
    reached: UnixNanos,
    /// How much it was given until then.
    index: usize,
    goal: Option<Goal>,
    speed: Option<f64>,
    playing: bool,
    looping: bool,
    settle: u64,
    /// Since when it plays without a jump, and from where.
    base: (Instant, UnixNanos),
    /// The last step, and the last one that could be seen.
    stepped: Instant,
    shown: Instant,
    survey: Option<Survey>,
    /// A wish that waits for the survey.
    waiting: Option<Control>,
    note: Option<Note>,
    began: bool,
}

impl Deck {
    pub(super) fn new(
        line: Arc<Timeline>,
        blank: Blank,
        engine: Replayer,
        options: PlayerOptions,
    ) -> (Self, watch::Receiver<Arc<Playback>>) {
        let now = Instant::now();
        let start = line.start();
        let speed = options.speed.or_else(|| options.looping.then(|| watchable(&line)));
        let (playback, watched) = watch::channel(Arc::default());
        let to = if speed.is_some() { start } else { END };
        let goal = Goal { to, since: now, step: false, rebuilt: None };
        let deck = Self {
            line,
            blank,
            engine,
            playback,
            reached: UnixNanos(0),
            index: 0,
            goal: Some(goal),
            speed,
            playing: speed.is_some(),
            looping: options.looping,
            settle: options.settle,
            base: (now, start),
            stepped: now,
            shown: now,
            survey: None,
            waiting: None,
            note: None,
            began: false,
        };
        deck.tell(now);
        (deck, watched)
    }

    /// How long until there is something to do without an order; `None` where there is nothing.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        if self.goal.is_some() {
            return Some(Duration::ZERO);
        }
        let next = if self.reached == END { self.shown + LINGER } else { self.stepped + STEP };
        self.playing.then(|| next.saturating_duration_since(now))
    }

    /// Takes an order; what it leads to is done by [`Deck::work`].
    pub(super) fn take(&mut self, order: Order) {
        match order {
            Order::Control(control) => {
                (self.note, self.waiting) = (None, None);
                self.control(control);
            }
            Order::Surveyed(survey) => {
                self.survey = Some(survey);
                if let Some(control) = self.waiting.take() {
                    self.note = None;
                    self.control(control);
                }
            }
        }
    }

    /// Goes on by one chunk.
    pub(super) fn work(&mut self, now: Instant) -> Result<(), EngineError> {
        if !self.began {
            self.began = true;
            let (rejected, bad_tags) = self.line.lost();
            self.engine.lost(rejected, bad_tags)?;
        }
        if self.goal.is_none() && self.playing && self.wait(now) == Some(Duration::ZERO) {
            self.step(now);
        }
        self.advance()?;
        self.tell(Instant::now());
        Ok(())
    }

    fn control(&mut self, control: Control) {
        let at = self.aim().min(self.line.end());
        match control {
            Control::Toggle => self.toggle(),
            Control::Seconds(seconds) => {
                let by = seconds.unsigned_abs().saturating_mul(1_000_000_000);
                let to = if seconds < 0 { at.0.saturating_sub(by) } else { at.0.saturating_add(by) };
                self.seek(UnixNanos(to));
            }
            Control::Seek(to) => self.seek(to),
            Control::NextHop | Control::PreviousHop | Control::NextAccused | Control::PreviousAccused => {
                self.jump(control);
            }
            Control::Faster => {
                let speed = self.speed.and_then(|speed| SPEEDS.into_iter().find(|faster| *faster > speed));
                self.set_speed(speed);
            }
            Control::Slower => {
                let slower = |slower: &&f64| self.speed.is_none_or(|speed| **slower < speed);
                let speed = SPEEDS.iter().rev().find(slower).copied().or(self.speed);
                self.set_speed(speed);
            }
            Control::Speed(speed) => self.set_speed(speed),
            Control::Loop => self.looping = !self.looping,
        }
    }

    fn toggle(&mut self) {
        self.playing = !self.playing;
        if !self.playing {
            // What stood still since the last picture is seen with the time at which it stopped.
            return self.go(self.aim(), false);
        }
        // As fast as possible is nothing to watch: it would be over at once.
        self.speed = self.speed.or_else(|| Some(watchable(&self.line)));
        let to = if self.aim() == END { self.line.start() } else { self.aim() };
        self.go(to, false);
    }

    fn set_speed(&mut self, speed: Option<f64>) {
        self.speed = speed;
        self.base = (Instant::now(), self.aim().min(self.line.end()));
    }

    fn seek(&mut self, to: UnixNanos) {
        self.go(if to >= self.line.end() { END } else { to.max(self.line.start()) }, false);
    }

    /// To the next or the last hop: there it stands still, to be looked at.
    fn jump(&mut self, control: Control) {
        let Some(survey) = &self.survey else {
            (self.waiting, self.note) = (Some(control), Some(Note::Counting));
            return;
        };
        let (moments, note) = match control {
            Control::NextHop => (&survey.hops, Note::NoLaterHop),
            Control::PreviousHop => (&survey.hops, Note::NoEarlierHop),
            Control::NextAccused => (&survey.accused, Note::NoLaterProblem),
            _ => (&survey.accused, Note::NoEarlierProblem),
        };
        let aim = self.aim();
        let to = match control {
            Control::NextHop | Control::NextAccused => moments.get(moments.partition_point(|moment| *moment <= aim)),
            _ => moments.partition_point(|moment| *moment < aim).checked_sub(1).and_then(|at| moments.get(at)),
        };
        match to.copied() {
            Some(to) => {
                self.playing = false;
                self.go(to, false);
            }
            None => self.note = Some(note),
        }
    }

    /// Where it is going to be, or is.
    fn aim(&self) -> UnixNanos {
        self.goal.as_ref().map_or(self.reached, |goal| goal.to)
    }

    /// Says where to go. Whatever was built for another moment is used if it can be.
    fn go(&mut self, to: UnixNanos, step: bool) {
        match &mut self.goal {
            Some(goal) => (goal.to, goal.step) = (to, step),
            None => self.goal = Some(Goal { to, since: Instant::now(), step, rebuilt: None }),
        }
    }

    /// One step of what plays.
    fn step(&mut self, now: Instant) {
        self.stepped = now;
        if self.reached == END {
            return self.go(self.line.start(), false);
        }
        let Some(factor) = self.speed else { return self.go(END, true) };
        let since = now.saturating_duration_since(self.base.0);
        let time = self.leap(after(self.base.1, since, factor), now, factor);
        if time >= self.line.end() {
            return self.go(END, true);
        }
        let quiet = self.line.by(time) == self.index && now.saturating_duration_since(self.shown) < QUIET;
        if quiet {
            self.reached = time;
        } else {
            self.go(time, true);
        }
    }

    /// Leaps over the rest of a long gap, once what came before it is settled.
    fn leap(&mut self, time: UnixNanos, now: Instant, factor: f64) -> UnixNanos {
        let arrivals = self.line.arrivals();
        let Some(next) = arrivals.get(self.index).filter(|next| next.at > after(time, GAP, factor)) else {
            return time;
        };
        let before = self.index.checked_sub(1).and_then(|at| arrivals.get(at));
        if before.is_some_and(|before| time.0 < before.at.0.saturating_add(self.settle)) {
            return time;
        }
        let second = after(UnixNanos(0), Duration::from_secs(1), factor);
        let time = UnixNanos(next.at.0.saturating_sub(second.0)).max(time);
        self.base = (now, time);
        time
    }

    /// Goes on by one chunk towards the goal.
    fn advance(&mut self) -> Result<(), EngineError> {
        let Some(goal) = &mut self.goal else { return Ok(()) };
        let (to, line) = (goal.to, &self.line);
        let all = line.by(to);
        if to < self.reached {
            let (trail, index) = match goal.rebuilt.take().filter(|(_, index)| *index <= all) {
                Some(built) => built,
                None => (self.engine.prepare((self.blank)())?, 0),
            };
            let (mut trail, index) = more(line, trail, index, all);
            if index < all {
                goal.rebuilt = Some((trail, index));
                return Ok(());
            }
            trail.tick(to);
            self.engine.replace(trail, to)?;
            self.index = all;
            self.arrived(to);
            return Ok(());
        }
        goal.rebuilt = None;
        let upto = (self.index + CHUNK).min(all);
        let arrivals = line.arrivals().get(self.index..upto).unwrap_or_default().to_vec();
        let reached = if upto == all { to } else { arrivals.last().map_or(to, |last| last.at) };
        match (upto == all, to) {
            (true, END) => self.engine.finish(arrivals, line.end())?,
            (last, _) => self.engine.arrive(arrivals, reached, last)?,
        }
        self.index = upto;
        if upto == all {
            self.arrived(to);
        } else {
            self.reached = reached;
        }
        Ok(())
    }

    fn arrived(&mut self, at: UnixNanos) {
        let step = self.goal.take().is_some_and(|goal| goal.step);
        self.reached = at;
        self.shown = Instant::now();
        if at == END && !self.looping {
            self.playing = false;
        }
        if !step {
            self.base = (self.shown, at.min(self.line.end()));
            self.stepped = self.shown;
        }
    }

    /// Tells the screen where it stands, if that is news.
    fn tell(&self, now: Instant) {
        let seeking = self.goal.as_ref().filter(|goal| now.saturating_duration_since(goal.since) >= LONG).map(|goal| {
            let done = goal.rebuilt.as_ref().map_or(self.index, |(_, index)| *index);
            let all = self.line.by(goal.to).max(1);
            u8::try_from(done.min(all) * 100 / all).unwrap_or(100)
        });
        let playback = Playback {
            now: self.aim().clamp(self.line.start(), self.line.end()),
            start: self.line.start(),
            end: self.line.end(),
            speed: self.speed,
            playing: self.playing,
            looping: self.looping,
            moving: self.goal.is_some(),
            ended: self.goal.is_none() && self.reached == END,
            seeking,
            accused: self.survey.as_ref().map(|survey| Arc::clone(&survey.slots)),
            note: self.note,
            following: None,
        };
        self.playback.send_if_modified(|told| {
            let news = **told != playback;
            if news {
                *told = Arc::new(playback);
            }
            news
        });
    }
}

/// Gives a trail the next chunk; more than that is to come where the index is not all yet.
fn more(line: &Timeline, mut trail: Trail, index: usize, all: usize) -> (Trail, usize) {
    let upto = (index + CHUNK).min(all);
    let arrivals = line.arrivals().get(index..upto).unwrap_or_default();
    for arrival in arrivals {
        arrival.clone().give(&mut trail);
    }
    if let Some(last) = arrivals.last().filter(|_| upto < all) {
        trail.tick(last.at);
    }
    (trail, upto)
}

/// The replayed time so much later.
fn after(time: UnixNanos, elapsed: Duration, factor: f64) -> UnixNanos {
    let moved = Duration::try_from_secs_f64(elapsed.as_secs_f64() * factor).unwrap_or(Duration::MAX);
    UnixNanos(time.0.saturating_add(u64::try_from(moved.as_nanos()).unwrap_or(u64::MAX)))
}

/// A speed at which people can watch all of it: as it happened, if that is not too long.
fn watchable(line: &Timeline) -> f64 {
    let seconds = Duration::from_nanos(line.end().0 - line.start().0).as_secs_f64();
    let fits = |speed: &f64| *speed >= 1.0 && seconds / speed <= SITTING;
    SPEEDS.into_iter().find(fits).unwrap_or(SPEEDS[SPEEDS.len() - 1])
}
