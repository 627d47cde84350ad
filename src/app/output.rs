//! A file that is written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::out;
use crate::otlp::pack::{Packer, Packing};

/// Where a command's traces go: a file, packed as its name says, or standard output.
///
/// A file comes to be under a name of its own beside the one asked for, and takes that name when it is complete. What
/// is no plain file (a pipe, a device) is written as it is.
pub struct Output {
    to: Packer<BufWriter<To>>,
}

enum To {
    Stdout(io::Stdout),
    /// Nobody reads standard output any more, and nothing is written.
    Nobody,
    Special(File),
    Beside(NamedTempFile, PathBuf),
}

impl Output {
    /// Nothing is changed on disk but for the temporary file.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let to = if path.as_os_str() == "-" {
            To::Stdout(io::stdout())
        } else {
            open(path).with_context(|| format!("cannot write {}", path.display()))?
        };
        Ok(Self { to: Packer::new(Packing::of(path), BufWriter::with_capacity(1 << 16, to))? })
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    /// Completes the file and gives it its name.
    pub fn finish(self) -> io::Result<()> {
        match self.to.finish()?.into_inner().map_err(io::IntoInnerError::into_error)? {
            To::Beside(file, path) => file.persist(path).map(drop).map_err(|error| error.error),
            To::Stdout(_) | To::Nobody | To::Special(_) => Ok(()),
        }
    }
}

fn open(path: &Path) -> io::Result<To> {
    let path = match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(io::Error::other("expected a file, found a folder")),
        Ok(there) if !there.is_file() => return Ok(To::Special(OpenOptions::new().write(true).open(path)?)),
        // The file that a link leads to, or the link would be replaced.
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_owned(),
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".jwtrail-").tempfile_in(folder)?;
    Ok(To::Beside(file, path))
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => match stdout.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    *self = Self::Nobody;
                    Ok(bytes.len())
                }
                written => written,
            },
            Self::Nobody => Ok(bytes.len()),
            Self::Special(file) => file.write(bytes),
            Self::Beside(file, _) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => out::quiet(stdout.flush()),
            Self::Nobody => Ok(()),
            Self::Special(file) => file.flush(),
            Self::Beside(file, _) => file.flush(),
        }
    }
}

/// Whether two paths lead to one file; standard input is none.
pub fn same_file(left: &Path, right: &Path) -> bool {
    if left.as_os_str() == "-" || right.as_os_str() == "-" {
        return false;
    }
    #[cfg(unix)]
    if let (Ok(left), Ok(right)) = (fs::metadata(left), fs::metadata(right)) {
        use std::os::unix::fs::MetadataExt as _;
        // A device is no file: reading one and writing another side of it is fine.
        return left.is_file() && (left.dev(), left.ino()) == (right.dev(), right.ino());
    }
    matches!((fs::canonicalize(left), fs::canonicalize(right)), (Ok(left), Ok(right)) if left == right)
}

/// An output's name for people.
pub fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard output".to_owned() } else { path.display().to_string() }
}
