//! Checks of a policy that its types do not make: globs, names of verdicts and findings, dates, key sets.

use std::borrow::Cow;
use std::ops::Deref;

use toml::de::{DeTable, DeValue};

use super::FileOptions;
use super::error::unknown;
use crate::model::keys::{check_url, is_url};
use crate::model::policy::{IgnorePolicy, IssuerPolicy, Policy, RejectionPolicy};
use crate::model::{Cause, Finding, Reason, Verdict};

/// One step from the file's root to a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// A key of a table.
    Key(Cow<'static, str>),
    /// A place in an array.
    Index(usize),
}

impl From<&'static str> for Step {
    fn from(key: &'static str) -> Self {
        Self::Key(Cow::Borrowed(key))
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// What is wrong, and with which value.
pub(super) struct Fault {
    pub(super) place: Vec<Step>,
    pub(super) message: String,
}

/// Finds the place of a value in the text.
pub(super) struct Places<'a> {
    root: &'a DeTable<'a>,
}

impl<'a> Places<'a> {
    pub(super) fn new(root: &'a DeTable<'a>) -> Self {
        Self { root }
    }

    /// Byte offset of a value, or of the deepest table above it that is there.
    pub(super) fn offset(&self, place: &[Step]) -> usize {
        let (mut offset, mut table, mut value): (usize, Option<&DeTable<'_>>, Option<&DeValue<'_>>) =
            (0, Some(self.root), None);
        for step in place {
            let next = match step {
                Step::Key(key) => table.and_then(|table| table.get(key.as_ref())),
                Step::Index(index) => value.and_then(DeValue::as_array).and_then(|array| array.deref().get(*index)),
            };
            let Some(next) = next else { return offset };
            offset = next.span().start;
            value = Some(next.get_ref());
            table = next.get_ref().as_table();
        }
        offset
    }
}

/// Every fault of a policy; of one row of an `[[ignore]]` or the like, the first.
pub(super) fn policy(policy: &Policy) -> Vec<Fault> {
    let mut found: Vec<Result<(), Fault>> = Vec::new();
    for (index, edge) in policy.edge.iter().enumerate() {
        let globs = [("from", Some(&edge.from)), ("to", Some(&edge.to)), ("route", edge.route.as_ref())];
        found.extend(globs.map(|(key, text)| glob(text, &["edge".into(), index.into(), key.into()])));
    }
    let lists = [
        ("capture", "assume", &policy.capture.assume),
        ("proxies", "services", &policy.proxies.services),
        ("hosts", "internal", &policy.hosts.internal),
        ("hosts", "allowed", &policy.hosts.allowed),
    ];
    for (table, key, list) in lists {
        let place = |index: usize| [table.into(), key.into(), index.into()];
        found.extend(list.iter().enumerate().map(|(index, text)| glob(Some(text), &place(index))));
    }
    found.extend(policy.severity.iter().map(|(name, _)| severity_name(name)));
    found.extend(policy.ignore.iter().enumerate().map(|(index, rule)| ignore(index, rule)));
    found.extend(policy.issuer.iter().enumerate().map(|(index, row)| issuer(index, row)));
    found.extend(policy.rejection.iter().enumerate().map(|(index, row)| rejection(index, row)));
    found.into_iter().filter_map(Result::err).collect()
}

fn glob(text: Option<&String>, place: &[Step]) -> Result<(), Fault> {
    let Some(text) = text else { return Ok(()) };
    match globset::Glob::new(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault {
            place: place.to_vec(),
            message: format!("expected a glob such as `orders*` or `{{a,b}}`, found `{text}`: {}", error.kind()),
        }),
    }
}

fn severity_name(name: &str) -> Result<(), Fault> {
    let verdicts = Verdict::ALL.iter().map(|value| value.name());
    let causes = Cause::ALL.iter().map(|value| value.name());
    let findings = Finding::ALL.iter().map(|value| value.name());
    let known: Vec<&str> = verdicts.chain(causes).chain(findings).collect();
    named("verdict, cause or finding", name, &known, vec!["severity".into(), Step::Key(Cow::Owned(name.to_owned()))])
}

fn named(kind: &str, found: &str, known: &[&str], place: Vec<Step>) -> Result<(), Fault> {
    if known.contains(&found) { Ok(()) } else { Err(Fault { place, message: unknown(kind, found, known) }) }
}

fn ignore(index: usize, rule: &IgnorePolicy) -> Result<(), Fault> {
    let place = |key: &'static str| vec![Step::from("ignore"), index.into(), key.into()];
    glob(Some(&rule.from), &place("from"))?;
    glob(Some(&rule.to), &place("to"))?;
    if let Some(verdict) = &rule.verdict {
        let known: Vec<&str> = Verdict::ALL.iter().map(|value| value.name()).collect();
        named("verdict", verdict, &known, place("verdict"))?;
    }
    if let Some(finding) = &rule.finding {
        let known: Vec<&str> = Finding::ALL.iter().map(|value| value.name()).collect();
        named("finding", finding, &known, place("finding"))?;
    }
    if rule.verdict.is_none() && rule.finding.is_none() {
        let message = "expected `verdict` or `finding` to say what is ignored, found neither".to_owned();
        return Err(Fault { place: vec!["ignore".into(), index.into()], message });
    }
    if rule.reason.trim().is_empty() {
        let message = "expected a sentence why this is accepted, found an empty text".to_owned();
        return Err(Fault { place: place("reason"), message });
    }
    match &rule.until {
        Some(day) if day.parse::<jiff::civil::Date>().is_err() => {
            Err(Fault { place: place("until"), message: format!("expected a day as \"2026-12-31\", found `{day}`") })
        }
        _ => Ok(()),
    }
}

fn issuer(index: usize, issuer: &IssuerPolicy) -> Result<(), Fault> {
    let place = |key: &'static str| vec![Step::from("issuer"), index.into(), key.into()];
    let named = [&issuer.url, &issuer.jwks, &issuer.secret_file, &issuer.secret_env];
    if named.into_iter().all(Option::is_none) {
        let message = "expected `url`, `jwks`, `secret_file` or `secret_env`, found none of them".to_owned();
        return Err(Fault { place: vec!["issuer".into(), index.into()], message });
    }
    if let Some(text) = &issuer.jwks
        && is_url(text)
    {
        check_url(text).map_err(|message| Fault { place: place("jwks"), message })?;
    }
    if let Some(url) = &issuer.url
        && named[1..].iter().all(|other| other.is_none())
    {
        // The name of an issuer may be anything (RFC 7519, section 4.1.1); only discovery needs it to be a URL.
        check_url(url).map_err(|message| Fault { place: place("url"), message })?;
    }
    Ok(())
}

/// `[options]`: what clap checks for an option on the command line.
pub(super) fn options(options: &FileOptions) -> Result<(), Fault> {
    let urls = options.jwks.iter().enumerate().filter(|(_, text)| is_url(text)).map(|(at, text)| ("jwks", at, text));
    let issuers = options.issuer.iter().enumerate().map(|(at, text)| ("issuer", at, text));
    for (key, index, text) in urls.chain(issuers) {
        let place = || vec!["options".into(), key.into(), index.into()];
        check_url(text).map_err(|message| Fault { place: place(), message })?;
    }
    Ok(())
}

fn rejection(index: usize, row: &RejectionPolicy) -> Result<(), Fault> {
    let place = |key: &'static str| vec![Step::from("rejection"), index.into(), key.into()];
    let reasons: Vec<&str> = Reason::ALL.iter().map(|value| value.name()).collect();
    named("reason", &row.reason, &reasons, place("reason"))?;
    for field in row.field.split('|') {
        named("field", field.trim(), &["type", "message", "challenge"], place("field"))?;
    }
    named("match", &row.r#match, &["substring", "word", "whole"], place("match"))?;
    if row.text.trim().is_empty() {
        let message = "expected the text of a refusal, found an empty one".to_owned();
        return Err(Fault { place: place("text"), message });
    }
    Ok(())
}
