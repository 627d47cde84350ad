//! One OTLP JSON document printed over many lines, or several in a row.

use std::io;

use super::input::{Ended, Input};
use super::json_lines::too_long;
use super::{Place, Records};
use crate::otlp::decode::{Encoding, Signal};
use crate::otlp::json::cursor::Cursor;

pub(super) fn read(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<()> {
    let mut text = Input::buffer();
    if input.rest(&mut text)? == Ended::TooLong {
        records.damaged(Place::Line(1), too_long());
        return Ok(());
    }
    let mut cursor = Cursor::new(&text);
    while cursor.peek().is_some() {
        let from = cursor.offset();
        let place = Place::Line(line_of(&text, from));
        if let Err(error) = cursor.skip() {
            // Where one value ends is not known, so the next one cannot be found.
            if error.offset >= text.len() {
                records.truncated(place);
            } else {
                records.damaged(Place::Line(line_of(&text, error.offset)), error.to_string());
            }
            return Ok(());
        }
        let document = text.get(from..cursor.offset()).unwrap_or_default();
        if let Err(error) = records.decode(Signal::Traces, Encoding::Json, document) {
            records.damaged(Place::Line(line_of(&text, from + error.offset)), error.to_string());
        }
    }
    Ok(())
}

fn line_of(text: &[u8], offset: usize) -> u64 {
    1 + memchr::memchr_iter(b'\n', text.get(..offset).unwrap_or(text)).count() as u64
}
