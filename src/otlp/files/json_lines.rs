//! One OTLP JSON document a line, maybe behind the prefix that a logger wrote.

use std::io;

use super::input::{Ended, Input};
use super::{Place, Records, sniff};
use crate::otlp::buffer::Buffer;
use crate::otlp::decode::{Encoding, Signal};

/// How an OTLP document behind a log prefix begins.
pub(super) const DOCUMENT: &[u8] = b"{\"resource";

pub(super) fn read(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<()> {
    let mut line: Buffer = Input::buffer();
    let mut number = 0;
    // In a log most lines are something else, and no loss.
    let log = first_letter(input.head()) != Some(b'{') && !sniff::json(input.head());
    loop {
        line.clear();
        number += 1;
        let place = Place::Line(number);
        let ended = input.line(&mut line)?;
        match (ended, document(&line, log)) {
            (Ended::TooLong, _) => records.damaged(place, too_long()),
            (_, Some(document)) => {
                if let Err(error) = records.decode(Signal::Traces, Encoding::Json, document) {
                    // Only what stops at the end of the text is cut off; other damage does not heal by waiting.
                    if ended == Ended::AtEnd && error.offset >= document.len() {
                        records.truncated(place);
                    } else {
                        records.damaged(place, error.to_string());
                    }
                }
            }
            (_, None) => {}
        }
        if ended == Ended::AtEnd {
            return Ok(());
        }
    }
}

pub(super) fn too_long() -> String {
    format!("expected a record of at most {} bytes, found a longer one", super::MAX_RECORD_BYTES)
}

/// The first byte that is no white space, behind a byte order mark.
fn first_letter(text: &[u8]) -> Option<u8> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// What of a line is to be decoded.
fn document(line: &[u8], log: bool) -> Option<&[u8]> {
    match first_letter(line)? {
        b'{' if !log => Some(line),
        _ => match memchr::memmem::find(line, DOCUMENT) {
            Some(at) => line.get(at..),
            None => (!log).then_some(line),
        },
    }
}
