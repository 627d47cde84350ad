//! What is wrong with a filter, where, and what was probably meant.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use crate::model::near::nearest;
use crate::model::text::Safe;

/// Columns of the filter that are shown before and behind the mistake.
const AROUND: usize = 60;

/// Columns of a word that are shown: no name is longer.
const LONGEST_NAME: usize = 40;

/// Why a text is no filter. `{}` prints one line; `{:#}` adds the filter with a caret under the mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilterError {
    /// What was expected and what was found.
    pub message: String,
    /// The known field or value that is nearest to what was found.
    pub nearest: Option<String>,
    /// Where the mistake begins, in bytes from 0.
    pub offset: usize,
    /// Where the mistake begins, in characters from 1.
    pub column: usize,
    /// How long it is, in characters; 0 at the end of the text.
    pub length: usize,
    /// The part of the filter around it, safe for a terminal, and the columns before the mistake and of it.
    shown: (String, usize, usize),
}

/// A mistake, while the text is being read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    /// Where it begins and ends, in bytes.
    pub(super) span: (usize, usize),
    /// What was expected and found.
    pub(super) message: String,
    /// What was probably meant.
    pub(super) nearest: Option<String>,
}

impl Fault {
    /// A mistake without a suggestion.
    pub(super) fn new(span: (usize, usize), message: impl Into<String>) -> Self {
        Self { span, message: message.into(), nearest: None }
    }

    /// "unknown KIND `x`", with the nearest of those known.
    pub(super) fn unknown<'a>(
        span: (usize, usize),
        kind: &str,
        found: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.collect();
        let nearest = nearest(found, known.iter().copied()).map(str::to_owned);
        let mut message = format!("unknown {kind} `{}`", shown(found));
        if nearest.is_none() {
            message = format!("{message}: expected one of {}", known.join(", "));
        }
        Self { span, message, nearest }
    }
}

/// A piece of the text, safe and short.
pub(super) fn shown(text: &str) -> Safe {
    Safe::new(text).fit(LONGEST_NAME)
}

impl FilterError {
    pub(super) fn new(text: &str, fault: Fault) -> Self {
        let Fault { span: (start, end), message, nearest } = fault;
        let start = floor(text, start);
        let end = floor(text, end.max(start));
        let (before, wrong, after) = (&text[..start], &text[start..end], &text[end..]);
        let last: String = {
            let from = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(at, _)| at);
            before[from..].to_owned()
        };
        let lead = if last.len() < before.len() { "…" } else { "" };
        let next: String = after.chars().take(AROUND).collect();
        let (last, wrong_shown) = (Safe::new(&last), Safe::new(wrong).fit(AROUND));
        let columns = (lead.width() + last.width(), wrong_shown.width());
        let tail = if next.len() < after.len() { "…" } else { "" };
        Self {
            message,
            nearest,
            offset: start,
            column: before.chars().count() + 1,
            length: wrong.chars().count(),
            shown: (format!("{lead}{last}{wrong_shown}{}{tail}", Safe::new(&next)), columns.0, columns.1),
        }
    }

    /// The filter, and under it a caret where the mistake is.
    pub fn caret(&self) -> String {
        let (text, before, wide) = &self.shown;
        format!("{text}\n{}{}", " ".repeat(*before), "^".repeat((*wide).max(1)))
    }
}

/// The last boundary of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.message)?;
        if let Some(nearest) = &self.nearest {
            write!(f, ": did you mean `{nearest}`?")?;
        }
        if f.alternate() {
            for line in self.caret().lines() {
                write!(f, "\n  {line}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for FilterError {}
