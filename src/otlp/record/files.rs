//! The files of one recording: named, made, removed.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::RecordOptions;
use crate::otlp::pack::{Packer, Packing};

/// Numbers that are tried for a file that is not there yet.
const MOST_NUMBERS: u64 = 1_000_000;

/// Makes one file after the other.
pub(super) struct Files {
    options: RecordOptions,
    number: u64,
    /// Complete files of this recording, oldest first.
    done: VecDeque<PathBuf>,
}

/// A file that is being written.
pub(super) struct Open {
    path: PathBuf,
    to: Packer<BufWriter<Counted>>,
    empty: bool,
}

impl Files {
    pub(super) fn new(options: &RecordOptions) -> Self {
        Self { options: options.clone(), number: 0, done: VecDeque::new() }
    }

    /// Makes the next file, for the user alone. None that is there already is touched.
    pub(super) fn next(&mut self) -> io::Result<Open> {
        loop {
            self.number += 1;
            let path = numbered(&self.options.path, self.number);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(&path) {
                Ok(file) => {
                    let counted = BufWriter::with_capacity(1 << 16, Counted { file, bytes: 0 });
                    let to = Packer::new(Packing::of(&path), counted)?;
                    return Ok(Open { path, to, empty: true });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.number < MOST_NUMBERS => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether this one is as large as a file may be.
    pub(super) fn is_full(&self, file: &Open) -> bool {
        let buffer = file.to.inner();
        buffer.get_ref().bytes + buffer.buffer().len() as u64 >= self.options.file_bytes
    }

    /// Takes note of a complete file, and removes those beyond the number kept, the one to come counted. Answers how
    /// many were removed.
    pub(super) fn completed(&mut self, path: PathBuf) -> u64 {
        self.done.push_back(path);
        let mut removed = 0;
        while self.done.len() >= self.options.files.max(1) {
            let Some(oldest) = self.done.pop_front() else { break };
            match fs::remove_file(&oldest) {
                Ok(()) => removed += 1,
                Err(error) => tracing::warn!("cannot remove {}: {error}", oldest.display()),
            }
        }
        removed
    }
}

impl Open {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.empty = false;
        self.to.write_all(lines)
    }

    /// Hands on what was written to the system, so that a crash of the program loses none of it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Ends the file. One that nothing was written to is removed.
    pub(super) fn finish(self) -> io::Result<PathBuf> {
        let Self { path, to, empty } = self;
        let finished = to.finish();
        if empty {
            fs::remove_file(&path)?;
        }
        finished.map(|_| path)
    }

    /// Gives it up after an error: what was written is there to be read, an empty file is not.
    pub(super) fn abandon(self) {
        let Self { path, to, .. } = self;
        drop(to);
        if fs::metadata(&path).is_ok_and(|file| file.len() == 0) {
            // Who cannot write may well not remove.
            drop(fs::remove_file(&path));
        }
    }
}

/// `t.jsonl.zst`, `t.2.jsonl.zst`, `t.3.jsonl.zst`.
fn numbered(path: &Path, number: u64) -> PathBuf {
    if number == 1 {
        return path.to_path_buf();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = |name: &str| name.rfind('.').filter(|at| *at > 0).unwrap_or(name.len());
    let (inner, packing) = match Packing::of(path) {
        Packing::Plain => (&*name, ""),
        Packing::Gzip | Packing::Zstd => name.split_at(extension(&name)),
    };
    let (stem, kind) = inner.split_at(extension(inner));
    path.with_file_name(format!("{stem}.{number}{kind}{packing}"))
}

/// Counts what goes to the disk.
struct Counted {
    file: File,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_extensions() {
        let named = |name: &str| numbered(Path::new(name), 2).display().to_string();
        assert_eq!(named("a/t.jsonl"), "a/t.2.jsonl");
        assert_eq!(named("t.jsonl.zst"), "t.2.jsonl.zst");
        assert_eq!(named("t.gz"), "t.2.gz");
        assert_eq!(named("t"), "t.2");
        assert_eq!(named(".t"), ".t.2");
        assert_eq!(named("run.2026.jsonl"), "run.2026.2.jsonl");
        assert_eq!(numbered(Path::new("t.jsonl"), 1), Path::new("t.jsonl"));
    }
}
