//! `AnyValue`, attributes, resource and scope.

use std::borrow::Cow;

use super::cursor::{Cursor, Scalar};
use super::span::each;
use super::{scalar, tags};
use crate::otlp::data::{Attributes, ResourceData, ScopeData, Value};
use crate::otlp::decode::DecodeError;

/// How deep an `AnyValue` may nest; what is deeper reads as not set.
const MAX_VALUE_DEPTH: u8 = 32;

pub(super) fn resource<'a>(cursor: &mut Cursor<'a>) -> Result<ResourceData<'a>, DecodeError> {
    let mut resource = ResourceData::default();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "attributes" => attributes(cursor, &mut resource.attributes)?,
            _ => cursor.skip()?,
        }
    }
    Ok(resource)
}

pub(super) fn scope<'a>(cursor: &mut Cursor<'a>) -> Result<ScopeData<'a>, DecodeError> {
    let mut scope = ScopeData::default();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "name" => scope.name = scalar::text(cursor)?,
            "version" => scope.version = scalar::text(cursor)?,
            "attributes" => attributes(cursor, &mut scope.attributes)?,
            _ => cursor.skip()?,
        }
    }
    Ok(scope)
}

/// A list of `{"key":…,"value":…}`, added at the end.
pub(super) fn attributes<'a>(cursor: &mut Cursor<'a>, into: &mut Attributes<'a>) -> Result<(), DecodeError> {
    nested_attributes(cursor, into, MAX_VALUE_DEPTH)
}

pub(super) fn any_value<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, DecodeError> {
    nested_value(cursor, MAX_VALUE_DEPTH)
}

fn nested_attributes<'a>(cursor: &mut Cursor<'a>, into: &mut Attributes<'a>, depth: u8) -> Result<(), DecodeError> {
    let mut list = cursor.array()?;
    while cursor.item(&mut list)? {
        let mut attribute = (Cow::Borrowed(""), Value::Empty);
        let mut members = cursor.object()?;
        while let Some(key) = cursor.key(&mut members)? {
            match &*key {
                "key" => attribute.0 = scalar::text(cursor)?,
                "value" => attribute.1 = nested_value(cursor, depth)?,
                _ => cursor.skip()?,
            }
        }
        tags::unfold(&attribute.0, &mut attribute.1);
        into.push(attribute);
    }
    Ok(())
}

fn nested_value<'a>(cursor: &mut Cursor<'a>, depth: u8) -> Result<Value<'a>, DecodeError> {
    let Some(depth) = depth.checked_sub(1) else {
        cursor.skip()?;
        return Ok(Value::Empty);
    };
    match cursor.peek() {
        Some(b'{') => {}
        Some(b'[') => {
            let mut values = Vec::new();
            each(cursor, |cursor| nested_value(cursor, depth).map(|value| values.push(value)))?;
            return Ok(Value::Array(values));
        }
        _ => return bare_value(cursor),
    }
    let mut value = Value::Empty;
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        // A field that is `null` is not set, and must not hide the one that is.
        if cursor.peek() == Some(b'n') {
            cursor.skip()?;
            continue;
        }
        match &*key {
            "stringValue" | "string_value" => value = Value::Str(scalar::text(cursor)?),
            "boolValue" | "bool_value" => value = Value::Bool(scalar::boolean(cursor)?),
            "intValue" | "int_value" => value = Value::Int(scalar::signed(cursor)?),
            "doubleValue" | "double_value" => value = Value::Double(scalar::double(cursor)?),
            "bytesValue" | "bytes_value" => value = Value::Bytes(scalar::bytes(cursor)?),
            "arrayValue" | "array_value" => value = Value::Array(array(cursor, depth)?),
            "kvlistValue" | "kvlist_value" => value = Value::Map(map(cursor, depth)?),
            _ => cursor.skip()?,
        }
    }
    Ok(value)
}

/// A value that stands without its `…Value` wrapping.
fn bare_value<'a>(cursor: &mut Cursor<'a>) -> Result<Value<'a>, DecodeError> {
    Ok(match cursor.scalar()? {
        Scalar::Null => Value::Empty,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Text(text) => Value::Str(text),
        Scalar::Number(number) => {
            number.parse().map(Value::Int).or_else(|_| number.parse().map(Value::Double)).unwrap_or_default()
        }
    })
}

fn array<'a>(cursor: &mut Cursor<'a>, depth: u8) -> Result<Vec<Value<'a>>, DecodeError> {
    let mut values = Vec::new();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        if &*key != "values" {
            cursor.skip()?;
            continue;
        }
        let mut list = cursor.array()?;
        while cursor.item(&mut list)? {
            values.push(nested_value(cursor, depth)?);
        }
    }
    Ok(values)
}

fn map<'a>(cursor: &mut Cursor<'a>, depth: u8) -> Result<Attributes<'a>, DecodeError> {
    let mut values = Vec::new();
    let mut members = cursor.object()?;
    while let Some(key) = cursor.key(&mut members)? {
        match &*key {
            "values" => nested_attributes(cursor, &mut values, depth)?,
            _ => cursor.skip()?,
        }
    }
    Ok(values)
}
