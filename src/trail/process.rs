//! What is known of single processes and of what in them makes spans (tagging.md section 3).

use std::sync::Arc;

use crate::model::{Span, SpanId, SpanKind, TraceId};

/// One process, one span kind, one instrumentation scope.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Unit {
    pub(super) instance: Arc<str>,
    pub(super) kind: SpanKind,
    pub(super) scope: Arc<str>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct UnitFacts {
    pub(super) carrier: bool,
    pub(super) traceparent: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct ProcessFacts {
    pub(super) captures: bool,
    pub(super) longest: u32,
    pub(super) longest_count: u32,
    /// The span that showed the longest text last: sent twice, it does not show two.
    pub(super) longest_by: Option<(TraceId, SpanId)>,
    /// Longest captured value of a carrier.
    pub(super) longest_carried: u32,
}

impl ProcessFacts {
    /// Whether captured values stand at a length limit: only then does the limit change a verdict.
    pub(super) fn cuts(self) -> bool {
        self.longest >= CUT_FROM && self.longest_count >= 2 && self.longest == self.longest_carried
    }

    /// Whether a span of a place that was learned leaves these facts as they are, and those that come after them.
    pub(super) fn learns_nothing_of(self, span: &Span) -> bool {
        let shorter = span.longest_text < self.longest;
        let as_long = span.longest_text == self.longest && self.longest_count >= 2;
        (shorter || as_long) && longest_carried(span) <= self.longest_carried
    }
}

/// The shortest attribute length limit that could cut a token (tagging.md section 3).
const CUT_FROM: u32 = 64;

/// Longest captured value. Below the shortest limit the length says nothing, and masked values do not keep it.
pub(super) fn longest_carried(span: &Span) -> u32 {
    let carried = span.carried.iter().map(|carried| carried.captured_length).filter(|length| *length >= CUT_FROM);
    carried.max().unwrap_or(0)
}
