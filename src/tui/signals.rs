//! What the system tells the screen: to leave, to stop, to go on.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the screen minds.
pub(super) struct Signals {
    /// Leave: interrupt, terminate, hangup.
    pub(super) stop: [Signal; 3],
    /// Stop until continued.
    pub(super) suspend: Signal,
    /// Continued.
    pub(super) resume: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(super) fn new() -> std::io::Result<Self> {
        let stop = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = stop;
        Ok(Self {
            stop: [signal(interrupt)?, signal(terminate)?, signal(hangup)?],
            suspend: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            resume: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    /// Any of those that mean to leave.
    pub(super) async fn stopped(stop: &mut [Signal; 3]) {
        let [interrupt, terminate, hangup] = stop;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
