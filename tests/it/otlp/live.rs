//! A file that is read while it is written.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jwtrail::otlp::files::{Format, Place, read_live};

use super::files::delimited;
use super::server::{json_request, request, zstd};
use super::support::decoder;

/// Hands out one part after the other, and notes at each how many spans had come until then.
struct Parts<'a> {
    left: &'a Mutex<Vec<Vec<u8>>>,
    spans: &'a AtomicUsize,
    seen: &'a Mutex<Vec<usize>>,
}

impl Read for Parts<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut parts = self.left.lock().unwrap();
        let Some(part) = parts.first_mut() else { return Ok(0) };
        let length = part.len().min(into.len());
        into[..length].copy_from_slice(&part[..length]);
        if length == part.len() {
            self.seen.lock().unwrap().push(self.spans.load(Ordering::Relaxed));
            parts.remove(0);
        } else {
            part.drain(..length);
        }
        Ok(length)
    }
}

/// What had come before each part was given out, and what in the end.
fn spans_before(parts: Vec<Vec<u8>>) -> (Vec<usize>, Format, Option<Place>) {
    let (parts, seen, spans) = (Mutex::new(parts), Mutex::default(), AtomicUsize::new(0));
    let from = Parts { left: &parts, spans: &spans, seen: &seen };
    let batches = Cell::new(0);
    let report = read_live(from, "FILE", &decoder(), &mut |batch| {
        batches.set(batches.get() + 1);
        spans.fetch_add(batch.spans.len(), Ordering::Relaxed);
    })
    .unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.push(spans.into_inner());
    assert_eq!(report.spans as usize, *seen.last().unwrap());
    (seen, report.format, report.truncated)
}

fn line(spans: u8) -> Vec<u8> {
    format!("{}\n", json_request(spans, 0)).into_bytes()
}

#[test]
fn each_line_is_handed_over_before_more_is_asked_for() {
    let whole = line(1);
    let (first, second) = whole.split_at(50);
    let parts = vec![line(2), [line(1), line(3)].concat(), first.to_vec(), second.to_vec(), first.to_vec()];
    let cut = Some(Place::Line(5));
    assert_eq!(spans_before(parts), (vec![0, 2, 6, 6, 7, 7], Format::JsonLines, cut));
}

#[test]
fn each_message_is_handed_over_before_more_is_asked_for() {
    let message = |spans| delimited(&[&request(spans, 0)]);
    let packed = delimited(&[&zstd(&request(4, 0))]);
    let (found, format, cut) = spans_before(vec![message(2), message(1), packed[..9].to_vec(), packed[9..].to_vec()]);
    assert_eq!((found, format, cut), (vec![0, 2, 3, 3, 7], Format::DelimitedProtobuf, None));
}

#[test]
fn a_log_and_an_empty_file_may_become_traces() {
    let log = |line: Vec<u8>| [b"[otel] INFO - ".to_vec(), line].concat();
    let parts = vec![b"Picked up options\n".to_vec(), b"Started\n".to_vec(), log(line(2)), log(line(1))];
    assert_eq!(spans_before(parts), (vec![0, 0, 0, 2, 3], Format::JsonLines, None));
    assert_eq!(spans_before(Vec::new()), (vec![0], Format::JsonLines, None));
    assert_eq!(spans_before(vec![b"\n".to_vec(), line(1)]).0, [0, 0, 1]);
}

#[test]
fn what_will_never_hold_traces_is_refused_at_once() {
    for bytes in [&b"PK\x03\x04zip\xff\n"[..], b"<html>\n", b"[{\"parent\":\"a\",\"child\":\"b\",\"callCount\":3}]\n"] {
        assert!(read_live(bytes, "FILE", &decoder(), &mut |_| {}).is_err());
    }
}
