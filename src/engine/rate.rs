//! Spans per second, over the last few seconds.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The window that a rate is taken over.
const WINDOW: Duration = Duration::from_secs(3);
/// Arrivals closer together than this share one slot, so that the queue stays short at any rate.
const SLOT: Duration = Duration::from_millis(100);

/// A sliding count. Monotonic time, because it is about the machine's own pace and not about spans' times.
#[derive(Default)]
pub(super) struct Rate {
    slots: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// Counts `spans` that arrived at `now`.
    pub(super) fn add(&mut self, spans: u64, now: Instant) {
        match self.slots.back_mut() {
            Some((at, count)) if now.duration_since(*at) < SLOT => *count += spans,
            _ => self.slots.push_back((now, spans)),
        }
        self.forget(now);
    }

    /// Spans per second.
    pub(super) fn per_second(&mut self, now: Instant) -> f32 {
        self.forget(now);
        let sum: u64 = self.slots.iter().map(|(_, count)| count).sum();
        sum as f32 / WINDOW.as_secs_f32()
    }

    fn forget(&mut self, now: Instant) {
        while self.slots.front().is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            self.slots.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_falls_back_to_nothing_when_nothing_comes() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.add(300, start);
        rate.add(300, start + Duration::from_secs(1));
        assert!((rate.per_second(start + Duration::from_secs(2)) - 200.0).abs() < f32::EPSILON);
        assert!((rate.per_second(start + Duration::from_millis(3_500)) - 100.0).abs() < f32::EPSILON);
        assert!(rate.per_second(start + Duration::from_secs(5)).abs() < f32::EPSILON);
    }
}
