//! `jwtrail check`.

use std::path::PathBuf;

use clap::Args;

use super::shared::{Format, JudgeArgs};
use crate::config::ByteSize;
use crate::config::units::parse_severity;
use crate::model::Severity;

pub(super) const HELP: &str = "\
Examples:
  jwtrail check traces.jsonl                    what is wrong, worst first
  jwtrail check *.jsonl --format json           several files as one set, as JSON
  cat traces.jsonl | jwtrail check -            standard input
  jwtrail check t.jsonl --jwks jwks.json        check signatures too
  jwtrail check t.jsonl --issuer https://id.example.com   the same, with the issuer's keys
  jwtrail check t.jsonl --fail-on medium        be stricter

./jwtrail.toml is read without being named.
Exit status: 0 nothing at or above --fail-on, 1 something is, 2 bad input or options.";

/// `jwtrail check`
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Trace files, told apart by content, read as one set; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the report looks like
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Exit with 1 if anything is at least this bad [default: high]
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity)]
    pub fail_on: Option<Severity>,
    /// Memory to judge in; what does not fit is kept on disk, in TMPDIR, until all is read [default: 256MiB]
    #[arg(long, env = "JWTRAIL_MEMORY", hide_env_values = true, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}
