//! `jwtrail demo`.

use clap::Args;

use super::observe::LogArgs;
use super::shared::{Format, JudgeArgs, RecordArgs, ScreenArgs};

pub(super) const HELP: &str = "\
Examples:
  jwtrail demo                                  look around; x switches faults on and off
  jwtrail demo --headless 20 --format json      20 seconds without a screen, then the report";

/// `jwtrail demo`
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Without a screen, for so many seconds, then the report
    #[arg(long, value_name = "SECONDS")]
    pub headless: Option<u64>,
    /// What the report looks like
    #[arg(long, value_enum, default_value_t = Format::Text, requires = "headless")]
    pub format: Format,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// What is kept.
    #[command(flatten)]
    pub record: RecordArgs,
    /// What jwtrail writes down of itself.
    #[command(flatten)]
    pub log: LogArgs,
    /// How to draw.
    #[command(flatten)]
    pub screen: ScreenArgs,
}
