//! Traces as Jaeger's API and the download of its UI write them.
//!
//! The processes stand behind the spans that name them, so the spans are read in a second pass.

use std::borrow::Cow;
use std::rc::Rc;

use ahash::AHashMap;

use super::common::any_value;
use super::cursor::Cursor;
use super::id::{Digits, id, reference};
use super::place::Last;
use super::span::each;
use super::{or_skip, scalar, tags};
use crate::otlp::data::{Attributes, EventData, LinkData, ResourceData, ScopeData, SpanData, Value, Visitor};
use crate::otlp::decode::DecodeError;

/// How deep traces may be wrapped: `{"data":[…]}`, `[…]`.
const MAX_WRAPPING: u8 = 4;

/// Nanoseconds in Jaeger's microsecond.
const MICROSECOND: u64 = 1_000;

/// What Jaeger's own clients call what OpenTelemetry has a name for.
const OF_CLIENTS: [(&str, &str); 2] = [("hostname", "host.name"), ("client-uuid", "service.instance.id")];

/// One trace, a list of them, or the API's `{"data":[…]}`.
pub(super) fn traces<'a>(cursor: &mut Cursor<'a>, visitor: &mut impl Visitor<'a>) -> Result<(), DecodeError> {
    wrapped(cursor, visitor, MAX_WRAPPING)
}

fn wrapped<'a, V: Visitor<'a>>(cursor: &mut Cursor<'a>, visitor: &mut V, wrapping: u8) -> Result<(), DecodeError> {
    let Some(wrapping) = wrapping.checked_sub(1) else { return Err(cursor.expected("a trace that is wrapped less")) };
    if cursor.peek() == Some(b'[') {
        return each(cursor, |cursor| wrapped(cursor, visitor, wrapping));
    }
    let start = cursor.clone();
    let mut trace = Trace::default();
    let mut spans = Vec::new();
    let mut wrapping_only = false;
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match (&*key, cursor.peek()) {
            ("traceID" | "traceId", _) => trace.id = id::<16>(cursor, Digits::Number, &mut trace.hashed)?,
            ("processes", _) => processes(cursor, &mut trace.processes)?,
            ("spans", Some(b'[')) => {
                spans.push(cursor.offset());
                cursor.skip()?;
            }
            ("data", Some(b'[' | b'{')) => {
                wrapping_only = true;
                wrapped(cursor, visitor, wrapping)?;
            }
            _ => cursor.skip()?,
        }
    }
    if spans.is_empty() && !wrapping_only {
        return Err(start.error("expected a trace with `spans`, found an object without them"));
    }
    let mut last = Last::default();
    for offset in spans {
        each(&mut cursor.back_at(offset), |cursor| {
            if let Some(read) = or_skip(cursor, visitor, |cursor| span(cursor, &trace))? {
                read.tell(&trace, &mut last, visitor);
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What all spans of one trace share.
#[derive(Default)]
struct Trace<'a> {
    id: Cow<'a, [u8]>,
    hashed: bool,
    processes: AHashMap<Cow<'a, str>, Rc<ResourceData<'a>>>,
}

/// One span and where it belongs.
#[derive(Default)]
struct Read<'a> {
    span: SpanData<'a>,
    scope: ScopeData<'a>,
    hashed: bool,
    process_id: Cow<'a, str>,
    process: Option<Rc<ResourceData<'a>>>,
}

impl<'a> Read<'a> {
    fn tell(self, trace: &Trace<'a>, last: &mut Last<'a>, visitor: &mut impl Visitor<'a>) {
        let resource = self.process.or_else(|| trace.processes.get(&self.process_id).cloned()).unwrap_or_default();
        last.tell(&resource, self.scope, visitor);
        if self.hashed {
            visitor.hashed_id();
        }
        visitor.span(&self.span);
    }
}

fn processes<'a>(
    cursor: &mut Cursor<'a>,
    into: &mut AHashMap<Cow<'a, str>, Rc<ResourceData<'a>>>,
) -> Result<(), DecodeError> {
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        into.insert(key, Rc::new(process(cursor)?));
    }
    Ok(())
}

fn process<'a>(cursor: &mut Cursor<'a>) -> Result<ResourceData<'a>, DecodeError> {
    let mut name = Cow::Borrowed("");
    let mut attributes = Vec::new();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "serviceName" => name = tags::service(scalar::text(cursor)?),
            "tags" => tag_list(cursor, &mut attributes)?,
            _ => cursor.skip()?,
        }
    }
    for (tag, key) in OF_CLIENTS {
        if !attributes.iter().any(|(known, _)| known == key)
            && let Some((found, _)) = attributes.iter_mut().find(|(known, _)| known == tag)
        {
            *found = Cow::Borrowed(key);
        }
    }
    attributes.retain(|(key, _)| key != "service.name" || name.is_empty());
    if !name.is_empty() {
        attributes.insert(0, (Cow::Borrowed("service.name"), Value::Str(name)));
    }
    Ok(ResourceData { attributes })
}

fn span<'a>(cursor: &mut Cursor<'a>, trace: &Trace<'a>) -> Result<Read<'a>, DecodeError> {
    let mut read = Read::default();
    let mut duration = 0;
    let mut legacy_parent = Cow::Borrowed(&[][..]);
    let mut references = Vec::new();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        let span = &mut read.span;
        match &*key {
            "traceID" | "traceId" => span.trace_id = id::<16>(cursor, Digits::Number, &mut read.hashed)?,
            "spanID" | "spanId" => span.span_id = id::<8>(cursor, Digits::Number, &mut read.hashed)?,
            "parentSpanID" | "parentSpanId" => legacy_parent = reference::<8>(cursor, Digits::Number)?,
            "operationName" => span.name = scalar::text(cursor)?,
            // Bit 0 says sampled, as in W3C's flags; the others are Jaeger's own.
            "flags" => span.flags = scalar::unsigned(cursor)? as u32 & 1,
            "startTime" => span.start = scalar::unsigned(cursor)?.saturating_mul(MICROSECOND),
            "duration" => duration = scalar::unsigned(cursor)?.saturating_mul(MICROSECOND),
            "references" => each(cursor, |cursor| refers(cursor).map(|refers| references.push(refers)))?,
            "tags" => tag_list(cursor, &mut span.attributes)?,
            "logs" => each(cursor, |cursor| log(cursor).map(|event| span.events.push(event)))?,
            "processID" | "processId" => read.process_id = scalar::text(cursor)?,
            "process" if cursor.peek() == Some(b'{') => read.process = Some(Rc::new(process(cursor)?)),
            _ => cursor.skip()?,
        }
    }
    if read.span.trace_id.is_empty() {
        read.span.trace_id.clone_from(&trace.id);
        read.hashed |= trace.hashed;
    }
    read.span.end = read.span.start.saturating_add(duration);
    relate(&mut read.span, references, legacy_parent);
    read.scope = tags::lift(&mut read.span);
    Ok(read)
}

/// A reference to another span.
struct Refers<'a> {
    follows: bool,
    to: LinkData<'a>,
}

fn refers<'a>(cursor: &mut Cursor<'a>) -> Result<Refers<'a>, DecodeError> {
    let mut found = Refers { follows: false, to: LinkData::default() };
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "refType" => found.follows = scalar::text(cursor)? == "FOLLOWS_FROM",
            "traceID" | "traceId" => found.to.trace_id = reference::<16>(cursor, Digits::Number)?,
            "spanID" | "spanId" => found.to.span_id = reference::<8>(cursor, Digits::Number)?,
            _ => cursor.skip()?,
        }
    }
    Ok(found)
}

/// The parent is the first `CHILD_OF` of the same trace; where there is none, Jaeger hangs the span below the first
/// `FOLLOWS_FROM` of the same trace. All other references are links.
fn relate<'a>(span: &mut SpanData<'a>, mut references: Vec<Refers<'a>>, legacy_parent: Cow<'a, [u8]>) {
    let own = |refers: &Refers<'_>| refers.to.trace_id.is_empty() || refers.to.trace_id == span.trace_id;
    let child = references.iter().position(|refers| !refers.follows && own(refers));
    let parent = match child {
        None if !legacy_parent.is_empty() => None,
        None => references.iter().position(own),
        child => child,
    };
    span.parent_span_id = match parent {
        Some(at) => references.remove(at).to.span_id,
        None => legacy_parent,
    };
    for mut refers in references {
        if refers.to.trace_id.is_empty() {
            refers.to.trace_id.clone_from(&span.trace_id);
        }
        span.links.push(refers.to);
    }
}

fn log<'a>(cursor: &mut Cursor<'a>) -> Result<EventData<'a>, DecodeError> {
    let mut event = EventData::default();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "timestamp" => event.time = scalar::unsigned(cursor)?.saturating_mul(MICROSECOND),
            "fields" => tag_list(cursor, &mut event.attributes)?,
            _ => cursor.skip()?,
        }
    }
    tags::named(&mut event);
    Ok(event)
}

fn tag_list<'a>(cursor: &mut Cursor<'a>, into: &mut Attributes<'a>) -> Result<(), DecodeError> {
    each(cursor, |cursor| tag(cursor).map(|tag| into.push(tag)))
}

fn tag<'a>(cursor: &mut Cursor<'a>) -> Result<(Cow<'a, str>, Value<'a>), DecodeError> {
    let (mut name, mut kind, mut value) = (Cow::Borrowed(""), Cow::Borrowed(""), Value::Empty);
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "key" => name = scalar::text(cursor)?,
            "type" => kind = scalar::text(cursor)?,
            "value" => value = any_value(cursor)?,
            _ => cursor.skip()?,
        }
    }
    Ok((name, typed(&kind, value)))
}

/// A value as its type says; one that does not fit stays as it is written.
fn typed<'a>(kind: &str, value: Value<'a>) -> Value<'a> {
    let Value::Str(text) = &value else {
        return match (kind, value) {
            ("float64", Value::Int(number)) => Value::Double(number as f64),
            (_, value) => value,
        };
    };
    let read = match kind {
        "bool" => text.to_ascii_lowercase().parse().ok().map(Value::Bool),
        "int64" => text.trim().parse().ok().map(Value::Int),
        "float64" => text.trim().parse().ok().map(Value::Double),
        "binary" => scalar::base64(text).map(|bytes| Value::Bytes(Cow::Owned(bytes))),
        _ => None,
    };
    read.unwrap_or(value)
}
