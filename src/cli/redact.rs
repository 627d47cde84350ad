//! `jwtrail redact`.

use std::path::PathBuf;

use clap::Args;

use super::shared::JudgeArgs;

pub(super) const HELP: &str = "\
Examples:
  jwtrail redact traces.jsonl -o clean.jsonl    the same traces without credentials, to be sent to somebody
  jwtrail redact t.json -o t.jsonl.zst --strict what the judge needs and no more, packed

`check` says the same of OUT as of IN, also of a single trace cut out of it: the last line holds what all traces
together showed of who captures what (leave it in). Tokens become fingerprints in `jwtrail.*` attributes; JWTRAIL_FP_KEY
makes those without a signature comparable from file to file. Hosts, routes, paths, user agents, names and claims
such as `iss` and `aud` stay, with --strict too; people, addresses of clients, queries, bodies, statements and whatever an
application wrote by itself go with --strict.
Dropped counts, schema URLs, entities, a log's severity text, event name and flags, and a link's state and flags are
not carried over; spans without usable ids are left out and counted.";

/// `jwtrail redact`
#[derive(Clone, Debug, Args)]
pub struct RedactArgs {
    /// Trace files, told apart by content; `-` is standard input
    #[arg(required = true, value_name = "IN")]
    pub files: Vec<PathBuf>,
    /// Where the traces go, as OTLP JSON lines, packed where the name ends in .gz or .zst; `-` is standard output
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Leave out whatever is not known to be harmless
    #[arg(long)]
    pub strict: bool,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}
