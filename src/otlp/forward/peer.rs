//! The next collector over the wire: one request out, what its answer means.
//!
//! gRPC's framing is written here, over the HTTP client that the keys are fetched with: one client for both protocols, and
//! no second TLS beside it.

use std::error::Error as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use jiff::fmt::rfc2822;
use prost::Message as _;
use reqwest::redirect::Policy;
use reqwest::tls::Version;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use tonic::Code;

use super::{Endpoint, ForwardError, ForwardOptions};
use crate::model::{ForwardCompression, ForwardProtocol};
use crate::otlp::Signal;
use crate::otlp::status::{self, RetryInfo, Status};

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// A byte that tells whether the message is packed, and a big-endian length.
const PREFIX_BYTES: usize = 5;

/// The next collector, and how to speak to it.
pub(super) struct Peer {
    client: Client,
    endpoint: Endpoint,
    headers: HeaderMap,
    compression: ForwardCompression,
}

/// What an answer means (OTLP specification, "Failures" of each transport).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// Taken, but for so many.
    Taken(u64),
    /// To be tried again.
    Later {
        /// When, where it says so.
        after: Option<Duration>,
        why: String,
        /// Whether anybody answered.
        answered: bool,
    },
    /// Never.
    Refused(String),
}

impl Peer {
    pub(super) fn new(options: &ForwardOptions) -> Result<Self, ForwardError> {
        let failed = |error: &reqwest::Error| ForwardError::Client(innermost(error));
        let mut builder = ClientBuilder::new()
            .user_agent(concat!("jwtrail/", env!("CARGO_PKG_VERSION")))
            // The shorter one, so that it is known whether anybody was there.
            .connect_timeout(options.timeout.mul_f64(0.8))
            .timeout(options.timeout)
            // Headers hold secrets, which belong to this collector alone.
            .redirect(Policy::none())
            .referer(false)
            .tls_version_min(Version::TLS_1_2);
        if options.endpoint.protocol() == ForwardProtocol::Grpc {
            builder = builder.http2_prior_knowledge().http2_adaptive_window(true);
        }
        if options.endpoint.is_loopback() {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &options.identity {
            builder = builder.identity(Identity::from_pem(pem).map_err(|_| ForwardError::Identity)?);
        }
        builder = match &options.ca {
            Some(pem) => {
                let certificates = Certificate::from_pem_bundle(pem).map_err(|_| ForwardError::Ca)?;
                if certificates.is_empty() {
                    return Err(ForwardError::Ca);
                }
                builder.tls_certs_only(certificates)
            }
            // A container without root certificates can still forward in the clear.
            None if !options.endpoint.is_secure() => builder.tls_certs_only([]),
            None => builder,
        };
        let client = builder.build().map_err(|error| failed(&error))?;
        let (endpoint, headers) = (options.endpoint.clone(), options.headers.clone());
        Ok(Self { client, endpoint, headers, compression: options.compression })
    }

    /// The body as it goes over the wire, to be sent as often as it takes.
    pub(super) fn packed(&self, body: Bytes) -> Bytes {
        let gzip = self.compression == ForwardCompression::Gzip;
        let body = if gzip { gzipped(&body) } else { body };
        match self.endpoint.protocol() {
            ForwardProtocol::HttpProtobuf => body,
            ForwardProtocol::Grpc => {
                let mut frame = BytesMut::with_capacity(PREFIX_BYTES + body.len());
                frame.put_u8(u8::from(gzip));
                frame.put_u32(body.len() as u32);
                frame.put_slice(&body);
                frame.freeze()
            }
        }
    }

    /// Sends one packed request.
    pub(super) async fn send(&self, signal: Signal, packed: Bytes) -> Answer {
        let grpc = self.endpoint.protocol() == ForwardProtocol::Grpc;
        let mut headers = self.headers.clone();
        let kind = if grpc { "application/grpc" } else { "application/x-protobuf" };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if grpc {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        if self.compression == ForwardCompression::Gzip {
            let name = if grpc { "grpc-encoding" } else { "content-encoding" };
            headers.insert(name, HeaderValue::from_static("gzip"));
        }
        let request = self.client.post(self.endpoint.path(signal)).headers(headers).body(packed);
        match request.send().await {
            Ok(response) if grpc => grpc_answer(response.into()).await,
            Ok(response) => http_answer(response.into()).await,
            Err(error) => {
                let answered = error.is_timeout() && !error.is_connect();
                Answer::Later { after: None, answered, why: innermost(&error) }
            }
        }
    }
}

fn gzipped(body: &Bytes) -> Bytes {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing into memory cannot fail.
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map_or_else(|_| Bytes::new(), Bytes::from)
}

/// The innermost cause says what happened: `connection refused`, `invalid peer certificate`. No URL stands in it.
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time (--forward-timeout)".to_owned();
    }
    let Some(mut cause) = error.source() else { return "no answer".to_owned() };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Body and trailers, bounded.
async fn whole(body: reqwest::Body) -> Option<(Bytes, HeaderMap)> {
    let collected = Limited::new(body, MAX_ANSWER).collect().await.ok()?;
    let trailers = collected.trailers().cloned().unwrap_or_default();
    Some((collected.to_bytes(), trailers))
}

async fn http_answer(response: http::Response<reqwest::Body>) -> Answer {
    let (head, body) = response.into_parts();
    let why = format!("it answered HTTP {}", head.status.as_u16());
    match head.status {
        status if status.is_success() => {
            let read = whole(body).await;
            let json = head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
            // Taken is taken, whatever became of the rest of the answer.
            Answer::Taken(read.map_or(0, |(body, _)| status::rejected(&body, json)))
        }
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Answer::Later { after: retry_after(&head.headers), why, answered: true },
        _ => Answer::Refused(why),
    }
}

/// `Retry-After` in seconds or as a date, which counts from the answer's own (RFC 9110 section 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: header::HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let after = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| rfc2822::parse(text).ok().map(|date| date.timestamp());
    let seconds = date(after)?.as_second() - date(text(header::DATE)?)?.as_second();
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

async fn grpc_answer(response: http::Response<reqwest::Body>) -> Answer {
    let (head, body) = response.into_parts();
    let later = |why: String| Answer::Later { after: None, why, answered: true };
    // An answer without a body has its status in the head.
    let mut told = head.headers;
    let mut message = Bytes::new();
    if !told.contains_key("grpc-status") {
        let Some((body, trailers)) = whole(body).await else {
            return later("its answer broke off".to_owned());
        };
        message = body;
        told.extend(trailers);
    }
    let code = told.get("grpc-status").and_then(|status| status.to_str().ok()?.parse::<i32>().ok());
    let Some(code) = code.map(Code::from) else {
        let status = head.status.as_u16();
        let why = format!("it answered HTTP {status} without a gRPC status: does it speak gRPC?");
        // What gRPC's clients make of a proxy's answer.
        return if matches!(status, 429 | 502..=504) { later(why) } else { Answer::Refused(why) };
    };
    let after = retry_info(&told);
    let why = format!("it answered gRPC status {} ({code:?})", code as i32);
    match code {
        Code::Ok => Answer::Taken(message.get(PREFIX_BYTES..).map_or(0, |body| status::rejected(body, false))),
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Answer::Later { after, why, answered: true },
        Code::ResourceExhausted if after.is_some() => Answer::Later { after, why, answered: true },
        _ => Answer::Refused(why),
    }
}

fn retry_info(headers: &HeaderMap) -> Option<Duration> {
    let details = headers.get("grpc-status-details-bin")?.as_bytes();
    let details = STANDARD_NO_PAD.decode(details).or_else(|_| STANDARD.decode(details)).ok()?;
    let status = Status::decode(&*details).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url.ends_with("google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(&*info.value).ok()?.retry_delay.unwrap_or_default();
    Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_collector_that_lets_nobody_in_has_not_answered() {
        // It takes connections and says nothing: to TLS that is no connection, in the clear it is a request without answer.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        for (scheme, expected) in [("https", false), ("http", true)] {
            let endpoint = Endpoint::parse(&format!("{scheme}://{address}"), None).unwrap();
            let options = ForwardOptions {
                ca: Some(authority.cert.pem().into_bytes()),
                timeout: Duration::from_millis(500),
                ..ForwardOptions::new(endpoint)
            };
            let answer = Peer::new(&options).unwrap().send(Signal::Traces, Bytes::new()).await;
            assert!(matches!(answer, Answer::Later { answered, .. } if answered == expected), "{scheme}: {answer:?}");
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let read = |pairs: &[(header::HeaderName, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
            retry_after(&pairs.collect())
        };
        assert_eq!(read(&[(header::RETRY_AFTER, "7")]), Some(Duration::from_secs(7)));
        let date = (header::DATE, "Fri, 27 Nov 2026 22:00:00 GMT");
        let after = (header::RETRY_AFTER, "Fri, 27 Nov 2026 22:00:09 GMT");
        assert_eq!(read(&[date.clone(), after.clone()]), Some(Duration::from_secs(9)));
        assert_eq!(
            (read(std::slice::from_ref(&after)), read(&[date]), read(&[(header::RETRY_AFTER, "soon")])),
            (None, None, None)
        );
    }
}
