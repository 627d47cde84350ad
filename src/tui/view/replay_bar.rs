//! The line above the keys in a replay: where it stands, how fast it goes, and where the accused hops lie.

use ratatui::style::{Modifier, Style};

use super::pen::{Pen, Row};
use crate::model::{UnixNanos, Verdict};
use crate::tui::Mode;
use crate::tui::effect::Effect;
use crate::tui::geometry::Area;
use crate::tui::message::{Action, Pointer};
use crate::tui::replay::{Control, Playback};
use crate::tui::state::State;
use crate::tui::text::mebibytes;

/// Fewest columns in which hops over time say anything.
const LEAST_TRACK: usize = 10;
/// Columns that hops over time keep before keys get any.
const FAIR_TRACK: usize = 24;

/// Keys offered where there is room, the most useful first.
const KEYS: [([Action; 2], &str); 5] = [
    ([Action::PreviousAccused, Action::NextAccused], "problem"),
    ([Action::PreviousHop, Action::NextHop], "hop"),
    ([Action::Slower, Action::Faster], "speed"),
    ([Action::SeekBack, Action::SeekForward], "5 s"),
    ([Action::Loop, Action::Loop], "loop"),
];

/// Lines that the bar takes.
pub fn rows(state: &State) -> u16 {
    u16::from(state.playback.is_some())
}

/// Where the bar stands: above the last line.
pub fn area(state: &State) -> Option<Area> {
    let (w, h) = state.size;
    (rows(state) > 0 && h > 1).then(|| Area { x: 0, y: h - 2, w, h: 1 })
}

/// Draws the bar.
pub fn render(state: &State, pen: &mut Pen) {
    let (Some(area), Some(playback)) = (area(state), &state.playback) else { return };
    let parts = Parts::new(state, playback, usize::from(area.w));
    let used = pen.row(area.x, area.y, area.w, &parts.before);
    if let Some((_, columns)) = parts.track {
        track(state, pen, playback, Area { x: area.x + used, w: columns, ..area });
    }
    let said = said(state, playback);
    let over = if said.width() > 0 { said } else { parts.keys };
    let width = u16::try_from(over.width().max(parts.reserved)).unwrap_or(u16::MAX).min(area.w);
    let right = Area { x: area.x + area.w - width, w: width, ..area };
    pen.clear(right);
    pen.row(right.x, right.y, right.w, &over);
}

/// The mouse; true where it was the bar's.
pub fn point(state: &mut State, pointer: Pointer, x: u16, y: u16) -> bool {
    let on = area(state).is_some_and(|area| area.holds(x, y));
    match pointer {
        Pointer::Click => state.scrubbing = on,
        Pointer::WheelUp | Pointer::WheelDown if on => {
            let control = Control::Seconds(if pointer == Pointer::WheelUp { -1 } else { 1 });
            state.effects.push(Effect::Replay(control));
            return true;
        }
        _ => {}
    }
    // Whoever drags may leave the line: it is only one row high.
    let dragged = matches!(pointer, Pointer::Click | Pointer::Drag) && state.scrubbing;
    if dragged && let Some(control) = control_at(state, x) {
        state.effects.push(Effect::Replay(control));
    }
    on || dragged
}

/// The moment under a column, or what a click on the state before it does.
fn control_at(state: &State, x: u16) -> Option<Control> {
    let playback = state.playback.as_ref().filter(|playback| playback.following.is_none())?;
    let (start, columns) = Parts::new(state, playback, usize::from(state.size.0)).track?;
    let column = x.clamp(start, start + columns - 1) - start;
    let length = playback.end.0.saturating_sub(playback.start.0);
    // The first column is the start, the last one the end.
    let since = u128::from(length) * u128::from(column) / u128::from((columns - 1).max(1));
    Some(Control::Seek(UnixNanos(playback.start.0 + u64::try_from(since).unwrap_or(length))))
}

/// What stands in the bar: words, hops over time from a column on, keys.
struct Parts {
    before: Row,
    track: Option<(u16, u16)>,
    keys: Row,
    /// Columns of the keys.
    reserved: usize,
}

impl Parts {
    fn new(state: &State, playback: &Playback, width: usize) -> Self {
        if let Some(bytes) = playback.following {
            return Self { before: following(state, bytes), track: None, keys: Row::new(), reserved: 0 };
        }
        let before = before(state, playback);
        let room = width.saturating_sub(before.width() + 1);
        let keys = keys(state, room.saturating_sub(FAIR_TRACK).min(width / 3));
        let track = room.saturating_sub(keys.width());
        if track < LEAST_TRACK {
            return Self { before, track: None, keys: Row::new(), reserved: 0 };
        }
        let cast = |columns: usize| u16::try_from(columns).unwrap_or(u16::MAX);
        Self { track: Some((cast(before.width()), cast(track))), before, reserved: keys.width(), keys }
    }
}

fn before(state: &State, playback: &Playback) -> Row {
    let theme = state.theme;
    let (sign, word) = match playback {
        // Words are of one width: the hops behind them must not move when it stops.
        Playback { ended: true, .. } => (theme.sign("■", "#"), "at the end"),
        Playback { playing: true, .. } => (theme.sign("▶", ">"), "playing   "),
        _ => (theme.sign("‖", "="), "paused    "),
    };
    let style = if playback.playing { theme.good() } else { theme.warning() };
    let mut row = Row::new().plain(" ").text(sign, style).plain(" ").text(word, style).plain("  ");
    let length = playback.end.0.saturating_sub(playback.start.0);
    let at = playback.now.0.saturating_sub(playback.start.0);
    row = row.own(&clock(at, length), theme.strong()).own(&format!(" / {}", clock(length, length)), theme.quiet());
    let speed = playback.speed.map_or_else(|| "max".to_owned(), |speed| format!("{}{speed}", theme.sign("×", "x")));
    row = row.own(&format!("  {speed:<5}  "), theme.strong());
    if playback.looping {
        let word = if state.size.0 < 80 { theme.sign("↻", "R") } else { theme.sign("↻ loops", "loops") };
        row = row.text(word, theme.focus()).plain("  ");
    }
    row
}

/// What is said for a while: over the keys, so that the hops stay where they are.
fn said(state: &State, playback: &Playback) -> Row {
    let warning = state.theme.warning();
    match (playback.seeking, playback.note) {
        (Some(percent), _) => Row::new().own(&format!("  seeking {percent} % "), warning),
        (None, Some(note)) => Row::new().plain("  ").text(note.text(), warning).plain(" "),
        (None, None) => Row::new(),
    }
}

/// As many keys as fit, the most useful first, in their order.
fn keys(state: &State, room: usize) -> Row {
    let theme = state.theme;
    let mut row = Row::new();
    for (actions, does) in KEYS {
        let [Some(back), Some(on)] = actions.map(|action| state.keymap.keys(action).into_iter().next()) else {
            continue;
        };
        let key = if back == on { back } else { format!("{back} {on}") };
        let part = Row::new().plain("  ").own(&key, theme.strong()).plain(" ").text(does, theme.quiet());
        if row.width() + part.width() < room {
            row = row.then(part);
        }
    }
    if row.width() > 0 { row.plain(" ") } else { row }
}

fn following(state: &State, bytes: usize) -> Row {
    let theme = state.theme;
    let mut row = Row::new().plain(" ").text(theme.sign("●", "*"), theme.good()).plain(" ");
    row = row.text("following ", theme.good());
    if let Mode::Replay { file } = &state.mode {
        row = row.own(file, theme.strong());
    }
    row = row.plain("  ");
    let newest = state.snapshot.edges.iter().map(|row| row.last_seen).max();
    row = match newest {
        Some(newest) => row.own(&format!("newest hop {} ago", state.since(newest)), theme.quiet()),
        None => row.text("no hop yet", theme.quiet()),
    };
    match bytes {
        0 => row.text(", all judged", theme.quiet()),
        _ => row.own(&format!(", {} MiB still to judge", mebibytes(bytes)), theme.warning()),
    }
}

/// Accused hops over time, and where it stands.
fn track(state: &State, pen: &mut Pen, playback: &Playback, area: Area) {
    let theme = state.theme;
    let Some(slots) = &playback.accused else {
        let text = Row::new().text("counting accused hops …", theme.quiet());
        pen.row(area.x, area.y, area.w, &text);
        return;
    };
    let columns = columns(slots, usize::from(area.w));
    let at = column(playback, area.w);
    let bars: Vec<char> = crate::tui::theme::sparkline(&columns, theme).chars().collect();
    for ((x, bar), count) in (0..area.w).zip(bars).zip(columns) {
        let accused = count > 0;
        let style = match (accused, x < at) {
            (true, true) => theme.verdict(Verdict::Dropped),
            (true, false) => theme.verdict(Verdict::Dropped).remove_modifier(Modifier::BOLD),
            (false, true) => Style::new(),
            (false, false) => theme.quiet(),
        };
        let row = if x == at {
            let here = if accused { theme.glyph(Verdict::Dropped) } else { theme.sign("┃", "|") };
            Row::new().text(here, if accused { style } else { theme.focus() }.add_modifier(Modifier::REVERSED))
        } else {
            Row::new().own(&bar.to_string(), style)
        };
        pen.row(area.x + x, area.y, 1, &row);
    }
}

/// Slots added up to so many columns.
fn columns(slots: &[u32], width: usize) -> Vec<u32> {
    let mut columns = vec![0_u32; width];
    for (at, count) in slots.iter().enumerate() {
        if let Some(column) = columns.get_mut(at * width / slots.len().max(1)) {
            *column = column.saturating_add(*count);
        }
    }
    columns
}

/// The column of the replayed time: the first one at the start, the last one at the end.
fn column(playback: &Playback, width: u16) -> u16 {
    let length = playback.end.0.saturating_sub(playback.start.0);
    if playback.ended || length == 0 {
        return if playback.ended { width.saturating_sub(1) } else { 0 };
    }
    let since = playback.now.0.saturating_sub(playback.start.0).min(length);
    // As slots are added up, so that a hop and the time at which it is complete share a column.
    let column = u128::from(since) * u128::from(width) / u128::from(length);
    u16::try_from(column).unwrap_or(width).min(width.saturating_sub(1))
}

/// A time since the start, as fine as the length of it all asks for: `00:00.412`, `01:03.0`, `2:14:09`, `3 d 04:05`.
fn clock(nanos: u64, length: u64) -> String {
    let (millis, minutes) = (nanos / 1_000_000, nanos / 60_000_000_000);
    let seconds = millis / 1_000 % 60;
    match length / 1_000_000_000 {
        0..10 => format!("{minutes:02}:{seconds:02}.{:03}", millis % 1_000),
        10..3_600 => format!("{minutes:02}:{seconds:02}.{}", millis % 1_000 / 100),
        3_600..86_400 => format!("{}:{:02}:{seconds:02}", minutes / 60, minutes % 60),
        _ => format!("{} d {:02}:{:02}", minutes / 1_440, minutes / 60 % 24, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_fine_as_the_recording_is_short() {
        let second = 1_000_000_000;
        assert_eq!(clock(412_000_000, 2 * second), "00:00.412");
        assert_eq!(clock(63 * second, 63 * second), "01:03.0");
        assert_eq!(clock(8_049 * second, 9_000 * second), "2:14:09");
        assert_eq!(clock((3 * 86_400 + 4 * 3_600 + 300) * second, u64::MAX), "3 d 04:05");
    }

    #[test]
    fn no_accused_hop_is_lost_between_slots_and_columns() {
        let slots: Vec<u32> = (0..1_200).map(|at| u32::from(at % 7 == 0)).collect();
        for width in [10, 37, 120, 200, 1_200, 2_000] {
            assert_eq!(columns(&slots, width).iter().sum::<u32>(), slots.iter().sum::<u32>());
        }
    }
}
