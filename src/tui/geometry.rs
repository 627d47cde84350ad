//! Where the panes stand on a screen of some size: one answer for drawing and for the mouse.

/// A rectangle of the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Area {
    /// Left column.
    pub x: u16,
    /// Top row.
    pub y: u16,
    /// Columns.
    pub w: u16,
    /// Rows.
    pub h: u16,
}

impl Area {
    /// Whether a cell lies within.
    pub fn holds(self, x: u16, y: u16) -> bool {
        (self.x..self.x + self.w).contains(&x) && (self.y..self.y + self.h).contains(&y)
    }

    /// What lies within a frame of lines.
    #[must_use]
    pub fn inner(self, frame: Frame) -> Self {
        match frame {
            Frame::Box => {
                Self { x: self.x + 1, y: self.y + 1, w: self.w.saturating_sub(2), h: self.h.saturating_sub(2) }
            }
            Frame::Rule => Self { x: self.x, y: self.y + 1, w: self.w, h: self.h.saturating_sub(1) },
        }
    }
}

/// What stands around a pane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Lines on all sides, where there is room.
    Box,
    /// One line above.
    Rule,
}

/// The panes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pane {
    /// The call graph.
    Map,
    /// What is broken.
    #[default]
    Problems,
    /// The evidence of what is selected.
    Detail,
}

/// Columns below which nothing can be read.
pub const LEAST_WIDTH: u16 = 60;
/// Rows below which nothing can be read.
pub const LEAST_HEIGHT: u16 = 16;

/// Rows in which most evidence fits.
const EVIDENCE: u16 = 12;

/// Where everything stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Screen {
    /// The header's one or two lines.
    pub header: Area,
    /// The call graph; `None` where there is room for one list only and it is the other's.
    pub map: Option<Area>,
    /// The problems.
    pub problems: Option<Area>,
    /// The evidence.
    pub detail: Area,
    /// Switches and keys.
    pub footer: Area,
    /// How panes are framed.
    pub frame: Frame,
}

impl Screen {
    /// Divides a screen. `upper` is the list to show where only one fits; `graph` is what the call graph would like to
    /// have, in columns and rows; `problems` how many problems there are.
    pub fn divide(
        size: (u16, u16),
        header: u16,
        footer: u16,
        upper: Pane,
        graph: Option<(u16, u16)>,
        problems: usize,
    ) -> Self {
        let (w, h) = size;
        let body = Area { x: 0, y: header, w, h: h.saturating_sub(header + footer) };
        let mut screen = Self {
            header: Area { x: 0, y: 0, w, h: header },
            map: None,
            problems: None,
            detail: body,
            footer: Area { x: 0, y: h.saturating_sub(footer), w, h: footer },
            frame: if w >= 100 && h >= 24 { Frame::Box } else { Frame::Rule },
        };
        if screen.frame == Frame::Box {
            let detail = if body.h >= 34 { 14 } else { 12.min(body.h / 2) };
            let top = body.h - detail;
            let wish = graph.map_or(w * 6 / 10, |(columns, _)| columns + 4);
            let map = wish.clamp(w * 45 / 100, w.saturating_sub(46).max(w / 2));
            screen.map = Some(Area { h: top, w: map, ..body });
            screen.problems = Some(Area { x: map, h: top, w: w - map, ..body });
            screen.detail = Area { y: body.y + top, h: detail, ..body };
            return screen;
        }
        let lines = u16::try_from(problems.clamp(1, 100) * 2 + 1).unwrap_or(u16::MAX);
        if body.h >= 17 {
            let least = (body.h * 4 / 10).max(7);
            let list = lines.min((body.h - least) / 3).max(3);
            let most = body.h - least - list;
            // What the graph leaves free belongs to the evidence.
            let map = graph.map_or(most, |(_, rows)| rows.saturating_add(2)).clamp(3, most);
            let detail = body.h - map - list;
            screen.map = Some(Area { h: map, ..body });
            screen.problems = Some(Area { y: body.y + map, h: list, ..body });
            screen.detail = Area { y: body.y + map + list, h: detail, ..body };
        } else {
            let list = lines.clamp(3, (body.h * 2 / 5).max(3));
            let top = if upper == Pane::Map { body.h / 2 } else { list.min(body.h) };
            let area = Area { h: top, ..body };
            if upper == Pane::Map {
                screen.map = Some(area);
            } else {
                screen.problems = Some(area);
            }
            screen.detail = Area { y: body.y + top, h: body.h - top, ..body };
        }
        screen
    }

    /// Divides a screen of text alone: problems, evidence and calls below each other, in that order, without lines
    /// between. `upper` is the list that is kept where only one fits; `rows` how many problems and calls there are.
    pub fn stacked(size: (u16, u16), header: u16, footer: u16, upper: Pane, rows: (usize, usize)) -> Self {
        let (w, h) = size;
        let body = Area { x: 0, y: header, w, h: h.saturating_sub(header + footer) };
        let number = |rows: usize| u16::try_from(rows.clamp(1, 1_000)).unwrap_or(u16::MAX);
        // A title and two lines for each problem; a title, headings and a line for each call.
        let (problems, calls) = (number(rows.0) * 2 + 1, number(rows.1) + 2);
        let both = body.h >= 20;
        let list = |wish: u16, shown: bool| if shown { wish.min((body.h / 3).max(3)) } else { 0 };
        let above = list(problems, both || upper != Pane::Map);
        let below = list(calls, both || upper == Pane::Map);
        let rest = body.h.saturating_sub(above + below);
        // What evidence does not need goes to the calls: nobody wants to be read empty lines.
        let middle = if below > 0 { rest.min(EVIDENCE.max(body.h / 3)) } else { rest };
        let below = if below > 0 { body.h.saturating_sub(above + middle) } else { 0 };
        let place = |y: u16, h: u16| Area { y: body.y + y, h, ..body };
        Self {
            header: Area { x: 0, y: 0, w, h: header },
            map: (below > 0).then(|| place(above + middle, below)),
            problems: (above > 0).then(|| place(0, above)),
            detail: place(above, middle),
            footer: Area { x: 0, y: h.saturating_sub(footer), w, h: footer },
            frame: Frame::Rule,
        }
    }

    /// The pane at a cell.
    pub fn pane_at(&self, x: u16, y: u16) -> Option<Pane> {
        let within = |area: Option<Area>| area.is_some_and(|area| area.holds(x, y));
        if within(self.map) {
            Some(Pane::Map)
        } else if within(self.problems) {
            Some(Pane::Problems)
        } else {
            self.detail.holds(x, y).then_some(Pane::Detail)
        }
    }
}
