//! A list above, what is selected in it below.

use super::pen::{Pen, Row};
use super::{frame_of, shape};
use crate::tui::geometry::{Area, Frame};
use crate::tui::page::below::Below;
use crate::tui::state::State;

/// Divides a page's body. What a short list leaves goes to the detail, so that the line between them stands still while
/// the selection moves.
pub fn parts(body: Area, rows: usize) -> (Area, Area) {
    let frame: u16 = if shape(body) == Frame::Box { 2 } else { 1 };
    let wanted = u16::try_from(rows.max(1)).unwrap_or(u16::MAX).saturating_add(1 + frame);
    let list = wanted.min(body.h.div_ceil(2));
    let below = Area { y: body.y + list, h: body.h - list, ..body };
    (Area { h: list, ..body }, below)
}

/// What lies within the frame of a part.
pub fn inner(body: Area, part: Area) -> Area {
    part.inner(shape(body))
}

/// The list's frame; returns what lies within.
pub fn list(state: &State, pen: &mut Pen, area: Area, title: Row, note: Row) -> Area {
    let shape = shape(state.body());
    frame_of(state, pen, area, shape, false, title, note);
    area.inner(shape)
}

/// Draws the detail: as many lines as fit, from the one that it was scrolled to.
pub fn detail(state: &State, pen: &mut Pen, area: Area, below: Below, title: Row, rows: &[Row]) {
    let shape = shape(state.body());
    let inner = area.inner(shape);
    let over = rows.len().saturating_sub(usize::from(inner.h));
    let first = usize::from(below.scroll).min(over);
    let more = over - first;
    let note = match more {
        0 => Row::new(),
        _ => Row::new().own(&format!("{more} lines more, Tab and arrows"), state.theme.quiet()),
    };
    frame_of(state, pen, area, shape, below.focused, title, note);
    for (y, row) in (inner.y..inner.y + inner.h).zip(rows.iter().skip(first)) {
        pen.row(inner.x, y, inner.w, row);
    }
}

/// Lines that do not fit.
pub fn overflow(body: Area, part: Area, rows: usize) -> u16 {
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_sub(inner(body, part).h)
}
