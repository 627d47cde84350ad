//! The screen's thread as long as somebody waits for it.

use std::thread;

use tokio::sync::oneshot;

/// The screen's thread. Whoever lets go of it, by a panic too, waits until the terminal is given back.
pub(super) struct Running {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    pub(super) fn new(stop: oneshot::Sender<()>, thread: thread::JoinHandle<()>) -> Self {
        Self { stop: Some(stop), thread: Some(thread) }
    }

    /// Tells it to end.
    pub(super) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
