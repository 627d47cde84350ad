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
        Self { title, width, right: false, grows: false, keep, sorted: false }
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

impl Table<'_> {
    /// Draws headings and the rows that fit; `cells` gives one cell for each column of a row.
    pub fn render(&self, pen: &mut Pen, area: Area, theme: Theme, cells: impl Fn(usize) -> Vec<Row>) {
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
        let height = area.h - 1;
        let first = first(self.at, height);
        for (row, y) in (first..self.rows).zip(area.y + 1..area.y + area.h) {
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
        let left = (width + 2).saturating_sub(needed(&kept));
        let growing = kept.iter().filter(|at| self.columns[**at].grows).count().max(1);
        let more = left / u16::try_from(growing).unwrap_or(1);
        kept.into_iter()
            .map(|at| (at, self.columns[at].width + if self.columns[at].grows { more } else { 0 }))
            .collect()
    }
}

/// A cell of the program's own or made safe.
pub fn cell(text: &str, style: Style) -> Row {
    Row::new().safe(Safe::new(text), style)
}
