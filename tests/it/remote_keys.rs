//! Keys over HTTP, from a real server on this machine: what would break for a user if fetching were wrong or unsafe.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use jsonwebtoken::Algorithm::ES256;
use jwtrail::app::keys::Keeper;
use jwtrail::app::keys::fetch::{FetchError, Fetcher, MAX_DOCUMENT};
use jwtrail::model::Check;
use jwtrail::token::{KeyPlace, KeySets, KeySource, Pace, Shared};
use serde_json::{Value, json};

use crate::keys::{check, ec_key, sign_as};
use crate::token::shared_with;

/// What a server answers under a path, and how often it was asked.
#[derive(Clone, Default)]
struct Site(Arc<Mutex<HashMap<String, (Answer, usize)>>>);

#[derive(Clone, Debug)]
enum Answer {
    Status(u16),
    Json(Value),
    Redirect(String),
    /// More than a key set has, in pieces without a length.
    Endless,
    /// A first byte, and then nothing.
    Stalled,
}

impl Site {
    /// A server that ends with the test's runtime.
    async fn open() -> (Self, String) {
        let site = Self::default();
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (site, url)
    }

    fn set(&self, path: &str, answer: Answer) {
        let mut paths = self.0.lock().unwrap();
        let asked = paths.get(path).map_or(0, |known| known.1);
        paths.insert(path.to_owned(), (answer, asked));
    }

    fn keys(&self, path: &str, keys: &[&Value]) {
        self.set(path, Answer::Json(json!({"keys": keys})));
    }

    fn discovery(&self, issuer: &str, jwks_uri: &str) {
        let document = json!({"issuer": issuer, "jwks_uri": jwks_uri});
        self.set("/.well-known/openid-configuration", Answer::Json(document));
    }

    fn asked(&self, path: &str) -> usize {
        self.0.lock().unwrap().get(path).map_or(0, |known| known.1)
    }
}

async fn answer(State(site): State<Site>, uri: Uri) -> Response {
    let answer = {
        let mut paths = site.0.lock().unwrap();
        let entry = paths.entry(uri.path().to_owned()).or_insert((Answer::Status(404), 0));
        entry.1 += 1;
        entry.0.clone()
    };
    let plain = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match answer {
        Answer::Status(status) => plain(status).body(Body::empty()).unwrap(),
        Answer::Json(value) => plain(200).body(Body::from(value.to_string())).unwrap(),
        Answer::Redirect(to) => plain(302).header("location", to).body(Body::empty()).unwrap(),
        Answer::Endless => {
            let piece = Bytes::from(vec![b' '; 64 * 1024]);
            let pieces = futures_util::stream::repeat_with(move || Ok::<_, std::io::Error>(piece.clone()));
            plain(200).body(Body::from_stream(pieces)).unwrap()
        }
        Answer::Stalled => {
            use futures_util::StreamExt as _;
            let first = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
            plain(200).body(Body::from_stream(first.chain(futures_util::stream::pending()))).unwrap()
        }
    }
}

/// Fast enough for a test; what the bounds are worth is tested where they are.
fn pace() -> Pace {
    let ms = Duration::from_millis;
    Pace {
        usual: Duration::from_secs(3600),
        shortest: ms(1),
        longest: Duration::from_secs(3600),
        wanted: ms(1),
        wanted_longest: ms(1),
        retry: ms(5),
        retry_longest: ms(5),
    }
}

fn loaded(sources: &[KeySource]) -> (Keeper, Arc<Shared>) {
    let sets = Arc::new(KeySets::load(sources).unwrap());
    (Keeper::new(Arc::clone(&sets), pace()), shared_with(sets))
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

fn valid(shared: &Shared, token: &str) -> bool {
    matches!(check(shared, token), Check::Valid(Some(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotated_keys_are_fetched_when_a_token_names_one() {
    let (site, url) = Site::open().await;
    let ((old, old_jwk), (new, new_jwk)) = (ec_key("2026-01"), ec_key("2026-02"));
    site.discovery(&url, &format!("{url}/keys"));
    site.keys("/keys", &[&old_jwk]);
    let (keeper, shared) = loaded(&[KeySource::issuer(&url)]);
    let before = sign_as(&url, ES256, Some("2026-01"), &old);
    assert_eq!(check(&shared, &before), Check::NotChecked, "the intake does not wait for the network");
    let keeping = keeper.start();
    until("the token that came too early is checked", || valid(&shared, &before)).await;

    let after = sign_as(&url, ES256, Some("2026-02"), &new);
    assert_eq!(check(&shared, &after), Check::NotChecked);
    site.keys("/keys", &[&new_jwk]);
    until("the new key is there", || valid(&shared, &after)).await;
    assert!(valid(&shared, &before), "what was valid under a key that went stays so");
    let late = sign_as(&url, ES256, Some("2026-01"), &ec_key("2026-01").0);
    assert_eq!(check(&shared, &late), Check::NotChecked, "the old key is gone");
    assert_eq!(keeping.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issuer_that_is_down_is_said_and_tried_again() {
    let (site, url) = Site::open().await;
    let (key, jwk) = ec_key("1");
    site.set("/keys", Answer::Status(503));
    let source = KeySource::any_issuer(KeyPlace::Url(format!("{url}/keys?tenant=hidden")));
    let (keeper, shared) = loaded(&[source]);
    let token = sign_as("https://any.test", ES256, Some("1"), &key);
    assert_eq!(check(&shared, &token), Check::NotChecked);
    let keeping = keeper.start();
    until("it is said", || !keeping.complaints().is_empty()).await;
    let said = keeping.complaints().join("\n");
    assert!(said.starts_with(&format!("keys of {url}/keys cannot be fetched")), "{said}");
    assert!(said.ends_with("expected status 200, found 503") && !said.contains("hidden"), "{said}");
    assert_eq!(check(&shared, &token), Check::NotChecked, "keys that cannot be had are no verdict");
    site.keys("/keys", &[&jwk]);
    until("it came back", || keeping.complaints().is_empty() && valid(&shared, &token)).await;

    site.set("/keys", Answer::Json(json!({"keys": []})));
    assert_eq!(check(&shared, &sign_as("https://any.test", ES256, Some("2"), &key)), Check::NotChecked);
    until("an empty key set is said", || !keeping.complaints().is_empty()).await;
    let other = sign_as("https://other.test", ES256, Some("1"), &key);
    assert!(valid(&shared, &other), "the keys that were there stay in use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_replaced_under_its_name_fails_nobody_for_long() {
    let (site, url) = Site::open().await;
    let ((_, stale), (key, jwk)) = (ec_key("1"), ec_key("1"));
    site.keys("/keys", &[&stale]);
    let (keeper, shared) = loaded(&[KeySource::any_issuer(KeyPlace::Url(format!("{url}/keys")))]);
    assert_eq!(keeper.fetch_all().await, Vec::<String>::new());
    let token = sign_as("https://any.test", ES256, Some("1"), &key);
    assert!(matches!(check(&shared, &token), Check::Failed(_)));
    site.keys("/keys", &[&jwk]);
    let _keeping = keeper.start();
    until("the new key is tried", || valid(&shared, &token)).await;
}

async fn fetch(place: KeyPlace) -> Result<Vec<u8>, FetchError> {
    let fetcher = Fetcher::within(Duration::from_millis(400)).unwrap();
    fetcher.fetch(&place).await.map(|fetched| fetched.document)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_discovery_document_must_be_the_issuers_own() {
    let (site, url) = Site::open().await;
    site.keys("/keys", &[&ec_key("1").1]);
    site.discovery("https://login.example.com", &format!("{url}/keys"));
    let error = fetch(KeyPlace::Discovery(url.clone())).await.unwrap_err();
    assert!(matches!(&error, FetchError::WrongIssuer(found) if found == "https://login.example.com"), "{error}");
    for uri in ["file:///etc/passwd", "http://user:password@127.0.0.1/keys", "keys"] {
        site.discovery(&url, uri);
        let error = fetch(KeyPlace::Discovery(url.clone())).await.unwrap_err();
        assert!(matches!(error, FetchError::BadJwksUri(_)), "{uri}: {error}");
    }
    site.set("/.well-known/openid-configuration", Answer::Json(json!({"issuer": url})));
    assert!(matches!(fetch(KeyPlace::Discovery(url.clone())).await, Err(FetchError::NoDiscovery(_))));
    assert_eq!(site.asked("/keys"), 0, "nothing of it was followed");
    site.discovery(&url, &format!("{url}/keys"));
    assert!(fetch(KeyPlace::Discovery(format!("{url}/"))).await.is_ok(), "but for the slash at the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_bounded_and_redirects_stay_at_home() {
    let (site, url) = Site::open().await;
    let (elsewhere, other) = Site::open().await;
    elsewhere.keys("/keys", &[&ec_key("1").1]);
    let page = |path: &str| KeyPlace::Url(format!("{url}{path}"));

    site.set("/endless", Answer::Endless);
    assert!(matches!(fetch(page("/endless")).await, Err(FetchError::TooLarge)));
    site.set("/large", Answer::Json(json!({"keys": "x".repeat(MAX_DOCUMENT)})));
    assert!(matches!(fetch(page("/large")).await, Err(FetchError::TooLarge)));
    site.set("/stalled", Answer::Stalled);
    assert!(matches!(fetch(page("/stalled")).await, Err(FetchError::Slow(_))));

    site.set("/away", Answer::Redirect(format!("{other}/keys")));
    assert!(matches!(fetch(page("/away")).await, Err(FetchError::Redirected)));
    assert_eq!(elsewhere.asked("/keys"), 0);
    site.set("/round", Answer::Redirect("/round".to_owned()));
    assert!(matches!(fetch(page("/round")).await, Err(FetchError::Redirected)));
    site.keys("/keys", &[&ec_key("1").1]);
    site.set("/home", Answer::Redirect("/keys".to_owned()));
    assert!(fetch(page("/home")).await.is_ok());
}

#[test]
fn a_symmetric_key_that_anyone_can_fetch_is_no_key() {
    let sets = KeySets::load(&[KeySource::any_issuer(KeyPlace::Url("http://127.0.0.1/keys".to_owned()))]).unwrap();
    let document = json!({"keys": [{"kty": "oct", "kid": "s", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0"}]});
    let error = sets.install(0, document.to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a symmetric key that anyone can fetch") && !error.contains("c2Vj"), "{error}");
}

fn jwtrail(args: &[&str]) -> (Option<i32>, String, String) {
    let state = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_jwtrail"))
        .args(args)
        .current_dir(state.path())
        .env_clear()
        .env("XDG_STATE_HOME", state.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_fetches_keys_first_and_goes_on_without_them() {
    let run = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/runs/wrong-key.jsonl");
    let jwks = include_str!("../data/runs/jwks.json");
    let (site, url) = Site::open().await;
    site.set("/keys", Answer::Json(serde_json::from_str(jwks).unwrap()));
    let (keys, lost) = (format!("{url}/keys"), format!("{url}/lost"));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/runs/jwks.json");
    let run_with = move |jwks: String| async move {
        tokio::task::spawn_blocking(move || jwtrail(&["check", run, "--format", "json", "--jwks", &jwks]))
            .await
            .unwrap()
    };
    let from_file = run_with(file.to_owned()).await;
    assert_eq!(run_with(keys).await, from_file, "a key set is the same wherever it comes from");
    assert_eq!(site.asked("/keys"), 1);
    let (status, report, said) = run_with(lost.clone()).await;
    assert_eq!(status, Some(1), "{said}");
    assert!(said.starts_with(&format!("warning: keys of {lost} cannot be fetched")), "{said}");
    assert!(said.contains("found 404") && report.starts_with('{'), "{said}");
    let (status, _, said) = run_with("/no/such/jwks.json".to_owned()).await;
    assert_eq!((status, said.starts_with("error: expected a file with keys at /no/such/jwks.json")), (Some(2), true));
}

#[test]
fn serve_shows_which_keys_cannot_be_had() {
    // A port that was free a moment ago: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let issuer = format!("http://127.0.0.1:{port}");
    let args = ["serve", "--for", "3s", "--grpc", "127.0.0.1:0", "--no-http", "--issuer", &issuer];
    let (status, report, said) = jwtrail(&args);
    assert_eq!(status, Some(0), "{said}");
    assert!(report.contains(&format!("set-up: keys of {issuer} cannot be fetched")), "{report}");
}
