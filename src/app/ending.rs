//! How a check ends: what of it is reported, in which form and where, and what fails it. Read before any work is done.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};

use super::out::{self, Target};
use super::output;
use crate::cli::{CheckArgs, ReportFormat};
use crate::config::{DEFAULT_FAIL_ON, FileOptions};
use crate::filter::{Context, Filter};
use crate::model::text::Safe;
use crate::model::{Severity, UnixNanos};
use crate::report::{Baseline, HopSource, Input, Report, Selected, Selection};
use crate::trail::summary::Summary;

/// The same for files, a command and files that grow.
pub struct Ending {
    output: Target,
    format: ReportFormat,
    threshold: Severity,
    filter: Option<Filter>,
    baseline: Option<Baseline>,
}

impl Ending {
    /// What the options say; the threshold may stand in the file.
    pub fn new(args: &CheckArgs, options: &FileOptions) -> anyhow::Result<Self> {
        if let Some(output) = &args.output
            && let Some(input) = args.files.iter().find(|input| output::same_file(input, output))
        {
            bail!("{} is read and cannot be written: choose another file for the report", input.display());
        }
        let filter =
            args.filter.as_deref().map(Filter::parse).transpose().map_err(|error| anyhow!("--where: {error:#}"))?;
        Ok(Self {
            threshold: args.fail_on.or(options.fail_on).unwrap_or(DEFAULT_FAIL_ON),
            format: args.format,
            filter,
            baseline: args.baseline.as_deref().map(baseline).transpose()?,
            output: Target::open(args.output.as_deref())?,
        })
    }

    /// Whether standard output is for the report alone.
    pub fn claims_stdout(&self) -> bool {
        self.output.claims_stdout(self.format)
    }

    /// Writes the report and answers the exit status. Ages in a filter count back from `last`.
    pub fn conclude(
        &self,
        input: &Input,
        summary: Summary,
        hops: &dyn HopSource,
        last: UnixNanos,
    ) -> anyhow::Result<ExitCode> {
        let selected = self.filter.as_ref().map(|filter| Selected::new(hops, filter, Context { now: last }));
        let hops: &dyn HopSource = selected.as_ref().map_or(hops, |selected| selected);
        let mut report = Report::new(input, summary, hops)?;
        if let Some(baseline) = &self.baseline {
            report = report.against(baseline);
        }
        if let Some(Selection { filter, of }) = report.selection.as_ref().filter(|_| report.counts.hops == 0) {
            out::note(&format!("where {}: none of {of} hops matches", Safe::new(filter)));
        }
        self.output.report(&report, self.format, self.threshold)?;
        Ok(if report.fails(self.threshold) { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}

/// Reads an earlier report.
fn baseline(path: &Path) -> anyhow::Result<Baseline> {
    let file = File::open(path).with_context(|| format!("cannot open the baseline {}", path.display()))?;
    Baseline::read(BufReader::new(file)).with_context(|| format!("the baseline {}", path.display()))
}
