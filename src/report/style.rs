//! Glyphs and colours of the text report: the same glyph, word and colour for a verdict as on the screen.

use std::fmt::Display;

use super::Issue;
use crate::model::{Severity, Verdict};

/// How the text report is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
    /// With ASCII characters only.
    pub ascii: bool,
    /// Columns to break lines at; `None` leaves them whole, for files and other programs.
    pub width: Option<u16>,
}

impl Style {
    /// The glyph of a verdict.
    pub fn glyph(self, verdict: Verdict) -> &'static str {
        let (glyph, ascii) = match verdict {
            Verdict::Intact => ("✓", "+"),
            Verdict::Originated => ("●", "o"),
            Verdict::Exchanged => ("⇄", "~"),
            Verdict::Dropped => ("✗", "x"),
            Verdict::Changed => ("≠", "#"),
            Verdict::Failed => ("!", "!"),
            Verdict::Absent => ("·", "."),
            Verdict::Unknown => ("?", "?"),
        };
        if self.ascii { ascii } else { glyph }
    }

    /// The glyph of an issue.
    pub(super) fn mark(self, issue: &Issue) -> &'static str {
        issue.verdict.map_or(self.finding(), |verdict| self.glyph(verdict))
    }

    /// The glyph of a finding: no verdict's.
    pub(super) fn finding(self) -> &'static str {
        if self.ascii { "*" } else { "◆" }
    }

    /// Text in the colour of a verdict.
    pub(super) fn verdict(self, verdict: Verdict, text: impl Display) -> String {
        let code = match verdict {
            Verdict::Intact => "32",
            Verdict::Originated => "36",
            Verdict::Exchanged => "34",
            Verdict::Dropped => "31",
            Verdict::Changed => "35",
            Verdict::Failed => "33",
            Verdict::Absent | Verdict::Unknown => "90",
        };
        self.paint(code, text)
    }

    /// Text in the colour of a severity.
    pub(super) fn severity(self, severity: Severity, text: impl Display) -> String {
        let code = match severity {
            Severity::Critical => "1;31",
            Severity::High => "31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Info => "90",
        };
        self.paint(code, text)
    }

    /// Text that steps back.
    pub(super) fn dim(self, text: impl Display) -> String {
        self.paint("90", text)
    }

    /// Text that stands out.
    pub(super) fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    /// Between two names of an edge.
    pub(super) fn arrow(self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// A hop of a path.
    pub(super) fn hop(self, verdict: Verdict) -> String {
        let glyph = self.glyph(verdict);
        let text = if self.ascii { format!("-{glyph}->") } else { format!("─{glyph}─▸") };
        self.verdict(verdict, text)
    }

    /// In place of a value that is not there.
    pub(super) fn nothing(self) -> &'static str {
        if self.ascii { "-" } else { "—" }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}
