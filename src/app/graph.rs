//! `jwtrail graph`.

use std::process::ExitCode;

use anyhow::bail;

use crate::cli::GraphArgs;

/// Reads and writes.
pub fn run(args: &GraphArgs) -> anyhow::Result<ExitCode> {
    bail!("not built yet: {args:?}")
}
