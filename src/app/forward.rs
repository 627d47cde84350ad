//! Settings of forwarding: options over the file's, headers out of a file or the environment.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::{access, out};
use crate::cli::ForwardArgs;
use crate::config::{DEFAULT_FORWARD_QUEUE, DEFAULT_FORWARD_TIMEOUT, File};
use crate::otlp::forward::{Endpoint, ForwardOptions, Forwarded, parse_headers};

/// The variable that holds headers, in the form of `OTEL_EXPORTER_OTLP_HEADERS`: secrets, so never an option.
const HEADERS_VARIABLE: &str = "JWTRAIL_FORWARD_HEADERS";

/// The least that a queue can do anything with, in bytes.
const LEAST_QUEUE: usize = 64 << 10;

/// Works out where to forward to, and how.
pub fn settings(args: &ForwardArgs, file: &File) -> anyhow::Result<Option<ForwardOptions>> {
    let from_file = &file.options;
    let Some(url) = args.forward.as_deref().or(from_file.forward.as_deref()).filter(|url| !url.is_empty()) else {
        if *args != ForwardArgs::default() {
            bail!("expected --forward URL beside the options that say how to forward, found none");
        }
        return Ok(None);
    };
    let mut options = ForwardOptions::new(Endpoint::parse(url, args.forward_protocol.or(from_file.forward_protocol))?);
    let pick = |option: &Option<_>, file: &Option<_>| option.clone().or_else(|| file.clone());
    if let Some(path) = pick(&args.forward_header_file, &from_file.forward_header_file) {
        access::warn_of_readers(&path);
        let text = Zeroizing::new(read("forward-header-file", &path)?);
        let text = std::str::from_utf8(&text).with_context(|| format!("{}: no UTF-8", path.display()))?;
        options.headers =
            parse_headers(text).with_context(|| format!("{}, named by --forward-header-file", path.display()))?;
    }
    if let Some(text) = std::env::var_os(HEADERS_VARIABLE).filter(|text| !text.is_empty()) {
        let text = Zeroizing::new(text.to_string_lossy().into_owned());
        options.headers.extend(parse_headers(&text).context(HEADERS_VARIABLE)?);
    }
    options.ca = pick(&args.forward_ca, &from_file.forward_ca).map(|path| read("forward-ca", &path)).transpose()?;
    let certificate = pick(&args.forward_cert, &from_file.forward_cert);
    let key = pick(&args.forward_key, &from_file.forward_key);
    options.identity = match (certificate, key) {
        (Some(certificate), Some(key)) => {
            access::warn_of_readers(&key);
            Some([read("forward-cert", &certificate)?, read("forward-key", &key)?].join(&b'\n'))
        }
        (None, None) => None,
        _ => bail!("expected --forward-cert and --forward-key together, found one of them"),
    };
    if !options.endpoint.is_secure() && (options.ca.is_some() || options.identity.is_some()) {
        bail!("expected --forward with https:// or grpcs:// beside certificates, found a URL without TLS");
    }
    options.carriers = args.forward_carriers.or(from_file.forward_carriers).unwrap_or_default();
    options.compression = args.forward_compression.or(from_file.forward_compression).unwrap_or_default();
    let queue = args.forward_queue.or(from_file.forward_queue).unwrap_or(DEFAULT_FORWARD_QUEUE);
    if queue.0 < LEAST_QUEUE {
        bail!("expected --forward-queue of 64KiB or more, found {} bytes: sizes take a unit, as in 32MiB", queue.0);
    }
    options.queue_bytes = queue.0;
    let timeout = args.forward_timeout.or(from_file.forward_timeout).unwrap_or(DEFAULT_FORWARD_TIMEOUT);
    if timeout.is_zero() {
        bail!("expected --forward-timeout of more than nothing, found 0: durations take a unit, as in 10s");
    }
    options.timeout = timeout;
    Ok(Some(options))
}

fn read(option: &str, path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}, named by --{option}", path.display()))
}

/// What people should know before anything is sent.
pub fn notes(options: &ForwardOptions) -> Option<String> {
    let exposed = !options.headers.is_empty() && !options.endpoint.is_secure() && !options.endpoint.is_loopback();
    exposed.then(|| format!("headers are sent to {} without TLS: anyone on the way can read them", options.endpoint))
}

/// Says what was forwarded, and what was lost.
pub fn tell(place: &str, forwarded: &Forwarded) {
    let (requests, spans) = forwarded.sent();
    out::note(&format!("forwarded {requests} requests with {spans} spans to {place}"));
    for loss in forwarded.losses() {
        out::note(&format!("warning: {loss}"));
    }
}
