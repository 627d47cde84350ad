//! What was found in a file, added up.

use super::Format;
use super::records::Done;
use crate::model::Batch;

/// How many damaged records are named; the rest is only counted.
const MAX_NAMED: usize = 20;

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
    /// Records read, damaged ones not counted; a long group of one resource counts as several.
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

/// Adds up what comes of the records, and hands the batches on.
pub(super) struct Tally<'a> {
    pub(super) report: FileReport,
    each: &'a mut dyn FnMut(Batch),
}

impl<'a> Tally<'a> {
    pub(super) fn new(format: Format, each: &'a mut dyn FnMut(Batch)) -> Self {
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
        Self { report, each }
    }

    pub(super) fn take(&mut self, done: Done) {
        match done {
            Done::Batch(batch) => {
                self.report.records += 1;
                self.report.spans += batch.spans.len() as u64;
                self.report.logs += batch.logs.len() as u64;
                self.report.rejected += batch.rejected;
                (self.each)(batch);
            }
            Done::Damaged(place, why) => {
                self.report.damaged_total += 1;
                if self.report.damaged.len() < MAX_NAMED {
                    self.report.damaged.push(Damaged { place, why });
                }
            }
            Done::Truncated(place) => self.report.truncated = Some(place),
        }
    }
}
