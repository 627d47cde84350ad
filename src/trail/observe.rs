//! What one span says of a token: present, absent or not known, and on which ground (tagging.md section 3).

use crate::model::{Anomaly, Carried, CarriedValue, Cause, Confidence, Presence, Span, SpanId, Token, TokenFormat};

use super::profile::Profile;
use super::rules::Rules;

/// The answer of one observation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// At least one token, maybe hidden.
    Token,
    /// `undefined` or the like, and no token.
    Placeholder,
    /// No token.
    Absent,
    /// Not known.
    Unknown,
    /// There is no such observation.
    None,
}

/// Why the answer is what it is.
#[derive(Clone, PartialEq, Debug)]
pub enum Ground {
    /// A carrier's value.
    Carrier,
    /// `jwtrail.token.presence`.
    Tag,
    /// The carrier was captured, and it is empty.
    EmptyCarrier,
    /// `traceparent` was captured on the span and no carrier was.
    Witness,
    /// `user-agent` or `host` was captured on the span and no carrier was.
    OtherHeader,
    /// This unit captured a carrier on other spans.
    UnitCaptures,
    /// Another credential instead.
    OtherCredential(std::sync::Arc<str>),
    /// The callee's refusal says that there was none.
    RefusalSaysNone,
    /// The callee's refusal says that there was one.
    RefusalSaysSome,
    /// The user says that what is not seen was captured.
    Assumed,
    /// Nobody captured the header.
    NotCaptured,
    /// A length limit cut the captured value.
    Cut,
    /// A proxy on the way saw it.
    Waypoint(std::sync::Arc<str>),
    /// Known from the hop above, through a service that shows nothing.
    Bridge,
    /// The service consumes messages: which one led to this call is not known.
    Consumer,
    /// The span that received the request never arrived.
    MissingSpan,
    /// This side has no span.
    NoSpan,
    /// No request came in: the call starts here.
    NoRequest,
    /// A shared call span speaks only for its first callee.
    SharedCall,
}

/// One token seen, with the span that shows it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The carrier and what it held.
    pub carried: &'a Carried,
    /// The token.
    pub token: &'a std::sync::Arc<Token>,
    /// The span that shows it: others may share what they carry.
    pub span: &'a Span,
}

impl Seen<'_> {
    /// Whether both are one: the same value in the same span.
    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.carried, other.carried) && std::ptr::eq(self.span, other.span)
    }
}

/// One observation.
#[derive(Clone, Debug)]
pub struct Observed<'a> {
    /// The answer.
    pub what: What,
    /// Tokens that can be compared.
    pub tokens: Vec<Seen<'a>>,
    /// There is one that cannot be compared, and why.
    pub hidden: Option<Cause>,
    /// The placeholder's carrier.
    pub placeholder: Option<&'a Carried>,
    /// How sure.
    pub confidence: Confidence,
    /// The ground.
    pub ground: Ground,
    /// Absent only if the other side of the hop is, too.
    pub conditional: bool,
    /// The span that says so.
    pub span_id: Option<SpanId>,
}

impl Observed<'_> {
    /// An answer without tokens.
    pub fn bare(what: What, confidence: Confidence, ground: Ground, span_id: Option<SpanId>) -> Self {
        Self {
            what,
            tokens: Vec::new(),
            hidden: None,
            placeholder: None,
            confidence,
            ground,
            conditional: false,
            span_id,
        }
    }

    /// Not known, for want of a span.
    pub fn unknown(ground: Ground) -> Self {
        Self::bare(What::Unknown, Confidence::Possible, ground, None)
    }

    /// Whether the answer is known.
    pub fn known(&self) -> bool {
        !matches!(self.what, What::Unknown)
    }

    /// Whether there is a token.
    pub fn has_token(&self) -> bool {
        self.what == What::Token
    }

    /// Whether it is seen or proven that there is none; a placeholder is none.
    pub fn none_there(&self) -> bool {
        matches!(self.what, What::Absent | What::Placeholder | What::None)
    }

    /// What reports print.
    pub fn presence(&self) -> Presence {
        match self.what {
            What::Token if self.tokens.is_empty() => Presence::Redacted,
            What::Token | What::Placeholder => Presence::Present,
            What::Absent => Presence::Absent,
            What::Unknown => Presence::Unknown,
            What::None => Presence::None,
        }
    }

    /// Takes another observation's tokens in as well: an inbound side is the set over all spans that led here.
    pub fn join(&mut self, other: Self) {
        if other.has_token() {
            if self.has_token() {
                self.tokens.extend(other.tokens);
                self.hidden = self.hidden.or(other.hidden);
            } else {
                *self = other;
            }
        } else if !self.known() && other.known() {
            *self = other;
        }
    }
}

/// Reads one span.
pub fn observe<'a>(span: &'a Span, profile: &Profile, rules: &Rules) -> Observed<'a> {
    let mut seen = Observed::bare(What::Token, Confidence::Proven, Ground::Carrier, Some(span.span_id));
    let (mut empty, mut other) = (false, None);
    for carried in &span.carried {
        match &carried.value {
            CarriedValue::Token(token) => {
                if cut(span, carried, token, profile) {
                    seen.hidden = Some(Cause::CaptureCut);
                    seen.ground = Ground::Cut;
                } else {
                    seen.tokens.push(Seen { carried, token, span });
                }
            }
            CarriedValue::Redacted => seen.hidden = seen.hidden.or(Some(Cause::Redacted)),
            CarriedValue::Placeholder => seen.placeholder = seen.placeholder.or(Some(carried)),
            CarriedValue::OtherCredential(scheme) => other = Some(scheme),
            CarriedValue::Empty => empty = true,
        }
    }
    if !seen.tokens.is_empty() || seen.hidden.is_some() {
        return seen;
    }
    if seen.placeholder.is_some() {
        seen.what = What::Placeholder;
        return seen;
    }
    absence(span, profile, rules, empty, other)
}

fn absence<'a>(
    span: &'a Span,
    profile: &Profile,
    rules: &Rules,
    empty: bool,
    other: Option<&std::sync::Arc<str>>,
) -> Observed<'a> {
    let answer = |what, confidence, ground| Observed::bare(what, confidence, ground, Some(span.span_id));
    if span.tags().is_some_and(|tags| tags.absent) {
        return answer(What::Absent, Confidence::Proven, Ground::Tag);
    }
    if let Some(scheme) = other {
        return answer(What::Absent, Confidence::Likely, Ground::OtherCredential(scheme.clone()));
    }
    if empty {
        return answer(What::Absent, Confidence::Proven, Ground::EmptyCarrier);
    }
    if span.captured.traceparent {
        return answer(What::Absent, Confidence::Proven, Ground::Witness);
    }
    if has_status(span) && profile.unit_captures_carrier(span) {
        return answer(What::Absent, Confidence::Likely, Ground::UnitCaptures);
    }
    if span.captured.user_agent_or_host && profile.process_captures(span) {
        let mut absent = answer(What::Absent, Confidence::Likely, Ground::OtherHeader);
        absent.conditional = !profile.unit_captures(span);
        return absent;
    }
    if rules.assumes_captured(span) {
        return answer(What::Absent, Confidence::Likely, Ground::Assumed);
    }
    answer(What::Unknown, Confidence::Possible, Ground::NotCaptured)
}

fn has_status(span: &Span) -> bool {
    span.http_status.is_some() || span.grpc_status.is_some()
}

/// A token at the length limit that does not look whole was cut by the exporter, not by a service.
fn cut(span: &Span, carried: &Carried, token: &Token, profile: &Profile) -> bool {
    let whole = token.format == Some(TokenFormat::Jws) && !carried.anomalies.contains(Anomaly::MaybeTruncated)
        || token.format == Some(TokenFormat::Jwe) && token.parts == Some(5);
    !whole && profile.at_length_limit(span, carried)
}
