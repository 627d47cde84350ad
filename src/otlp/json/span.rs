//! Spans and log records.

use std::borrow::Cow;

use opentelemetry_proto::tonic::logs::v1::SeverityNumber;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::common::{any_value, attributes};
use super::cursor::Cursor;
use super::id::{Digits, id, reference};
use super::scalar;
use crate::otlp::data::{EventData, LinkData, LogData, SpanData};
use crate::otlp::decode::DecodeError;

/// A span, and whether a hash stands for an id of it.
pub(super) fn span<'a>(cursor: &mut Cursor<'a>) -> Result<(SpanData<'a>, bool), DecodeError> {
    let mut span = SpanData::default();
    let mut hashed = false;
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "traceId" | "trace_id" => span.trace_id = id::<16>(cursor, Digits::Full, &mut hashed)?,
            "spanId" | "span_id" => span.span_id = id::<8>(cursor, Digits::Full, &mut hashed)?,
            "parentSpanId" | "parent_span_id" => span.parent_span_id = reference::<8>(cursor, Digits::Full)?,
            "traceState" | "trace_state" => span.trace_state = scalar::text(cursor)?,
            "flags" => span.flags = scalar::unsigned(cursor)? as u32,
            "name" => span.name = scalar::text(cursor)?,
            "kind" => span.kind = scalar::enumeration(cursor, kind)?,
            "startTimeUnixNano" | "start_time_unix_nano" => span.start = scalar::unsigned(cursor)?,
            "endTimeUnixNano" | "end_time_unix_nano" => span.end = scalar::unsigned(cursor)?,
            "attributes" => attributes(cursor, &mut span.attributes)?,
            "events" => each(cursor, |cursor| event(cursor).map(|event| span.events.push(event)))?,
            "links" => each(cursor, |cursor| link(cursor).map(|link| span.links.push(link)))?,
            "status" => (span.status_code, span.status_message) = status(cursor)?,
            _ => cursor.skip()?,
        }
    }
    Ok((span, hashed))
}

pub(super) fn log<'a>(cursor: &mut Cursor<'a>) -> Result<LogData<'a>, DecodeError> {
    let mut log = LogData::default();
    let mut observed = 0;
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "traceId" | "trace_id" => log.trace_id = reference::<16>(cursor, Digits::Full)?,
            "spanId" | "span_id" => log.span_id = reference::<8>(cursor, Digits::Full)?,
            "timeUnixNano" | "time_unix_nano" => log.time = scalar::unsigned(cursor)?,
            "observedTimeUnixNano" | "observed_time_unix_nano" => observed = scalar::unsigned(cursor)?,
            "severityNumber" | "severity_number" => log.severity = scalar::enumeration(cursor, severity)?,
            "body" => log.body = any_value(cursor)?,
            "attributes" => attributes(cursor, &mut log.attributes)?,
            _ => cursor.skip()?,
        }
    }
    if log.time == 0 {
        log.time = observed;
    }
    Ok(log)
}

/// Calls `read` before each item of a list.
pub(super) fn each<'a>(
    cursor: &mut Cursor<'a>,
    mut read: impl FnMut(&mut Cursor<'a>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut list = cursor.array()?;
    while cursor.item(&mut list)? {
        read(cursor)?;
    }
    Ok(())
}

fn event<'a>(cursor: &mut Cursor<'a>) -> Result<EventData<'a>, DecodeError> {
    let mut event = EventData::default();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "timeUnixNano" | "time_unix_nano" => event.time = scalar::unsigned(cursor)?,
            "name" => event.name = scalar::text(cursor)?,
            "attributes" => attributes(cursor, &mut event.attributes)?,
            _ => cursor.skip()?,
        }
    }
    Ok(event)
}

fn link<'a>(cursor: &mut Cursor<'a>) -> Result<LinkData<'a>, DecodeError> {
    let mut link = LinkData::default();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "traceId" | "trace_id" => link.trace_id = reference::<16>(cursor, Digits::Full)?,
            "spanId" | "span_id" => link.span_id = reference::<8>(cursor, Digits::Full)?,
            "attributes" => attributes(cursor, &mut link.attributes)?,
            _ => cursor.skip()?,
        }
    }
    Ok(link)
}

fn status<'a>(cursor: &mut Cursor<'a>) -> Result<(i32, Cow<'a, str>), DecodeError> {
    let mut status = (0, Cow::Borrowed(""));
    if cursor.peek() != Some(b'{') {
        status.0 = scalar::enumeration(cursor, code)?;
        return Ok(status);
    }
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "code" => status.0 = scalar::enumeration(cursor, code)?,
            "message" => status.1 = scalar::text(cursor)?,
            _ => cursor.skip()?,
        }
    }
    Ok(status)
}

/// A `SpanKind` by its name, in full or short, in any case.
pub(super) fn kind(name: &str) -> Option<i32> {
    let short = || SpanKind::from_str_name(&format!("SPAN_KIND_{}", name.to_ascii_uppercase()));
    SpanKind::from_str_name(name).or_else(short).map(|kind| kind as i32)
}

/// A `StatusCode` likewise.
pub(super) fn code(name: &str) -> Option<i32> {
    let short = || StatusCode::from_str_name(&format!("STATUS_CODE_{}", name.to_ascii_uppercase()));
    StatusCode::from_str_name(name).or_else(short).map(|code| code as i32)
}

fn severity(name: &str) -> Option<i32> {
    SeverityNumber::from_str_name(name).map(|severity| severity as i32)
}
