//! Labelled lines that are wrapped to the width there is.

use ratatui::style::Style;

use crate::tui::text::Safe;
use crate::tui::theme::Theme;
use crate::tui::view::pen::Row;

/// Columns of the labels at the left.
pub(super) const LABEL: usize = 10;

/// Columns by which further lines stand in, behind what stands before the first.
const HANG: usize = 2;

/// Lines in the making.
pub(in crate::tui::view) struct Page {
    pub(in crate::tui::view) theme: Theme,
    pub(in crate::tui::view) width: usize,
    /// Columns of the labels; none in a column among others.
    label: usize,
    pub(in crate::tui::view) rows: Vec<Row>,
}

impl Page {
    /// An empty page of so many columns.
    pub(in crate::tui::view) fn new(width: usize, theme: Theme) -> Self {
        Self { theme, width, label: LABEL, rows: Vec::new() }
    }

    /// One without room for labels.
    pub(super) fn column(width: usize, theme: Theme) -> Self {
        Self { label: 0, ..Self::new(width, theme) }
    }

    /// The lines.
    pub(in crate::tui::view) fn done(self) -> Vec<Row> {
        self.rows
    }

    /// A labelled text, wrapped, the label before its first line.
    pub(in crate::tui::view) fn text(&mut self, label: &'static str, text: &str, style: Style) {
        self.text_after(label, Row::new(), text, style);
    }

    /// The same, with something before the text on its first line.
    pub(in crate::tui::view) fn text_after(&mut self, label: &'static str, before: Row, text: &str, style: Style) {
        let indent = self.label + before.width().min(HANG);
        let first = self.label + before.width();
        let room = self.width.saturating_sub(first).max(10);
        let text = Safe::new(text);
        let Some(head) = text.wrap(room).into_iter().next() else { return };
        let rest = Safe::new(text.as_str().get(head.as_str().len()..).unwrap_or_default().trim_start());
        self.rows.push(self.label(label).then(before).safe(head, style));
        if !rest.is_empty() {
            for line in rest.wrap(self.width.saturating_sub(indent).max(10)) {
                self.rows.push(Row::new().own(&" ".repeat(indent), style).safe(line, style));
            }
        }
    }

    pub(super) fn label(&self, label: &'static str) -> Row {
        match self.label {
            0 => Row::new(),
            columns => Row::new().own(&format!(" {label:<width$}", width = columns - 1), self.theme.quiet()),
        }
    }

    /// Parts joined by dots, wrapped between parts, the label before the first line.
    pub(in crate::tui::view) fn parts(&mut self, label: &'static str, before: Row, parts: Vec<Row>) {
        let indent = self.label + before.width().min(HANG);
        let mut row = self.label(label).then(before);
        let mut empty = true;
        for part in parts.into_iter().filter(|part| part.width() > 0) {
            if !empty && row.width() + 3 + part.width() > self.width {
                self.rows.push(std::mem::take(&mut row));
                row = Row::new().own(&" ".repeat(indent), Style::new());
                empty = true;
            }
            if !empty {
                row = row.text(self.theme.sign(" · ", " - "), self.theme.quiet());
            }
            row = row.then(part);
            empty = false;
        }
        self.rows.push(row);
    }
}
