//! All that is wrong with a file at once: what the types refuse is noted and taken out, then the rest is read again.

use std::path::Path;

use globset::{Glob, GlobMatcher};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{self, Fault, Places, Step};
use super::{ConfigError, File, FileOptions};
use crate::model::policy::{EdgePolicy, Policy};

/// So many mistakes are named; a file with more is no policy.
const MOST: usize = 50;

/// What was found in a file.
#[derive(Debug)]
pub struct Inspection {
    /// The file, without what is wrong in it.
    pub file: File,
    /// What makes it unusable, in the order of the text.
    pub errors: Vec<ConfigError>,
    /// What is allowed and cannot be meant, in the order of the text.
    pub warnings: Vec<ConfigError>,
}

/// Reads a file and names everything that is wrong with it.
pub fn inspect(path: &Path) -> Result<Inspection, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        what: "policy",
        path: path.to_path_buf(),
        source,
    })?;
    Ok(inspect_text(path, &text))
}

/// Names everything that is wrong with a text; `path` is for messages.
pub fn inspect_text(path: &Path, text: &str) -> Inspection {
    let mut table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let errors = vec![ConfigError::from_toml(path, text, &error)];
            return Inspection { file: File::default(), errors, warnings: Vec::new() };
        }
    };
    let mut found: Vec<(usize, String)> = Vec::new();
    let options = read::<FileOptions>(&mut table, Part::Options, &mut found);
    let policy = read::<Policy>(&mut table, Part::Policy, &mut found);
    let places = Places::new(table.get_ref());
    let located = |fault: Fault| (places.offset(&fault.place), fault.message);
    found.extend(check::policy(&policy).into_iter().chain(check::options(&options).err()).map(located));
    let mut doubts: Vec<(usize, String)> = shadowed(&policy.edge).into_iter().map(located).collect();
    let in_order = |list: &mut Vec<(usize, String)>| {
        list.sort();
        list.dedup();
        list.drain(..).map(|(offset, message)| ConfigError::at(path, text, offset, message)).collect()
    };
    let (errors, warnings) = (in_order(&mut found), in_order(&mut doubts));
    Inspection { file: File { path: Some(path.to_path_buf()), policy, options }, errors, warnings }
}

/// Names and lines of `[options]`, and `settle` where `[limits]` has it.
pub(super) fn options_set(path: &Path) -> Vec<(String, usize)> {
    let Ok(text) = std::fs::read_to_string(path) else { return Vec::new() };
    let Ok(table) = DeTable::parse(&text) else { return Vec::new() };
    let within = |name: &str| table.get_ref().get(name).and_then(|value| value.get_ref().as_table());
    let options = within("options").into_iter().flatten();
    let limits = within("limits").into_iter().flatten().filter(|(key, _)| key.get_ref() == "settle");
    let line = |at: usize| super::error::line(&text, at);
    options.chain(limits).map(|(key, _)| (key.get_ref().to_string(), line(key.span().start))).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Options,
    Policy,
}

/// Reads one part; each mistake is noted, and its key or row taken out of the table.
fn read<T: DeserializeOwned + Default>(
    table: &mut Spanned<DeTable<'_>>,
    part: Part,
    found: &mut Vec<(usize, String)>,
) -> T {
    // Tables that lost a key to a mistake: that it is missing is no second one.
    let mut robbed: Vec<usize> = Vec::new();
    for _ in 0..MOST {
        let error = match attempt::<T>(table, part) {
            Ok(value) => return value,
            Err(error) => error,
        };
        let offset = error.span().map_or(0, |span| span.start);
        let follows = error.message().starts_with("missing field") && robbed.contains(&offset);
        if !follows {
            found.push((offset, super::error::explain(error.message())));
        }
        let start = table.span().start;
        if !take_out(table.get_mut(), start, offset, &mut robbed) {
            break;
        }
    }
    T::default()
}

fn attempt<T: DeserializeOwned>(table: &Spanned<DeTable<'_>>, part: Part) -> Result<T, toml::de::Error> {
    let mut table = table.clone();
    let options = table.get_mut().remove("options");
    if part == Part::Policy {
        return T::deserialize(toml::de::Deserializer::from(table));
    }
    match options {
        Some(value) => T::deserialize(toml::de::ValueDeserializer::from(value)),
        None => T::deserialize(toml::de::Deserializer::from(Spanned::new(0..0, DeTable::new()))),
    }
}

/// Takes out the innermost key or row that begins at an offset. False if there is none.
fn take_out(table: &mut DeTable<'_>, start: usize, offset: usize, robbed: &mut Vec<usize>) -> bool {
    let mut gone: Option<String> = None;
    for (key, value) in table.iter_mut() {
        let begins = value.span().start;
        if take_out_of(value.get_mut(), begins, offset, robbed) {
            return true;
        }
        if key.span().start == offset || begins == offset {
            gone = Some(key.get_ref().to_string());
        }
    }
    let Some(key) = gone else { return false };
    robbed.push(start);
    table.remove(key.as_str()).is_some()
}

fn take_out_of(value: &mut DeValue<'_>, start: usize, offset: usize, robbed: &mut Vec<usize>) -> bool {
    match value {
        DeValue::Table(table) => take_out(table, start, offset, robbed),
        DeValue::Array(array) => {
            for item in array.iter_mut() {
                let begins = item.span().start;
                if take_out_of(item.get_mut(), begins, offset, robbed) {
                    return true;
                }
            }
            let Some(gone) = array.iter().position(|item| item.span().start == offset) else { return false };
            *array = array.clone().into_iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, item)| item).collect();
            true
        }
        _ => false,
    }
}

/// Edges that no hop can reach, because an earlier one takes all that they would match.
fn shadowed(edges: &[EdgePolicy]) -> Vec<Fault> {
    let hidden = |(index, edge): (usize, &EdgePolicy)| {
        let earlier = edges[..index].iter().position(|first| {
            covers(&first.from, &edge.from)
                && covers(&first.to, &edge.to)
                && match (&first.route, &edge.route) {
                    (None, _) => true,
                    (Some(first), Some(route)) => covers(first, route),
                    (Some(first), None) => is_any(first),
                }
        })?;
        let (first, number) = (&edges[earlier], earlier + 1);
        let message = format!(
            "this edge never matches: edge {number} (`{}` to `{}`) comes first and takes every hop of it; put the \
             narrower one in front",
            first.from, first.to
        );
        Some(Fault { place: vec![Step::from("edge"), index.into()], message })
    };
    edges.iter().enumerate().filter_map(hidden).collect()
}

/// Whether a glob matches all that another one does; where that is not plain, it is taken not to.
fn covers(wide: &str, narrow: &str) -> bool {
    if is_any(wide) || wide == narrow {
        return true;
    }
    if is_plain(narrow) {
        return Glob::new(wide).map(|glob: Glob| glob.compile_matcher()).is_ok_and(|m: GlobMatcher| m.is_match(narrow));
    }
    wide.strip_suffix('*').is_some_and(|start| is_plain(start) && narrow.starts_with(start))
}

fn is_any(glob: &str) -> bool {
    !glob.is_empty() && glob.chars().all(|c| c == '*')
}

fn is_plain(glob: &str) -> bool {
    !glob.contains(['*', '?', '[', ']', '{', '}', '\\', '!'])
}
