//! How long pictures take: for the log, where somebody asks why the screen is slow.

use std::time::Duration;

/// One slot of the histogram.
const SLOT: Duration = Duration::from_micros(100);
/// Slots; the last one takes whatever is longer.
const SLOTS: usize = 1_000;

/// A histogram of durations up to a tenth of a second.
pub(super) struct Pace {
    counts: Vec<u32>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; SLOTS] }
    }

    pub(super) fn add(&mut self, took: Duration) {
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

impl Drop for Pace {
    /// Told at the end: a line a picture would be more than the pictures.
    fn drop(&mut self) {
        let pictures: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        if pictures > 0 {
            let [p50, p99] = [0.5, 0.99].map(|share| self.quantile(share).as_micros());
            tracing::debug!(pictures, p50_us = p50, p99_us = p99, "time from what happened to its picture");
        }
    }
}
