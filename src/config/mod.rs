//! Where settings come from: defaults < file < environment < options.
//!
//! `cli` reads the environment and the options; the file is read here. It is the policy, and under `[options]` it
//! may hold the long options of the command line. Errors name file, line and column, and the nearest known word.

mod check;
pub mod edit;
mod error;
mod file;
mod inspect;
pub mod observe;
pub mod units;
mod user;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::model::policy::Policy;
use crate::model::{ForwardCarriers, ForwardCompression, ForwardProtocol, KeyPlace, KeySource, Severity};

pub use error::{ConfigError, unknown};
pub use file::{parse, read};
pub use inspect::{Inspection, inspect, inspect_text};
pub use observe::LogFormat;
pub use units::ByteSize;
pub use user::{KeyRow, OptionRow, Placed, Setting, USER_FILE, UserFile, ViewRow, user_path};

/// The policy's name in the working directory.
pub const FILE_NAME: &str = "jwtrail.toml";

/// Default of `--grpc`: the port that the OpenTelemetry Protocol assigns to gRPC.
pub const DEFAULT_GRPC: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4317);
/// Default of `--http`: the port that the OpenTelemetry Protocol assigns to HTTP.
pub const DEFAULT_HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4318);
/// Default of `--memory`.
pub const DEFAULT_MEMORY: ByteSize = ByteSize(256 * 1024 * 1024);
/// Default of `replay`'s `--memory`: a recording stays whole if it can.
pub const DEFAULT_REPLAY_MEMORY: ByteSize = ByteSize(2 * 1024 * 1024 * 1024);
/// Default of `--record-size`.
pub const DEFAULT_RECORD_SIZE: ByteSize = ByteSize(128 * 1024 * 1024);
/// Default of `--record-files`.
pub const DEFAULT_RECORD_FILES: u16 = 8;
/// Default of `--forward-queue`.
pub const DEFAULT_FORWARD_QUEUE: ByteSize = ByteSize(32 * 1024 * 1024);
/// Default of `--forward-timeout`: that of OpenTelemetry's exporters.
pub const DEFAULT_FORWARD_TIMEOUT: Duration = Duration::from_secs(10);
/// Default of `--fail-on`.
pub const DEFAULT_FAIL_ON: Severity = Severity::High;

/// `[options]`: the long options of the command line, with the same names and the same texts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct FileOptions {
    /// `--jwks`; paths are relative to the file.
    pub jwks: Vec<String>,
    /// `--issuer`
    pub issuer: Vec<String>,
    /// `--assume-captured`
    pub assume_captured: bool,
    /// `--grpc`
    #[serde(deserialize_with = "units::in_file_address")]
    pub grpc: Option<SocketAddr>,
    /// `--http`
    #[serde(deserialize_with = "units::in_file_address")]
    pub http: Option<SocketAddr>,
    /// `--no-grpc`
    pub no_grpc: bool,
    /// `--no-http`
    pub no_http: bool,
    /// `--memory`
    pub memory: Option<ByteSize>,
    /// `--record`, relative to the working directory.
    pub record: Option<PathBuf>,
    /// `--record-size`
    pub record_size: Option<ByteSize>,
    /// `--record-files`
    pub record_files: Option<u16>,
    /// `--tls-cert`; this and the next three paths are relative to the file.
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`
    pub tls_key: Option<PathBuf>,
    /// `--tls-client-ca`
    pub tls_client_ca: Option<PathBuf>,
    /// `--auth-file`
    pub auth_file: Option<PathBuf>,
    /// `--cors-origin`
    pub cors_origin: Vec<String>,
    /// `--max-request`
    pub max_request: Option<ByteSize>,
    /// `--max-in-flight`
    pub max_in_flight: Option<ByteSize>,
    /// `--max-connections`
    pub max_connections: Option<u32>,
    /// `--max-streams`
    pub max_streams: Option<u32>,
    /// `--max-headers`
    pub max_headers: Option<ByteSize>,
    /// `--body-timeout`
    #[serde(deserialize_with = "units::time")]
    pub body_timeout: Option<Duration>,
    /// `--header-timeout`
    #[serde(deserialize_with = "units::time")]
    pub header_timeout: Option<Duration>,
    /// `--admin`
    #[serde(deserialize_with = "units::in_file_address")]
    pub admin: Option<SocketAddr>,
    /// `--telemetry`
    #[serde(deserialize_with = "observe::in_file_telemetry")]
    pub telemetry: Option<String>,
    /// `--log-file`, relative to the working directory.
    pub log_file: Option<PathBuf>,
    /// `--log-level`
    #[serde(deserialize_with = "observe::in_file_level")]
    pub log_level: Option<String>,
    /// `--log-format`
    #[serde(deserialize_with = "observe::in_file_format")]
    pub log_format: Option<LogFormat>,
    /// `--forward`
    pub forward: Option<String>,
    /// `--forward-protocol`
    pub forward_protocol: Option<ForwardProtocol>,
    /// `--forward-header-file`, like all these files relative to the working directory.
    pub forward_header_file: Option<PathBuf>,
    /// `--forward-ca`
    pub forward_ca: Option<PathBuf>,
    /// `--forward-cert`
    pub forward_cert: Option<PathBuf>,
    /// `--forward-key`
    pub forward_key: Option<PathBuf>,
    /// `--forward-carriers`
    pub forward_carriers: Option<ForwardCarriers>,
    /// `--forward-compression`
    pub forward_compression: Option<ForwardCompression>,
    /// `--forward-queue`
    pub forward_queue: Option<ByteSize>,
    /// `--forward-timeout`
    #[serde(deserialize_with = "units::time")]
    pub forward_timeout: Option<Duration>,
    /// `--ascii`
    pub ascii: bool,
    /// `--no-mouse`
    pub no_mouse: bool,
    /// `--fail-on`
    #[serde(deserialize_with = "units::severity")]
    pub fail_on: Option<Severity>,
}

/// The long options that a policy's `[options]` sets, with their lines; nothing where it cannot be read.
pub fn options_set(path: &Path) -> Vec<(String, usize)> {
    inspect::options_set(path)
}

/// A file as read: its path for messages, the policy, and the options in it.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// Where it was read, `None` where there was none.
    pub path: Option<PathBuf>,
    /// The policy.
    pub policy: Policy,
    /// `[options]`
    pub options: FileOptions,
}

impl File {
    /// Keys named by the policy and by `[options]`, in that order, their paths relative to the file's folder.
    pub fn key_sources(&self) -> Vec<KeySource> {
        let folder = self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let mut found = Vec::new();
        for issuer in &self.policy.issuer {
            let jwks = issuer.jwks.as_deref().map(|text| KeyPlace::named(text, folder));
            let secret_file = issuer.secret_file.as_deref().map(|path| KeyPlace::SecretFile(folder.join(path)));
            let secret_env = issuer.secret_env.clone().map(KeyPlace::SecretVariable);
            let mut places: Vec<KeyPlace> = [jwks, secret_file, secret_env].into_iter().flatten().collect();
            if places.is_empty() {
                places.extend(issuer.url.clone().map(KeyPlace::Discovery));
            }
            found.extend(places.into_iter().map(|place| KeySource {
                place,
                issuer: issuer.url.clone(),
                algorithms: issuer.algorithms.clone(),
            }));
        }
        let named = self.options.jwks.iter().map(|text| KeySource::any_issuer(KeyPlace::named(text, folder)));
        found.extend(named);
        found.extend(self.options.issuer.iter().map(|url| KeySource::issuer(url)));
        found
    }

    /// A path that `[options]` names, relative to the file's folder.
    pub fn beside(&self, path: &Path) -> PathBuf {
        self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).join(path)
    }

    /// The settle window: the option, else the file's, else 15 s.
    pub fn settle(&self, option: Option<Duration>) -> Duration {
        option.unwrap_or(Duration::from_secs(self.policy.limits.settle))
    }
}
