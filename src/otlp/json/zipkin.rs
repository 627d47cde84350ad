//! Spans as Zipkin v2 writes them.
//!
//! Where client and server share one id (`shared`), both spans keep it: a span is known by its id and kind, and the
//! trail hangs the server's below the client's.

use std::borrow::Cow;
use std::rc::Rc;

use super::common::any_value;
use super::cursor::Cursor;
use super::id::{Digits, decoded, id, reference};
use super::place::Last;
use super::span::{each, kind};
use super::{or_skip, scalar, tags};
use crate::otlp::data::{Attributes, EventData, LinkData, ResourceData, SpanData, Value, Visitor};
use crate::otlp::decode::DecodeError;

/// The API gives a list of traces, which are lists of spans.
const MAX_WRAPPING: u8 = 3;

/// Nanoseconds in Zipkin's microsecond.
const MICROSECOND: u64 = 1_000;

/// Tags that exporters write for want of a resource, and that belong to the process.
const OF_THE_PROCESS: [&str; 11] = [
    "container.id",
    "service.namespace",
    "service.instance.id",
    "service.version",
    "host.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "process.pid",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
];

/// The annotations that stood for a span's kind before it had one.
const KINDS: [(&str, i32); 6] = [("cs", 3), ("cr", 3), ("sr", 2), ("ss", 2), ("ms", 4), ("mr", 5)];

/// One span, or lists of them.
pub(super) fn spans<'a>(cursor: &mut Cursor<'a>, visitor: &mut impl Visitor<'a>) -> Result<(), DecodeError> {
    let mut last = Last::default();
    if cursor.peek() == Some(b'[') {
        return list(cursor, visitor, &mut last, MAX_WRAPPING);
    }
    let start = cursor.clone();
    let Some(read) = or_skip(cursor, visitor, span)? else { return Ok(()) };
    if read.span.span_id.is_empty() && !read.first_version {
        return Err(start.error("expected a Zipkin span, found an object without `id`"));
    }
    read.tell(&start, &mut last, visitor)
}

fn list<'a, V: Visitor<'a>>(
    cursor: &mut Cursor<'a>,
    visitor: &mut V,
    last: &mut Last<'a>,
    wrapping: u8,
) -> Result<(), DecodeError> {
    let Some(wrapping) = wrapping.checked_sub(1) else { return Err(cursor.expected("a span that is wrapped less")) };
    each(cursor, |cursor| {
        if cursor.peek() == Some(b'[') {
            return list(cursor, visitor, last, wrapping);
        }
        let start = cursor.clone();
        match or_skip(cursor, visitor, span)? {
            Some(read) => read.tell(&start, last, visitor),
            None => Ok(()),
        }
    })
}

/// One span and where it belongs.
#[derive(Default)]
struct Read<'a> {
    span: SpanData<'a>,
    hashed: bool,
    local: Endpoint<'a>,
    remote: Endpoint<'a>,
    first_version: bool,
}

impl<'a> Read<'a> {
    fn tell(
        mut self,
        start: &Cursor<'a>,
        last: &mut Last<'a>,
        visitor: &mut impl Visitor<'a>,
    ) -> Result<(), DecodeError> {
        if self.first_version {
            return Err(start.error("expected spans of Zipkin version 2, found one of version 1: ask the API for v2"));
        }
        let resource = self.resource();
        self.endpoints();
        let scope = tags::lift(&mut self.span);
        last.tell(&Rc::new(resource), scope, visitor);
        if self.hashed {
            visitor.hashed_id();
        }
        visitor.span(&self.span);
        Ok(())
    }

    /// The local endpoint, and what tags say of the process.
    fn resource(&mut self) -> ResourceData<'a> {
        let mut resource = ResourceData::default();
        let mut put = |key, value: Cow<'a, str>| {
            if !value.is_empty() {
                resource.attributes.push((Cow::Borrowed(key), Value::Str(value)));
            }
        };
        // The address tells nameless processes apart. It may differ from span to span, so it is no part of a name.
        if self.local.service.is_empty() {
            put("host.ip", std::mem::take(&mut self.local.address));
        }
        put("service.name", std::mem::take(&mut self.local.service));
        let tags = &mut self.span.attributes;
        for key in OF_THE_PROCESS {
            if let Some(at) = tags.iter().position(|(tag, _)| tag == key) {
                resource.attributes.push(tags.remove(at));
            }
        }
        resource
    }

    /// The endpoints as OpenTelemetry's attributes; tags that say it themselves stand first and count.
    fn endpoints(&mut self) {
        let local_port = self.local.port;
        let Endpoint { service, address, port } = std::mem::take(&mut self.remote);
        let tags = &mut self.span.attributes;
        if !service.is_empty() {
            tags.push((Cow::Borrowed("peer.service"), Value::Str(service)));
        }
        if !address.is_empty() {
            tags.push((Cow::Borrowed("net.peer.ip"), Value::Str(address)));
        }
        if port != 0 {
            tags.push((Cow::Borrowed("net.peer.port"), Value::Int(i64::try_from(port).unwrap_or_default())));
        }
        if local_port != 0 {
            tags.push((Cow::Borrowed("net.host.port"), Value::Int(i64::try_from(local_port).unwrap_or_default())));
        }
    }
}

fn span<'a>(cursor: &mut Cursor<'a>) -> Result<Read<'a>, DecodeError> {
    let mut read = Read::default();
    let mut duration = 0;
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        let span = &mut read.span;
        match &*key {
            "traceId" => span.trace_id = id::<16>(cursor, Digits::Number, &mut read.hashed)?,
            "id" => span.span_id = id::<8>(cursor, Digits::Number, &mut read.hashed)?,
            "parentId" => span.parent_span_id = reference::<8>(cursor, Digits::Number)?,
            "name" => span.name = scalar::text(cursor)?,
            "kind" => span.kind = scalar::enumeration(cursor, kind)?,
            "timestamp" => span.start = scalar::unsigned(cursor)?.saturating_mul(MICROSECOND),
            "duration" => duration = scalar::unsigned(cursor)?.saturating_mul(MICROSECOND),
            "localEndpoint" => read.local = endpoint(cursor)?,
            "remoteEndpoint" => read.remote = endpoint(cursor)?,
            "tags" => tag_map(cursor, &mut span.attributes)?,
            "annotations" => each(cursor, |cursor| {
                let (event, first_version) = annotation(cursor)?;
                read.first_version |= first_version;
                span.events.push(event);
                Ok(())
            })?,
            "binaryAnnotations" => {
                read.first_version = true;
                cursor.skip()?;
            }
            _ => cursor.skip()?,
        }
    }
    let span = &mut read.span;
    if span.kind == 0 {
        let named = |event: &EventData<'_>| KINDS.iter().find(|(name, _)| *name == event.name).map(|(_, kind)| *kind);
        span.kind = span.events.iter().find_map(named).unwrap_or_default();
    }
    if span.start == 0 {
        span.start = span.events.iter().map(|event| event.time).min().unwrap_or_default();
    }
    span.end = span.start.saturating_add(duration);
    if span.parent_span_id == span.span_id {
        span.parent_span_id = Cow::Borrowed(&[]);
    }
    Ok(read)
}

/// A process as the span saw it.
#[derive(Default)]
struct Endpoint<'a> {
    service: Cow<'a, str>,
    address: Cow<'a, str>,
    port: u64,
}

fn endpoint<'a>(cursor: &mut Cursor<'a>) -> Result<Endpoint<'a>, DecodeError> {
    let mut endpoint = Endpoint::default();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "serviceName" => endpoint.service = tags::service(scalar::text(cursor)?),
            "ipv4" | "ipv6" => {
                let address = scalar::text(cursor)?;
                if endpoint.address.is_empty() {
                    endpoint.address = address;
                }
            }
            "port" => endpoint.port = scalar::unsigned(cursor)?,
            _ => cursor.skip()?,
        }
    }
    Ok(endpoint)
}

fn tag_map<'a>(cursor: &mut Cursor<'a>, into: &mut Attributes<'a>) -> Result<(), DecodeError> {
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        into.push((key, any_value(cursor)?));
    }
    Ok(())
}

/// An annotation as an event, and whether it is of version 1, where each has an endpoint.
fn annotation<'a>(cursor: &mut Cursor<'a>) -> Result<(EventData<'a>, bool), DecodeError> {
    let mut event = EventData::default();
    let mut first_version = false;
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "timestamp" => event.time = scalar::unsigned(cursor)?.saturating_mul(MICROSECOND),
            "value" => event.name = scalar::text(cursor)?,
            "endpoint" => {
                first_version = true;
                cursor.skip()?;
            }
            _ => cursor.skip()?,
        }
    }
    if let Some((name, attributes)) = with_attributes(&event.name) {
        (event.name, event.attributes) = (Cow::Owned(name), attributes);
    }
    Ok((event, first_version))
}

/// `"name":{…}`, as OpenTelemetry's SDKs write an event, or `name|{…}|0`, as its Collector does.
fn with_attributes(value: &str) -> Option<(String, Attributes<'static>)> {
    let of_an_sdk = value.strip_prefix('"').and_then(|rest| rest.split_once("\":"));
    let of_a_collector = || value.split_once('|').and_then(|(name, rest)| Some((name, rest.rsplit_once('|')?.0)));
    let (name, attributes) = of_an_sdk.or_else(of_a_collector)?;
    let attributes = serde_json::from_str(attributes.trim()).ok()?;
    Some((name.to_owned(), tags::attributes_of(attributes)))
}

/// A link as OpenTelemetry's Collector writes one into a tag: `trace id|span id|trace state|attributes|dropped`.
pub(super) fn link(text: &str, links: &mut Vec<LinkData<'_>>) -> bool {
    let mut parts = text.splitn(3, '|');
    let (Some(trace), Some(span)) = (parts.next(), parts.next()) else { return false };
    let trace_id = decoded::<16>(trace, Digits::Full).map(Cow::Owned);
    let (Some(trace_id), Some(span_id)) = (trace_id, decoded::<8>(span, Digits::Full).map(Cow::Owned)) else {
        return false;
    };
    let attributes = parts.next().and_then(with_attributes).map(|(_, attributes)| attributes).unwrap_or_default();
    links.push(LinkData { trace_id, span_id, attributes });
    true
}
