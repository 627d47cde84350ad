//! Options by which jwtrail itself is watched.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::config::LogFormat;
use crate::config::observe::{log_filter, telemetry};
use crate::config::units::address;

/// Options of everything that receives for long.
#[derive(Clone, Debug, Default, Args)]
pub struct ObserveArgs {
    /// Where to answer /healthz, /readyz and /metrics (Prometheus) over HTTP; nowhere unless given
    #[arg(long, env = "JWTRAIL_ADMIN", hide_env_values = true, value_name = "ADDR:PORT", value_parser = address)]
    pub admin: Option<SocketAddr>,
    /// Where to send jwtrail's own spans and logs by OTLP: `http://host:4318`, or `grpc://host:4317`; nowhere unless given
    #[arg(
        help = "Where to send jwtrail's own spans and logs by OTLP: http://host:4318, or grpc://host:4317; nowhere \
                  unless given"
    )]
    #[arg(long, env = "JWTRAIL_TELEMETRY", hide_env_values = true, value_name = "URL", value_parser = telemetry)]
    pub telemetry: Option<String>,
    /// What jwtrail writes down of itself.
    #[command(flatten)]
    pub log: LogArgs,
}

/// Options of jwtrail's own log.
#[derive(Clone, Debug, Default, Args)]
pub struct LogArgs {
    /// Where jwtrail's own log goes; past 8 MiB it begins anew, and FILE.1 keeps what was there [default:
    /// ~/.local/state/jwtrail/jwtrail.log]
    #[arg(long, env = "JWTRAIL_LOG_FILE", hide_env_values = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// How much is logged: error, warn, info, debug, trace, or a list such as warn,jwtrail=debug [default: info]
    #[arg(long, env = "JWTRAIL_LOG", hide_env_values = true, value_name = "LEVEL", value_parser = log_filter)]
    pub log_level: Option<String>,
    /// What a line of the log looks like [default: text]
    #[arg(long, env = "JWTRAIL_LOG_FORMAT", hide_env_values = true, value_name = "text|json")]
    pub log_format: Option<LogFormat>,
}
