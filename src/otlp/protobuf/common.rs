//! `opentelemetry.proto.common.v1` and `resource.v1`.

use std::borrow::Cow;

use super::wire::{Reader, Wire};
use crate::otlp::data::{Attributes, ResourceData, ScopeData, Value};
use crate::otlp::decode::DecodeError;

/// How deep an `AnyValue` may nest; what is deeper reads as not set.
pub(super) const MAX_VALUE_DEPTH: u8 = 32;

pub(super) const WRONG_TYPE: &str = "a known field has another wire type than OTLP gives it";

/// `Resource`: adds to what is there, as protobuf merges a message that comes twice.
pub(super) fn resource<'a>(mut reader: Reader<'a>, into: &mut ResourceData<'a>) -> Result<(), DecodeError> {
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => attribute(field, &mut into.attributes)?,
            (1, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}

/// `InstrumentationScope`, merged like a resource.
pub(super) fn scope<'a>(mut reader: Reader<'a>, into: &mut ScopeData<'a>) -> Result<(), DecodeError> {
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => into.name = field.text(),
            (2, Wire::Len(field)) => into.version = field.text(),
            (3, Wire::Len(field)) => attribute(field, &mut into.attributes)?,
            (1..=3, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}

/// One `KeyValue`, added at the end.
pub(super) fn attribute<'a>(reader: Reader<'a>, into: &mut Attributes<'a>) -> Result<(), DecodeError> {
    nested_attribute(reader, into, MAX_VALUE_DEPTH)
}

/// Texts of the spans before: most attributes repeat one of them, and what is equal to a checked text needs no check.
pub(super) struct Memo<'a> {
    texts: Vec<[&'a str; 2]>,
}

impl Memo<'_> {
    /// Attributes that are remembered of each kind of span.
    const PLACES: usize = 32;

    pub(super) fn new() -> Self {
        Self { texts: vec![[""; 2]; 8 * Self::PLACES] }
    }
}

/// One `KeyValue` of a span of this kind, added at the end.
pub(super) fn attribute_like<'a>(
    reader: Reader<'a>,
    into: &mut Attributes<'a>,
    memo: &mut Memo<'a>,
    kind: i32,
) -> Result<(), DecodeError> {
    let place = usize::from(kind.to_le_bytes()[0] & 7) * Memo::PLACES + into.len() % Memo::PLACES;
    match (reader.short_text_attribute(), memo.texts.get_mut(place)) {
        (Some((name, text)), Some([key, value])) => {
            into.push((Cow::Borrowed(""), Value::Empty));
            if let Some(last) = into.last_mut() {
                (last.0, last.1) = (name.text_like(key), Value::Str(text.text_like(value)));
            }
            Ok(())
        }
        _ => attribute(reader, into),
    }
}

fn nested_attribute<'a>(mut reader: Reader<'a>, into: &mut Attributes<'a>, depth: u8) -> Result<(), DecodeError> {
    // Read into its place: moving a value that was just written in pieces stalls the processor.
    into.push((Cow::Borrowed(""), Value::Empty));
    let Some((key, value)) = into.last_mut() else { return Ok(()) };
    if depth > 0
        && let Some((name, text)) = reader.short_text_attribute()
    {
        (*key, *value) = (name.text(), Value::Str(text.text()));
        return Ok(());
    }
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => *key = field.text(),
            (2, Wire::Len(field)) => nested_value(field, value, depth)?,
            (1 | 2, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}

/// `AnyValue`, merged into what is there: the last field wins, and a list or map that comes twice is joined.
pub(super) fn any_value<'a>(reader: Reader<'a>, into: &mut Value<'a>) -> Result<(), DecodeError> {
    nested_value(reader, into, MAX_VALUE_DEPTH)
}

fn nested_value<'a>(mut reader: Reader<'a>, into: &mut Value<'a>, depth: u8) -> Result<(), DecodeError> {
    let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => *into = Value::Str(field.text()),
            (2, Wire::Varint(value)) => *into = Value::Bool(value != 0),
            (3, Wire::Varint(value)) => *into = Value::Int(value.cast_signed()),
            (4, Wire::Fixed64(bits)) => *into = Value::Double(f64::from_bits(bits)),
            (5, Wire::Len(field)) => {
                if !matches!(into, Value::Array(_)) {
                    *into = Value::Array(Vec::new());
                }
                if let Value::Array(list) = into {
                    array(field, list, depth)?;
                }
            }
            (6, Wire::Len(field)) => {
                if !matches!(into, Value::Map(_)) {
                    *into = Value::Map(Vec::new());
                }
                if let Value::Map(map) = into {
                    key_values(field, map, depth)?;
                }
            }
            (7, Wire::Len(field)) => *into = Value::Bytes(Cow::Borrowed(field.bytes())),
            // An index into a string table that only profiles carry.
            (8, Wire::Varint(_)) => *into = Value::Empty,
            (1..=8, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}

fn array<'a>(mut reader: Reader<'a>, into: &mut Vec<Value<'a>>, depth: u8) -> Result<(), DecodeError> {
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => {
                into.push(Value::Empty);
                if let Some(value) = into.last_mut() {
                    nested_value(field, value, depth)?;
                }
            }
            (1, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}

fn key_values<'a>(mut reader: Reader<'a>, into: &mut Attributes<'a>, depth: u8) -> Result<(), DecodeError> {
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Len(field)) => nested_attribute(field, into, depth)?,
            (1, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    Ok(())
}
