//! `opentelemetry.proto.trace.v1.Span` and its parts.

use std::borrow::Cow;

use super::common::{Memo, WRONG_TYPE, attribute, attribute_like};
use super::wire::{Reader, Wire};
use crate::otlp::data::{EventData, LinkData, SpanData};
use crate::otlp::decode::DecodeError;

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
    }
    Ok(())
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
