//! How much is taken at a time.

use std::time::Duration;

use clap::Args;

use crate::config::ByteSize;
use crate::config::units::duration;

/// Options of everything that listens, on its bounds.
#[derive(Clone, Debug, Default, Args)]
pub struct LimitArgs {
    /// Largest request, on the wire and unpacked [default: 16MiB]
    #[arg(long, value_name = "SIZE")]
    pub max_request: Option<ByteSize>,
    /// Requests in memory at a time; beyond it exporters are told to come again [default: 96MiB]
    #[arg(long, value_name = "SIZE")]
    pub max_in_flight: Option<ByteSize>,
    /// Connections open at a time; beyond it idle ones make room [default: 512]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: Option<u32>,
    /// Requests open at a time on one connection [default: 128]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub max_streams: Option<u32>,
    /// Largest head of a request [default: 16KiB]
    #[arg(long, value_name = "SIZE")]
    pub max_headers: Option<ByteSize>,
    /// How long the body of a request may take to arrive [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub body_timeout: Option<Duration>,
    /// How long a TLS handshake, or the head of a request, may take to arrive [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub header_timeout: Option<Duration>,
}
