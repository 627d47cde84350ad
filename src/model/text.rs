//! Text from strangers, made safe for the terminal.
//!
//! Names, operations and evidence come out of spans that anybody can send. [`Safe`] is the only text that screens and
//! reports show, and [`Safe::new`] the only way in: no escape sequence, control or bidirectional character gets past it, and every
//! cluster has a width that terminals agree on.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Longest text kept, in characters: more than any screen shows of one value.
const LONGEST: usize = 2_000;
/// Marks stacked on one base character; more is an attack on the lines above.
const MARKS: usize = 2;

/// Text that a terminal shows as it is, on one line.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub struct Safe(String);

impl Safe {
    /// Makes any text safe: controls become visible signs, invisible and direction-changing characters go, white space
    /// of any kind becomes one blank.
    pub fn new(text: &str) -> Self {
        let mut out = String::with_capacity(text.len().min(LONGEST));
        let mut marks = 0;
        for character in text.chars().take(LONGEST) {
            match character {
                _ if blank(character) => out.push(' '),
                '\u{1b}' => out.push('␛'),
                _ if character.is_control() => out.push('�'),
                _ if invisible(character) => {}
                _ if character.width() == Some(0) => {
                    marks += 1;
                    if marks <= MARKS && !out.is_empty() {
                        out.push(character);
                    }
                    continue;
                }
                // Wider than any cell pair: terminals do not agree on it.
                _ if character.width().is_some_and(|width| width > 2) => out.push('�'),
                _ => out.push(character),
            }
            marks = 0;
        }
        Self(out)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Columns that it takes.
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// At most `width` columns, cut between clusters, with `…` where something is missing.
    #[must_use]
    pub fn fit(&self, width: usize) -> Self {
        if self.width() <= width {
            return self.clone();
        }
        if width == 0 {
            return Self::default();
        }
        Self(format!("{}…", self.take(width - 1)))
    }

    /// Lines of at most `width` columns, broken at blanks where there are any.
    pub fn wrap(&self, width: usize) -> Vec<Self> {
        let width = width.max(1);
        let mut lines = vec![String::new()];
        for word in self.0.split(' ').filter(|word| !word.is_empty()) {
            let mut word = word;
            loop {
                let line = lines.last_mut().map_or_else(String::new, std::mem::take);
                let blank = usize::from(!line.is_empty());
                let free = width.saturating_sub(line.width() + blank);
                if word.width() <= free {
                    put_last(&mut lines, if blank == 1 { format!("{line} {word}") } else { word.to_owned() });
                    break;
                }
                if blank == 1 {
                    put_last(&mut lines, line);
                    lines.push(String::new());
                    continue;
                }
                // A word longer than the line is cut; a cluster wider than the whole line is given up.
                let cut = take(word, width).len();
                if cut == 0 {
                    break;
                }
                put_last(&mut lines, word[..cut].to_owned());
                lines.push(String::new());
                word = &word[cut..];
            }
        }
        if lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.into_iter().map(Self).collect()
    }

    /// The text in ASCII: signs that have a plain twin get it, the rest becomes `?`, one for each column.
    #[must_use]
    pub fn ascii(&self) -> Self {
        if self.0.is_ascii() {
            return self.clone();
        }
        let mut out = String::with_capacity(self.0.len());
        for cluster in self.0.graphemes(true) {
            match cluster {
                _ if cluster.is_ascii() => out.push_str(cluster),
                "…" => out.push('~'),
                "→" | "▸" => out.push('>'),
                "◂" => out.push('<'),
                "·" | "–" | "—" | "─" => out.push('-'),
                "’" | "‘" => out.push('\''),
                "“" | "”" => out.push('"'),
                "␛" => out.push('^'),
                "│" | "╎" | "▌" => out.push('|'),
                "✗" => out.push('x'),
                "µ" => out.push('u'),
                _ => out.extend(std::iter::repeat_n('?', cluster.width())),
            }
        }
        Self(out)
    }

    fn take(&self, width: usize) -> &str {
        take(&self.0, width)
    }
}

fn put_last(lines: &mut [String], text: String) {
    if let Some(last) = lines.last_mut() {
        *last = text;
    }
}

/// The longest beginning of whole clusters within `width` columns.
fn take(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        used += cluster.width();
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// White space that keeps its column: all of it but the controls that terminals act on.
fn blank(character: char) -> bool {
    let control = character.is_control() && !matches!(character, '\t' | '\n' | '\r');
    character.is_whitespace() && !control && !invisible(character)
}

/// Characters that show nothing and change what others show: directions, joiners, tags, byte order marks, variation
/// selectors, fillers, private use and noncharacters.
fn invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{fffe}' | '\u{ffff}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

impl fmt::Display for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escape_sequence_reaches_the_terminal() {
        let text = Safe::new("a\u{1b}[31mred\u{1b}]52;c;aGk=\u{7}\u{9b}2J\u{0}\u{7f}");
        assert!(text.as_str().chars().all(|c| !c.is_control()), "{text:?}");
        assert!(text.as_str().starts_with("a␛[31mred"));
    }

    #[test]
    fn directions_and_joiners_are_gone() {
        let text = Safe::new("pay\u{202e}tnem\u{2066}x\u{200d}\u{200b}\u{feff}\u{e0041}");
        assert_eq!(text.as_str(), "paytnemx");
    }

    #[test]
    fn every_control_of_unicode_is_harmless() {
        for code in 0..=0x0010_ffff {
            let Some(character) = char::from_u32(code) else { continue };
            let text = Safe::new(&format!("a{character}b"));
            assert!(!text.as_str().contains(|c: char| c.is_control() || invisible(c)), "U+{code:04X}");
            let columns: usize = text.as_str().graphemes(true).map(UnicodeWidthStr::width).sum();
            assert!(columns == text.width() && (2..=4).contains(&columns), "U+{code:04X} takes {columns}");
        }
    }

    #[test]
    fn stacked_marks_are_cut() {
        let text = Safe::new(&format!("e{}x", "\u{301}".repeat(50)));
        assert_eq!(text.as_str().chars().count(), 4);
    }

    #[test]
    fn cuts_between_clusters_and_says_so() {
        assert_eq!(Safe::new("注文サービス").fit(6).as_str(), "注文…");
        assert_eq!(Safe::new("注文サービス").fit(5).as_str(), "注文…");
        assert_eq!(Safe::new("orders").fit(6).as_str(), "orders");
        assert_eq!(Safe::new("orders").fit(0).as_str(), "");
        assert_eq!(Safe::new("e\u{301}e\u{301}e\u{301}").fit(2).as_str(), "e\u{301}…");
    }

    #[test]
    fn wraps_at_blanks_and_inside_long_words() {
        let lines = |text: &str, width| -> Vec<String> {
            Safe::new(text).wrap(width).into_iter().map(|line| line.to_string()).collect()
        };
        assert_eq!(lines("not sent by orders", 9), ["not sent", "by orders"]);
        assert_eq!(lines("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(lines("", 4), [""]);
        assert_eq!(lines("注文", 1), [""]);
    }

    #[test]
    fn ascii_keeps_the_columns() {
        let text = Safe::new("a→注…é");
        assert_eq!(text.ascii().as_str(), "a>??~?");
        assert_eq!(text.ascii().width(), text.width());
    }
}
