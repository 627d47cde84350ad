//! `opentelemetry.proto.logs.v1.LogRecord`.

use std::borrow::Cow;

use super::common::{WRONG_TYPE, any_value, attribute};
use super::wire::{Reader, Wire};
use crate::otlp::data::{LogData, Value};
use crate::otlp::decode::DecodeError;

/// Reads one record over the last one.
pub(super) fn log<'a>(mut reader: Reader<'a>, into: &mut LogData<'a>) -> Result<(), DecodeError> {
    into.attributes.clear();
    *into = LogData { attributes: std::mem::take(&mut into.attributes), ..LogData::default() };
    let mut body = Value::Empty;
    let mut observed = 0;
    while let Some(field) = reader.field()? {
        match field {
            (1, Wire::Fixed64(time)) => into.time = time,
            (2, Wire::Varint(severity)) => into.severity = severity as i32,
            (5, Wire::Len(field)) => any_value(field, &mut body)?,
            (6, Wire::Len(field)) => attribute(field, &mut into.attributes)?,
            (9, Wire::Len(field)) => into.trace_id = Cow::Borrowed(field.bytes()),
            (10, Wire::Len(field)) => into.span_id = Cow::Borrowed(field.bytes()),
            (11, Wire::Fixed64(time)) => observed = time,
            (1 | 2 | 5 | 6 | 9..=11, _) => return Err(reader.error(WRONG_TYPE)),
            _ => {}
        }
    }
    into.body = body;
    if into.time == 0 {
        into.time = observed;
    }
    Ok(())
}
