//! A span as the judge reads it: identity, place in the tree, what it says of tokens, and how it ended.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Anomalies, Fingerprint, Reason, Resource, SpanId, Token, TraceId, UnixNanos, VerifyResult};

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

/// What one carrier held (tagging.md sections 1 and 4).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum CarriedValue {
    /// A token, known by its fingerprint.
    Token(Arc<Token>),
    /// `undefined`, `null`, `{{…}}`, or a scheme with nothing behind it.
    Placeholder,
    /// There, but hidden by the instrumentation, or said to be there by a tag without a fingerprint.
    Redacted,
    /// Another credential: Basic, Digest, AWS4-HMAC-SHA256, … with its scheme in lower case.
    OtherCredential(Arc<str>),
    /// The carrier was captured and is empty or a configured sentinel: proof of absence.
    Empty,
}

/// One carrier of one span and what it held.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Carried {
    /// `header:authorization`, `cookie:NAME`, `metadata:KEY`, `query:NAME`, `message:KEY`.
    pub carrier: Arc<str>,
    /// What it held.
    pub value: CarriedValue,
    /// How the value strayed from the canonical form.
    pub anomalies: Anomalies,
    /// The scheme word in lower case, empty where there was none.
    pub scheme: Arc<str>,
    /// Length of the captured value as exported, in characters: tells a value cut by an attribute limit.
    pub captured_length: u32,
}

/// Which headers this span shows to have been captured, whatever they held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
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

/// An exception recorded as a span event, its texts scrubbed and capped.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Exception {
    /// `exception.type`.
    pub kind: Arc<str>,
    /// `exception.message`, at most 512 characters.
    pub message: Arc<str>,
    /// First and last lines of `exception.stacktrace`, at most 1,024 characters.
    pub stack: Arc<str>,
}

/// A link to another span, maybe of another trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The trace that it points into.
    pub trace_id: TraceId,
    /// The span that it points at.
    pub span_id: SpanId,
}

/// A token found where none belongs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exposure {
    /// The attribute, event or field that held it.
    pub place: Arc<str>,
    /// Which token, where it could be fingerprinted.
    pub fingerprint: Option<Fingerprint>,
}

/// What a span's own `jwtrail.*` tags say beside the token itself (tagging.md section 2).
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SelfTags {
    /// `jwtrail.token.presence` = `absent`.
    pub absent: bool,
    /// `jwtrail.verify.result`.
    pub verify_result: Option<VerifyResult>,
    /// `jwtrail.verify.reason`.
    pub verify_reason: Option<Reason>,
    /// `jwtrail.verify.key_fp`.
    pub verify_key: Option<Fingerprint>,
    /// `jwtrail.exchange.intent`, unless `none`.
    pub exchange_intent: Option<Arc<str>>,
    /// `jwtrail.exchange.from_fp`.
    pub exchanged_from: Option<Fingerprint>,
}

/// A span. Strings that have few values are shared; texts are scrubbed of credentials.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Span {
    /// Trace that it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// Its parent's id, `None` for a root.
    pub parent_id: Option<SpanId>,
    /// OTLP `flags`: 0x100 the next bit is known, 0x200 the parent is remote.
    pub flags: u32,
    /// Kind.
    pub kind: SpanKind,
    /// Start.
    pub start: UnixNanos,
    /// End; 0 where never set.
    pub end: UnixNanos,
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
    /// Path of the URL: `url.path`, or out of `url.full`, `http.url`, `http.target`; without the query.
    pub path: Option<Arc<str>>,
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
    /// What its carriers held.
    pub carried: Vec<Carried>,
    /// Which headers were captured.
    pub captured: Captured,
    /// Longest attribute text in characters and how many have that length: tells an attribute length limit.
    pub longest_text: (u32, u16),
    /// Its own tags.
    pub tags: Option<Box<SelfTags>>,
    /// What only some spans have.
    rare: Option<Box<Rare>>,
}

/// What only some spans have: kept apart, so that the others do not pay for it. Read and written as fields of the
/// [`Span`]; writing takes the room.
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
    /// `Location` of a redirect (captured response header), scrubbed, without its query.
    pub location: Option<Arc<str>>,
    /// `http.response.header.www-authenticate`, scrubbed.
    pub challenge: Option<Arc<str>>,
    /// GraphQL or gRPC-web error code captured under a success status (`UNAUTHENTICATED`, `FORBIDDEN`).
    pub error_code: Option<Arc<str>>,
    /// Exceptions among its events, in their order.
    pub exceptions: Vec<Exception>,
    /// Links.
    pub links: Vec<Link>,
    /// Tokens found where none belongs.
    pub exposures: Vec<Exposure>,
}

/// A span without any of it.
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
    location: None,
    challenge: None,
    error_code: None,
    exceptions: Vec::new(),
    links: Vec::new(),
    exposures: Vec::new(),
};

/// A byte more, and the allocator takes a quarter more for each span that is kept.
const _: () = assert!(size_of::<Span>() <= 256);

impl Deref for Span {
    type Target = Rare;

    fn deref(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Span {
    fn deref_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

impl Span {
    /// An empty span of a process: what a decoder fills in.
    pub fn new(resource: Arc<Resource>, scope: Arc<str>) -> Self {
        Self {
            trace_id: TraceId::default(),
            span_id: SpanId::default(),
            parent_id: None,
            flags: 0,
            kind: SpanKind::default(),
            start: UnixNanos::default(),
            end: UnixNanos::default(),
            name: Arc::clone(&scope),
            resource,
            scope,
            status: StatusCode::default(),
            http_status: None,
            method: None,
            route: None,
            path: None,
            url_scheme: None,
            host: None,
            port: None,
            user_agent: None,
            proxy: false,
            carried: Vec::new(),
            captured: Captured::default(),
            longest_text: (0, 0),
            tags: None,
            rare: None,
        }
    }

    /// What only some spans have, where this one has any of it.
    pub fn rare(&self) -> Option<&Rare> {
        self.rare.as_deref()
    }

    /// The same, to be changed where it is there.
    pub fn rare_mut(&mut self) -> Option<&mut Rare> {
        self.rare.as_deref_mut()
    }

    /// Whether a request or message arrived here.
    pub fn is_entry(&self) -> bool {
        matches!(self.kind, SpanKind::Server | SpanKind::Consumer)
    }

    /// Whether a request or message was sent here.
    pub fn is_call(&self) -> bool {
        matches!(self.kind, SpanKind::Client | SpanKind::Producer)
    }

    /// What the request was, for people: `GET /orders/{id}`, `shop.Cart/Add`, a queue's name, or the span's name.
    pub fn operation(&self) -> String {
        if let Some(method) = &self.rpc_method {
            return match &self.rpc_service {
                Some(service) => format!("{service}/{method}"),
                None => method.to_string(),
            };
        }
        let place = self.route.as_ref().or(self.path.as_ref());
        match (&self.method, place, &self.messaging_destination) {
            (Some(method), Some(place), _) => format!("{method} {place}"),
            (None, None, Some(destination)) => destination.to_string(),
            _ => self.name.to_string(),
        }
    }
}
