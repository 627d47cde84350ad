//! The suggestion as TOML. Names come from strangers: they are quoted as TOML, escaped as globs and made safe in
//! comments, so that no name can add a line of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Kind, Pair, Seen, Suggestion};
use crate::model::text::Safe;

/// So many routes of one edge are told apart; beyond that, paths hold ids.
const ROUTES: usize = 12;

/// What an edge's hops allow to say.
struct Rule<'a> {
    token: &'static str,
    route: Option<&'a str>,
    ready: bool,
    why: String,
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Drafted by `jwtrail policy suggest` from {} in {}.", hops(self.hops), traces(self.traces))?;
        writeln!(f, "# Read each entry before you keep it: it says what was seen, not what is right.")?;
        writeln!(
            f,
            "# Entries that are commented out are yours to decide; `jwtrail policy check` validates the rest."
        )?;
        for (pair, operations) in &self.edges {
            for rule in rules(operations) {
                edge(f, pair, &rule)?;
            }
        }
        self.tables(f)?;
        self.left_out(f)
    }
}

impl Suggestion {
    fn tables(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.leaked.is_empty() {
            writeln!(f, "\n[hosts]")?;
            for (host, (count, seen)) in &self.leaked {
                let (safe, glob) = (Safe::new(host), glob(host));
                writeln!(
                    f,
                    "# {safe} got the token that its caller received: {}, {}.",
                    hops(*count),
                    traces(seen.0.len())
                )?;
                writeln!(f, "# If it is yours: internal = [{glob}]")?;
                writeln!(f, "# If it may have your users' tokens: allowed = [{glob}]")?;
            }
        }
        if !self.proxies.is_empty() {
            writeln!(f, "\n[proxies]")?;
            writeln!(
                f,
                "# Called and calling, with the name of a proxy: if these only pass requests on, they are no services."
            )?;
            writeln!(f, "# services = [{}]", list(&self.proxies))?;
        }
        if !self.dark.is_empty() {
            writeln!(f, "\n[capture]")?;
            writeln!(f, "# These show nothing of their tokens, and hops stay unknown for it:")?;
            for (service, count) in &self.dark {
                writeln!(f, "#   {}: {}", Safe::new(service), hops(*count))?;
            }
            writeln!(
                f,
                "# If they do capture the header, a missing one is absent: say so. Otherwise let them capture it."
            )?;
            writeln!(f, "# assume = [{}]", list(&self.dark.keys().cloned().collect()))?;
        }
        Ok(())
    }

    fn left_out(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.broken.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n# No policy should excuse what follows; `jwtrail check` shows each with its evidence.")?;
        let mut rows: Vec<_> = self.broken.iter().collect();
        rows.sort_by_key(|(key, broken)| (std::cmp::Reverse(broken.severity), *key));
        for ((pair, what), broken) in rows {
            let severity = broken.severity.map_or("", |severity| severity.name());
            let trace = broken.trace.map(|trace| format!(", trace {trace}")).unwrap_or_default();
            writeln!(f, "# not suggested: {} {what} ({severity}), {}{trace}", arrow(pair), hops(broken.count))?;
        }
        Ok(())
    }
}

/// One rule for the whole edge where all its operations agree, else one for each operation.
fn rules(operations: &BTreeMap<Arc<str>, Seen>) -> Vec<Rule<'_>> {
    let all: Vec<&Seen> = operations.values().collect();
    if let Some(rule) = rule(&all, None) {
        return vec![rule];
    }
    if operations.len() > ROUTES {
        return Vec::new();
    }
    operations.iter().filter_map(|(operation, seen)| rule(&[seen], Some(operation))).collect()
}

fn rule<'a>(seen: &[&Seen], route: Option<&'a str>) -> Option<Rule<'a>> {
    let count = |kind: Kind| seen.iter().filter_map(|seen| seen.kinds.get(&kind)).sum::<u64>();
    let all: u64 = seen.iter().flat_map(|seen| seen.kinds.values()).sum();
    let shown: BTreeSet<Kind> = seen
        .iter()
        .flat_map(|seen| seen.kinds.keys().copied())
        .filter(|kind| !matches!(kind, Kind::Unknown | Kind::Exempt))
        .collect();
    let mut in_traces: Vec<u32> = seen.iter().flat_map(|seen| &seen.traces.0).copied().collect();
    in_traces.sort_unstable();
    in_traces.dedup();
    let known = all - count(Kind::Unknown) - count(Kind::Exempt);
    let seen_in = format!("{known} of {}, {}", hops(all), traces(in_traces.len()));
    let became: BTreeSet<&(String, String)> = seen.iter().flat_map(|seen| &seen.became).collect();
    let one = (became.len() == 1).then(|| became.first().copied()).flatten();
    let about = one.map_or("of different issuers or audiences".to_owned(), |(issuer, audience)| {
        let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { Safe::new(text).to_string() };
        format!("of {} for {}", or(issuer, "an unknown issuer"), or(audience, "any audience"))
    });
    let rule = |token, ready, why| Some(Rule { token, route, ready, why });
    match shown.iter().copied().collect::<Vec<Kind>>().as_slice() {
        [Kind::Free] => rule("optional", true, format!("always without a token, always accepted: {seen_in}")),
        [Kind::Exchanged] => {
            rule("exchange", true, format!("exchanged, as the traces show, for a token {about}: {seen_in}"))
        }
        [Kind::MaybeExchanged] | [Kind::Exchanged, Kind::MaybeExchanged] if one.is_some() => {
            rule("exchange", false, format!("another token {about} goes out than came in, accepted: {seen_in}"))
        }
        [Kind::Own] => rule("own", true, format!("the caller's own identity, a token {about}, accepted: {seen_in}")),
        _ => None,
    }
}

fn edge(f: &mut fmt::Formatter<'_>, pair: &Pair, rule: &Rule<'_>) -> fmt::Result {
    let mark = if rule.ready { "" } else { "# " };
    writeln!(f, "\n# {}: {}.", arrow(pair), rule.why)?;
    if !rule.ready {
        writeln!(f, "# Only if it is meant:")?;
    }
    writeln!(f, "{mark}[[edge]]")?;
    writeln!(f, "{mark}from = {}", glob(pair.0.as_deref().unwrap_or("client")))?;
    writeln!(f, "{mark}to = {}", glob(&pair.1))?;
    if let Some(route) = rule.route {
        writeln!(f, "{mark}route = {}", glob(route))?;
    }
    writeln!(f, "{mark}token = \"{}\"", rule.token)
}

fn arrow(pair: &Pair) -> String {
    format!("{} → {}", Safe::new(pair.0.as_deref().unwrap_or("client")), Safe::new(&pair.1))
}

fn hops(count: u64) -> String {
    if count == 1 { "1 hop".to_owned() } else { format!("{count} hops") }
}

fn traces(count: usize) -> String {
    if count == 1 { "1 trace".to_owned() } else { format!("{count} traces") }
}

fn list(names: &BTreeSet<Arc<str>>) -> String {
    names.iter().map(|name| glob(name)).collect::<Vec<String>>().join(", ")
}

/// A glob that matches this name alone, as a TOML string. A class holds a backslash as it is.
fn glob(name: &str) -> String {
    quoted(&globset::escape(name).replace('\\', "[\\]"))
}

/// A TOML basic string, with everything escaped that could end it or act on a terminal.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        let acts = c.is_control() || Safe::new(c.encode_utf8(&mut [0; 4])).as_str() != c.encode_utf8(&mut [0; 4]);
        if c == '"' || c == '\\' {
            quoted.push('\\');
            quoted.push(c);
        } else if acts {
            quoted.extend(format!("\\U{:08X}", u32::from(c)).chars());
        } else {
            quoted.push(c);
        }
    }
    quoted.push('"');
    quoted
}
