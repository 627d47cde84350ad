//! What the spans of one place in the code have in common, and its parts.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Resource, Weight};

/// OTLP `SpanKind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum SpanKind {
    /// Not set; read as internal.
    #[default]
    Unspecified = 0,
    /// Work inside a service.
    Internal = 1,
    /// A request that arrived.
    Server = 2,
    /// A request that was sent.
    Client = 3,
    /// A message that was sent.
    Producer = 4,
    /// A message that arrived.
    Consumer = 5,
}

/// OTLP `Status.code`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StatusCode {
    /// Not set.
    #[default]
    Unset,
    /// Said to be fine.
    Ok,
    /// Said to have failed.
    Error,
}

/// Which headers this span shows to have been captured, whatever they held.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Captured {
    /// A carrier of tokens.
    pub carrier: bool,
    /// `traceparent`: the witness of tagging.md section 3.
    pub traceparent: bool,
    /// The captured `traceparent` ends in flags whose sampled bit is clear.
    pub unsampled_parent: bool,
    /// `user-agent` or `host`, captured as a header (not the semantic conventions' own attribute).
    pub user_agent_or_host: bool,
    /// Any request header or metadata at all.
    pub any_header: bool,
}

/// What the spans of one place in the code have in common. One value for all of them, as long as its values are few.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// OTLP `flags`: 0x100 the next bit is known, 0x200 the parent is remote.
    pub flags: u32,
    /// Kind.
    pub kind: SpanKind,
    /// Span name.
    pub name: Arc<str>,
    /// Process that it comes from.
    pub resource: Arc<Resource>,
    /// Name of the instrumentation scope.
    pub scope: Arc<str>,
    /// Span status.
    pub status: StatusCode,
    /// `http.response.status_code` or `http.status_code`.
    pub http_status: Option<u16>,
    /// `http.request.method` or `http.method`.
    pub method: Option<Arc<str>>,
    /// `http.route`.
    pub route: Option<Arc<str>>,
    /// `url.scheme`, or out of the URL.
    pub url_scheme: Option<Arc<str>>,
    /// Host asked for: `server.address`, `net.peer.name` (on calls), `http.host`, or the URL's host; without a port.
    pub host: Option<Arc<str>>,
    /// Port asked for.
    pub port: Option<u16>,
    /// `user_agent.original`, `http.user_agent`, or the captured header.
    pub user_agent: Option<Arc<str>>,
    /// Envoy's and other proxies' marks: `component=proxy`, `upstream_cluster`, `node_id`.
    pub proxy: bool,
    /// Which headers were captured.
    pub captured: Captured,
    /// What only some sites have.
    rare: Option<Box<Rare>>,
    /// What it is counted with where it is shared.
    #[serde(skip)]
    pub weight: Weight,
}

/// What only some sites have: kept apart, so that the others do not pay for it. Read and written as fields of the
/// [`Site`]; writing takes the room.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Rare {
    /// `peer.service`.
    pub peer_service: Option<Arc<str>>,
    /// `rpc.system` (or `rpc.system.name`).
    pub rpc_system: Option<Arc<str>>,
    /// `rpc.service`.
    pub rpc_service: Option<Arc<str>>,
    /// `rpc.method`.
    pub rpc_method: Option<Arc<str>>,
    /// `rpc.grpc.status_code` or `rpc.response.status_code`.
    pub grpc_status: Option<u16>,
    /// `messaging.system`.
    pub messaging_system: Option<Arc<str>>,
    /// `messaging.destination.name`, else the routing key; normalised (shapes.md, "peers").
    pub messaging_destination: Option<Arc<str>>,
    /// `messaging.operation.type`, else `messaging.operation` (or `.name`).
    pub messaging_operation: Option<Arc<str>>,
    /// `db.system.name` or `db.system`.
    pub db_system: Option<Arc<str>>,
    /// `error.type`.
    pub error_type: Option<Arc<str>>,
    /// GraphQL or gRPC-web error code captured under a success status (`UNAUTHENTICATED`, `FORBIDDEN`).
    pub error_code: Option<Arc<str>>,
}

/// A site without any of it.
static NOTHING: Rare = Rare {
    peer_service: None,
    rpc_system: None,
    rpc_service: None,
    rpc_method: None,
    grpc_status: None,
    messaging_system: None,
    messaging_destination: None,
    messaging_operation: None,
    db_system: None,
    error_type: None,
    error_code: None,
};

impl Deref for Site {
    type Target = Rare;

    fn deref(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Site {
    fn deref_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

impl Site {
    /// A place in a process of which nothing is known yet.
    pub fn new(resource: Arc<Resource>, scope: Arc<str>) -> Self {
        Self {
            flags: 0,
            kind: SpanKind::default(),
            name: Arc::clone(&scope),
            resource,
            scope,
            status: StatusCode::default(),
            http_status: None,
            method: None,
            route: None,
            url_scheme: None,
            host: None,
            port: None,
            user_agent: None,
            proxy: false,
            captured: Captured::default(),
            rare: None,
            weight: Weight::default(),
        }
    }

    /// What only some sites have, where this one has any of it.
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// The same, to be changed or taken out.
    pub fn rare_mut(&mut self) -> &mut Option<Box<Rare>> {
        &mut self.rare
    }

    /// Every text of it.
    pub fn texts(&self) -> impl Iterator<Item = &Arc<str>> {
        let own = [&self.method, &self.route, &self.url_scheme, &self.host, &self.user_agent];
        let rare = self.rare().map(Rare::texts);
        let named = [&self.name, &self.scope].into_iter();
        named.chain(own.into_iter().chain(rare.into_iter().flatten()).flatten())
    }

    /// The same, to be shared.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut Arc<str>> {
        let own = [&mut self.method, &mut self.route, &mut self.url_scheme, &mut self.host, &mut self.user_agent];
        let rare = self.rare.as_deref_mut().map(Rare::texts_mut);
        let named = [&mut self.name, &mut self.scope].into_iter();
        named.chain(own.into_iter().chain(rare.into_iter().flatten()).flatten())
    }

    /// Whether a request or message arrived here.
    pub fn is_entry(&self) -> bool {
        matches!(self.kind, SpanKind::Server | SpanKind::Consumer)
    }

    /// Whether a request or message was sent here.
    pub fn is_call(&self) -> bool {
        matches!(self.kind, SpanKind::Client | SpanKind::Producer)
    }
}

impl Rare {
    /// Every text, there or not.
    pub fn texts(&self) -> [&Option<Arc<str>>; 10] {
        [
            &self.peer_service,
            &self.rpc_system,
            &self.rpc_service,
            &self.rpc_method,
            &self.messaging_system,
            &self.messaging_destination,
            &self.messaging_operation,
            &self.db_system,
            &self.error_type,
            &self.error_code,
        ]
    }

    fn texts_mut(&mut self) -> [&mut Option<Arc<str>>; 10] {
        [
            &mut self.peer_service,
            &mut self.rpc_system,
            &mut self.rpc_service,
            &mut self.rpc_method,
            &mut self.messaging_system,
            &mut self.messaging_destination,
            &mut self.messaging_operation,
            &mut self.db_system,
            &mut self.error_type,
            &mut self.error_code,
        ]
    }
}
