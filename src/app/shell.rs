//! `jwtrail completions` and `jwtrail man`.

use std::process::ExitCode;

use anyhow::bail;

use crate::cli::CompletionsArgs;

/// Writes completions.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    bail!("not built yet: {args:?}")
}

/// Writes the manual page.
pub fn man() -> anyhow::Result<ExitCode> {
    bail!("not built yet")
}
