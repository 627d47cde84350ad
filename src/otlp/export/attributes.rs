//! A span's fields as semantic conventions and tags name them.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::carriers;
use crate::model::{Exposure, Fingerprint, Reason, SelfTags, Span, TraceId, VerifyResult};
use crate::otlp::extract::fields::Field;
use crate::token::REDACTED;

/// Attributes in the making.
#[derive(Default)]
pub(super) struct Attributes(Vec<KeyValue>);

impl Attributes {
    pub(super) fn push(&mut self, key: &str, value: Any) {
        let value = Some(AnyValue { value: Some(value) });
        self.0.push(KeyValue { key: key.to_owned(), value, ..KeyValue::default() });
    }

    /// An empty text is none.
    pub(super) fn text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.push(key, Any::StringValue(text.to_owned()));
        }
    }

    fn field(&mut self, field: Field, text: Option<&str>) {
        self.text(field.key(), text.unwrap_or_default());
    }

    fn number(&mut self, field: Field, number: Option<u16>) {
        if let Some(number) = number {
            self.push(field.key(), Any::IntValue(i64::from(number)));
        }
    }

    pub(super) fn extend(&mut self, more: Vec<KeyValue>) {
        self.0.extend(more);
    }

    pub(super) fn done(self) -> Vec<KeyValue> {
        self.0
    }
}

/// All attributes of a span.
pub(super) fn of_span(trace: TraceId, span: &Span) -> Vec<KeyValue> {
    use Field as F;
    let mut out = Attributes::default();
    out.field(F::Method, span.method.as_deref());
    out.field(F::Route, span.route.as_deref());
    out.field(F::UrlPath, span.path.as_deref());
    out.field(F::UrlScheme, span.url_scheme.as_deref());
    out.field(F::ServerAddress, span.host.as_deref());
    out.number(F::ServerPort, span.port);
    out.number(F::HttpStatus, span.http_status);
    if span.proxy {
        out.text(F::Component.key(), "proxy");
    }
    rare(span, &mut out);
    carriers::write(trace, span, &mut out);
    if let Some(tags) = span.tags() {
        own(tags, span, &mut out);
    }
    let exposed = exposures(&span.own().exposures, &out.0);
    out.extend(exposed);
    out.done()
}

fn rare(span: &Span, out: &mut Attributes) {
    use Field as F;
    out.field(F::PeerService, span.peer_service.as_deref());
    out.field(F::RpcSystem, span.rpc_system.as_deref());
    out.field(F::RpcService, span.rpc_service.as_deref());
    out.field(F::RpcMethod, span.rpc_method.as_deref());
    out.number(F::GrpcStatus, span.grpc_status);
    out.field(F::MessagingSystem, span.messaging_system.as_deref());
    out.field(F::MessagingDestinationName, span.messaging_destination.as_deref());
    out.field(F::MessagingOperationType, span.messaging_operation.as_deref());
    out.field(F::DbSystemName, span.db_system.as_deref());
    out.field(F::ErrorType, span.error_type.as_deref());
    out.field(F::GraphqlExtensionsCode, span.error_code.as_deref());
    out.text("http.response.header.location", span.own().location.as_deref().unwrap_or_default());
    out.text("http.response.header.www-authenticate", span.own().challenge.as_deref().unwrap_or_default());
}

/// What the span's service said of its own check and exchange.
fn own(tags: &SelfTags, span: &Span, out: &mut Attributes) {
    // Tags of carriers say of each whether it is there.
    let told = out.0.iter().any(|entry| entry.key == Field::Presence.key());
    if tags.absent && !told && span.carried.is_empty() {
        out.text(Field::Presence.key(), "absent");
    }
    out.field(Field::VerifyResult, tags.verify_result.map(VerifyResult::name));
    out.field(Field::VerifyReason, tags.verify_reason.map(Reason::name));
    out.field(Field::VerifyKey, tags.verify_key.as_ref().map(Fingerprint::as_str));
    out.field(Field::ExchangeIntent, tags.exchange_intent.as_deref());
    out.field(Field::ExchangeFrom, tags.exchanged_from.as_ref().map(Fingerprint::as_str));
}

/// Tokens that stood where none belongs, each as the mark that a reader takes for one. Places that were written already
/// hold the mark within their text.
pub(super) fn exposures(found: &[Exposure], written: &[KeyValue]) -> Vec<KeyValue> {
    let mut out = Attributes::default();
    for exposure in found {
        let place = match &*exposure.place {
            // Not attributes: what stands there was kept with its mark, or is told under a name of its own.
            "name" => continue,
            place => place,
        };
        if written.iter().any(|entry| entry.key == place) {
            continue;
        }
        let mark = match &exposure.fingerprint {
            Some(fingerprint) => format!("jwt:{fingerprint}"),
            None => format!("bearer {REDACTED}"),
        };
        out.text(place, &mark);
    }
    out.done()
}
