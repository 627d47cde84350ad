//! The panes: one file each, one `render` each, all of them functions of the state.

pub mod calls;
pub mod detail;
pub mod empty;
pub mod evidence;
pub mod footer;
pub mod header;
pub mod help;
pub mod log;
pub mod map;
mod node;
mod over;
pub mod pen;
pub mod problem_list;
pub mod problems;
mod prompt;
pub mod replay_bar;
pub mod service_detail;
pub mod services;
pub mod split;
mod strokes;
pub mod table;
pub mod token_detail;
pub mod tokens;
pub mod trace;
pub mod traces;
mod wires;
pub mod words;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::geometry::{Area, Frame, LEAST_HEIGHT, LEAST_WIDTH, Pane, Screen};
use super::page::Page;
use super::state::State;
use pen::{Pen, Row};

/// Draws the whole screen.
pub fn render(state: &State, buffer: &mut Buffer) {
    let area = buffer.area;
    let whole = Area { x: area.x, y: area.y, w: area.width, h: area.height };
    let mut pen = Pen::new(buffer, state.theme);
    pen.wash(whole, state.theme.ground());
    if state.is_tiny() {
        return too_small(state, &mut pen, whole);
    }
    let screen = state.screen();
    header::render(state, &mut pen, screen.header);
    footer::render(state, &mut pen, screen.footer);
    replay_bar::render(state, &mut pen);
    // Lists say by themselves that they are empty; only the map has nothing to say then.
    if state.is_empty() && matches!(state.page(), Page::Map | Page::Problems) {
        empty::render(state, &mut pen, state.body());
    } else {
        page(state, &mut pen, &screen);
    }
    let last = Area { y: whole.h - 1, h: 1, ..whole };
    log::render(state, &mut pen, whole);
    over::render(state, &mut pen, whole, last);
    if state.help.is_some() {
        help::render(state, &mut pen, whole);
    }
}

fn page(state: &State, pen: &mut Pen, screen: &Screen) {
    match state.page() {
        // Read from top to bottom, the calls come last.
        Page::Map if state.theme.plain => {
            if let Some(area) = screen.problems {
                problems::render(state, pen, area, screen.frame);
            }
            detail::render(state, pen, screen.detail, screen.frame);
            if let Some(area) = screen.map {
                map::render(state, pen, area, screen.frame);
            }
        }
        Page::Map => {
            if let Some(area) = screen.map {
                map::render(state, pen, area, screen.frame);
            }
            if let Some(area) = screen.problems {
                problems::render(state, pen, area, screen.frame);
            }
            detail::render(state, pen, screen.detail, screen.frame);
        }
        Page::Problems => problem_list::render(state, pen, state.body()),
        Page::Traces => traces::render(state, pen, state.body()),
        Page::Tokens => tokens::render(state, pen, state.body()),
        Page::Services => services::render(state, pen, state.body()),
        Page::Trace => trace::render(state, pen, state.body()),
    }
}

/// How a page that fills the body is framed: by lines on all sides where there is room.
fn shape(area: Area) -> Frame {
    if area.w >= 100 && area.h >= 20 { Frame::Box } else { Frame::Rule }
}

/// What lies within a page's frame.
pub fn inner(area: Area) -> Area {
    area.inner(shape(area))
}

/// The frame of a page that fills the body, with its title; returns what lies within.
fn page_frame(state: &State, pen: &mut Pen, area: Area, title: Row, note: Row) -> Area {
    frame_of(state, pen, area, shape(area), false, title, note);
    inner(area)
}

/// A pane's frame with its title; what has the keyboard is marked by sign and weight, not by colour alone.
pub(super) fn frame(state: &State, pen: &mut Pen, area: Area, frame: Frame, pane: Pane, title: Row, note: Row) {
    frame_of(state, pen, area, frame, state.pane == pane, title, note);
}

fn frame_of(state: &State, pen: &mut Pen, area: Area, frame: Frame, focused: bool, title: Row, note: Row) {
    let lines = if focused { state.theme.focus() } else { state.theme.quiet() };
    match frame {
        Frame::Box => pen.outline(area, lines),
        Frame::Rule => pen.rule(area, lines),
    }
    let mark = state.theme.sign("▸", ">");
    let mut head = if focused { Row::new().text(" ", lines).text(mark, lines) } else { Row::new() };
    head = head.plain(" ").then(title);
    if state.theme.plain {
        head = if note.width() > 0 { head.plain(": ").then(note) } else { head };
        pen.row(area.x, area.y, area.w, &head);
        return;
    }
    head = head.plain(" ");
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
