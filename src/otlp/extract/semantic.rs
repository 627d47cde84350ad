//! Semantic conventions, old and new, onto the fields of a span.

use std::sync::Arc;

use arcstr::ArcStr;

use super::draft::Draft;
use super::fields::{Field, Fields};
use super::names::Names;
use super::text::{Url, capped, grpc_status, host_and_port, without_query};
use crate::model::SpanKind;
use crate::otlp::data::Value;
use crate::token::Shared;

const LONGEST: usize = 256;

/// Shares and scrubs texts on their way into a span.
pub(super) struct Texts<'w> {
    pub(super) shared: &'w Shared,
    pub(super) names: &'w mut Names,
}

impl Texts<'_> {
    pub(super) fn keep(&mut self, text: &str) -> Arc<str> {
        // What is known was scrubbed when it was kept, and scrubbing twice changes nothing.
        if let Some(known) = self.names.known(text) {
            return known;
        }
        self.names.get(capped(&self.shared.scrub(text), LONGEST))
    }

    fn keep_path(&mut self, path: &str) -> ArcStr {
        if let Some(known) = self.names.known_path(path) {
            return known;
        }
        self.names.path(capped(&self.shared.scrub(path), LONGEST))
    }

    fn of(&mut self, fields: &Fields<'_, '_>, keys: &[Field]) -> Option<Arc<str>> {
        fields.text(keys).map(|text| self.keep(text))
    }
}

/// Fills in what the known attributes say.
pub(super) fn fill(span: &mut Draft, fields: &Fields<'_, '_>, texts: &mut Texts<'_>) {
    use Field as F;
    status(span, fields);
    span.method = texts.of(fields, &[F::Method, F::MethodOld]);
    span.route = texts.of(fields, &[F::Route]);
    place(span, fields, texts);
    // What only some spans have is written only where it is there: writing takes room.
    if let Some(peer) = texts.of(fields, &[F::PeerService, F::ServicePeerName]) {
        span.peer_service = Some(peer);
    }
    if fields.any_between(F::RpcSystem, F::RpcMethod) {
        rpc(span, fields, texts);
    }
    if fields.any_between(F::MessagingSystem, F::MessagingOperationName) {
        messaging(span, fields, texts);
    }
    if let Some(system) = texts.of(fields, &[F::DbSystemName, F::DbSystem]) {
        span.db_system = Some(system);
    }
    if let Some(user_agent) = texts.of(fields, &[F::UserAgent, F::UserAgentOld, F::UserAgentEnvoy]) {
        span.user_agent = Some(user_agent);
    }
    if let Some(kind) = texts.of(fields, &[F::ErrorType]) {
        span.error_type = Some(kind);
    }
    span.proxy = fields.text(&[F::Component]) == Some("proxy")
        || fields.text(&[F::UpstreamCluster]).is_some()
        || fields.text(&[F::NodeId]).is_some();
    if let Some(code) = fields.text(&[F::GraphqlExtensionsCode, F::GraphqlCode]) {
        span.error_code = Some(texts.keep(&code.to_ascii_uppercase()));
    }
}

fn status(span: &mut Draft, fields: &Fields<'_, '_>) {
    let http = fields.number(&[Field::HttpStatus, Field::HttpStatusOld]);
    span.http_status = http.and_then(|code| u16::try_from(code).ok()).filter(|code| (100..600).contains(code));
    let grpc = [Field::GrpcStatus, Field::RpcStatus, Field::EnvoyGrpcStatus, Field::ConnectCode];
    let grpc = grpc.iter().find_map(|field| match fields.get(*field)? {
        Value::Str(text) => grpc_status(text),
        _ => fields.number(&[*field]).and_then(|code| u16::try_from(code).ok()).filter(|code| *code <= 16),
    });
    if grpc.is_some() {
        span.grpc_status = grpc;
    }
}

/// Path, scheme, host and port asked for. What a proxy or the other side is called is never taken for the host: on
/// gRPC server spans `net.peer.name` is the caller's.
fn place(span: &mut Draft, fields: &Fields<'_, '_>, texts: &mut Texts<'_>) {
    use Field as F;
    let url = fields.text(&[F::UrlFull, F::HttpUrl]);
    let parsed = url.and_then(Url::parse);
    let path = fields.text(&[F::UrlPath]).map(without_query).or(parsed.map(|url| url.path)).or_else(|| {
        let target = fields.text(&[F::HttpTarget]).or(url)?;
        Some(Url::parse(target).map_or_else(|| without_query(target), |url| url.path))
    });
    span.path = path.map(|path| texts.keep_path(path));
    let scheme = fields.text(&[F::UrlScheme, F::HttpScheme]).or(parsed.map(|url| url.scheme));
    span.url_scheme = scheme.map(|scheme| texts.keep(scheme));
    let named = if matches!(span.kind, SpanKind::Server | SpanKind::Consumer) {
        fields.text(&[F::ServerAddress, F::HttpHost, F::NetHostName, F::HttpServerName])
    } else {
        fields.text(&[F::ServerAddress, F::NetPeerName, F::HttpHost])
    };
    let (host, written_port) = named.map_or((None, None), |named| {
        let (host, port) = host_and_port(named);
        (Some(host), port)
    });
    let host = host.filter(|host| !host.is_empty()).or(parsed.map(|url| url.host).filter(|host| !host.is_empty()));
    span.host = host.map(|host| {
        let host = host.trim_end_matches('.');
        if host.bytes().any(|b| b.is_ascii_uppercase()) {
            texts.keep(&host.to_ascii_lowercase())
        } else {
            texts.keep(host)
        }
    });
    let port_keys: &[F] =
        if span.is_entry() { &[F::ServerPort, F::NetHostPort] } else { &[F::ServerPort, F::NetPeerPort] };
    let port = fields.number(port_keys).and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
    span.port = port.or(written_port).or(parsed.and_then(|url| url.port));
}

fn rpc(span: &mut Draft, fields: &Fields<'_, '_>, texts: &mut Texts<'_>) {
    span.rpc_system = texts.of(fields, &[Field::RpcSystem, Field::RpcSystemName]);
    span.rpc_service = texts.of(fields, &[Field::RpcService]);
    span.rpc_method = texts.of(fields, &[Field::RpcMethod]);
    // The newer convention writes `shop.Cart/Add` into the method alone.
    if let (None, Some((service, method))) =
        (&span.rpc_service, fields.text(&[Field::RpcMethod]).and_then(|method| method.split_once('/')))
    {
        span.rpc_service = Some(texts.keep(service));
        span.rpc_method = Some(texts.keep(method));
    }
}

fn messaging(span: &mut Draft, fields: &Fields<'_, '_>, texts: &mut Texts<'_>) {
    use Field as F;
    span.messaging_system = texts.of(fields, &[F::MessagingSystem]);
    let keys = [F::MessagingDestinationName, F::MessagingDestination, F::RoutingKey, F::RoutingKeyOld];
    // aio-pika writes `exchange,key` and the default exchange has no name: `,queue`.
    let destination = keys
        .iter()
        .find_map(|key| fields.text(&[*key]).map(|name| name.trim().trim_matches(',')).filter(|name| !name.is_empty()));
    span.messaging_destination = destination.map(|name| texts.keep(name));
    span.messaging_operation =
        texts.of(fields, &[F::MessagingOperationType, F::MessagingOperation, F::MessagingOperationName]);
}
