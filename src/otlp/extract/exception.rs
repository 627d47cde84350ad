//! Exceptions, out of span events and log records alike.

use std::sync::Arc;

use super::text::{both_ends, capped};
use crate::model::Exception;
use crate::otlp::data::{Attributes, Value};
use crate::token::{Credential, Shared};

/// Characters kept of a message.
pub(super) const MAX_MESSAGE: usize = 512;

/// Characters kept of a stack trace: its beginning and its end.
pub(crate) const MAX_STACK: usize = 1024;

/// Reads `exception.*`; what was cut out of the texts is reported with the attribute's key.
pub(super) fn exception_of(
    attributes: &Attributes<'_>,
    shared: &Shared,
    found: &mut dyn FnMut(&str, Credential),
) -> Exception {
    let mut exception = Exception::default();
    for (key, value) in attributes {
        let Value::Str(text) = value else { continue };
        let mut scrub = || shared.scrub_with(text, &mut |credential| found(key, credential));
        match &**key {
            "exception.type" => exception.kind = Arc::from(capped(&scrub(), MAX_MESSAGE)),
            "exception.message" => exception.message = Arc::from(capped(&scrub(), MAX_MESSAGE)),
            "exception.stacktrace" => exception.stack = Arc::from(both_ends(&scrub(), MAX_STACK)),
            _ => {}
        }
    }
    exception
}
