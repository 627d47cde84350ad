//! Text that strangers chose (service names, operations, exception texts), as reports show it.

use std::fmt::Write;

use crate::model::text::Safe;

/// Longest text shown, in columns; a name of a megabyte is no name.
const LONGEST: usize = 240;

/// The text made safe for a terminal, and cut.
pub(super) fn safe(text: &str) -> Safe {
    Safe::new(text).fit(LONGEST)
}

/// Writes `text` made safe.
pub(super) fn push(out: &mut String, text: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{}", safe(text));
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn a_name_without_an_end_is_cut() {
        let shown = safe(&"x\u{1b}[31m".repeat(100_000)).to_string();
        assert_eq!(shown.width(), LONGEST);
        assert!(shown.ends_with('…') && !shown.contains('\u{1b}'));
    }
}
