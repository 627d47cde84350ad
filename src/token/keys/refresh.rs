//! When a remote key set is fetched again. Nothing here knows the clock: times are told, as durations since any moment.

use std::time::Duration;

/// Bounds on how often an issuer is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// After a success without cache headers.
    pub usual: Duration,
    /// The least that a cache header can ask for.
    pub shortest: Duration,
    /// The most that a cache header can ask for.
    pub longest: Duration,
    /// After any success, before an unknown `kid` is a reason to ask again; doubles while that brings nothing new.
    pub wanted: Duration,
    /// The most that doubling comes to.
    pub wanted_longest: Duration,
    /// After a failure; doubles with each further one.
    pub retry: Duration,
    /// The most that doubling comes to.
    pub retry_longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            usual: Duration::from_secs(15 * 60),
            shortest: Duration::from_secs(60),
            longest: Duration::from_secs(6 * 3600),
            wanted: Duration::from_secs(10),
            wanted_longest: Duration::from_secs(5 * 60),
            retry: Duration::from_secs(2),
            retry_longest: Duration::from_secs(5 * 60),
        }
    }
}

/// One source's next fetch.
#[derive(Clone, Debug)]
pub struct Schedule {
    pace: Pace,
    next: Duration,
    when_wanted: Duration,
    failures: u32,
    fruitless: u32,
}

impl Schedule {
    /// Due at once.
    pub fn new(pace: Pace) -> Self {
        Self { pace, next: Duration::ZERO, when_wanted: Duration::ZERO, failures: 0, fruitless: 0 }
    }

    /// When to fetch; `wanted` is whether a token came whose key is not there.
    pub fn due(&self, wanted: bool) -> Duration {
        if wanted { self.when_wanted.min(self.next) } else { self.next }
    }

    /// Keys came. `lifetime` is what the cache headers say, `changed` whether they differ from those before, `wanted`
    /// whether a token had asked for them.
    pub fn fetched(&mut self, now: Duration, lifetime: Option<Duration>, changed: bool, wanted: bool) {
        self.failures = 0;
        // Tokens with invented key ids must not make jwtrail a nuisance to the issuer.
        self.fruitless = if changed { 0 } else { self.fruitless.saturating_add(u32::from(wanted)) };
        let life = lifetime.unwrap_or(self.pace.usual).clamp(self.pace.shortest, self.pace.longest);
        self.next = now + life;
        self.when_wanted = now + doubled(self.pace.wanted, self.fruitless, self.pace.wanted_longest);
    }

    /// None came. What was held before stays in use.
    pub fn failed(&mut self, now: Duration) {
        self.next = now + doubled(self.pace.retry, self.failures, self.pace.retry_longest);
        self.when_wanted = self.next;
        self.failures = self.failures.saturating_add(1);
    }
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(30)).unwrap_or(u32::MAX)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn cache_headers_are_honoured_within_bounds() {
        let mut schedule = Schedule::new(Pace::default());
        assert_eq!(schedule.due(false), s(0));
        schedule.fetched(s(100), Some(s(3600)), true, false);
        assert_eq!(schedule.due(false), s(3700));
        schedule.fetched(s(100), Some(s(0)), false, false);
        assert_eq!(schedule.due(false), s(160), "no-store does not mean a request per second");
        schedule.fetched(s(100), Some(s(86_400 * 365)), false, false);
        assert_eq!(schedule.due(false), s(100 + 6 * 3600));
        schedule.fetched(s(100), None, false, false);
        assert_eq!(schedule.due(false), s(1000));
    }

    #[test]
    fn failures_and_invented_key_ids_slow_down() {
        let mut schedule = Schedule::new(Pace::default());
        let gaps: Vec<u64> = (0..10)
            .map(|_| {
                schedule.failed(s(0));
                schedule.due(true).as_secs()
            })
            .collect();
        assert_eq!(gaps, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        let gaps: Vec<u64> = (0..7)
            .map(|_| {
                schedule.fetched(s(0), None, false, true);
                schedule.due(true).as_secs()
            })
            .collect();
        assert_eq!(gaps, [20, 40, 80, 160, 300, 300, 300]);
        schedule.fetched(s(0), None, true, true);
        assert_eq!(schedule.due(true), s(10), "a rotation that was real is followed quickly again");
    }
}
