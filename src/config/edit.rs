//! One more rule in the policy file: what people wrote there stays as it is, comments and order included.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value, value};

use super::check::{Places, Step};
use super::{ConfigError, File, parse};
use crate::model::policy::Policy;

/// What a file begins with that was made here.
const HEAD: &str =
    "# The policy of jwtrail: what is meant on an edge, and what is known. `jwtrail policy check` reads it.\n";

/// A rule to be added. Names are service names as shown, not globs; `client` is the outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// `[[edge]]` with this word for `token`: `optional`, `exchange`.
    Edge {
        /// Caller.
        from: String,
        /// Callee.
        to: String,
        /// The word.
        token: &'static str,
    },
    /// `[[ignore]]`
    Ignore {
        /// Caller.
        from: String,
        /// Callee.
        to: String,
        /// `verdict` or `finding`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Line of the rule, from 1.
    pub line: usize,
    /// Whether the file is new.
    pub created: bool,
    /// The whole file as it is now.
    pub file: File,
}

/// Why nothing was written. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// A link may stand for a file that others share.
    #[error("{} is a symbolic link to {}: expected a file of its own, edit that one by hand", path.display(), to.display())]
    Link {
        /// The file.
        path: PathBuf,
        /// Where it points.
        to: PathBuf,
    },
    /// Not a file.
    #[error("{} is no file", .0.display())]
    NoFile(PathBuf),
    /// Nobody may write there.
    #[error("{} is read-only: allow writing, or edit it by hand", .0.display())]
    ReadOnly(PathBuf),
    /// What is there is wrong already, or would become so.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// A rule above matches this edge first.
    #[error("{}: expected the new rule to be the first that matches {from} to {to}, another one stands before it", path.display())]
    Shadowed {
        /// The file.
        path: PathBuf,
        /// Caller.
        from: String,
        /// Callee.
        to: String,
    },
    /// The system refused.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Adds a rule to the file, which is made where there is none. What would be wrong is not written; a reader sees the old
/// file or the new one, never half of one.
pub fn add(path: &Path, rule: &Rule) -> Result<Written, EditError> {
    let failed = |source| EditError::Write { path: path.to_path_buf(), source };
    let before = existing(path)?;
    let text = match &before {
        Some(_) => fs::read_to_string(path).map_err(|source| ConfigError::Read {
            what: "policy",
            path: path.to_path_buf(),
            source,
        })?,
        None => HEAD.to_owned(),
    };
    // Errors that are there already are named by line, in the words of `policy check`.
    parse(path, &text)?;
    let (text, line) = edited(path, &text, rule)?;
    let file = parse(path, &text)?;
    if first_match(&file.policy, rule) == Some(false) {
        let (Rule::Edge { from, to, .. } | Rule::Ignore { from, to, .. }) = rule.clone();
        return Err(EditError::Shadowed { path: path.to_path_buf(), from, to });
    }
    let created = before.is_none();
    match before {
        None => {
            let mut new = fs::File::create_new(path).map_err(failed)?;
            new.write_all(text.as_bytes()).and_then(|()| new.sync_all()).map_err(failed)?;
        }
        Some(permissions) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut new = tempfile::Builder::new().prefix(".jwtrail-").tempfile_in(folder).map_err(failed)?;
            new.write_all(text.as_bytes()).and_then(|()| new.as_file().sync_all()).map_err(failed)?;
            new.as_file().set_permissions(permissions).map_err(failed)?;
            new.persist(path).map_err(|error| failed(error.error))?;
        }
    }
    Ok(Written { line, created, file })
}

/// The permissions of a file that may be replaced; `None` where there is none.
fn existing(path: &Path) -> Result<Option<fs::Permissions>, EditError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ConfigError::Read { what: "policy", path: path.to_path_buf(), source }.into()),
    };
    if metadata.is_symlink() {
        let to = fs::read_link(path).unwrap_or_default();
        return Err(EditError::Link { path: path.to_path_buf(), to });
    }
    if !metadata.is_file() {
        return Err(EditError::NoFile(path.to_path_buf()));
    }
    if metadata.permissions().readonly() {
        return Err(EditError::ReadOnly(path.to_path_buf()));
    }
    Ok(Some(metadata.permissions()))
}

/// The text with the rule in it, and the rule's line.
fn edited(path: &Path, text: &str, rule: &Rule) -> Result<(String, usize), EditError> {
    let broken = |error: &toml_edit::TomlError| {
        let offset = error.span().map_or(0, |span| span.start);
        ConfigError::at(path, text, offset, error.message().to_owned())
    };
    let mut document: DocumentMut = text.parse().map_err(|error| broken(&error))?;
    let policy = parse(path, text)?.policy;
    let (key, at) = match rule {
        Rule::Edge { .. } => ("edge", place_of_edge(&policy, rule)),
        Rule::Ignore { .. } => ("ignore", place_of_ignore(&policy, rule)),
    };
    put(&mut document, key, at, rule);
    let text = document.to_string();
    let index = match at {
        Place::At(index) | Place::Change(index) => index,
    };
    let line = line_of(&text, key, index);
    Ok((text, line))
}

/// Where a rule goes.
#[derive(Clone, Copy)]
enum Place {
    /// As a new one, before what stands there.
    At(usize),
    /// Into the one that is there.
    Change(usize),
}

/// The first that matches wins: before it, else behind all; a rule for just this edge is changed.
fn place_of_edge(policy: &Policy, rule: &Rule) -> Place {
    let Rule::Edge { from, to, .. } = rule else { return Place::At(policy.edge.len()) };
    let (own_from, own_to) = (globset::escape(from), globset::escape(to));
    let matching = policy.edge.iter().position(|edge| glob(&edge.from, from) && glob(&edge.to, to));
    match matching {
        Some(index) => {
            let edge = &policy.edge[index];
            let same = (&edge.from, &edge.to, &edge.route) == (&own_from, &own_to, &None);
            if same { Place::Change(index) } else { Place::At(index) }
        }
        None => Place::At(policy.edge.len()),
    }
}

fn place_of_ignore(policy: &Policy, rule: &Rule) -> Place {
    let Rule::Ignore { from, to, kind, name, .. } = rule else { return Place::At(policy.ignore.len()) };
    let (own_from, own_to) = (globset::escape(from), globset::escape(to));
    let same = policy.ignore.iter().position(|ignore| {
        let named = if *kind == "finding" { &ignore.finding } else { &ignore.verdict };
        ignore.from == own_from && ignore.to == own_to && named.as_ref() == Some(name)
    });
    same.map_or(Place::At(policy.ignore.len()), Place::Change)
}

/// Whether the new rule is the first that matches its edge; `None` for a rule whose place does not matter.
fn first_match(policy: &Policy, rule: &Rule) -> Option<bool> {
    let Rule::Edge { from, to, .. } = rule else { return None };
    let first = policy.edge.iter().find(|edge| glob(&edge.from, from) && glob(&edge.to, to))?;
    Some(first.from == globset::escape(from) && first.to == globset::escape(to))
}

fn glob(pattern: &str, name: &str) -> bool {
    globset::Glob::new(pattern).map_or(pattern == name, |glob| glob.compile_matcher().is_match(name))
}

fn put(document: &mut DocumentMut, key: &str, place: Place, rule: &Rule) {
    // What people wrote behind the last table stays before what comes now.
    let tail = document.trailing().as_str().unwrap_or_default().to_owned();
    let entry = document.entry(key).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    match (entry, place) {
        (Item::ArrayOfTables(rows), Place::Change(index)) => {
            if let Some(row) = rows.get_mut(index) {
                fill(row, rule);
            }
        }
        (Item::ArrayOfTables(rows), Place::At(index)) => {
            let mut row = Table::new();
            fill(&mut row, rule);
            let follows = rows.get(index).and_then(Table::position);
            let first = rows.is_empty();
            row.set_position(follows);
            row.decor_mut().set_prefix(if first { format!("{tail}\n") } else { "\n".to_owned() });
            rows.insert(index, row);
            if first {
                document.set_trailing("");
            }
        }
        (Item::Value(Value::Array(rows)), place) => {
            let mut row = Table::new();
            fill(&mut row, rule);
            let row = Value::InlineTable(row.into_inline_table());
            match place {
                Place::At(index) => rows.insert(index.min(rows.len()), row),
                Place::Change(index) if index < rows.len() => drop(rows.replace(index, row)),
                Place::Change(_) => rows.push(row),
            }
        }
        // The checked text has no other form.
        _ => {}
    }
}

fn fill(row: &mut Table, rule: &Rule) {
    let (Rule::Edge { from, to, .. } | Rule::Ignore { from, to, .. }) = rule;
    for (key, name) in [("from", from), ("to", to)] {
        let name = globset::escape(name);
        if row.get(key).and_then(Item::as_str) != Some(&name) {
            row[key] = value(name);
        }
    }
    match rule {
        Rule::Edge { token, .. } => row["token"] = value(*token),
        Rule::Ignore { kind, name, reason, .. } => {
            row[kind] = value(name.as_str());
            row["reason"] = value(reason.trim());
        }
    }
}

fn line_of(text: &str, key: &'static str, index: usize) -> usize {
    let Ok(root) = toml::de::DeTable::parse(text) else { return 1 };
    let offset = Places::new(root.get_ref()).offset(&[Step::from(key), Step::from(index)]);
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}
