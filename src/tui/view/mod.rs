//! The panes: one file each, one `render` each, all of them functions of the state.

pub mod detail;
pub mod empty;
pub mod footer;
pub mod header;
pub mod help;
pub mod map;
mod node;
pub mod pen;
pub mod problems;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::geometry::{Area, Frame, LEAST_HEIGHT, LEAST_WIDTH, Pane};
use super::state::State;
use pen::{Pen, Row};

/// Draws the whole screen.
pub fn render(state: &State, buffer: &mut Buffer) {
    let area = buffer.area;
    let whole = Area { x: area.x, y: area.y, w: area.width, h: area.height };
    let mut pen = Pen::new(buffer, state.theme);
    if state.is_tiny() {
        return too_small(state, &mut pen, whole);
    }
    let screen = state.screen();
    header::render(state, &mut pen, screen.header);
    footer::render(state, &mut pen, screen.footer);
    if state.is_empty() {
        let body = Area { x: 0, y: screen.header.h, w: whole.w, h: whole.h - screen.header.h - screen.footer.h };
        empty::render(state, &mut pen, body);
    } else {
        if let Some(area) = screen.map {
            map::render(state, &mut pen, area, screen.frame);
        }
        if let Some(area) = screen.problems {
            problems::render(state, &mut pen, area, screen.frame);
        }
        detail::render(state, &mut pen, screen.detail, screen.frame);
    }
    if state.help.is_some() {
        help::render(state, &mut pen, whole);
    }
}

/// A pane's frame with its title; what has the keyboard is marked by sign and weight, not by colour alone.
pub(super) fn frame(state: &State, pen: &mut Pen, area: Area, frame: Frame, pane: Pane, title: Row, note: Row) {
    let focused = state.pane == pane;
    let lines = if focused { state.theme.focus() } else { state.theme.quiet() };
    match frame {
        Frame::Box => pen.outline(area, lines),
        Frame::Rule => pen.rule(area, lines),
    }
    let mark = state.theme.sign("▸", ">");
    let mut head = if focused { Row::new().text(" ", lines).text(mark, lines) } else { Row::new() };
    head = head.plain(" ").then(title).plain(" ");
    let used = pen.row(area.x + 1, area.y, area.w.saturating_sub(2), &head);
    let note = note.plain(" ");
    let width = u16::try_from(note.width()).unwrap_or(u16::MAX);
    // A note that would run into the title is left out.
    if width > 1 && used + width + 4 < area.w {
        pen.row(area.x + area.w - width - 3, area.y, width + 1, &Row::new().plain(" ").then(note));
    }
}

fn too_small(state: &State, pen: &mut Pen, area: Area) {
    let lines = [
        Row::new().text("jwtrail", state.theme.strong()),
        Row::new().own(&format!("needs {LEAST_WIDTH} x {LEAST_HEIGHT}"), state.theme.warning()),
        Row::new().own(&format!("this is {} x {}", state.size.0, state.size.1), state.theme.quiet()),
        Row::new().text("q quits", state.theme.quiet()),
    ];
    for (y, line) in (area.y..area.y + area.h).zip(&lines) {
        pen.row(area.x, y, area.w, line);
    }
}

/// The whole state as a picture of its own.
pub fn picture(state: &State) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, state.size.0, state.size.1));
    render(state, &mut buffer);
    buffer
}
