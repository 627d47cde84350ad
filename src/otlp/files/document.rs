//! JSON documents of any length, one or several: down to the lists that hold traces, and each item is a record.
//!
//! What an object is, its keys say: a request or a wrapping of one, a group of one resource, a Jaeger trace, a Zipkin
//! span. Until they do it is kept whole, for it may be a record itself.

use std::io;

use super::Place;
use super::group::Group;
use super::input::Input;
use super::records::{Kind, Records};
use super::scan::{Key, Scan, Stop, expected};
use crate::otlp::decode::Encoding;

/// How deep traces may be wrapped: `{"traces":[{"trace":{"batches":[{…}]}}]}` is six.
const MAX_WRAPPING: u8 = 8;

/// One text of documents.
pub(super) struct Document<'r, 'i, 'j> {
    pub(super) scan: Scan<'r, 'i, 'j>,
    /// What offsets are counted from.
    origin: u64,
    pub(super) group: Group,
}

/// What an object has shown to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Unknown,
    /// It holds lists of traces, and is none itself.
    Wrapping,
    Otlp,
    Jaeger,
    /// The trace id was seen.
    TraceId,
    Zipkin,
}

/// Reads all documents that are left.
pub(super) fn read(input: &mut Input<'_>, records: &mut Records<'_>) -> io::Result<()> {
    loop {
        match Document::new(input, records, false, 0).documents() {
            Ok(()) => return Ok(()),
            // The next document is looked for where one that stands alone would begin.
            Err(Stop::Damaged(_)) => loop {
                input.skip_line()?;
                if matches!(input.next()?.first(), None | Some(b'{' | b'[')) {
                    break;
                }
            },
            Err(Stop::End) => return Ok(()),
            Err(Stop::Io(error)) => return Err(error),
        }
    }
}

/// Reads the documents up to the end of the line, and passes over what is left of it.
pub(super) fn read_line(input: &mut Input<'_>, records: &mut Records<'_>, origin: u64) -> io::Result<()> {
    match Document::new(input, records, true, origin).documents() {
        Err(Stop::Io(error)) => Err(error),
        _ => input.skip_line(),
    }
}

impl<'r, 'i, 'j> Document<'r, 'i, 'j> {
    fn new(input: &'r mut Input<'i>, records: &'r mut Records<'j>, line: bool, origin: u64) -> Self {
        Self { scan: Scan { input, records, line }, origin, group: Group::default() }
    }

    /// One after the other. What stops it was counted.
    fn documents(&mut self) -> Result<(), Stop> {
        while self.scan.peek()?.is_some() {
            let place = self.place();
            let Err(stop) = self.any(MAX_WRAPPING) else { continue };
            let place = self.scan.records.place().unwrap_or(place);
            self.salvage()?;
            match &stop {
                Stop::End if self.scan.input.next()?.is_empty() => self.scan.records.truncated(place)?,
                Stop::End => {
                    let why = "expected the end of the document, found the end of its line";
                    self.scan.records.damaged(place, why.to_owned())?;
                }
                Stop::Damaged(why) => {
                    let why = format!("malformed JSON at byte {}: {why}", self.offset());
                    let place = self.place();
                    self.scan.records.damaged(place, why)?;
                }
                Stop::Io(_) => {}
            }
            return Err(stop);
        }
        Ok(())
    }

    fn place(&self) -> Place {
        Place::Line(self.scan.input.line())
    }

    fn offset(&self) -> u64 {
        self.scan.input.position() - self.origin
    }

    /// Begins a record here.
    pub(super) fn begin(&mut self) {
        let (place, base) = (self.place(), self.offset());
        self.scan.records.begin(place, base);
        self.group = Group::default();
    }

    fn end(&mut self, encoding: Encoding) -> io::Result<()> {
        let last = self.scan.input.at_end() && self.scan.input.ahead().is_empty();
        self.scan.records.end(Kind::Json(encoding), last)
    }

    /// A value of whatever shape.
    fn any(&mut self, wrapping: u8) -> Result<(), Stop> {
        match (self.scan.need()?, wrapping.checked_sub(1)) {
            (b'{', Some(wrapping)) => self.object(wrapping),
            (b'[', Some(wrapping)) => self.list(wrapping),
            _ => {
                self.begin();
                self.scan.value()?;
                Ok(self.end(Encoding::Json)?)
            }
        }
    }

    fn list(&mut self, wrapping: u8) -> Result<(), Stop> {
        self.scan.take(1);
        let mut first = true;
        while self.scan.item(&mut first)? {
            self.any(wrapping)?;
        }
        Ok(())
    }

    fn object(&mut self, wrapping: u8) -> Result<(), Stop> {
        self.begin();
        self.scan.take(1);
        let (mut shape, mut first) = (Shape::Unknown, true);
        while let Some(key) = self.scan.key(&mut first)? {
            shape = self.member(key, shape, wrapping)?;
        }
        let ended = match shape {
            Shape::Wrapping => Ok(()),
            Shape::Jaeger => self.end(Encoding::JaegerJson),
            Shape::Zipkin => self.end(Encoding::ZipkinJson),
            Shape::Unknown | Shape::Otlp | Shape::TraceId => self.end(Encoding::Json),
        };
        Ok(ended?)
    }

    /// One member of an object, and what the object has shown to be with it.
    fn member(&mut self, key: Key, shape: Shape, wrapping: u8) -> Result<Shape, Stop> {
        let open = matches!(shape, Shape::Unknown | Shape::Wrapping | Shape::TraceId);
        let next = self.scan.need()?;
        Ok(match (key, next) {
            (Key::Groups | Key::Traces, b'[') | (Key::Trace, b'{') | (Key::Metrics, _) if open => {
                self.scan.records.discard();
                match key {
                    Key::Metrics => self.scan.value()?,
                    _ => self.any(wrapping)?,
                }
                // What the items wrote is theirs; the rest of this object is none of a record.
                self.scan.records.discard();
                Shape::Wrapping
            }
            (Key::Groups, other) if open && other != b'n' => return Err(expected("a list", other)),
            (Key::Resource, _) if shape != Shape::Wrapping => {
                self.resource()?;
                if open { Shape::Otlp } else { shape }
            }
            (Key::Scopes { logs }, b'[') if matches!(shape, Shape::Unknown | Shape::Otlp) => {
                self.scopes(logs)?;
                Shape::Otlp
            }
            _ => {
                self.scan.value()?;
                match (key, shape) {
                    (Key::Jaeger, Shape::Unknown) => Shape::Jaeger,
                    (Key::TraceId, Shape::Unknown) => Shape::TraceId,
                    (Key::Id, Shape::TraceId) => Shape::Zipkin,
                    _ => shape,
                }
            }
        })
    }
}
