//! The table of verdicts.md section 3: three observations in, one ruling out. First match wins.

use crate::model::{Cause, Confidence, Segment, Verdict};

use super::compare::{Change, Relation, relate};
use super::observe::{Observed, What};

/// What the table says of a hop.
#[derive(Clone, Debug)]
pub struct Ruling<'a> {
    /// Verdict.
    pub verdict: Verdict,
    /// Cause.
    pub cause: Option<Cause>,
    /// Segment.
    pub segment: Option<Segment>,
    /// The weakest ground that it stands on.
    pub confidence: Confidence,
    /// What changed into what, for `changed`.
    pub change: Option<Change<'a>>,
    /// A placeholder where there was no token to lose.
    pub anomaly: bool,
}

impl<'a> Ruling<'a> {
    /// A ruling without segment or change.
    pub fn new(verdict: Verdict, cause: Option<Cause>, confidence: Confidence) -> Self {
        Self { verdict, cause, segment: None, confidence, change: None, anomaly: false }
    }

    fn dropped(cause: Cause, segment: Segment, confidence: Confidence) -> Self {
        Self { segment: Some(segment), ..Self::new(Verdict::Dropped, Some(cause), confidence) }
    }

    fn changed(change: Change<'a>, segment: Segment, confidence: Confidence) -> Self {
        let cause = Some(change.cause);
        Self { segment: Some(segment), change: Some(change), ..Self::new(Verdict::Changed, cause, confidence) }
    }

    fn unknown(cause: Cause) -> Self {
        Self::new(Verdict::Unknown, Some(cause), Confidence::Possible)
    }
}

/// Rules on a hop whose callee reported.
pub fn rule<'a>(inbound: &Observed<'a>, sent: &Observed<'a>, received: &Observed<'a>) -> Ruling<'a> {
    match inbound.what {
        What::Token => had_one(inbound, sent, received),
        What::Absent | What::Placeholder | What::None => had_none(sent, received),
        What::Unknown => had_unknown(inbound, sent, received),
    }
}

/// Why nothing can be said: what hides a token before what nobody captured.
fn why_unknown(sides: &[&Observed<'_>]) -> Cause {
    sides.iter().find_map(|side| side.hidden).unwrap_or(Cause::NotCaptured)
}

fn had_one<'a>(inbound: &Observed<'a>, sent: &Observed<'a>, received: &Observed<'a>) -> Ruling<'a> {
    match sent.what {
        What::Absent | What::Unknown | What::None => sent_none_or_unknown(inbound, sent, received),
        What::Token | What::Placeholder => match relate(inbound, sent) {
            Relation::Same => passed_on(sent, received, Verdict::Intact, None),
            Relation::Other(change) => Ruling::changed(change, Segment::Relay, Confidence::Proven),
            Relation::Incomparable(cause) => sent_hidden(inbound, sent, received, cause),
        },
    }
}

fn sent_none_or_unknown<'a>(inbound: &Observed<'a>, sent: &Observed<'a>, received: &Observed<'a>) -> Ruling<'a> {
    let sent_none = sent.what != What::Unknown;
    match received.what {
        What::Token | What::Placeholder => match relate(inbound, received) {
            Relation::Same => Ruling::new(Verdict::Intact, None, Confidence::Likely),
            Relation::Other(change) => Ruling::changed(change, Segment::Unknown, Confidence::Proven),
            Relation::Incomparable(cause) => Ruling::unknown(cause),
        },
        What::Absent | What::None if sent_none => {
            Ruling::dropped(Cause::NotSent, Segment::Relay, sent.confidence.min(received.confidence))
        }
        // Not knowing what was sent never makes a drop surer than seeing that it was not.
        What::Absent | What::None => {
            Ruling::dropped(Cause::Lost, Segment::Unknown, received.confidence.min(Confidence::Likely))
        }
        What::Unknown if sent_none => {
            Ruling::dropped(Cause::NotSent, Segment::Relay, sent.confidence.min(Confidence::Likely))
        }
        What::Unknown => Ruling::unknown(why_unknown(&[sent, received])),
    }
}

/// What was sent is there but cannot be compared with what came in: its presence still counts.
fn sent_hidden<'a>(inbound: &Observed<'a>, sent: &Observed<'a>, received: &Observed<'a>, cause: Cause) -> Ruling<'a> {
    match received.what {
        What::Absent => Ruling::dropped(Cause::Stripped, Segment::Transit, received.confidence),
        What::Token | What::Placeholder => match relate(inbound, received) {
            Relation::Same => Ruling::new(Verdict::Intact, None, Confidence::Likely),
            Relation::Other(change) => Ruling::changed(change, Segment::Unknown, Confidence::Proven),
            Relation::Incomparable(_) => had_unknown(inbound, sent, received),
        },
        What::Unknown | What::None => Ruling::unknown(cause),
    }
}

/// The token left the caller; what became of it in transit?
fn passed_on<'a>(sent: &Observed<'a>, received: &Observed<'a>, verdict: Verdict, cause: Option<Cause>) -> Ruling<'a> {
    match received.what {
        What::Absent => Ruling::dropped(Cause::Stripped, Segment::Transit, received.confidence),
        What::Token | What::Placeholder => match relate(sent, received) {
            Relation::Same => Ruling::new(verdict, cause, Confidence::Proven),
            Relation::Other(change) => Ruling::changed(change, Segment::Transit, Confidence::Proven),
            Relation::Incomparable(_) => Ruling::new(verdict, cause, Confidence::Likely),
        },
        What::Unknown | What::None => Ruling::new(verdict, cause, Confidence::Likely),
    }
}

fn had_none<'a>(sent: &Observed<'a>, received: &Observed<'a>) -> Ruling<'a> {
    let absent = |confidence| Ruling::new(Verdict::Absent, Some(Cause::Anonymous), confidence);
    match (sent.what, received.what) {
        (What::Token, _) => passed_on(sent, received, Verdict::Originated, Some(Cause::Minted)),
        (What::Absent | What::None | What::Placeholder, What::Token) => {
            Ruling::new(Verdict::Originated, Some(Cause::Injected), Confidence::Likely)
        }
        (What::Unknown, What::Token) => Ruling::new(Verdict::Originated, Some(Cause::Minted), Confidence::Likely),
        (What::Placeholder, _) | (_, What::Placeholder) => Ruling { anomaly: true, ..absent(Confidence::Proven) },
        (_, What::Absent | What::None) => absent(received.confidence),
        (What::Absent | What::None, What::Unknown) => absent(sent.confidence),
        (What::Unknown, What::Unknown) => Ruling::unknown(why_unknown(&[sent, received])),
    }
}

fn had_unknown<'a>(inbound: &Observed<'a>, sent: &Observed<'a>, received: &Observed<'a>) -> Ruling<'a> {
    match (sent.what, received.what) {
        (What::Token, What::Absent) => Ruling::dropped(Cause::Stripped, Segment::Transit, received.confidence),
        (What::Token, What::Token | What::Placeholder) => match relate(sent, received) {
            Relation::Same => Ruling::new(Verdict::Intact, None, Confidence::Proven),
            Relation::Other(change) => Ruling::changed(change, Segment::Transit, Confidence::Proven),
            Relation::Incomparable(cause) => Ruling::unknown(cause),
        },
        (What::Placeholder, _) | (_, What::Placeholder) => {
            Ruling { anomaly: true, ..Ruling::new(Verdict::Absent, Some(Cause::Anonymous), Confidence::Possible) }
        }
        _ => Ruling::unknown(why_unknown(&[inbound, sent, received])),
    }
}
