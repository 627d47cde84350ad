//! One JSON document a line, maybe behind the prefix that a logger wrote.

use std::io;

use super::Place;
use super::document;
use super::input::{Input, Line};
use super::records::{Kind, Records};
use crate::otlp::decode::Encoding;
use crate::otlp::json::cursor::Cursor;

/// How an OTLP document behind a log prefix begins.
pub(super) const DOCUMENT: &[u8] = b"{\"resource";

/// How a line is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Not at all.
    Pass,
    /// As one record, from so many bytes on.
    Whole(usize),
    /// As a document that holds the records.
    Inside(usize),
}

/// In a log most lines are something else, and no loss.
pub(super) fn read(input: &mut Input<'_>, records: &mut Records<'_>, log: bool) -> io::Result<()> {
    loop {
        input.pass_empty_lines();
        let line = input.next_line()?;
        let place = Place::Line(input.line());
        let text = match line {
            Line::Whole(length) | Line::Last(length) => input.ahead().get(..length).unwrap_or_default(),
            Line::Long => input.ahead(),
        };
        match (reading(text, log), line) {
            (Reading::Whole(from), Line::Whole(_) | Line::Last(_)) => {
                records.begin(place, 0);
                records.keep(text.get(from..).unwrap_or_default());
                let last = matches!(line, Line::Last(_));
                input.pass_line(line);
                records.end(Kind::Json(Encoding::Json), last)?;
            }
            (Reading::Inside(from) | Reading::Whole(from), _) => {
                let origin = input.position();
                input.consume(from);
                document::read_line(input, records, origin)?;
            }
            (Reading::Pass, Line::Long) => input.skip_line()?,
            (Reading::Pass, line) => input.pass_line(line),
        }
        if matches!(line, Line::Last(_)) {
            return Ok(());
        }
    }
}

/// The first byte that is no white space, and where it stands, behind a byte order mark.
pub(super) fn first_letter(text: &[u8]) -> Option<(usize, u8)> {
    let mark = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let found = text.iter().enumerate().skip(mark).find(|(_, byte)| !byte.is_ascii_whitespace());
    found.map(|(at, byte)| (at, *byte))
}

fn reading(line: &[u8], log: bool) -> Reading {
    let Some((at, letter)) = first_letter(line) else { return Reading::Pass };
    let behind = if letter == b'{' && !log { None } else { memchr::memmem::find(line, DOCUMENT) };
    match behind {
        Some(at) => Reading::Whole(at),
        None if log => Reading::Pass,
        None if is_request(line) => Reading::Whole(0),
        None => Reading::Inside(at),
    }
}

/// Whether the decoder takes it as it stands: the first key of a request, or of a group of one resource.
fn is_request(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line);
    let key = cursor.object().and_then(|mut members| cursor.key(&mut members));
    key.ok().flatten().is_some_and(|key| key.starts_with("resource") || key.starts_with("scope") || key == "batches")
}
