//! Which traces are broken, and where: drawn by a seed, so that a run can be had again.

use crate::template::{Fault, Plan};

/// Traces among which broken ones are drawn, at the least.
const DRAWN: usize = 1_000;

/// Different requests that it takes for that.
pub(crate) fn variants(plan: &Plan) -> usize {
    DRAWN.div_ceil(plan.traces())
}

pub(crate) struct Faults {
    traces: Vec<Option<Fault>>,
    per_request: usize,
}

impl Faults {
    /// As near to this share as whole traces come, and one at the least where the share is not 0.
    pub(crate) fn new(plan: &Plan, share: f64, seed: u64) -> Self {
        let all = plan.traces() * plan.requests();
        let mut traces = vec![None; all];
        if share > 0.0 {
            #[expect(clippy::cast_sign_loss, reason = "neither is negative")]
            let count = ((all as f64 * share).round() as usize).clamp(1, all);
            let mut random = fastrand::Rng::with_seed(seed);
            for number in random.choose_multiple(0..all, count) {
                let at = random.usize(1..4);
                let fault = if random.bool() { Fault::Dropped(at) } else { Fault::Changed(at) };
                traces.splice(number..=number, [Some(fault)]);
            }
        }
        Self { traces, per_request: plan.traces() }
    }

    pub(crate) fn of(&self, trace: usize) -> Option<Fault> {
        self.traces.get(trace).copied().flatten()
    }

    /// Broken traces in the first so many requests: with a token dropped, with a token changed.
    pub(crate) fn counts(&self, requests: u64) -> (u64, u64) {
        let count = |traces: &[Option<Fault>]| {
            let dropped = traces.iter().flatten().filter(|fault| matches!(fault, Fault::Dropped(_))).count() as u64;
            (dropped, traces.iter().flatten().count() as u64 - dropped)
        };
        let variants = (self.traces.len() / self.per_request.max(1)).max(1) as u64;
        let rest = usize::try_from(requests % variants).unwrap_or_default() * self.per_request;
        let (all, rest) = (count(&self.traces), count(self.traces.get(..rest).unwrap_or_default()));
        let rounds = requests / variants;
        (all.0 * rounds + rest.0, all.1 * rounds + rest.1)
    }
}
