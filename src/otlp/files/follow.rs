//! A file that someone else writes, read on as it grows.
//!
//! One [`Follow`] goes through a file's lives one after the other: each ends for its reader where the file was rotated
//! (another file has its name) or truncated, and [`Follow::again`] begins the next one, so that a record cut off at the
//! end of one is not joined with the beginning of the next. The file is looked at four times a second, which works on
//! every file system; a file that is rotated twice in between, or truncated and refilled, is missed.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::{FileReport, ReadError};
use crate::model::Batch;
use crate::otlp::compression::Coding;
use crate::otlp::decode::Decode;

/// Between two looks at a file that has not grown.
const LOOK: Duration = Duration::from_millis(250);

/// Ends every reading that waits for it.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Ends the reading: now where it waits, with the next read where it does not.
    pub fn stop(&self) {
        let (asked, bell) = &*self.0;
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        bell.notify_all();
    }

    /// Whether the end was asked for.
    pub fn is_asked(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long at most; true once the end was asked for.
    pub fn wait(&self, time: Duration) -> bool {
        let (asked, bell) = &*self.0;
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = bell.wait_timeout_while(asked, time, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Why a life of the file is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Over {
    /// Another file has its name.
    Rotated,
    /// It is shorter than what was read of it.
    Truncated,
    /// It is no regular file, and has ended.
    Ended,
}

/// A file that grows.
pub struct Follow {
    path: PathBuf,
    file: File,
    position: u64,
    /// The first bytes of this life.
    magic: Vec<u8>,
    over: Option<Over>,
    stop: Stop,
}

impl Follow {
    /// Opens the file; reading begins with what it holds already.
    pub fn open(path: &Path, stop: &Stop) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { path: path.to_owned(), file, position: 0, magic: Vec::new(), over: None, stop: stop.clone() })
    }

    /// Begins the next life where this one is over; false where the reading is.
    pub fn again(&mut self) -> io::Result<bool> {
        if self.over.is_none_or(|over| over == Over::Ended) {
            return Ok(false);
        }
        while !self.stop.is_asked() {
            match Self::open(&self.path, &self.stop) {
                Ok(next) => {
                    *self = next;
                    return Ok(true);
                }
                // Renamed once more, and not there again yet.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.stop.wait(LOOK),
                Err(error) => return Err(error),
            };
        }
        Ok(false)
    }

    /// What was left unread when the reading was stopped, in bytes.
    pub fn unread(&self) -> u64 {
        self.file.metadata().map_or(0, |meta| meta.len().saturating_sub(self.position))
    }

    /// Reads what is there; 0 at the end of what was written so far.
    fn read_on(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        self.position += count as u64;
        if self.magic.len() < 4 {
            let fresh = into.get(..count).unwrap_or_default();
            self.magic.extend_from_slice(fresh.get(..fresh.len().min(4)).unwrap_or_default());
            if matches!(Coding::sniffed(&self.magic), Coding::Gzip | Coding::Zstd) {
                let why = "expected a file that can be read on as it grows, found a compressed one: leave out --follow";
                return Err(io::Error::new(io::ErrorKind::Unsupported, why));
            }
        }
        Ok(count)
    }

    /// Whether this life is over. A new file without a byte in it waits: whoever writes may not have reopened it yet.
    fn look(&self) -> io::Result<Option<Over>> {
        let own = self.file.metadata()?;
        if !own.is_file() {
            return Ok(Some(Over::Ended));
        }
        if own.len() < self.position {
            return Ok(Some(Over::Truncated));
        }
        match std::fs::metadata(&self.path) {
            Ok(named) => Ok((named.len() > 0 && !same(&own, &named)).then_some(Over::Rotated)),
            // Renamed, and not there again yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether two looks were at one file.
#[cfg(unix)]
fn same(left: &Metadata, right: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (left.dev(), left.ino()) == (right.dev(), right.ino())
}

/// Whether two looks were at one file.
#[cfg(not(unix))]
fn same(left: &Metadata, right: &Metadata) -> bool {
    left.created().ok() == right.created().ok()
}

impl Read for Follow {
    /// Waits for more; 0 where this life is over or the end was asked for.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.over.is_some() || into.is_empty() || self.stop.is_asked() {
                return Ok(0);
            }
            let count = self.read_on(into)?;
            if count > 0 {
                return Ok(count);
            }
            if let Some(over) = self.look()? {
                // What was written between the last read and the look.
                let last = if over == Over::Rotated { self.read_on(into)? } else { 0 };
                if last > 0 {
                    return Ok(last);
                }
                self.over = Some(over);
                return Ok(0);
            }
            self.stop.wait(LOOK);
        }
    }
}

/// Reads a file on as it grows, until `stop` is asked for, and hands over each record's batch as soon as the record is
/// whole. `ended` is told what each life of the file held.
pub fn read_on(
    path: &Path,
    stop: &Stop,
    decoder: &dyn Decode,
    each: &mut dyn FnMut(Batch),
    ended: &mut dyn FnMut(FileReport, u64),
) -> Result<(), ReadError> {
    let name = path.display().to_string();
    let mut follow = Follow::open(path, stop).map_err(|source| ReadError::Open { path: name.clone(), source })?;
    loop {
        match super::read_live(&mut follow, &name, decoder, each) {
            Ok(mut report) => {
                let unread = if follow.over.is_none() { follow.unread() } else { 0 };
                if unread > 0 {
                    report.truncated = None;
                }
                ended(report, unread);
            }
            // What was cut off before it told its format is lost with its life; a file of another kind is none.
            Err(ReadError::NoSpans { .. }) if follow.over.is_some() || stop.is_asked() => {}
            Err(error) => return Err(error),
        }
        let again = follow.again().map_err(|source| ReadError::Open { path: name.clone(), source })?;
        if !again {
            return Ok(());
        }
    }
}
