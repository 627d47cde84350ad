//! What a filter may ask for: one table for the parser, its errors, the help and completion.

use crate::model::hop::{Presence, Reason, VerifyResult, VerifySource};
use crate::model::token::ANOMALY_NAMES;
use crate::model::{Cause, Confidence, Finding, Segment, Severity, Verdict};

/// A field's identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each is described in FIELDS, where people read it")]
pub enum Field {
    Name,
    Service,
    Caller,
    Callee,
    Via,
    Language,
    Library,
    Operation,
    Route,
    Method,
    Status,
    Verdict,
    Cause,
    Segment,
    Severity,
    Confidence,
    Finding,
    Is,
    Gap,
    Settled,
    Trace,
    Span,
    Blame,
    Token,
    Inbound,
    Sent,
    Received,
    Carrier,
    Anomaly,
    Issuer,
    Subject,
    Holder,
    Audience,
    Scope,
    Kid,
    Algorithm,
    Type,
    Verified,
    Reason,
    Checker,
    Since,
    Until,
}

/// What the values of a field are, and so how they are written and compared.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text; `*` and `?` are wildcards, and the whole of it must fit.
    Text,
    /// The beginning of an identifier.
    Prefix,
    /// A number, `400..499` or `4xx`; has an order.
    Number,
    /// One of a few names; gives the `n`th of them.
    Choice(fn(usize) -> Option<&'static str>),
    /// One of a few names in their order, least first.
    Ranked(fn(usize) -> Option<&'static str>),
    /// An age (`5m`, `1h30m`) or a time (RFC 3339, or a day).
    Time,
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    /// Which.
    pub field: Field,
    /// How it is written.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// Its values.
    pub kind: Kind,
    /// One line for people.
    pub help: &'static str,
}

impl FieldInfo {
    /// The names that its values may have; nothing where they are no names.
    pub fn choices(&self) -> impl Iterator<Item = &'static str> + use<> {
        let nth = match self.kind {
            Kind::Choice(nth) | Kind::Ranked(nth) => nth,
            _ => |_| None,
        };
        (0..).map_while(nth)
    }

    /// Whether `<` and its like may be asked.
    pub fn ordered(&self) -> bool {
        matches!(self.kind, Kind::Number | Kind::Ranked(_))
    }
}

impl Field {
    /// Whether a token by itself answers for it, whichever hop it was on.
    pub(super) const fn is_of_token(self) -> bool {
        matches!(
            self,
            Self::Token
                | Self::Issuer
                | Self::Subject
                | Self::Holder
                | Self::Audience
                | Self::Scope
                | Self::Kid
                | Self::Algorithm
                | Self::Type
        )
    }

    /// Its row in the table.
    pub fn info(self) -> &'static FieldInfo {
        // The table is in the order of the enum, which a test holds.
        &FIELDS[self as usize]
    }

    /// Reads a name or another name of a field; case does not matter.
    pub fn from_name(name: &str) -> Option<Self> {
        let alike = |known: &str| known.eq_ignore_ascii_case(name);
        FIELDS.iter().find(|row| alike(row.name) || row.aliases.iter().any(|alias| alike(alias))).map(|row| row.field)
    }
}

/// The `n`th of a fixed list.
macro_rules! nth {
    ($($names:literal),+) => { |n| [$($names),+].get(n).copied() };
    ($known:ty) => { |n| <$known>::ALL.get(n).map(|value| value.name()) };
}

/// `is:` names, in their order.
pub(super) const ENTRY: usize = 0;
pub(super) const ACCUSED: usize = 1;
pub(super) const PROBLEM: usize = 2;

/// `yes` and `no`.
pub(super) const YES: usize = 0;
pub(super) const NO: usize = 1;

/// `user` and `workload`.
pub(super) const USER: usize = 0;
pub(super) const WORKLOAD: usize = 1;

const fn row(
    field: Field,
    name: &'static str,
    aliases: &'static [&'static str],
    kind: Kind,
    help: &'static str,
) -> FieldInfo {
    FieldInfo { field, name, aliases, kind, help }
}

/// Every field, in the order of the help.
pub static FIELDS: &[FieldInfo] = &[
    row(Field::Name, "name", &[], Kind::Text, "caller, callee, operation or waypoint: what a bare word searches"),
    row(Field::Service, "service", &["svc"], Kind::Text, "caller or callee"),
    row(Field::Caller, "caller", &["from"], Kind::Text, "who called; none on an entry hop"),
    row(Field::Callee, "callee", &["to"], Kind::Text, "who was called"),
    row(Field::Via, "via", &["waypoint", "through"], Kind::Text, "a proxy or gateway passed on the way"),
    row(Field::Language, "language", &["lang"], Kind::Text, "language of caller's or callee's SDK"),
    row(
        Field::Library,
        "library",
        &["instrumentation"],
        Kind::Text,
        "instrumentation scope of caller's or callee's span",
    ),
    row(Field::Operation, "operation", &["op"], Kind::Text, "what was asked for, in full: \"GET /orders/{id}\""),
    row(Field::Route, "route", &["path"], Kind::Text, "the operation without its HTTP method: /orders/{id}"),
    row(Field::Method, "method", &[], Kind::Text, "HTTP method"),
    row(Field::Status, "status", &["code"], Kind::Number, "HTTP status, else gRPC status: 401, 4xx, 400..499"),
    row(Field::Verdict, "verdict", &[], Kind::Choice(nth!(Verdict)), "what became of the token"),
    row(Field::Cause, "cause", &["why"], Kind::Choice(nth!(Cause)), "why"),
    row(Field::Segment, "segment", &[], Kind::Choice(nth!(Segment)), "where on the hop it happened"),
    row(Field::Severity, "severity", &["sev"], Kind::Ranked(nth!(Severity)), "how bad, findings included"),
    row(Field::Confidence, "confidence", &["conf"], Kind::Ranked(nth!(Confidence)), "how sure"),
    row(Field::Finding, "finding", &["findings"], Kind::Choice(nth!(Finding)), "what the hop shows beside its verdict"),
    row(
        Field::Is,
        "is",
        &[],
        Kind::Choice(nth!("entry", "accused", "problem")),
        "entry (no caller), accused (dropped, changed or failed), problem (accused, or above info)",
    ),
    row(Field::Gap, "gap", &[], Kind::Choice(nth!("yes", "no")), "whether a part of the path was not seen"),
    row(Field::Settled, "settled", &[], Kind::Choice(nth!("yes", "no")), "whether no more spans are expected"),
    row(Field::Trace, "trace", &["trace_id"], Kind::Prefix, "trace id, or its beginning"),
    row(Field::Span, "span", &["span_id"], Kind::Prefix, "id of caller's or callee's span, or its beginning"),
    row(Field::Blame, "blame", &[], Kind::Prefix, "id of the span that broke the token before this hop"),
    row(
        Field::Token,
        "token",
        &["fp", "fingerprint"],
        Kind::Prefix,
        "a token's short name, or beginning of its fingerprint",
    ),
    row(Field::Inbound, "inbound", &[], Kind::Choice(nth!(Presence)), "whether the caller itself received a token"),
    row(Field::Sent, "sent", &[], Kind::Choice(nth!(Presence)), "whether the caller sent one"),
    row(Field::Received, "received", &[], Kind::Choice(nth!(Presence)), "whether the callee received one"),
    row(
        Field::Carrier,
        "carrier",
        &[],
        Kind::Text,
        "what the token travelled in: header:authorization, or authorization",
    ),
    row(
        Field::Anomaly,
        "anomaly",
        &[],
        Kind::Choice(|n| ANOMALY_NAMES.get(n).map(|(_, name)| *name)),
        "how the value strays from `Scheme token`",
    ),
    row(Field::Issuer, "issuer", &["iss"], Kind::Text, "`iss` of a token of the hop"),
    row(Field::Subject, "subject", &["sub"], Kind::Prefix, "hash of the subject, or its beginning"),
    row(Field::Holder, "holder", &[], Kind::Choice(nth!("user", "workload")), "whom a token speaks for"),
    row(Field::Audience, "aud", &["audience"], Kind::Text, "one of the audiences of a token"),
    row(Field::Scope, "scope", &["scp"], Kind::Text, "one of the scopes of a token"),
    row(Field::Kid, "kid", &["key"], Kind::Text, "key id of a token"),
    row(Field::Algorithm, "alg", &["algorithm"], Kind::Text, "`alg` of a token"),
    row(Field::Type, "typ", &["type"], Kind::Text, "`typ` of a token"),
    row(
        Field::Verified,
        "verified",
        &["verification"],
        Kind::Choice(nth!(VerifyResult)),
        "what the callee's own check said",
    ),
    row(Field::Reason, "reason", &[], Kind::Choice(nth!(Reason)), "why the callee refused the token"),
    row(Field::Checker, "checker", &["source"], Kind::Choice(nth!(VerifySource)), "who says so"),
    row(Field::Since, "since", &["after"], Kind::Time, "started then or later: an age (5m, 1h30m) or a time"),
    row(Field::Until, "until", &["before"], Kind::Time, "started then or earlier"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_in_order_and_no_name_stands_twice() {
        let mut names = HashSet::new();
        for (index, row) in FIELDS.iter().enumerate() {
            assert_eq!(row.field as usize, index, "{}", row.name);
            for name in row.aliases.iter().chain([&row.name]) {
                assert!(names.insert(*name), "{name}");
                assert_eq!(Field::from_name(&name.to_uppercase()), Some(row.field));
            }
        }
        assert_eq!(FIELDS.len(), Field::Until as usize + 1);
    }
}
