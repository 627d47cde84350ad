//! `jwtrail doctor`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::shared::{Format, JudgeArgs, ListenArgs};
use crate::config::units::duration;

pub(super) const HELP: &str = "\
Examples:
  jwtrail doctor                                this terminal, the ports, the files of this user
  jwtrail doctor --for 10s                      and what each service tells, from what comes in ten seconds
  jwtrail doctor traces.jsonl                   the same from saved traces
  jwtrail doctor --format json                  for programs

Exit status: 0 all is well, 1 something is to be mended, 2 bad options or a file that cannot be read.";

/// `jwtrail doctor`
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// Trace files to look at for what each service tells; `-` is standard input
    #[arg(value_name = "FILE", conflicts_with = "duration")]
    pub files: Vec<PathBuf>,
    /// Listen for so long, and say what each service tells
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// What the answer looks like
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenArgs,
}
