//! Who may send spans and how much is taken at a time: from options to what receivers hold, and what is said of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::bail;

use super::{clock, out};
use crate::cli::{AccessArgs, LimitArgs};
use crate::config::{ByteSize, File};
use crate::otlp::access::{Access, Origin, Secrets, Tls, TlsFiles, exposed};
use crate::otlp::counters::{ConnectionCounters, ProtocolCounters};
use crate::otlp::{Counters, Limits};

/// The variable that holds secrets, so never an option.
const VARIABLE: &str = "JWTRAIL_AUTH";

/// The least that requests and their heads are given, in bytes.
const LEAST: usize = 1024;

/// The most that a head is given, in bytes: each connection may hold as much of one.
const MOST_HEAD: usize = 1024 * 1024;

/// Who may send, by the files that say it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccessOptions {
    tls: Option<TlsFiles>,
    auth_file: Option<PathBuf>,
    /// Whether the variable counts too.
    variable: bool,
    origins: Vec<Origin>,
}

/// Works out who may send.
pub fn options(args: &AccessArgs, file: &File) -> anyhow::Result<AccessOptions> {
    let set = &file.options;
    let path = |option: &Option<PathBuf>, in_file: &Option<PathBuf>| {
        option.clone().or_else(|| in_file.as_deref().map(|path| file.beside(path)))
    };
    let cert = path(&args.tls_cert, &set.tls_cert);
    let key = path(&args.tls_key, &set.tls_key);
    let client_ca = path(&args.tls_client_ca, &set.tls_client_ca);
    let tls = match (cert, key, client_ca) {
        (Some(cert), Some(key), client_ca) => Some(TlsFiles { cert, key, client_ca }),
        (None, None, None) => None,
        (Some(_), None, _) => bail!("expected --tls-key beside --tls-cert: the file of the certificate's private key"),
        (None, Some(_), _) => bail!("expected --tls-cert beside --tls-key: the file of the key's certificate"),
        (None, None, Some(_)) => {
            bail!("expected --tls-cert and --tls-key beside --tls-client-ca: certificates are shown within TLS alone")
        }
    };
    let named = if args.cors_origin.is_empty() { &set.cors_origin } else { &args.cors_origin };
    let origins: Result<Vec<Origin>, String> = named.iter().map(|origin| origin.parse()).collect();
    let origins = origins.map_err(|message| anyhow::anyhow!("--cors-origin: {message}"))?;
    Ok(AccessOptions { tls, auth_file: path(&args.auth_file, &set.auth_file), variable: true, origins })
}

/// The variable's text, where there is some.
pub fn variable() -> Option<std::ffi::OsString> {
    std::env::var_os(VARIABLE).filter(|text| !text.is_empty())
}

/// Reads the files.
pub fn open(options: &AccessOptions) -> anyhow::Result<Access> {
    let from_file = options.auth_file.as_deref().map(Secrets::read).transpose()?;
    options.auth_file.iter().for_each(|path| warn_of_readers(path));
    options.tls.iter().for_each(|files| warn_of_readers(&files.key));
    let now = Duration::from_nanos(clock::now().0);
    let tls = options.tls.as_ref().map(|files| Tls::load(files, now)).transpose()?;
    let from_variable = match variable().filter(|_| options.variable).map(std::ffi::OsString::into_string) {
        None => None,
        Some(Ok(text)) => Some(Secrets::parse(&text, VARIABLE)?),
        Some(Err(_)) => bail!("expected UTF-8 in {VARIABLE}, found something else"),
    };
    let secrets = match (from_file, from_variable) {
        (Some(file), Some(variable)) => Some(file.and(variable)),
        (file, variable) => file.or(variable),
    };
    Ok(Access { tls, secrets, origins: options.origins.clone() })
}

/// Says that others than its owner may read a file that holds a secret, if so.
pub(super) fn warn_of_readers(path: &Path) {
    if exposed(path) {
        let path = path.display();
        out::note(&format!("warning: {path} holds a secret, and others may read it: chmod 600 {path}"));
    }
}

/// How receivers are guarded, for what is said of an address that others reach.
pub struct Guard {
    tls: bool,
    proves: bool,
}

impl Guard {
    /// That of receivers with this access.
    pub fn of(access: &Access) -> Self {
        Self { tls: access.tls.is_some(), proves: access.proves() }
    }

    /// ` over TLS`, if so: beside an address.
    pub const fn suffix(&self) -> &'static str {
        if self.tls { " over TLS" } else { "" }
    }

    /// What is missing, and what to set.
    pub fn note(&self, address: &str) -> Option<String> {
        match (self.tls, self.proves) {
            (true, true) => None,
            (true, false) => Some(format!(
                "{address} is open to the network: anyone who reaches it can send spans; --auth-file or --tls-client-ca \
                 lets in only whom you know"
            )),
            (false, true) => Some(format!(
                "{address} takes spans and secrets from the network in the clear: --tls-cert and --tls-key hide them"
            )),
            (false, false) => Some(format!(
                "{address} is open to the network: anyone who reaches it can send spans, and read those of others on their \
                 way; set --auth-file, and --tls-cert with --tls-key"
            )),
        }
    }
}

/// Works out how much is taken at a time.
pub fn limits(args: &LimitArgs, file: &File) -> anyhow::Result<Limits> {
    let (set, own) = (&file.options, Limits::default());
    let size = |option: Option<ByteSize>, in_file: Option<ByteSize>, own: usize| {
        option.or(in_file).map_or(own, |ByteSize(bytes)| bytes)
    };
    let request = size(args.max_request, set.max_request, own.request);
    let in_flight = size(args.max_in_flight, set.max_in_flight, own.in_flight.max(request.saturating_mul(2)));
    let head = size(args.max_headers, set.max_headers, own.head);
    if request < LEAST || request > u32::MAX as usize / 2 {
        bail!("expected --max-request of 1KiB to 2GiB, found {request} bytes: sizes take a unit, as in 16MiB");
    }
    if in_flight / 2 < request {
        bail!(
            "expected --max-in-flight of at least twice --max-request, found {} for {}: a packed request is there twice",
            ByteSize(in_flight),
            ByteSize(request)
        );
    }
    if !(LEAST..=MOST_HEAD).contains(&head) {
        bail!("expected --max-headers of 1KiB to 1MiB, found {head} bytes: sizes take a unit, as in 16KiB");
    }
    let time = |name: &str, option: Option<Duration>, in_file: Option<Duration>, own: Duration| {
        let time = option.or(in_file).unwrap_or(own);
        if time.is_zero() {
            bail!("expected --{name} of more than nothing, as in 30s");
        }
        Ok(time)
    };
    let connections = args.max_connections.or(set.max_connections).map_or(own.connections, |count| count as usize);
    Ok(Limits {
        request,
        in_flight,
        connections: connections.max(1),
        streams: args.max_streams.or(set.max_streams).unwrap_or(own.streams).max(1),
        head,
        body_time: time("body-timeout", args.body_timeout, set.body_timeout, own.body_time)?,
        head_time: time("header-timeout", args.header_timeout, set.header_timeout, own.head_time)?,
    })
}

/// What a bound is where nobody sets it.
pub fn default(name: &str) -> Option<String> {
    let own = Limits::default();
    let seconds = |time: Duration| format!("{}s", time.as_secs());
    Some(match name {
        "max-request" => ByteSize(own.request).to_string(),
        "max-in-flight" => ByteSize(own.in_flight).to_string(),
        "max-connections" => own.connections.to_string(),
        "max-streams" => own.streams.to_string(),
        "max-headers" => ByteSize(own.head).to_string(),
        "body-timeout" => seconds(own.body_time),
        "header-timeout" => seconds(own.head_time),
        _ => return None,
    })
}

/// A sentence for each way in which requests and connections were lost. What the engine itself refused stands in its
/// own totals.
pub fn turned_away(counters: &Counters, limits: &Limits, by_engine: u64) -> Vec<String> {
    let sum = |read: fn(&ProtocolCounters) -> &AtomicU64| {
        counters.protocols().into_iter().map(|(_, each)| read(each).load(Ordering::Relaxed)).sum::<u64>()
    };
    let refused = sum(|each| &each.refused).saturating_sub(by_engine);
    let large = format!(
        "were larger than {}: lower that exporter's batch size, or raise --max-request",
        ByteSize(limits.request)
    );
    let heads = format!("had headers of more than {}: --max-headers allows more", ByteSize(limits.head));
    let requests = [
        (sum(|each| &each.malformed), "could not be read: is that exporter speaking OTLP?"),
        (sum(|each| &each.too_large), &large),
        (refused, "were refused while too many were in flight: exporters send again what was"),
        (sum(|each| &each.slow), "did not arrive in time: --body-timeout allows more"),
        (sum(|each| &each.large_heads), &heads),
        (sum(|each| &each.unauthenticated), "showed no secret of --auth-file or JWTRAIL_AUTH"),
        (sum(|each| &each.forbidden_origins), "came from pages whose origin --cors-origin does not name"),
    ];
    let ConnectionCounters { waited, idle_closed, slow_closed, silent, tls_failures, .. } = &counters.connections;
    let connections = [
        (
            tls_failures,
            "could not agree on TLS: do those exporters trust the certificate, and have one if they need it?",
        ),
        (slow_closed, "were cut in the midst of slow sending, for others needed places: --max-connections allows more"),
        (idle_closed, "made room while idle, which exporters notice little of: --max-connections allows more"),
        (waited, "had to wait for a place: --max-connections allows more"),
        (silent, "said nothing within --header-timeout"),
    ];
    let requests = requests.into_iter().map(|(count, what)| (count, "request", what));
    let connections = connections.map(|(count, what)| (count.load(Ordering::Relaxed), "connection", what));
    let all = requests.chain(connections).filter(|(count, ..)| *count > 0);
    let said = |(count, of, what): (u64, &str, &str)| match (count, what.strip_prefix("were ")) {
        (1, Some(rest)) => format!("1 {of} was {rest}"),
        (1, None) => format!("1 {of} {what}"),
        _ => format!("{count} {of}s {what}"),
    };
    all.map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_is_said_once() {
        let (counters, limits) = (Counters::default(), Limits::default());
        assert_eq!(turned_away(&counters, &limits, 0), Vec::<String>::new());
        counters.grpc.refused.store(5, Ordering::Relaxed);
        assert_eq!(turned_away(&counters, &limits, 5), Vec::<String>::new(), "the engine counts its own refusals");
        counters.grpc.malformed.store(1, Ordering::Relaxed);
        counters.http.too_large.store(1, Ordering::Relaxed);
        counters.http.malformed.store(2, Ordering::Relaxed);
        counters.connections.tls_failures.store(4, Ordering::Relaxed);
        let said = turned_away(&counters, &limits, 3);
        assert!(said[0].starts_with("3 requests could not be read"), "{said:?}");
        assert!(
            said[1].starts_with("1 request was larger than 16MiB") && said[1].ends_with("--max-request"),
            "{said:?}"
        );
        assert!(said[2].starts_with("2 requests were refused"), "{said:?}");
        assert!(said[3].starts_with("4 connections could not agree on TLS"), "{said:?}");
    }

    #[test]
    fn an_address_that_others_reach_is_said_to_lack_what_it_lacks() {
        let note = |tls, proves| Guard { tls, proves }.note("0.0.0.0:4317 (gRPC)").unwrap_or_default();
        assert!(note(false, false).contains("set --auth-file, and --tls-cert"));
        assert!(note(false, true).contains("in the clear: --tls-cert"));
        assert!(note(true, false).contains("--auth-file or --tls-client-ca"));
        assert_eq!(note(true, true), "");
    }

    #[test]
    fn bounds_that_cannot_work_are_refused() {
        let bound = |args: LimitArgs| limits(&args, &File::default()).map_err(|error| error.to_string());
        let size = |bytes| Some(ByteSize(bytes));
        let large = bound(LimitArgs { max_request: size(100 << 20), ..LimitArgs::default() }).unwrap();
        assert_eq!((large.request, large.in_flight), (100 << 20, 200 << 20), "what is in flight follows");
        for (args, expected) in [
            (LimitArgs { max_request: size(5), ..LimitArgs::default() }, "--max-request of 1KiB to 2GiB"),
            (LimitArgs { max_in_flight: size(1 << 20), ..LimitArgs::default() }, "at least twice --max-request"),
            (LimitArgs { max_headers: size(2 << 20), ..LimitArgs::default() }, "--max-headers of 1KiB to 1MiB"),
            (LimitArgs { body_timeout: Some(Duration::ZERO), ..LimitArgs::default() }, "--body-timeout of more"),
        ] {
            let error = bound(args).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
