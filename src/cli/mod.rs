//! Commands and options, nothing else. What an option is worth when it is not given stands in `config`.

mod access;
mod check;
mod config;
mod demo;
mod doctor;
mod forward;
mod graph;
mod limits;
mod observe;
mod policy;
mod redact;
mod replay;
mod serve;
mod shared;
mod shell;

use clap::{Args, Parser, Subcommand};

pub use access::AccessArgs;
pub use check::CheckArgs;
pub use config::{ConfigCommand, ConfigShowArgs};
pub use demo::DemoArgs;
pub use doctor::DoctorArgs;
pub use forward::ForwardArgs;
pub use graph::{GraphArgs, GraphFormat};
pub use limits::LimitArgs;
pub use observe::{LogArgs, ObserveArgs};
pub use policy::{PolicyCheckArgs, PolicyCommand, SuggestArgs};
pub use redact::RedactArgs;
pub use replay::{ReplayArgs, Speed};
pub use serve::ServeArgs;
pub use shared::{Format, JudgeArgs, ListenArgs, RecordArgs, ReportFormat, ScreenArgs};
pub use shell::CompletionsArgs;

const AFTER_HELP: &str = "\
Examples:
  jwtrail demo                   a shop of real services that break tokens, to look around
  jwtrail                        listen on 127.0.0.1:4317 (gRPC) and :4318 (HTTP), and draw
  jwtrail serve --for 60s        the same without a screen, for CI
  jwtrail check traces.jsonl     judge saved traces; exit status 1 if a token was lost
  jwtrail check --live -- CMD    run tests, judge what they export
  jwtrail replay traces.jsonl    look at saved traces
  jwtrail doctor                 why nothing is seen, and what to set

Point a service here and let it capture the header, for instance in Python:
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317
  OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=authorization,traceparent,user-agent
  OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST=authorization,traceparent,user-agent
A captured header goes wherever the service's exporter points:
capture only where that is jwtrail alone.

Environment:
  JWTRAIL_FP_KEY   the key of fingerprints, 32 bytes or more; drawn afresh for each run if not set
  JWTRAIL_AUTH     lines as in --auth-file: lets in only who shows one of their secrets
  NO_COLOR         without colours";

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
    #[command(after_help = serve::HELP)]
    Serve(ServeArgs),
    /// Draw saved traces
    #[command(after_help = replay::HELP)]
    Replay(ReplayArgs),
    /// Judge saved traces: report and exit status
    #[command(after_help = check::HELP, after_long_help = check::long_help())]
    Check(CheckArgs),
    /// Draw a shop of real services that break tokens
    #[command(after_help = demo::HELP)]
    Demo(DemoArgs),
    /// Validate the policy, or draft one from what was seen
    #[command(subcommand, after_help = policy::HELP)]
    Policy(PolicyCommand),
    /// Write the call graph: text, Mermaid, Graphviz, SVG
    #[command(after_help = graph::HELP)]
    Graph(GraphArgs),
    /// Write saved traces without credentials, as OTLP JSON lines
    #[command(after_help = redact::HELP)]
    Redact(RedactArgs),
    /// What this terminal can do, what listens, what each service tells, and what to set
    #[command(after_help = doctor::HELP)]
    Doctor(Box<DoctorArgs>),
    /// Show the settings in force, and where they come from
    #[command(subcommand, after_help = config::HELP)]
    Config(ConfigCommand),
    /// Write completions for a shell
    #[command(after_help = shell::HELP)]
    Completions(CompletionsArgs),
    /// Write the manual page
    #[command(after_help = shell::MAN_HELP)]
    Man,
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
