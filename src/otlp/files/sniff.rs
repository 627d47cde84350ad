//! What a file is, by its first bytes.

use super::Format;
use super::json_lines::DOCUMENT;
use crate::otlp::compression::Coding;
use crate::otlp::json::cursor::Cursor;

/// Keys of an object that are looked at.
const MAX_KEYS: usize = 32;

/// The format, or what the file seems to be instead.
pub(super) fn format(head: &[u8]) -> Result<Format, String> {
    let first = Cursor::new(head).peek();
    if json(head) {
        return Ok(json_layout(head));
    }
    match head {
        [] => return Err("an empty file".to_owned()),
        // Field 1 of a request, and in it field 1, 2 or 3 of a group.
        [0x0a, rest @ ..] if group(rest) => return Ok(Format::Protobuf),
        [high, _, _, _, record @ ..] if *high < 0x20 && delimited(record) => return Ok(Format::DelimitedProtobuf),
        _ => {}
    }
    match first {
        None => Err("nothing but white space".to_owned()),
        Some(b'{') => Ok(json_layout(head)),
        // A logger's line may begin with a bracket too.
        Some(_) if memchr::memmem::find(head, DOCUMENT).is_some() => Ok(Format::JsonLines),
        Some(_) => Err(foreign(head)),
    }
}

/// Whether it begins as a JSON object or list: a protobuf's first bytes may look like a line feed and a brace.
pub(super) fn json(head: &[u8]) -> bool {
    let mut cursor = Cursor::new(head);
    match cursor.peek() {
        Some(b'{') => cursor.object().and_then(|mut members| cursor.key(&mut members)).is_ok(),
        Some(b'[') => cursor.array().is_ok_and(|_| matches!(cursor.peek(), Some(b'{' | b'[' | b']'))),
        _ => false,
    }
}

/// Lines, unless the first one is no document by itself.
fn json_layout(head: &[u8]) -> Format {
    let start = head.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let text = head.get(start..).unwrap_or_default();
    let Some(feed) = memchr::memchr(b'\n', text) else { return Format::JsonLines };
    let (first, rest) = text.split_at(feed);
    let mut cursor = Cursor::new(first);
    if cursor.skip().is_ok() && cursor.peek().is_none() {
        return Format::JsonLines;
    }
    // A damaged first line before sound ones is no pretty-printed document.
    let next = rest.trim_ascii_start();
    let fresh = [&b"{\"resourceSpans\""[..], b"{\"resourceLogs\"", b"{\"resourceMetrics\""];
    if fresh.iter().any(|begin| next.starts_with(begin)) { Format::JsonLines } else { Format::JsonDocument }
}

fn group(behind_tag: &[u8]) -> bool {
    let length = behind_tag.iter().take(10).position(|byte| *byte < 0x80);
    let inner = length.and_then(|last| behind_tag.get(last + 1..));
    inner.is_some_and(|inner| matches!(inner.first(), None | Some(0x0a | 0x12 | 0x1a)))
}

fn delimited(record: &[u8]) -> bool {
    matches!(record.first(), Some(0x0a | b'{')) || Coding::sniffed(record) == Coding::Zstd
}

/// What a file of a known layout seems to be, where no span was found in it.
pub(super) fn seems(format: Format, head: &[u8]) -> String {
    match format {
        Format::JsonLines | Format::JsonDocument => json_shape(head),
        Format::Protobuf => "one protobuf message without a span".to_owned(),
        Format::DelimitedProtobuf => "length-delimited protobuf messages without a span".to_owned(),
    }
}

fn foreign(head: &[u8]) -> String {
    let text = match head {
        [b'P', b'K', 3, 4, ..] => "a zip archive: unpack it first",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text: save it as UTF-8",
        [b'<', ..] => "HTML or XML",
        _ if std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0')) => "text that is no JSON",
        _ => "binary data of an unknown format",
    };
    text.to_owned()
}

/// Names the JSON that it is by its keys, which are compared and never printed.
fn json_shape(head: &[u8]) -> String {
    let mut cursor = Cursor::new(head);
    let shape = match cursor.peek() {
        Some(b'[') => match (cursor.array(), cursor.peek()) {
            (Ok(_), Some(b'[')) => "Zipkin spans, a format that this version does not read",
            (Ok(_), Some(b']')) => "an empty JSON list",
            (Ok(_), Some(b'{')) => list_shape(&keys(&mut cursor)),
            _ => "a JSON list of another shape",
        },
        Some(b'{') => {
            let mut data = cursor.clone();
            let keys = keys(&mut cursor);
            object_shape(&keys, &mut data)
        }
        _ => "a log without OTLP in it",
    };
    shape.to_owned()
}

fn list_shape(keys: &[String]) -> &'static str {
    let has = |key: &str| keys.iter().any(|found| found == key);
    if has("parent") && has("child") {
        "a dependency list, which holds no spans: only `graph` reads it"
    } else if has("traceId") && has("id") {
        "Zipkin spans, a format that this version does not read"
    } else if has("traceID") && has("spans") {
        "Jaeger traces, a format that this version does not read"
    } else {
        "a JSON list of another shape"
    }
}

fn object_shape(keys: &[String], object: &mut Cursor<'_>) -> &'static str {
    let has = |key: &str| keys.iter().any(|found| found == key);
    if has("data") {
        return match list_shape(&first_of(object, "data")) {
            "a JSON list of another shape" => "JSON of another shape",
            shape => shape,
        };
    }
    if has("traceID") && has("spans") {
        "a Jaeger trace, a format that this version does not read"
    } else if has("resourceSpans") || has("scopeSpans") || has("batches") || has("trace") {
        "OTLP traces that are empty"
    } else if has("resourceLogs") {
        "OTLP logs without traces"
    } else if has("resourceMetrics") {
        "OTLP metrics without traces"
    } else if has("dependencies") {
        "a dependency list, which holds no spans: only `graph` reads it"
    } else {
        "JSON of another shape"
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
