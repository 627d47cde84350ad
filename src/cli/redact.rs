//! `jwtrail redact`.

use std::path::PathBuf;

use clap::Args;

use super::shared::JudgeArgs;

pub(super) const HELP: &str = "\
Examples:
  jwtrail redact traces.jsonl -o clean.jsonl    the same traces without credentials, to be sent to somebody
  jwtrail redact traces.json -o - | gzip > clean.jsonl.gz";

/// `jwtrail redact`
#[derive(Clone, Debug, Args)]
pub struct RedactArgs {
    /// Trace files, told apart by content; `-` is standard input
    #[arg(required = true, value_name = "IN")]
    pub files: Vec<PathBuf>,
    /// Where the traces go, as OTLP JSON lines; `-` is standard output
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Leave out whatever is not known to be harmless
    #[arg(long)]
    pub strict: bool,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}
