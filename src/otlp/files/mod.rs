//! Saved traces, told apart by their content and read record by record (formats.md).
//!
//! A record that cannot be read is counted and named, and the rest is read. One file per format; a format is a variant
//! of [`Format`], a way to recognise it in `sniff`, and a function that finds its records.

mod delimited;
mod document;
mod follow;
mod input;
mod json_lines;
mod protobuf;
mod sniff;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::decode::{Decode, DecodeError, Encoding, Signal};
use crate::model::Batch;
use input::Input;

pub use follow::{Follow, Stop, read_on};

/// Largest record, in bytes unpacked: a line, a length-delimited message, or a document that is one request.
pub const MAX_RECORD_BYTES: usize = 512 << 20;

/// How many damaged records are named; the rest is only counted.
const MAX_NAMED: usize = 20;

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// OTLP JSON, one document a line.
    JsonLines,
    /// One OTLP JSON document over many lines, or several in a row.
    JsonDocument,
    /// One bare OTLP protobuf request.
    Protobuf,
    /// OTLP requests, each behind its length as a big-endian u32.
    DelimitedProtobuf,
}

/// Where in a file something stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Line, from 1.
    Line(u64),
    /// Offset in bytes, unpacked.
    Byte(u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}

/// A record that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// Where it begins.
    pub place: Place,
    /// Why; never a piece of the record.
    pub why: String,
}

impl std::fmt::Display for Damaged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// What was found in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileReport {
    /// What it holds.
    pub format: Format,
    /// Records read, damaged ones not counted.
    pub records: u64,
    /// Spans in them.
    pub spans: u64,
    /// Log records in them that belong to a span.
    pub logs: u64,
    /// Spans whose ids could not be taken.
    pub rejected: u64,
    /// The first damaged records.
    pub damaged: Vec<Damaged>,
    /// All damaged records, the named ones too.
    pub damaged_total: u64,
    /// Where the last record is cut off: normal in a file that is still being written.
    pub truncated: Option<Place>,
}

/// Why a file gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened.
    #[error("cannot open {path}: {source}")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be read to its end.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It holds no span.
    #[error("no span in {path}: expected OTLP traces (JSON or protobuf), found {seems}")]
    NoSpans {
        /// The file.
        path: String,
        /// What it seems to be.
        seems: String,
    },
}

/// Reads a file, or standard input where the path is `-`, and hands over each record's batch.
pub fn read_file(path: &Path, decoder: &dyn Decode, each: &mut dyn FnMut(Batch)) -> Result<FileReport, ReadError> {
    if path.as_os_str() == "-" {
        return read(io::stdin().lock(), "standard input", decoder, each);
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read(file, &name, decoder, each),
        Err(source) => Err(ReadError::Open { path: name, source }),
    }
}

/// Reads what `from` gives; `name` is what errors call it.
pub fn read(
    from: impl Read,
    name: &str,
    decoder: &dyn Decode,
    each: &mut dyn FnMut(Batch),
) -> Result<FileReport, ReadError> {
    let failed = |source| ReadError::Read { path: name.to_owned(), source };
    let mut input = Input::open(from).map_err(failed)?;
    let format = match sniff::format(input.head()) {
        Ok(format) => format,
        Err(seems) => return Err(ReadError::NoSpans { path: name.to_owned(), seems }),
    };
    let mut records = Records::new(format, decoder, each);
    let ended = match format {
        Format::JsonLines => json_lines::read(&mut input, &mut records),
        Format::JsonDocument => document::read(&mut input, &mut records),
        Format::Protobuf => protobuf::read(&mut input, &mut records),
        Format::DelimitedProtobuf => delimited::read(&mut input, &mut records),
    };
    match ended {
        Ok(()) => {}
        // A packed file that ends early has lost its tail, not what was read before.
        Err(_) if input.packed() => records.damaged(
            Place::Byte(input.position()),
            "the compressed stream is damaged or cut off from here on".to_owned(),
        ),
        Err(source) => return Err(failed(source)),
    }
    let report = records.report;
    if report.spans == 0 {
        let seems = found_instead(&report, input.head());
        return Err(ReadError::NoSpans { path: name.to_owned(), seems });
    }
    Ok(report)
}

fn found_instead(report: &FileReport, head: &[u8]) -> String {
    if report.rejected > 0 {
        return format!("{} spans, none of them with ids of 16 and 8 bytes", report.rejected);
    }
    let seems = sniff::seems(report.format, head);
    match report.damaged.first() {
        Some(damaged) => format!("{seems}; {damaged}"),
        None => seems,
    }
}

/// Where a format puts the records that it finds.
struct Records<'a> {
    decoder: &'a dyn Decode,
    each: &'a mut dyn FnMut(Batch),
    report: FileReport,
}

impl<'a> Records<'a> {
    fn new(format: Format, decoder: &'a dyn Decode, each: &'a mut dyn FnMut(Batch)) -> Self {
        let report = FileReport {
            format,
            records: 0,
            spans: 0,
            logs: 0,
            rejected: 0,
            damaged: Vec::new(),
            damaged_total: 0,
            truncated: None,
        };
        Self { decoder, each, report }
    }

    /// Decodes one record and hands its batch on.
    fn decode(&mut self, signal: Signal, encoding: Encoding, record: &[u8]) -> Result<(), DecodeError> {
        let batch = self.decoder.decode(signal, encoding, record)?;
        self.report.records += 1;
        self.report.spans += batch.spans.len() as u64;
        self.report.logs += batch.logs.len() as u64;
        self.report.rejected += batch.rejected;
        (self.each)(batch);
        Ok(())
    }

    /// The same for protobuf, whose signal nobody says.
    fn decode_protobuf(&mut self, record: &[u8]) -> Result<(), DecodeError> {
        let signal = super::protobuf::signal(record).unwrap_or(Signal::Traces);
        self.decode(signal, Encoding::Protobuf, record)
    }

    fn damaged(&mut self, place: Place, why: String) {
        self.report.damaged_total += 1;
        if self.report.damaged.len() < MAX_NAMED {
            self.report.damaged.push(Damaged { place, why });
        }
    }

    fn truncated(&mut self, place: Place) {
        self.report.truncated = Some(place);
    }
}
