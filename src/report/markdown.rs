//! A comment for a pull request in GitHub's Markdown: the conclusion, a table, and what is behind each issue.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::baseline::Names;
use super::{Issue, Report, Style, evidence, words, wrap};
use crate::model::Verdict;
use crate::model::text::Safe;

/// GitHub takes comments of up to so many characters. Bytes are counted here: there are never fewer.
const LIMIT: usize = 65_536;
/// Up to where each part may go, so that there is room for the ones behind it.
const TABLE: usize = 24_000;
const DETAILS: usize = LIMIT - 8_000;
const GONE: usize = LIMIT - 5_000;
const NOTES: usize = LIMIT - 2_000;
/// Columns of the evidence, so that a comment need not be scrolled sideways.
const WIDTH: u16 = 110;

/// Writes the comment: never more than GitHub takes, and it says what it leaves out.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(comment(report).as_bytes())?;
    out.flush()
}

fn comment(report: &Report<'_>) -> String {
    let mark = match report.issues.iter().any(|issue| !issue.known) {
        true => "✗",
        false if report.counts.verdicts[Verdict::Unknown as usize] == report.counts.hops => "?",
        false => "✓",
    };
    // The first line lets a script find and replace the comment that it wrote before.
    let mut text = format!("<!-- jwtrail -->\n### {mark} jwtrail: {}\n\n", words::conclusion(report));
    // What is new comes first, as in the other forms.
    let (new, known): (Vec<&Issue>, Vec<&Issue>) = report.issues.iter().partition(|issue| !issue.known);
    if !report.issues.is_empty() {
        text.push_str("| severity | edge | what | hops | confidence |\n|---|---|---|---|---|\n");
        let left = put(&mut text, TABLE, new.iter().chain(&known), |issue| row(issue));
        said(&mut text, left, "more problem", "in this table, the comment would be too long");
    }
    let left = put(&mut text, DETAILS, new.iter().enumerate(), |(index, issue)| details(issue, index == 0));
    said(&mut text, left, "more problem", "shown in detail, the comment would be too long");
    if let Some(compared) = report.baseline.as_ref().filter(|compared| !compared.gone.is_empty()) {
        text.push_str("Gone since the baseline:\n");
        let left = put(&mut text, GONE, &compared.gone, |(names, _)| gone(names));
        said(&mut text, left, "more", "listed");
    }
    let losses = words::losses(report).into_iter().map(|loss| format!("- {loss}\n"));
    let setup = report.setup.iter().map(|note| format!("- set-up: {}\n", code(&words::setup_note(note), 300)));
    let left = put(&mut text, NOTES, losses.chain(setup), |note| note);
    said(&mut text, left, "more note", "listed");
    let _ = writeln!(text, "<sub>{}</sub>", words::totals(report));
    text
}

/// Adds a piece for each item up to a length of the whole: how many were left out. Once one is, all behind it are: worst
/// first is what is promised.
fn put<T>(text: &mut String, limit: usize, items: impl IntoIterator<Item = T>, piece: impl Fn(T) -> String) -> u64 {
    let mut left = 0;
    for item in items {
        let fits = (left == 0).then(|| piece(item)).filter(|piece| text.len() + piece.len() <= limit);
        match fits {
            Some(piece) => text.push_str(&piece),
            None => left += 1,
        }
    }
    left
}

/// Ends a part, and says what of it was left out.
fn said(text: &mut String, left: u64, what: &str, place: &str) {
    if left > 0 {
        let verb = if left == 1 { "is" } else { "are" };
        let _ = write!(text, "\n{} {verb} not {place}.\n", words::many(left, what));
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
}

fn row(issue: &Issue) -> String {
    let Issue { severity, count, of, confidence, .. } = issue;
    let (mark, what) = (Style::default().mark(issue), words::title(issue));
    let known = if issue.known { ", known" } else { "" };
    let edge = code(&words::issue_edge(issue, Style::default()), 120);
    format!("| {mark} {severity}{known} | {edge} | {what} | {count} of {of} | {confidence} |\n")
}

fn details(issue: &Issue, open: bool) -> String {
    let style = Style { width: Some(WIDTH), ..Style::default() };
    let mut body = String::new();
    for (label, line) in evidence::lines(issue, style) {
        let _ = writeln!(body, "{}", wrap::lines(&format!("{label:<9} {line}"), 10, style));
    }
    let open = if open { " open" } else { "" };
    let edge = html(&words::issue_edge(issue, style));
    let summary = format!("{} <code>{edge}</code> {}", style.mark(issue), words::title(issue));
    let fence = "`".repeat(longest_run(&body).max(2) + 1);
    format!("<details{open}><summary>{summary}</summary>\n\n{fence}text\n{body}{fence}\n\n</details>\n\n")
}

fn gone(names: &Names) -> String {
    let edge = words::edge(names.caller.as_deref(), &names.callee, Style::default());
    format!("- {}\n", code(&format!("{edge}: {}", words::gone_title(names)), 240))
}

/// Foreign text as code: nothing in it is markup, a mention or a link. A bar would end the cell of a table even there,
/// so it becomes one that looks alike.
fn code(text: &str, columns: usize) -> String {
    let text = Safe::new(text).fit(columns).to_string().replace('|', "│");
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Foreign text inside HTML.
fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(character),
        }
    }
    out
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_no_markup() {
        assert_eq!(code("a|b", 9), "`a│b`");
        assert_eq!(code("`a``b", 9), "``` `a``b ```");
        assert_eq!(html("</code>\"&"), "&lt;/code&gt;&quot;&amp;");
        assert_eq!(longest_run("a```b``"), 3);
    }
}
