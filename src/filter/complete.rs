//! What could stand at the cursor: fields, their names, and what the caller knows to be there right now.

use std::ops::Range;

use super::expr::{Expr, Term};
use super::field::{FIELDS, Field, FieldInfo, Kind};
use super::parse::{MAX_LENGTH, of_name};
use super::pattern::Pattern;
use super::value::{Op, Value};

/// One way to go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    /// The bytes that it takes the place of; they end at the cursor.
    pub range: Range<usize>,
    /// What to put there, quoted where that is needed.
    pub text: String,
    /// A few words on it, empty for a value.
    pub help: &'static str,
}

const KEYWORDS: [(&str, &str); 3] =
    [("and", "both must hold"), ("or", "either is enough"), ("not", "what follows must not hold")];
const STATUSES: [&str; 5] = ["4xx", "5xx", "401", "403", "200"];
const AGES: [&str; 5] = ["1m", "5m", "15m", "1h", "1d"];

/// What fits what stands before the cursor (a byte offset; one inside a character is taken back to its beginning):
/// what begins so comes first, then what holds it. `live` gives the values that a field of texts or identifiers has
/// at the moment (services, token names); it is asked for [`Field::Name`] where a bare word is typed.
pub fn complete(text: &str, cursor: usize, live: &dyn Fn(Field) -> Vec<String>) -> Vec<Completion> {
    let cursor = (0..=cursor.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    if cursor > MAX_LENGTH {
        return Vec::new();
    }
    let before = &text[..cursor];
    let mut start = word(before);
    while before[start..].starts_with('-') {
        start += 1;
    }
    let name: &str = before[start..].split(|c| !of_name(c)).next().unwrap_or_default();
    let behind = before[start + name.len()..].trim_start();
    let operator = |c| matches!(c, ':' | '=' | '!' | '<' | '>');
    if !name.is_empty() && behind.starts_with(operator) {
        let Some(field) = Field::from_name(name) else { return Vec::new() };
        let values = cursor - behind.trim_start_matches(operator).len();
        return of_field(field.info(), before, last_value(before, values), live);
    }
    let last = last_value(before, start);
    let typed = typed(&before[last..]);
    let mut found = Vec::new();
    if last == start && !before[start..].starts_with('"') {
        let fields = FIELDS
            .iter()
            .filter(|row| [row.name].iter().chain(row.aliases).any(|name| begins(name, &typed)) || typed.is_empty());
        found.extend(fields.map(|row| (format!("{}:", row.name), row.help)));
        let keywords = KEYWORDS.iter().filter(|(word, _)| !typed.is_empty() && begins(word, &typed));
        found.extend(keywords.map(|(word, help)| ((*word).to_owned(), *help)));
    }
    if !typed.is_empty() {
        found.extend(fitting(live(Field::Name), &typed).into_iter().map(|name| (searched(&name), "")));
    }
    found.into_iter().map(|(text, help)| Completion { range: last..cursor, text, help }).collect()
}

/// Where the term before the end begins: behind the last blank or parenthesis outside of quotes, though blanks around
/// an operator and behind a comma belong to the term.
fn word(before: &str) -> usize {
    let (mut start, mut quotes, mut escaped) = (0, false, false);
    // The last character that is no blank, and whether blanks came since.
    let (mut last, mut gap) = (' ', false);
    let joins = |c: char| matches!(c, ':' | '=' | '!' | '<' | '>' | ',');
    for (at, c) in before.char_indices() {
        if quotes {
            quotes = escaped || c != '"';
            escaped = !escaped && c == '\\';
            last = c;
            continue;
        }
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && !joins(c) && !joins(last) {
            start = at;
        }
        if matches!(c, '(' | ')') {
            start = at + 1;
        }
        quotes = c == '"';
        // A quote that closes must not look like an operator that it holds.
        (last, gap) = (c, false);
    }
    if gap && !joins(last) { before.len() } else { start }
}

/// Where the value before the end begins: behind the last comma outside of quotes.
fn last_value(before: &str, from: usize) -> usize {
    let (mut start, mut quotes, mut escaped) = (from, false, false);
    for (at, c) in before[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quotes => escaped = true,
            '"' => quotes = !quotes,
            ',' if !quotes => start = from + at + 1,
            _ => {}
        }
    }
    start + (before[start..].len() - before[start..].trim_start().len())
}

/// What was typed of a value, without its quotes.
fn typed(raw: &str) -> String {
    let (mut text, mut quotes) = (String::new(), false);
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => quotes = !quotes,
            '\\' if quotes => text.extend(rest.next()),
            c => text.push(c),
        }
    }
    text
}

fn begins(name: &str, typed: &str) -> bool {
    name.get(..typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(typed))
}

/// Those that begin with what was typed, then those that hold it; each once.
fn fitting(names: Vec<String>, typed: &str) -> Vec<String> {
    let typed = typed.to_lowercase();
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for name in names {
        let lower = name.to_lowercase();
        if name.is_empty() || first.contains(&name) || then.contains(&name) {
            continue;
        }
        if lower.starts_with(&typed) {
            first.push(name);
        } else if lower.contains(&typed) {
            then.push(name);
        }
    }
    first.extend(then);
    first
}

fn of_field(row: &FieldInfo, before: &str, start: usize, live: &dyn Fn(Field) -> Vec<String>) -> Vec<Completion> {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let names: Vec<String> = match row.kind {
        Kind::Choice(_) | Kind::Ranked(_) => row.choices().map(str::to_owned).collect(),
        Kind::Number => own(&STATUSES),
        Kind::Time => own(&AGES),
        Kind::Text | Kind::Prefix => live(row.field),
    };
    let written =
        |name: String| Completion { range: start..before.len(), text: Pattern::literal(&name).to_string(), help: "" };
    fitting(names, &typed(&before[start..])).into_iter().map(written).collect()
}

/// A name as a bare word.
fn searched(name: &str) -> String {
    let values = vec![Value::Text(Pattern::literal(name).anywhere())];
    Expr::Term(Term { field: Field::Name, op: Op::Is, values }).to_string()
}
