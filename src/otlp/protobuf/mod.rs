//! One zero-copy pass over an OTLP protobuf request.
//!
//! `ExportTraceServiceRequest` and `TracesData` have one wire shape, and so have their counterparts for logs. A resource
//! or scope may come behind what belongs to it; the fields of its parent are skimmed for it first, which costs one
//! length prefix a field.

mod common;
mod log;
mod span;
mod wire;

use std::borrow::Cow;

use super::data::{self, Attributes, LogData, RawSpan, ResourceData, ScopeData, SpanData, Visitor};
use super::decode::{DecodeError, Signal};
use common::WRONG_TYPE;
use wire::{Reader, Wire};

/// Walks an `ExportTraceServiceRequest`.
pub fn traces<'a, V: Visitor<'a>>(body: &'a [u8], visitor: &mut V) -> Result<(), DecodeError> {
    let mut data = SpanData::default();
    let mut texts = common::Memo::new();
    let mut raw = RawSpan::default();
    let mut memo = data::Memo::default();
    walk(body, visitor, |reader, visitor: &mut V| {
        if V::TAKES_RAW && span::raw(reader.bytes(), &mut raw) && visitor.raw_span(&raw, &mut memo) {
            return Ok(());
        }
        span::span(reader, &mut data, &mut texts)?;
        visitor.span(&data);
        Ok(())
    })
}

/// Reads a `KeyValue` of a [`RawSpan`], added at the end. `None` where it is malformed.
pub(in crate::otlp) fn attribute<'a>(bytes: &'a [u8], into: &mut Attributes<'a>) -> Option<()> {
    common::attribute(Reader::new(bytes), into).ok()
}

/// Bytes as the text that they are read as.
pub(in crate::otlp) fn text(bytes: &[u8]) -> Cow<'_, str> {
    Reader::new(bytes).text()
}

/// The key of a `KeyValue`, and its value's one field as exporters write it: `None` where anything stands otherwise.
pub(in crate::otlp) fn plain_attribute(bytes: &[u8]) -> Option<(&[u8], Plain<'_>)> {
    let mut reader = Reader::new(bytes);
    let (1, Wire::Len(key)) = reader.field().ok()?? else { return None };
    let (2, Wire::Len(mut value)) = reader.field().ok()?? else { return None };
    let plain = match value.field().ok()?? {
        (1, Wire::Len(text)) => Plain::Text(text.bytes()),
        (2 | 3, Wire::Varint(_)) | (4, Wire::Fixed64(_)) => Plain::Number,
        (5..=7, Wire::Len(_)) => Plain::Other,
        _ => return None,
    };
    let whole = reader.bytes().is_empty() && (value.bytes().is_empty() || matches!(plain, Plain::Other));
    whole.then_some((key.bytes(), plain))
}

/// The value of an attribute, as far as it is told from outside.
pub(in crate::otlp) enum Plain<'a> {
    /// A text, as sent.
    Text(&'a [u8]),
    /// A number or a boolean.
    Number,
    /// A list, a map, or bytes.
    Other,
}

/// Walks an `ExportLogsServiceRequest`.
pub fn logs<'a>(body: &'a [u8], visitor: &mut impl Visitor<'a>) -> Result<(), DecodeError> {
    let mut data = LogData::default();
    walk(body, visitor, |reader, visitor| {
        log::log(reader, &mut data)?;
        visitor.log(&data);
        Ok(())
    })
}

/// What a request carries, judged by its first span, log record or metric, for in files nobody says. The three share
/// the shape of the envelope. `None` where it holds none of them, or is no such request.
pub fn signal(body: &[u8]) -> Option<Signal> {
    let mut request = Reader::new(body);
    while let Ok(Some(field)) = request.field() {
        let (1, Wire::Len(mut group)) = field else { return None };
        while let Ok(Some(field)) = group.field() {
            let (2, Wire::Len(mut scope)) = field else { continue };
            while let Ok(Some(field)) = scope.field() {
                if let (2, Wire::Len(item)) = field
                    && let Some(signal) = signal_of(item)
                {
                    return Some(signal);
                }
            }
        }
    }
    None
}

/// The three have fields of their own type under some number, which nearly every item sets. Where one does not, a span
/// begins with two ids, a metric with its name, and a log record with neither.
fn signal_of(mut item: Reader<'_>) -> Option<Signal> {
    let mut first = None;
    let mut second = None;
    while let Ok(Some(field)) = item.field() {
        match field {
            (1, Wire::Len(field)) => first = Some(field.bytes()),
            (2, Wire::Len(field)) => second = Some(field.bytes()),
            (1 | 11, Wire::Fixed64(_)) | (2, Wire::Varint(_)) | (6, Wire::Len(_)) | (8, Wire::Fixed32(_)) => {
                return Some(Signal::Logs);
            }
            (7 | 8, Wire::Fixed64(_)) | (6, Wire::Varint(_)) | (16, Wire::Fixed32(_)) => return Some(Signal::Traces),
            (10, Wire::Len(field)) if field.bytes().len() == 8 => return Some(Signal::Logs),
            _ => {}
        }
    }
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(char::is_control));
    match (first?, second) {
        (first, Some(second)) if first.len() == 16 && second.len() == 8 => Some(Signal::Traces),
        (name, _) if text(name) => Some(Signal::Metrics),
        _ => Some(Signal::Traces),
    }
}

/// Request, resource groups, scope groups, and `item` for each span or record.
fn walk<'a, V: Visitor<'a>>(
    body: &'a [u8],
    visitor: &mut V,
    mut item: impl FnMut(Reader<'a>, &mut V) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut request = Reader::new(body);
    while let Some(field) = request.field()? {
        match field {
            (1, Wire::Len(group)) => resource_group(group, visitor, &mut item)?,
            (1, _) => return Err(request.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}

fn resource_group<'a, V: Visitor<'a>>(
    group: Reader<'a>,
    visitor: &mut V,
    item: &mut impl FnMut(Reader<'a>, &mut V) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let (mut only, mut parts) = (None, 0);
    let mut fields = group;
    while let Some(field) = fields.field()? {
        match field {
            (1, Wire::Len(field)) => (only, parts) = (Some(field), parts + 1),
            (1 | 2, wire) if !matches!(wire, Wire::Len(_)) => return Err(fields.error(WRONG_TYPE)),
            _ => {}
        }
    }
    let whole = only.filter(|_| parts == 1);
    if !(V::TAKES_RAW && whole.is_some_and(|whole| visitor.raw_resource(whole.bytes()))) {
        visitor.resource(&resource(group)?);
    }
    let mut fields = group;
    while let Some(field) = fields.field()? {
        if let (2, Wire::Len(field)) = field {
            scope_group(field, visitor, item)?;
        }
    }
    Ok(())
}

/// Joins what a group says of its resource, in one field or in several.
fn resource(mut group: Reader<'_>) -> Result<ResourceData<'_>, DecodeError> {
    let mut resource = ResourceData::default();
    while let Some(field) = group.field()? {
        if let (1, Wire::Len(field)) = field {
            common::resource(field, &mut resource)?;
        }
    }
    Ok(resource)
}

fn scope_group<'a, V: Visitor<'a>>(
    group: Reader<'a>,
    visitor: &mut V,
    item: &mut impl FnMut(Reader<'a>, &mut V) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut scope = ScopeData::default();
    let mut fields = group;
    while let Some(field) = fields.field()? {
        match field {
            (1, Wire::Len(field)) => common::scope(field, &mut scope)?,
            (1 | 2, wire) if !matches!(wire, Wire::Len(_)) => return Err(fields.error(WRONG_TYPE)),
            _ => {}
        }
    }
    visitor.scope(&scope);
    let mut fields = group;
    while let Some(field) = fields.field()? {
        if let (2, Wire::Len(field)) = field {
            item(field, visitor)?;
        }
    }
    Ok(())
}
