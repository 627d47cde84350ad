//! What is kept of a judged hop answers all that it can before the hop is judged again. What only the spans of its trace
//! can show is denied where none of them shows it, and left open where one does.

use super::facts::{Fact, Facts, Test, Truth, of_token, request, texts};
use super::field::{ACCUSED, ENTRY, Field, PROBLEM};
use crate::model::{Severity, Span};
use crate::trail::held::HopSketch;

impl Facts for HopSketch<'_> {
    fn ask(&self, field: Field, test: &mut dyn FnMut(Fact<'_>) -> bool) -> Truth {
        let mut nth = |value: Option<usize>| Truth::from(value.is_some_and(|n| test(Fact::Nth(n))));
        match field {
            Field::Verdict => nth(Some(self.verdict as usize)),
            Field::Cause => nth(self.cause.map(|cause| cause as usize)),
            Field::Segment => nth(self.segment.map(|segment| segment as usize)),
            Field::Severity => nth(Some(self.severity as usize)),
            Field::Confidence => nth(Some(self.confidence as usize)),
            Field::Finding => Truth::from(self.findings.iter().any(|(found, _)| test(Fact::Nth(*found as usize)))),
            Field::Trace => Truth::from(test(Fact::Text(&self.held.id.to_string()))),
            Field::Since | Field::Until => Truth::from(test(Fact::Time(self.start))),
            _ => match (self.edge, field) {
                (Some(edge), Field::Caller | Field::Callee | Field::Service | Field::Name | Field::Is) => {
                    self.place(edge, field, test)
                }
                _ => self.in_its_trace(field, test),
            },
        }
    }
}

impl HopSketch<'_> {
    fn place(&self, (caller, callee): (Option<&str>, &str), field: Field, test: &mut Test<'_>) -> Truth {
        match field {
            Field::Caller => Truth::from(texts(caller, test)),
            Field::Callee => Truth::from(texts([callee], test)),
            Field::Is => {
                let accused = self.verdict.accuses();
                let problem = accused || self.severity > Severity::Info;
                let all = [(ENTRY, caller.is_none()), (ACCUSED, accused), (PROBLEM, problem)];
                Truth::from(all.into_iter().any(|(n, holds)| holds && test(Fact::Nth(n))))
            }
            _ if texts(caller.into_iter().chain([callee]), test) => Truth::Yes,
            Field::Name => self.in_its_trace(field, test),
            _ => Truth::No,
        }
    }

    /// Nothing that the spans do not show can be on a hop of theirs, unless another trace's span is part of it.
    fn in_its_trace(&self, field: Field, test: &mut Test<'_>) -> Truth {
        if !self.held.stands_alone() {
            return Truth::Maybe;
        }
        let mut spans = self.held.spans();
        let may = match field {
            Field::Name => spans.any(|span| self.names(span, test)),
            Field::Operation | Field::Route | Field::Method => spans.any(|span| {
                let operation = span.operation();
                let (method, route) = request(&operation);
                match field {
                    Field::Operation => texts([operation.as_str()], test),
                    Field::Route => texts([route], test),
                    _ => texts(method, test),
                }
            }),
            Field::Language => spans.any(|span| texts([&*span.resource.language], test)),
            Field::Library => spans.any(|span| texts([&*span.scope], test)),
            Field::Via => spans.any(|span| texts([&*self.held.shown(&span.resource.service)], test)),
            Field::Status => {
                let status = |span: &Span| [span.http_status, span.grpc_status];
                spans.any(|span| status(span).into_iter().flatten().any(|status| test(Fact::Number(status))))
            }
            field if field.is_of_token() => self.held.tokens().any(|token| of_token(token, field, test)),
            _ => true,
        };
        if may { Truth::Maybe } else { Truth::No }
    }

    /// Whether a hop of this span may bear such a name.
    fn names(&self, span: &Span, test: &mut Test<'_>) -> bool {
        let service = self.held.shown(&span.resource.service);
        texts([&*service], test) || texts([span.operation().as_str()], test)
    }
}
