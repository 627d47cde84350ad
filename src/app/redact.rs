//! `jwtrail redact`: files → decoder → the same traces without credentials.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::check::name;
use super::output::{self, Output};
use super::settings::{self, Judging, Lookup};
use super::source::Reader;
use super::{out, profile};
use crate::cli::RedactArgs;
use crate::config::DEFAULT_MEMORY;
use crate::model::{Batch, Redacted, UnixNanos};
use crate::trail::Trail;

/// How many spans are taken between two looks at the memory for judging.
const LOOK_EVERY: u64 = 20_000;

/// Reads and writes, record by record: nothing of a file is kept but what the capture profile is built of.
pub fn run(args: &RedactArgs) -> anyhow::Result<ExitCode> {
    if let Some(input) = args.files.iter().find(|input| output::same_file(input, &args.output)) {
        bail!("{} is read and cannot be written: choose another OUT", name(input));
    }
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    let judging = Judging::new(&args.judge, file, Some(DEFAULT_MEMORY.0));
    let reader = Reader::redacting(&judging, args.strict)?;
    let mut work =
        Work { output: Output::open(&args.output)?, trail: judging.trail(), sum: Redacted::default(), new: 0 };
    for path in &args.files {
        let mut failed = None;
        reader.read(path, &mut |batch| {
            if failed.is_none() {
                failed = work.take(batch).err();
            }
        })?;
        if let Some(error) = failed {
            return Err(error).with_context(|| format!("cannot write {}", output::name(&args.output)));
        }
    }
    if work.sum.spans + work.sum.left_out == 0 {
        let names: Vec<String> = args.files.iter().map(|path| name(path)).collect();
        bail!("expected spans, found none in {}: nothing was written", names.join(", "));
    }
    let sum = work.finish().with_context(|| format!("cannot write {}", output::name(&args.output)))?;
    out::note(&told(&sum, &args.output, args.strict));
    Ok(ExitCode::SUCCESS)
}

struct Work {
    output: Output,
    trail: Trail,
    sum: Redacted,
    /// Spans since the last look at the memory.
    new: u64,
}

impl Work {
    fn take(&mut self, mut batch: Batch) -> anyhow::Result<()> {
        for complaint in profile::restore(&batch, |saved| self.trail.restore_profile(saved)) {
            out::note(&format!("warning: {complaint}"));
        }
        if let Some(redacted) = batch.redacted.take() {
            self.output.write(&redacted.lines)?;
            self.sum.spans += redacted.spans;
            self.sum.masked += redacted.masked;
            self.sum.dropped += redacted.dropped;
            self.sum.left_out += redacted.left_out;
        }
        self.new += batch.spans.len() as u64;
        self.trail.ingest(batch, UnixNanos::default());
        if self.new >= LOOK_EVERY {
            self.new = 0;
            self.trail.tick(UnixNanos::default());
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<Redacted> {
        self.trail.settle_all();
        if let Some(line) = profile::line(&self.trail.profile()) {
            self.output.write(&line)?;
        }
        self.output.finish()?;
        Ok(self.sum)
    }
}

fn told(sum: &Redacted, path: &Path, strict: bool) -> String {
    let mut parts = vec![count(sum.spans, "span"), format!("{} masked", count(sum.masked, "value"))];
    if strict {
        parts.push(format!("{} dropped", count(sum.dropped, "attribute")));
    }
    if sum.left_out > 0 {
        parts.push(format!("{} left out, whose ids or values cannot be read", count(sum.left_out, "span")));
    }
    format!("{}: {}", output::name(path), parts.join(", "))
}

/// `1 value`, `1,204 values`.
fn count(count: u64, one: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_are_grouped() {
        assert_eq!((count(1, "span"), count(1_204, "value")), ("1 span".to_owned(), "1,204 values".to_owned()));
        assert_eq!((count(999, "x"), count(1_000_000, "x")), ("999 xs".to_owned(), "1,000,000 xs".to_owned()));
    }
}
