//! The sockets: bound first, all or none, then served.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tonic::transport::Server;

use super::buffer::Budget;
use super::connections::Connections;
use super::counters::Counters;
use super::decode::Decode;
use super::intake::{Intake, MAX_BYTES_IN_FLIGHT};
use super::{grpc, http};
use crate::model::Sink;

const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const MAX_STREAMS: u32 = 128;
const MAX_FRAME: u32 = 256 << 10;

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
    /// The server failed.
    #[error("a receiver stopped: {0}")]
    Server(#[from] tonic::transport::Error),
}

/// OTLP's receivers.
#[derive(Debug)]
pub struct Receivers;

/// Receivers whose ports are theirs, but that do not answer yet.
#[derive(Debug)]
pub struct Bound {
    grpc: Option<(TcpListener, SocketAddr)>,
    http: Option<(TcpListener, SocketAddr)>,
}

/// Where receivers listen: with port 0 the one that the system chose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addresses {
    /// OTLP over gRPC.
    pub grpc: Option<SocketAddr>,
    /// OTLP over HTTP.
    pub http: Option<SocketAddr>,
}

impl Receivers {
    /// Takes both addresses, or neither.
    pub fn bind(grpc: Option<SocketAddr>, http: Option<SocketAddr>) -> Result<Bound, BindError> {
        let grpc = grpc.map(|address| listen(address, "gRPC", "grpc")).transpose()?;
        let http = http.map(|address| listen(address, "HTTP", "http")).transpose()?;
        Ok(Bound { grpc, http })
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

    /// Answers until `shutdown` completes; open requests then get two seconds to end. Each port speaks both protocols,
    /// so that an exporter set to the wrong one of the two still gets through.
    pub async fn serve(
        self,
        decoder: Arc<dyn Decode>,
        sink: Arc<dyn Sink>,
        counters: Arc<Counters>,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), ServeError> {
        let intake = Arc::new(Intake { decoder, sink, counters, budget: Budget::new(MAX_BYTES_IN_FLIGHT) });
        let router = grpc::routes(&intake).merge(http::routes(&intake)).fallback(http::wrong_path);
        let (stop, stopped) = watch::channel(false);
        let mut servers = JoinSet::new();
        for (listener, _) in self.grpc.into_iter().chain(self.http) {
            let connections = Connections::new(tokio::net::TcpListener::from_std(listener)?);
            servers.spawn(serve_port(router.clone(), connections, stopped.clone()));
        }
        let early = async {
            match servers.join_next().await {
                Some(Ok(ended)) => ended,
                // A server that panicked has said so by itself; without any server there is nothing to end early.
                _ => std::future::pending().await,
            }
        };
        if let Either::Left((ended, _)) = select(std::pin::pin!(early), std::pin::pin!(shutdown)).await {
            return Ok(ended?);
        }
        // Receivers that are gone already need no word.
        let _ = stop.send(true);
        let drained = async { while servers.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            tracing::debug!("open requests were cut off at shutdown");
        }
        Ok(())
    }
}

async fn serve_port(
    router: Router,
    connections: Connections,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), tonic::transport::Error> {
    Server::builder()
        .accept_http1(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .max_frame_size(MAX_FRAME)
        .http2_keepalive_interval(Some(Duration::from_secs(60)))
        .add_routes(Routes::from(router))
        .serve_with_incoming_shutdown(connections.incoming(), async move {
            // An error means that the sender is gone, which is a shutdown too.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        })
        .await
}
