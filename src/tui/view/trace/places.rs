//! Where the parts of the page stand: one answer for drawing, keys and mouse.

use crate::tui::geometry::{Area, Frame};
use crate::tui::state::State;

/// Columns from which the detail stands at the right.
const WIDE: u16 = 160;
/// Columns from which a twin stands at the right, not below.
const SIDE_BY_SIDE: u16 = 98;

/// The parts of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Places {
    /// What the trace is, and what to know of it.
    pub head: Area,
    /// The waterfall, its heading included.
    pub list: Area,
    /// Lines of headings in it.
    pub heading: u16,
    /// Where the twin's lines stand, their heading included.
    pub twin: Option<Area>,
    /// The selected span, its frame included.
    pub detail: Area,
}

impl Places {
    /// The parts on the screen as it is.
    pub fn of(state: &State) -> Self {
        let inner = super::super::inner(state.body());
        let Some(trace) = &state.trace else { return Self::divide(inner, 0, 0, false) };
        let notices = trace.view.as_ref().map_or(0, |view| super::notices(state, trace, view).len());
        let most = if inner.h < 20 { 1 } else { 2 };
        let notices = u16::try_from(notices).unwrap_or(most).min(most);
        Self::divide(inner, notices, trace.unfolded(), trace.twin().is_some())
    }

    fn divide(inner: Area, notices: u16, lines: usize, twin: bool) -> Self {
        let head = Area { h: (1 + notices).min(inner.h), ..inner };
        let rest = Area { y: inner.y + head.h, h: inner.h - head.h, ..inner };
        let lines = u16::try_from(lines).unwrap_or(u16::MAX);
        if twin {
            return Self::with_twin(head, rest, lines);
        }
        if inner.w >= WIDE {
            let w = inner.w * 3 / 8;
            let list = Area { w: rest.w - w - 1, ..rest };
            let detail = Area { x: rest.x + list.w + 1, w, ..rest };
            return Self { head, list, heading: 1, twin: None, detail };
        }
        let heading = u16::from(rest.h >= 14);
        // The list takes what it needs, but always leaves the evidence its part.
        let least = (rest.h * 9 / 20).max(6).min(rest.h);
        let h = lines.saturating_add(heading).clamp(4, (rest.h - least).max(4)).min(rest.h);
        let list = Area { h, ..rest };
        Self { head, list, heading, twin: None, detail: Area { y: rest.y + h, h: rest.h - h, ..rest } }
    }

    fn with_twin(head: Area, rest: Area, lines: u16) -> Self {
        let beside = rest.w >= SIDE_BY_SIDE;
        let least = (rest.h * 3 / 10).max(4).min(rest.h);
        let wish = lines.saturating_add(1).saturating_mul(if beside { 1 } else { 2 });
        let h = wish.clamp(4, (rest.h - least).max(4)).min(rest.h);
        let (list, twin) = if beside {
            // Three columns between them are for the sign of a difference.
            let w = (rest.w - 3) / 2;
            (Area { w, h, ..rest }, Area { x: rest.x + rest.w - w, w, h, ..rest })
        } else {
            let half = h / 2;
            (Area { h: half, ..rest }, Area { y: rest.y + half, h: half, ..rest })
        };
        let h = if beside { h } else { h / 2 * 2 };
        let detail = Area { y: rest.y + h, h: rest.h - h, ..rest };
        Self { head, list, heading: 1, twin: Some(twin), detail }
    }

    /// Lines of the list that show.
    pub fn rows(&self) -> u16 {
        self.list.h.saturating_sub(self.heading)
    }

    /// The lists without their headings: this trace's, and the twin's.
    pub fn lists(&self) -> [Option<Area>; 2] {
        let below = |area: Area| Area { y: area.y + self.heading, h: area.h.saturating_sub(self.heading), ..area };
        [Some(below(self.list)), self.twin.map(below)]
    }

    /// Whether the twin stands at the right of this trace, not below it.
    pub fn side_by_side(&self) -> bool {
        self.twin.is_some_and(|twin| twin.y == self.list.y)
    }

    /// The detail without its frame.
    pub fn detail_inner(&self) -> Area {
        self.detail.inner(Frame::Rule)
    }
}
