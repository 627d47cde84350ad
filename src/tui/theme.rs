//! How verdicts look: a glyph, a word and a colour, never the colour alone.
//!
//! Nothing sets a background, so that light and dark terminals both keep their own; the hues are of middle lightness and
//! told apart by eyes that confuse red and green.

use ratatui::style::{Color, Modifier, Style};

use crate::model::{Severity, Verdict};

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

/// One hue in each depth.
#[derive(Clone, Copy)]
struct Hue {
    sixteen: Color,
    indexed: u8,
    rgb: (u8, u8, u8),
}

const fn hue(sixteen: Color, indexed: u8, rgb: (u8, u8, u8)) -> Hue {
    Hue { sixteen, indexed, rgb }
}

const GREEN: Hue = hue(Color::Green, 36, (0x1f, 0xa6, 0x7a));
const CYAN: Hue = hue(Color::Cyan, 37, (0x2a, 0xa1, 0xb3));
const BLUE: Hue = hue(Color::Blue, 69, (0x4c, 0x8d, 0xf6));
const RED: Hue = hue(Color::Red, 167, (0xe0, 0x4f, 0x50));
const MAGENTA: Hue = hue(Color::Magenta, 170, (0xc7, 0x5f, 0xd1));
const ORANGE: Hue = hue(Color::Yellow, 172, (0xd7, 0x87, 0x1f));
const GREY: Hue = hue(Color::DarkGray, 245, (0x8a, 0x8a, 0x8a));

/// Colours for tokens: no verdict wears one of them as its own word does.
const TOKENS: [Hue; 8] = [
    hue(Color::LightBlue, 74, (0x5f, 0xaf, 0xd7)),
    hue(Color::LightYellow, 179, (0xd7, 0xaf, 0x5f)),
    hue(Color::LightGreen, 107, (0x87, 0xaf, 0x5f)),
    hue(Color::LightMagenta, 140, (0xaf, 0x87, 0xd7)),
    hue(Color::LightCyan, 73, (0x5f, 0xaf, 0xaf)),
    hue(Color::LightRed, 174, (0xd7, 0x87, 0x87)),
    hue(Color::Yellow, 137, (0xaf, 0x87, 0x5f)),
    hue(Color::Cyan, 110, (0x87, 0xaf, 0xd7)),
];

/// Signs and colours for one terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Theme {
    /// Whether only ASCII may be drawn.
    pub ascii: bool,
    /// Colours.
    pub depth: Depth,
}

impl Theme {
    /// The sign of a verdict.
    pub const fn glyph(self, verdict: Verdict) -> &'static str {
        match (verdict, self.ascii) {
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
        if self.ascii { "*" } else { "◆" }
    }

    /// The colour of a verdict.
    pub fn verdict(self, verdict: Verdict) -> Style {
        match verdict {
            Verdict::Intact => self.fg(GREEN),
            Verdict::Originated => self.fg(CYAN),
            Verdict::Exchanged => self.fg(BLUE),
            Verdict::Dropped => self.fg(RED).add_modifier(Modifier::BOLD),
            Verdict::Changed => self.fg(MAGENTA).add_modifier(Modifier::BOLD),
            Verdict::Failed => self.fg(ORANGE).add_modifier(Modifier::BOLD),
            Verdict::Absent | Verdict::Unknown => self.quiet(),
        }
    }

    /// The colour of a severity's word.
    pub fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Critical => self.fg(RED).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Severity::High => self.fg(RED).add_modifier(Modifier::BOLD),
            Severity::Medium => self.fg(ORANGE),
            Severity::Low => Style::new(),
            Severity::Info => self.quiet(),
        }
    }

    /// The colour of a token, the same wherever it shows.
    pub fn token(self, short_name: &str) -> Style {
        let sum = short_name.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31) ^ usize::from(byte));
        self.fg(TOKENS[sum % TOKENS.len()]).add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub fn quiet(self) -> Style {
        if self.depth == Depth::None { Style::new().add_modifier(Modifier::DIM) } else { self.fg(GREY) }
    }

    /// What names things: titles, keys, labels.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What has the keyboard.
    pub fn focus(self) -> Style {
        self.fg(BLUE).add_modifier(Modifier::BOLD)
    }

    /// What is selected.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// A warning about the set-up.
    pub fn warning(self) -> Style {
        self.fg(ORANGE)
    }

    /// What runs well.
    pub fn good(self) -> Style {
        self.fg(GREEN)
    }

    /// A sign with its plain twin.
    pub const fn sign(self, sign: &'static str, plain: &'static str) -> &'static str {
        if self.ascii { plain } else { sign }
    }

    fn fg(self, hue: Hue) -> Style {
        let (r, g, b) = hue.rgb;
        match self.depth {
            Depth::None => Style::new(),
            Depth::Sixteen => Style::new().fg(hue.sixteen),
            Depth::Indexed => Style::new().fg(Color::Indexed(hue.indexed)),
            Depth::True => Style::new().fg(Color::Rgb(r, g, b)),
        }
    }
}

/// Bars of eight heights; empty slots keep the lowest line so that the time axis stays visible.
pub fn sparkline(slots: &[u32], theme: Theme) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];
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
            let theme = Theme { ascii, depth: Depth::None };
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
        let theme = Theme { ascii: false, depth: Depth::None };
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
