//! The rows that sum hops up answer with what they show. What they do not show they cannot deny: [`Truth::Maybe`].

use super::facts::{Fact, Facts, Test, Truth, of_token, texts};
use super::field::{ACCUSED, ENTRY, Field, PROBLEM};
use crate::model::{Severity, Token, UnixNanos, Verdict};
use crate::trail::summary::{EdgeRow, ProblemRow, ServiceRow};

/// Hops of a row have these values, each at least one of them.
fn spread<'a>(values: impl IntoIterator<Item = Fact<'a>>, test: &mut Test<'_>) -> Truth {
    let (mut some, mut all) = (false, true);
    for value in values {
        let passes = test(value);
        some |= passes;
        all &= passes;
    }
    match (some, all) {
        (false, _) => Truth::No,
        (true, true) => Truth::Yes,
        (true, false) => Truth::Maybe,
    }
}

/// Between these two.
fn times(first: UnixNanos, last: UnixNanos, test: &mut Test<'_>) -> Truth {
    spread([Fact::Time(first), Fact::Time(last)], test)
}

fn nth(value: Option<usize>, test: &mut Test<'_>) -> Truth {
    Truth::from(value.is_some_and(|n| test(Fact::Nth(n))))
}

fn edge(caller: Option<&str>, callee: &str, field: Field, test: &mut Test<'_>) -> Truth {
    Truth::from(match field {
        Field::Caller => texts(caller, test),
        Field::Callee => texts([callee], test),
        _ => texts(caller.into_iter().chain([callee]), test),
    })
}

/// Names, verdict counts, worst severity, newest hop and waypoints.
impl Facts for EdgeRow {
    fn ask(&self, field: Field, test: &mut dyn FnMut(Fact<'_>) -> bool) -> Truth {
        let counts = || Verdict::ALL.iter().filter(|verdict| self.verdicts[**verdict as usize] > 0);
        match field {
            Field::Service | Field::Caller | Field::Callee => edge(self.caller.as_deref(), &self.callee, field, test),
            Field::Name => {
                let via = self.waypoints.iter().map(|name| &**name);
                Truth::from(texts(self.caller.as_deref().into_iter().chain([&*self.callee]).chain(via), test))
            }
            // Hops may have passed another way.
            Field::Via if self.waypoints.is_empty() => Truth::No,
            Field::Via => spread(self.waypoints.iter().map(|name| Fact::Text(name)), test).min(Truth::Maybe),
            Field::Verdict => spread(counts().map(|verdict| Fact::Nth(*verdict as usize)), test),
            Field::Severity => nth(Some(self.severity as usize), test),
            Field::Is => {
                let entry = self.caller.is_none() && test(Fact::Nth(ENTRY));
                let accused = counts().any(|verdict| verdict.accuses());
                let accused_hops = accused && test(Fact::Nth(ACCUSED));
                let problems = (accused || self.severity > Severity::Info) && test(Fact::Nth(PROBLEM));
                if entry {
                    Truth::Yes
                } else if accused_hops || problems {
                    Truth::Maybe
                } else {
                    Truth::No
                }
            }
            Field::Since | Field::Until => times(UnixNanos(0), self.last_seen, test),
            _ => Truth::Maybe,
        }
    }
}

/// Its columns, which are those of the hops that it counts, and the traces that it names.
impl Facts for ProblemRow {
    fn ask(&self, field: Field, test: &mut dyn FnMut(Fact<'_>) -> bool) -> Truth {
        match field {
            Field::Service | Field::Caller | Field::Callee | Field::Name => {
                edge(self.caller.as_deref(), &self.callee, field, test)
            }
            Field::Verdict => nth(self.verdict.map(|verdict| verdict as usize), test),
            Field::Cause => nth(self.cause.map(|cause| cause as usize), test),
            Field::Finding => nth(self.finding.map(|finding| finding as usize), test),
            Field::Segment => nth(self.segment.map(|segment| segment as usize), test),
            Field::Severity => nth(Some(self.severity as usize), test),
            Field::Confidence => nth(Some(self.confidence as usize), test),
            Field::Is => {
                let all = [
                    (ENTRY, self.caller.is_none()),
                    (ACCUSED, self.verdict.is_some_and(Verdict::accuses)),
                    (PROBLEM, true),
                ];
                Truth::from(all.into_iter().any(|(n, holds)| holds && test(Fact::Nth(n))))
            }
            Field::Trace => {
                let named: Vec<String> = self.traces.iter().map(ToString::to_string).collect();
                Truth::from(texts(named.iter().map(String::as_str), test))
            }
            Field::Since | Field::Until => times(self.first_seen, self.last_seen, test),
            _ => Truth::Maybe,
        }
    }
}

/// Its name and language. It may be caller or callee of any hop, so neither can be denied.
impl Facts for ServiceRow {
    fn ask(&self, field: Field, test: &mut dyn FnMut(Fact<'_>) -> bool) -> Truth {
        match field {
            Field::Service | Field::Name => Truth::from(texts([&*self.name], test)),
            Field::Language => Truth::from(texts([&*self.language], test)),
            _ => Truth::Maybe,
        }
    }
}

/// A token over all of its hops, with the services that saw it.
#[derive(Clone, Copy, Debug)]
pub struct SeenToken<'a> {
    /// The token.
    pub token: &'a Token,
    /// Services as shown.
    pub services: &'a [&'a str],
}

/// Its claims and its services. What became of it differs from hop to hop and cannot be denied.
impl Facts for SeenToken<'_> {
    fn ask(&self, field: Field, test: &mut dyn FnMut(Fact<'_>) -> bool) -> Truth {
        match field {
            field if field.is_of_token() => Truth::from(of_token(self.token, field, test)),
            // A hop has two ends; the other one may not have shown the token.
            Field::Service | Field::Caller | Field::Callee | Field::Name => {
                Truth::from(texts(self.services.iter().copied(), test)).min(Truth::Maybe)
            }
            _ => Truth::Maybe,
        }
    }
}
