//! A stack trace without what an application put into it: the exceptions that it names stay, in their places.

use crate::otlp::extract::{MAX_STACK, both_ends};
use crate::token::REDACTED;

/// How the lines begin that name the cause of the exception above: Java, .NET, Node.
const CAUSES: [&str; 3] = ["Caused by: ", "---> ", "[cause]: "];

/// How Python's begin, wherever they stand.
const HEADS: [&str; 2] = ["Traceback (most recent call last)", "+ Exception Group Traceback (most recent call last)"];

/// Keeps the lines at the margin and those of causes, each with its type, and with its message where that `speaks` of
/// tokens. Frames go. No more is read of a stack than its beginning and its end, so no more is kept.
pub(super) fn reduced(stack: &str, speaks: impl Fn(&str) -> bool) -> String {
    // Go's is a dump of frames alone.
    if stack.starts_with("goroutine ") {
        return "goroutine ".to_owned();
    }
    let mut out: Vec<String> = Vec::new();
    for line in both_ends(stack, MAX_STACK).lines() {
        let behind_a_cut = out.last().is_some_and(|last| last == "…");
        let bars = line.len() - line.trim_start().strip_prefix("| ").unwrap_or(line).len();
        let (lead, line) = line.split_at(bars);
        let text = line.trim_start();
        let cause = CAUSES.into_iter().find(|cause| text.starts_with(cause)).unwrap_or("");
        if let Some(head) = HEADS.into_iter().find(|head| text.starts_with(head)) {
            out.push(format!("{lead}{}{head}", &line[..line.len() - text.len()]));
            continue;
        }
        if cause.is_empty() && text.len() < line.len() || text.is_empty() {
            // Whatever stands behind a cut is taken for the rest of a line.
            out.extend(behind_a_cut.then(|| REDACTED.to_owned()));
            continue;
        }
        let said = text.strip_prefix(cause).unwrap_or(text);
        out.push(format!("{lead}{cause}{}", headline(said, &speaks)));
    }
    out.join("\n")
}

fn headline(said: &str, speaks: &impl Fn(&str) -> bool) -> String {
    if said == "…" || speaks(said) {
        return said.to_owned();
    }
    let bare = |kind: &str| !kind.is_empty() && !kind.contains(char::is_whitespace);
    match said.split_once(": ") {
        Some((kind, _)) if bare(kind) => format!("{kind}: {REDACTED}"),
        None if bare(said) => said.to_owned(),
        _ => REDACTED.to_owned(),
    }
}
