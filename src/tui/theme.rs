//! How verdicts look: a glyph, a word and a colour, never the colour alone.
//!
//! Nothing sets a background unless a theme says so: light and dark terminals keep their own. Every set of colours is
//! told apart by eyes that confuse red and green.

mod file;
mod palette;

use ratatui::style::{Modifier, Style};

use crate::model::{Severity, Verdict};

pub use file::ThemeError;
pub use palette::{COLOUR_BLIND, DARK, HIGH_CONTRAST, Hue, LIGHT, PALETTES, Palette, xterm};

/// How many colours the terminal has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Depth {
    /// None: `NO_COLOR`, or a terminal without them.
    None,
    /// The sixteen that the user's own scheme defines.
    Sixteen,
    /// The xterm palette.
    #[default]
    Indexed,
    /// 24 bits.
    True,
}

/// Signs and colours for one terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Theme {
    /// Whether only ASCII may be drawn.
    pub ascii: bool,
    /// How many colours there are.
    pub depth: Depth,
    /// Which colours.
    pub palette: Palette,
    /// Whether the terminal is to be asked for its background first, and `palette` is only a guess until then.
    pub adapts: bool,
    /// Whether all of it is text to be read from top to bottom: no lines, no drawings, words in place of signs.
    pub plain: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self { ascii: false, depth: Depth::default(), palette: DARK, adapts: false, plain: false }
    }
}

impl Theme {
    /// The theme of this name, in the default depth.
    pub fn named(name: &str) -> Result<Self, ThemeError> {
        Self::default().switched(name)
    }

    /// The same terminal in the colours of this name.
    pub fn switched(self, name: &str) -> Result<Self, ThemeError> {
        Ok(self.wearing(file::named(name)?))
    }

    /// The names that [`Self::switched`] takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        file::each_name()
    }

    /// The same terminal in the colours of a file's `[theme]` table.
    pub fn read(self, text: &str) -> Result<Self, ThemeError> {
        Ok(self.wearing(file::read(text)?))
    }

    /// The same terminal in other colours.
    #[must_use]
    pub const fn wearing(self, palette: Palette) -> Self {
        Self { palette, adapts: false, ..self }
    }

    /// The same terminal in the colours that suit its background. Where nobody knows it, it is to be asked: most are
    /// dark. `var` reads an environment variable: rxvt and some others tell their colours in `COLORFGBG`.
    #[must_use]
    pub fn suiting(self, var: impl Fn(&str) -> Option<String>) -> Self {
        let background = var("COLORFGBG").and_then(|value| value.rsplit(';').next()?.trim().parse::<u8>().ok());
        let guess = if matches!(background, Some(7 | 15)) { LIGHT } else { DARK };
        let term = var("TERM").unwrap_or_default();
        let answers = !matches!(&*term, "" | "dumb" | "linux") && self.depth != Depth::None && !self.plain;
        Self { palette: guess, adapts: answers, ..self }
    }

    /// What lies under everything.
    pub fn ground(self) -> Style {
        let (ink, paper) = (self.palette.foreground, self.palette.background);
        let style = ink.map_or_else(Style::new, |hue| self.fg(hue));
        match paper.map(|hue| self.fg(hue)) {
            Some(Style { fg: Some(paper), .. }) => style.bg(paper),
            _ => style,
        }
    }

    /// The sign of a verdict.
    pub const fn glyph(self, verdict: Verdict) -> &'static str {
        match (verdict, self.ascii || self.plain) {
            (Verdict::Intact, false) => "✓",
            (Verdict::Intact, true) => "v",
            (Verdict::Originated, false) => "●",
            (Verdict::Originated, true) => "o",
            (Verdict::Exchanged, false) => "⇄",
            (Verdict::Exchanged, true) => "%",
            (Verdict::Dropped, false) => "✗",
            (Verdict::Dropped, true) => "X",
            (Verdict::Changed, false) => "≠",
            (Verdict::Changed, true) => "#",
            (Verdict::Failed, _) => "!",
            (Verdict::Absent, false) => "·",
            (Verdict::Absent, true) => ".",
            (Verdict::Unknown, _) => "?",
        }
    }

    /// The sign of a finding, which stands beside verdicts.
    pub const fn finding_glyph(self) -> &'static str {
        if self.ascii || self.plain { "*" } else { "◆" }
    }

    /// The colour of a verdict.
    pub fn verdict(self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Intact => self.fg(self.palette.intact),
            Verdict::Originated => self.fg(self.palette.originated),
            Verdict::Exchanged => self.fg(self.palette.exchanged),
            Verdict::Dropped => self.fg(self.palette.dropped).add_modifier(Modifier::BOLD),
            Verdict::Changed => self.fg(self.palette.changed).add_modifier(Modifier::BOLD),
            Verdict::Failed => self.fg(self.palette.failed).add_modifier(Modifier::BOLD),
            Verdict::Absent | Verdict::Unknown => self.quiet(),
        }
    }

    /// The colour of a severity's word.
    pub fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Critical => self.fg(self.palette.dropped).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Severity::High => self.fg(self.palette.dropped).add_modifier(Modifier::BOLD),
            Severity::Medium => self.fg(self.palette.failed),
            Severity::Low => Style::new(),
            Severity::Info => self.quiet(),
        }
    }

    /// The colour of a token, the same wherever it shows.
    pub fn token(self, short_name: &str) -> Style {
        let sum = short_name.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31) ^ usize::from(byte));
        self.fg(self.palette.tokens[sum % self.palette.tokens.len()]).add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub fn quiet(self) -> Style {
        if self.depth == Depth::None { Style::new().add_modifier(Modifier::DIM) } else { self.fg(self.palette.quiet) }
    }

    /// What names things: titles, keys, labels.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What has the keyboard.
    pub fn focus(self) -> Style {
        self.fg(self.palette.focus).add_modifier(Modifier::BOLD)
    }

    /// What is selected.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// A warning about the set-up.
    pub fn warning(self) -> Style {
        self.fg(self.palette.failed)
    }

    /// What runs well.
    pub fn good(self) -> Style {
        self.fg(self.palette.intact)
    }

    /// A sign with its plain twin.
    pub const fn sign(self, sign: &'static str, plain: &'static str) -> &'static str {
        if self.ascii || self.plain { plain } else { sign }
    }

    fn fg(self, hue: Hue) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            Depth::Sixteen => Style::new().fg(hue.sixteen),
            Depth::Indexed => Style::new().fg(hue.indexed),
            Depth::True => Style::new().fg(hue.full),
        }
    }
}

/// Bars of eight heights; empty slots keep the lowest line so that the time axis stays visible. Words and numbers where
/// all is text.
pub fn sparkline(slots: &[u32], theme: Theme) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
    if theme.plain {
        let (most, last) = (slots.iter().copied().max().unwrap_or(0), slots.last().copied().unwrap_or(0));
        return format!("at most {most}, last {last},");
    }
    let most = slots.iter().copied().max().unwrap_or(0).max(1);
    let bars = if theme.ascii { PLAIN } else { BARS };
    slots
        .iter()
        .map(|&slot| match slot {
            0 => bars[0],
            _ => bars[(1 + u64::from(slot) * 6 / u64::from(most)) as usize],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_differ_by_glyph_alone() {
        for ascii in [false, true] {
            let theme = Theme { ascii, depth: Depth::None, ..Theme::default() };
            let mut glyphs: Vec<_> = Verdict::ALL.iter().map(|verdict| theme.glyph(*verdict)).collect();
            assert!(!ascii || glyphs.iter().all(|glyph| glyph.is_ascii()));
            glyphs.push(theme.finding_glyph());
            glyphs.sort_unstable();
            glyphs.dedup();
            assert_eq!(glyphs.len(), Verdict::ALL.len() + 1);
        }
    }

    #[test]
    fn no_colour_means_none() {
        let theme = Theme { depth: Depth::None, ..Theme::default() };
        for verdict in Verdict::ALL {
            assert_eq!(theme.verdict(*verdict).fg, None);
        }
        assert_eq!(theme.token("k3va").fg, None);
    }

    #[test]
    fn sparkline_scales_to_its_own_peak() {
        assert_eq!(sparkline(&[0, 1, 7, 14], Theme::default()), "▁▂▅█");
        assert_eq!(sparkline(&[0; 3], Theme::default()), "▁▁▁");
        assert_eq!(sparkline(&[u32::MAX, 1], Theme::default()), "█▂");
    }
}
