//! One port: accepts connections, and serves both protocols on each.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::access::{Admission, Gate, Tls};
use super::connections::{Place, Seat, Table};
use super::counters::{Counters, add};
use super::limits::Limits;
use super::stream::{Heard, Stream};

const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const MAX_FRAME: u32 = 256 << 10;

/// How often a silent peer is asked over HTTP/2 whether it is still there.
const PING: Duration = Duration::from_secs(60);

/// What HTTP/1 may keep of bytes that were read and not asked for yet, for each connection.
const MAX_READ: usize = 64 << 10;

/// How long to wait where the system has no more of something, so as not to spin.
const BREATH: Duration = Duration::from_millis(100);

/// How long a connection is kept that all is answered on: its buffers still hold what came last, raw tokens too, and are
/// wiped when they are freed. Within a second, and longer than the half second that the quickest exporters wait between
/// two batches; to connect again costs the others next to nothing.
const REST: Duration = Duration::from_millis(700);

/// How long a connection may take to go that was asked to, before it is cut.
const GRACE: Duration = Duration::from_millis(100);

/// What all connections of all ports share.
pub(super) struct Port {
    pub(super) router: Router,
    pub(super) gate: Gate,
    pub(super) tls: Option<Tls>,
    pub(super) table: Arc<Table>,
    pub(super) limits: Limits,
    pub(super) counters: Arc<Counters>,
}

impl Port {
    /// Accepts until it is told to stop, then waits for what is open. Dropping it cuts everything.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        let mut open = JoinSet::new();
        let told = stopped.clone();
        {
            let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
            loop {
                let taken = tokio::select! {
                    // An error means that the sender is gone, which is a stop too.
                    _ = &mut stop => break,
                    taken = self.next(&listener) => taken,
                };
                while open.try_join_next().is_some() {}
                let Some((stream, seat)) = taken else { break };
                open.spawn(Arc::clone(&self).connection(stream, seat, told.clone()));
            }
        }
        // Nobody connects to a port that will not answer.
        drop(listener);
        while open.join_next().await.is_some() {}
    }

    async fn next(&self, listener: &TcpListener) -> Option<(TcpStream, Seat)> {
        let stream = accept(listener).await;
        self.table.place().await.map(|seat| (stream, seat))
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, seat: Seat, stopped: watch::Receiver<bool>) {
        let place = Arc::clone(&seat.place);
        let stream = match &self.tls {
            None => Some(Stream::Plain(stream)),
            Some(tls) => self.shake(tls, stream, &place).await,
        };
        if let Some(stream) = stream {
            self.speak(Heard { stream, place: Arc::clone(&place) }, &place, stopped).await;
        }
        drop(seat);
    }

    async fn shake(&self, tls: &Tls, stream: TcpStream, place: &Place) -> Option<Stream> {
        let shaken = tokio::select! {
            shaken = timeout(self.limits.head_time, tls.accept(stream)) => shaken,
            () = place.asked() => return None,
        };
        let error = match shaken {
            Ok(Ok(stream)) => return Some(Stream::Tls(Box::new(stream))),
            Ok(Err(error)) => error,
            Err(late) => late.into(),
        };
        tracing::debug!(%error, "a TLS handshake failed");
        add(&self.counters.connections.tls_failures, 1);
        None
    }

    async fn speak(self: Arc<Self>, heard: Heard, place: &Arc<Place>, mut stopped: watch::Receiver<bool>) {
        let (port, at) = (Arc::clone(&self), Arc::clone(place));
        let router = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (open, reading) = at.begin();
            let request = request.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    // Held until the body has ended or nobody wants more of it.
                    let _held = &reading;
                    frame
                }))
            });
            let (port, router) = (Arc::clone(&port), router.clone());
            async move {
                let response = port.answer(&router, request).await;
                drop(open);
                Ok::<_, Infallible>(response)
            }
        });
        let builder = self.builder();
        let mut connection = pin!(builder.serve_connection(TokioIo::new(heard), service));
        let mut stop = pin!(stopped.wait_for(|stopped| *stopped));
        let mut silent = pin!(tokio::time::sleep(self.limits.head_time));
        let (mut stopping, mut listening, mut leaving) = (false, true, false);
        loop {
            tokio::select! {
                done = connection.as_mut() => {
                    if let Err(error) = done {
                        self.broken(&*error, place);
                    }
                    return;
                }
                _ = stop.as_mut(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = silent.as_mut(), if listening => {
                    listening = false;
                    if !place.has_spoken() {
                        return add(&self.counters.connections.silent, 1);
                    }
                }
                () = place.asked(), if !leaving => {
                    if !place.is_idle() || !place.was_used() {
                        return;
                    }
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = place.rested(REST), if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = tokio::time::sleep(GRACE), if leaving => {
                    if place.is_idle() {
                        return;
                    }
                }
            }
        }
    }

    async fn answer(&self, router: &TowerToHyperService<Router>, request: Request<Body>) -> Response {
        match self.gate.admit(&request) {
            Admission::Come(origin) => match router.call(request).await {
                Ok(mut response) => {
                    origin.mark(response.headers_mut());
                    response
                }
                Err(never) => match never {},
            },
            Admission::Go(response) => {
                // A sender that asks first does not send what is not wanted. The body of any other is thrown away, so
                // that it reads the answer instead of a reset.
                if !request.headers().contains_key(header::EXPECT) {
                    super::intake::drain(request.into_body(), self.limits.request).await;
                }
                *response
            }
        }
    }

    /// A connection that ended by an error: most peers just go, which is no loss.
    fn broken(&self, error: &(dyn std::error::Error + 'static), place: &Place) {
        tracing::debug!(error, "a connection broke");
        let Some(error) = error.downcast_ref::<hyper::Error>() else { return };
        if error.is_parse_too_large() {
            add(&self.counters.http.large_heads, 1);
        } else if error.is_timeout() && !place.was_used() {
            add(&self.counters.connections.silent, 1);
        }
    }

    fn builder(&self) -> Builder<TokioExecutor> {
        let limits = &self.limits;
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http2()
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(limits.streams)
            .max_frame_size(MAX_FRAME)
            // Above the bound, so that most of what exceeds it is seen, counted, and told so.
            .max_header_list_size(u32::try_from(limits.head.saturating_mul(2)).unwrap_or(u32::MAX))
            .keep_alive_interval(PING);
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(limits.head.saturating_mul(2).max(MAX_READ));
        builder
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it answers are late, not wrong.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}
