//! An earlier JSON report, held against this one: what was there already fails no build.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::Issue;
use crate::model::text::Safe;
use crate::model::{Cause, Finding, Severity, Verdict};

/// The version of the JSON report that is read here.
const VERSION: u64 = 1;

/// Why a file is no baseline; whoever opened it adds its name.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// It cannot be read, or is not JSON, or its keys hold something else than a report's.
    #[error("expected a report of `jwtrail check --format json`, found something else: {0}")]
    NoReport(String),
    /// JSON, and no report.
    #[error("expected a report of `jwtrail check --format json`, found JSON without the key `{0}`")]
    Missing(&'static str),
    /// A report of another version.
    #[error("expected a report of version {VERSION}, found {0}: make it again with this jwtrail")]
    Version(String),
    /// A severity that is not known here.
    #[error("expected a severity such as `high`, found `{severity}` in {place}")]
    Severity {
        /// As it stands there, cut.
        severity: String,
        /// The row.
        place: String,
    },
}

/// Columns shown of what should be a severity: no name of one is longer, and a file that is no report may hold tokens.
const LONGEST_SEVERITY: usize = 8;

impl BaselineError {
    /// What is wrong with the JSON, and where. The parser's own words would quote the file.
    fn json(error: &serde_json::Error) -> Self {
        let told = error.to_string();
        let quotes = error.is_data() && !told.starts_with("missing field");
        Self::NoReport(if quotes {
            format!("a value of another kind at line {} column {}", error.line(), error.column())
        } else {
            told
        })
    }
}

/// What an earlier report holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Baseline {
    known: BTreeMap<Names, Severity>,
}

/// What tells one issue from another. Verdicts, causes and findings stay text: a later version may have written them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Names {
    /// Caller's name, `None` for requests that enter at the callee.
    pub caller: Option<String>,
    /// Callee's name.
    pub callee: String,
    /// Verdict, `None` for a finding.
    pub verdict: Option<String>,
    /// Its cause.
    pub cause: Option<String>,
    /// Finding, `None` for a verdict.
    pub finding: Option<String>,
}

/// How a report compares with a baseline.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Compared {
    /// What the baseline holds and this report does not, with how bad it was: worst first.
    pub gone: Vec<(Names, Severity)>,
}

#[derive(Deserialize)]
struct File {
    version: Option<Value>,
    issues: Option<Vec<Row>>,
    #[serde(default)]
    hops: Remarks,
}

#[derive(Deserialize)]
struct Row {
    caller: Option<String>,
    callee: String,
    verdict: Option<String>,
    cause: Option<String>,
    finding: Option<String>,
    severity: String,
}

/// The hops whose verdict matters and accuses nobody: those stand among no issues. The rest is not kept.
#[derive(Default)]
struct Remarks(Vec<Row>);

#[derive(Deserialize)]
struct HopRow {
    caller: Option<End>,
    callee: End,
    verdict: String,
    cause: Option<String>,
    severity: String,
}

#[derive(Deserialize)]
struct End {
    service: String,
}

impl<'de> Deserialize<'de> for Remarks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = Remarks;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("hops")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Remarks, A::Error> {
                let mut kept = Vec::new();
                while let Some(HopRow { caller, callee, verdict, cause, severity }) = rows.next_element()? {
                    if severity == Severity::Info.name() || accuses(&verdict) {
                        continue;
                    }
                    let (caller, callee, verdict) = (caller.map(|end| end.service), callee.service, Some(verdict));
                    kept.push(Row { caller, callee, verdict, cause, finding: None, severity });
                }
                Ok(Remarks(kept))
            }
        }

        deserializer.deserialize_seq(Rows)
    }
}

/// A verdict that is not known here was an accusation: the report names no other ones as issues.
fn accuses(verdict: &str) -> bool {
    Verdict::from_name(verdict).is_none_or(Verdict::accuses)
}

impl Baseline {
    /// Reads a JSON report.
    pub fn read(reader: impl Read) -> Result<Self, BaselineError> {
        let File { version, issues, hops } =
            serde_json::from_reader(reader).map_err(|error| BaselineError::json(&error))?;
        let version = version.ok_or(BaselineError::Missing("version"))?;
        if version.as_u64() != Some(VERSION) {
            let number = version.as_number().map(|number| format!("version {number}"));
            return Err(BaselineError::Version(number.unwrap_or_else(|| "a version that is no number".to_owned())));
        }
        let mut all = Self::default();
        let issues = issues.ok_or(BaselineError::Missing("issues"))?;
        for (index, row) in issues.into_iter().enumerate() {
            all.add(row, &|| format!("`issues`, number {}", index + 1))?;
        }
        hops.0.into_iter().try_for_each(|row| all.add(row, &|| "`hops`".to_owned()))?;
        Ok(all)
    }

    fn add(&mut self, row: Row, place: &dyn Fn() -> String) -> Result<(), BaselineError> {
        let Row { caller, callee, verdict, cause, finding, severity } = row;
        let Some(known) = Severity::from_name(&severity) else {
            let severity = Safe::new(&severity).fit(LONGEST_SEVERITY).to_string();
            return Err(BaselineError::Severity { severity, place: place() });
        };
        let worst = self.known.entry(Names { caller, callee, verdict, cause, finding }).or_insert(known);
        *worst = known.max(*worst);
        Ok(())
    }

    /// Marks the issues that are known. What is worse than it was is new.
    pub(super) fn compare(&self, issues: &mut [Issue]) -> Compared {
        let mut left = self.known.clone();
        for issue in issues {
            issue.known = left.remove(&Names::of(issue)).is_some_and(|before| before >= issue.severity);
        }
        let mut gone: Vec<(Names, Severity)> = left.into_iter().collect();
        gone.sort_by(|(a, worst_a), (b, worst_b)| worst_b.cmp(worst_a).then_with(|| a.cmp(b)));
        Compared { gone }
    }
}

impl Names {
    /// Those of an issue.
    pub(super) fn of(issue: &Issue) -> Self {
        Self {
            caller: issue.caller.as_deref().map(str::to_owned),
            callee: issue.callee.to_string(),
            verdict: issue.verdict.map(|verdict| Verdict::name(verdict).to_owned()),
            cause: issue.cause.map(|cause| Cause::name(cause).to_owned()),
            finding: issue.finding.map(|finding| Finding::name(finding).to_owned()),
        }
    }

    /// Whether it is an accused verdict or a finding: those are the issues of the JSON report.
    pub fn accuses(&self) -> bool {
        self.finding.is_some() || self.verdict.as_deref().is_some_and(accuses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Baseline::read(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_report_is_refused_with_its_reason() {
        assert!(
            error("orders").starts_with("expected a report of `jwtrail check --format json`, found something else")
        );
        assert!(error("").contains("EOF"));
        assert!(error("{\"issues\":[]}").ends_with("found JSON without the key `version`"));
        assert!(error("{\"version\":1}").ends_with("found JSON without the key `issues`"));
        assert!(error("{\"version\":7,\"issues\":[]}").contains("expected a report of version 1, found version 7"));
        assert!(error("{\"version\":\"1\",\"issues\":[]}").contains("found a version that is no number"));
        let row = error("{\"version\":1,\"issues\":[{\"caller\":null,\"callee\":\"a\",\"severity\":\"grave\"}]}");
        assert!(row.contains("found `grave` in `issues`, number 1"), "{row}");
        assert!(error("{\"version\":1,\"issues\":[{}]}").contains("missing field `callee`"));
    }

    #[test]
    fn errors_quote_nothing_of_a_file_that_may_hold_tokens() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";
        for file in [
            format!(r#"{{"version":1,"issues":"{token}"}}"#),
            format!(r#"{{"version":"{token}","issues":[]}}"#),
            format!(r#"{{"version":1,"issues":[{{"callee":"{token}","severity":"{token}"}}]}}"#),
            format!(r#"{{"version":1,"issues":[{{"callee":["{token}"]}}]}}"#),
            format!(r#"{{"version":1,"issues":[],"hops":{{"{token}":1}}}}"#),
            format!("\"{token}\""),
            token.to_owned(),
        ] {
            let said = error(&file);
            let pieces = token.as_bytes().windows(9).filter_map(|piece| std::str::from_utf8(piece).ok());
            assert!(!pieces.into_iter().any(|piece| said.contains(piece)), "{said}");
        }
        assert!(error(r#"{"version":1,"issues":"x"}"#).ends_with("a value of another kind at line 1 column 25"));
    }

    #[test]
    fn keys_and_names_of_later_versions_are_taken() {
        let text = r#"{"version":1,"new":{},"issues":[
            {"callee":"a","verdict":"dropped","cause":"eaten","severity":"low","known":true}],"hops":[]}"#;
        let baseline = Baseline::read(text.as_bytes()).unwrap();
        assert_eq!(baseline.known.keys().next().and_then(|names| names.cause.as_deref()), Some("eaten"));
    }

    #[test]
    fn of_the_hops_only_what_matters_and_accuses_nobody_is_kept() {
        let hop = |verdict: &str, severity: &str| {
            format!(
                r#"{{"callee":{{"service":"a"}},"verdict":"{verdict}","cause":"anonymous","severity":"{severity}"}}"#
            )
        };
        let hops = [hop("absent", "medium"), hop("absent", "info"), hop("dropped", "high"), hop("absent", "low")];
        let text = format!(r#"{{"version":1,"issues":[],"hops":[{}]}}"#, hops.join(","));
        let known = Baseline::read(text.as_bytes()).unwrap().known;
        assert_eq!(known.values().copied().collect::<Vec<_>>(), [Severity::Medium]);
    }
}
