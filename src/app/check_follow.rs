//! `jwtrail check --follow`.

use std::process::ExitCode;

use anyhow::bail;

use crate::cli::CheckArgs;

/// Follows.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    bail!("not built yet: {args:?}")
}
