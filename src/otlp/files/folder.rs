//! Folders stand for the files in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How deep folders are entered.
const MAX_DEPTH: u8 = 16;

/// A file to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// It was named itself, and not only the folder that it lies in: then it has to be readable.
    pub named: bool,
}

/// What a list of paths stands for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expanded {
    /// The files: paths in their order, the files of a folder by name.
    pub files: Vec<Found>,
    /// Folders that could not be entered, each with its reason.
    pub passed_over: Vec<String>,
}

/// Puts the files of a folder in its place, and those of the folders in it. Hidden ones are left out, so is what is
/// neither file nor folder; a link to a file is followed, one to a folder is not.
pub fn expand(paths: &[PathBuf]) -> Expanded {
    let mut expanded = Expanded::default();
    for path in paths {
        // `-` is standard input even where a folder has that name.
        if path.as_os_str() != "-" && path.is_dir() {
            enter(path, MAX_DEPTH, &mut expanded);
        } else {
            expanded.files.push(Found { path: path.clone(), named: true });
        }
    }
    expanded
}

fn enter(folder: &Path, depth: u8, into: &mut Expanded) {
    let Some(depth) = depth.checked_sub(1) else {
        into.passed_over.push(format!("{}: more than {MAX_DEPTH} folders deep", folder.display()));
        return;
    };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            into.passed_over.push(format!("cannot open {}: {error}", folder.display()));
            return;
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => enter(&path, depth, into),
            _ if path.is_file() => into.files.push(Found { path, named: false }),
            _ => {}
        }
    }
}
