//! Headers and TLS on the way to the next collector.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jwtrail::otlp::Addresses;
use jwtrail::otlp::forward::{ForwardError, Forwarder, parse_headers};
use prost::Message as _;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::next::Next;
use super::{Chain, ForwardOptions, options};
use crate::spans::{request, span};

struct Secure {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Secure {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            // A client that trusts another certificate leaves in the middle.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

fn certificate() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap()
}

/// A collector with a certificate, which asks its clients for theirs where one is known.
async fn collector(own: &CertifiedKey<KeyPair>, client: Option<&CertifiedKey<KeyPair>>) -> Next {
    let provider = Arc::new(default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let mut config = builder.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    Next::over(Secure { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }, address)
}

fn traces() -> Vec<u8> {
    request(vec![], vec![span(2, vec![])]).encode_to_vec()
}

fn pem(of: &CertifiedKey<KeyPair>) -> Vec<u8> {
    of.cert.pem().into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_go_along_over_tls() {
    let own = certificate();
    for scheme in ["grpcs", "https"] {
        let next = collector(&own, None).await;
        let headers = parse_headers("x-api-key=s%20e,x-team=shop").unwrap();
        let chain = Chain::start(&ForwardOptions { ca: Some(pem(&own)), headers, ..options(&next.url(scheme)) });
        chain.traces(traces()).await;
        let seen = next.taken(1).await;
        assert_eq!(
            (&seen[0].headers["x-api-key"], &seen[0].headers["x-team"]),
            (&"s e".parse().unwrap(), &"shop".parse().unwrap())
        );
        assert_eq!(chain.finish().await.sent(), (1, 1), "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_trusted_gets_nothing() {
    let next = collector(&certificate(), None).await;
    let drain = Duration::from_millis(200);
    let chain = Chain::start(&ForwardOptions { ca: Some(pem(&certificate())), drain, ..options(&next.url("https")) });
    chain.traces(traces()).await;
    while chain.count("forward_failed_attempts_total") == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let forwarded = chain.finish().await;
    assert_eq!((forwarded.sent(), next.attempts().len()), ((0, 0), 0));
    assert!(forwarded.losses()[0].contains("certificate"), "{:?}", forwarded.losses());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_may_ask_for_a_certificate() {
    let (own, client) = (certificate(), certificate());
    let next = collector(&own, Some(&client)).await;
    let identity = Some([client.cert.pem(), client.signing_key.serialize_pem()].concat().into_bytes());
    let chain = Chain::start(&ForwardOptions { ca: Some(pem(&own)), identity, ..options(&next.url("grpcs")) });
    chain.traces(traces()).await;
    next.taken(1).await;
    assert_eq!(chain.finish().await.sent(), (1, 1));
}

#[tokio::test]
async fn files_without_certificates_are_told_at_the_start() {
    let none = Addresses { grpc: None, http: None };
    let start = |ca: Option<&[u8]>, identity: Option<&[u8]>| {
        let (ca, identity) = (ca.map(<[u8]>::to_vec), identity.map(<[u8]>::to_vec));
        Forwarder::start(&ForwardOptions { ca, identity, ..options("https://127.0.0.1:1") }, none).err()
    };
    assert!(matches!(start(Some(b"no certificate"), None), Some(ForwardError::Ca)));
    assert!(matches!(start(None, Some(b"no key")), Some(ForwardError::Identity)));
}
