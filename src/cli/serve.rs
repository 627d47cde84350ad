//! `jwtrail serve`.

use std::time::Duration;

use clap::Args;

use super::shared::{Format, JudgeArgs, ListenArgs};
use crate::config::units::{duration, parse_severity};
use crate::model::Severity;

pub(super) const HELP: &str = "\
Examples:
  jwtrail serve                                a line for each new problem, the report on Ctrl-C
  jwtrail serve --for 30s --format json        JSON on standard output, lines on standard error
  jwtrail serve --for 30s --fail-on high       exit status 1 if a token was lost
  jwtrail serve --record t.jsonl.zst           kept without credentials, for `check`
  jwtrail serve --forward http://next:4317     passed on without credentials
  jwtrail serve --grpc 127.0.0.1:0 --no-http   any free port; the addresses are printed first

Exit status: 0 at a clean end, 1 with --fail-on if something is that bad,
2 on bad options or a busy port, with --fail-on also if no span came.";

/// `jwtrail serve`
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// End after this long, with the report (else on Ctrl-C or SIGTERM)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub duration: Option<Duration>,
    /// What the report looks like
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Exit with 1 if anything is at least this bad
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity)]
    pub fail_on: Option<Severity>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenArgs,
}
