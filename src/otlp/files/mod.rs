//! Saved traces, told apart by their content and read record by record (formats.md).
//!
//! A splitter finds the records while the file streams by: lines, messages, or the traces within a document, however
//! long it is. They are decoded on all cores and handed over in the order of the file. A record that cannot be read is
//! counted and named, and the rest is read.

mod input;
mod sniff;

mod document;
mod group;
mod lines;
mod protobuf;
mod scan;

mod folder;
mod follow;
mod parallel;
mod progress;
mod records;
mod report;

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;

use super::decode::Decode;
use crate::model::Batch;
use input::Input;
use records::Records;
use report::Tally;
use sniff::{Layout, Sniffed};

pub use folder::{Expanded, Found, expand};
pub use follow::{Follow, Stop, read_on};
pub use progress::Progress;
pub use report::{Damaged, FileReport, Place};

/// Largest record, in bytes unpacked: a line, a message, a trace, or a group of one resource where it cannot be split.
pub const MAX_RECORD_BYTES: usize = 512 << 20;

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// OTLP JSON, one document a line.
    JsonLines,
    /// One OTLP JSON document over many lines, or several in a row.
    JsonDocument,
    /// Traces of Jaeger's API or of a download from its UI.
    Jaeger,
    /// Spans of Zipkin v2.
    Zipkin,
    /// One bare OTLP protobuf request.
    Protobuf,
    /// OTLP requests, each behind its length as a big-endian u32.
    DelimitedProtobuf,
}

/// How files are read. The sizes are bounds on memory; all but `record` only move where it is cut.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Threads that decode; a file that fits the window is decoded on the caller's.
    pub threads: usize,
    /// Counts the bytes read.
    pub progress: Option<&'a Progress>,
    /// Bytes of the file that are looked at together; a longer line is read as a document.
    pub window: usize,
    /// From so many bytes on a group of one resource goes on in another record.
    pub piece: usize,
    /// From so many bytes on records go to a decoder together.
    pub job: usize,
    /// Largest record, in bytes.
    pub record: usize,
}

/// The least that the largest record may be, in bytes.
const LEAST_RECORD_BYTES: usize = 32 << 20;

impl Options<'_> {
    /// Sizes that suit so many bytes of memory, most of which are for what was read.
    pub fn within(memory: usize) -> Self {
        let job = (memory / 256).clamp(64 << 10, 256 << 10);
        Self {
            window: 4 * job,
            piece: job,
            job,
            record: (memory / 2).clamp(LEAST_RECORD_BYTES, MAX_RECORD_BYTES),
            ..Self::default()
        }
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            threads: available_parallelism().map_or(1, NonZero::get),
            progress: None,
            window: 1 << 20,
            piece: 256 << 10,
            job: 256 << 10,
            record: MAX_RECORD_BYTES,
        }
    }
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
    read_file_with(path, decoder, &Options::default(), each)
}

/// The same, with options.
pub fn read_file_with(
    path: &Path,
    decoder: &dyn Decode,
    options: &Options<'_>,
    each: &mut dyn FnMut(Batch),
) -> Result<FileReport, ReadError> {
    if path.as_os_str() == "-" {
        return read_with(io::stdin(), "standard input", decoder, options, each);
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => read_with(file, &name, decoder, options, each),
        Err(source) => Err(ReadError::Open { path: name, source }),
    }
}

/// Reads what `from` gives; `name` is what errors call it.
pub fn read(
    from: impl Read + Send,
    name: &str,
    decoder: &dyn Decode,
    each: &mut dyn FnMut(Batch),
) -> Result<FileReport, ReadError> {
    read_with(from, name, decoder, &Options::default(), each)
}

/// The same, with options. Batches come on the caller's thread and in the order of the file.
pub fn read_with(
    from: impl Read + Send,
    name: &str,
    decoder: &dyn Decode,
    options: &Options<'_>,
    each: &mut dyn FnMut(Batch),
) -> Result<FileReport, ReadError> {
    let failed = |source| ReadError::Read { path: name.to_owned(), source };
    let none = |seems| ReadError::NoSpans { path: name.to_owned(), seems };
    let mut input = Input::open(from, options.window, options.progress).map_err(failed)?;
    let told = |seems| match input.unpacked_nothing() {
        Some(why) => none(why.to_owned()),
        None if input.ahead().is_empty() && input.position() > 0 => none("nothing but white space".to_owned()),
        None => none(seems),
    };
    let sniffed = sniff::format(input.ahead()).map_err(told)?;
    let mut tally = Tally::new(sniffed.format, each);
    let ended = if input.at_end() {
        split(&mut input, sniffed, options, &mut |job| {
            job.decode(decoder, options.record).into_iter().for_each(|done| tally.take(done));
            Ok(())
        })
    } else {
        let input = &mut input;
        let splitter = move |send: &mut records::Send<'_>| split(input, sniffed, options, send);
        parallel::run(options, decoder, splitter, &mut |done| tally.take(done))
    };
    ended.map_err(failed)?;
    let report = tally.report;
    if report.spans == 0 {
        return Err(none(sniff::found_instead(&report, input.head())));
    }
    Ok(report)
}

/// Reads a source that waits at its end for more, such as a file that is followed: each record is handed over as soon as
/// it is whole, on the caller's thread. Its end comes when `from` reads nothing; that no span came until then is no
/// error.
pub fn read_live(
    from: impl Read + Send,
    name: &str,
    decoder: &dyn Decode,
    each: &mut dyn FnMut(Batch),
) -> Result<FileReport, ReadError> {
    let failed = |source| ReadError::Read { path: name.to_owned(), source };
    let options = Options { job: 0, ..Options::default() };
    let mut input = Input::open_live(from, options.window).map_err(failed)?;
    let sniffed = match sniff::format(input.ahead()) {
        Ok(sniffed) => sniffed,
        // More may come of an empty file, and the first lines of a log say nothing yet.
        Err(_) if sniff::may_become(input.head()) => Sniffed { format: Format::JsonLines, layout: Layout::Log },
        Err(seems) => return Err(ReadError::NoSpans { path: name.to_owned(), seems }),
    };
    let mut tally = Tally::new(sniffed.format, each);
    let ended = split(&mut input, sniffed, &options, &mut |job| {
        job.decode(decoder, options.record).into_iter().for_each(|done| tally.take(done));
        Ok(())
    });
    ended.map_err(failed)?;
    Ok(tally.report)
}

/// Finds the records of a file.
fn split(
    input: &mut Input<'_>,
    sniffed: Sniffed,
    options: &Options<'_>,
    send: &mut records::Send<'_>,
) -> io::Result<()> {
    let mut records = Records::new(options, send);
    let ended = match sniffed.layout {
        Layout::Lines => lines::read(input, &mut records, false),
        Layout::Log => lines::read(input, &mut records, true),
        Layout::Documents => document::read(input, &mut records),
        Layout::Protobuf => protobuf::read(input, &mut records),
        Layout::Delimited => protobuf::read_delimited(input, &mut records),
    };
    match ended {
        Ok(()) => {}
        // A packed file that ends early has lost its tail, not what was read before.
        Err(error) if input.packed() => {
            let why = input::why_damaged(&error);
            records.damaged(Place::Byte(input.position()), format!("expected more to unpack, found {why}"))?;
        }
        Err(error) => {
            records.discard();
            records.flush()?;
            return Err(error);
        }
    }
    records.flush()
}
