//! Reading the file: TOML into the policy and the options, and the first thing that is wrong with it.

use std::path::Path;

use super::inspect::{Inspection, inspect, inspect_text};
use super::{ConfigError, File};

/// Reads and checks a file.
pub fn read(path: &Path) -> Result<File, ConfigError> {
    usable(inspect(path)?)
}

/// Checks a file's text; `path` is for messages, and for the key sets that stand relative to it.
pub fn parse(path: &Path, text: &str) -> Result<File, ConfigError> {
    usable(inspect_text(path, text))
}

fn usable(found: Inspection) -> Result<File, ConfigError> {
    found.errors.into_iter().next().map_or(Ok(found.file), Err)
}
