//! One pass over OTLP JSON, as exporters write it and as backends give it back (formats.md).
//!
//! Keys are read in camel and snake case, ids in hex and base64, enums by name and number. What an OTLP document may be
//! wrapped in is read through: `batches` for `resourceSpans`, `{"trace":…}`, a list of `traces`, a bare group of one
//! resource. A resource or scope that comes behind what belongs to it is read first.

mod common;
pub(super) mod cursor;
mod scalar;
mod span;

use super::data::{ResourceData, ScopeData, Visitor};
use super::decode::DecodeError;
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
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.expected("the end of the document")),
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
            ("trace", Some(b'{')) => node(cursor, visitor, wrapping)?,
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
        visitor.span(&span::span(cursor)?);
        Ok(())
    })
}

fn logs<'a, V: Visitor<'a>>(cursor: &mut Cursor<'a>, visitor: &mut V) -> Result<(), DecodeError> {
    each(cursor, |cursor| {
        visitor.log(&span::log(cursor)?);
        Ok(())
    })
}
