//! What views draw with: only text of the program itself or [`Safe`] text gets onto the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::tui::geometry::Area;
use crate::tui::text::Safe;
use crate::tui::theme::Theme;

/// One line of styled text.
#[derive(Clone, Debug, Default)]
pub struct Row(Vec<(Safe, Style)>);

impl Row {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text of the program's own source.
    #[must_use]
    pub fn text(mut self, text: &'static str, style: Style) -> Self {
        self.0.push((Safe::new(text), style));
        self
    }

    /// Adds text of the program's own source in the terminal's own colour.
    #[must_use]
    pub fn plain(self, text: &'static str) -> Self {
        self.text(text, Style::new())
    }

    /// Adds text put together at run time: it is made safe whatever it holds.
    #[must_use]
    pub fn own(mut self, text: &str, style: Style) -> Self {
        self.0.push((Safe::new(text), style));
        self
    }

    /// Adds safe text.
    #[must_use]
    pub fn safe(mut self, text: Safe, style: Style) -> Self {
        self.0.push((text, style));
        self
    }

    /// Adds another line's text.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Lays a style over all of it.
    #[must_use]
    pub fn over(mut self, style: Style) -> Self {
        for (_, own) in &mut self.0 {
            *own = own.patch(style);
        }
        self
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(text, _)| text.width()).sum()
    }

    /// The parts.
    pub fn parts(&self) -> &[(Safe, Style)] {
        &self.0
    }
}

/// A buffer, and the theme that says what may be put into it.
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    /// Signs and colours.
    pub theme: Theme,
}

impl<'a> Pen<'a> {
    /// Draws into a buffer.
    pub fn new(buffer: &'a mut Buffer, theme: Theme) -> Self {
        Self { buffer, theme }
    }

    /// Writes safe text within some columns, cut with `…`; returns the columns used.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &Safe, style: Style) -> u16 {
        let room = self.buffer.area;
        if y >= room.bottom() || x >= room.right() {
            return 0;
        }
        let text = text.fit(usize::from(width.min(room.right() - x)));
        let text = if self.theme.ascii { text.ascii() } else { text };
        self.buffer.set_string(x, y, text.as_str(), style);
        u16::try_from(text.width()).unwrap_or(u16::MAX)
    }

    /// Writes a line within some columns; returns the columns used.
    pub fn row(&mut self, x: u16, y: u16, width: u16, row: &Row) -> u16 {
        let mut used = 0;
        for (text, style) in &row.0 {
            if used >= width {
                break;
            }
            used += self.put(x + used, y, width - used, text, *style);
        }
        used
    }

    /// One sign of the program's own; its plain twin must be given by the caller's theme.
    pub fn sign(&mut self, x: u16, y: u16, sign: &'static str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(sign).set_style(style);
        }
    }

    /// Lines on all sides; none where all is text.
    pub fn outline(&mut self, area: Area, style: Style) {
        if area.w < 2 || area.h < 2 || self.theme.plain {
            return;
        }
        let (right, bottom) = (area.x + area.w - 1, area.y + area.h - 1);
        let [flat, upright] = if self.theme.ascii { ["-", "|"] } else { ["─", "│"] };
        for x in area.x..=right {
            self.sign(x, area.y, flat, style);
            self.sign(x, bottom, flat, style);
        }
        for y in area.y..=bottom {
            self.sign(area.x, y, upright, style);
            self.sign(right, y, upright, style);
        }
        let corners = if self.theme.ascii { ["+"; 4] } else { ["┌", "┐", "└", "┘"] };
        let places = [(area.x, area.y), (right, area.y), (area.x, bottom), (right, bottom)];
        for ((x, y), corner) in places.into_iter().zip(corners) {
            self.sign(x, y, corner, style);
        }
    }

    /// One line above; none where all is text.
    pub fn rule(&mut self, area: Area, style: Style) {
        if self.theme.plain {
            return;
        }
        let flat = if self.theme.ascii { "-" } else { "─" };
        for x in area.x..area.x + area.w {
            self.sign(x, area.y, flat, style);
        }
    }

    /// Empties a rectangle.
    pub fn clear(&mut self, area: Area) {
        let ground = self.theme.ground();
        for y in area.y..area.y + area.h {
            for x in area.x..area.x + area.w {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(ground);
                }
            }
        }
    }

    /// Lays a style over a rectangle.
    pub fn wash(&mut self, area: Area, style: Style) {
        self.buffer.set_style(Rect::new(area.x, area.y, area.w, area.h).intersection(self.buffer.area), style);
    }

    /// Puts the whole screen into the background.
    pub fn dim(&mut self, area: Area) {
        self.wash(area, Style::new().add_modifier(Modifier::DIM));
    }
}
