//! One pass over OTLP JSON, as exporters write it and as backends give it back (formats.md); Jaeger's and Zipkin's own
//! JSON into the same visits.
//!
//! Keys are read in camel and snake case, ids in hex and base64, enums by name and number. What an OTLP document may be
//! wrapped in is read through: `batches` for `resourceSpans`, `{"trace":…}`, a list of `traces`, a bare group of one
//! resource. A resource or scope that comes behind what belongs to it is read first.

mod common;
pub(super) mod cursor;
mod id;
mod jaeger;
mod place;
mod scalar;
mod span;
mod tags;
mod zipkin;

use super::data::{ResourceData, ScopeData, Visitor};
use super::decode::{DecodeError, Encoding};
use cursor::Cursor;
use span::each;

/// How deep a document may be wrapped (`{"traces":[{"trace":{"batches":…}}]}`).
const MAX_WRAPPING: u8 = 4;

/// Walks one document: traces, logs, or both; metrics are passed over.
pub fn walk<'a>(body: &'a [u8], visitor: &mut impl Visitor<'a>) -> Result<(), DecodeError> {
    let mut cursor = Cursor::new(body);
    match cursor.peek() {
        Some(b'[') => each(&mut cursor, |cursor| node(cursor, visitor, MAX_WRAPPING))?,
        _ => node(&mut cursor, visitor, MAX_WRAPPING)?,
    }
    end(&mut cursor)
}

/// Walks one trace as Jaeger writes it, or a wrapping of several.
pub fn jaeger<'a>(body: &'a [u8], visitor: &mut impl Visitor<'a>) -> Result<(), DecodeError> {
    let mut cursor = Cursor::new(body);
    let walked = jaeger::traces(&mut cursor, visitor).and_then(|()| end(&mut cursor));
    walked.map_err(|error| DecodeError { encoding: Encoding::JaegerJson, ..error })
}

/// Walks one span as Zipkin writes it, or a list of them.
pub fn zipkin<'a>(body: &'a [u8], visitor: &mut impl Visitor<'a>) -> Result<(), DecodeError> {
    let mut cursor = Cursor::new(body);
    let walked = zipkin::spans(&mut cursor, visitor).and_then(|()| end(&mut cursor));
    walked.map_err(|error| DecodeError { encoding: Encoding::ZipkinJson, ..error })
}

/// What is expected behind a document.
pub(in crate::otlp) const END: &str = "the end of the document";

fn end(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.expected(END)),
    }
}

/// An object that is a request, a group of one resource, or a wrapping of them.
fn node<'a, V: Visitor<'a>>(cursor: &mut Cursor<'a>, visitor: &mut V, wrapping: u8) -> Result<(), DecodeError> {
    let Some(wrapping) = wrapping.checked_sub(1) else { return cursor.skip() };
    let mut resource_seen = false;
    let mut early = Vec::new();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match (&*key, cursor.peek()) {
            ("resourceSpans" | "resource_spans" | "batches" | "resourceLogs" | "resource_logs", _)
            | ("traces", Some(b'[')) => each(cursor, |cursor| node(cursor, visitor, wrapping))?,
            ("trace" | "result", Some(b'{')) => node(cursor, visitor, wrapping)?,
            ("resource", _) if !resource_seen => {
                resource_seen = true;
                visitor.resource(&common::resource(cursor)?);
            }
            (
                "scopeSpans"
                | "scope_spans"
                | "scopeLogs"
                | "scope_logs"
                | "instrumentationLibrarySpans"
                | "instrumentation_library_spans"
                | "instrumentationLibraryLogs"
                | "instrumentation_library_logs",
                _,
            ) => {
                if resource_seen {
                    each(cursor, |cursor| scope_group(cursor, visitor))?;
                } else {
                    early.push(cursor.offset());
                    cursor.skip()?;
                }
            }
            _ => cursor.skip()?,
        }
    }
    if !early.is_empty() && !resource_seen {
        visitor.resource(&ResourceData::default());
    }
    for offset in early {
        each(&mut cursor.back_at(offset), |cursor| scope_group(cursor, visitor))?;
    }
    Ok(())
}

/// `ScopeSpans` or `ScopeLogs`.
fn scope_group<'a, V: Visitor<'a>>(cursor: &mut Cursor<'a>, visitor: &mut V) -> Result<(), DecodeError> {
    let mut scope_seen = false;
    let mut early = Vec::new();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        let read = match &*key {
            "scope" | "instrumentationLibrary" | "instrumentation_library" if !scope_seen => {
                scope_seen = true;
                visitor.scope(&common::scope(cursor)?);
                continue;
            }
            "spans" => spans,
            "logRecords" | "log_records" | "logs" => logs,
            _ => {
                cursor.skip()?;
                continue;
            }
        };
        if scope_seen {
            read(cursor, visitor)?;
        } else {
            early.push((cursor.offset(), read as Read<'a, V>));
            cursor.skip()?;
        }
    }
    if !scope_seen {
        visitor.scope(&ScopeData::default());
    }
    for (offset, read) in early {
        read(&mut cursor.back_at(offset), visitor)?;
    }
    Ok(())
}

type Read<'a, V> = fn(&mut Cursor<'a>, &mut V) -> Result<(), DecodeError>;

fn spans<'a, V: Visitor<'a>>(cursor: &mut Cursor<'a>, visitor: &mut V) -> Result<(), DecodeError> {
    each(cursor, |cursor| {
        if let Some((span, hashed)) = or_skip(cursor, visitor, span::span)? {
            if hashed {
                visitor.hashed_id();
            }
            visitor.span(&span);
        }
        Ok(())
    })
}

fn logs<'a, V: Visitor<'a>>(cursor: &mut Cursor<'a>, visitor: &mut V) -> Result<(), DecodeError> {
    each(cursor, |cursor| {
        if let Some(log) = or_skip(cursor, visitor, span::log)? {
            visitor.log(&log);
        }
        Ok(())
    })
}

/// Reads one item; what holds a value of a wrong kind is passed over and told, for it must not cost the others.
fn or_skip<'a, T>(
    cursor: &mut Cursor<'a>,
    visitor: &mut impl Visitor<'a>,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T, DecodeError>,
) -> Result<Option<T>, DecodeError> {
    let before = cursor.clone();
    if let Ok(item) = read(cursor) {
        return Ok(Some(item));
    }
    *cursor = before;
    cursor.skip()?;
    visitor.unreadable();
    Ok(None)
}
