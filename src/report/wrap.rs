//! Lines of the text report, broken at the width of the terminal with a hanging indent.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::Style;
use crate::model::text::Safe;

/// Narrower than this, lines are left to the terminal: there is no room beside the indent.
const NARROWEST: u16 = 40;

/// The line for a terminal like this: broken at blanks, each further line behind `indent` blanks. A word that is longer
/// than the line stays whole, so that it can be copied. Escape sequences take no room and hold over a break.
pub(super) fn lines(line: &str, indent: usize, style: Style) -> String {
    let shown = |text| if style.ascii { Cow::Owned(ascii(text)) } else { Cow::Borrowed(text) };
    let Some(width) = style.width.filter(|width| *width >= NARROWEST).map(usize::from) else {
        return shown(line).into_owned();
    };
    let mut out = String::with_capacity(line.len());
    let (mut column, mut blanks, mut colour) = (0, 0, "");
    for (index, word) in line.split(' ').enumerate() {
        blanks += usize::from(index > 0);
        if word.is_empty() {
            continue;
        }
        let taken = visible(word);
        if column > indent && column + blanks + taken > width {
            if !colour.is_empty() {
                out.push_str(RESET);
            }
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(colour);
            column = indent;
        } else {
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        }
        out.push_str(&shown(word));
        column += taken;
        blanks = 0;
        if let Some(last) = escapes(word).last() {
            colour = if last == RESET { "" } else { last };
        }
    }
    out
}

const RESET: &str = "\u{1b}[0m";

/// The colour sequences of a text: only our own, since foreign text is made safe before.
fn escapes(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('\u{1b}').filter_map(|(at, _)| {
        let end = text[at..].find('m')?;
        Some(&text[at..=at + end])
    })
}

/// Columns that a text takes.
pub(super) fn visible(text: &str) -> usize {
    // A control character counts as one column here.
    let hidden: usize = escapes(text).map(UnicodeWidthStr::width).sum();
    text.width().saturating_sub(hidden)
}

/// The line in ASCII; colours stay.
fn ascii(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for (index, part) in line.split('\u{1b}').enumerate() {
        if index > 0 {
            out.push('\u{1b}');
        }
        for (index, word) in part.split(' ').enumerate() {
            if index > 0 {
                out.push(' ');
            }
            out.push_str(Safe::new(word).ascii().as_str());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(width: u16) -> Style {
        Style { width: Some(width), ..Style::default() }
    }

    #[test]
    fn breaks_at_blanks_behind_the_indent_and_keeps_long_words_whole() {
        let line = "  look at   the code of the caller that makes this call: it does not hand the token on";
        assert_eq!(
            lines(line, 12, at(40)),
            "  look at   the code of the caller that\n            makes this call: it does not\n            hand the token on"
        );
        let word = "x".repeat(60);
        assert_eq!(lines(&format!("  trace     {word} {word}"), 12, at(40)).lines().count(), 2);
        assert_eq!(lines(line, 12, Style::default()), line, "a file keeps its lines whole");
        assert_eq!(lines(line, 12, at(20)), line);
    }

    #[test]
    fn colours_take_no_room_and_hold_over_a_break() {
        let line = format!("\u{1b}[90m{} {}\u{1b}[0m end", "a".repeat(30), "b".repeat(30));
        let shown = lines(&line, 2, at(40));
        let (a, b) = ("a".repeat(30), "b".repeat(30));
        assert_eq!(shown, format!("\u{1b}[90m{a}\u{1b}[0m\n  \u{1b}[90m{b}\u{1b}[0m end"));
        assert_eq!(visible("\u{1b}[1;31m✗\u{1b}[0m ab"), 4);
    }

    #[test]
    fn ascii_reaches_the_names_too() {
        let style = Style { ascii: true, colour: true, width: None };
        assert_eq!(lines("\u{1b}[1mcafé…\u{1b}[0m", 2, style), "\u{1b}[1mcaf?~\u{1b}[0m");
        let narrow = Style { width: Some(40), ..style };
        assert_eq!(lines("\u{1b}[1mcafé…\u{1b}[0m", 2, narrow), "\u{1b}[1mcaf?~\u{1b}[0m");
    }
}
