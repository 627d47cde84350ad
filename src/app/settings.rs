//! Options over environment over file over defaults, worked out once for a command.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::bail;

use super::access::{self, AccessOptions};
use super::forward;
use super::logs::LogOptions;
use crate::cli::{JudgeArgs, ListenArgs, LogArgs, RecordArgs, ScreenArgs};
use crate::config::{
    self, ByteSize, ConfigError, DEFAULT_GRPC, DEFAULT_HTTP, DEFAULT_MEMORY, DEFAULT_RECORD_FILES, DEFAULT_RECORD_SIZE,
    FILE_NAME, File,
};
use crate::engine::{EngineOptions, INTAKE_BYTES};
use crate::model::{KeyPlace, KeySource};
use crate::otlp::Limits;
use crate::otlp::forward::ForwardOptions;
use crate::otlp::record::RecordOptions;
use crate::store::{Spool, SpoolOptions};
use crate::trail::{Trail, TrailOptions};

/// Spans kept of one trace while receiving: far beyond what a request makes, short of what a runaway loop does.
const SPANS_PER_TRACE: usize = 50_000;

/// Where the policy comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lookup {
    /// Only `--policy` or its variable.
    Named,
    /// Else `jwtrail.toml` in the working directory.
    WorkingDirectory,
}

/// Reads the policy, if there is one. Also says which, on standard error, where it was not named by the user.
pub fn file(args: &JudgeArgs, lookup: Lookup) -> Result<File, ConfigError> {
    if let Some(path) = &args.policy {
        return config::read(path);
    }
    let here = Path::new(FILE_NAME);
    if lookup == Lookup::WorkingDirectory && here.is_file() {
        super::out::note(&format!("policy: {}", here.display()));
        return config::read(here);
    }
    Ok(File::default())
}

/// Everything that judging needs: policy, bounds, key sets.
pub struct Judging {
    /// The file, for its options.
    pub file: File,
    /// Bounds and switches.
    pub options: TrailOptions,
    /// Keys to check signatures with.
    pub keys: Vec<KeySource>,
    /// Memory for judging saved traces, in bytes; what does not fit goes to disk.
    spool: usize,
}

impl Judging {
    /// Works it out; `memory` bounds what is kept, `None` keeps all of the input.
    pub fn new(args: &JudgeArgs, file: File, memory: Option<usize>) -> Self {
        let options = TrailOptions {
            assume_captured: args.assume_captured || file.options.assume_captured,
            settle: file.settle(args.settle),
            memory: memory.unwrap_or(usize::MAX),
            spans_per_trace: memory.map_or(usize::MAX, |_| SPANS_PER_TRACE),
        };
        let mut keys = file.key_sources();
        let here = Path::new("");
        keys.extend(args.jwks.iter().map(|text| KeySource::any_issuer(KeyPlace::named(text, here))));
        keys.extend(args.issuer.iter().map(|url| KeySource::issuer(url)));
        let spool = file.options.memory.unwrap_or(DEFAULT_MEMORY).0;
        Self { file, options, keys, spool }
    }

    /// The same with this much memory for saved traces, where an option says so.
    pub fn within(mut self, memory: Option<ByteSize>) -> anyhow::Result<Self> {
        self.spool = enough(memory.map_or(self.spool, |memory| memory.0))?;
        Ok(self)
    }

    /// Bytes that all of it together is to stay within.
    pub fn memory(&self) -> usize {
        self.spool.min(self.options.memory)
    }

    /// Takes saved traces of any size.
    pub fn spool(&self) -> Spool {
        Spool::new(self.trail(), SpoolOptions::within(self.spool))
    }

    /// An empty trail under this policy.
    pub fn trail(&self) -> Trail {
        Trail::new(self.file.policy.clone(), self.options.clone())
    }

    /// Bounds of an engine over that trail.
    pub fn engine(&self) -> EngineOptions {
        EngineOptions { intake_bytes: INTAKE_BYTES.min(self.options.memory), memory: self.options.memory }
    }
}

/// Where to listen; at least one of the two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    /// OTLP over gRPC.
    pub grpc: Option<SocketAddr>,
    /// OTLP over HTTP.
    pub http: Option<SocketAddr>,
    /// Memory for judging, in bytes.
    pub memory: usize,
    /// What is kept of it.
    pub record: Option<RecordOptions>,
    /// Who may send.
    pub access: AccessOptions,
    /// How much is taken at a time.
    pub limits: Limits,
    /// Where it goes on to.
    pub forward: Option<ForwardOptions>,
    /// How it is watched.
    pub observe: Observe,
}

/// How jwtrail itself is watched.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observe {
    /// Where health and metrics are answered.
    pub admin: Option<SocketAddr>,
    /// Where its own spans and logs are sent.
    pub telemetry: Option<String>,
}

/// Works out what is logged, and where.
pub fn log(args: &LogArgs, file: &File) -> LogOptions {
    let from_file = &file.options;
    LogOptions {
        file: args.log_file.clone().or_else(|| from_file.log_file.clone()),
        level: args.log_level.clone().filter(|level| !level.is_empty()).or_else(|| from_file.log_level.clone()),
        format: args.log_format.or(from_file.log_format).unwrap_or_default(),
    }
}

/// Works out what to keep, and where.
pub fn record(args: &RecordArgs, file: &File) -> anyhow::Result<Option<RecordOptions>> {
    let from_file = &file.options;
    let Some(path) = args.record.clone().or_else(|| from_file.record.clone()) else { return Ok(None) };
    if path.as_os_str() == "-" {
        bail!("expected a file to record to, found `-`: standard output is the report's");
    }
    let size = args.record_size.or(from_file.record_size).unwrap_or(DEFAULT_RECORD_SIZE);
    if size.0 < LEAST_MEMORY {
        bail!("expected --record-size of 1MiB or more, found {} bytes: sizes take a unit, as in 128MiB", size.0);
    }
    let files = args.record_files.or(from_file.record_files).unwrap_or(DEFAULT_RECORD_FILES).max(1);
    Ok(Some(RecordOptions { path, file_bytes: size.0 as u64, files: usize::from(files) }))
}

/// Works out where to listen. `--no-grpc` wins over an address from the environment or the file.
pub fn listen(args: &ListenArgs, file: &File) -> anyhow::Result<Listen> {
    let from_file = &file.options;
    let pick = |off: bool, option: Option<SocketAddr>, in_file: Option<SocketAddr>, default| {
        (!off).then(|| option.or(in_file).unwrap_or(default))
    };
    let grpc_off = args.no_grpc || (from_file.no_grpc && args.grpc.is_none());
    let http_off = args.no_http || (from_file.no_http && args.http.is_none());
    let grpc = pick(grpc_off, args.grpc, from_file.grpc, DEFAULT_GRPC);
    let http = pick(http_off, args.http, from_file.http, DEFAULT_HTTP);
    if grpc.is_none() && http.is_none() {
        bail!("expected somewhere to listen, found both --no-grpc and --no-http: leave one of them out");
    }
    let memory = enough(args.memory.or(from_file.memory).unwrap_or(DEFAULT_MEMORY).0)?;
    let (access, limits) = (access::options(&args.access, file)?, access::limits(&args.limits, file)?);
    let observe = Observe {
        admin: args.observe.admin.or(from_file.admin),
        telemetry: args.observe.telemetry.clone().or_else(|| from_file.telemetry.clone()),
    };
    let (record, forward) = (record(&args.record, file)?, forward::settings(&args.forward, file)?);
    Ok(Listen { grpc, http, memory, record, access, limits, forward, observe })
}

fn enough(memory: usize) -> anyhow::Result<usize> {
    if memory < LEAST_MEMORY {
        bail!(
            "expected --memory of 1MiB or more, found {memory} bytes: hardly a trace would be kept; sizes take a unit, as in 256MiB"
        );
    }
    Ok(memory)
}

/// The least that judging can do anything with, in bytes.
const LEAST_MEMORY: usize = 1024 * 1024;

/// How to draw.
pub fn screen(args: &ScreenArgs, file: &File) -> ScreenArgs {
    ScreenArgs {
        ascii: args.ascii || file.options.ascii,
        no_mouse: args.no_mouse || file.options.no_mouse,
        ..args.clone()
    }
}
