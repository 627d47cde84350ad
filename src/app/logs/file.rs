//! A file of lines that stays within a bound: when it is full, it is moved aside and another one begun.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::policy::Policy;
use crate::model::text::Safe;
use crate::token::{FingerprintKey, KeySets, Shared};

/// Bytes of a log; with the one that was moved aside it is at most twice that.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Bytes of one line. A longer one ends here, and says so.
const LONGEST_LINE: usize = 64 * 1024;

/// Characters made safe at a time: fewer than [`Safe`] cuts at.
const PIECE: usize = 1_000;

static LINES: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);
static ROTATIONS: AtomicU64 = AtomicU64::new(0);

/// What became of this process's log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogCounters {
    /// Lines written.
    pub lines: u64,
    /// Lines that could not be written.
    pub lost: u64,
    /// Times that it was moved aside.
    pub rotations: u64,
}

/// Counters of this process's log.
pub fn counters() -> LogCounters {
    let [lines, lost, rotations] = [&LINES, &LOST, &ROTATIONS].map(|counter| counter.load(Ordering::Relaxed));
    LogCounters { lines, lost, rotations }
}

/// A log that is open. Each write is one line, with its end.
pub(super) struct LogFile {
    file: File,
    path: PathBuf,
    written: u64,
    /// Looks for credentials; without one, lines that may hold some are left out.
    scrubber: Option<std::sync::Arc<Shared>>,
    largest: u64,
}

impl LogFile {
    /// The usual name in a folder, which is made.
    pub(super) fn within(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Self::open(folder.join("jwtrail.log"))
    }

    /// Goes on with a file, or makes it for this user alone.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let key = FingerprintKey::random();
        let scrubber = key.and_then(|key| Shared::new(&Policy::default(), key, KeySets::default())).ok();
        let (file, written) = open(&path)?;
        let mut log = Self { file, path, written, scrubber, largest: LARGEST };
        if log.written >= log.largest {
            log.rotate()?;
        }
        Ok(log)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Moves the file aside and begins another, unless another process has done so already.
    fn rotate(&mut self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|meta| meta.len() >= self.largest) {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            fs::rename(&self.path, aside)?;
            ROTATIONS.fetch_add(1, Ordering::Relaxed);
        }
        (self.file, self.written) = open(&self.path)?;
        Ok(())
    }

    fn put(&mut self, line: &str) -> io::Result<()> {
        if self.written >= self.largest {
            self.rotate()?;
        }
        let line = format!("{line}\n");
        self.file.write_all(line.as_bytes())?;
        self.written += line.len() as u64;
        Ok(())
    }

    /// The line as it may be kept.
    fn harmless(&self, line: &str) -> Option<String> {
        // First, for what is taken away here may stand between two halves of a token.
        let safe = all_safe(line);
        let mut line = self.scrubber.as_ref()?.scrub(&safe).into_owned();
        // Cut last: half a token would not be known for one.
        if line.len() > LONGEST_LINE {
            let bytes = line.len();
            let end = (0..=LONGEST_LINE).rev().find(|at| line.is_char_boundary(*at)).unwrap_or_default();
            line.truncate(end);
            let _ = write!(line, " … ({bytes} bytes in all)");
        }
        Some(line)
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let kept = self.harmless(text.trim_end_matches('\n'));
        let written = kept.ok_or_else(|| io::Error::other("no scrubber")).and_then(|line| self.put(&line));
        // Whoever logs has other things to do than to see to its log: the loss is counted.
        let counter = if written.is_ok() { &LINES } else { &LOST };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// [`Safe`] text of any length.
fn all_safe(mut line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    while !line.is_empty() {
        let end = line.char_indices().nth(PIECE).map_or(line.len(), |(at, _)| at);
        let (piece, rest) = line.split_at(end);
        safe.push_str(Safe::new(piece).as_str());
        line = rest;
    }
    safe
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_moved_aside_and_no_line_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::within(folder.path()).unwrap();
        log.largest = 100;
        for number in 0..20 {
            log.write_all(format!("line {number:02} of so many\n").as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let (aside, now) = (read("jwtrail.log.1"), read("jwtrail.log"));
        assert!(aside.len() <= 125 && now.len() <= 125, "{} and {}", aside.len(), now.len());
        assert!(now.ends_with("line 19 of so many\n"), "{now}");
        let lines: Vec<String> = (12..20).map(|number| format!("line {number} of so many\n")).collect();
        assert_eq!(format!("{aside}{now}"), lines.concat());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_line_of_a_stranger_stays_one_line_without_its_token() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::within(folder.path()).unwrap();
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9mLWEtdGVzdA";
        let line = format!("INFO service=\"a\nb\u{1b}[2J\u{9b}\u{202e}\" Bearer {token} {}\n", "long ".repeat(20_000));
        log.write_all(line.as_bytes()).unwrap();
        let text = fs::read_to_string(folder.path().join("jwtrail.log")).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert!(text.len() < LONGEST_LINE + 100 && text.ends_with("bytes in all)\n"), "{}", text.len());
        let mut chars = text.trim_end().chars();
        assert!(chars.all(|c| !c.is_control() && c != '\u{202e}'), "{}", &text[..200]);
        assert!(!text.contains(&token[..12]), "{}", &text[..200]);
    }
}
