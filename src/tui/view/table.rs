//! A list with columns: only the rows that show are built, and what is selected is always in sight.

use ratatui::style::Style;

use super::pen::{Pen, Row};
use crate::tui::geometry::Area;
use crate::tui::text::Safe;
use crate::tui::theme::Theme;

/// One column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Columns of the screen that it takes at least; the one with `grows` takes what is left.
    pub width: u16,
    /// Columns that it would fill: it gets them, the least `turn` first, before any grows.
    pub most: u16,
    /// When it gets them.
    pub turn: u8,
    /// Whether its text stands at the right.
    pub right: bool,
    /// Whether it takes what the others leave.
    pub grows: bool,
    /// Left out first where the screen is narrow: the lowest number goes first, 255 never.
    pub keep: u8,
    /// Whether the list is sorted by it.
    pub sorted: bool,
}

impl Column {
    /// A column whose text stands at the left.
    pub const fn left(title: &'static str, width: u16, keep: u8) -> Self {
        Self { title, width, most: width, turn: 0, right: false, grows: false, keep, sorted: false }
    }

    /// A column whose text stands at the right.
    pub const fn right(title: &'static str, width: u16, keep: u8) -> Self {
        Self { right: true, ..Self::left(title, width, keep) }
    }

    /// The same, taking what the others leave.
    #[must_use]
    pub const fn growing(self) -> Self {
        Self { grows: true, ..self }
    }

    /// The same, wider where there is room, up to so many columns; whoever has the least `turn` is served first.
    #[must_use]
    pub const fn up_to(self, most: u16, turn: u8) -> Self {
        Self { most, turn, ..self }
    }

    /// The same, marked as what the list is sorted by.
    #[must_use]
    pub const fn sorted(self, sorted: bool) -> Self {
        Self { sorted, ..self }
    }
}

/// What a table shows.
pub struct Table<'a> {
    /// Its columns.
    pub columns: &'a [Column],
    /// Rows there are.
    pub rows: usize,
    /// The selected row.
    pub at: usize,
    /// Whether the other way round.
    pub reverse: bool,
}

/// The first row that shows: the list moves just enough to keep the selected one in sight.
pub fn first(at: usize, height: u16) -> usize {
    (at + 1).saturating_sub(usize::from(height.max(1)))
}

/// The first row that shows where the selected one stands on the `line`th: a list whose rows move keeps it on its line.
/// No line stays empty while there are rows for it.
pub fn top(at: usize, line: u16, height: u16, rows: usize) -> usize {
    let height = usize::from(height.max(1));
    at.saturating_sub(usize::from(line).min(height - 1)).min(rows.saturating_sub(height))
}

/// The line of the selected row after it moved: the rows stand still as long as it stays in sight.
pub fn line_after(line: u16, (from, to): (usize, usize), height: u16, rows: usize) -> u16 {
    let first = top(from, line, height, rows);
    u16::try_from(to.saturating_sub(first)).unwrap_or(u16::MAX).min(height.max(1) - 1)
}

impl Table<'_> {
    /// Draws headings and the rows that fit; `cells` gives one cell for each column of a row.
    pub fn render(&self, pen: &mut Pen, area: Area, theme: Theme, cells: impl Fn(usize) -> Vec<Row>) {
        self.render_from(pen, area, theme, first(self.at, area.h.saturating_sub(1)), cells);
    }

    /// The same, from this row on.
    pub fn render_from(&self, pen: &mut Pen, area: Area, theme: Theme, top: usize, cells: impl Fn(usize) -> Vec<Row>) {
        if area.h == 0 {
            return;
        }
        let shown = self.fitting(area.w.saturating_sub(2));
        let headings = |column: &Column| {
            let mark = match (column.sorted, self.reverse) {
                (false, _) => "",
                (true, false) => theme.sign("▾", "v"),
                (true, true) => theme.sign("▴", "^"),
            };
            Row::new().text(column.title, theme.quiet()).text(mark, theme.focus())
        };
        self.line(pen, (area.x + 1, area.y), &shown, |at| headings(&self.columns[at]));
        for (row, y) in (top..self.rows).zip(area.y + 1..area.y + area.h) {
            let cells = cells(row);
            let lit = row == self.at;
            if lit {
                pen.row(area.x, y, 1, &Row::new().text(theme.sign("▌", ">"), theme.focus()));
            }
            self.line(pen, (area.x + 1, y), &shown, |at| cells.get(at).cloned().unwrap_or_default());
            if lit {
                let line = Area { x: area.x + 1, y, w: area.w.saturating_sub(1), h: 1 };
                pen.wash(line, theme.strong());
            }
        }
    }

    /// The column whose heading stands at this column of the screen, within the table's area.
    pub fn heading_at(&self, area: Area, x: u16) -> Option<usize> {
        let mut left = area.x + 1;
        for (at, width) in self.fitting(area.w.saturating_sub(2)) {
            if (left..left + width).contains(&x) {
                return Some(at);
            }
            left += width + 2;
        }
        None
    }

    /// Whether the heading of the column that the list is sorted by is in sight.
    pub fn shows_order(&self, area: Area) -> bool {
        self.fitting(area.w.saturating_sub(2)).iter().any(|(at, _)| self.columns[*at].sorted)
    }

    fn line(&self, pen: &mut Pen, (x, y): (u16, u16), shown: &[(usize, u16)], cell: impl Fn(usize) -> Row) {
        let mut x = x;
        for &(at, width) in shown {
            let row = cell(at);
            let used = u16::try_from(row.width()).unwrap_or(u16::MAX).min(width);
            let indent = if self.columns[at].right { width - used } else { 0 };
            pen.row(x + indent, y, width - indent, &row);
            x += width + 2;
        }
    }

    /// The columns that fit with their widths.
    fn fitting(&self, width: u16) -> Vec<(usize, u16)> {
        let mut kept: Vec<usize> = (0..self.columns.len()).collect();
        let needed = |kept: &[usize]| -> u16 { kept.iter().map(|at| self.columns[*at].width + 2).sum() };
        while needed(&kept) > width + 2 {
            let least = kept.iter().copied().filter(|at| self.columns[*at].keep < 255);
            let Some(least) = least.min_by_key(|at| self.columns[*at].keep) else { break };
            kept.retain(|at| *at != least);
        }
        let mut left = (width + 2).saturating_sub(needed(&kept));
        // The narrowest screen may have less than the last column wants.
        let mut widths: Vec<(usize, u16)> = kept.iter().map(|at| (*at, self.columns[*at].width.min(width))).collect();
        let mut turns: Vec<usize> = (0..widths.len()).collect();
        turns.sort_by_key(|at| self.columns[kept[*at]].turn);
        for at in turns {
            let more = self.columns[kept[at]].most.saturating_sub(widths[at].1).min(left);
            (left, widths[at].1) = (left - more, widths[at].1 + more);
        }
        let growing = widths.iter().filter(|(at, _)| self.columns[*at].grows).count().max(1);
        let more = left / u16::try_from(growing).unwrap_or(1);
        for (at, width) in &mut widths {
            *width += if self.columns[*at].grows { more } else { 0 };
        }
        widths
    }
}

/// A cell of the program's own or made safe.
pub fn cell(text: &str, style: Style) -> Row {
    Row::new().safe(Safe::new(text), style)
}
