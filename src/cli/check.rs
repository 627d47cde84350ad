//! `jwtrail check`.

use std::path::PathBuf;

use clap::Args;

use super::shared::{JudgeArgs, ReportFormat};
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
  jwtrail check t.jsonl --baseline old.json     fail only for what is new since that report
  jwtrail check t.jsonl --format sarif          for code scanning; see --format for more

./jwtrail.toml is read without being named.
Exit status: 0 nothing at or above --fail-on, 1 something is, 2 bad input or options.";

/// `jwtrail check`
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Trace files, told apart by content, read as one set; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the report looks like
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Exit with 1 if anything is at least this bad [default: high]
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity)]
    pub fail_on: Option<Severity>,
    /// An earlier report (--format json): what it holds already, as bad as it is now, fails no build
    #[arg(long, value_name = "REPORT.json")]
    pub baseline: Option<PathBuf>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}
