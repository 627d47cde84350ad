//! One zero-copy pass over an OTLP protobuf request.
//!
//! `ExportTraceServiceRequest` and `TracesData` have one wire shape, and so have their counterparts for logs. A resource
//! or scope may come behind what belongs to it; the fields of its parent are skimmed for it first, which costs one
//! length prefix a field.

mod common;
mod log;
mod span;
mod wire;

use super::data::{LogData, ResourceData, ScopeData, SpanData, Visitor};
use super::decode::{DecodeError, Signal};
use common::WRONG_TYPE;
use wire::{Reader, Wire};

/// Walks an `ExportTraceServiceRequest`.
pub fn traces<'a>(body: &'a [u8], visitor: &mut impl Visitor<'a>) -> Result<(), DecodeError> {
    let mut data = SpanData::default();
    walk(body, visitor, |reader, visitor| {
        span::span(reader, &mut data)?;
        visitor.span(&data);
        Ok(())
    })
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
                if let (2, Wire::Len(item)) = field {
                    return Some(signal_of(item));
                }
            }
        }
    }
    None
}

/// A span begins with two ids of 16 and 8 bytes, a metric with two texts; a log record's times and numbers are neither.
fn signal_of(mut item: Reader<'_>) -> Signal {
    let mut ids = 0;
    while let Ok(Some(field)) = item.field() {
        match field {
            (1, Wire::Len(id)) if id.bytes().len() == 16 => ids += 1,
            (2, Wire::Len(id)) if id.bytes().len() == 8 => ids += 1,
            // A log record's time, severity and observed time; a span's times have numbers of their own.
            (1 | 11, Wire::Fixed64(_)) | (2, Wire::Varint(_)) => return Signal::Logs,
            (7 | 8, Wire::Fixed64(_)) => return Signal::Traces,
            (1 | 2, _) => return Signal::Metrics,
            _ => {}
        }
    }
    match ids {
        0 => Signal::Logs,
        // A metric's name may happen to have 16 bytes.
        1 => Signal::Metrics,
        _ => Signal::Traces,
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
    let mut resource = ResourceData::default();
    let mut fields = group;
    while let Some(field) = fields.field()? {
        match field {
            (1, Wire::Len(field)) => common::resource(field, &mut resource)?,
            (1 | 2, wire) if !matches!(wire, Wire::Len(_)) => return Err(fields.error(WRONG_TYPE)),
            _ => {}
        }
    }
    visitor.resource(&resource);
    let mut fields = group;
    while let Some(field) = fields.field()? {
        if let (2, Wire::Len(field)) = field {
            scope_group(field, visitor, item)?;
        }
    }
    Ok(())
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
