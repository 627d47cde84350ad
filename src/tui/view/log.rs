//! The end of jwtrail's own log.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use crate::tui::geometry::Area;
use crate::tui::state::State;
use crate::tui::text::{Safe, count};
use crate::tui::theme::Theme;

/// Lines of the log that fit.
pub fn rows(state: &State) -> usize {
    usize::from(state.size.1.saturating_sub(4))
}

/// Draws it over whatever is there, but for the header and the last line.
pub fn render(state: &State, pen: &mut Pen, whole: Area) {
    let Some(log) = &state.log else { return };
    let theme = state.theme;
    let area = Area { x: whole.x, y: whole.y + 1, w: whole.w, h: whole.h.saturating_sub(2) };
    pen.clear(area);
    pen.outline(area, theme.focus());
    let lines = log.lines();
    let height = rows(state);
    let first = log.first(height);
    let title = Row::new().plain(" ").text("Log", theme.strong()).plain("  ").own(&state.log_path, theme.quiet());
    pen.row(area.x + 2, area.y, area.w.saturating_sub(4), &title.plain(" "));
    let last = lines.len().min(first + height);
    let place = match &log.tail {
        Some(Ok(tail)) if tail.before > 0 => {
            format!(" the last {} lines; {} ", count(lines.len() as u64), following(state))
        }
        Some(Ok(_)) if !lines.is_empty() => format!(" {}-{last} of {}; {} ", first + 1, lines.len(), following(state)),
        _ => String::new(),
    };
    let width = u16::try_from(place.len()).unwrap_or(u16::MAX);
    if width + 4 < area.w {
        let row = Row::new().own(&place, theme.quiet());
        pen.row(area.x + area.w - width - 2, area.y + area.h - 1, width, &row);
    }
    let said = match &log.tail {
        None => Some("reading …".to_owned()),
        Some(Err(error)) => Some(format!("the log cannot be read: {error}")),
        Some(Ok(_)) if lines.is_empty() => Some("nothing was logged yet".to_owned()),
        Some(Ok(_)) => None,
    };
    if let Some(said) = said {
        pen.row(area.x + 2, area.y + 2, area.w.saturating_sub(4), &Row::new().own(&said, theme.quiet()));
    }
    for (line, y) in lines[first..last].iter().zip(area.y + 1..area.y + area.h - 1) {
        pen.row(area.x + 1, y, area.w.saturating_sub(2), &self::line(theme, line));
    }
}

fn following(state: &State) -> &'static str {
    match state.log.as_ref().and_then(|log| log.top) {
        None => "follows",
        Some(_) => "G follows",
    }
}

/// A line as it was logged; its time matters less than what it says, and a warning more.
fn line(theme: Theme, line: &str) -> Row {
    let (time, rest) = line.split_once(' ').filter(|(time, _)| time.ends_with('Z')).unwrap_or(("", line));
    let style = match rest.split_whitespace().next() {
        Some("ERROR" | "WARN") => theme.warning(),
        _ => Style::new(),
    };
    // The day is the same on most lines; the time of the day is enough.
    let time = time.split_once('T').map_or("", |(_, time)| time.get(..8).unwrap_or(time));
    let blank = if time.is_empty() { "" } else { " " };
    Row::new().own(time, theme.quiet()).plain(blank).safe(Safe::new(rest.trim_start()), style)
}
