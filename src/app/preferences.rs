//! The user's file made sense of: keys to actions, views to pages, and every word in it that means nothing.

use std::path::Path;

use clap::CommandFactory;

use super::layers;
use crate::cli::Cli;
use crate::config::{ConfigError, KeyRow, OptionRow, Placed, Setting, UserFile, ViewRow, unknown};
use crate::filter::Filter;
use crate::tui::keymap::{Key, Keymap, written};
use crate::tui::keyname;
use crate::tui::message::Action;
use crate::tui::page::Page;
use crate::tui::saved::{self, SavedView};
use crate::tui::theme::Theme;

/// What the user's file says.
#[derive(Debug, Default)]
pub struct Preferences {
    /// Which key does what.
    pub keymap: Keymap,
    /// Saved views.
    pub views: Vec<SavedView>,
    /// The file itself.
    pub file: UserFile,
    /// Everything that is wrong with it, in its order.
    pub faults: Vec<ConfigError>,
}

/// Where the file is, if there is a home to look in.
pub fn path() -> Option<std::path::PathBuf> {
    crate::config::user_path(|name| std::env::var_os(name))
}

/// Reads the file of this user; whatever is wrong with it is left out.
pub fn load() -> Result<Preferences, ConfigError> {
    path().map_or_else(|| Ok(Preferences::default()), |path| read(&path))
}

/// Reads a file.
pub fn read(path: &Path) -> Result<Preferences, ConfigError> {
    let (file, faults) = UserFile::read(path)?;
    Ok(understand(file, faults))
}

/// Makes sense of what was read.
pub fn understand(file: UserFile, faults: Vec<ConfigError>) -> Preferences {
    let mut found = Preferences { file, faults, ..Preferences::default() };
    let mut wrong: Vec<(usize, String)> = layers::faults(&Cli::command(), &found.file.options);
    wrong.extend(found.file.options.iter().filter_map(theme));
    let mut given: Vec<(Key, &KeyRow)> = Vec::new();
    for row in &found.file.keys {
        bind(row, &found.file, &mut found.keymap, &mut given, &mut wrong);
    }
    for row in &found.file.views {
        match view(row, &found.views, &found.keymap) {
            Ok(view) => found.views.push(view),
            Err((at, message)) => wrong.push((at, message)),
        }
    }
    found.faults.extend(wrong.into_iter().map(|(at, message)| found.file.fault(at, message)));
    found.faults.sort_by_key(ConfigError::place);
    found
}

/// A theme that is no file's path must be a name that is known.
fn theme(row: &OptionRow) -> Option<(usize, String)> {
    let Setting::One(wanted) = &row.value.value else { return None };
    let is_name = row.name.value == "theme" && !wanted.contains(['/', '.']) && !["", "auto"].contains(&&**wanted);
    let unknown = if is_name { Theme::named(wanted).err()? } else { return None };
    Some((row.value.at, unknown.to_string()))
}

/// Gives an action its keys; a key that two want is nobody's by chance.
fn bind<'a>(
    row: &'a KeyRow,
    file: &UserFile,
    keymap: &mut Keymap,
    given: &mut Vec<(Key, &'a KeyRow)>,
    wrong: &mut Vec<(usize, String)>,
) {
    let Some(action) = Action::from_name(&row.action.value) else {
        let names: Vec<&str> = Action::ALL.iter().map(|action| action.name()).collect();
        return wrong.push((row.action.at, unknown("action", &row.action.value, &names)));
    };
    let mut keys = Vec::new();
    for name in &row.keys {
        let key = match keyname::read(&name.value) {
            Ok(key) => key,
            Err(message) => {
                wrong.push((name.at, message));
                continue;
            }
        };
        if let Some((_, other)) = given.iter().find(|(taken, _)| *taken == key) {
            let (own, other, line) = (&row.action.value, &other.action.value, file.line(other.action.at));
            let found = &name.value;
            let message =
                format!("expected a key for `{own}` alone, found `{found}`, which `{other}` has already (line {line})");
            wrong.push((name.at, message));
        } else {
            given.push((key, row));
            keys.push(key);
        }
    }
    keymap.rebind(action, &keys);
}

fn view(row: &ViewRow, others: &[SavedView], keymap: &Keymap) -> Result<SavedView, (usize, String)> {
    if row.name.value.trim().is_empty() {
        return Err((row.name.at, "expected a name, found an empty text".to_owned()));
    }
    if others.iter().any(|view| view.name == row.name.value) {
        return Err((row.name.at, format!("there is a view `{}` already: give this one another name", row.name.value)));
    }
    let page = saved::page(&row.page.value).ok_or_else(|| {
        let titles: Vec<&str> = Page::VIEWS.iter().map(|page| page.title()).collect();
        (row.page.at, unknown("page", &row.page.value, &titles))
    })?;
    let key = row.key.as_ref().map(|key| view_key(key, others, keymap)).transpose()?;
    if let Some(filter) = &row.filter {
        filter.value.parse::<Filter>().map_err(|error| (filter.at, format!("filter: {error}")))?;
    }
    if let Some(sort) = &row.sort {
        let known = saved::sorts(page);
        let name = sort.value.strip_prefix('-').unwrap_or(&sort.value);
        if known.is_empty() {
            return Err((sort.at, format!("expected no `sort`: {} have no order to choose", page.title())));
        }
        if !known.contains(&name) {
            return Err((sort.at, unknown("order", name, &known)));
        }
    }
    let text = |placed: &Option<Placed<String>>| placed.as_ref().map(|placed| placed.value.clone());
    Ok(SavedView {
        name: row.name.value.clone(),
        key,
        page,
        filter: text(&row.filter).unwrap_or_default(),
        sort: text(&row.sort),
    })
}

fn view_key(name: &Placed<String>, others: &[SavedView], keymap: &Keymap) -> Result<Key, (usize, String)> {
    let key = keyname::read(&name.value).map_err(|message| (name.at, message))?;
    let owner = match keymap.action(key) {
        Some(action) => Some(format!("`{}` has", action.name())),
        None => others.iter().find(|view| view.key == Some(key)).map(|view| format!("the view `{}` has", view.name)),
    };
    match owner {
        None => Ok(key),
        Some(owner) => {
            let written = written(key);
            Err((
                name.at,
                format!("expected a free key, found `{written}`, which {owner} already: `[keys]` can move it"),
            ))
        }
    }
}
