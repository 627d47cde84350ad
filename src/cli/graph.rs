//! `jwtrail graph`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::JudgeArgs;
use crate::config::ByteSize;

pub(super) const HELP: &str = "\
Examples:
  jwtrail graph traces.jsonl                    who calls whom, and what became of the token
  jwtrail graph traces.jsonl --format mermaid   to paste into Markdown
  jwtrail graph t.jsonl --format dot | dot -Tsvg > graph.svg
  jwtrail graph dependencies.json               a dependency list, too: the graph without verdicts";

/// `jwtrail graph`
#[derive(Clone, Debug, Args)]
pub struct GraphArgs {
    /// Trace files or dependency lists, told apart by content, read as one set; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the graph looks like
    #[arg(long, value_enum, default_value_t = GraphFormat::Text)]
    pub format: GraphFormat,
    /// Memory to judge in; what does not fit is kept on disk, in TMPDIR, until all is read [default: 256MiB]
    #[arg(long, env = "JWTRAIL_MEMORY", hide_env_values = true, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}

/// What a graph looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum GraphFormat {
    /// For people, one edge a line
    Text,
    /// Mermaid flowchart
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
}
