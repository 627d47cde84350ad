//! Files that are read on as they grow, as the bar shows them: nothing to steer, but how far behind the picture is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::engine::Intake;
use crate::tui::replay::{Control, Playback, Player};

/// Between two looks at what waits.
const LOOK: Duration = Duration::from_millis(250);

/// What waits between reading and judging.
pub struct Behind {
    intake: Intake,
    playback: watch::Sender<Arc<Playback>>,
}

impl Behind {
    /// Looks at this intake.
    pub fn new(intake: Intake) -> Self {
        let (playback, _) = watch::channel(Arc::new(waiting(0)));
        Self { intake, playback }
    }

    /// The player that cannot be steered.
    pub fn player(&self) -> Arc<dyn Player> {
        Arc::new(Followed(self.playback.subscribe()))
    }

    /// Looks again and again, for as long as it is polled.
    pub async fn watch(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let bytes = self.intake.in_flight();
            self.playback.send_if_modified(|told| {
                let news = told.following != Some(bytes);
                if news {
                    *told = Arc::new(waiting(bytes));
                }
                news
            });
        }
    }
}

fn waiting(bytes: usize) -> Playback {
    Playback { playing: true, following: Some(bytes), ..Playback::default() }
}

struct Followed(watch::Receiver<Arc<Playback>>);

impl Player for Followed {
    /// What is still being written has no other moment to go to.
    fn control(&self, _: Control) {}

    fn watch(&self) -> watch::Receiver<Arc<Playback>> {
        self.0.clone()
    }
}
