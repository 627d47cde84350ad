//! Makes text that strangers chose (service names, operations, exception texts) safe for a terminal.

use std::fmt::{self, Write};

/// Longest text shown, in characters; a name of a megabyte is no name.
const LONGEST: usize = 240;

/// A text without control, escape, bidi or invisible characters, at most 240 characters long.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Safe(String);

impl Safe {
    /// Replaces what a terminal could act on by `\u{FFFD}`, line ends and tabs by a space.
    pub fn new(text: &str) -> Self {
        let mut safe = String::with_capacity(text.len().min(LONGEST));
        for (index, c) in text.chars().enumerate() {
            if index == LONGEST {
                safe.push('…');
                break;
            }
            safe.push(match c {
                '\n' | '\r' | '\t' => ' ',
                c if c.is_control() || acts(c) => char::REPLACEMENT_CHARACTER,
                c => c,
            });
        }
        Self(safe)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Safe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.width().is_none() { f.write_str(&self.0) } else { f.pad(&self.0) }
    }
}

/// Characters that draw nothing, or change the order of what others draw (Unicode TR 36, section 2.8).
fn acts(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}')
}

/// Writes `text` made safe.
pub(super) fn push(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{}", Safe::new(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        let nasty = "a\u{1b}[31mb\u{9b}2Jc\u{202e}d\u{2066}e\u{7}f\u{200b}g\nh\ti";
        let safe = Safe::new(nasty);
        assert_eq!(safe.as_str(), "a\u{fffd}[31mb\u{fffd}2Jc\u{fffd}d\u{fffd}e\u{fffd}f\u{fffd}g h i");
        assert_eq!(Safe::new(&"x".repeat(100_000)).as_str().chars().count(), LONGEST + 1);
        assert_eq!(Safe::new("订单 → café").as_str(), "订单 → café");
    }
}
