//! `jwtrail check`: files → trail → report and exit status.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;

use super::bar::Working;
use super::ending::Ending;
use super::judged::Judged;
use super::settings::{self, Judging, Lookup};
use super::{check_follow, check_live, out, profile, source};
use crate::cli::{CheckArgs, ForwardArgs};
use crate::model::{Batch, UnixNanos};
use crate::report::Input;
use crate::store::{Spool, SpoolError};

/// Reads, judges, reports.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    if args.live {
        return check_live::run(args);
    }
    only_live(args)?;
    if args.follow {
        return check_follow::run(args);
    }
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    let ending = Ending::new(args, &file.options)?;
    let judging = Judging::new(&args.judge, file, None).within(args.listen.memory)?;
    let reader = source::Reader::new(&judging)?;
    let mut judge = Judge::new(&judging);
    for path in &args.files {
        reader.read(path, &mut |batch| judge.take(batch))?;
    }
    // What it remembers of tokens makes room for judging.
    drop(reader);
    let (mut judged, input, last) = judge.finish(&args.files)?;
    let summary = judged.summary(last);
    ending.conclude(&input, summary, &judged, last)
}

/// Judging more spans than that takes more than a moment.
const LONG: u64 = 100_000;

/// What came of the files so far. What does not fit into memory waits on disk.
pub struct Judge {
    spool: Spool,
    rejected: u64,
    last: UnixNanos,
    /// Whether memory was full before the input ended.
    spooled: bool,
    failed: Option<SpoolError>,
}

impl Judge {
    /// An empty one.
    pub fn new(judging: &Judging) -> Self {
        Self { spool: judging.spool(), rejected: 0, last: UnixNanos::default(), spooled: false, failed: None }
    }

    /// Takes what was read. What goes wrong with the disk is said at the end.
    pub fn take(&mut self, batch: Batch) {
        if self.failed.is_some() {
            return;
        }
        for complaint in profile::restore(&batch, |saved| self.spool.restore_profile(saved)) {
            out::note(&format!("warning: {complaint}"));
        }
        self.rejected += batch.rejected;
        self.last = batch.spans.iter().map(|span| span.end.max(span.start)).fold(self.last, UnixNanos::max);
        match self.spool.take(batch) {
            Ok(spooled) => self.spooled |= spooled,
            Err(error) => self.failed = Some(error),
        }
    }

    /// Judges everything as settled: hops and sums, what was read, and the time of the last span.
    pub fn finish(self, files: &[PathBuf]) -> anyhow::Result<(Judged, Input, UnixNanos)> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if self.spool.spans() == 0 {
            let names: Vec<String> = files.iter().map(|path| name(path)).collect();
            bail!("expected spans, found none in {}", names.join(", "));
        }
        if self.spooled {
            out::hint("not all of it fits into --memory: it is judged from a temporary file");
        }
        let spans = self.spool.spans();
        let working = (spans > LONG).then(|| Working::new(format!("judging {spans} spans")));
        let judged = Judged(self.spool.finish()?);
        drop(working);
        if !judged.0.agreed {
            out::note("warning: traces teach each other in circles: a verdict may differ with more --memory");
        }
        let stats = judged.stats();
        let input = Input {
            files: files.iter().map(|path| path.display().to_string()).collect(),
            spans: stats.spans,
            traces: stats.traces,
            logs: stats.logs,
            duplicates: stats.duplicates,
            rejected: self.rejected,
            lost: stats.evicted_spans + stats.trace_overflow,
        };
        Ok((judged, input, self.last))
    }
}

/// Refuses what would be passed over without a word: with files there is no command to run, and nothing to record.
fn only_live(args: &CheckArgs) -> anyhow::Result<()> {
    if !args.command.is_empty() {
        bail!("expected files, or `--live -- CMD`, found files and a command: give --live in place of the files");
    }
    if args.listen.forward != ForwardArgs::default() {
        bail!("expected --live where something is forwarded, found files");
    }
    let record = &args.listen.record;
    if record.record.is_some() || record.record_size.is_some() || record.record_files.is_some() {
        bail!(
            "expected --live where something is recorded, found files: `jwtrail redact` writes those without credentials"
        );
    }
    Ok(())
}

/// A file's name for people.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}
