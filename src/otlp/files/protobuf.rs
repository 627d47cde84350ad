//! One bare OTLP protobuf request of any length: each group of a resource is a record.

use std::io;

use super::Place;
use super::input::Input;
use super::records::{Kind, Records, longer_than};

/// The groups of a request: field 1, with a length.
const GROUP: u64 = 0x0a;

pub(super) fn read(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<()> {
    loop {
        if input.next()?.is_empty() {
            return Ok(());
        }
        let offset = input.position();
        records.begin(Place::Byte(offset), offset);
        match field(input, records)? {
            Field::Whole(true) => records.end(Kind::Protobuf, false)?,
            Field::Whole(false) => records.discard(),
            Field::Cut => return records.truncated(Place::Byte(offset)),
            Field::Damaged(what) => {
                let why = format!("malformed protobuf at byte {offset}: {what}; the rest cannot be told apart");
                return records.damaged(Place::Byte(offset), why);
            }
        }
    }
}

enum Field {
    /// Passed, and whether it is a group.
    Whole(bool),
    /// The file ends in it.
    Cut,
    Damaged(&'static str),
}

/// Passes over one field, which the open record keeps.
fn field(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<Field> {
    let tag = match varint(input, records)? {
        Ok(tag) => tag,
        Err(field) => return Ok(field),
    };
    let length = match tag & 7 {
        0 => match varint(input, records)? {
            Ok(_) => 0,
            Err(field) => return Ok(field),
        },
        1 => 8,
        2 => match varint(input, records)? {
            Ok(length) => length,
            Err(field) => return Ok(field),
        },
        5 => 4,
        _ => return Ok(Field::Damaged("expected a field of a request, found another kind of field")),
    };
    if tag >> 3 == 1 && tag != GROUP {
        return Ok(Field::Damaged("expected a group of one resource, found a field of another type"));
    }
    Ok(if exactly(input, length, records)? { Field::Whole(tag == GROUP) } else { Field::Cut })
}

fn varint(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<Result<u64, Field>> {
    let mut value = 0;
    for index in 0..10 {
        let Some(byte) = input.next()?.first().copied() else { return Ok(Err(Field::Cut)) };
        records.keep(&[byte]);
        input.pass(1);
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Ok(Ok(value));
        }
    }
    Ok(Err(Field::Damaged("a varint has more than 64 bits")))
}

/// Passes over so many bytes, which the open record keeps. False where the file ends before.
pub(super) fn exactly(input: &mut Input<'_>, bytes: u64, records: &mut Records<'_>) -> io::Result<bool> {
    let mut left = bytes;
    while left > 0 {
        let chunk = input.next()?;
        if chunk.is_empty() {
            return Ok(false);
        }
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        records.keep(chunk.get(..taken).unwrap_or_default());
        input.pass(taken);
        left -= taken as u64;
    }
    Ok(true)
}

/// OTLP requests, each behind its length as a big-endian u32: the Collector's file exporter, format `proto`. With its
/// compression option each record is a zstd frame, and JSON then comes this way too.
pub(super) fn read_delimited(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<()> {
    loop {
        let at = Place::Byte(input.position());
        let mut prefix = [0; 4];
        for (index, byte) in prefix.iter_mut().enumerate() {
            match input.next()?.first() {
                Some(next) => *byte = *next,
                None if index == 0 => return Ok(()),
                None => return records.truncated(at),
            }
            input.pass(1);
        }
        let length = u64::from(u32::from_be_bytes(prefix));
        if length > records.limit() as u64 {
            // A length that is wrong says where no other record begins.
            let why = format!("{}; the rest cannot be told apart", longer_than(records.limit()));
            return records.damaged(at, why);
        }
        records.begin(at, 0);
        if !exactly(input, length, records)? {
            return records.truncated(at);
        }
        records.end(Kind::Any, false)?;
    }
}
