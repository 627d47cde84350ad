//! How far a long file is read, on a terminal's standard error.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::model::text::Safe;
use crate::otlp::files::Progress;

/// Nobody wants to know how far a read of a moment has come.
const QUIET: Duration = Duration::from_secs(1);

/// Between two pictures of work that goes on.
const TICK: Duration = Duration::from_millis(120);

/// A bar that appears when it takes long, and is gone when dropped.
pub struct Bar {
    began: Instant,
    file: String,
    terminal: bool,
    drawn: Option<ProgressBar>,
}

impl Bar {
    /// None yet.
    pub fn new(file: String) -> Self {
        Self { began: Instant::now(), file, terminal: io::stderr().is_terminal(), drawn: None }
    }

    /// Shows how far it has come.
    pub fn draw(&mut self, progress: &Progress) {
        if !self.terminal || self.began.elapsed() < QUIET {
            return;
        }
        let bar = self.drawn.get_or_insert_with(|| bar(progress.total(), &self.file));
        bar.set_position(progress.read());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}

/// Says that work goes on whose end is not known; gone when dropped.
pub struct Working(Option<ProgressBar>);

impl Working {
    /// On a terminal's standard error alone.
    pub fn new(what: String) -> Self {
        let drawn = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_message(what);
            bar.enable_steady_tick(TICK);
            bar
        });
        Self(drawn)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Draws on standard error, a few times a second.
fn bar(total: Option<u64>, file: &str) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes} read"),
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message(Safe::new(file).to_string())
}
