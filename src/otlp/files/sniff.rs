//! What a file is, by its first bytes.

use super::lines::{DOCUMENT, first_letter};
use super::{FileReport, Format};
use crate::otlp::compression::Coding;
use crate::otlp::json::cursor::Cursor;

/// Keys of an object that are looked at.
const MAX_KEYS: usize = 32;

/// What is said of it, with a mark at its beginning or without.
const UTF_16: &str = "UTF-16 text: save it as UTF-8";

/// How records are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// One JSON document a line.
    Lines,
    /// Lines, some of them with a document behind something else.
    Log,
    /// JSON documents over many lines.
    Documents,
    /// A protobuf request.
    Protobuf,
    /// Messages behind their lengths.
    Delimited,
}

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sniffed {
    pub(super) format: Format,
    pub(super) layout: Layout,
}

/// What a JSON text holds, by its first keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Traces,
    Logs,
    Metrics,
    Jaeger,
    Zipkin,
    Dependencies,
    EmptyList,
    OtherList,
    Other,
    /// No JSON at its beginning.
    Log,
}

/// The format, or what the file seems to be instead.
pub(super) fn format(head: &[u8]) -> Result<Sniffed, String> {
    if json(head) {
        return json_format(head);
    }
    if head.is_empty() {
        return Err("an empty file".to_owned());
    }
    let Some((_, letter)) = first_letter(head) else { return Err("nothing but white space".to_owned()) };
    match head {
        // Field 1 of a request, and in it field 1, 2 or 3 of a group.
        [0x0a, rest @ ..] if group(rest) => {
            return Ok(Sniffed { format: Format::Protobuf, layout: Layout::Protobuf });
        }
        [high, _, _, _, record @ ..] if *high < 0x20 && delimited(record) => {
            return Ok(Sniffed { format: Format::DelimitedProtobuf, layout: Layout::Delimited });
        }
        [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..] => return Err(UTF_16.to_owned()),
        _ => {}
    }
    match letter {
        b'{' => json_format(head),
        // A logger's line may begin with a bracket too.
        _ if memchr::memmem::find(head, DOCUMENT).is_some() => {
            Ok(Sniffed { format: Format::JsonLines, layout: Layout::Log })
        }
        _ => Err(foreign(head)),
    }
}

/// Whether a beginning that is none of a trace file may be one of a log that will hold traces.
pub(super) fn may_become(head: &[u8]) -> bool {
    std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0')) && !head.starts_with(b"<") && !json(head)
}

/// Whether it begins as a JSON object or list: a protobuf's first bytes may look like a line feed and a brace.
fn json(head: &[u8]) -> bool {
    let mut cursor = Cursor::new(head);
    match cursor.peek() {
        Some(b'{') => cursor.object().and_then(|mut members| cursor.key(&mut members)).is_ok(),
        Some(b'[') => cursor.array().is_ok_and(|_| matches!(cursor.peek(), Some(b'{' | b'[' | b']'))),
        _ => false,
    }
}

fn json_format(head: &[u8]) -> Result<Sniffed, String> {
    let layout = json_layout(head);
    let format = match (json_shape(head), layout) {
        (Shape::Dependencies, _) => return Err(Shape::Dependencies.empty().to_owned()),
        (Shape::Jaeger, _) => Format::Jaeger,
        (Shape::Zipkin, _) => Format::Zipkin,
        (_, Layout::Documents) => Format::JsonDocument,
        _ => Format::JsonLines,
    };
    Ok(Sniffed { format, layout })
}

/// Lines, unless the first one is no document by itself.
fn json_layout(head: &[u8]) -> Layout {
    let start = first_letter(head).map_or(0, |(at, _)| at);
    let text = head.get(start..).unwrap_or_default();
    let Some(feed) = memchr::memchr(b'\n', text) else { return Layout::Lines };
    let (first, rest) = text.split_at(feed);
    let mut cursor = Cursor::new(first);
    if cursor.skip().is_ok() && cursor.peek().is_none() {
        return Layout::Lines;
    }
    // A damaged first line before sound ones is no document over many lines; the items of a list are none either.
    let next = rest.trim_ascii_start();
    let fresh = [&b"{\"resourceSpans\""[..], b"{\"resourceLogs\"", b"{\"resourceMetrics\""];
    let damaged = first.starts_with(b"{") && fresh.iter().any(|begin| next.starts_with(begin));
    if damaged { Layout::Lines } else { Layout::Documents }
}

fn group(behind_tag: &[u8]) -> bool {
    let length = behind_tag.iter().take(10).position(|byte| *byte < 0x80);
    let inner = length.and_then(|last| behind_tag.get(last + 1..));
    inner.is_some_and(|inner| matches!(inner.first(), None | Some(0x0a | 0x12 | 0x1a)))
}

fn delimited(record: &[u8]) -> bool {
    matches!(record.first(), Some(0x0a | b'{')) || Coding::sniffed(record) == Coding::Zstd
}

/// What a file seems to be in which no span was found.
pub(super) fn found_instead(report: &FileReport, head: &[u8]) -> String {
    if report.rejected > 0 {
        let why = "their ids are missing or of a wrong length, or a value is of a wrong kind";
        return format!("{} spans, none of which can be taken: {why}", report.rejected);
    }
    let seems = match (report.format, report.truncated) {
        (Format::Protobuf, None) => "one protobuf message without a span".to_owned(),
        (Format::Protobuf, Some(place)) => format!("one protobuf message that is cut off ({place})"),
        (Format::DelimitedProtobuf, None) => "length-delimited protobuf messages without a span".to_owned(),
        (Format::DelimitedProtobuf, Some(place)) => {
            format!("length-delimited protobuf messages that are cut off before the first span ({place})")
        }
        (_, None) => json_shape(head).empty().to_owned(),
        (_, Some(place)) => format!("{} cut off before the first span ({place})", json_shape(head).name()),
    };
    match report.damaged.first() {
        Some(damaged) => format!("{seems}; {damaged}"),
        None => seems,
    }
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Traces => "OTLP traces",
            Self::Logs => "OTLP logs",
            Self::Metrics => "OTLP metrics",
            Self::Jaeger => "Jaeger traces",
            Self::Zipkin => "Zipkin spans",
            Self::Dependencies => "a dependency list",
            Self::EmptyList | Self::OtherList => "a JSON list",
            Self::Other => "JSON of another shape",
            Self::Log => "a log",
        }
    }

    /// The same, where no span is in it.
    fn empty(self) -> &'static str {
        match self {
            Self::Traces => "OTLP traces that are empty",
            Self::Logs => "OTLP logs without traces",
            Self::Metrics => "OTLP metrics without traces",
            Self::Jaeger => "Jaeger traces without a span that can be read",
            Self::Zipkin => "Zipkin spans, none of which can be read",
            Self::Dependencies => "a dependency list, which holds no spans: only `graph` reads it",
            Self::EmptyList => "an empty JSON list",
            Self::OtherList => "a JSON list of another shape",
            Self::Other => "JSON of another shape",
            Self::Log => "a log without OTLP in it",
        }
    }
}

fn foreign(head: &[u8]) -> String {
    let text = match head {
        [b'P', b'K', 3, 4, ..] => "a zip archive: unpack it first",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => UTF_16,
        [b'<', ..] => "HTML or XML",
        _ if std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0')) => "text that is no JSON",
        _ => "binary data of an unknown format",
    };
    text.to_owned()
}

/// Told by its keys, which are compared and never printed.
fn json_shape(head: &[u8]) -> Shape {
    let mut cursor = Cursor::new(head);
    match cursor.peek() {
        Some(b'[') => match (cursor.array(), cursor.peek()) {
            (Ok(_), Some(b'[')) => match (cursor.array(), cursor.peek()) {
                (Ok(_), Some(b'{')) => list_shape(&keys(&mut cursor)),
                (Ok(_), Some(b']') | None) => Shape::EmptyList,
                _ => Shape::OtherList,
            },
            (Ok(_), Some(b']')) => Shape::EmptyList,
            (Ok(_), Some(b'{')) => list_shape(&keys(&mut cursor)),
            _ => Shape::OtherList,
        },
        Some(b'{') => {
            let mut data = cursor.clone();
            let keys = keys(&mut cursor);
            object_shape(&keys, &mut data)
        }
        _ => Shape::Log,
    }
}

fn list_shape(keys: &[String]) -> Shape {
    let has = |key: &str| keys.iter().any(|found| found == key);
    if has("parent") && has("child") {
        Shape::Dependencies
    } else if has("traceId") && has("id") {
        Shape::Zipkin
    } else if has("traceID") && has("spans") {
        Shape::Jaeger
    } else if has("resourceSpans") || has("scopeSpans") || has("batches") {
        Shape::Traces
    } else {
        Shape::OtherList
    }
}

fn object_shape(keys: &[String], object: &mut Cursor<'_>) -> Shape {
    let has = |key: &str| keys.iter().any(|found| found == key);
    if has("data") {
        return match list_shape(&first_of(object, "data")) {
            Shape::OtherList => Shape::Other,
            shape => shape,
        };
    }
    if has("traceID") && has("spans") {
        Shape::Jaeger
    } else if has("traceId") && has("id") {
        Shape::Zipkin
    } else if ["resourceSpans", "resource_spans", "scopeSpans", "batches", "trace", "traces", "result"]
        .into_iter()
        .any(has)
    {
        Shape::Traces
    } else if has("resourceLogs") {
        Shape::Logs
    } else if has("resourceMetrics") {
        Shape::Metrics
    } else if has("dependencies") {
        Shape::Dependencies
    } else {
        Shape::Other
    }
}

/// The keys of the object that follows, as far as the head reaches.
fn keys(cursor: &mut Cursor<'_>) -> Vec<String> {
    let mut keys = Vec::new();
    let Ok(mut members) = cursor.object() else { return keys };
    while let Ok(Some(key)) = cursor.key(&mut members) {
        keys.push(key.into_owned());
        if keys.len() == MAX_KEYS || cursor.skip().is_err() {
            break;
        }
    }
    keys
}

/// The keys of the first object in the list under `wanted`.
fn first_of(cursor: &mut Cursor<'_>, wanted: &str) -> Vec<String> {
    let Ok(mut members) = cursor.object() else { return Vec::new() };
    while let Ok(Some(key)) = cursor.key(&mut members) {
        if key == wanted {
            return cursor.array().map(|_| keys(cursor)).unwrap_or_default();
        }
        if cursor.skip().is_err() {
            break;
        }
    }
    Vec::new()
}
