//! Where requests go: the URL and what it says of the protocol, read as `OTEL_EXPORTER_OTLP_ENDPOINT` is.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use reqwest::Url;

use super::Addresses;
use crate::model::ForwardProtocol;
use crate::otlp::Signal;

/// The port that the OpenTelemetry Protocol assigns to gRPC.
const GRPC_PORT: u16 = 4317;

/// Why there is nowhere to forward to. It never quotes the URL whole: people put secrets there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EndpointError {
    /// No URL.
    #[error(
        "expected --forward with a URL such as http://collector:4317 or https://collector.example.com, found no such URL"
    )]
    NoUrl,
    /// A URL of something else.
    #[error("expected --forward with http://, https://, grpc:// or grpcs://, found {0}://")]
    Scheme(String),
    /// A secret in the URL.
    #[error(
        "expected --forward with a URL without {0}, for command lines are seen by others: put the secret into \
         --forward-header-file or JWTRAIL_FORWARD_HEADERS"
    )]
    Secret(&'static str),
    /// gRPC has no paths.
    #[error(
        "expected --forward without a path where the next collector speaks gRPC, found one: leave it out, or add \
         --forward-protocol http/protobuf"
    )]
    Path,
    /// jwtrail would forward to itself for ever.
    #[error(
        "expected --forward with the address of another collector, found jwtrail's own {0}: give the next collector \
         another port, or jwtrail with --grpc ADDR:PORT and --http ADDR:PORT"
    )]
    Itself(SocketAddr),
}

/// The next collector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    url: Url,
    protocol: ForwardProtocol,
}

impl Endpoint {
    /// Reads a URL. Where no protocol is given, port 4317 and the schemes `grpc` and `grpcs` stand for gRPC, everything
    /// else for HTTP. `grpc://` is without TLS, `grpcs://` with it, on port 4317 where none is named.
    ///
    /// For HTTP the path is a base that `/v1/traces` and so on are appended to, as for `OTEL_EXPORTER_OTLP_ENDPOINT`; a
    /// URL that ends so already is taken for the same base.
    pub fn parse(text: &str, protocol: Option<ForwardProtocol>) -> Result<Self, EndpointError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(EndpointError::NoUrl)?;
        let scheme = scheme.to_ascii_lowercase();
        let (plain, says_grpc) = match scheme.as_str() {
            "http" | "https" => (scheme.as_str(), false),
            "grpc" => ("http", true),
            "grpcs" => ("https", true),
            _ if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => return Err(EndpointError::Scheme(scheme)),
            _ => return Err(EndpointError::NoUrl),
        };
        let mut url: Url = format!("{plain}://{rest}").parse().map_err(|_| EndpointError::NoUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::Secret("a user or a password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Secret("a query"));
        }
        let port = url.port();
        let guess =
            if says_grpc || port == Some(GRPC_PORT) { ForwardProtocol::Grpc } else { ForwardProtocol::HttpProtobuf };
        let protocol = protocol.unwrap_or(guess);
        let path = url.path().trim_end_matches('/').to_owned();
        if protocol == ForwardProtocol::Grpc && !path.is_empty() {
            return Err(EndpointError::Path);
        }
        let signals = [Signal::Traces, Signal::Logs, Signal::Metrics];
        let base = signals.iter().find_map(|signal| path.strip_suffix(&format!("/v1/{}", signal.name())));
        url.set_path(base.unwrap_or(&path));
        let authority = rest.split('/').next().unwrap_or_default();
        let names_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if says_grpc && !names_port {
            url.set_port(Some(GRPC_PORT)).map_err(|()| EndpointError::NoUrl)?;
        }
        Ok(Self { url, protocol })
    }

    /// What it speaks.
    pub fn protocol(&self) -> ForwardProtocol {
        self.protocol
    }

    /// Where a signal's requests are posted.
    pub fn path(&self, signal: Signal) -> Url {
        let mut url = self.url.clone();
        match self.protocol {
            ForwardProtocol::HttpProtobuf => {
                let base = url.path().trim_end_matches('/').to_owned();
                url.set_path(&format!("{base}/v1/{}", signal.name()));
            }
            ForwardProtocol::Grpc => url.set_path(match signal {
                Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            }),
        }
        url
    }

    /// Whether what is sent is encrypted.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether it is on this machine by its name.
    pub fn is_loopback(&self) -> bool {
        let host = self.url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Where its name leads to now; nothing where nobody knows it. Blocks.
    pub fn resolve(&self) -> Vec<SocketAddr> {
        let host = self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = self.url.port_or_known_default().unwrap_or(GRPC_PORT);
        (host, port).to_socket_addrs().map(Iterator::collect).unwrap_or_default()
    }

    /// Refuses an endpoint that leads to one of our own receivers. A collector in between that sends back is not seen.
    pub fn is_not_one_of(&self, own: Addresses) -> Result<(), EndpointError> {
        own.reached_by(&self.resolve()).map_or(Ok(()), |own| Err(EndpointError::Itself(own)))
    }
}

/// Scheme, host and port.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.url.scheme())?;
        self.url.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(text: &str, protocol: Option<ForwardProtocol>) -> Result<(ForwardProtocol, String), EndpointError> {
        let endpoint = Endpoint::parse(text, protocol)?;
        Ok((endpoint.protocol(), endpoint.path(Signal::Traces).to_string()))
    }

    #[test]
    fn urls_are_read_as_exporters_read_them() {
        use ForwardProtocol::{Grpc, HttpProtobuf};
        let grpc = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
        for (text, given, protocol, url) in [
            ("http://c:4317", None, Grpc, format!("http://c:4317{grpc}")),
            ("http://c:4317/", None, Grpc, format!("http://c:4317{grpc}")),
            ("grpc://c", None, Grpc, format!("http://c:4317{grpc}")),
            ("grpcs://c", None, Grpc, format!("https://c:4317{grpc}")),
            ("grpcs://c:443", None, Grpc, format!("https://c{grpc}")),
            ("http://c:5000", Some(Grpc), Grpc, format!("http://c:5000{grpc}")),
            ("http://c:4318", None, HttpProtobuf, "http://c:4318/v1/traces".to_owned()),
            ("http://c", None, HttpProtobuf, "http://c/v1/traces".to_owned()),
            ("HTTPS://c", None, HttpProtobuf, "https://c/v1/traces".to_owned()),
            ("http://c:4317", Some(HttpProtobuf), HttpProtobuf, "http://c:4317/v1/traces".to_owned()),
            ("https://c/otlp/", None, HttpProtobuf, "https://c/otlp/v1/traces".to_owned()),
            ("https://c/otlp/v1/traces", None, HttpProtobuf, "https://c/otlp/v1/traces".to_owned()),
        ] {
            assert_eq!(posted(text, given), Ok((protocol, url)), "{text}");
        }
        assert_eq!(Endpoint::parse("https://c:1/a", None).unwrap().to_string(), "https://c:1");
    }

    #[test]
    fn what_is_no_place_to_forward_to_is_said_without_a_secret() {
        assert_eq!(posted("collector:4317", None), Err(EndpointError::NoUrl));
        assert_eq!(posted("ftp://c", None), Err(EndpointError::Scheme("ftp".to_owned())));
        assert_eq!(posted("http://c:4317/v1/traces", None), Err(EndpointError::Path));
        for url in ["http://me:secret@c", "http://c/?key=secret"] {
            let error = posted(url, None).unwrap_err().to_string();
            assert!(error.contains("JWTRAIL_FORWARD_HEADERS") && !error.contains("secret@"), "{error}");
        }
    }

    #[test]
    fn it_knows_its_own_addresses() {
        let own = |grpc: &str| Addresses { grpc: Some(grpc.parse().unwrap()), http: None };
        let itself = |url: &str, grpc: &str| Endpoint::parse(url, None).unwrap().is_not_one_of(own(grpc)).is_err();
        assert!(itself("http://127.0.0.1:4317", "127.0.0.1:4317"));
        assert!(itself("http://localhost:4317", "127.0.0.1:4317"));
        assert!(itself("http://0.0.0.0:4317", "127.0.0.1:4317"));
        assert!(itself("http://127.0.0.1:4317", "0.0.0.0:4317") && itself("http://127.0.0.1:4317", "[::]:4317"));
        assert!(!itself("http://127.0.0.1:4318", "127.0.0.1:4317"));
        assert!(!itself("http://127.0.0.2:4317", "127.0.0.1:4317"));
        assert!(!itself("http://192.0.2.1:4317", "0.0.0.0:4317"), "that address is nobody's");
    }
}
