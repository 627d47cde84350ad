//! What can happen to the screen's state.

use std::sync::Arc;

use crate::engine::{Answer, Snapshot};

use super::graph;
use super::keymap::Key;
use super::log::Tail;
use super::replay::Playback;

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// Something that a key or a command can do. Their names, in kebab case, are those in a keymap and behind `:`.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Action {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Action {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in a keymap and behind `:`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

actions! {
    /// Leave at once.
    Quit = "quit",
    /// Close what lies on top, leave the detail or the view, or else leave the program.
    Back = "back",
    /// Stop the program and give the shell its terminal, until `fg`.
    Suspend = "suspend",
    /// Show or hide the keys.
    Help = "help",
    /// Hold the picture still while intake goes on, or let it run again; in a replay, stop or play.
    Pause = "pause",
    /// Move up.
    Up = "up",
    /// Move down.
    Down = "down",
    /// Move left.
    Left = "left",
    /// Move right.
    Right = "right",
    /// Move a page up.
    PageUp = "page-up",
    /// Move a page down.
    PageDown = "page-down",
    /// The first row.
    First = "first",
    /// The last row.
    Last = "last",
    /// The next pane.
    NextPane = "next-pane",
    /// The pane before.
    PreviousPane = "previous-pane",
    /// Go in: from a list or the map to what stands behind the selection.
    Enter = "enter",
    /// The call graph.
    ViewMap = "map",
    /// The list of problems.
    ViewProblems = "problems",
    /// The list of traces.
    ViewTraces = "traces",
    /// The list of tokens.
    ViewTokens = "tokens",
    /// What each service tells.
    ViewServices = "services",
    /// Type a filter.
    Filter = "filter",
    /// Type a command.
    Command = "command",
    /// Show only broken edges, or all of them again.
    OnlyBroken = "only-broken",
    /// Show two hops around the selection, or choose by what fits again.
    Focus = "focus",
    /// Show everything: no filter, no focus.
    All = "all",
    /// Draw the calls as a graph or as a list.
    EdgeList = "edge-list",
    /// Select the worst problem and go on following it.
    Worst = "worst",
    /// Move the graph to the left.
    PanLeft = "pan-left",
    /// Move the graph to the right.
    PanRight = "pan-right",
    /// Move the graph up.
    PanUp = "pan-up",
    /// Move the graph down.
    PanDown = "pan-down",
    /// Sort the list by the next column.
    Sort = "sort",
    /// Sort the other way round.
    SortReverse = "sort-reverse",
    /// Ignore the selected problem with a reason, in the policy.
    Ignore = "ignore",
    /// Choose what to write into the policy about the selected edge.
    Policy = "policy",
    /// Show all spans of a trace, or only those that say something of a token.
    AllSpans = "all-spans",
    /// The next problem of a trace.
    NextProblem = "next-problem",
    /// The problem before it.
    PreviousProblem = "previous-problem",
    /// The parent of the selected span.
    ParentSpan = "parent-span",
    /// A trace over the same route where the token arrived, beside this one.
    Twin = "twin",
    /// Choose what to copy.
    Copy = "copy",
    /// Copy the settings that point a service here.
    CopySnippet = "copy-snippet",
    /// Choose what to save.
    Save = "save",
    /// Open the selection in `$PAGER` or `$EDITOR`.
    Open = "open",
    /// Choose a fault of the demo to turn on or off.
    Faults = "faults",
    /// Start the demo.
    Demo = "demo",
    /// Show the log.
    Log = "log",
    /// In a replay: on to the next hop.
    NextHop = "next-hop",
    /// In a replay: back to the hop before.
    PreviousHop = "previous-hop",
    /// In a replay: five seconds on.
    SeekForward = "seek-forward",
    /// In a replay: five seconds back.
    SeekBack = "seek-back",
    /// In a replay: on to the next problem.
    NextAccused = "next-accused",
    /// In a replay: back to the problem before.
    PreviousAccused = "previous-accused",
    /// In a replay: faster.
    Faster = "faster",
    /// In a replay: slower.
    Slower = "slower",
    /// In a replay: begin again at the end, or stop there.
    Loop = "loop",
    /// Give the mouse to the terminal, so that text can be selected, or take it back.
    Mouse = "mouse",
    /// Draw the whole screen anew, after something else wrote on it.
    Redraw = "redraw",
}

impl Action {
    /// The action of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }
}

/// What the mouse did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pointer {
    /// The left button went down here.
    Click,
    /// It moved here while the button was down.
    Drag,
    /// The wheel turned away from the user.
    WheelUp,
    /// The wheel turned towards the user.
    WheelDown,
}

/// One thing that changes the state.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key was pressed: it goes to what is being typed, to a menu, or to the action that it stands for.
    Press(Key),
    /// Text was pasted.
    Paste(String),
    /// An action, by whatever way.
    Act(Action),
    /// The mouse, at a column and row of the screen.
    Point(Pointer, u16, u16),
    /// The terminal has this size now, in columns and rows.
    Resize(u16, u16),
    /// The engine published.
    Snapshot(Arc<Snapshot>),
    /// The engine answered a question of [`super::state::State::wants`].
    Answered(Arc<Answer>),
    /// The call graph is laid out.
    Laid(Arc<graph::Answer>),
    /// The end of the log was read, while it shows.
    Log(Result<Tail, String>),
    /// Where the replay stands.
    Playback(Arc<Playback>),
    /// Whole minutes since the last snapshot came: ages grow though nothing else does.
    Minutes(u64),
    /// An effect ended: what to tell the user.
    Done(Result<String, String>),
    /// The toast was shown long enough.
    ToastOver,
    /// Edges were bright long enough.
    PulseOver,
}
