//! What a judged trace teaches reaches the profile, and the traces whose verdicts lean on what turned.

use std::sync::Arc;

use crate::model::TraceId;

use super::Trail;
use super::profile::{Checked, Fact};
use super::taught::FactSet;

impl Trail {
    /// Replaces what a trace teaches. True where its own verdicts lean on what that turned.
    pub(super) fn replace_facts(&mut self, id: TraceId, set: Option<Arc<FactSet>>, of_tokens: Vec<Fact>) -> bool {
        let set = set.map(|set| self.profile.held_like(set));
        let Some(trace) = self.traces.get_mut(&id) else { return false };
        let same = trace.taught.as_ref().map(Arc::as_ptr) == set.as_ref().map(Arc::as_ptr);
        if same && trace.of_tokens().iter().map(|fact| &**fact).eq(&of_tokens) {
            return false;
        }
        let mut turned: Vec<Arc<Fact>> = Vec::new();
        // What is taught again comes before what is not any more goes: what stays does not turn.
        if !same && let Some(set) = &set {
            self.profile.hold(set, &mut turned);
        }
        let added = of_tokens.into_iter().map(|fact| {
            let (fact, new) = self.profile.add(fact);
            turned.extend(new.then(|| Arc::clone(&fact)));
            fact
        });
        let old = (std::mem::replace(&mut trace.taught, set), trace.replace_of_tokens(added.collect()));
        if !same && let Some(old) = &old.0 {
            self.profile.release(old, &mut turned);
        }
        turned.extend(old.1.into_iter().filter(|fact| self.profile.remove(fact)));
        self.reconsider(id, turned)
    }

    /// Has the traces judged anew that lean on facts that turned. True where this one does itself.
    fn reconsider(&mut self, id: TraceId, turned: Vec<Arc<Fact>>) -> bool {
        let mut reconsider: Vec<TraceId> = Vec::new();
        for fact in turned {
            match &*fact {
                Fact::Refuses(service) | Fact::AsksIssuer(service) => {
                    self.learned.insert(service.clone());
                }
                Fact::Checked(token, Checked::Failed(_)) => {
                    self.failed_checks.insert(token.clone());
                }
                Fact::Accepts(token, ..) => reconsider.extend(self.leaning.of(&Fact::Refused(token.clone()))),
                Fact::Checked(token, Checked::Valid) => {
                    reconsider.extend(self.leaning.of(&Fact::Unchecked(token.clone())));
                }
                other => reconsider.extend(self.leaning.of(other)),
            }
        }
        let itself = reconsider.contains(&id);
        reconsider.into_iter().filter(|trace| *trace != id).for_each(|trace| self.touch_linked(trace));
        itself
    }
}
