//! What can happen to the screen's state.

use std::sync::Arc;

use crate::engine::Snapshot;

use super::graph::Answer;

/// Something that a key can do. The names of the variants, in kebab case, are the names in a keymap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Leave at once.
    Quit,
    /// Close what lies on top, leave the detail, or else leave the program.
    Back,
    /// Stop the program and give the shell its terminal, until `fg`.
    Suspend,
    /// Show or hide the keys.
    Help,
    /// Hold the picture still while intake goes on, or let it run again.
    Pause,
    /// Move up.
    Up,
    /// Move down.
    Down,
    /// Move left.
    Left,
    /// Move right.
    Right,
    /// Move a page up.
    PageUp,
    /// Move a page down.
    PageDown,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// The next pane.
    NextPane,
    /// The pane before.
    PreviousPane,
    /// Go in: from a list or the map to the detail.
    Enter,
    /// Show only broken edges, or all of them again.
    OnlyBroken,
    /// Show two hops around the selection, or choose by what fits again.
    Focus,
    /// Show everything: no filter, no focus.
    All,
    /// Select the worst problem and go on following it.
    Worst,
    /// Give the mouse to the terminal, so that text can be selected, or take it back.
    Mouse,
    /// Draw the whole screen anew, after something else wrote on it.
    Redraw,
}

/// What the mouse did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pointer {
    /// The left button went down here.
    Click,
    /// The wheel turned away from the user.
    WheelUp,
    /// The wheel turned towards the user.
    WheelDown,
}

/// One thing that changes the state.
#[derive(Clone, Debug)]
pub enum Message {
    /// A key's action.
    Act(Action),
    /// A key that belongs to a switch.
    Toggle(char),
    /// The mouse, at a column and row of the screen.
    Point(Pointer, u16, u16),
    /// The terminal has this size now, in columns and rows.
    Resize(u16, u16),
    /// The engine published.
    Snapshot(Arc<Snapshot>),
    /// The call graph is laid out.
    Laid(Arc<Answer>),
    /// Whole minutes since the last snapshot came: ages grow though nothing else does.
    Minutes(u64),
}
