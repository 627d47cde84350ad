//! Signals: a shell or another program wants the screen to end, to stop, or to go on.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that the screen answers to.
pub(super) struct Signals {
    /// Those that end it.
    pub stop: [Signal; 3],
    /// Stop, until woken.
    pub suspend: Signal,
    /// Woken.
    pub resume: Signal,
}

impl Signals {
    /// Begins to listen.
    pub(super) fn new() -> std::io::Result<Self> {
        let stop = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = stop;
        Ok(Self {
            stop: [signal(interrupt)?, signal(terminate)?, signal(hangup)?],
            suspend: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            resume: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    /// Waits for one that ends the screen.
    pub(super) async fn stopped(stop: &mut [Signal; 3]) {
        let [interrupt, terminate, hangup] = stop;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
