//! `jwtrail replay`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::observe::LogArgs;
use super::shared::{JudgeArgs, ScreenArgs};
use crate::config::ByteSize;

pub(super) const HELP: &str = "\
Examples:
  jwtrail replay traces.jsonl                   everything at once, then look around
  jwtrail replay traces.jsonl --speed 1         as it happened
  jwtrail replay traces.jsonl --speed 10 --loop ten times as fast, again and again
  jwtrail replay --follow traces.jsonl          what a Collector writes, as it writes it
  jwtrail replay dependencies.json              a dependency list: the calls without verdicts

Space plays and stops, `.` and `,` go to the next hop and the one before, `}` and `{` to the next
problem and the one before, `]` and `[` five seconds on and back, `>` and `<` are faster and slower,
`R` repeats; a click on the bar goes there. Where it plays, gaps of minutes are leapt over.

All of it stays in memory, a quarter of --memory for what was read and the rest for what is shown
and judged anew on the way back. What does not fit is left out from its end, counted and said.
With --follow there is no going back, and the oldest traces go.";

/// `jwtrail replay`
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Trace files, told apart by content; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// `max`, or how many times as fast as it happened
    #[arg(long, value_name = "FACTOR", default_value = "max")]
    pub speed: Speed,
    /// Begin again at the end
    #[arg(long = "loop")]
    pub repeat: bool,
    /// Read on as the files grow
    #[arg(long, conflicts_with_all = ["speed", "repeat"])]
    pub follow: bool,
    /// Memory for all of it; what does not fit is left out and counted [default: 2GiB, with --follow 256MiB]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// What jwtrail writes down of itself.
    #[command(flatten)]
    pub log: LogArgs,
    /// How to draw.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// How fast a replay goes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Speed {
    /// Everything at once.
    Max,
    /// So many times as fast as it happened; above zero.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.trim_start_matches(['x', '×']).parse::<f64>() {
            Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Self::Times(factor)),
            _ => Err(format!("expected `max` or a factor such as 1, 0.5 or 10, found `{text}`")),
        }
    }
}
