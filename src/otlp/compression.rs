//! `Content-Encoding` and `grpc-encoding`: unpacking into a bounded buffer, whatever the packed bytes claim.

use std::io::{self, Read};

use super::buffer::{Buffer, Overflow, wipe};

/// Log2 of the largest zstd window taken from the network: every level up to 19 needs no more than this.
const MAX_WINDOW_LOG: u32 = 23;

/// How bytes are packed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952), of one or more members.
    Gzip,
    /// zlib (RFC 1950), which HTTP calls `deflate`.
    Deflate,
    /// zstd (RFC 8878).
    Zstd,
}

impl Coding {
    /// By the value of `Content-Encoding` or `grpc-encoding`, `None` for one that jwtrail does not know.
    pub fn named(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// By the magic bytes at the start of a file.
    pub fn sniffed(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Identity,
        }
    }
}

/// Why a request could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It unpacks to more than a request may have.
    #[error("the unpacked request is {0}")]
    Overflow(#[from] Overflow),
    /// It is not what its header says.
    #[error("the {0:?} stream is damaged")]
    Damaged(Coding),
}

/// Unpacks into a buffer, and stops at its limit: a bomb costs no more than a large request.
pub fn unpack(coding: Coding, packed: &[u8], into: &mut Buffer) -> Result<(), UnpackError> {
    match coding {
        Coding::Identity => Ok(into.extend(packed)?),
        Coding::Gzip => copy(flate2::read::MultiGzDecoder::new(packed), coding, into),
        Coding::Deflate => copy(flate2::read::ZlibDecoder::new(packed), coding, into),
        Coding::Zstd => {
            let mut decoder = zstd_decoder(packed).map_err(|_| UnpackError::Damaged(coding))?;
            decoder.window_log_max(MAX_WINDOW_LOG).map_err(|_| UnpackError::Damaged(coding))?;
            copy(decoder, coding, into)
        }
    }
}

fn zstd_decoder(packed: &[u8]) -> io::Result<zstd::stream::read::Decoder<'static, &[u8]>> {
    zstd::stream::read::Decoder::with_buffer(packed)
}

fn copy(mut from: impl Read, coding: Coding, into: &mut Buffer) -> Result<(), UnpackError> {
    let mut chunk = [0; 16 << 10];
    let copied = loop {
        match from.read(&mut chunk) {
            Ok(0) => break Ok(()),
            Ok(length) => {
                if let Err(overflow) = into.extend(chunk.get(..length).unwrap_or_default()) {
                    break Err(UnpackError::Overflow(overflow));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break Err(UnpackError::Damaged(coding)),
        }
    };
    wipe(&mut chunk);
    copied
}
