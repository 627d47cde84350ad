//! What the user says of an edge or a problem, on its way into the policy.

use super::{Subject, nothing};
use crate::model::Hop;
use crate::trail::summary::ProblemRow;
use crate::tui::effect::{Effect, PolicyEdit, Request};
use crate::tui::graph::OUTSIDE;
use crate::tui::menu::{Choice, Item, Menu};
use crate::tui::message::Action;
use crate::tui::prompt::{Prompt, Purpose};
use crate::tui::state::State;

/// Opens the menu of what can be said.
pub(super) fn choose(state: &mut State) {
    let subject = Subject::of(state);
    let Some(hop) = subject.hop else {
        return nothing(state, "select an edge or a problem: the policy speaks of edges");
    };
    let (from, to) = ends(hop);
    let edit = |edit| Choice::Effect(Box::new(Effect::Host(Request::Policy(edit))));
    let mut items = vec![
        Item {
            key: 'o',
            text: format!("optional: no token need go from {from} to {to}"),
            choice: edit(PolicyEdit::Optional { from: from.clone(), to: to.clone() }),
        },
        Item {
            key: 'x',
            text: format!("exchange: {from} gets another token for {to} on purpose"),
            choice: edit(PolicyEdit::Exchange { from, to }),
        },
    ];
    if let Some((_, what)) = ignorable(hop, subject.problem) {
        let text = format!("ignore: {} is known here, with a reason", what.replace('_', " "));
        items.push(Item { key: 'i', text, choice: Choice::Act(Action::Ignore) });
    }
    state.menu = Some(Menu::new("Policy", items));
}

/// Asks for the reason to ignore a problem.
pub(super) fn ignore(state: &mut State) {
    let subject = Subject::of(state);
    let Some((hop, (kind, what))) = subject.hop.and_then(|hop| Some((hop, ignorable(hop, subject.problem)?))) else {
        return nothing(state, "select a problem to ignore it");
    };
    let (from, to) = ends(hop);
    let edit = PolicyEdit::Ignore { from, to, kind, what: what.to_owned(), reason: String::new() };
    state.prompt = Some(Prompt::new(Purpose::Reason(edit), String::new()));
}

/// Caller and callee as the policy calls them.
fn ends(hop: &Hop) -> (String, String) {
    let from = hop.caller.as_ref().map_or(OUTSIDE, |party| &party.service);
    (from.to_owned(), hop.callee.service.to_string())
}

/// What there is to ignore: the finding or the accused verdict, else the worst finding of the hop.
fn ignorable(hop: &Hop, problem: Option<&ProblemRow>) -> Option<(&'static str, &'static str)> {
    match problem {
        Some(ProblemRow { finding: Some(finding), .. }) => Some(("finding", finding.name())),
        Some(ProblemRow { verdict: Some(verdict), .. }) => Some(("verdict", verdict.name())),
        _ if hop.verdict.accuses() => Some(("verdict", hop.verdict.name())),
        _ => {
            let worst = hop.findings.iter().max_by_key(|hit| hit.severity)?;
            Some(("finding", worst.finding.name()))
        }
    }
}
