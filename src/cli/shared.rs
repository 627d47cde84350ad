//! Options that several commands share.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::ForwardArgs;
use super::access::AccessArgs;
use super::limits::LimitArgs;
use super::observe::ObserveArgs;
use crate::config::ByteSize;
use crate::config::units::{address, duration, issuer, key_set};

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
    #[arg(long, env = "JWTRAIL_GRPC", hide_env_values = true, value_name = "ADDR:PORT", value_parser = address)]
    pub grpc: Option<SocketAddr>,
    /// Where to take OTLP over HTTP; port 0 is any free one [default: 127.0.0.1:4318]
    #[arg(long, env = "JWTRAIL_HTTP", hide_env_values = true, value_name = "ADDR:PORT", value_parser = address)]
    pub http: Option<SocketAddr>,
    /// Do not listen for gRPC
    #[arg(long)]
    pub no_grpc: bool,
    /// Do not listen for HTTP
    #[arg(long)]
    pub no_http: bool,
    /// Memory for judging; beyond it the oldest traces go first, while `check` over files keeps the rest on disk [default:
    /// 256MiB]
    #[arg(long, env = "JWTRAIL_MEMORY", hide_env_values = true, value_name = "SIZE")]
    pub memory: Option<ByteSize>,
    /// What is kept.
    #[command(flatten)]
    pub record: RecordArgs,
    /// Who may send.
    #[command(flatten)]
    pub access: AccessArgs,
    /// How much is taken at a time.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// Where it goes on to.
    #[command(flatten)]
    pub forward: ForwardArgs,
    /// How jwtrail itself is watched.
    #[command(flatten)]
    pub observe: ObserveArgs,
}

/// Where what is received is kept.
#[derive(Clone, Debug, Default, Args)]
pub struct RecordArgs {
    /// Keep what is received, without credentials, as OTLP JSON lines that `check` and `replay` read; packed where the
    /// name ends in .zst or .gz; a file that is there stays as it is: t.2.jsonl comes after t.jsonl
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Size of one recorded file on disk [default: 128MiB]
    #[arg(long, value_name = "SIZE")]
    pub record_size: Option<ByteSize>,
    /// Recorded files to keep; the oldest of this run goes for one more [default: 8]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub record_files: Option<u16>,
}

/// Options of everything that draws.
#[derive(Clone, Debug, Default, Args)]
pub struct ScreenArgs {
    /// Draw with ASCII characters only
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal, so that it selects text
    #[arg(long)]
    pub no_mouse: bool,
    /// Colours: dark, light, high-contrast, colour-blind, a TOML file with a `[theme]` table, or what suits the terminal's
    /// background [default: auto]
    #[arg(
        help = "Colours: dark, light, high-contrast, colour-blind, a TOML file with a [theme] table, or what suits the \
                  terminal's background [default: auto]"
    )]
    #[arg(long, env = "JWTRAIL_THEME", hide_env_values = true, value_name = "NAME|FILE|auto")]
    pub theme: Option<String>,
    /// Text alone, in lists to be read from top to bottom: no drawings, no lines; for screen readers
    #[arg(long)]
    pub plain: bool,
}

/// What a report looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs, one object
    Json,
}

/// What a report of `check` looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Text,
    /// For programs, one object
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For build servers: `JUnit` XML
    #[value(help = "For build servers: JUnit XML")]
    Junit,
    /// For GitHub Actions: annotations, and the text in a group
    #[value(help = "For GitHub Actions: annotations, and the text in a group")]
    Github,
    /// For a comment on a pull request
    Markdown,
}
