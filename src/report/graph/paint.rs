//! Colours of verdicts in pictures: those of the screen, dark enough for text on white, light enough for text on black.

use crate::model::Verdict;

/// Colours of one background.
pub(super) struct Palette {
    /// By verdict, in the order of [`Verdict::ALL`].
    verdicts: [&'static str; Verdict::ALL.len()],
    /// Edges that no trace shows.
    pub plain: &'static str,
}

/// For white.
pub(super) const LIGHT: Palette = Palette {
    verdicts: ["#147a58", "#17788a", "#2563d9", "#c2282d", "#a034ad", "#a85b00", "#6b6b6b", "#6b6b6b"],
    plain: "#57606a",
};

/// For black.
pub(super) const DARK: Palette = Palette {
    verdicts: ["#35c293", "#3db8ca", "#6ea4f8", "#f0706f", "#d583dd", "#e29a3b", "#9a9a9a", "#9a9a9a"],
    plain: "#8b949e",
};

impl Palette {
    /// The colour of a verdict, `None` being an edge that no trace shows.
    pub(super) fn of(&self, verdict: Option<Verdict>) -> &'static str {
        verdict.map_or(self.plain, |verdict| self.verdicts[verdict as usize])
    }
}

/// How the line is drawn, so that colour is never alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// As it should be.
    Thin,
    /// Something is accused.
    Thick,
    /// Nothing was there, or nothing is known.
    Dotted,
}

/// The line of a verdict.
pub(super) fn line(verdict: Option<Verdict>) -> Line {
    match verdict {
        Some(verdict) if verdict.accuses() => Line::Thick,
        Some(Verdict::Absent | Verdict::Unknown) => Line::Dotted,
        _ => Line::Thin,
    }
}
