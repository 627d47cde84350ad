//! What is written to disk, packed as the file's name says.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

/// How a file is packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// `.gz`, gzip (RFC 1952).
    Gzip,
    /// `.zst`, zstd (RFC 8878).
    Zstd,
}

impl Packing {
    /// By the end of a file's name.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase).as_deref() {
            Some("gz") => Self::Gzip,
            Some("zst" | "zstd") => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Packs what is written.
pub enum Packer<W: Write> {
    /// As it comes.
    Plain(W),
    /// As gzip.
    Gzip(GzEncoder<W>),
    /// As one zstd stream.
    Zstd(ZstdEncoder<'static, W>),
}

impl<W: Write> Packer<W> {
    /// A packer in front of `inner`, which should not be slow at small writes.
    pub fn new(packing: Packing, inner: W) -> io::Result<Self> {
        Ok(match packing {
            Packing::Plain => Self::Plain(inner),
            Packing::Gzip => Self::Gzip(GzEncoder::new(inner, flate2::Compression::default())),
            Packing::Zstd => Self::Zstd(ZstdEncoder::new(inner, zstd::DEFAULT_COMPRESSION_LEVEL)?),
        })
    }

    /// Ends the stream: what was written is complete only now.
    pub fn finish(self) -> io::Result<W> {
        let mut inner = match self {
            Self::Plain(inner) => inner,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        inner.flush()?;
        Ok(inner)
    }

    /// What stands behind it.
    pub fn inner(&self) -> &W {
        match self {
            Self::Plain(inner) => inner,
            Self::Gzip(encoder) => encoder.get_ref(),
            Self::Zstd(encoder) => encoder.get_ref(),
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(inner) => inner.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    /// Hands on all that was written so far, so that it can be read even if the rest never comes.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(inner) => inner.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
