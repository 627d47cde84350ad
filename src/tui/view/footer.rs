//! The last lines: switches, if there are any, and the keys that matter most.

use super::pen::{Pen, Row};
use crate::tui::geometry::Area;
use crate::tui::state::State;

/// Most lines that switches may take.
const SWITCH_ROWS: usize = 3;

const KEYS: [(&str, &str); 11] = [
    ("Tab", "pane"),
    ("↑↓←→", "move"),
    ("Enter", "evidence"),
    ("b", "broken"),
    ("f", "focus"),
    ("0", "all"),
    ("w", "worst"),
    ("space", "pause"),
    ("m", "mouse"),
    ("?", "help"),
    ("q", "quit"),
];

/// Lines that the footer takes.
pub fn rows(state: &State) -> u16 {
    1 + u16::try_from(switches(state).len()).unwrap_or(0)
}

/// Draws switches above keys.
pub fn render(state: &State, pen: &mut Pen, area: Area) {
    for (y, row) in (area.y..).zip(switches(state)) {
        pen.row(area.x, y, area.w, &row);
    }
    let theme = state.theme;
    let mut row = Row::new().plain(" ");
    let last = [("?", "help"), ("q", "quit")];
    let reserved = 18;
    // Keys that would do nothing are not offered.
    let keys = if state.is_empty() { &KEYS[KEYS.len() - 2..] } else { &KEYS[..] };
    for &(key, does) in keys {
        let key = if key == "↑↓←→" { theme.sign("↑↓←→", "arrows") } else { key };
        let on = (key == "b" && state.only_broken)
            || (key == "f" && state.scope == crate::tui::graph::Scope::Focus)
            || (key == "space" && state.paused);
        let reserved = if last.contains(&(key, does)) { 0 } else { reserved };
        if row.width() + key.chars().count() + does.len() + 3 + reserved > usize::from(area.w) {
            continue;
        }
        let style = if on { theme.focus() } else { theme.quiet() };
        row = row.text(key, theme.strong()).plain(" ").text(does, style).plain("  ");
    }
    pen.row(area.x, (area.y + area.h).saturating_sub(1), area.w, &row);
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
    let mut rows = vec![Row::new().plain(" ").text("faults ", theme.quiet())];
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
            rows.push(Row::new().plain("        "));
        }
        if let Some(row) = rows.last_mut() {
            *row = std::mem::take(row).then(part);
        }
    }
    rows
}
