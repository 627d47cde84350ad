//! Records on their way from the splitter to the decoder, many small ones together.

use std::io;
use std::ops::Range;

use super::{MAX_RECORD_BYTES, Options, Place};
use crate::model::Batch;
use crate::otlp::buffer::{Budget, Buffer};
use crate::otlp::compression::{Coding, unpack};
use crate::otlp::decode::{Decode, DecodeError, Encoding, Signal};
use crate::otlp::json::END;
use crate::otlp::protobuf;

/// Records of one job at most: one a span, where spans are small.
const MAX_ENTRIES: usize = 4_096;

/// How a record is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// JSON of this encoding.
    Json(Encoding),
    /// A protobuf request, or the groups of one; nobody says of which signal.
    Protobuf,
    /// A request in protobuf or JSON, maybe packed.
    Any,
}

/// What was found, in the order of the file.
pub(super) enum Entry {
    Record(Record),
    Damaged(Place, String),
    Truncated(Place),
}

/// One record.
pub(super) struct Record {
    /// Where it stands in the job's text.
    text: Range<usize>,
    /// So many bytes at its beginning were put there by the splitter.
    made: usize,
    kind: Kind,
    /// Where it begins in the file.
    place: Place,
    /// What offsets in it are counted from.
    base: u64,
    /// The file ends with it: it may be cut off.
    last: bool,
}

/// Records that one decoder takes together.
pub(super) struct Job {
    text: Buffer,
    entries: Vec<Entry>,
}

/// What came of an entry.
pub(super) enum Done {
    Batch(Batch),
    Damaged(Place, String),
    Truncated(Place),
}

/// Where full jobs go.
pub(super) type Send<'a> = dyn FnMut(Job) -> io::Result<()> + 'a;

/// Where the splitter puts what it finds.
pub(super) struct Records<'a> {
    send: &'a mut Send<'a>,
    job: Job,
    budget: Budget,
    options: &'a Options<'a>,
    open: Option<Open>,
}

/// A record that is being written.
struct Open {
    start: usize,
    made: usize,
    place: Place,
    base: u64,
    too_long: bool,
}

impl<'a> Records<'a> {
    pub(super) fn new(options: &'a Options<'a>, send: &'a mut Send<'a>) -> Self {
        let budget = Budget::new(usize::MAX);
        let job = Job { text: room(&budget), entries: Vec::new() };
        Self { send, job, budget, options, open: None }
    }

    /// From so many bytes on a record may be split.
    pub(super) fn piece(&self) -> usize {
        self.options.piece
    }

    /// Largest record, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.options.record
    }

    /// Begins a record; `base` is what offsets in it are counted from.
    pub(super) fn begin(&mut self, place: Place, base: u64) {
        self.discard();
        self.open = Some(Open { start: self.job.text.len(), made: 0, place, base, too_long: false });
    }

    /// Whether a record was begun.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Where the open record begins.
    pub(super) fn place(&self) -> Option<Place> {
        self.open.as_ref().map(|open| open.place)
    }

    /// Bytes of the open record.
    pub(super) fn length(&self) -> usize {
        self.open.as_ref().map_or(0, |open| self.job.text.len() - open.start)
    }

    /// A part of the open record. Nothing where there is none any more: it was too long.
    pub(super) fn part(&self, range: Range<usize>) -> &[u8] {
        let open = self.open.as_ref().filter(|open| !open.too_long);
        let text = open.and_then(|open| self.job.text.get(open.start..)).unwrap_or_default();
        text.get(range).unwrap_or_default()
    }

    /// Adds what was read to the open record.
    pub(super) fn keep(&mut self, text: &[u8]) {
        let Some(open) = self.open.as_mut().filter(|open| !open.too_long) else { return };
        let length = self.job.text.len() - open.start + text.len();
        if length > self.options.record || self.job.text.extend(text).is_err() {
            open.too_long = true;
            self.job.text.truncate(open.start);
        }
    }

    /// Adds what does not stand at this place of the file.
    pub(super) fn make(&mut self, text: &[u8]) {
        self.keep(text);
        if let Some(open) = &mut self.open {
            open.made += text.len();
        }
    }

    /// Cuts the open record to so many bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        if let Some(open) = &self.open {
            self.job.text.truncate(open.start + length);
        }
    }

    /// Whether the open record is longer than one may be.
    pub(super) fn too_long(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.too_long)
    }

    /// Ends the open record.
    pub(super) fn end(&mut self, kind: Kind, last: bool) -> io::Result<()> {
        let Some(Open { start, made, place, base, too_long }) = self.open.take() else { return Ok(()) };
        if too_long {
            return self.damaged(place, longer_than(self.options.record));
        }
        let text = start..self.job.text.len();
        self.add(Entry::Record(Record { text, made, kind, place, base, last }))
    }

    /// Forgets the open record.
    pub(super) fn discard(&mut self) {
        if let Some(open) = self.open.take() {
            self.job.text.truncate(open.start);
        }
    }

    /// Names what cannot be read.
    pub(super) fn damaged(&mut self, place: Place, why: String) -> io::Result<()> {
        self.discard();
        self.add(Entry::Damaged(place, why))
    }

    /// Says that the file is cut off in its last record.
    pub(super) fn truncated(&mut self, place: Place) -> io::Result<()> {
        self.discard();
        self.add(Entry::Truncated(place))
    }

    /// Sends what is there.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.job.entries.is_empty() {
            return Ok(());
        }
        let fresh = Job { text: room(&self.budget), entries: Vec::new() };
        (self.send)(std::mem::replace(&mut self.job, fresh))
    }

    fn add(&mut self, entry: Entry) -> io::Result<()> {
        self.job.entries.push(entry);
        if self.job.text.len() >= self.options.job || self.job.entries.len() >= MAX_ENTRIES {
            self.flush()?;
        }
        Ok(())
    }
}

fn room(budget: &Budget) -> Buffer {
    Buffer::new(budget, usize::MAX)
}

pub(super) fn longer_than(limit: usize) -> String {
    let advice = if limit < MAX_RECORD_BYTES { ": raise --memory" } else { "" };
    format!("expected a record of at most {limit} bytes, found a longer one{advice}")
}

impl Job {
    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Decodes its records, each on its own: what is damaged costs no other.
    pub(super) fn decode(self, decoder: &dyn Decode, limit: usize) -> Vec<Done> {
        let Self { text, entries } = self;
        let mut done = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry {
                Entry::Record(record) => {
                    let text = text.get(record.text.clone()).unwrap_or_default();
                    record.decode(text, decoder, limit, &mut done);
                }
                Entry::Damaged(place, why) => done.push(Done::Damaged(place, why)),
                Entry::Truncated(place) => done.push(Done::Truncated(place)),
            }
        }
        done
    }
}

impl Record {
    fn decode(self, text: &[u8], decoder: &dyn Decode, limit: usize, done: &mut Vec<Done>) {
        if self.kind != Kind::Any {
            return self.decode_plain(text, decoder, done);
        }
        match unpacked(text, limit) {
            Ok(plain) => self.decode_plain(plain.as_deref().unwrap_or(text), decoder, done),
            Err(why) => done.push(Done::Damaged(self.place, why)),
        }
    }

    /// Documents between which a line feed was lost stand in one record; each is read by itself.
    fn decode_plain(mut self, mut text: &[u8], decoder: &dyn Decode, done: &mut Vec<Done>) {
        loop {
            let error = match self.decode_one(text, decoder) {
                Ok(batch) => return done.push(Done::Batch(batch)),
                Err(error) => error,
            };
            if let Some((document, next)) = two_documents(text, &error) {
                done.extend(self.decode_one(document, decoder).map(Done::Batch));
                self.base += document.len().saturating_sub(self.made) as u64;
                (self.made, text) = (0, next);
            } else if self.last && error.offset >= text.len() {
                // Only what stops at the end of the text is cut off; other damage does not heal by waiting.
                return done.push(Done::Truncated(self.place));
            } else {
                return done.push(self.damaged(text, error));
            }
        }
    }

    fn decode_one(&self, text: &[u8], decoder: &dyn Decode) -> Result<Batch, DecodeError> {
        match self.kind {
            Kind::Json(encoding) => decoder.decode(Signal::Traces, encoding, text),
            Kind::Protobuf => protobuf_request(text, decoder),
            Kind::Any => any(text, decoder),
        }
    }

    fn damaged(&self, text: &[u8], mut error: DecodeError) -> Done {
        let offset = error.offset.saturating_sub(self.made);
        let place = match (self.place, self.kind) {
            (Place::Line(line), _) => {
                let before = text.get(self.made..error.offset).unwrap_or_default();
                Place::Line(line + memchr::memchr_iter(b'\n', before).count() as u64)
            }
            (Place::Byte(byte), Kind::Protobuf) => Place::Byte(byte + offset as u64),
            (place, _) => place,
        };
        error.offset = usize::try_from(self.base).unwrap_or(usize::MAX).saturating_add(offset);
        Done::Damaged(place, error.to_string())
    }
}

/// A whole document, and another behind it that kept it from being read.
fn two_documents<'t>(text: &'t [u8], error: &DecodeError) -> Option<(&'t [u8], &'t [u8])> {
    let ended = error.offset > 0 && error.what.strip_prefix("expected ").is_some_and(|what| what.starts_with(END));
    text.split_at_checked(error.offset).filter(|(_, next)| ended && next.first() == Some(&b'{'))
}

fn protobuf_request(text: &[u8], decoder: &dyn Decode) -> Result<Batch, DecodeError> {
    decoder.decode(protobuf::signal(text).unwrap_or(Signal::Traces), Encoding::Protobuf, text)
}

fn any(text: &[u8], decoder: &dyn Decode) -> Result<Batch, DecodeError> {
    match text.first() {
        Some(b'{') => decoder.decode(Signal::Traces, Encoding::Json, text),
        _ => protobuf_request(text, decoder),
    }
}

/// `None` where it is plain as it stands.
fn unpacked(text: &[u8], limit: usize) -> Result<Option<Buffer>, String> {
    let coding = Coding::sniffed(text);
    if coding == Coding::Identity {
        return Ok(None);
    }
    let mut plain = Buffer::new(&Budget::new(usize::MAX), limit);
    unpack(coding, text, &mut plain).map_err(|error| error.to_string())?;
    Ok(Some(plain))
}
