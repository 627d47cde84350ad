//! Options of forwarding.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::ByteSize;
use crate::config::units::duration;
use crate::model::{ForwardCarriers, ForwardCompression, ForwardProtocol};

/// Where what is received goes on to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct ForwardArgs {
    /// Pass on what is received, without credentials, to the next collector: `http(s)://HOST:PORT`, or grpc(s)://; headers
    /// from $`JWTRAIL_FORWARD_HEADERS` (`name=value,…`)
    #[arg(help = "Pass on what is received, without credentials, to the next collector: http(s)://HOST:PORT, or \
                  grpc(s)://; headers from $JWTRAIL_FORWARD_HEADERS (name=value,…)")]
    #[arg(long, help_heading = "Next collector", value_name = "URL")]
    pub forward: Option<String>,
    /// What the next collector speaks, grpc or http/protobuf [default: grpc on port 4317 and for grpc(s)://, else
    /// http/protobuf]
    #[arg(long, help_heading = "Next collector", value_name = "NAME")]
    pub forward_protocol: Option<ForwardProtocol>,
    /// Headers for the next collector, as name=value lines, private to you
    #[arg(long, help_heading = "Next collector", value_name = "FILE")]
    pub forward_header_file: Option<PathBuf>,
    /// Certificates to trust in place of the system's (PEM)
    #[arg(long, help_heading = "Next collector", value_name = "FILE")]
    pub forward_ca: Option<PathBuf>,
    /// Certificate to show to the next collector (PEM); needs --forward-key
    #[arg(long, help_heading = "Next collector", value_name = "FILE")]
    pub forward_cert: Option<PathBuf>,
    /// Private key of that certificate (PEM)
    #[arg(long, help_heading = "Next collector", value_name = "FILE")]
    pub forward_key: Option<PathBuf>,
    /// Whether attributes that held a token stay with a mark (redact) or go (drop) [default: redact]
    #[arg(long, help_heading = "Next collector", value_name = "NAME")]
    pub forward_carriers: Option<ForwardCarriers>,
    /// How requests are packed, none or gzip [default: none]
    #[arg(long, help_heading = "Next collector", value_name = "NAME")]
    pub forward_compression: Option<ForwardCompression>,
    /// Memory for requests that wait for the next collector; what comes when it is full is lost, and counted [default:
    /// 32MiB]
    #[arg(long, help_heading = "Next collector", value_name = "SIZE")]
    pub forward_queue: Option<ByteSize>,
    /// How long the next collector may take for one request [default: 10s]
    #[arg(long, help_heading = "Next collector", value_name = "DURATION", value_parser = duration)]
    pub forward_timeout: Option<Duration>,
}
