//! What each verdict with its cause, and each finding, means: `rules.tsv`.

use std::sync::LazyLock;

use super::Issue;
use crate::model::{Cause, Finding, Severity, Verdict};

/// The table that ships with the program.
const TABLE: &str = include_str!("rules.tsv");

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| lines().filter_map(Rule::read).collect());

/// One kind of issue.
#[derive(Debug)]
pub(super) struct Rule {
    /// `dropped/not_sent`, `leaked`.
    pub id: &'static str,
    /// How bad it usually is.
    pub severity: Severity,
    /// Whether it is a matter of security, not only of something that does not work.
    pub security: bool,
    /// What it is, without a full stop.
    pub short: &'static str,
    /// What it is, in full.
    pub full: &'static str,
    /// What to look at.
    pub help: &'static str,
}

fn lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

impl Rule {
    fn read(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        Some(Self {
            id: columns.next()?,
            severity: Severity::from_name(columns.next()?)?,
            security: columns.next()? == "security",
            short: columns.next()?,
            full: columns.next()?,
            help: columns.next()?,
        })
    }
}

/// All rules, in the table's order.
pub(super) fn all() -> &'static [Rule] {
    &RULES
}

/// The rule of an issue, with its place among all.
pub(super) fn of(issue: &Issue) -> Option<(usize, &'static Rule)> {
    let id = id(issue.verdict.map(Verdict::name), issue.cause.map(Cause::name), issue.finding.map(Finding::name));
    RULES.iter().enumerate().find(|(_, rule)| rule.id == id)
}

/// The id of the rule for a verdict with its cause, or for a finding. A verdict that accuses nobody is one rule,
/// whatever its cause.
pub(super) fn id(verdict: Option<&str>, cause: Option<&str>, finding: Option<&str>) -> String {
    match (finding, verdict, cause) {
        (Some(finding), ..) => finding.to_owned(),
        (None, Some(verdict), Some(cause)) if Verdict::from_name(verdict).is_none_or(Verdict::accuses) => {
            format!("{verdict}/{cause}")
        }
        (None, verdict, _) => verdict.unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reason;

    #[test]
    fn every_line_is_a_rule_and_no_id_stands_twice() {
        assert_eq!(lines().count(), all().len());
        for rule in all() {
            assert_eq!(all().iter().filter(|other| other.id == rule.id).count(), 1, "{}", rule.id);
            assert!(!rule.short.ends_with('.') && rule.full.ends_with('.') && rule.help.ends_with('.'), "{}", rule.id);
        }
    }

    /// A cause or finding that is added to the model needs a row here.
    #[test]
    fn every_verdict_cause_and_finding_has_its_rule() {
        let has = |id: &str| assert!(all().iter().any(|rule| rule.id == id), "{id}");
        for reason in Reason::ALL {
            has(&id(Some("failed"), Some(reason.name()), None));
        }
        for finding in Finding::ALL {
            has(finding.name());
        }
        let causes = include_str!("../trail/hints.tsv").lines().filter(|line| !line.starts_with('#'));
        for cause in causes.filter_map(|line| line.split('\t').next()) {
            let verdict = match cause {
                "not_sent" | "stripped" | "lost" => "dropped",
                _ if Reason::from_name(cause).is_some() => "failed",
                _ => "changed",
            };
            has(&id(Some(verdict), Some(cause), None));
        }
        for verdict in Verdict::ALL.iter().filter(|verdict| !verdict.accuses()) {
            has(&id(Some(verdict.name()), Some("inherited"), None));
        }
    }
}
