//! `jwtrail policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::shared::JudgeArgs;
use crate::config::ByteSize;

pub(super) const HELP: &str = "\
Examples:
  jwtrail policy check                          ./jwtrail.toml: every mistake, with line and nearest word
  jwtrail policy suggest traces.jsonl           a draft on standard output, each entry with what was seen
  jwtrail policy suggest *.jsonl > jwtrail.toml";

const CHECK_HELP: &str = "\
Examples:
  jwtrail policy check                          ./jwtrail.toml
  jwtrail policy check ci/jwtrail.toml

Warnings name edges that never match, because an earlier one takes all their hops.
Exit status: 0 if the file can be used, 2 if not.";

const SUGGEST_HELP: &str = "\
Examples:
  jwtrail policy suggest traces.jsonl           edges without tokens, exchanges, hosts, services to look at
  jwtrail policy suggest *.jsonl > jwtrail.toml

What may or may not be meant is commented out; what was refused or tampered with is named and never excused.
A policy that is in force (./jwtrail.toml, --policy) is not repeated: the draft stands beside it.";

/// `jwtrail policy`
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Validate a policy: every mistake with file, line and nearest word
    #[command(after_help = CHECK_HELP)]
    Check(PolicyCheckArgs),
    /// Draft a policy from saved traces, on standard output
    #[command(after_help = SUGGEST_HELP)]
    Suggest(SuggestArgs),
}

/// `jwtrail policy check`
#[derive(Clone, Debug, Args)]
pub struct PolicyCheckArgs {
    /// The policy (a TOML file)
    #[arg(value_name = "FILE", default_value = "jwtrail.toml")]
    pub file: PathBuf,
}

/// `jwtrail policy suggest`
#[derive(Clone, Debug, Args)]
pub struct SuggestArgs {
    /// Trace files, told apart by content, read as one set; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Memory to judge in; what does not fit is kept on disk, in TMPDIR, until all is read [default: 256MiB]
    #[arg(long, env = "JWTRAIL_MEMORY", hide_env_values = true, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}
