//! When to draw: at once for hands, now and then for figures that only move. And how long pictures take.

use std::time::Duration;

use tokio::time::Instant;

/// Least time between two pictures that answer a hand: a key that is held down, or pasted text, comes faster.
const FRAME: Duration = Duration::from_millis(16);
/// Least time between two pictures where only figures moved: eyes read no faster.
const FIGURES: Duration = Duration::from_millis(50);
/// How long after a key what comes may be its answer.
const ANSWER: Duration = Duration::from_millis(250);
/// Figures alone leave this many times the last picture's time to others: one part in five of a core is the most.
const REST: u32 = 4;
/// Longest time that figures wait for their picture on a slow terminal.
const LONGEST: Duration = Duration::from_millis(500);

/// What wants a picture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// Figures moved.
    Data,
    /// A person did something, or waits for an answer.
    Hand,
}

/// When the next picture is due.
pub(super) struct Pace {
    /// What happened since the last picture.
    woken: Option<Why>,
    /// When the last picture was ready, and how long it took.
    last: (Instant, Duration),
    /// When the last one was begun that answered a hand.
    answered: Option<Instant>,
    times: Histogram,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { woken: None, last: (now, Duration::ZERO), answered: None, times: Histogram::new() }
    }

    /// Something happened that a picture has to show.
    pub(super) fn wake(&mut self, why: Why) {
        self.woken = self.woken.max(Some(why));
    }

    /// When to draw it; `None` where nothing happened.
    pub(super) fn due(&self) -> Option<Instant> {
        let (drawn, took) = self.last;
        Some(match (self.woken?, self.answered) {
            (Why::Hand, None) => drawn,
            (Why::Hand, Some(answered)) => answered + FRAME,
            (Why::Data, Some(answered)) if drawn < answered + ANSWER => drawn + FRAME,
            (Why::Data, _) => drawn + (took * REST).clamp(FIGURES, LONGEST),
        })
    }

    /// A picture was drawn of all that happened.
    pub(super) fn drawn(&mut self, began: Instant, ready: Instant) {
        if self.woken.take() == Some(Why::Hand) {
            self.answered = Some(began);
        }
        self.last = (ready, ready - began);
        self.times.add(ready - began);
    }
}

/// One slot of the histogram.
const SLOT: Duration = Duration::from_micros(100);
/// Slots; the last one takes whatever is longer.
const SLOTS: usize = 1_000;

/// How many pictures took how long: for the log, where somebody asks why the screen is slow.
struct Histogram {
    counts: Vec<u32>,
}

impl Histogram {
    fn new() -> Self {
        Self { counts: vec![0; SLOTS] }
    }

    fn add(&mut self, took: Duration) {
        let slot = usize::try_from(took.as_micros() / SLOT.as_micros()).unwrap_or(usize::MAX).min(SLOTS - 1);
        if let Some(count) = self.counts.get_mut(slot) {
            *count = count.saturating_add(1);
        }
    }

    /// Upper end of the slot below which this share of all lies.
    fn quantile(&self, share: f64) -> Duration {
        let all: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let mut seen = 0;
        let at = self.counts.iter().position(|count| {
            seen += u64::from(*count);
            seen as f64 >= share * all as f64
        });
        SLOT * u32::try_from(at.map_or(SLOTS, |at| at + 1)).unwrap_or(u32::MAX)
    }
}

impl Drop for Histogram {
    /// Told at the end: a line a picture would be more than the pictures.
    fn drop(&mut self) {
        let pictures: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        if pictures > 0 {
            let [p50, p99] = [0.5, 0.99].map(|share| self.quantile(share).as_micros());
            tracing::debug!(pictures, p50_us = p50, p99_us = p99, "time from what happened to its picture");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn hands_are_answered_at_once_and_figures_wait() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.due(), None);
        pace.wake(Why::Data);
        assert_eq!(pace.due(), Some(start + FIGURES));
        pace.wake(Why::Hand);
        assert_eq!(pace.due(), Some(start), "a key does not wait for the figures' turn");
        pace.wake(Why::Data);
        assert_eq!(pace.due(), Some(start), "nor does what comes after make it wait");

        pace.drawn(start + ms(100), start + ms(101));
        assert_eq!(pace.due(), None);
        pace.wake(Why::Hand);
        assert_eq!(pace.due(), Some(start + ms(100) + FRAME), "a held key makes no more pictures than eyes take in");
        pace.drawn(start + ms(116), start + ms(117));
        pace.wake(Why::Data);
        assert_eq!(pace.due(), Some(start + ms(117) + FRAME), "what follows a key may be its answer");
        pace.drawn(start + ms(400), start + ms(402));
        pace.wake(Why::Data);
        assert_eq!(pace.due(), Some(start + ms(402) + FIGURES));
        pace.drawn(start + ms(500), start + ms(530));
        pace.wake(Why::Data);
        assert_eq!(pace.due(), Some(start + ms(530) + ms(120)), "slow pictures are fewer");
    }

    #[test]
    fn quantiles_are_upper_ends_of_slots() {
        let mut times = Histogram::new();
        (0..99).for_each(|_| times.add(Duration::from_micros(950)));
        times.add(Duration::from_secs(9));
        assert_eq!((times.quantile(0.5), times.quantile(0.99)), (ms(1), ms(1)));
        assert_eq!(times.quantile(1.0), ms(100));
    }
}
