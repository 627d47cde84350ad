//! How a check ends: what of it is reported, in which form and where, and what fails it. Read before any work is done.

use std::process::ExitCode;

use anyhow::anyhow;

use super::out::{self, Output};
use crate::cli::{CheckArgs, Format};
use crate::config::{DEFAULT_FAIL_ON, FileOptions};
use crate::filter::{Context, Filter};
use crate::model::text::Safe;
use crate::model::{Severity, UnixNanos};
use crate::report::{HopSource, Input, Report, Selected, Selection};
use crate::trail::summary::Summary;

/// The same for files, a command and files that grow.
pub struct Ending {
    output: Output,
    format: Format,
    threshold: Severity,
    filter: Option<Filter>,
}

impl Ending {
    /// What the options say; the threshold may stand in the file.
    pub fn new(args: &CheckArgs, options: &FileOptions) -> anyhow::Result<Self> {
        let filter =
            args.filter.as_deref().map(Filter::parse).transpose().map_err(|error| anyhow!("--where: {error:#}"))?;
        Ok(Self {
            threshold: args.fail_on.or(options.fail_on).unwrap_or(DEFAULT_FAIL_ON),
            format: args.format,
            filter,
            output: Output::open(args.output.as_deref())?,
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
        let report = Report::new(input, summary, hops)?;
        if let Some(Selection { filter, of }) = report.selection.as_ref().filter(|_| report.counts.hops == 0) {
            out::note(&format!("where {}: none of {of} hops matches", Safe::new(filter)));
        }
        self.output.report(&report, self.format)?;
        Ok(if report.fails(self.threshold) { ExitCode::from(1) } else { ExitCode::SUCCESS })
    }
}
