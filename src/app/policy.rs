//! `jwtrail policy check` and `jwtrail policy suggest`: the file validated, or one drafted from what was seen.

use std::process::ExitCode;

use super::check::Judge;
use super::settings::{self, Judging, Lookup};
use super::{out, source};
use crate::cli::{PolicyCheckArgs, PolicyCommand, SuggestArgs};
use crate::config::{self, Inspection};
use crate::report::suggest::Suggestion;

/// Does what the command says.
pub fn run(command: &PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Check(args) => check(args),
        PolicyCommand::Suggest(args) => suggest(args),
    }
}

/// Names every mistake of the file; a line about what it holds where there is none.
fn check(args: &PolicyCheckArgs) -> anyhow::Result<ExitCode> {
    let found = config::inspect(&args.file)?;
    for error in &found.errors {
        out::note(&format!("error: {error}"));
    }
    for warning in &found.warnings {
        out::note(&format!("warning: {warning}"));
    }
    if !found.errors.is_empty() {
        return Ok(ExitCode::from(2));
    }
    out::line(&format!("{}: {}", args.file.display(), holds(&found)))?;
    Ok(ExitCode::SUCCESS)
}

fn holds(found: &Inspection) -> String {
    let count = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let policy = &found.file.policy;
    let mut parts = vec![
        count(policy.edge.len(), "edge"),
        count(policy.ignore.len(), "ignore"),
        count(policy.issuer.len(), "issuer"),
    ];
    if !policy.rejection.is_empty() {
        parts.push(count(policy.rejection.len(), "rejection"));
    }
    if !found.warnings.is_empty() {
        parts.push(count(found.warnings.len(), "warning"));
    }
    format!("fine: {}", parts.join(", "))
}

/// Reads and judges as `check` does, and writes a policy.
fn suggest(args: &SuggestArgs) -> anyhow::Result<ExitCode> {
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    let judging = Judging::new(&args.judge, file, None).within(args.memory)?;
    let reader = source::Reader::new(&judging)?;
    let mut judge = Judge::new(&judging);
    for path in &args.files {
        reader.read(path, &mut |batch| judge.take(batch))?;
    }
    drop(reader);
    let (mut judged, _, last) = judge.finish(&args.files)?;
    let summary = judged.summary(last);
    out::line(Suggestion::new(&judged, &summary)?.to_string().trim_end())?;
    Ok(ExitCode::SUCCESS)
}
