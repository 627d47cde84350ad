//! The screen: what a snapshot looks like, and what hands do with it.
//!
//! Data flows one way here too: events become a [`message::Message`], [`update`] turns state and message into the next
//! state without any input or output, `view` draws the state. The engine is known only by the snapshots that it
//! publishes; a slow terminal holds up the screen's own thread and nothing else.

pub mod clipboard;
pub mod command;
pub mod effect;
pub mod filtering;
pub mod geometry;
pub mod graph;
pub mod index;
pub mod keymap;
pub mod keyname;
pub mod log;
pub mod menu;
pub mod message;
pub mod page;
pub mod picture;
pub mod prompt;
pub mod replay;
pub mod saved;
pub mod stacks;
pub mod state;
pub mod take;
pub mod text;
pub mod theme;
pub mod typing;
pub mod update;
pub mod view;
pub mod waterfall;

mod asking;
mod background;
mod layouts;
mod pager;
mod run;
mod signals;
mod terminal;

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use tokio::sync::watch;

use crate::engine::{Asker, Snapshot};

use effect::Host;
use message::Message;
use replay::Player;
use state::State;

pub use run::run;
pub use terminal::{columns, size};
pub use theme::{Depth, Theme};

/// Where the pictures come from.
pub struct Feed {
    /// What the engine publishes.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What listens, as `ADDR:PORT PROTOCOL`: `127.0.0.1:4317 gRPC`.
    pub listening: Vec<String>,
    /// What runs.
    pub mode: Mode,
    /// Where the engine is asked for what its snapshots do not hold.
    pub asker: Option<Asker>,
    /// Whoever plays, in a replay.
    pub player: Option<Arc<dyn Player>>,
    /// The program around the screen.
    pub host: Option<Arc<dyn Host>>,
}

impl Feed {
    /// Pictures alone: nothing to ask, nothing to steer.
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>, listening: Vec<String>, mode: Mode) -> Self {
        Self { snapshots, listening, mode, asker: None, player: None, host: None }
    }
}

/// What runs behind the screen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Receivers.
    #[default]
    Live,
    /// Saved traces.
    Replay {
        /// The file's name, for people.
        file: String,
    },
    /// The shop with its faults.
    Demo,
}

/// How the screen looks and behaves.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TuiOptions {
    /// Signs and colours; [`theme_for`] makes it from options and environment.
    pub theme: Theme,
    /// Whether the mouse belongs to the program at first.
    pub mouse: bool,
    /// Where logs go: the help screen says so.
    pub log_path: Option<PathBuf>,
    /// Which key does what.
    pub keymap: keymap::Keymap,
    /// Views that the user saved.
    pub views: Vec<saved::SavedView>,
    /// Filters typed in earlier runs, the newest last.
    pub filters: Vec<String>,
    /// Commands typed in earlier runs, the newest last.
    pub commands: Vec<String>,
}

/// Faults of the demo, or whatever else keys turn on and off.
pub trait Switches: Send + Sync {
    /// All of them with their state, in the order to show them. Called before each picture: cheap.
    fn list(&self) -> Vec<Switch>;
    /// Turns the one with this key.
    fn toggle(&self, key: char);
}

/// One switch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Switch {
    /// Its key in the menu of switches: a digit from 1 to 9.
    pub key: char,
    /// What it does, in a few words.
    pub name: String,
    /// Whether it is on.
    pub on: bool,
}

/// Why the screen could not be shown any longer.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// No terminal to draw on.
    #[error(
        "expected a terminal on standard output, found none: without a screen, `jwtrail check FILE` judges saved traces and `jwtrail serve` receives"
    )]
    NoTerminal,
    /// The terminal refused.
    #[error("the terminal could not be used: {0}")]
    Terminal(#[from] std::io::Error),
    /// Something panicked; its message went to standard error once the terminal was restored.
    #[error("the screen stopped by a fault in jwtrail: please report the message above")]
    Panicked,
}

/// One picture of a snapshot as the screen shows it, laid out at once and without a terminal.
pub fn still(snapshot: Arc<Snapshot>, listening: Vec<String>, mode: Mode, size: (u16, u16), theme: Theme) -> Buffer {
    let mut state = State { size, listening, mode, theme, ..State::default() };
    update::update(&mut state, Message::Snapshot(snapshot));
    if !state.is_empty() {
        let laid = graph::lay_out(&state.ask());
        update::update(&mut state, Message::Laid(Arc::new(laid)));
    }
    view::picture(&state)
}

/// The theme that options and environment ask for.
///
/// `var` reads an environment variable. `NO_COLOR` (any value but an empty one, no-color.org) takes the colours,
/// `COLORTERM` and `TERM` say how many there are, and the locale says whether more than ASCII can be drawn.
pub fn theme_for(ascii: bool, no_color: bool, var: impl Fn(&str) -> Option<String>) -> Theme {
    let set = |name| var(name).filter(|value| !value.is_empty());
    let term = set("TERM").unwrap_or_default();
    let depth = if no_color || set("NO_COLOR").is_some() || term == "dumb" || term.starts_with("vt1") {
        Depth::None
    } else if set("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit") {
        Depth::True
    } else if term.contains("256") || term.contains("kitty") || term.contains("alacritty") || term.contains("ghostty") {
        Depth::Indexed
    } else {
        Depth::Sixteen
    };
    // The first that is set decides (POSIX); none set is the C locale, but a container's shell often sets none at all.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_else(|| "UTF-8".to_owned());
    let utf8 = locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    Theme { ascii: ascii || !utf8 || term == "linux", depth, ..Theme::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(vars: &[(&str, &str)]) -> Theme {
        theme_for(false, false, |name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn environment_decides_on_colours_and_signs() {
        assert_eq!(
            theme(&[("TERM", "xterm-256color")]),
            Theme { ascii: false, depth: Depth::Indexed, ..Theme::default() }
        );
        assert_eq!(
            theme(&[("TERM", "xterm"), ("LANG", "C")]),
            Theme { ascii: true, depth: Depth::Sixteen, ..Theme::default() }
        );
        assert_eq!(theme(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).depth, Depth::None);
        assert_eq!(theme(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")]).depth, Depth::True);
        assert!(!theme(&[("LC_ALL", "de_DE.utf8"), ("LANG", "C")]).ascii);
        assert!(theme(&[("LC_ALL", "POSIX"), ("LANG", "C.UTF-8")]).ascii);
        assert!(theme_for(true, false, |_| None).ascii);
    }
}
