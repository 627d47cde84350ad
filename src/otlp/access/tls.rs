//! TLS of the receivers: a certificate and its key, and where client certificates are demanded, who signs those.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use tokio_rustls::rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    CertificateError, Error as Rustls, RootCertStore, ServerConfig, version::TLS12, version::TLS13,
};
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

/// Files in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The server's certificate, and behind it those that lead to its authority.
    pub cert: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// Authorities whose client certificates are taken; with it nobody comes in without one.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be offered. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}, named by --{option}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The option that names it, without its dashes.
        option: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("expected {expected} in PEM in {path}, named by --{option}, found {found}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The option that names it, without its dashes.
        option: &'static str,
        /// What should be in it.
        expected: &'static str,
        /// What is.
        found: String,
    },
    /// The key is another certificate's.
    #[error(
        "the key in {key} is not that of the first certificate in {cert}: give --tls-key the file that was made with it, \
         and let --tls-cert begin with the server's own certificate",
        key = key.display(), cert = cert.display()
    )]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// A certificate is of another time.
    #[error("the certificate in {path}, named by --{option}, {when}: no client would take it; {advice}", path = path.display())]
    Time {
        /// The file.
        path: PathBuf,
        /// The option that names it, without its dashes.
        option: &'static str,
        /// Since or until when.
        when: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// What the library said to all of it.
    #[error("cannot offer TLS with {path}, named by --{option}: {source}", path = path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// The option that names it, without its dashes.
        option: &'static str,
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// TLS 1.2 and 1.3 with the protocols of OTLP, ready to be offered.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    asks_clients: bool,
}

/// One of the files, and how it is spoken of.
struct Source<'a> {
    path: &'a Path,
    option: &'static str,
    expected: &'static str,
}

impl Source<'_> {
    fn content(&self, found: impl Into<String>) -> TlsError {
        let (option, expected) = (self.option, self.expected);
        TlsError::Content { path: self.path.to_path_buf(), option, expected, found: found.into() }
    }

    fn other(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TlsError {
        TlsError::Other { path: self.path.to_path_buf(), option: self.option, source: source.into() }
    }

    fn read(&self) -> Result<Zeroizing<Vec<u8>>, TlsError> {
        let bytes = std::fs::read(self.path);
        bytes.map(Zeroizing::new).map_err(|source| TlsError::Read {
            path: self.path.to_path_buf(),
            option: self.option,
            source,
        })
    }

    fn pem(&self, error: &pem::Error) -> TlsError {
        // The library's own words may quote the file, which may be a key's.
        self.content(match error {
            pem::Error::NoItemsFound => "none: is it another file, or in DER?",
            pem::Error::MissingSectionEnd { .. } => "one whose END line is missing: is the file cut?",
            pem::Error::Base64Decode(_) => "one that is not base64",
            _ => "a damaged one",
        })
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let bytes = self.read()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let found = found.map_err(|error| self.pem(&error))?;
        if found.is_empty() { Err(self.pem(&pem::Error::NoItemsFound)) } else { Ok(found) }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|error| self.pem(&error))
    }

    /// Looks whether a certificate can be read and is of this time. Its time is checked before its issuer, so that
    /// without any issuer only a certificate of another time fails by its time.
    fn check(&self, der: &CertificateDer<'_>, now: UnixTime, crypto: &CryptoProvider) -> Result<(), TlsError> {
        let parsed = ParsedCertificate::try_from(der).map_err(|error| self.content(error.to_string()))?;
        let algorithms = crypto.signature_verification_algorithms.all;
        let outcome = verify_server_cert_signed_by_trust_anchor(&parsed, &RootCertStore::empty(), &[], now, algorithms);
        let (when, advice) = match outcome {
            Err(Rustls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. })) => {
                ("has expired", "renew it")
            }
            Err(Rustls::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            )) => ("is not valid yet", "is the clock right?"),
            _ => return Ok(()),
        };
        Err(TlsError::Time { path: self.path.to_path_buf(), option: self.option, when, advice })
    }
}

impl Tls {
    /// Reads the files; `now` is the time since 1970 at which the certificates must be valid.
    pub fn load(files: &TlsFiles, now: Duration) -> Result<Self, TlsError> {
        let (now, crypto) = (UnixTime::since_unix_epoch(now), Arc::new(aws_lc_rs::default_provider()));
        let cert = Source { path: &files.cert, option: "tls-cert", expected: "a certificate" };
        let key = Source { path: &files.key, option: "tls-key", expected: "a private key" };
        let chain = cert.certificates()?;
        if let Some(first) = chain.first() {
            cert.check(first, now, &crypto)?;
        }
        let builder = ServerConfig::builder_with_provider(Arc::clone(&crypto))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| cert.other(error))?;
        let builder = match &files.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let source = Source { path, option: "tls-client-ca", expected: "a certificate of an authority" };
                let mut roots = RootCertStore::empty();
                for der in source.certificates()? {
                    source.check(&der, now, &crypto)?;
                    roots.add(der).map_err(|error| source.content(error.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| source.other(error))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key.key()?).map_err(|error| match error {
            Rustls::InconsistentKeys(_) => TlsError::Mismatch { cert: files.cert.clone(), key: files.key.clone() },
            error => key.other(error),
        })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), asks_clients: files.client_ca.is_some() })
    }

    /// Whether nobody comes in without a client certificate.
    pub fn asks_clients(&self) -> bool {
        self.asks_clients
    }

    pub(in crate::otlp) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.acceptor.accept(stream).await
    }
}
