//! A file's bytes, unpacked, through a window that moves forward.

use std::io::{self, Cursor, Read};

use super::progress::{Counted, Progress};
use crate::otlp::buffer::wipe;
use crate::otlp::compression::Coding;

/// How much of the beginning is kept to tell what a file is.
const HEAD_BYTES: usize = 64 << 10;

/// Log2 of the largest zstd window: what every packer writes unless it is told to take more memory (`zstd --long`).
const MAX_WINDOW_LOG: u32 = 27;

/// What is asked of the system at once.
const READ_BYTES: usize = 256 << 10;

/// The least that a window holds.
const MIN_WINDOW: usize = 64;

/// How much of a binary file that is still being written is waited for, to tell what it is.
const BINARY_HEAD_BYTES: usize = 16;

/// The bytes of a file.
pub(super) struct Input<'a> {
    reader: Box<dyn Read + Send + 'a>,
    window: Vec<u8>,
    at: usize,
    end: usize,
    /// The furthest that the window was ever filled.
    filled: usize,
    /// Bytes at the window's start that are wiped already.
    wiped: usize,
    head: Vec<u8>,
    position: u64,
    line: u64,
    packed: bool,
    ended: bool,
    failed: Option<io::Error>,
}

/// The next line, as it stands in the window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// So many bytes and a line feed.
    Whole(usize),
    /// So many bytes, and the end of the file.
    Last(usize),
    /// More than the window takes.
    Long,
}

impl<'a> Input<'a> {
    /// Unpacks by magic bytes, as often as the file was packed, within reason, and fills the window.
    pub(super) fn open(from: impl Read + Send + 'a, window: usize, progress: Option<&'a Progress>) -> io::Result<Self> {
        let mut input = Self::unpacked(from, window, progress)?;
        input.fill_up();
        // Something may come behind more white space than a window takes.
        while input.full() && input.ahead().iter().all(u8::is_ascii_whitespace) {
            input.consume(input.ahead().len());
            input.fill_up();
        }
        input.begin();
        Ok(input)
    }

    /// The same for a source that waits at its end for more: no more is read than tells what it is.
    pub(super) fn open_live(from: impl Read + Send + 'a, window: usize) -> io::Result<Self> {
        let mut input = Self::unpacked(from, window, None)?;
        while !input.full() && !input.ended && input.failed.is_none() && !tells(input.ahead()) {
            input.fill_later();
        }
        input.begin();
        Ok(input)
    }

    fn unpacked(from: impl Read + Send + 'a, window: usize, progress: Option<&'a Progress>) -> io::Result<Self> {
        let mut reader: Box<dyn Read + Send + 'a> = match progress {
            Some(progress) => Box::new(Counted::new(from, progress)),
            None => Box::new(from),
        };
        let (mut packed, mut failed) = (false, None);
        for _ in 0..3 {
            let mut magic = Vec::with_capacity(4);
            match reader.by_ref().take(4).read_to_end(&mut magic) {
                Ok(_) => {}
                // A packed file of a few bytes may be cut off within its first block.
                Err(error) if packed => failed = Some(error),
                Err(error) => return Err(error),
            }
            let coding = Coding::sniffed(&magic);
            let again = Cursor::new(magic).chain(reader);
            reader = match coding {
                Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(again)),
                Coding::Zstd => Box::new(zstd_decoder(again)?),
                Coding::Identity | Coding::Deflate => {
                    return Ok(Self {
                        reader: Box::new(again),
                        window: vec![0; window.max(MIN_WINDOW)],
                        at: 0,
                        end: 0,
                        filled: 0,
                        wiped: 0,
                        head: Vec::new(),
                        position: 0,
                        line: 1,
                        packed,
                        ended: false,
                        failed,
                    });
                }
            };
            packed = true;
        }
        Err(io::Error::other("expected a file packed once or twice, found one packed again and again"))
    }

    /// Keeps the head, and passes over a byte order mark.
    fn begin(&mut self) {
        let head = self.ahead();
        self.head = head.get(..HEAD_BYTES).unwrap_or(head).to_vec();
        if self.head.starts_with(b"\xef\xbb\xbf") {
            self.consume(3);
        }
    }

    /// Up to 64 KiB of its beginning.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether it was gzip or zstd.
    pub(super) fn packed(&self) -> bool {
        self.packed
    }

    /// Why nothing of a packed file could be unpacked, where that is so.
    pub(super) fn unpacked_nothing(&self) -> Option<&'static str> {
        self.failed.as_ref().filter(|_| self.packed && self.ahead().is_empty()).map(why_damaged)
    }

    /// Bytes passed so far, unpacked.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The line that comes next, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Whether all of it is in the window.
    pub(super) fn at_end(&self) -> bool {
        self.ended && self.failed.is_none()
    }

    /// What is in the window now.
    pub(super) fn ahead(&self) -> &[u8] {
        self.window.get(self.at..self.end).unwrap_or_default()
    }

    /// What comes next; nothing at the end of the file.
    pub(super) fn next(&mut self) -> io::Result<&[u8]> {
        if self.at == self.end {
            self.fill()?;
        }
        Ok(self.ahead())
    }

    /// Passes over so many bytes of the window.
    pub(super) fn consume(&mut self, bytes: usize) {
        let passed = self.ahead().get(..bytes).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.pass(bytes);
    }

    /// The same for bytes whose line feeds, if there are any, do not count.
    pub(super) fn pass(&mut self, bytes: usize) {
        let passed = bytes.min(self.end - self.at);
        self.at += passed;
        self.position += passed as u64;
    }

    /// Finds the end of the next line.
    pub(super) fn next_line(&mut self) -> io::Result<Line> {
        let mut seen = 0;
        loop {
            let rest = self.ahead().get(seen..).unwrap_or_default();
            if let Some(feed) = memchr::memchr(b'\n', rest) {
                return Ok(Line::Whole(seen + feed));
            }
            seen += rest.len();
            if self.full() {
                return Ok(Line::Long);
            }
            if !self.fill()? {
                return Ok(Line::Last(seen));
            }
        }
    }

    /// Passes over the line found by [`Self::next_line`], its line feed included.
    pub(super) fn pass_line(&mut self, line: Line) {
        match line {
            Line::Whole(length) => {
                self.pass(length + 1);
                self.line += 1;
            }
            Line::Last(length) => self.pass(length),
            Line::Long => {}
        }
    }

    /// Passes over empty lines.
    pub(super) fn pass_empty_lines(&mut self) {
        let ahead = self.ahead();
        let empty = ahead.iter().position(|byte| *byte != b'\n').unwrap_or(ahead.len());
        self.pass(empty);
        self.line += empty as u64;
    }

    /// Passes over everything up to and with the next line feed.
    pub(super) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.next()?;
            if chunk.is_empty() {
                return Ok(());
            }
            let feed = memchr::memchr(b'\n', chunk);
            let passed = feed.map_or(chunk.len(), |feed| feed + 1);
            self.consume(passed);
            if feed.is_some() {
                return Ok(());
            }
        }
    }

    fn full(&self) -> bool {
        self.end - self.at == self.window.len()
    }

    /// Reads on. False at the end of the file, and where the window is full.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if let Some(error) = self.failed.take() {
            self.ended = true;
            return Err(error);
        }
        if self.ended {
            return Ok(false);
        }
        self.wipe_read();
        if self.at > 0 && self.end + READ_BYTES > self.window.len() {
            self.window.copy_within(self.at..self.end, 0);
            let moved = self.end - self.at;
            if let Some(copied) = self.window.get_mut(moved.max(self.at)..self.end) {
                wipe(copied);
            }
            (self.at, self.end, self.wiped) = (0, moved, 0);
        }
        let until = self.window.len().min(self.end + READ_BYTES);
        let room = self.window.get_mut(self.end..until).unwrap_or_default();
        if room.is_empty() {
            return Ok(false);
        }
        loop {
            match self.reader.read(room) {
                Ok(read) => {
                    self.ended = read == 0;
                    self.end += read;
                    self.filled = self.filled.max(self.end);
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
    }

    /// What has been read must not stay as long as a followed file takes to grow.
    fn wipe_read(&mut self) {
        if let Some(read) = self.window.get_mut(self.wiped..self.at) {
            wipe(read);
            self.wiped = self.at;
        }
    }

    /// Reads on until the window is full.
    fn fill_up(&mut self) {
        while !self.full() && !self.ended && self.failed.is_none() {
            self.fill_later();
        }
    }

    /// Reads on; what goes wrong is told when what came before it has been read.
    fn fill_later(&mut self) {
        if let Err(error) = self.fill() {
            (self.ended, self.failed) = (false, Some(error));
        }
    }
}

fn zstd_decoder<'a>(packed: impl Read + Send + 'a) -> io::Result<impl Read + Send + 'a> {
    let mut decoder = zstd::stream::read::Decoder::new(packed)?;
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    Ok(decoder)
}

/// What is wrong with a packed stream, from the place on that was reached.
pub(super) fn why_damaged(error: &io::Error) -> &'static str {
    if error.to_string().contains("too much memory") {
        "a zstd frame with a window of more than 128 MiB: unpack it first, with `zstd -d --long=31`"
    } else {
        "a compressed stream that is damaged or cut off from here on"
    }
}

/// Whether so much of a beginning tells what a file is: one line with something in it, or a few bytes of a binary one.
fn tells(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let binary = head.first().is_some_and(|first| *first < 0x20 && !first.is_ascii_whitespace());
    // A bare protobuf request begins with a byte that is a line feed, too.
    memchr::memchr(b'\n', text).is_some() || (binary || head.starts_with(b"\n")) && head.len() >= BINARY_HEAD_BYTES
}

impl Drop for Input<'_> {
    fn drop(&mut self) {
        wipe(&mut self.head);
        if let Some(used) = self.window.get_mut(..self.filled) {
            wipe(used);
        }
    }
}
