//! What the system says of this process, where it says so.

use std::sync::OnceLock;

use crate::app::clock;

/// When this process was first asked about, in seconds of Unix time: at its start.
static STARTED: OnceLock<f64> = OnceLock::new();

/// When the program started, in seconds of Unix time. The first call sets it.
pub(in crate::app) fn started() -> f64 {
    *STARTED.get_or_init(|| clock::now().0 as f64 / 1e9)
}

/// Bytes of memory that belong to this process and are in RAM; `None` where there is no `/proc`.
pub(super) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Processor time that this process took in all its threads, in user and system mode, in seconds; `None` where the system
/// does not say.
pub(super) fn cpu_seconds() -> Option<f64> {
    #[cfg(unix)]
    let time = Some(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime));
    #[cfg(unix)]
    let seconds = time.map(|time| time.tv_sec as f64 + time.tv_nsec as f64 / 1e9);
    #[cfg(not(unix))]
    let seconds = None;
    seconds
}

/// Files and sockets that are open; `None` where there is no `/proc`.
pub(super) fn open_files() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}
