//! The span's own `jwtrail.*` tags (tagging.md section 2): a stranger's input, checked before it is believed.

use std::borrow::Cow;
use std::sync::Arc;

use super::fields::{Field, Fields, number};
use super::headers::{Observation, Source};
use super::names::Names;
use super::text::capped;
use crate::model::token::ANOMALY_NAMES;
use crate::model::{
    Anomalies, Anomaly, Carried, CarriedValue, Check, Confirmation, Fingerprint, Reason, SelfTags, SubjectKind, Token,
    TokenFormat, VerifyResult, Weight,
};
use crate::otlp::data::Value;
use crate::token::{Shared, TagKey, valid_fingerprint};

/// Carriers that one span may tag.
const MAX_CARRIERS: usize = 16;

/// Texts that a list tag may hold.
const MAX_LIST: usize = 128;

/// All that describes a token: the plain claims and headers, then the tags.
const TOKEN_FIELDS: std::ops::RangeInclusive<usize> = Field::ClaimIss as usize..=Field::CheckKey as usize;

/// What the tags said.
#[derive(Default)]
pub(crate) struct Tagged {
    pub(crate) observations: Vec<Observation>,
    pub(crate) tags: SelfTags,
    /// Malformed fingerprints, dropped.
    pub(crate) malformed: u64,
}

/// Reads one span's tags.
pub(crate) struct TagReader<'s, 'a, 'w> {
    fields: &'s Fields<'s, 'a>,
    shared: &'w Shared,
    names: &'w mut Names,
    carriers: usize,
    out: Tagged,
}

impl<'s, 'a, 'w> TagReader<'s, 'a, 'w> {
    /// `None` where the span has no tags at all.
    pub(crate) fn read(fields: &'s Fields<'s, 'a>, shared: &'w Shared, names: &'w mut Names) -> Option<Tagged> {
        if !fields.has_tags() {
            return None;
        }
        let count = |field| match fields.get(field) {
            Some(Value::Array(items)) => items.len(),
            Some(_) => 1,
            None => 0,
        };
        let carriers = count(Field::Presence).max(count(Field::Fp)).max(count(Field::Location)).min(MAX_CARRIERS);
        let mut reader = Self { fields, shared, names, carriers, out: Tagged::default() };
        for at in 0..carriers {
            reader.carrier(at);
        }
        if carriers == 0 && fields.any_between(Field::ClaimIss, Field::HeaderKid) {
            // Claims without a fingerprint: somebody held a token, and that is all that can be said.
            reader.push("header:authorization", CarriedValue::Redacted, Anomalies::default(), 0);
        }
        reader.self_tags();
        Some(reader.out)
    }

    /// A single value of one carrier: scalar for the first, else its place in the array.
    fn item(&self, field: Field, at: usize) -> Option<&'s Value<'a>> {
        match self.fields.get(field)? {
            Value::Array(items) => items.get(at),
            value => (at == 0).then_some(value),
        }
    }

    fn text(&self, field: Field, at: usize) -> Option<&'s str> {
        match self.item(field, at)? {
            Value::Str(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn clean(&self, field: Field, at: usize) -> Option<Arc<str>> {
        self.text(field, at).map(|text| Arc::from(capped(&self.shared.scrub(text), 256)))
    }

    /// A list of one carrier. With several carriers each has a list of its own, or one text with blanks.
    fn list(&self, field: Field, at: usize) -> Vec<Arc<str>> {
        let texts: Vec<&str> = match self.fields.get(field) {
            Some(Value::Array(items)) if self.carriers <= 1 && !matches!(items.first(), Some(Value::Array(_))) => {
                items.iter().filter_map(as_text).collect()
            }
            Some(Value::Array(items)) => match items.get(at) {
                Some(Value::Array(inner)) => inner.iter().filter_map(as_text).collect(),
                Some(Value::Str(text)) => text.split_ascii_whitespace().collect(),
                _ => Vec::new(),
            },
            Some(Value::Str(text)) if at == 0 => text.split_ascii_whitespace().collect(),
            _ => Vec::new(),
        };
        let clean = |text: &str| Arc::from(capped(&self.shared.scrub(text), 256));
        texts.into_iter().take(MAX_LIST).map(clean).collect()
    }

    /// A well-formed fingerprint; a malformed one is dropped and counted.
    fn fingerprint(&mut self, field: Field, at: usize, keyed_only: bool) -> Option<&'s str> {
        let text = self.text(field, at)?;
        if valid_fingerprint(text) && (!keyed_only || text.starts_with("h256.")) {
            return Some(text);
        }
        self.out.malformed += 1;
        None
    }

    fn carrier(&mut self, at: usize) {
        let presence = self.text(Field::Presence, at).unwrap_or("");
        let key = self.key(at);
        // What is remembered was well formed, and its key covers every fingerprint: no second check.
        let known = self.named_by(at).and_then(|print| self.shared.tagged(key, print));
        let token = known.or_else(|| self.new_token(at, key));
        let scheme = lower(self.text(Field::Scheme, at).unwrap_or_default());
        let mut anomalies = Anomalies::default();
        for name in self.list(Field::Anomaly, at) {
            if let Some((anomaly, _)) = ANOMALY_NAMES.iter().find(|(_, known)| **known == *name) {
                anomalies.insert(*anomaly);
            }
        }
        let location = self.location(at);
        let token_scheme = matches!(&*scheme, "" | "bearer" | "dpop" | "token" | "jwt");
        let value = match (presence, token) {
            ("absent", _) if self.carriers == 1 => {
                self.out.tags.absent = true;
                return;
            }
            ("absent", _) => CarriedValue::Empty,
            ("redacted", _) => {
                anomalies.insert(Anomaly::Redacted);
                CarriedValue::Redacted
            }
            (_, Some(token)) => CarriedValue::Token(token),
            _ if !token_scheme => CarriedValue::OtherCredential(self.names.get(capped(&scheme, 32))),
            _ if anomalies.contains(Anomaly::Placeholder) => CarriedValue::Placeholder,
            ("present", None) => CarriedValue::Redacted,
            _ => return,
        };
        let length = self.item(Field::CapturedLength, at).and_then(number).unwrap_or(0);
        self.push(&location, value, anomalies, u32::try_from(length).unwrap_or(0));
        let scheme = self.names.get(capped(&self.shared.scrub(&scheme), 32));
        if let Some(last) = self.out.observations.last_mut() {
            last.carried.scheme = scheme;
        }
    }

    /// A token described for the first time, remembered unless a part of its description was malformed.
    fn new_token(&mut self, at: usize, key: TagKey) -> Option<Arc<Token>> {
        let malformed = self.out.malformed;
        let prints = Prints::read(self, at);
        if prints.whole.is_none() && prints.keyed.is_none() {
            return None;
        }
        let token = self.build(at, &prints);
        let clean = malformed == self.out.malformed;
        Some(if clean { self.shared.keep_tagged(key, token) } else { self.shared.weigh(token) })
    }

    /// `header:X-Auth_Token` and `header:x-auth-token` are one carrier.
    fn location(&self, at: usize) -> Cow<'static, str> {
        let Some(text) = self.text(Field::Location, at) else { return Cow::Borrowed("header:authorization") };
        if text == "header:authorization" {
            return Cow::Borrowed("header:authorization");
        }
        let clean = self.shared.scrub(text);
        let clean = capped(&clean, 128);
        Cow::Owned(match clean.split_once(':') {
            Some(("cookie" | "query", _)) => clean.to_owned(),
            Some(_) => clean.to_ascii_lowercase().replace('_', "-"),
            None => format!("header:{}", clean.to_ascii_lowercase().replace('_', "-")),
        })
    }

    fn push(&mut self, carrier: &str, value: CarriedValue, anomalies: Anomalies, captured_length: u32) {
        let carrier = self.names.get(carrier);
        let carried = Carried { carrier, value, anomalies, scheme: self.names.empty(), captured_length };
        self.out.observations.push(Observation { carried, source: Source::Tag });
    }

    /// The fingerprint that a token of this carrier would be known by, as it stands in the tags.
    fn named_by(&self, at: usize) -> Option<&'s str> {
        let whole = self.text(Field::Fp, at);
        whole.filter(|print| print.starts_with("s256:")).or_else(|| self.text(Field::FpKeyed, at)).or(whole)
    }

    /// Hash of all that describes the token of one carrier.
    fn key(&self, at: usize) -> TagKey {
        let mut key = self.shared.tag_key();
        if self.carriers > 1 {
            key.add(at, b"of several");
        }
        for index in TOKEN_FIELDS {
            if let Some(value) = self.fields.at(index) {
                feed(value, &mut |bytes| key.add(index, bytes));
            }
        }
        key.finish()
    }

    fn build(&self, at: usize, prints: &Prints<'_>) -> Token {
        let print = |text: Option<&str>| text.map(Fingerprint::new);
        let (mut s256, mut h256) = (None, print(prints.keyed));
        match prints.whole {
            Some(text) if text.starts_with("s256:") => s256 = print(prints.whole),
            Some(_) => h256 = print(prints.whole),
            None => {}
        }
        let number_of = |field| self.item(field, at).and_then(number);
        let mut token = Token {
            s256,
            h256,
            header: print(prints.header),
            payload: print(prints.payload),
            signature: print(prints.signature),
            format: self.text(Field::Format, at).and_then(format_named),
            parts: number_of(Field::Parts).and_then(|parts| u8::try_from(parts).ok()),
            signature_removed: matches!(self.item(Field::SignatureRemoved, at), Some(Value::Bool(true))),
            alg: self.clean(Field::Alg, at),
            kid: self.clean(Field::Kid, at),
            typ: self.clean(Field::Typ, at),
            iss: self.clean(Field::Iss, at),
            aud: self.list(Field::Aud, at),
            scope: self.list(Field::Scope, at),
            actors: self.list(Field::Actors, at),
            exp: number_of(Field::Exp),
            iat: number_of(Field::Iat),
            nbf: number_of(Field::Nbf),
            length: number_of(Field::Length).and_then(|length| u32::try_from(length).ok()),
            sub_hash: print(prints.subject),
            subject_id_hash: print(prints.subject_id),
            jti_hash: print(prints.jti),
            txn_hash: print(prints.txn),
            subject_kind: self.text(Field::SubjectKind, at).and_then(subject_kind_named),
            cnf: self.text(Field::Cnf, at).and_then(confirmation_named),
            check: self.check(at, prints),
            weight: Weight::default(),
        };
        if at == 0 {
            self.add_plain_claims(&mut token);
        }
        token
    }

    /// `jwt.claims.*` and `jwt.headers.*` fill in what the tags left open.
    fn add_plain_claims(&self, token: &mut Token) {
        let clean = |field| self.fields.text(&[field]).map(|text| Arc::from(capped(&self.shared.scrub(text), 256)));
        token.iss = token.iss.take().or_else(|| clean(Field::ClaimIss));
        token.alg = token.alg.take().or_else(|| clean(Field::HeaderAlg));
        token.kid = token.kid.take().or_else(|| clean(Field::HeaderKid));
        token.exp = token.exp.or_else(|| self.fields.number(&[Field::ClaimExp]));
        if token.aud.is_empty() {
            token.aud = match self.fields.get(Field::ClaimAud) {
                Some(Value::Array(_)) => self.list(Field::ClaimAud, 0),
                _ => clean(Field::ClaimAud).into_iter().collect(),
            };
        }
    }

    fn check(&self, at: usize, prints: &Prints<'_>) -> Check {
        match self.text(Field::CheckResult, at) {
            Some("ok") => Check::Valid(prints.check_key.map(Fingerprint::new)),
            Some("failed") => {
                let reason = self.text(Field::CheckReason, at).and_then(Reason::from_name);
                Check::Failed(reason.unwrap_or(Reason::Signature))
            }
            _ => Check::NotChecked,
        }
    }

    fn self_tags(&mut self) {
        let verify_key = self.fingerprint(Field::VerifyKey, 0, false).map(Fingerprint::new);
        let exchanged_from = self.fingerprint(Field::ExchangeFrom, 0, false).map(Fingerprint::new);
        let intent = self.text(Field::ExchangeIntent, 0).filter(|intent| *intent != "none");
        let exchange_intent = intent.map(|intent| self.names.get(capped(&self.shared.scrub(intent), 64)));
        self.out.tags = SelfTags {
            absent: self.out.tags.absent,
            verify_result: self.text(Field::VerifyResult, 0).and_then(VerifyResult::from_name),
            verify_reason: self.text(Field::VerifyReason, 0).and_then(Reason::from_name),
            verify_key,
            exchange_intent,
            exchanged_from,
        };
    }
}

/// The fingerprints of one carrier, each checked.
struct Prints<'s> {
    whole: Option<&'s str>,
    keyed: Option<&'s str>,
    header: Option<&'s str>,
    payload: Option<&'s str>,
    signature: Option<&'s str>,
    subject: Option<&'s str>,
    subject_id: Option<&'s str>,
    jti: Option<&'s str>,
    txn: Option<&'s str>,
    check_key: Option<&'s str>,
}

impl<'s> Prints<'s> {
    fn read(reader: &mut TagReader<'s, '_, '_>, at: usize) -> Self {
        Self {
            whole: reader.fingerprint(Field::Fp, at, false),
            keyed: reader.fingerprint(Field::FpKeyed, at, true),
            header: reader.fingerprint(Field::FpHeader, at, false),
            payload: reader.fingerprint(Field::FpPayload, at, true),
            signature: reader.fingerprint(Field::FpSignature, at, false),
            subject: reader.fingerprint(Field::SubHash, at, true),
            subject_id: reader.fingerprint(Field::SubjectIdHash, at, true),
            jti: reader.fingerprint(Field::JtiHash, at, true),
            txn: reader.fingerprint(Field::TxnHash, at, true),
            check_key: reader.fingerprint(Field::CheckKey, at, false),
        }
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    let upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    if upper { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) }
}

fn feed(value: &Value<'_>, sink: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Str(text) => sink(text.as_bytes()),
        Value::Int(number) => sink(&number.to_le_bytes()),
        Value::Double(number) => sink(&number.to_bits().to_le_bytes()),
        Value::Bool(flag) => sink(&[u8::from(*flag)]),
        Value::Array(items) => {
            sink(b"[");
            for item in items {
                feed(item, sink);
            }
            sink(b"]");
        }
        Value::Empty | Value::Bytes(_) | Value::Map(_) => sink(b""),
    }
}

fn as_text<'s>(value: &'s Value<'_>) -> Option<&'s str> {
    if let Value::Str(text) = value { Some(text) } else { None }
}

fn format_named(name: &str) -> Option<TokenFormat> {
    match name {
        "jws" => Some(TokenFormat::Jws),
        "jwe" => Some(TokenFormat::Jwe),
        "opaque" => Some(TokenFormat::Opaque),
        _ => None,
    }
}

fn subject_kind_named(name: &str) -> Option<SubjectKind> {
    match name {
        "user" => Some(SubjectKind::User),
        "workload" => Some(SubjectKind::Workload),
        _ => None,
    }
}

fn confirmation_named(name: &str) -> Option<Confirmation> {
    match name {
        "none" => Some(Confirmation::None),
        "jkt" => Some(Confirmation::Jkt),
        "x5t#S256" => Some(Confirmation::X5t),
        _ => None,
    }
}
