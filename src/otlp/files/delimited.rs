//! OTLP requests, each behind its length as a big-endian u32: the Collector's file exporter, format `proto`.
//!
//! With its compression option each record is a zstd frame, and JSON then comes this way too.

use std::io;

use super::input::{Ended, Input};
use super::json_lines::too_long;
use super::{MAX_RECORD_BYTES, Place, Records};
use crate::otlp::buffer::Buffer;
use crate::otlp::compression::{Coding, unpack};
use crate::otlp::decode::{Encoding, Signal};

pub(super) fn read(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<()> {
    let mut prefix = Input::buffer();
    let mut record = Input::buffer();
    loop {
        let at = Place::Byte(input.position());
        prefix.clear();
        record.clear();
        let ended = input.exactly(4, &mut prefix)?;
        let Some(length) = prefix.first_chunk::<4>() else {
            if ended == Ended::AtEnd && !prefix.is_empty() {
                records.truncated(at);
            }
            return Ok(());
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_RECORD_BYTES {
            // A length that is wrong says where no other record begins.
            records.damaged(at, format!("{}; the rest cannot be told apart", too_long()));
            return Ok(());
        }
        if input.exactly(length, &mut record)? == Ended::AtEnd {
            records.truncated(at);
            return Ok(());
        }
        if let Err(why) = decode(&record, records) {
            records.damaged(at, why);
        }
    }
}

fn decode(record: &Buffer, records: &mut Records<'_>) -> Result<(), String> {
    let coding = Coding::sniffed(record);
    if coding == Coding::Identity {
        return decode_plain(record, records);
    }
    let mut plain = Input::buffer();
    unpack(coding, record, &mut plain).map_err(|error| error.to_string())?;
    decode_plain(&plain, records)
}

fn decode_plain(record: &[u8], records: &mut Records<'_>) -> Result<(), String> {
    let decoded = match record.first() {
        Some(b'{') => records.decode(Signal::Traces, Encoding::Json, record),
        _ => records.decode_protobuf(record),
    };
    decoded.map_err(|error| error.to_string())
}
