//! `jwtrail check`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::shared::{JudgeArgs, ListenArgs, ReportFormat};
use crate::config::units::{duration, parse_severity};
use crate::filter;
use crate::model::Severity;

pub(super) const HELP: &str = "\
Examples:
  jwtrail check traces.jsonl                    what is wrong, worst first
  jwtrail check *.jsonl --format json           several files as one set, as JSON
  cat traces.jsonl | jwtrail check -            standard input
  jwtrail check t.jsonl --jwks jwks.json        check signatures too
  jwtrail check t.jsonl --issuer https://id.example.com   the same, with the issuer's keys
  jwtrail check t.jsonl --fail-on medium        be stricter
  jwtrail check t.jsonl --where 'service:orders -route:/health'   only these hops
  jwtrail check --follow /var/log/traces.jsonl  read on as the file grows, report on Ctrl-C
  jwtrail check --live -- pytest tests          run the tests, judge what they export
  jwtrail check --live --for 60s                receive on the usual ports, then report
  jwtrail check t.jsonl --baseline old.json     fail only for what is new since that report
  jwtrail check t.jsonl --format sarif          for code scanning; see --format for more

With --live, CMD gets OTEL_EXPORTER_OTLP_ENDPOINT and the variables by which Python, Java and .NET
capture headers. When CMD has ended and no span has come for --settle (3s here), jwtrail reports.
CMD's standard output goes to standard error where a report for programs goes to standard output.
Services that CMD does not start itself export every five seconds unless OTEL_BSP_SCHEDULE_DELAY=500
is set there: --settle 8s waits for them.

Files that do not fit into --memory wait in a private temporary file in TMPDIR, and the report is
the same. What --live and --follow read has no end: there the oldest traces go, and are counted.

./jwtrail.toml is read without being named.
Exit status: 0 nothing at or above --fail-on, 1 something is, 2 bad input or options, or no span.
CMD's own status comes first where that is not 0; 128 and the signal's number where one ended it.";

/// How a filter is written, and its fields: behind the examples in the long help.
pub(super) fn long_help() -> String {
    format!(
        "{HELP}\n\n\
Filters (--where):
  service:orders verdict:dropped,failed status>=400 -route:/health token:k3va since:5m
  (caller:gw* or callee:pay*) severity>=medium

Terms side by side must all hold; `or`, `not` (or `-`) and parentheses do what they say. A term is a field, \
one of : = != < <= > >=, and a value or several with commas between, any of which is enough. `*` and `?` stand \
for any characters and any one; quotes take a text as it is; `field:*` asks whether there is a value. A word \
without a field searches names. Case never matters. An age counts back from the end of the last span.

Fields:
{}",
        filter::listing()
    )
}

/// `jwtrail check`
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Trace files, told apart by content, read as one set; `-` is standard input
    #[arg(required_unless_present = "live", conflicts_with = "live", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the report looks like
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Write the report to this file in place of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with 1 if anything is at least this bad [default: high]
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity)]
    pub fail_on: Option<Severity>,
    /// Report and count only hops that match, and let only them decide the exit status; --help lists the fields
    // Read later: clap would print again whatever is wrong with it, a raw token too.
    #[arg(long = "where", value_name = "FILTER", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// An earlier report (--format json): what it holds already, as bad as it is now, fails no build
    #[arg(long, value_name = "REPORT.json")]
    pub baseline: Option<PathBuf>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// Read on as the files grow: a line for each new problem, the report on Ctrl-C
    #[arg(long, group = "endless", conflicts_with = "live")]
    pub follow: bool,
    /// Receive in place of reading files: on free ports for CMD, on the usual ones without it
    #[arg(long, group = "endless")]
    pub live: bool,
    /// With --live or --follow, end after this long; a CMD that still runs is told to end
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, requires = "endless")]
    pub duration: Option<Duration>,
    /// Where to listen with --live.
    #[command(flatten)]
    pub listen: ListenArgs,
    /// With --live, the command to run
    #[arg(last = true, requires = "live", value_name = "CMD")]
    pub command: Vec<OsString>,
}
