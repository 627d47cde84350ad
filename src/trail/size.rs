//! Bytes that spans and log records take, with what they hold for themselves alone.

use std::mem::size_of;
use std::sync::Arc;

use crate::model::meter::{allocated, text};
use crate::model::{Exception, Exposure, Link, LogRecord, Own, Span};

/// Bytes that a log record takes.
pub fn size_of_log(record: &LogRecord) -> usize {
    size_of::<LogRecord>() + heap_of_log(record)
}

/// The same without its place in a list.
pub fn heap_of_log(record: &LogRecord) -> usize {
    size_of_exception(&record.text) + size_of_exposures(&record.exposures)
}

/// What a link costs beside itself: where it leads is indexed, in a set of its own if it is the only one.
const PER_LINK: usize = 336;

/// Bytes that a span takes, its own heap included, without what it shares with others.
pub fn size_of_span(span: &Span) -> usize {
    size_of::<Span>() + heap_of_span(span)
}

/// Bytes that a span has taken for itself alone. Its path may be shared, too, and counts in full: most are not.
pub fn heap_of_span(span: &Span) -> usize {
    let own = if span.has_own() { size_of_own(span.own()) } else { 0 };
    span.path.as_ref().map_or(0, |path| text(path.len())) + own
}

fn size_of_own(own: &Own) -> usize {
    let said = |said: &Option<Arc<str>>| said.as_ref().map_or(0, |said| text(said.len()));
    allocated(size_of_val(own))
        + allocated(own.links.capacity() * size_of::<Link>())
        + own.links.len() * PER_LINK
        + allocated(own.exceptions.capacity() * size_of::<Exception>())
        + own.exceptions.iter().map(size_of_exception).sum::<usize>()
        + size_of_exposures(&own.exposures)
        + said(&own.challenge)
        + said(&own.location)
}

fn size_of_exception(exception: &Exception) -> usize {
    [&exception.kind, &exception.message, &exception.stack].into_iter().map(|said| text(said.len())).sum()
}

fn size_of_exposures(exposures: &Vec<Exposure>) -> usize {
    let own = exposures.iter().map(|exposure| {
        text(exposure.place.len()) + exposure.fingerprint.as_ref().map_or(0, |print| text(print.as_str().len()))
    });
    allocated(exposures.capacity() * size_of::<Exposure>()) + own.sum::<usize>()
}
