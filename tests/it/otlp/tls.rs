//! TLS and client certificates, against clients that check and show some.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jwtrail::otlp::Limits;
use jwtrail::otlp::access::{Access, Tls, TlsError, TlsFiles};
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig, Identity};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::trace::SpanExporter as _;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::exporter::span;
use super::server::{Server, count, request, until};

/// A certificate and its key, in PEM.
struct Pair {
    cert: String,
    key: String,
}

/// An authority for one test.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn signs(&self, purpose: ExtendedKeyUsagePurpose, years: (i32, i32)) -> Pair {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        let key = KeyPair::generate().unwrap();
        Pair { cert: params.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }

    fn server(&self) -> Pair {
        self.signs(ExtendedKeyUsagePurpose::ServerAuth, (2000, 4000))
    }

    fn client(&self) -> Pair {
        self.signs(ExtendedKeyUsagePurpose::ClientAuth, (2000, 4000))
    }
}

/// Files of one test.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn of(&self, pair: &Pair, clients: Option<&Authority>) -> TlsFiles {
        TlsFiles {
            cert: self.write("server.pem", &pair.cert),
            key: self.write("server.key", &pair.key),
            client_ca: clients.map(|authority| self.write("clients.pem", &authority.0.pem())),
        }
    }
}

fn load(files: &TlsFiles) -> Result<Tls, TlsError> {
    Tls::load(files, Duration::from_nanos(jwtrail::app::clock::now().0))
}

fn server(files: &TlsFiles) -> Server {
    Server::with(Access { tls: Some(load(files).unwrap()), ..Access::default() }, Limits::default())
}

/// The SDK's exporter over gRPC.
fn exporter(server: &Server, authority: &Authority, client: Option<&Pair>) -> SpanExporter {
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.0.pem()));
    if let Some(client) = client {
        tls = tls.identity(Identity::from_pem(&client.cert, &client.key));
    }
    let endpoint = format!("https://localhost:{}", server.addresses.grpc.unwrap().port());
    let builder = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    builder.with_timeout(Duration::from_secs(5)).with_tls_config(tls).build().unwrap()
}

/// A client for HTTP/1.1; the exporter over gRPC is one for HTTP/2.
fn client(authority: &Authority, shows: Option<&Pair>) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(authority.0.pem().as_bytes()).unwrap();
    let mut builder = reqwest::Client::builder().tls_certs_only([root]);
    if let Some(pair) = shows {
        let identity = reqwest::Identity::from_pem(format!("{}{}", pair.cert, pair.key).as_bytes()).unwrap();
        builder = builder.identity(identity);
    }
    builder.build().unwrap()
}

fn post(server: &Server, client: &reqwest::Client) -> reqwest::RequestBuilder {
    let url = format!("https://localhost:{}/v1/traces", server.addresses.http.unwrap().port());
    client.post(url).header("content-type", "application/x-protobuf").body(request(2, 0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exporters_get_through_tls_over_both_protocols() {
    let (authority, files) = (Authority::new("ours"), Files::new());
    let server = server(&files.of(&authority.server(), None));
    exporter(&server, &authority, None).export(vec![span(1)]).await.unwrap();
    assert_eq!(post(&server, &client(&authority, None)).send().await.unwrap().status(), 200);
    assert_eq!(server.shelf.spans(), 3);
    let stranger = Authority::new("theirs");
    assert!(exporter(&server, &stranger, None).export(vec![span(1)]).await.is_err());
    assert!(post(&server, &client(&stranger, None)).send().await.is_err());
    assert_eq!(server.shelf.spans(), 3);
    until(|| count(&server.counters.connections.tls_failures) >= 2).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_client_certificate_nobody_comes_in() {
    let (authority, clients, files) = (Authority::new("servers"), Authority::new("clients"), Files::new());
    let server = server(&files.of(&authority.server(), Some(&clients)));
    let right = clients.client();
    exporter(&server, &authority, Some(&right)).export(vec![span(1)]).await.unwrap();
    assert_eq!(post(&server, &client(&authority, Some(&right))).send().await.unwrap().status(), 200);
    assert_eq!(server.shelf.spans(), 3);
    let expired = clients.signs(ExtendedKeyUsagePurpose::ClientAuth, (2000, 2001));
    for wrong in [None, Some(&authority.client()), Some(&expired), Some(&clients.server())] {
        assert!(exporter(&server, &authority, wrong).export(vec![span(1)]).await.is_err());
        assert!(post(&server, &client(&authority, wrong)).send().await.is_err());
    }
    assert_eq!(server.shelf.spans(), 3);
    until(|| count(&server.counters.connections.tls_failures) >= 8).await;
    server.stop().await;
}

/// Who says nothing, or speaks in the clear, stands in nobody's way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_does_not_come_keeps_nobody_waiting() {
    let (authority, files) = (Authority::new("ours"), Files::new());
    let tls = load(&files.of(&authority.server(), None)).unwrap();
    let limits = Limits { head_time: Duration::from_millis(300), ..Limits::default() };
    let server = Server::with(Access { tls: Some(tls), ..Access::default() }, limits);
    let address = server.addresses.http.unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert_eq!(post(&server, &client(&authority, None)).send().await.unwrap().status(), 200);
    assert!(reqwest::Client::new().get(format!("http://{address}/")).send().await.is_err());
    for mut socket in silent {
        assert_eq!(socket.read(&mut [0; 64]).await.unwrap_or(0), 0, "closed without a word");
    }
    until(|| count(&server.counters.connections.tls_failures) == 21).await;
    server.stop().await;
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name_and_what_to_do() {
    let (authority, files) = (Authority::new("ours"), Files::new());
    let good = files.of(&authority.server(), Some(&authority));
    let broken = |change: &dyn Fn(&mut TlsFiles)| {
        let mut files = good.clone();
        change(&mut files);
        load(&files).err().unwrap().to_string()
    };
    let key = fs::read_to_string(&good.key).unwrap();
    let other = files.write("other.key", &authority.server().key);
    let cut = files.write("cut.key", &key[..key.len() / 2]);
    let expired = authority.signs(ExtendedKeyUsagePurpose::ServerAuth, (2000, 2001));
    let (expired_cert, expired_key) = (files.write("old.pem", &expired.cert), files.write("old.key", &expired.key));
    let early = authority.signs(ExtendedKeyUsagePurpose::ServerAuth, (3999, 4000));
    let early = files.write("early.pem", &early.cert);
    let said = [
        (broken(&|files| files.cert = "nowhere.pem".into()), vec!["nowhere.pem", "--tls-cert"]),
        (broken(&|files| files.cert = files.key.clone()), vec!["expected a certificate", "server.key", "--tls-cert"]),
        (broken(&|files| files.key = files.cert.clone()), vec!["expected a private key", "server.pem", "--tls-key"]),
        (broken(&|files| files.key = other.clone()), vec!["other.key", "server.pem", "made with it"]),
        (broken(&|files| files.key = cut.clone()), vec!["cut.key", "END line is missing"]),
        (broken(&|files| files.cert = early.clone()), vec!["early.pem", "not valid yet", "clock"]),
        (
            broken(&|files| (files.cert, files.key) = (expired_cert.clone(), expired_key.clone())),
            vec!["old.pem", "has expired", "renew it"],
        ),
        (
            broken(&|files| files.client_ca = Some(files.key.clone())),
            vec!["certificate of an authority", "server.key", "--tls-client-ca"],
        ),
    ];
    let quoted: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    for (message, parts) in said {
        assert!(parts.iter().all(|part| message.contains(part)), "{message}: {parts:?}");
        assert!(!quoted.iter().any(|line| message.contains(line)), "{message}");
    }
}
