//! The last lines: switches, if there are any, and the keys that matter most.

use super::pen::{Pen, Row};
use crate::tui::Mode;
use crate::tui::geometry::Area;
use crate::tui::message::Action;
use crate::tui::page::Page;
use crate::tui::page::start::can_start;
use crate::tui::state::State;

/// Most lines that switches may take.
const SWITCH_ROWS: usize = 3;

/// Keys offered on a page beside those that every page has: an action, and what it does in a word.
const fn of_page(page: Page) -> &'static [(Action, &'static str)] {
    match page {
        Page::Map => &[
            (Action::Filter, "filter"),
            (Action::Pause, "pause"),
            (Action::OnlyBroken, "broken"),
            (Action::Focus, "focus"),
            (Action::All, "all"),
            (Action::Worst, "worst"),
            (Action::Copy, "copy"),
            (Action::Save, "save"),
        ],
        Page::Problems => &[
            (Action::Enter, "trace"),
            (Action::Filter, "filter"),
            (Action::Sort, "sort"),
            (Action::Ignore, "ignore"),
            (Action::Copy, "copy"),
            (Action::Save, "save"),
        ],
        Page::Traces | Page::Tokens => &[
            (Action::Enter, "open"),
            (Action::Filter, "filter"),
            (Action::Sort, "sort"),
            (Action::Pause, "pause"),
            (Action::Copy, "copy"),
            (Action::Save, "save"),
        ],
        Page::Services => &[(Action::CopySnippet, "copy settings"), (Action::Filter, "filter"), (Action::Sort, "sort")],
        Page::Trace => &[
            (Action::NextProblem, "next problem"),
            (Action::AllSpans, "all spans"),
            (Action::Twin, "twin"),
            (Action::Copy, "copy"),
            (Action::Save, "save"),
        ],
    }
}

/// Keys offered before anything can be drawn.
fn at_first(state: &State) -> &'static [(Action, &'static str)] {
    match state.mode {
        Mode::Live if can_start(state) => &[(Action::CopySnippet, "copy settings"), (Action::Demo, "demo")],
        Mode::Live => &[(Action::CopySnippet, "copy settings")],
        Mode::Replay { .. } | Mode::Demo => &[],
    }
}

/// Columns from which keys stand two blanks apart.
const WIDE: u16 = 100;

/// Lines that the footer takes, the replay's bar included.
pub fn rows(state: &State) -> u16 {
    1 + super::replay_bar::rows(state) + u16::try_from(switches(state).len()).unwrap_or(0)
}

/// Draws switches above keys.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    for (y, row) in (area.y..).zip(switches(state)) {
        pen.row(area.x, y, area.w, &row);
    }
    pen.row(area.x, (area.y + area.h).saturating_sub(1), area.w, &keys(state, area.w));
}

/// The last line: views, then what the page offers, then help and quit. What does not fit is left out from behind.
fn keys(state: &State, width: u16) -> Row {
    let theme = state.theme;
    let mut row = Row::new().plain(" ");
    let gap = if width < WIDE { " " } else { "  " };
    for view in Page::VIEWS {
        let Some(key) = view.action().and_then(|action| state.keymap.keys(action).into_iter().next()) else { continue };
        let on = state.page() == view || (state.page() == Page::Trace && state.view == view);
        let style = if on { theme.focus() } else { theme.quiet() };
        row = row.own(&key, theme.strong());
        // A trace has keys of its own that matter more than the names of what lies beneath.
        if on || state.page() != Page::Trace || width >= WIDE {
            row = row.plain(" ").text(view.title(), style);
        }
        row = row.plain(gap);
    }
    let offered = |action, does: &'static str| {
        let key = state.keymap.keys(action).into_iter().next()?;
        let on = (action == Action::OnlyBroken && state.only_broken)
            || (action == Action::Focus && state.scope == crate::tui::graph::Scope::Focus)
            || (action == Action::Filter && state.filter.filter.is_some())
            || (action == Action::Pause && state.paused);
        let style = if on { theme.focus() } else { theme.quiet() };
        let key = if key == "Space" { "space" } else { &key };
        let stands = state.playback.as_ref().is_some_and(|playback| playback.following.is_none() && !playback.playing);
        let does = if action == Action::Pause && stands { "play" } else { does };
        Some(Row::new().own(key, theme.strong()).plain(" ").text(does, style).plain(gap))
    };
    // A filter is let go of before the program is left.
    let leaves = state.page() == Page::Map && state.filter.filter.is_none();
    let last = if leaves { "quit" } else { "back" };
    let ending: Vec<Row> = [
        offered(Action::Help, "help"),
        state
            .keymap
            .keys(Action::Back)
            .last()
            .map(|key| Row::new().own(key, theme.strong()).plain(" ").text(last, theme.quiet())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let reserved: usize = ending.iter().map(Row::width).sum();
    // Keys that would do nothing are not offered.
    let page: &[(Action, &'static str)] = match state.page() {
        Page::Map | Page::Problems if state.is_empty() => at_first(state),
        page => of_page(page),
    };
    for &(action, does) in page.iter().filter(|(action, _)| works(state, *action)) {
        let Some(part) = offered(action, does) else { continue };
        if row.width() + part.width() + reserved <= usize::from(width) {
            row = row.then(part);
        }
    }
    ending.into_iter().fold(row, Row::then)
}

/// Whether a key of a list does something: without a row there is nothing to open, to sort, to ignore or to copy.
fn works(state: &State, action: Action) -> bool {
    let rows = match state.page() {
        Page::Problems => state.all_problems().len(),
        Page::Traces => state.traces.page.as_ref().map_or(0, |page| page.rows.len()),
        Page::Tokens => state.tokens.rows().len(),
        Page::Map | Page::Services | Page::Trace => 1,
    };
    rows > 0 || !matches!(action, Action::Enter | Action::Sort | Action::Ignore | Action::Copy)
}

/// The lines of switches: key, state by sign, name.
fn switches(state: &State) -> Vec<Row> {
    if state.switches.is_empty() {
        return Vec::new();
    }
    let theme = state.theme;
    let width = usize::from(state.size.0);
    let most = match state.size.1 {
        ..24 => 1,
        24..32 => SWITCH_ROWS - 1,
        _ => SWITCH_ROWS,
    };
    let mut rows = vec![Row::new().plain(" ").text("x faults ", theme.quiet())];
    for switch in &state.switches {
        let (mark, style) = if switch.on {
            (theme.sign("◼ ", "[x] "), theme.warning())
        } else {
            (theme.sign("◻ ", "[ ] "), theme.quiet())
        };
        let part = Row::new()
            .own(&switch.key.to_string(), theme.strong())
            .plain(" ")
            .text(mark, style)
            .own(&switch.name, style)
            .plain("  ");
        let fits = rows.last().is_some_and(|row| row.width() + part.width() < width);
        if !fits {
            if rows.len() == most {
                // The help lists all of them.
                if let Some(row) = rows.last_mut() {
                    *row = std::mem::take(row).text("…", theme.quiet());
                }
                break;
            }
            rows.push(Row::new().plain("          "));
        }
        if let Some(row) = rows.last_mut() {
            *row = std::mem::take(row).then(part);
        }
    }
    rows
}
