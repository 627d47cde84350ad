//! The user's own file: options of every command, keys, saved views, colours. What its words mean is known where they
//! are used; here they are read with their places.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::error::unknown;

/// Its name in the folder of the program.
pub const USER_FILE: &str = "jwtrail/config.toml";

const TABLES: [&str; 4] = ["options", "keys", "view", "theme"];
const VIEW_KEYS: [&str; 5] = ["name", "key", "page", "filter", "sort"];

/// A value and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its first byte in the text.
    pub at: usize,
}

/// What an option is set to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Setting {
    /// `true` or `false`.
    Flag(bool),
    /// One text or number, as it would stand behind the option.
    One(String),
    /// Several, for an option that may be given more than once.
    Many(Vec<Placed<String>>),
}

/// One line of `[options]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptionRow {
    /// The long option.
    pub name: Placed<String>,
    /// What it is set to.
    pub value: Placed<Setting>,
}

/// One line of `[keys]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRow {
    /// The action.
    pub action: Placed<String>,
    /// Its keys.
    pub keys: Vec<Placed<String>>,
}

/// One `[[view]]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ViewRow {
    /// What it is called.
    pub name: Placed<String>,
    /// The key that shows it.
    pub key: Option<Placed<String>>,
    /// The page.
    pub page: Placed<String>,
    /// The filter.
    pub filter: Option<Placed<String>>,
    /// The order.
    pub sort: Option<Placed<String>>,
}

/// The file, as it stands.
#[derive(Clone, Debug, Default)]
pub struct UserFile {
    /// Where it was read.
    pub path: PathBuf,
    /// `[options]`
    pub options: Vec<OptionRow>,
    /// `[keys]`
    pub keys: Vec<KeyRow>,
    /// `[[view]]`
    pub views: Vec<ViewRow>,
    /// `[theme]`, which is read where colours are.
    pub theme: Option<toml::Table>,
    text: String,
}

/// Where the file is: in `XDG_CONFIG_HOME`, else in `~/.config`; `None` without a home.
pub fn user_path(var: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let folder = |name| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || folder("HOME").map(|home| home.join(".config"));
    folder("XDG_CONFIG_HOME").or_else(home).map(|folder| folder.join(USER_FILE))
}

impl UserFile {
    /// Reads a file; one that is not there is an empty one. Everything that is wrong is named, the rest is read.
    pub fn read(path: &Path) -> Result<(Self, Vec<ConfigError>), ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::parse(path, text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok((Self { path: path.to_path_buf(), ..Self::default() }, Vec::new()))
            }
            Err(source) => Err(ConfigError::Read { what: "configuration", path: path.to_path_buf(), source }),
        }
    }

    /// Reads a text; `path` is for messages.
    pub fn parse(path: &Path, text: String) -> (Self, Vec<ConfigError>) {
        let mut file = Self { path: path.to_path_buf(), text, ..Self::default() };
        let text = file.text.clone();
        let mut reader = Reader { text: &text, faults: Vec::new() };
        match DeTable::parse(&text) {
            Ok(table) => reader.root(table.get_ref(), &mut file),
            Err(error) => return (file, vec![ConfigError::from_toml(path, &text, &error)]),
        }
        if file.theme.is_some() {
            // It was parsed above; what colours mean is found out where they are read.
            let whole: Option<toml::Table> = text.parse().ok();
            file.theme = whole.and_then(|mut whole| whole.remove("theme")).and_then(|theme| theme.as_table().cloned());
        }
        reader.faults.sort_by_key(|(at, _)| *at);
        let faults = reader.faults.into_iter().map(|(at, message)| ConfigError::at(path, &text, at, message)).collect();
        (file, faults)
    }

    /// `[theme]` as a file of its own, for whoever reads themes.
    pub fn theme_file(&self) -> Option<String> {
        let theme = self.theme.clone()?;
        Some(toml::Table::from_iter([("theme".to_owned(), toml::Value::Table(theme))]).to_string())
    }

    /// What is wrong with the word at this place.
    pub fn fault(&self, at: usize, message: String) -> ConfigError {
        ConfigError::at(&self.path, &self.text, at, message)
    }

    /// The line of a place, from 1.
    pub fn line(&self, at: usize) -> usize {
        super::error::line(&self.text, at)
    }
}

struct Reader<'a> {
    text: &'a str,
    faults: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>, file: &mut UserFile) {
        for (key, value) in root {
            let at = key.span().start;
            match (&**key.get_ref(), value.get_ref()) {
                ("options", DeValue::Table(table)) => self.options(table, file),
                ("keys", DeValue::Table(table)) => self.keys(table, file),
                ("theme", DeValue::Table(_)) => file.theme = Some(toml::Table::new()),
                ("view", DeValue::Array(rows)) => {
                    for row in rows {
                        match row.get_ref().as_table() {
                            Some(table) => self.view(table, row.span().start, file),
                            None => self.fault(row.span().start, "expected a table behind `[[view]]`"),
                        }
                    }
                }
                ("view", _) => self.fault(at, "expected `[[view]]`, found `view` with one value: double the brackets"),
                (name, _) if TABLES.contains(&name) => {
                    let message = format!("expected a table `[{name}]`, found `{name}` with one value");
                    self.fault(at, message);
                }
                (name, _) => self.fault(at, unknown("table", name, &TABLES)),
            }
        }
    }

    fn fault(&mut self, at: usize, message: impl Into<String>) {
        self.faults.push((at, message.into()));
    }

    /// A text, or a number as it is written.
    fn text(&mut self, value: &Spanned<DeValue<'_>>, expected: &str) -> Option<Placed<String>> {
        let at = value.span().start;
        let found = match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(_) | DeValue::Float(_) => self.text.get(value.span()).map(str::to_owned),
            _ => None,
        };
        if found.is_none() {
            self.fault(at, format!("expected {expected}, found {}", kind(value.get_ref())));
        }
        found.map(|value| Placed { value, at })
    }

    fn texts(&mut self, value: &Spanned<DeValue<'_>>, expected: &str) -> Option<Vec<Placed<String>>> {
        match value.get_ref() {
            DeValue::Array(list) => Some(list.iter().filter_map(|one| self.text(one, expected)).collect()),
            _ => self.text(value, expected).map(|one| vec![one]),
        }
    }

    fn options(&mut self, table: &DeTable<'_>, file: &mut UserFile) {
        for (key, value) in table {
            let name = Placed { value: key.get_ref().to_string(), at: key.span().start };
            let setting = match value.get_ref() {
                DeValue::Boolean(flag) => Some(Setting::Flag(*flag)),
                DeValue::Array(_) => self.texts(value, "a text").map(Setting::Many),
                _ => self
                    .text(value, "a text, a number, a list of texts, `true` or `false`")
                    .map(|one| Setting::One(one.value)),
            };
            if let Some(setting) = setting {
                file.options.push(OptionRow { name, value: Placed { value: setting, at: value.span().start } });
            }
        }
    }

    fn keys(&mut self, table: &DeTable<'_>, file: &mut UserFile) {
        for (key, value) in table {
            let action = Placed { value: key.get_ref().to_string(), at: key.span().start };
            if let Some(keys) = self.texts(value, "the name of a key, or a list of them") {
                file.keys.push(KeyRow { action, keys });
            }
        }
        // As they stand in the file: of two that want the same key the second is at fault.
        file.keys.sort_by_key(|row| row.action.at);
    }

    fn view(&mut self, table: &DeTable<'_>, at: usize, file: &mut UserFile) {
        let mut found: [Option<Placed<String>>; VIEW_KEYS.len()] = Default::default();
        let before = self.faults.len();
        for (key, value) in table {
            match VIEW_KEYS.iter().position(|known| *known == &**key.get_ref()) {
                Some(place) => found[place] = self.text(value, "a text"),
                None => self.fault(key.span().start, unknown("key", key.get_ref(), &VIEW_KEYS)),
            }
        }
        let [name, key, page, filter, sort] = found;
        let (Some(name), Some(page)) = (name, page) else {
            if self.faults.len() == before {
                self.fault(at, "expected `name` and `page` in a view, one of them is missing");
            }
            return;
        };
        file.views.push(ViewRow { name, key, page, filter, sort });
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
