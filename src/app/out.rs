//! Standard output and standard error. A reader that has gone away (`jwtrail check … | head`) is no error.

use std::io::{self, BufWriter, IsTerminal, Write};

use crate::cli::Format;
use crate::report::{Report, Style, json, text};

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
    written.or_else(quiet)
}

/// Writes a line to standard output. False once nobody reads there any more.
pub fn line(line: &str) -> io::Result<bool> {
    match writeln!(io::stdout().lock(), "{line}") {
        Ok(()) => Ok(true),
        Err(error) => quiet(error).map(|()| false),
    }
}

fn quiet(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// Colours only on a terminal that may have them, ASCII only where the locale says that nothing else is read.
pub fn style() -> Style {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let terminal = io::stdout().is_terminal();
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG"));
    let other = locale.is_some_and(|locale| !locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    Style {
        colour: terminal && set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb"),
        ascii: terminal && other,
    }
}
