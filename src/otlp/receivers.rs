//! The sockets: bound first, all or none, then served.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::access::{Access, Gate};
use super::buffer::Budget;
use super::connections::Table;
use super::counters::Counters;
use super::decode::Decode;
use super::intake::Intake;
use super::limits::Limits;
use super::port::Port;
use super::{grpc, http};
use crate::model::Sink;

/// How long open requests may take to end once a shutdown is asked for.
const DRAIN: Duration = Duration::from_secs(2);

/// Why a receiver could not take its address.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Someone else listens there.
    #[error(
        "cannot listen for OTLP/{protocol} on {address}: the port is taken, most likely by another collector or another \
         jwtrail; stop it, or choose another address with --{option} ADDR:PORT"
    )]
    Busy {
        /// The address asked for.
        address: SocketAddr,
        /// `gRPC` or `HTTP`.
        protocol: &'static str,
        /// The option that changes it, without its dashes.
        option: &'static str,
    },
    /// Anything else.
    #[error(
        "cannot listen for OTLP/{protocol} on {address}: {source}; choose another address with --{option} ADDR:PORT"
    )]
    Other {
        /// The address asked for.
        address: SocketAddr,
        /// `gRPC` or `HTTP`.
        protocol: &'static str,
        /// The option that changes it, without its dashes.
        option: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Why serving ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The bound socket could not be handed to the runtime.
    #[error("cannot serve on the bound socket: {0}")]
    Socket(#[from] io::Error),
}

/// OTLP's receivers.
#[derive(Debug)]
pub struct Receivers;

/// Receivers whose ports are theirs, but that do not answer yet.
pub struct Bound {
    grpc: Option<(TcpListener, SocketAddr)>,
    http: Option<(TcpListener, SocketAddr)>,
    access: Access,
    limits: Limits,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whom they let in is nothing to print.
        f.debug_tuple("Bound").field(&self.addresses()).finish()
    }
}

/// Where receivers listen: with port 0 the one that the system chose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// OTLP over gRPC.
    pub grpc: Option<SocketAddr>,
    /// OTLP over HTTP.
    pub http: Option<SocketAddr>,
}

impl Addresses {
    /// The one of these that a connection to one of `there` would arrive at.
    pub fn reached_by(self, there: &[SocketAddr]) -> Option<SocketAddr> {
        let own = self.grpc.into_iter().chain(self.http);
        own.into_iter().find(|own| there.iter().any(|there| reaches(*there, *own)))
    }
}

fn reaches(there: SocketAddr, own: SocketAddr) -> bool {
    if there.port() != own.port() {
        return false;
    }
    let (there, own) = (there.ip().to_canonical(), own.ip().to_canonical());
    // A connection to the unspecified address goes to this machine.
    there == own || (there.is_unspecified() && is_local(own)) || (own.is_unspecified() && is_local(there))
}

/// Whether an address is one of this machine's: only then can something be bound to it.
fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || UdpSocket::bind((address, 0)).is_ok()
}

impl Receivers {
    /// Takes both addresses, or neither.
    pub fn bind(grpc: Option<SocketAddr>, http: Option<SocketAddr>) -> Result<Bound, BindError> {
        let grpc = grpc.map(|address| listen(address, "gRPC", "grpc")).transpose()?;
        let http = http.map(|address| listen(address, "HTTP", "http")).transpose()?;
        Ok(Bound { grpc, http, access: Access::default(), limits: Limits::default() })
    }
}

fn listen(
    address: SocketAddr,
    protocol: &'static str,
    option: &'static str,
) -> Result<(TcpListener, SocketAddr), BindError> {
    let bind = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bind().map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Busy { address, protocol, option },
        _ => BindError::Other { address, protocol, option, source },
    })
}

impl Bound {
    /// Where they listen.
    pub fn addresses(&self) -> Addresses {
        let address = |bound: &Option<(TcpListener, SocketAddr)>| bound.as_ref().map(|(_, address)| *address);
        Addresses { grpc: address(&self.grpc), http: address(&self.http) }
    }

    /// Lets in only whom `access` does, and no more than `limits` allow.
    #[must_use]
    pub fn with(self, access: Access, limits: Limits) -> Self {
        Self { access, limits, ..self }
    }

    /// Answers until `shutdown` completes; open requests then get two seconds to end. Each port speaks both protocols,
    /// so that an exporter set to the wrong one of the two still gets through.
    pub async fn serve(
        self,
        decoder: Arc<dyn Decode>,
        sink: Arc<dyn Sink>,
        counters: Arc<Counters>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let limits = self.limits;
        let budget = Budget::new(limits.in_flight);
        let intake = Arc::new(Intake { decoder, sink, counters: Arc::clone(&counters), budget, limits });
        let router = grpc::routes(&intake).merge(http::routes(&intake)).fallback(http::wrong_path);
        let port = Arc::new(Port {
            router,
            gate: Gate::new(&self.access, limits.head, Arc::clone(&counters)),
            tls: self.access.tls,
            table: Table::new(limits.connections, Arc::clone(&counters)),
            limits,
            counters,
        });
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        for (listener, _) in self.grpc.into_iter().chain(self.http) {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            servers.spawn(Arc::clone(&port).serve(listener, stopped.clone()));
        }
        shutdown.await;
        // Receivers that are gone already need no word.
        let _ = stop.send(true);
        let drained = async { while servers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::debug!("open requests were cut off at shutdown");
        }
        Ok(())
    }
}
