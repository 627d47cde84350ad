//! Counts over the last N slots of time, by the time of the spans themselves.

use crate::model::UnixNanos;

/// N counters, one a slot of equal width; older slots fall out as newer ones come.
#[derive(Clone, Debug)]
pub struct Slots<const N: usize> {
    width: u64,
    newest: u64,
    counts: [u32; N],
}

impl<const N: usize> Slots<N> {
    /// Empty slots of this width in nanoseconds.
    pub fn new(width: u64) -> Self {
        Self { width, newest: 0, counts: [0; N] }
    }

    /// Counts one.
    pub fn add(&mut self, at: UnixNanos) {
        let slot = at.0 / self.width;
        self.advance(slot);
        if let Some(count) = self.count(slot) {
            *count += 1;
        }
    }

    /// Takes one back, where its slot is still there.
    pub fn remove(&mut self, at: UnixNanos) {
        if let Some(count) = self.count(at.0 / self.width) {
            *count = count.saturating_sub(1);
        }
    }

    /// The counts up to `now`, oldest first.
    pub fn until(&self, now: UnixNanos) -> [u32; N] {
        let mut moved = self.clone();
        moved.advance(now.0 / self.width);
        let first = (moved.newest as usize + 1) % N;
        std::array::from_fn(|i| moved.counts[(first + i) % N])
    }

    fn advance(&mut self, slot: u64) {
        if slot <= self.newest {
            return;
        }
        let steps = usize::try_from(slot - self.newest).unwrap_or(N).min(N);
        for step in 1..=steps as u64 {
            self.counts[((slot - steps as u64 + step) % N as u64) as usize] = 0;
        }
        self.newest = slot;
    }

    fn count(&mut self, slot: u64) -> Option<&mut u32> {
        (slot <= self.newest && self.newest - slot < N as u64).then(|| &mut self.counts[(slot % N as u64) as usize])
    }
}
