//! Workflow commands of GitHub Actions: an annotation for each issue, and the report for people in a group below.

use std::fmt::Write as _;
use std::io::{self, Write};

use aws_lc_rs::digest::{SHA256, digest};

use super::safe::safe;
use super::{Issue, Report, Style, path, text, words};
use crate::model::Severity;
use crate::model::text::Safe;

/// So many annotations of each level are shown of a step; more are thrown away unsaid.
const SHOWN: usize = 10;

/// Writes the commands, worst first.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut left = 0;
    for level in ["error", "warning", "notice"] {
        let of_level = report.issues.iter().filter(|issue| !issue.known && self::level(issue.severity) == level);
        // The last notice is the conclusion.
        let room = if level == "notice" { SHOWN - 1 } else { SHOWN };
        for (index, issue) in of_level.enumerate() {
            if index < room {
                writeln!(out, "{}", annotation(level, issue))?;
            } else {
                left += 1;
            }
        }
    }
    let mut conclusion = words::conclusion(report);
    if left > 0 {
        let what = words::many(left, "more problem") + if left == 1 { " is" } else { " are" };
        let _ =
            write!(conclusion, "\n{what} not shown here: GitHub shows {SHOWN} of each level. The log has them all.");
    }
    writeln!(out, "::notice title=jwtrail::{}", data(&conclusion))?;
    group(report, out)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    }
}

fn annotation(level: &str, issue: &Issue) -> String {
    let style = Style::default();
    let title = format!("{}: {}", words::issue_edge(issue, style), words::title(issue));
    let title = Safe::new(&title).fit(200).to_string();
    let mut lines = vec![format!("{}, {}, {}", issue.severity, words::share(issue), issue.confidence)];
    lines.extend(words::meaning(issue).map(str::to_owned));
    lines.push(format!("path: {}", path::draw(&issue.path, style)));
    lines.extend(words::detail(issue).map(|detail| format!("detail: {}", safe(detail))));
    lines.extend(words::advice(issue).map(|(label, text)| format!("{label}: {}", safe(text))));
    lines.extend(issue.traces.first().map(|trace| format!("trace: {trace}")));
    format!("::{level} title={}::{}", property(&title), data(&lines.join("\n")))
}

/// The text report, folded. Nothing in it is read as a command: names that strangers chose stand in it. What ends the
/// pause cannot be guessed by one who writes a part of the text, since it is made of all of it.
fn group(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut shown = Vec::new();
    text::write(report, Style::default(), &mut shown)?;
    let word = digest(&SHA256, &shown).as_ref().iter().take(16).fold("jwtrail-".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    writeln!(out, "::group::jwtrail report\n::stop-commands::{word}")?;
    out.write_all(&shown)?;
    writeln!(out, "::{word}::\n::endgroup::")?;
    out.flush()
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_property_or_a_command() {
        assert_eq!(property("a: 50 %,\r\nb::c"), "a%3A 50 %25%2C%0D%0Ab%3A%3Ac");
        assert_eq!(data("a: 50 %,\r\nb::c"), "a: 50 %25,%0D%0Ab::c");
    }
}
