//! `Content-Encoding` and `grpc-encoding`: unpacking into a bounded buffer, whatever the packed bytes claim.

use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::buffer::{Buffer, Overflow, wipe};

/// Largest zstd window taken from the network, in bytes: every level up to 19 needs no more than this.
const MAX_WINDOW: u64 = 8 << 20;

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
        Coding::Zstd => unpack_zstd(packed, into),
    }
}

/// One frame after another (RFC 8878), in Rust throughout: zstd's own library keeps its window and its literals in memory
/// that this program's allocator does not wipe.
fn unpack_zstd(mut packed: &[u8], into: &mut Buffer) -> Result<(), UnpackError> {
    let damaged = || UnpackError::Damaged(Coding::Zstd);
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(MAX_WINDOW);
    while !packed.is_empty() {
        match StreamingDecoder::new_with_decoder(&mut packed, &mut decoder) {
            Ok(frame) => copy(frame, Coding::Zstd, into)?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                packed = usize::try_from(length).ok().and_then(|skip| packed.get(skip..)).ok_or_else(damaged)?;
                continue;
            }
            Err(_) => return Err(damaged()),
        }
        let told = decoder.get_checksum_from_data();
        if told.is_some() && told != decoder.get_calculated_checksum() {
            return Err(damaged());
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::buffer::Budget;

    fn unpacked(packed: &[u8]) -> Result<Vec<u8>, UnpackError> {
        let mut buffer = Buffer::new(&Budget::new(1 << 26), 1 << 25);
        unpack(Coding::Zstd, packed, &mut buffer)?;
        Ok(buffer.to_vec())
    }

    #[test]
    fn what_the_zstd_library_packed_is_unpacked() {
        let text: Vec<u8> = (0..400_000_u32).flat_map(|number| (number % 7919).to_le_bytes()).collect();
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"any"].concat();
        for level in [1, 3, 9, 19] {
            let whole = zstd::bulk::compress(&text, level).unwrap();
            let stream = zstd::stream::encode_all(&text[..1000], level).unwrap();
            let all = [&skipped[..], &whole, &skipped, &stream].concat();
            assert_eq!(unpacked(&all).unwrap(), [&text, &text[..1000]].concat(), "level {level}");
        }
        assert_eq!(unpacked(b"").unwrap(), b"");
    }

    #[test]
    fn a_damaged_zstd_frame_is_told_from_a_sound_one() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.include_checksum(true).unwrap();
        io::Write::write_all(&mut encoder, &[b'a'; 5000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert_eq!(unpacked(&packed).unwrap().len(), 5000);
        for cut in 1..packed.len() {
            assert!(unpacked(&packed[..cut]).is_err(), "cut after {cut} of {} bytes", packed.len());
        }
        let mut wrong = packed.clone();
        *wrong.last_mut().unwrap() ^= 1;
        assert!(unpacked(&wrong).is_err(), "a wrong checksum");
        // A window of 16 MiB, of which one byte is used.
        let wide = [0x28, 0xb5, 0x2f, 0xfd, 0, (24 - 10) << 3, 9, 0, 0, 0];
        assert!(unpacked(&wide).is_err(), "a wide window");
        assert!(unpacked(&[&packed[..], b"rest"].concat()).is_err(), "something behind it");
    }
}
