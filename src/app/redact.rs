//! `jwtrail redact`.

use std::process::ExitCode;

use anyhow::bail;

use crate::cli::RedactArgs;

/// Reads and writes.
pub fn run(args: &RedactArgs) -> anyhow::Result<ExitCode> {
    bail!("not built yet: {args:?}")
}
