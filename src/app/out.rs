//! Standard output and standard error. A reader that has gone away (`jwtrail check … | head`) is no error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::{Format, ReportFormat};
use crate::model::Severity;
use crate::report::{Report, Style, github, json, junit, markdown, sarif, text};
use crate::tui;

/// Writes a line to standard error.
pub fn note(line: &str) {
    // There is nowhere left to say that standard error cannot be written to.
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// Writes a line to standard error where a person reads it.
pub fn hint(line: &str) {
    if io::stderr().is_terminal() {
        note(line);
    }
}

/// Writes a report to standard output.
pub fn report(report: &Report<'_>, format: Format) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = match format {
        Format::Json => json::write(report, &mut out),
        Format::Text => text::write(report, style(), &mut out),
    };
    quiet(written)
}

/// Where a report goes.
pub enum Target {
    /// Standard output.
    Standard,
    /// A file that is open already: a place that cannot be written to is known before the work is done.
    File(Opened),
}

/// A file for a report. One that was made for it is removed again where there is none.
pub struct Opened {
    file: File,
    path: PathBuf,
    made: bool,
}

impl Opened {
    fn new(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true);
        let (file, made) = match options.clone().create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => (options.create(true).open(path)?, false),
            Err(error) => return Err(error),
        };
        Ok(Self { file, path: path.to_owned(), made })
    }

    /// Empties it, if it is a file, and answers where to write.
    fn emptied(&self) -> io::Result<&File> {
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        Ok(&self.file)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.made && self.file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == 0) {
            // Who cannot write may well not remove.
            drop(fs::remove_file(&self.path));
        }
    }
}

impl Target {
    /// Standard output, or the file named. What the file holds is kept until there is a report.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else { return Ok(Self::Standard) };
        let opened = Opened::new(path).with_context(|| format!("cannot write the report to {}", path.display()))?;
        Ok(Self::File(opened))
    }

    /// Whether standard output is for the report alone: one for programs goes there.
    pub fn claims_stdout(&self, format: ReportFormat) -> bool {
        matches!(self, Self::Standard) && format != ReportFormat::Text
    }

    /// Writes the report, to a file without colours; what is at least as bad as `fail_on` fails the build.
    pub fn report(&self, report: &Report<'_>, format: ReportFormat, fail_on: Severity) -> anyhow::Result<()> {
        match self {
            Self::Standard => {
                let written = write(report, format, fail_on, style(), io::stdout().lock());
                quiet(written).context("cannot write the report to standard output")
            }
            Self::File(opened) => opened
                .emptied()
                .and_then(|file| write(report, format, fail_on, Style::default(), file))
                .with_context(|| format!("cannot write the report to {}", opened.path.display())),
        }
    }
}

fn write(
    report: &Report<'_>,
    format: ReportFormat,
    fail_on: Severity,
    style: Style,
    out: impl Write,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    match format {
        ReportFormat::Text => text::write(report, style, &mut out)?,
        ReportFormat::Json => json::write(report, &mut out)?,
        ReportFormat::Sarif => sarif::write(report, fail_on, &mut out)?,
        ReportFormat::Junit => junit::write(report, fail_on, &mut out)?,
        ReportFormat::Github => github::write(report, &mut out)?,
        ReportFormat::Markdown => markdown::write(report, &mut out)?,
    }
    out.flush()
}

/// Writes a line to standard output. False once nobody reads there any more.
pub fn line(line: &str) -> io::Result<bool> {
    match writeln!(io::stdout().lock(), "{line}") {
        Ok(()) => Ok(true),
        Err(error) => quiet(Err(error)).map(|()| false),
    }
}

/// Passes over the error that a reader is gone.
pub fn quiet(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Colours only on a terminal that may have them, ASCII only where the locale says that nothing else is read, lines
/// broken at its width.
pub fn style() -> Style {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let terminal = io::stdout().is_terminal();
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let other = locale.is_some_and(|locale| !locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    Style {
        colour: terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb"),
        ascii: terminal && other,
        width: if terminal { tui::columns() } else { None },
    }
}
