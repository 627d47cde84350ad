//! One key set over HTTP: bounded in size, time and redirects, and only from where the user said.

use std::error::Error as _;
use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{ACCEPT, AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};
use serde::Deserialize;

use crate::model::KeyPlace;
use crate::model::keys::check_url;

/// Largest document that is read, in bytes. Issuers' key sets have a few thousand.
pub const MAX_DOCUMENT: usize = 1 << 20;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one document may take, from the connection to its last byte.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Redirects that are followed, all within one origin.
const REDIRECTS: usize = 3;

/// A key set as it came.
#[derive(Debug)]
pub struct Fetched {
    /// Its bytes.
    pub document: Vec<u8>,
    /// How long it may be kept, by its cache headers (RFC 9111); `None` where they do not say.
    pub lifetime: Option<Duration>,
}

/// Why no key set came. Nothing in here holds more of a URL than the user named.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer.
    #[error("expected an answer, found none: {0}")]
    Unreachable(String),
    /// Not in time.
    #[error("expected the whole answer within {0:?}, found less")]
    Slow(Duration),
    /// An answer that is none.
    #[error("expected status 200, found {0}")]
    Status(u16),
    /// A redirect that is not followed.
    #[error("expected the document itself, found a redirect to another origin: name that URL if it is trusted")]
    Redirected,
    /// More than a key set has.
    #[error("expected at most {MAX_DOCUMENT} bytes, found more")]
    TooLarge,
    /// No discovery document.
    #[error("expected an OpenID Connect discovery document, found {0}")]
    NoDiscovery(String),
    /// Somebody else's discovery document (`OpenID` Connect Discovery 1.0, section 4.3).
    #[error("expected its own name as `issuer` in the discovery document, found `{0}`")]
    WrongIssuer(String),
    /// The document names no place that keys may be fetched from.
    #[error("expected a `jwks_uri` as safe as the issuer's own URL in the discovery document, found {0}")]
    BadJwksUri(String),
}

/// The client of all fetches.
pub struct Fetcher {
    client: Client,
    deadline: Duration,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Fetcher {
    /// A client that trusts what this machine trusts. Proxies are taken from the environment.
    pub fn new() -> Result<Self, FetchError> {
        Self::within(DEADLINE)
    }

    /// The same with another bound on the time that one document may take.
    pub fn within(deadline: Duration) -> Result<Self, FetchError> {
        let client = builder(deadline).build().or_else(|error| {
            // A container without root certificates can still talk to an issuer beside it.
            tracing::warn!(%error, "no root certificates on this machine: keys cannot be fetched over https");
            builder(deadline).tls_certs_only([]).build()
        });
        Ok(Self { client: client.map_err(|error| unreachable(&error))?, deadline })
    }

    /// Fetches a source's key set, by way of the discovery document where there is one.
    pub async fn fetch(&self, place: &KeyPlace) -> Result<Fetched, FetchError> {
        match place {
            KeyPlace::Discovery(issuer) => {
                let uri = self.discover(issuer).await?;
                self.get(&uri).await
            }
            KeyPlace::Url(url) => self.get(url).await,
            KeyPlace::File(_) | KeyPlace::SecretFile(_) | KeyPlace::SecretVariable(_) => {
                Err(FetchError::Unreachable(format!("{place} is not on the network")))
            }
        }
    }

    async fn discover(&self, issuer: &str) -> Result<String, FetchError> {
        let own = issuer.trim_end_matches('/');
        let found = self.get(&format!("{own}/.well-known/openid-configuration")).await?;
        let document: Discovery =
            serde_json::from_slice(&found.document).map_err(|error| FetchError::NoDiscovery(no_document(&error)))?;
        if document.issuer.trim_end_matches('/') != own {
            return Err(FetchError::WrongIssuer(shortened(&document.issuer)));
        }
        let uri = document.jwks_uri;
        let secure = |url: &str| url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
        if check_url(&uri).is_err() || secure(issuer) && !secure(&uri) {
            return Err(FetchError::BadJwksUri(format!("`{}`", shortened(uri.split('?').next().unwrap_or_default()))));
        }
        Ok(uri)
    }

    async fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        let request = self.client.get(url).header(ACCEPT, "application/json, application/jwk-set+json");
        let mut response = request.send().await.map_err(|error| self.failed(error))?;
        match response.status().as_u16() {
            200 => {}
            300..=399 => return Err(FetchError::Redirected),
            status => return Err(FetchError::Status(status)),
        }
        let lifetime = lifetime(response.headers());
        let document = self.body(&mut response).await?;
        Ok(Fetched { document, lifetime })
    }

    /// Reads a body piece by piece: what its length header says is only a promise.
    async fn body(&self, response: &mut Response) -> Result<Vec<u8>, FetchError> {
        let most = MAX_DOCUMENT as u64;
        if response.content_length().is_some_and(|length| length > most) {
            return Err(FetchError::TooLarge);
        }
        let mut document = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.failed(error))? {
            if document.len() + piece.len() > MAX_DOCUMENT {
                return Err(FetchError::TooLarge);
            }
            document.extend_from_slice(&piece);
        }
        Ok(document)
    }

    fn failed(&self, error: reqwest::Error) -> FetchError {
        if error.is_timeout() { FetchError::Slow(self.deadline) } else { unreachable(&error.without_url()) }
    }
}

fn builder(deadline: Duration) -> ClientBuilder {
    let within = Policy::custom(|attempt| {
        let first = attempt.previous().first().map(reqwest::Url::origin);
        let same = first.is_some_and(|first| first == attempt.url().origin());
        if same && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
    });
    Client::builder()
        .user_agent(concat!("jwtrail/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .timeout(deadline)
        .redirect(within)
        .referer(false)
}

/// The innermost cause says what happened: `connection refused`, `certificate expired`.
fn unreachable(error: &reqwest::Error) -> FetchError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let innermost = if error.source().is_some() { cause.to_string() } else { error.to_string() };
    FetchError::Unreachable(shortened(&innermost))
}

fn no_document(error: &serde_json::Error) -> String {
    if error.is_data() { "JSON without `issuer` and `jwks_uri`".to_owned() } else { "text that is no JSON".to_owned() }
}

/// What strangers wrote, short enough for a line.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

/// How long a response is fresh (RFC 9111, section 4.2.1).
fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let control = text(CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
    let mut directives = control.split(',').map(str::trim);
    if directives.clone().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return Some(Duration::ZERO);
    }
    let seconds = |text: &str| text.trim().trim_matches('"').parse::<u64>().ok();
    if let Some(most) = directives.find_map(|directive| seconds(directive.strip_prefix("max-age=")?)) {
        let age = text(AGE).and_then(seconds).unwrap_or_default();
        return Some(Duration::from_secs(most.saturating_sub(age)));
    }
    let moment = |name: HeaderName| rfc2822::parse(text(name)?).ok().map(|time| time.timestamp().as_second());
    let left = moment(EXPIRES)?.saturating_sub(moment(DATE)?);
    Some(Duration::from_secs(u64::try_from(left).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_headers_say_how_long_keys_are_good() {
        let of = |pairs: &[(HeaderName, &'static str)]| {
            let headers: HeaderMap = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
            lifetime(&headers).map(|lifetime| lifetime.as_secs())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(CACHE_CONTROL, "public, max-age=3600, must-revalidate"), (AGE, "600")]), Some(3000));
        assert_eq!(of(&[(CACHE_CONTROL, "no-store, max-age=3600")]), Some(0));
        let (date, expires) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 09:49:37 GMT");
        assert_eq!(of(&[(DATE, date), (EXPIRES, expires)]), Some(3600));
        assert_eq!(of(&[(DATE, date), (EXPIRES, "0")]), None);
    }
}
