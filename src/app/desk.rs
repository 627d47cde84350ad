//! What the screen hands out to be kept for the next run: history and saved views. Whatever else it wants goes to the
//! host behind.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{history, preferences};
use crate::tui::effect::{Host, Request};
use crate::tui::saved::SavedView;

/// A host in front of another.
pub struct Desk {
    history: Option<PathBuf>,
    config: Option<PathBuf>,
    behind: Option<Arc<dyn Host>>,
    /// One at a time: each request comes on a thread of its own.
    one: Mutex<()>,
}

impl Desk {
    /// In front of a host, with the files of this user.
    pub fn new(behind: Option<Arc<dyn Host>>) -> Arc<Self> {
        Arc::new(Self { history: history::path(), config: preferences::path(), behind, one: Mutex::new(()) })
    }
}

impl Host for Desk {
    fn perform(&self, request: Request) -> Result<String, String> {
        let held = || self.one.lock().unwrap_or_else(PoisonError::into_inner);
        match (request, &self.behind) {
            (Request::Remember { command, line }, _) => {
                let Some(path) = &self.history else { return Ok(String::new()) };
                let _held = held();
                let kept = history::remember(path, command, &line);
                kept.map(|()| String::new()).map_err(|error| format!("the history cannot be kept: {error}"))
            }
            (Request::SaveView(view), _) => {
                let _held = held();
                let path = self.config.as_deref().ok_or("there is no home to keep a view in: set XDG_CONFIG_HOME")?;
                save(path, &view)
            }
            (request, Some(behind)) => behind.perform(request),
            (_, None) => Err("nothing here can do that".to_owned()),
        }
    }
}

/// Adds a view to the end of the file, which stays as it is otherwise.
fn save(path: &Path, view: &SavedView) -> Result<String, String> {
    let found = preferences::read(path).map_err(|error| error.to_string())?;
    if let Some(fault) = found.faults.first() {
        return Err(format!("the view is not saved, for the file is not in order: {fault}"));
    }
    if found.views.iter().any(|other| other.name == view.name) {
        return Err(format!("there is a view `{}` already in {}", view.name, path.display()));
    }
    append(path, &written(view)).map_err(|error| format!("the view is not saved: {}: {error}", path.display()))?;
    Ok(format!("saved the view `{}` to {}", view.name, path.display()))
}

fn written(view: &SavedView) -> String {
    let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let mut lines = format!("[[view]]\nname = {}\npage = {}\n", text(&view.name), text(view.page.title()));
    if !view.filter.is_empty() {
        let _ = writeln!(lines, "filter = {}", text(&view.filter));
    }
    if let Some(sort) = &view.sort {
        let _ = writeln!(lines, "sort = {}", text(sort));
    }
    lines
}

/// Writes a new file in the place of the old one: at no moment is there half of one. A link stays a link.
fn append(path: &Path, lines: &str) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    if let Ok(meta) = path.metadata() {
        file.as_file().set_permissions(meta.permissions())?;
    }
    let gap = if before.is_empty() { "" } else { "\n" };
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    write!(file, "{before}{end}{gap}{lines}")?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::page::Page;

    #[test]
    fn a_saved_view_is_read_again_and_the_rest_of_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jwtrail/config.toml");
        let view = |name: &str| SavedView {
            name: name.to_owned(),
            key: None,
            page: Page::Traces,
            filter: "route:\"/a \\\"b\\\"\"".to_owned(),
            sort: Some("-hops".to_owned()),
        };
        save(&path, &view("one")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("# mine\n[keys]\nquit = \"Q\" # kept\n\n{text}")).unwrap();
        save(&path, &view("two")).unwrap();
        assert!(save(&path, &view("two")).is_err());
        let found = preferences::read(&path).unwrap();
        assert_eq!((found.views, found.faults.len()), (vec![view("one"), view("two")], 0));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("# mine\n[keys]\nquit = \"Q\" # kept\n\n[[view]]"));
        std::fs::write(&path, "[kees]\n").unwrap();
        assert!(save(&path, &view("three")).unwrap_err().contains("config.toml:1:2: unknown table `kees`"));
    }
}
