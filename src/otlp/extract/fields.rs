//! The attributes that are read, by key: one hash lookup an attribute, one slot each.

use std::sync::LazyLock;

use crate::otlp::data::Value;

macro_rules! fields {
    ($($variant:ident = $key:literal),+ $(,)?) => {
        /// An attribute that is read.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub(crate) enum Field { $($variant),+ }

        const ALL: &[(&str, Field)] = &[$(($key, Field::$variant)),+];

        impl Field {
            /// Its key.
            pub(crate) const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }
        }
    };
}

fields! {
    HttpStatus = "http.response.status_code",
    HttpStatusOld = "http.status_code",
    GrpcStatus = "rpc.grpc.status_code",
    RpcStatus = "rpc.response.status_code",
    EnvoyGrpcStatus = "grpc.status_code",
    ConnectCode = "rpc.connect_rpc.error_code",
    Method = "http.request.method",
    MethodOld = "http.method",
    Route = "http.route",
    UrlPath = "url.path",
    UrlQuery = "url.query",
    UrlFull = "url.full",
    UrlScheme = "url.scheme",
    HttpUrl = "http.url",
    HttpTarget = "http.target",
    HttpScheme = "http.scheme",
    HttpHost = "http.host",
    HttpServerName = "http.server_name",
    ServerAddress = "server.address",
    ServerPort = "server.port",
    NetPeerName = "net.peer.name",
    NetPeerPort = "net.peer.port",
    NetHostName = "net.host.name",
    NetHostPort = "net.host.port",
    PeerService = "peer.service",
    ServicePeerName = "service.peer.name",
    RpcSystem = "rpc.system",
    RpcSystemName = "rpc.system.name",
    RpcService = "rpc.service",
    RpcMethod = "rpc.method",
    MessagingSystem = "messaging.system",
    MessagingDestinationName = "messaging.destination.name",
    MessagingDestination = "messaging.destination",
    RoutingKey = "messaging.rabbitmq.destination.routing_key",
    RoutingKeyOld = "messaging.rabbitmq.routing_key",
    MessagingOperationType = "messaging.operation.type",
    MessagingOperation = "messaging.operation",
    MessagingOperationName = "messaging.operation.name",
    DbSystemName = "db.system.name",
    DbSystem = "db.system",
    UserAgent = "user_agent.original",
    UserAgentOld = "http.user_agent",
    UserAgentEnvoy = "user_agent",
    ErrorType = "error.type",
    Component = "component",
    UpstreamCluster = "upstream_cluster",
    NodeId = "node_id",
    GraphqlCode = "graphql.error.code",
    GraphqlExtensionsCode = "graphql.error.extensions.code",
    ClaimIss = "jwt.claims.iss",
    ClaimAud = "jwt.claims.aud",
    ClaimExp = "jwt.claims.exp",
    HeaderAlg = "jwt.headers.alg",
    HeaderKid = "jwt.headers.kid",
    Presence = "jwtrail.token.presence",
    Fp = "jwtrail.token.fp",
    FpKeyed = "jwtrail.token.fp.keyed",
    FpHeader = "jwtrail.token.fp.header",
    FpPayload = "jwtrail.token.fp.payload",
    FpSignature = "jwtrail.token.fp.signature",
    Location = "jwtrail.token.location",
    Scheme = "jwtrail.token.scheme",
    Format = "jwtrail.token.format",
    Parts = "jwtrail.token.parts",
    SignatureRemoved = "jwtrail.token.signature_removed",
    Alg = "jwtrail.token.alg",
    Kid = "jwtrail.token.kid",
    Typ = "jwtrail.token.typ",
    Iss = "jwtrail.token.iss",
    Aud = "jwtrail.token.aud",
    Scope = "jwtrail.token.scope",
    Actors = "jwtrail.token.actors",
    Exp = "jwtrail.token.exp",
    Iat = "jwtrail.token.iat",
    Nbf = "jwtrail.token.nbf",
    Length = "jwtrail.token.length",
    CapturedLength = "jwtrail.token.captured_length",
    Anomaly = "jwtrail.token.anomaly",
    SubHash = "jwtrail.token.sub_hash",
    SubjectIdHash = "jwtrail.token.subject_id_hash",
    JtiHash = "jwtrail.token.jti_hash",
    TxnHash = "jwtrail.token.txn_hash",
    SubjectKind = "jwtrail.token.subject_kind",
    Cnf = "jwtrail.token.cnf",
    CheckResult = "jwtrail.check.result",
    CheckReason = "jwtrail.check.reason",
    CheckKey = "jwtrail.check.key_fp",
    VerifyResult = "jwtrail.verify.result",
    VerifyReason = "jwtrail.verify.reason",
    VerifyKey = "jwtrail.verify.key_fp",
    ExchangeIntent = "jwtrail.exchange.intent",
    ExchangeFrom = "jwtrail.exchange.from_fp",
}

/// An open hash table of the keys: four times as many places as keys, most of them empty.
static KEYS: LazyLock<[Option<(&'static str, Field)>; PLACES]> = LazyLock::new(|| {
    let mut table = [None; PLACES];
    for (key, field) in ALL {
        let mut at = place_of(key);
        while table[at].is_some() {
            at = (at + 1) % PLACES;
        }
        table[at] = Some((*key, *field));
    }
    table
});

const PLACES: usize = 512;

/// The keys differ in length and in their last eight bytes: nothing more needs to be mixed.
fn place_of(key: &str) -> usize {
    let tail = key.as_bytes().last_chunk::<8>().map_or(0, |tail| u64::from_le_bytes(*tail));
    let mixed = (tail ^ (key.len() as u64) << 3).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 55) as usize
}

impl Field {
    /// The field of a key.
    pub(crate) fn of(key: &str) -> Option<Self> {
        let table = &*KEYS;
        let mut at = place_of(key);
        while let Some((known, field)) = table[at] {
            if known == key {
                return Some(field);
            }
            at = (at + 1) % PLACES;
        }
        None
    }

    /// Whether it is one of jwtrail's own tags, which cannot hold a token where none belongs.
    pub(crate) const fn is_own_tag(self) -> bool {
        self as usize >= Self::Presence as usize
    }
}

/// The values of one span's known attributes; the first of a repeated key counts.
pub(crate) struct Fields<'s, 'a> {
    values: [Option<&'s Value<'a>>; ALL.len()],
    tagged: bool,
}

impl<'s, 'a> Fields<'s, 'a> {
    pub(crate) fn new() -> Self {
        Self { values: [None; ALL.len()], tagged: false }
    }

    pub(crate) fn set(&mut self, field: Field, value: &'s Value<'a>) {
        self.tagged |= field as usize >= Field::ClaimIss as usize;
        self.values[field as usize].get_or_insert(value);
    }

    pub(crate) fn get(&self, field: Field) -> Option<&'s Value<'a>> {
        self.values[field as usize]
    }

    /// The first non-empty text among several fields.
    pub(crate) fn text(&self, fields: &[Field]) -> Option<&'s str> {
        fields.iter().find_map(|field| self.get(*field).and_then(text))
    }

    /// The first number among several fields.
    pub(crate) fn number(&self, fields: &[Field]) -> Option<i64> {
        fields.iter().find_map(|field| self.get(*field).and_then(number))
    }
}

/// A value's text: a string that is not empty, or the first of a list.
pub(crate) fn text<'s>(value: &'s Value<'_>) -> Option<&'s str> {
    match value {
        Value::Str(text) if !text.is_empty() => Some(text),
        Value::Array(items) => items.first().and_then(text),
        _ => None,
    }
}

/// A value's number: instrumentations and converters write them as text too.
pub(crate) fn number(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Double(number) if number.fract() == 0.0 && number.abs() < 1e15 => Some(*number as i64),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

impl<'s, 'a> Fields<'s, 'a> {
    /// By position, for those who go over a range.
    pub(crate) fn at(&self, index: usize) -> Option<&'s Value<'a>> {
        self.values[index]
    }

    /// Whether there is any tag, jwtrail's own or `jwt.*`.
    pub(crate) fn has_tags(&self) -> bool {
        self.tagged
    }

    /// Whether any field of a range is there, both ends included.
    pub(crate) fn any_between(&self, first: Field, last: Field) -> bool {
        self.values[first as usize..=last as usize].iter().any(Option::is_some)
    }
}
