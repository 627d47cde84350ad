//! Each action with a place where its keys do something, and what the screen then shows that it did not show before.

use jwtrail::tui::message::Action;

/// What a key must have brought about.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// This is on the screen, and was not.
    Shows(&'static str),
    /// This was on the screen, and is not.
    Hides(&'static str),
    /// The selected row holds this, and another one did before.
    Marks(&'static str),
    /// The last line begins with this: something is to be typed.
    Asks(&'static str),
    /// The replay stands at another moment.
    Seeks,
    /// The graph stands elsewhere.
    Pans,
    /// The mouse is the terminal's.
    GivesMouse,
    /// What was written over the screen by others is gone.
    Cleans,
    /// The process stops, and draws all of it when it goes on.
    Stops,
    /// The process ends, and the terminal is as it was.
    Ends,
}

/// Keys, and what to wait for behind them.
pub(super) type Step = (&'static str, &'static str);

/// One line of the table. Every key of the action is pressed here, each after the same steps.
pub(super) struct Row {
    pub(super) action: Action,
    /// From the map with the worst problem selected to where the key is pressed.
    pub(super) go: &'static [Step],
    pub(super) then: Then,
    /// Back to where the next row may begin.
    pub(super) undo: &'static [Step],
}

const fn row(action: Action, go: &'static [Step], then: Then, undo: &'static [Step]) -> Row {
    Row { action, go, then, undo }
}

/// A trace with one token dropped, opened at the hop that dropped it.
const TRACE: Step = (":trace 8d4fb197\r", "│▌          shipping GET /");
const TRACE_TOP: [Step; 2] = [TRACE, ("g", "│▌▾ lab/gateway GET /")];
/// Where nothing was replayed yet that is not there at the end.
const MIDDLE: Step = (":seek 00:10\r", " 00:10.0 / ");
const END: Step = (":seek 99:00\r", "at the end");
const TO_END: &[Step] = &[END];
const MAP: &str = "Call graph";
const PROBLEMS: Step = ("2", "severity▾");
const TRACES: Step = ("3", "be4bfcbb");

use Then::{Asks, Cleans, Ends, GivesMouse, Hides, Marks, Pans, Seeks, Shows, Stops};

/// Over a replay of several recorded runs.
#[rustfmt::skip]
pub(super) const REPLAY: &[Row] = &[
    row(Action::Up, &[("j", "│▌✗ lab/gateway → orders")], Marks("≠ gateway → lab/orders"), &[]),
    row(Action::Down, &[], Marks("✗ lab/gateway → orders"), &[]),
    row(Action::Left, &[("\t\t", "▸ Call graph")], Shows("┌ gateway ─"), &[]),
    row(Action::Left, &TRACE_TOP, Shows("▸ lab/gateway GET /"), &[]),
    row(Action::Right, &[("\t\t", "▸ Call graph")], Shows("┌ lab/orders ─"), &[]),
    row(Action::Right, &[TRACE_TOP[0], TRACE_TOP[1], ("h", "▸ lab/gateway GET /")], Shows("▾ lab/gateway GET /"), &[]),
    row(Action::First, &[TRACES, ("G", "s  df3730a8")], Marks("be4bfcbb"), &[]),
    row(Action::Last, &[PROBLEMS], Marks("orders → shipping"), &[]),
    row(Action::Last, &[TRACES, ("g", "")], Marks("df3730a8"), &[]),
    row(Action::PageUp, &[TRACES, ("G", "")], Marks("be4bfcbb"), &[]),
    row(Action::PageDown, &[TRACES, ("g", "")], Marks("df3730a8"), &[]),
    row(Action::NextPane, &[], Shows("┌ ▸ gateway → lab/orders"), &[]),
    row(Action::PreviousPane, &[], Shows("┌ ▸ Call graph"), &[]),
    row(Action::Enter, &[], Shows("┌ ▸ gateway → lab/orders"), &[]),
    row(Action::Enter, &[PROBLEMS], Shows("filter: caller:gateway"), &[("q", "severity▾")]),
    row(Action::Enter, &[TRACES, ("g", "")], Shows("Trace be4bfcbb"), &[]),
    row(Action::Back, &[("4", "┌ Tokens")], Shows(MAP), &[]),
    row(Action::ViewMap, &[PROBLEMS], Shows(MAP), &[]),
    row(Action::ViewProblems, &[], Shows("severity▾"), &[]),
    row(Action::ViewTraces, &[], Shows("start▾  trace"), &[]),
    row(Action::ViewTokens, &[], Shows("┌ Tokens"), &[]),
    row(Action::ViewServices, &[], Shows("┌ Services"), &[]),
    row(Action::Filter, &[], Asks("/"), &[("\u{3}", "? help")]),
    row(Action::Command, &[], Asks(":"), &[("\u{3}", "? help")]),
    row(Action::Pause, &[(":speed 1\r", "×1 "), MIDDLE], Shows("playing"), &[(" ", "paused"), (":speed max\r", " max "), END]),
    row(Action::CopySnippet, &[("5", "┌ Services")], Shows("copied the "), &[]),
    row(Action::Copy, &[], Shows("┌─ Copy"), &[("t", "copied the trace id")]),
    row(Action::Copy, &[("4", "┌ Tokens"), ("g", "hrag")], Shows("┌─ Copy"), &[("n", "copied the name of the token")]),
    row(Action::Save, &[], Shows("Save to the working directory"), &[("p", "saved ")]),
    row(Action::Open, &[], Shows("it is my turn: "), &[("\r", MAP)]),
    row(Action::Policy, &[], Shows("┌─ Policy"), &[("q", MAP)]),
    row(Action::Ignore, &[], Asks("reason:"), &[("\u{3}", "")]),
    row(Action::Log, &[], Shows(" Log "), &[("L", MAP)]),
    row(Action::Mouse, &[], GivesMouse, &[("m", "")]),
    row(Action::Redraw, &[], Cleans, &[]),
    row(Action::Help, &[], Shows("─ Help ─"), &[("?", "┌ Call graph")]),
    row(Action::Worst, &[("jjj", "│▌! orders → payment")], Marks("≠ gateway → lab/orders"), &[]),
    row(Action::OnlyBroken, &[], Hides("●─▸"), &[]),
    row(Action::Focus, &[], Shows("more, 0 shows all"), &[]),
    row(Action::All, &[("f", "more, 0 shows all")], Hides("more, 0 shows all"), &[]),
    row(Action::EdgeList, &[], Hides("●─▸"), &[("e", "●─▸")]),
    row(Action::Sort, &[PROBLEMS], Shows("hops▾"), &[("ooo", "severity▾")]),
    row(Action::Sort, &[("4", "seen▾")], Hides("seen▾"), &[("ooo", "seen▾")]),
    row(Action::SortReverse, &[PROBLEMS], Hides("severity▾"), &[("O", "severity▾")]),
    row(Action::AllSpans, &[TRACE], Hides("without a token hidden"), &[]),
    row(Action::NextProblem, &TRACE_TOP, Marks("dropped here"), &[]),
    row(Action::PreviousProblem, &TRACE_TOP, Marks("dropped here"), &[]),
    row(Action::ParentSpan, &[TRACE], Marks("orders → GET /"), &[]),
    row(Action::Twin, &[TRACE], Shows("twin 4ac66c5d"), &[]),
    row(Action::NextHop, &[MIDDLE], Seeks, TO_END),
    row(Action::PreviousHop, &[MIDDLE], Seeks, TO_END),
    row(Action::SeekForward, &[MIDDLE], Seeks, TO_END),
    row(Action::SeekBack, &[MIDDLE], Seeks, TO_END),
    row(Action::NextAccused, &[MIDDLE], Seeks, TO_END),
    row(Action::PreviousAccused, &[MIDDLE], Seeks, TO_END),
    row(Action::Faster, &[(":speed 10\r", "×10 ")], Hides("×10 "), &[(":speed max\r", " max ")]),
    row(Action::Slower, &[], Shows("×1000"), &[(":speed max\r", " max ")]),
    row(Action::Loop, &[], Shows("↻ loops"), &[("R", "")]),
    row(Action::Suspend, &[], Stops, &[]),
    row(Action::Quit, &[], Ends, &[]),
];

/// Over a graph that is wider and higher than its pane.
#[rustfmt::skip]
pub(super) const WIDE: &[Row] = &[
    row(Action::PanLeft, &[("\u{1b}[1;2C", ""); 12], Pans, &[]),
    row(Action::PanRight, &[("H", ""); 12], Pans, &[]),
    row(Action::PanUp, &[("J", ""); 12], Pans, &[]),
    row(Action::PanDown, &[("K", ""); 12], Pans, &[]),
];

/// Where nothing is received yet, and then in the demo that was started there.
#[rustfmt::skip]
pub(super) const LIVE: &[Row] = &[
    row(Action::CopySnippet, &[], Shows("┌─ Copy the settings for"), &[("q", "Let it capture")]),
    row(Action::Demo, &[], Shows("x faults"), &[("", "─▸ gateway"), ("", "▌")]),
    row(Action::Faults, &[], Shows("┌─ Faults"), &[("1", "1  off"), ("q", "1 ◻")]),
    row(Action::Pause, &[], Shows("‖ paused"), &[(" ", "● live")]),
    row(Action::Quit, &[], Ends, &[]),
];
