//! Observations as `jwtrail.*` tags (tagging.md section 2): single values for one carrier, arrays for several.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

use crate::model::{Anomaly, Carried, CarriedValue, Check, Confirmation, Fingerprint, SubjectKind, Token, TokenFormat};
use crate::otlp::extract::fields::Field;

/// The tags for what one span carried.
pub(in crate::otlp) fn tags(carried: &[Carried]) -> Vec<KeyValue> {
    let mut writer = Writer { carried, out: Vec::new() };
    if carried.is_empty() {
        return writer.out;
    }
    writer.whole();
    writer.prints();
    writer.claims();
    writer.check();
    writer.out
}

struct Writer<'c> {
    carried: &'c [Carried],
    out: Vec<KeyValue>,
}

impl Writer<'_> {
    fn whole(&mut self) {
        self.one(Field::Presence, |carried| Some(text(presence(carried))));
        self.one(Field::Location, |carried| Some(text(&carried.carrier)));
        self.one(Field::Scheme, |carried| Some(&*carried.scheme).filter(|scheme| !scheme.is_empty()).map(text));
        self.list(Field::Anomaly, |carried| {
            let named = |name: &&str| *name != "redacted" || !matches!(carried.value, CarriedValue::Redacted);
            carried.anomalies.names().filter(named).map(text).collect()
        });
        self.one(Field::CapturedLength, |carried| {
            (carried.captured_length > 0).then(|| Any::IntValue(i64::from(carried.captured_length)))
        });
        self.token(Field::Format, |token| {
            token.format.map(|format| {
                text(match format {
                    TokenFormat::Jws => "jws",
                    TokenFormat::Jwe => "jwe",
                    TokenFormat::Opaque => "opaque",
                })
            })
        });
        self.token(Field::Parts, |token| token.parts.map(|parts| Any::IntValue(i64::from(parts))));
        self.token(Field::Length, |token| token.length.map(|length| Any::IntValue(i64::from(length))));
        self.token(Field::SignatureRemoved, |token| token.signature_removed.then_some(Any::BoolValue(true)));
    }

    fn prints(&mut self) {
        self.print(Field::Fp, Token::fingerprint);
        self.print(Field::FpKeyed, |token| token.s256.as_ref().and(token.h256.as_ref()));
        self.print(Field::FpHeader, |token| token.header.as_ref());
        self.print(Field::FpPayload, |token| token.payload.as_ref());
        self.print(Field::FpSignature, |token| token.signature.as_ref());
        self.print(Field::SubHash, |token| token.sub_hash.as_ref());
        self.print(Field::SubjectIdHash, |token| token.subject_id_hash.as_ref());
        self.print(Field::JtiHash, |token| token.jti_hash.as_ref());
        self.print(Field::TxnHash, |token| token.txn_hash.as_ref());
    }

    fn claims(&mut self) {
        self.token(Field::Alg, |token| token.alg.as_deref().map(text));
        self.token(Field::Kid, |token| token.kid.as_deref().map(text));
        self.token(Field::Typ, |token| token.typ.as_deref().map(text));
        self.token(Field::Iss, |token| token.iss.as_deref().map(text));
        self.token(Field::Exp, |token| token.exp.map(Any::IntValue));
        self.token(Field::Iat, |token| token.iat.map(Any::IntValue));
        self.token(Field::Nbf, |token| token.nbf.map(Any::IntValue));
        let texts = |list: &[std::sync::Arc<str>]| list.iter().map(|item| text(item)).collect::<Vec<_>>();
        self.list(Field::Aud, |carried| token_of(carried).map_or_else(Vec::new, |token| texts(&token.aud)));
        self.list(Field::Scope, |carried| token_of(carried).map_or_else(Vec::new, |token| texts(&token.scope)));
        self.list(Field::Actors, |carried| token_of(carried).map_or_else(Vec::new, |token| texts(&token.actors)));
        self.token(Field::SubjectKind, |token| {
            token.subject_kind.map(|kind| text(if kind == SubjectKind::User { "user" } else { "workload" }))
        });
        self.token(Field::Cnf, |token| {
            token.cnf.map(|cnf| {
                text(match cnf {
                    Confirmation::None => "none",
                    Confirmation::Jkt => "jkt",
                    Confirmation::X5t => "x5t#S256",
                })
            })
        });
    }

    fn check(&mut self) {
        self.token(Field::CheckResult, |token| match token.check {
            Check::NotChecked => None,
            Check::Valid(_) => Some(text("ok")),
            Check::Failed(_) => Some(text("failed")),
        });
        self.token(Field::CheckReason, |token| match token.check {
            Check::Failed(reason) => Some(text(reason.name())),
            _ => None,
        });
        self.print(Field::CheckKey, |token| if let Check::Valid(key) = &token.check { key.as_ref() } else { None });
    }

    fn token(&mut self, field: Field, of: impl Fn(&Token) -> Option<Any>) {
        self.one(field, |carried| token_of(carried).and_then(&of));
    }

    fn print(&mut self, field: Field, of: impl Fn(&Token) -> Option<&Fingerprint>) {
        self.token(field, |token| of(token).map(|print| text(print.as_str())));
    }

    /// A single value: a scalar for one carrier; for several an array with a gap where a carrier has none.
    fn one(&mut self, field: Field, of: impl Fn(&Carried) -> Option<Any>) {
        let mut values: Vec<Option<Any>> = self.carried.iter().map(of).collect();
        if values.iter().all(Option::is_none) {
            return;
        }
        let value = match values.len() {
            1 => values.remove(0),
            _ => Some(array(values)),
        };
        self.push(field, value);
    }

    /// A list: flat for one carrier, for several a list of lists.
    fn list(&mut self, field: Field, of: impl Fn(&Carried) -> Vec<Any>) {
        let mut lists: Vec<Vec<Any>> = self.carried.iter().map(of).collect();
        if lists.iter().all(Vec::is_empty) {
            return;
        }
        let value = match lists.len() {
            1 => array(lists.remove(0).into_iter().map(Some).collect()),
            _ => array(lists.into_iter().map(|list| Some(array(list.into_iter().map(Some).collect()))).collect()),
        };
        self.push(field, Some(value));
    }

    fn push(&mut self, field: Field, value: Option<Any>) {
        self.out.push(KeyValue { key: field.key().to_owned(), value: Some(AnyValue { value }), ..KeyValue::default() });
    }
}

fn presence(carried: &Carried) -> &'static str {
    match carried.value {
        CarriedValue::Empty => "absent",
        CarriedValue::Redacted if carried.anomalies.contains(Anomaly::Redacted) => "redacted",
        _ => "present",
    }
}

fn token_of(carried: &Carried) -> Option<&Token> {
    if let CarriedValue::Token(token) = &carried.value { Some(token) } else { None }
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

fn array(values: Vec<Option<Any>>) -> Any {
    Any::ArrayValue(ArrayValue { values: values.into_iter().map(|value| AnyValue { value }).collect() })
}
