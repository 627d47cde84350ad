//! `opentelemetry.proto.trace.v1.Span` and its parts.

use std::borrow::Cow;

use super::common::{Memo, WRONG_TYPE, attribute, attribute_like};
use super::wire::{Reader, Wire};
use crate::otlp::data::{EventData, LinkData, RawSpan, SpanData};
use crate::otlp::decode::DecodeError;

/// Attributes, events and links of one span, a number: what is written in two bytes takes fifty times as much to hold.
const MAX_PARTS: usize = 64 << 10;

const TOO_MANY_PARTS: &str = "expected at most 65,536 attributes, events and links in a span, found more";

/// Makes a used span an empty one that keeps its lists' room.
fn clear(span: &mut SpanData<'_>) {
    let mut fresh = SpanData::default();
    span.attributes.clear();
    span.events.clear();
    span.links.clear();
    std::mem::swap(&mut fresh.attributes, &mut span.attributes);
    std::mem::swap(&mut fresh.events, &mut span.events);
    std::mem::swap(&mut fresh.links, &mut span.links);
    *span = fresh;
}

/// Reads one span over the last one.
pub(super) fn span<'a>(
    mut reader: Reader<'a>,
    into: &mut SpanData<'a>,
    memo: &mut Memo<'a>,
) -> Result<(), DecodeError> {
    clear(into);
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => into.trace_id = Cow::Borrowed(field.bytes()),
            (2, Wire::Len(field)) => into.span_id = Cow::Borrowed(field.bytes()),
            (3, Wire::Len(field)) => into.trace_state = field.text(),
            (4, Wire::Len(field)) => into.parent_span_id = Cow::Borrowed(field.bytes()),
            (5, Wire::Len(field)) => into.name = field.text(),
            (6, Wire::Varint(kind)) => into.kind = kind as i32,
            (7, Wire::Fixed64(time)) => into.start = time,
            (8, Wire::Fixed64(time)) => into.end = time,
            (9, Wire::Len(field)) => attribute_like(field, &mut into.attributes, memo, into.kind)?,
            (11, Wire::Len(field)) => into.events.push(event(field)?),
            (13, Wire::Len(field)) => into.links.push(link(field)?),
            (15, Wire::Len(field)) => status(field, into)?,
            (16, Wire::Fixed32(flags)) => into.flags = flags,
            (1..=9 | 11 | 13 | 15 | 16, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
        if into.attributes.len() + into.events.len() + into.links.len() > MAX_PARTS {
            return Err(reader.error(TOO_MANY_PARTS));
        }
    }
    Ok(())
}

/// Reads a span over the last one as far as it goes without its attributes. Answers whether nothing was left out: a
/// span that has more, or is malformed, is for [`span`] to read.
pub(super) fn raw<'a>(message: &'a [u8], into: &mut RawSpan<'a>) -> bool {
    /// Keys of one byte: `kind`, the two times, an attribute.
    const KIND: u8 = 6 << 3;
    const START: u8 = 7 << 3 | 1;
    const END: u8 = 8 << 3 | 1;
    const ATTRIBUTE: u8 = 9 << 3 | 2;
    into.attributes.clear();
    (into.trace_id, into.span_id, into.parent_span_id, into.name) = (&[], &[], &[], &[]);
    (into.flags, into.kind, into.status_code, into.start, into.end) = (0, 0, 0, 0, 0);
    let mut rest = message;
    while let [key, behind @ ..] = rest {
        // What nearly every exporter writes is read here at once: keys of one byte, lengths of one or two.
        let split = match *behind {
            [length @ ..0x80, ref behind @ ..] if key & 0x87 == 2 => behind.split_at_checked(usize::from(length)),
            [low, high @ ..0x80, ref behind @ ..] if key & 0x87 == 2 => {
                behind.split_at_checked(usize::from(low & 0x7f) | usize::from(high) << 7)
            }
            _ => None,
        };
        if let Some((field, behind)) = split {
            if *key == ATTRIBUTE {
                if into.attributes.len() == MAX_PARTS {
                    return false;
                }
                into.attributes.push(field);
            } else if !take(*key >> 3, field, into) {
                return false;
            }
            rest = behind;
            continue;
        }
        rest = match (*key, behind) {
            (KIND, [kind @ ..0x80, behind @ ..]) => {
                into.kind = i32::from(*kind);
                behind
            }
            (START | END, behind) => {
                let Some((time, behind)) = behind.split_first_chunk() else { return false };
                *(if *key == START { &mut into.start } else { &mut into.end }) = u64::from_le_bytes(*time);
                behind
            }
            _ => match other(rest, into) {
                Some(behind) => behind,
                None => return false,
            },
        };
    }
    true
}

/// Takes a field that has a length. Answers no for one that is read elsewhere.
fn take<'a>(number: u8, field: &'a [u8], into: &mut RawSpan<'a>) -> bool {
    match number {
        1 => into.trace_id = field,
        2 => into.span_id = field,
        4 => into.parent_span_id = field,
        5 => into.name = field,
        9 => into.attributes.push(field),
        15 => return plain_status(Reader::new(field), &mut into.status_code),
        0 | 3 | 6..=8 | 11 | 13 => return false,
        _ => {}
    }
    true
}

/// Reads a field that is written in any way, and answers what is behind it.
fn other<'a>(rest: &'a [u8], into: &mut RawSpan<'a>) -> Option<&'a [u8]> {
    let mut reader = Reader::new(rest);
    // A group in front of the field is passed over with it.
    let Some((number, wire)) = reader.field().ok()? else { return Some(&[]) };
    match (number, wire) {
        (..16, Wire::Len(field)) if !take(number as u8, field.bytes(), into) => return None,
        (..16, Wire::Len(_)) => {}
        (6, Wire::Varint(kind)) => into.kind = kind as i32,
        (7, Wire::Fixed64(time)) => into.start = time,
        (8, Wire::Fixed64(time)) => into.end = time,
        (16, Wire::Fixed32(flags)) => into.flags = flags,
        (1..=9 | 11 | 13 | 15 | 16, _) => return None,
        _ => {}
    }
    Some(reader.bytes())
}

/// Reads a status, unless it has a message.
fn plain_status(mut reader: Reader<'_>, code: &mut i32) -> bool {
    loop {
        match reader.field() {
            Ok(Some((3, Wire::Varint(number)))) => *code = number as i32,
            Ok(None) => return true,
            _ => return false,
        }
    }
}

fn event(mut reader: Reader<'_>) -> Result<EventData<'_>, DecodeError> {
    let mut event = EventData::default();
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Fixed64(time)) => event.time = time,
            (2, Wire::Len(field)) => event.name = field.text(),
            (3, Wire::Len(field)) => attribute(field, &mut event.attributes)?,
            (1..=3, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(event)
}

fn link(mut reader: Reader<'_>) -> Result<LinkData<'_>, DecodeError> {
    let mut link = LinkData::default();
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => link.trace_id = Cow::Borrowed(field.bytes()),
            (2, Wire::Len(field)) => link.span_id = Cow::Borrowed(field.bytes()),
            (4, Wire::Len(field)) => attribute(field, &mut link.attributes)?,
            (1 | 2 | 4, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(link)
}

fn status<'a>(mut reader: Reader<'a>, into: &mut SpanData<'a>) -> Result<(), DecodeError> {
    while let Some(field) = reader.field()? {
        match field {
            (2, Wire::Len(field)) => into.status_message = field.text(),
            (3, Wire::Varint(code)) => into.status_code = code as i32,
            (2 | 3, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}
