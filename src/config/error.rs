//! What is wrong with a file, where, and what was probably meant.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::near::nearest;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read at all.
    #[error("cannot read the {what} {}: {source}", path.display())]
    Read {
        /// What it was to be: `policy`, `configuration`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What was expected, what was found, and the nearest known word.
        message: String,
    },
}

impl ConfigError {
    /// Line and column, from 1; zeros where it is about the whole file.
    pub fn place(&self) -> (usize, usize) {
        match self {
            Self::Read { .. } => (0, 0),
            Self::Invalid { line, column, .. } => (*line, *column),
        }
    }

    /// The same, where it stands for so many others: one line at a time is not how a file is mended.
    #[must_use]
    pub fn and_more(mut self, more: usize) -> Self {
        if let (Self::Invalid { message, .. }, 1..) = (&mut self, more) {
            *message = format!("{message} (and {more} more: `jwtrail doctor` names them)");
        }
        self
    }

    /// An error at a byte offset of `text`.
    pub(super) fn at(path: &Path, text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::Invalid {
            path: path.to_path_buf(),
            line: line(text, offset),
            column: before[start..].chars().count() + 1,
            message,
        }
    }

    /// The TOML reader's own error, with the nearest word where it met an unknown one.
    pub(super) fn from_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        Self::at(path, text, offset, explain(error.message()))
    }
}

/// The line of a byte, from 1.
pub(super) fn line(text: &str, offset: usize) -> usize {
    text.get(..offset.min(text.len())).unwrap_or(text).matches('\n').count() + 1
}

/// serde's "unknown field `x`, expected one of `a`, `b`" holds the known words: the sentence stays true to the
/// structs without a second list of them.
pub(super) fn explain(message: &str) -> String {
    let first = message.lines().next().unwrap_or(message);
    let Some((kind, rest)) = first
        .strip_prefix("unknown field ")
        .map(|rest| ("key", rest))
        .or_else(|| first.strip_prefix("unknown variant ").map(|rest| ("value", rest)))
    else {
        return message.lines().collect::<Vec<_>>().join(", ");
    };
    let mut words = rest.split('`').skip(1).step_by(2);
    let Some(found) = words.next() else { return first.to_owned() };
    let known: Vec<&str> = words.collect();
    unknown(kind, found, &known)
}

/// "unknown KIND `x`: did you mean `y`?", and the whole list where nothing is near.
pub fn unknown(kind: &str, found: &str, known: &[&str]) -> String {
    match nearest(found, known.iter().copied()) {
        Some(near) => format!("unknown {kind} `{found}`: did you mean `{near}`?"),
        None => format!("unknown {kind} `{found}`: expected one of {}", known.join(", ")),
    }
}
