//! `jwtrail check`: files → trail → report and exit status.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;

use super::ending::Ending;
use super::settings::{self, Judging, Lookup};
use super::{check_follow, check_live, out, profile, source};
use crate::cli::CheckArgs;
use crate::model::{Batch, UnixNanos};
use crate::report::Input;
use crate::trail::Trail;

/// Reads, judges, reports.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if args.live {
        return check_live::run(args);
    }
    if args.follow {
        return check_follow::run(args);
    }
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    let ending = Ending::new(args, &file.options)?;
    let judging = Judging::new(&args.judge, file, None);
    let reader = source::Reader::new(&judging)?;
    let mut judge = Judge::new(&judging);
    for path in &args.files {
        reader.read(path, &mut |batch| judge.take(batch))?;
    }
    let (mut trail, input, last) = judge.finish(&args.files)?;
    let summary = trail.summary(last);
    ending.conclude(&input, summary, &trail, last)
}

/// What came of the files so far. Nothing here knows the clock: the trail is told one moment for all, so that no trace
/// settles before the last file is read.
pub struct Judge {
    trail: Trail,
    rejected: u64,
    last: UnixNanos,
}

impl Judge {
    /// An empty one.
    pub fn new(judging: &Judging) -> Self {
        Self { trail: judging.trail(), rejected: 0, last: UnixNanos::default() }
    }

    /// Takes what was read.
    pub fn take(&mut self, batch: Batch) {
        for complaint in profile::restore(&mut self.trail, &batch) {
            out::note(&format!("warning: {complaint}"));
        }
        self.rejected += batch.rejected;
        self.last = batch.spans.iter().map(|span| span.end.max(span.start)).fold(self.last, UnixNanos::max);
        self.trail.ingest(batch, UnixNanos::default());
    }

    /// Judges everything as settled: the trail, what was read, and the time of the last span.
    pub fn finish(mut self, files: &[PathBuf]) -> anyhow::Result<(Trail, Input, UnixNanos)> {
        let stats = self.trail.stats();
        if stats.spans == 0 {
            let names: Vec<String> = files.iter().map(|path| name(path)).collect();
            bail!("expected spans, found none in {}", names.join(", "));
        }
        self.trail.settle_all();
        let stats = self.trail.stats();
        let input = Input {
            files: files.iter().map(|path| path.display().to_string()).collect(),
            spans: stats.spans,
            traces: stats.traces,
            logs: stats.logs,
            duplicates: stats.duplicates,
            rejected: self.rejected,
            lost: stats.evicted_spans + stats.trace_overflow,
        };
        Ok((self.trail, input, self.last))
    }
}

/// A file's name for people.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
