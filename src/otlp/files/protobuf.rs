//! One bare OTLP protobuf request.

use std::io;

use super::input::{Ended, Input};
use super::json_lines::too_long;
use super::{Place, Records};

pub(super) fn read(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<()> {
    let mut request = Input::buffer();
    if input.rest(&mut request)? == Ended::TooLong {
        records.damaged(Place::Byte(0), too_long());
    } else if let Err(error) = records.decode_protobuf(&request) {
        records.damaged(Place::Byte(error.offset as u64), error.to_string());
    }
    Ok(())
}
