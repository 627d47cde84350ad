//! An online store that breaks tokens: real services on loopback ports, exporting real spans.
//!
//! Every service makes real HTTP calls and really checks its callers' tokens against the auth service's keys; nothing
//! here tells jwtrail what is wrong. The nine faults of [`expectations`] can be switched while the shop runs.

mod auth;
mod faults;
mod keys;
mod proxy;
mod service;
mod shoppers;
mod stores;
mod telemetry;
mod trace;
mod verify;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use faults::{Expectation, FaultRow, Faults, expectations};
use keys::{SigningKey, random_id};
use service::{Addresses, Service};
use telemetry::{Receivers, Telemetry, Wire};
use verify::{Mistake, Verifier};

/// `kid` of the issuer's RSA key.
const RS_KID: &str = "shop-rs-2026";

/// Every service that exports, and how: all of jwtrail's receivers are used.
const SERVICES: [(&str, Wire); 7] = [
    ("gateway", Wire::Grpc),
    ("cart", Wire::HttpJson),
    ("orders", Wire::HttpProtobuf),
    ("payment", Wire::Grpc),
    ("shipping", Wire::HttpJson),
    ("tracking", Wire::Grpc),
    ("stock", Wire::HttpProtobuf),
];

/// How fast, and in which order.
#[derive(Clone, Copy, Debug)]
pub struct ShopOptions {
    /// Time from one shopper's request to the next.
    pub pace: Duration,
    /// Decides the order of requests.
    pub seed: u64,
    /// Whether the faults are on at start.
    pub faulty: bool,
}

impl Default for ShopOptions {
    fn default() -> Self {
        Self { pace: Duration::from_millis(400), seed: 2026, faulty: true }
    }
}

/// The running store.
pub struct Shop {
    faults: Arc<Faults>,
    jwks: String,
    requests: Arc<AtomicU64>,
    stop: watch::Sender<bool>,
    traffic: JoinHandle<()>,
    servers: JoinSet<()>,
    providers: Vec<SdkTracerProvider>,
}

impl Shop {
    /// Opens the store at a gentle pace, exporting to receivers at these addresses.
    pub async fn start(grpc: SocketAddr, http: SocketAddr) -> anyhow::Result<Self> {
        Self::start_with(grpc, http, ShopOptions::default()).await
    }

    /// Opens the store at a pace of the caller's choice.
    pub async fn start_with(grpc: SocketAddr, http: SocketAddr, options: ShopOptions) -> anyhow::Result<Self> {
        let mut opening = Opening::new(Receivers { grpc, http }).await?;
        opening.open_auth()?;
        for (name, wire) in SERVICES {
            opening.open_service(name, wire).await?;
        }
        opening.open_proxy()?;
        opening.faults.set_all(options.faulty);
        let requests = Arc::new(AtomicU64::new(0));
        let (stop, stopped) = watch::channel(false);
        let shoppers = shoppers::Shoppers::new(
            opening.client.clone(),
            opening.addresses.clone(),
            Arc::clone(&opening.users),
            Arc::clone(&requests),
            options.seed,
        );
        Ok(Self {
            faults: opening.faults,
            jwks: serde_json::to_string(&opening.jwks)?,
            requests,
            stop,
            traffic: tokio::spawn(shoppers.shop(options.pace, stopped)),
            servers: opening.servers,
            providers: opening.providers,
        })
    }

    /// The switches.
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.faults)
    }

    /// The issuer's public keys (RFC 7517), for jwtrail's own check.
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// Requests that shoppers made and that were answered.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Lets the last shopper finish, exports what is left and closes.
    pub async fn stop(mut self) {
        // Nobody listens only where the traffic has ended already.
        let _ = self.stop.send(true);
        if let Err(error) = self.traffic.await {
            tracing::debug!(%error, "the demo's traffic ended with an error");
        }
        telemetry::shut_down(self.providers).await;
        self.servers.shutdown().await;
    }
}

/// The store while it is being set up.
struct Opening {
    receivers: Receivers,
    faults: Arc<Faults>,
    client: reqwest::Client,
    addresses: Addresses,
    listeners: Vec<(&'static str, TcpListener)>,
    servers: JoinSet<()>,
    providers: Vec<SdkTracerProvider>,
    users: Arc<Vec<auth::User>>,
    secret: Arc<str>,
    cart_key: Arc<SigningKey>,
    staging_key: DecodingKey,
    issuer_keys: Option<(SigningKey, SigningKey)>,
    jwks: JwkSet,
}

impl Opening {
    /// Binds every address before anything runs, and makes the keys.
    async fn new(receivers: Receivers) -> anyhow::Result<Self> {
        let mut opening = tokio::task::spawn_blocking(move || Self::with_keys(receivers)).await??;
        for name in SERVICES.iter().map(|(name, _)| *name).chain(["auth", "stock-proxy"]) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .with_context(|| format!("could not bind a loopback port for the demo's {name} service"))?;
            opening.addresses.0.insert(name, listener.local_addr()?);
            opening.listeners.push((name, listener));
        }
        Ok(opening)
    }

    fn with_keys(receivers: Receivers) -> anyhow::Result<Self> {
        let (rs256, es256) = (SigningKey::rsa(RS_KID)?, SigningKey::ec("shop-es-2026")?);
        let cart_key = SigningKey::ec("cart-es-2024")?;
        let staging_key = DecodingKey::from_jwk(&SigningKey::rsa(RS_KID)?.jwk()?)?;
        let jwks = keys::jwks(&[&rs256, &es256, &cart_key])?;
        Ok(Self {
            receivers,
            faults: Arc::default(),
            client: client(Duration::from_secs(5))?,
            addresses: Addresses::default(),
            listeners: Vec::new(),
            servers: JoinSet::new(),
            providers: Vec::new(),
            users: Arc::new(auth::users()?),
            secret: random_id(24)?.into(),
            cart_key: Arc::new(cart_key),
            staging_key,
            issuer_keys: Some((rs256, es256)),
            jwks,
        })
    }

    fn open_auth(&mut self) -> anyhow::Result<()> {
        let (rs256, es256) = self.issuer_keys.take().context("the demo's auth service was opened twice")?;
        let telemetry = Telemetry::new("auth", Wire::Grpc, self.receivers)?;
        self.providers.push(telemetry.provider);
        let issuer = auth::Issuer {
            rs256,
            es256,
            jwks: serde_json::to_value(&self.jwks)?,
            users: Arc::clone(&self.users),
            client: ("orders", Arc::clone(&self.secret)),
        };
        self.listen("auth", auth::router(Arc::new(issuer), telemetry.server))
    }

    async fn open_service(&mut self, name: &'static str, wire: Wire) -> anyhow::Result<()> {
        let telemetry = Telemetry::new(name, wire, self.receivers)?;
        self.providers.push(telemetry.provider);
        let mistake = match name {
            "payment" => Some(('3', Mistake::Key(RS_KID, Box::new(self.staging_key.clone())))),
            "stock" => Some(('9', Mistake::Audience("/reservations", "warehouse"))),
            _ => None,
        };
        let jwks_url = self.addresses.url("auth", "/.well-known/jwks.json");
        let verifier = Verifier::fetch(&self.client, &jwks_url, mistake, Arc::clone(&self.faults))
            .await
            .with_context(|| format!("the demo's {name} service could not fetch the issuer's keys"))?;
        let service = Service {
            name,
            client: telemetry.client,
            http: self.client.clone(),
            addresses: self.addresses.clone(),
            verifier,
            faults: Arc::clone(&self.faults),
            secret: Arc::clone(&self.secret),
            signing: (name == "cart").then(|| Arc::clone(&self.cart_key)),
        };
        self.listen(name, stores::router(Arc::new(service), telemetry.server))
    }

    fn open_proxy(&mut self) -> anyhow::Result<()> {
        let proxy = proxy::Proxy {
            upstream: self.addresses.url("stock", ""),
            http: self.client.clone(),
            faults: Arc::clone(&self.faults),
        };
        self.listen("stock-proxy", proxy::router(Arc::new(proxy)))
    }

    fn listen(&mut self, name: &'static str, router: Router) -> anyhow::Result<()> {
        let index = self.listeners.iter().position(|(bound, _)| *bound == name);
        let index = index.with_context(|| format!("no port was bound for the demo's {name} service"))?;
        let (_, listener) = self.listeners.swap_remove(index);
        self.servers.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(service = name, %error, "a demo service stopped");
            }
        });
        Ok(())
    }
}

/// A client for what listens on this machine: no proxy, and no root certificates, which a container may not have.
fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(timeout).build()
}
