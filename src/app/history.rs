//! What was typed in earlier runs, in a file that only its user can read. A line with a credential is kept nowhere.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::logs;
use crate::tui::prompt::LONGEST;
use crate::tui::typing::HISTORY;

/// Lines of the file at which the older half of them goes.
const MOST: usize = 4 * HISTORY;

/// Filters and commands of earlier runs, the newest last.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Filters.
    pub filters: Vec<String>,
    /// Commands.
    pub commands: Vec<String>,
}

/// Where the file is; `None` without a home.
pub fn path() -> Option<PathBuf> {
    logs::state_folder().map(|folder| folder.join("history"))
}

/// Reads the file; one that is not there, or cannot be read, is an empty one.
pub fn load(path: &Path) -> History {
    let mut found = History::default();
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    for line in text.lines() {
        let (list, line) = match (line.strip_prefix('/'), line.strip_prefix(':')) {
            (Some(filter), _) => (&mut found.filters, filter),
            (_, Some(command)) => (&mut found.commands, command),
            _ => continue,
        };
        list.retain(|kept| kept != line);
        list.push(line.to_owned());
    }
    for list in [&mut found.filters, &mut found.commands] {
        list.drain(..list.len().saturating_sub(HISTORY));
    }
    found
}

/// Adds a line. What looks like a credential is left out without a word: the user did nothing wrong.
pub fn remember(path: &Path, command: bool, line: &str) -> io::Result<()> {
    let clean = !line.contains(char::is_control) && line.len() <= LONGEST;
    if !clean || super::scrubbed(line) != line {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    shorten(path)?;
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    private(&file)?;
    // One write: lines of two programs at once do not mix.
    file.write_all(format!("{}{line}\n", if command { ':' } else { '/' }).as_bytes())
}

/// Takes the older half away where there is too much.
fn shorten(path: &Path) -> io::Result<()> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(()) };
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() < MOST {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    for line in &lines[lines.len() - MOST / 2..] {
        writeln!(file, "{line}")?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Nobody else is to read it, whoever made it.
fn private(file: &fs::File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_once_and_in_order_and_the_file_stays_small_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/history");
        for line in ["service:a", "service:b", "service:a"] {
            remember(&path, false, line).unwrap();
        }
        remember(&path, true, "traces").unwrap();
        let expected = History {
            filters: vec!["service:b".to_owned(), "service:a".to_owned()],
            commands: vec!["traces".to_owned()],
        };
        assert_eq!(load(&path), expected);
        let many: Vec<String> = (0..MOST).map(|at| format!("/service:{at}")).collect();
        fs::write(&path, many.join("\n") + "\n").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        remember(&path, false, "service:last").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), MOST / 2 + 1);
        let kept = load(&path).filters;
        assert_eq!((kept.len(), kept.last().map(String::as_str)), (HISTORY, Some("service:last")));
    }

    #[test]
    fn credentials_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history");
        let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImxhYiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbmF0dXJl";
        for line in [format!("service {token}"), format!("view Bearer {token}"), "a\nb".to_owned()] {
            remember(&path, true, &line).unwrap();
        }
        assert!(!path.exists());
    }
}
