//! What the screen wants done outside of itself. `update` says it, the loop or the program's [`Host`] does it.

use crate::model::TraceId;

use super::replay::Control;
use super::saved::SavedView;

/// Something to be done outside of the state.
#[derive(Clone, PartialEq, Debug)]
pub enum Effect {
    /// Stop the process until `fg`.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Put text on the user's clipboard (OSC 52).
    Copy {
        /// What it is, for the toast: `trace id`.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// Turn a switch, such as a fault of the demo.
    Switch(char),
    /// Steer the replay.
    Replay(Control),
    /// Leave the screen for a pager or an editor with this text.
    Open {
        /// What it is; part of the file's name.
        name: String,
        /// The text.
        text: String,
    },
    /// Something that only the program around the screen can do.
    Host(Request),
    /// Tell the user, of success or failure.
    Tell(Result<String, String>),
}

/// What the program around the screen is asked to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// Save these traces as redacted OTLP JSON.
    SaveTraces {
        /// What they show, part of the file's name: `orders-shipping`.
        name: String,
        /// Which ones.
        traces: Vec<TraceId>,
    },
    /// Save the report on all that is held, as Markdown.
    SaveReport,
    /// Save text under a name that says what it is, with this extension.
    SaveText {
        /// What it is, part of the file's name: `map`, `problem`.
        name: String,
        /// `md`, `svg`.
        extension: &'static str,
        /// What to write.
        text: String,
    },
    /// Change the policy file.
    Policy(PolicyEdit),
    /// Start the demo's shop, exporting to this program's own receivers.
    Demo,
    /// Keep a line of the filter's or the commands' history.
    Remember {
        /// Whether it is a command, not a filter.
        command: bool,
        /// The line.
        line: String,
    },
    /// Keep a view in the configuration.
    SaveView(SavedView),
}

/// One change of the policy file (`jwtrail.toml`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PolicyEdit {
    /// No token need travel this edge.
    Optional {
        /// Caller's name, `client` for the outside.
        from: String,
        /// Callee's name.
        to: String,
    },
    /// The caller exchanges tokens on this edge on purpose.
    Exchange {
        /// Caller's name, `client` for the outside.
        from: String,
        /// Callee's name.
        to: String,
    },
    /// This problem is known.
    Ignore {
        /// Caller's name, `client` for the outside.
        from: String,
        /// Callee's name.
        to: String,
        /// `verdict` or `finding`.
        kind: &'static str,
        /// The verdict's or finding's name.
        what: String,
        /// Why, in the user's words.
        reason: String,
    },
}

impl PolicyEdit {
    /// The same with a reason; `None` where it needs one and there is none.
    pub fn because(&self, why: &str) -> Option<Self> {
        let mut edit = self.clone();
        if let Self::Ignore { reason, .. } = &mut edit {
            if why.trim().is_empty() {
                return None;
            }
            why.trim().clone_into(reason);
        }
        Some(edit)
    }
}

/// The program around the screen. Called off the screen's thread; may take its time.
pub trait Host: Send + Sync {
    /// Does it; answers what to tell the user, of success or failure. Empty where there is nothing to tell.
    fn perform(&self, request: Request) -> Result<String, String>;
}
