//! What the screens want done around them: files in the working directory, rules in the policy.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{profile, serve};
use crate::config::FILE_NAME;
use crate::config::edit::{self, Rule};
use crate::engine::{EngineError, Keeper, Snapshot};
use crate::model::{Hop, TraceId};
use crate::otlp::export;
use crate::report::{HopSource, Report, markdown};
use crate::trail::summary::Summary;
use crate::tui::effect::{Host, PolicyEdit, Request};

/// Characters of a file's name, its number and ending aside.
const LONGEST_NAME: usize = 80;
/// Names that are tried, one number after the other.
const MOST_FILES: u32 = 1_000;

/// The program around a screen.
pub struct Around {
    keeper: Keeper,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What was read, for the head of a report.
    sources: Vec<String>,
    /// The policy that is judged by, or would be.
    policy: PathBuf,
    /// Edits of the policy come one after the other. Whether the engine judges by the file already: where the user named
    /// none, it begins to with the first edit.
    editing: Mutex<bool>,
}

impl Around {
    /// A host over an engine; `policy` is the file that was named by the user.
    pub fn new(
        keeper: Keeper,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        sources: Vec<String>,
        policy: Option<PathBuf>,
    ) -> Self {
        let named = policy.is_some();
        let policy = policy.unwrap_or_else(|| PathBuf::from(FILE_NAME));
        Self { keeper, snapshots, sources, policy, editing: Mutex::new(named) }
    }

    fn traces(&self, name: &str, ids: Vec<TraceId>) -> Result<String, String> {
        let Some(first) = ids.first().map(ToString::to_string) else { return Err("no trace is selected".to_owned()) };
        let wanted = ids.len();
        let taken = self.keeper.take(ids).map_err(|error| gone(&error))?;
        if taken.asked == 0 {
            return Err(format!("trace {first} is no longer held: older traces make room for newer ones"));
        }
        let mut lines = profile::line(&taken.profile).unwrap_or_default();
        for view in &taken.traces {
            lines.extend(export::lines(view.id, view.spans.iter().map(|(_, span)| span), &view.logs));
        }
        let short: String = first.chars().take(8).collect();
        let path = Self::write(&format!("{name}-{short}"), "jsonl", &lines)?;
        let many = |number: usize| format!("{number} trace{}", if number == 1 { "" } else { "s" });
        let mut said = format!("saved {} to {}", many(taken.asked), path.display());
        let linked = taken.traces.len() - taken.asked;
        if linked > 0 {
            said = format!("{said}, with {} linked to it", many(linked));
        }
        if taken.asked < wanted {
            said = format!("{said}; {} no longer held", many(wanted - taken.asked));
        }
        if taken.left_out > 0 {
            said = format!("{said}; {} linked to it left out", many(taken.left_out));
        }
        Ok(said)
    }

    fn report(&self) -> Result<String, String> {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let input = serve::received(&snapshot.totals, self.sources.clone());
        let summary = Summary {
            services: snapshot.services.clone(),
            edges: snapshot.edges.clone(),
            problems: snapshot.problems.clone(),
            setup: snapshot.setup.clone(),
        };
        let held = Held(&self.keeper);
        let failed = |error: io::Error| format!("the report cannot be written: {error}");
        let report = Report::new(&input, summary, &held).map_err(failed)?;
        let mut text = Vec::new();
        markdown::write(&report, &mut text).map_err(failed)?;
        let path = Self::write("report", "md", &text)?;
        Ok(format!("saved the report on {} hops to {}", report.counts.hops, path.display()))
    }

    fn edit(&self, edit: PolicyEdit) -> Result<String, String> {
        let mut judged_by = self.editing.lock().unwrap_or_else(PoisonError::into_inner);
        if let PolicyEdit::Ignore { reason, .. } = &edit
            && super::scrubbed(reason) != *reason
        {
            return Err("the policy stays as it is: the reason holds a credential".to_owned());
        }
        let said = told(&edit);
        let written = edit::add(&self.policy, &rule(edit)).map_err(|error| error.to_string())?;
        self.keeper.set_policy(written.file.policy).map_err(|error| gone(&error))?;
        let made = match (written.created, std::mem::replace(&mut *judged_by, true)) {
            (true, _) => " (new)",
            (false, false) => " (the rest of the file holds now too)",
            (false, true) => "",
        };
        Ok(format!("{said}: {}:{}{made}, judged anew", self.policy.display(), written.line))
    }

    /// Writes a file of a name that is free, for this user alone.
    fn write(name: &str, extension: &str, bytes: &[u8]) -> Result<PathBuf, String> {
        let name = harmless(name);
        for number in 1..=MOST_FILES {
            let number = if number == 1 { String::new() } else { format!("-{number}") };
            let path = PathBuf::from(format!("jwtrail-{name}{number}.{extension}"));
            let failed = |error: io::Error| format!("cannot write {}: {error}", path.display());
            let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(failed(error)),
            };
            if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
                // Half a file would be read as if it were all of it.
                drop(std::fs::remove_file(&path));
                return Err(failed(error));
            }
            return Ok(path);
        }
        Err(format!("{MOST_FILES} files named jwtrail-{name} are there already: move some of them away"))
    }
}

impl Host for Around {
    fn perform(&self, request: Request) -> Result<String, String> {
        match request {
            Request::SaveTraces { name, traces } => self.traces(&name, traces),
            Request::SaveText { name, extension, text } => {
                let path = Self::write(&name, extension, text.as_bytes())?;
                Ok(format!("saved to {}", path.display()))
            }
            Request::SaveReport => self.report(),
            Request::Policy(edit) => self.edit(edit),
            Request::Demo => Err("the demo starts where nothing else runs: `jwtrail demo`".to_owned()),
            // The desk in front of this host keeps them.
            Request::Remember { .. } | Request::SaveView(_) => Err("nothing here keeps that".to_owned()),
        }
    }
}

/// All hops that a running engine holds, asked for one trace after the other: what goes meanwhile is left out.
struct Held<'k>(&'k Keeper);

impl HopSource for Held<'_> {
    fn walk(&self, each: &mut dyn FnMut(&[Hop]) -> io::Result<()>) -> io::Result<()> {
        for id in self.0.trace_ids().map_err(io::Error::other)? {
            let hops = self.0.hops_of(id).map_err(io::Error::other)?;
            if !hops.is_empty() {
                each(&hops)?;
            }
        }
        Ok(())
    }
}

fn gone(error: &EngineError) -> String {
    format!("nothing was done: {error}")
}

fn rule(edit: PolicyEdit) -> Rule {
    match edit {
        PolicyEdit::Optional { from, to } => Rule::Edge { from, to, token: "optional" },
        PolicyEdit::Exchange { from, to } => Rule::Edge { from, to, token: "exchange" },
        PolicyEdit::Ignore { from, to, kind, what, reason } => Rule::Ignore { from, to, kind, name: what, reason },
    }
}

fn told(edit: &PolicyEdit) -> String {
    match edit {
        PolicyEdit::Optional { from, to } => format!("no token need go from {from} to {to}"),
        PolicyEdit::Exchange { from, to } => format!("{from} exchanges tokens for {to}"),
        PolicyEdit::Ignore { from, to, what, .. } => {
            format!("{} from {from} to {to} is ignored", what.replace('_', " "))
        }
    }
}

/// A name without what a file's name may not hold, or should not.
fn harmless(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    name.chars().map(plain).take(LONGEST_NAME).collect()
}
