//! The log while it shows: looked at twice a second, told where it has grown.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::tui::log::{Tail, read};
use crate::tui::state::State;

/// Between two looks at the file.
const LOOK: Duration = Duration::from_millis(500);

/// When it was looked at last.
#[derive(Default)]
pub(super) struct Logs(Option<Instant>);

impl Logs {
    /// The end of the log, as soon as it is another one than what shows. Dropped half-way, it loses nothing.
    pub(super) async fn next(&mut self, state: &State) -> Result<Tail, String> {
        loop {
            if let Some(looked) = self.0 {
                tokio::time::sleep_until(looked + LOOK).await;
            }
            let found = if state.log_path.is_empty() {
                Err("there is none, for no folder could be written to".to_owned())
            } else {
                read(Path::new(&state.log_path)).map_err(|error| error.to_string())
            };
            self.0 = Some(Instant::now());
            if state.log.as_ref().is_some_and(|log| log.tail.as_ref() != Some(&found)) {
                return found;
            }
        }
    }
}
