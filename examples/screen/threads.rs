//! Processor time of a program's threads, by their names.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// A tick of `/proc/PID/task/TID/stat`: `USER_HZ` is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// Time so far, summed up over threads of one name.
pub(crate) fn times(process: u32) -> anyhow::Result<BTreeMap<String, Duration>> {
    let mut times: BTreeMap<String, Duration> = BTreeMap::new();
    for task in fs::read_dir(format!("/proc/{process}/task")).with_context(|| format!("no process {process}"))? {
        // A thread that has ended meanwhile has no file any more.
        let Ok(stat) = fs::read_to_string(task?.path().join("stat")) else { continue };
        let Some((head, fields)) = stat.rsplit_once(')') else { continue };
        let name = head.split_once('(').map_or(head, |(_, name)| name);
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        let ticks = ticks.sum::<Result<u32, _>>().context("cannot read a thread's times")?;
        *times.entry(name.to_owned()).or_default() += TICK * ticks;
    }
    Ok(times)
}
