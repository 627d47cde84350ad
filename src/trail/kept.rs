//! What a hop adds to the sums as it is kept beside its trace: in sixteen bytes, for there is one for every hop held.

use crate::model::{Cause, Confidence, Segment, Severity, Span, UnixNanos, Verdict};

use super::aggregate::{Contribution, Found, MAX_EDGES};

/// The place of a span that is not among those of the trace.
pub const NOWHERE: u32 = u32::MAX;

/// A [`Contribution`] without its findings: hardly any hop has one, and they stand elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept {
    start: UnixNanos,
    /// Which of the trace's spans names the hop.
    place: u32,
    edge: u16,
    /// From the lowest bit: verdict 3, segment 2, severity 3, confidence 2, cause 6; zero is no segment, and no cause.
    marks: u16,
}

const _: () = assert!(size_of::<Kept>() == 16);
const _: () = assert!(MAX_EDGES < u16::MAX as usize);
const _: () = assert!(Verdict::ALL.len() <= 1 << 3 && Segment::ALL.len() < 1 << 2 && Severity::ALL.len() <= 1 << 3);
const _: () = assert!(Confidence::ALL.len() <= 1 << 2 && Cause::ALL.len() < 1 << 6);

impl Kept {
    /// What is kept of a contribution.
    pub fn new(c: &Contribution) -> Self {
        let segment = c.segment.map_or(0, |segment| segment as u16 + 1);
        let cause = c.cause.map_or(0, |cause| cause as u16 + 1);
        let marks = c.verdict as u16 | segment << 3 | (c.severity as u16) << 5 | (c.confidence as u16) << 8;
        Self { start: c.start, place: c.place, edge: c.edge as u16, marks: marks | cause << 10 }
    }

    /// The contribution whole again.
    pub fn unpack(self, spans: &[Span], findings: Found) -> Contribution {
        Contribution {
            start: self.start,
            key: spans.get(self.place as usize).map(|span| span.span_id).unwrap_or_default(),
            place: self.place,
            findings,
            edge: u32::from(self.edge),
            verdict: self.verdict(),
            cause: self.cause(),
            segment: self.segment(),
            severity: self.severity(),
            confidence: self.confidence(),
        }
    }

    /// Start of the hop.
    pub fn start(self) -> UnixNanos {
        self.start
    }

    /// The place of its edge among all.
    pub fn edge(self) -> usize {
        usize::from(self.edge)
    }

    /// Which of the trace's spans names the hop.
    pub fn place(self) -> usize {
        self.place as usize
    }

    /// The same, replaced: spans have moved.
    pub fn move_to(&mut self, place: Option<usize>) {
        self.place = place.map_or(NOWHERE, |place| place as u32);
    }

    /// Verdict.
    pub fn verdict(self) -> Verdict {
        Verdict::ALL[usize::from(self.marks & 7)]
    }

    /// Segment.
    pub fn segment(self) -> Option<Segment> {
        usize::from(self.marks >> 3 & 3).checked_sub(1).and_then(|at| Segment::ALL.get(at).copied())
    }

    /// Severity of the verdict.
    pub fn severity(self) -> Severity {
        Severity::ALL[usize::from(self.marks >> 5 & 7)]
    }

    /// Confidence.
    pub fn confidence(self) -> Confidence {
        Confidence::ALL[usize::from(self.marks >> 8 & 3)]
    }

    /// Cause.
    pub fn cause(self) -> Option<Cause> {
        usize::from(self.marks >> 10).checked_sub(1).and_then(|at| Cause::ALL.get(at).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SpanId;

    #[test]
    fn every_mark_comes_back() {
        for at in 0..Cause::ALL.len() {
            let c = Contribution {
                start: UnixNanos(at as u64),
                key: SpanId::default(),
                place: NOWHERE,
                findings: Found::default(),
                edge: (MAX_EDGES - at) as u32,
                verdict: Verdict::ALL[at % Verdict::ALL.len()],
                cause: Cause::ALL.get(at.wrapping_sub(1)).copied(),
                segment: Segment::ALL.get(at % 4).copied(),
                severity: Severity::ALL[at % 5],
                confidence: Confidence::ALL[at % 3],
            };
            assert_eq!(Kept::new(&c).unpack(&[], Found::default()), c);
        }
    }
}
