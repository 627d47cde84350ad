//! The nine faults of the shop: a switch for each, and what jwtrail is expected to say of it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::{Cause, Finding, Severity, Verdict};

/// What one fault looks like once judged. Nothing else in the shop may be accused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expectation {
    /// The fault's key.
    pub key: char,
    /// What happens, one sentence for people.
    pub about: &'static str,
    /// Calling service of the hop that breaks the token.
    pub caller: &'static str,
    /// Called service of that hop.
    pub callee: &'static str,
    /// The verdict of that hop.
    pub verdict: Verdict,
    /// Its cause; `None` where the verdict has none (`intact`).
    pub cause: Option<Cause>,
    /// Severity of the verdict.
    pub severity: Severity,
    /// Findings that may stand beside the verdict on that hop; where it accuses nobody, they are the fault.
    pub findings: &'static [Finding],
}

struct Fault {
    label: &'static str,
    expected: Expectation,
}

const fn fault(
    key: char,
    (caller, callee): (&'static str, &'static str),
    (label, about): (&'static str, &'static str),
    (verdict, cause, severity): (Verdict, Option<Cause>, Severity),
    findings: &'static [Finding],
) -> Fault {
    Fault { label, expected: Expectation { key, about, caller, callee, verdict, cause, severity, findings } }
}

/// Each fault has an edge of its own, so that two of them never blur into one accusation.
const FAULTS: [Fault; 9] = [
    fault(
        '1',
        ("orders", "shipping"),
        ("dropped", "orders forgets the header on its call to shipping, not on the one to payment"),
        (Verdict::Dropped, Some(Cause::NotSent), Severity::High),
        &[],
    ),
    fault(
        '2',
        ("gateway", "stock"),
        ("undefined", "gateway sends `Bearer undefined` in place of the token"),
        (Verdict::Changed, Some(Cause::Placeholder), Severity::High),
        &[],
    ),
    fault(
        '3',
        ("orders", "payment"),
        ("wrong key", "payment holds a wrong key and refuses good tokens"),
        (Verdict::Failed, Some(Cause::Signature), Severity::High),
        &[Finding::Disagreement],
    ),
    fault(
        '4',
        ("cart", "tracking"),
        ("reminted", "cart makes the token anew for the same user"),
        (Verdict::Changed, Some(Cause::Reminted), Severity::High),
        &[],
    ),
    fault(
        '5',
        ("orders", "tracking"),
        ("own token", "orders fetches a token of its own in place of the user's"),
        (Verdict::Changed, Some(Cause::SubjectSwitched), Severity::High),
        &[],
    ),
    fault(
        '6',
        ("gateway", "tracking"),
        ("tampered", "gateway alters the payload and keeps the signature"),
        (Verdict::Changed, Some(Cause::Tampered), Severity::Critical),
        &[],
    ),
    fault(
        '7',
        ("gateway", "shipping"),
        ("moved", "gateway sends the token in X-Auth-Token, where shipping finds it"),
        (Verdict::Intact, None, Severity::Info),
        &[Finding::Moved],
    ),
    fault(
        '8',
        ("orders", "stock"),
        ("stripped", "the proxy between orders and stock strips Authorization"),
        (Verdict::Dropped, Some(Cause::Stripped), Severity::High),
        &[],
    ),
    fault(
        '9',
        ("cart", "stock"),
        ("401 back up", "stock wants another audience, and its 401 travels back through cart and gateway"),
        (Verdict::Failed, Some(Cause::Audience), Severity::High),
        &[Finding::Disagreement],
    ),
];

/// What each fault produces, in the order of the keys.
pub fn expectations() -> Vec<Expectation> {
    FAULTS.iter().map(|fault| fault.expected).collect()
}

/// One row for a list of switches: key, label of one to three words, whether it is on, what jwtrail should say.
pub type FaultRow = (char, &'static str, bool, Expectation);

/// The switches. Every fault is on at start.
#[derive(Debug)]
pub struct Faults {
    on: [AtomicBool; FAULTS.len()],
}

impl Default for Faults {
    fn default() -> Self {
        Self { on: std::array::from_fn(|_| AtomicBool::new(true)) }
    }
}

impl Faults {
    /// Every fault with its state, in the order of the keys.
    pub fn list(&self) -> Vec<FaultRow> {
        FAULTS
            .iter()
            .zip(&self.on)
            .map(|(fault, on)| (fault.expected.key, fault.label, on.load(Ordering::Relaxed), fault.expected))
            .collect()
    }

    /// Switches one fault; the new state, or `None` where no fault has that key.
    pub fn toggle(&self, key: char) -> Option<bool> {
        Some(!self.switch(key)?.fetch_xor(true, Ordering::Relaxed))
    }

    /// Switches all faults on or off.
    pub fn set_all(&self, on: bool) {
        for switch in &self.on {
            switch.store(on, Ordering::Relaxed);
        }
    }

    /// Whether a fault is on.
    pub fn is_on(&self, key: char) -> bool {
        self.switch(key).is_some_and(|on| on.load(Ordering::Relaxed))
    }

    fn switch(&self, key: char) -> Option<&AtomicBool> {
        FAULTS.iter().position(|fault| fault.expected.key == key).map(|index| &self.on[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_switches_one_fault_and_no_other_key_any() {
        let faults = Faults::default();
        assert!(faults.list().iter().all(|(.., on, _)| *on));
        assert_eq!(faults.toggle('3'), Some(false));
        let off: Vec<_> = faults.list().into_iter().filter(|(.., on, _)| !on).map(|(key, ..)| key).collect();
        assert_eq!((off, faults.is_on('3')), (vec!['3'], false));
        assert_eq!(faults.toggle('3'), Some(true));
        assert_eq!(faults.toggle('0'), None);
    }

    #[test]
    fn no_two_faults_share_a_key_or_an_edge() {
        let all = expectations();
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                assert!(one.key != other.key && (one.caller, one.callee) != (other.caller, other.callee));
            }
        }
    }
}
