//! A file's bytes, unpacked, with its beginning at hand.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use super::MAX_RECORD_BYTES;
use crate::otlp::buffer::{Budget, Buffer, wipe};
use crate::otlp::compression::Coding;

/// How much of the beginning is looked at to tell what a file is.
const HEAD_BYTES: usize = 64 << 10;

/// The bytes of a file.
pub(super) struct Input<'a> {
    head: Vec<u8>,
    reader: BufReader<Box<dyn Read + 'a>>,
    position: u64,
    packed: bool,
}

/// How a read of one record ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// As asked.
    Whole,
    /// With the file.
    AtEnd,
    /// It is longer than [`MAX_RECORD_BYTES`]; a line is passed over to its end.
    TooLong,
}

impl<'a> Input<'a> {
    /// Unpacks by magic bytes, as often as the file was packed, within reason.
    pub(super) fn open(from: impl Read + 'a) -> io::Result<Self> {
        let mut reader: Box<dyn Read + 'a> = Box::new(from);
        let mut packed = false;
        for _ in 0..3 {
            let mut head = Vec::new();
            reader.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).or_else(|error| {
                // A packed file of a few bytes may be cut off within its first block.
                if packed { Ok(0) } else { Err(error) }
            })?;
            let coding = Coding::sniffed(&head);
            let again = Box::new(Cursor::new(head.clone()).chain(reader));
            reader = match coding {
                Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(again)),
                Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(again)?),
                Coding::Identity | Coding::Deflate => {
                    let reader = BufReader::with_capacity(HEAD_BYTES, again as Box<dyn Read + 'a>);
                    return Ok(Self { head, reader, position: 0, packed });
                }
            };
            packed = true;
        }
        Err(io::Error::other("expected a file packed once or twice, found one packed again and again"))
    }

    /// Up to 64 KiB of its beginning.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether it was gzip or zstd.
    pub(super) fn packed(&self) -> bool {
        self.packed
    }

    /// Bytes read so far, unpacked.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// A buffer for its records, wiped when dropped like those of the receivers.
    pub(super) fn buffer() -> Buffer {
        Buffer::new(&Budget::new(usize::MAX), MAX_RECORD_BYTES)
    }

    /// Reads up to the next line feed, which is left out.
    pub(super) fn line(&mut self, into: &mut Buffer) -> io::Result<Ended> {
        self.read(into, None)
    }

    /// Reads so many bytes.
    pub(super) fn exactly(&mut self, bytes: usize, into: &mut Buffer) -> io::Result<Ended> {
        self.read(into, Some(bytes))
    }

    /// Reads all that is left.
    pub(super) fn rest(&mut self, into: &mut Buffer) -> io::Result<Ended> {
        match self.read(into, Some(MAX_RECORD_BYTES + 1))? {
            Ended::Whole => Ok(Ended::TooLong),
            ended => Ok(ended),
        }
    }

    fn read(&mut self, into: &mut Buffer, bytes: Option<usize>) -> io::Result<Ended> {
        let mut left = bytes.unwrap_or(usize::MAX);
        let mut too_long = false;
        while left > 0 {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                return Ok(if too_long { Ended::TooLong } else { Ended::AtEnd });
            }
            let feed = if bytes.is_none() { memchr::memchr(b'\n', chunk) } else { None };
            let taken = feed.unwrap_or(chunk.len()).min(left);
            too_long = too_long || into.extend(chunk.get(..taken).unwrap_or_default()).is_err();
            let passed = taken + usize::from(feed.is_some());
            self.reader.consume(passed);
            self.position += passed as u64;
            left -= taken;
            if feed.is_some() {
                break;
            }
        }
        Ok(if too_long { Ended::TooLong } else { Ended::Whole })
    }
}

impl Drop for Input<'_> {
    fn drop(&mut self) {
        wipe(&mut self.head);
    }
}
