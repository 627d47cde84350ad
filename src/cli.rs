//! Commands and options, nothing else. What an option is worth when it is not given stands in `config`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::ByteSize;
use crate::config::units::{duration, issuer, key_set, parse_severity};
use crate::model::Severity;

const AFTER_HELP: &str = "\
Examples:
  jwtrail demo                   a shop of real services that break tokens, to look around
  jwtrail                        listen on 127.0.0.1:4317 (gRPC) and :4318 (HTTP), and draw
  jwtrail serve --for 60s        the same without a screen, for CI
  jwtrail check traces.jsonl     judge saved traces; exit status 1 if a token was lost
  jwtrail replay traces.jsonl    look at saved traces

Point a service here and let it capture the header, for instance in Python:
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317
  OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=authorization,traceparent,user-agent
  OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST=authorization,traceparent,user-agent
A captured header goes wherever the service's exporter points:
capture only where that is jwtrail alone.

Environment:
  JWTRAIL_FP_KEY   the key of fingerprints, 32 bytes or more; drawn afresh for each run if not set
  JWTRAIL_LOG      how much is logged, to a file: error, warn, info (default), debug
  NO_COLOR         without colours";

const SERVE_HELP: &str = "\
Examples:
  jwtrail serve                                a line for each new problem, the report on Ctrl-C
  jwtrail serve --for 30s --format json        JSON on standard output, lines on standard error
  jwtrail serve --for 30s --fail-on high       exit status 1 if a token was lost
  jwtrail serve --grpc 127.0.0.1:0 --no-http   any free port; the addresses are printed first

Exit status: 0 at a clean end, 1 with --fail-on if something is that bad,
2 on bad options or a busy port.";

const CHECK_HELP: &str = "\
Examples:
  jwtrail check traces.jsonl                    what is wrong, worst first
  jwtrail check *.jsonl --format json           several files as one set, as JSON
  cat traces.jsonl | jwtrail check -            standard input
  jwtrail check t.jsonl --jwks jwks.json        check signatures too
  jwtrail check t.jsonl --issuer https://id.example.com   the same, with the issuer's keys
  jwtrail check t.jsonl --fail-on medium        be stricter

./jwtrail.toml is read without being named.
Exit status: 0 nothing at or above --fail-on, 1 something is, 2 bad input or options.";

const REPLAY_HELP: &str = "\
Examples:
  jwtrail replay traces.jsonl                   everything at once, then look around
  jwtrail replay traces.jsonl --speed 1         as it happened
  jwtrail replay traces.jsonl --speed 10        ten times as fast";

const DEMO_HELP: &str = "\
Examples:
  jwtrail demo                                  look around; keys switch faults on and off
  jwtrail demo --headless 20 --format json      20 seconds without a screen, then the report";

const POLICY_HELP: &str = "\
Examples:
  jwtrail policy check                          ./jwtrail.toml: every mistake, with line and nearest word
  jwtrail policy suggest traces.jsonl           a draft on standard output, each entry with what was seen
  jwtrail policy suggest *.jsonl > jwtrail.toml";

const POLICY_CHECK_HELP: &str = "\
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

/// Follow your JWT through every hop, and see which hop lost it.
///
/// Without a command, jwtrail receives spans that services export over OTLP and draws the call graph with every hop
/// judged.
#[derive(Debug, Parser)]
#[command(name = "jwtrail", version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
#[command(max_term_width = 104)]
pub struct Cli {
    /// What to do; receive and draw if none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the command without a name.
    #[command(flatten)]
    pub live: LiveArgs,
}

/// Everything but the live screen.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Receive without a screen: a line for each new problem, the report at the end
    #[command(after_help = SERVE_HELP)]
    Serve(ServeArgs),
    /// Draw saved traces
    #[command(after_help = REPLAY_HELP)]
    Replay(ReplayArgs),
    /// Judge saved traces: report and exit status
    #[command(after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Draw a shop of real services that break tokens
    #[command(after_help = DEMO_HELP)]
    Demo(DemoArgs),
    /// Validate the policy, or draft one from what was seen
    #[command(subcommand, after_help = POLICY_HELP)]
    Policy(PolicyCommand),
}

/// `jwtrail policy`
#[derive(Clone, Debug, Subcommand)]
pub enum PolicyCommand {
    /// Validate a policy: every mistake with file, line and nearest word
    #[command(after_help = POLICY_CHECK_HELP)]
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
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}

/// `jwtrail` alone.
#[derive(Clone, Debug, Default, Args)]
pub struct LiveArgs {
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenArgs,
    /// How to draw.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

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

/// `jwtrail replay`
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// Trace files, told apart by content; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// `max`, or how many times as fast as it happened
    #[arg(long, value_name = "FACTOR", default_value = "max")]
    pub speed: Speed,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
    /// How to draw.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// `jwtrail check`
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Trace files, told apart by content, read as one set; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What the report looks like
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Exit with 1 if anything is at least this bad [default: high]
    #[arg(long, value_name = "SEVERITY", value_parser = parse_severity)]
    pub fail_on: Option<Severity>,
    /// What is judged, and how.
    #[command(flatten)]
    pub judge: JudgeArgs,
}

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
    /// How to draw.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// Options of everything that judges.
#[derive(Clone, Debug, Default, Args)]
pub struct JudgeArgs {
    /// The policy: what is expected on which edge, hosts, limits (a TOML file)
    #[arg(long, env = "JWTRAIL_POLICY", hide_env_values = true, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A key set (RFC 7517) to check signatures with; may be given more than once
    #[arg(long, env = "JWTRAIL_JWKS", hide_env_values = true, value_name = "FILE|URL", value_delimiter = ',')]
    #[arg(value_parser = key_set)]
    pub jwks: Vec<String>,
    /// An issuer whose keys are found by `OpenID` Connect discovery; may be given more than once
    #[arg(help = "An issuer whose keys are found by OpenID Connect discovery; may be given more than once")]
    #[arg(long, env = "JWTRAIL_ISSUER", hide_env_values = true, value_name = "URL", value_delimiter = ',')]
    #[arg(value_parser = issuer)]
    pub issuer: Vec<String>,
    /// Read what nobody captured as absent: for those who know that every service captures the header
    #[arg(long)]
    pub assume_captured: bool,
    /// How long a trace must be quiet to be settled [default: 15s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub settle: Option<Duration>,
}

/// Options of everything that listens.
#[derive(Clone, Debug, Default, Args)]
pub struct ListenArgs {
    /// Where to take OTLP over gRPC; port 0 is any free one [default: 127.0.0.1:4317]
    #[arg(long, env = "JWTRAIL_GRPC", hide_env_values = true, value_name = "ADDR:PORT")]
    pub grpc: Option<SocketAddr>,
    /// Where to take OTLP over HTTP; port 0 is any free one [default: 127.0.0.1:4318]
    #[arg(long, env = "JWTRAIL_HTTP", hide_env_values = true, value_name = "ADDR:PORT")]
    pub http: Option<SocketAddr>,
    /// Do not listen for gRPC
    #[arg(long)]
    pub no_grpc: bool,
    /// Do not listen for HTTP
    #[arg(long)]
    pub no_http: bool,
    /// Memory for judging; the oldest traces go first when it is full [default: 256MiB]
    #[arg(long, env = "JWTRAIL_MEMORY", hide_env_values = true, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
}

/// Options of everything that draws.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ScreenArgs {
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal, so that it selects text
    #[arg(long)]
    pub no_mouse: bool,
}

/// What a report looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs, one object
    Json,
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
