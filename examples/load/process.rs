//! Processor time of a process, all its threads together. Linux only (`/proc`).

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// A tick of `/proc/PID/stat`: `USER_HZ` is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// Processor time used so far.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    /// In ticks, threads that have ended included.
    stat: Duration,
    /// To the nanosecond, of the threads that are there.
    schedstat: Duration,
}

impl Used {
    /// Of this process until now.
    pub(crate) fn by(pid: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
        // The second field, the name in brackets, may hold spaces; `utime` and `stime` are the 14th and 15th.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        let ticks = ticks.sum::<Result<u32, _>>().context("cannot read the process's times")?;
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread that has ended meanwhile has no file any more, and some kernels have none at all.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanos += text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0_u64);
        }
        Ok(Self { stat: TICK * ticks, schedstat: Duration::from_nanos(nanos) })
    }

    /// What was used from then until now. The finer figure, unless threads ended meanwhile and took theirs along.
    pub(crate) fn since(self, before: Self) -> Duration {
        let coarse = self.stat.saturating_sub(before.stat);
        let fine = self.schedstat.saturating_sub(before.schedstat);
        if coarse > fine + 2 * TICK { coarse } else { fine }
    }
}
