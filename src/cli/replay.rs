//! `jwtrail replay`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::shared::{JudgeArgs, ScreenArgs};

pub(super) const HELP: &str = "\
Examples:
  jwtrail replay traces.jsonl                   everything at once, then look around
  jwtrail replay traces.jsonl --speed 1         as it happened
  jwtrail replay traces.jsonl --speed 10        ten times as fast
  jwtrail replay --follow traces.jsonl          what a Collector writes, as it writes it";

/// `jwtrail replay`
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Trace files, told apart by content; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// `max`, or how many times as fast as it happened
    #[arg(long, value_name = "FACTOR", default_value = "max")]
    pub speed: Speed,
    /// Read on as the files grow
    #[arg(long, conflicts_with = "speed")]
    pub follow: bool,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
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
