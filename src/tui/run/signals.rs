//! Signals that concern the terminal.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the system tells the program: to end, to sleep, to wake.
pub(super) struct Signals {
    pub(super) stop: [Signal; 3],
    pub(super) suspend: Signal,
    pub(super) resume: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        let stop = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = stop;
        Ok(Self {
            stop: [signal(interrupt)?, signal(terminate)?, signal(hangup)?],
            suspend: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            resume: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    /// One of the signals to end has come.
    pub(super) async fn stopped(stop: &mut [Signal; 3]) {
        let [interrupt, terminate, hangup] = stop;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
