//! `jwtrail doctor`: what stands in the way of a good answer, before anybody waits for one.

mod files;
mod ports;
mod services;
mod terminal;

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::settings::{self, Judging, Listen, Observe};
use super::{logs, out};
use crate::cli::{DoctorArgs, Format};
use crate::config::File;
use crate::model::text::Safe;
use crate::report::Style;

/// How something is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Health {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// To be mended.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Debug)]
struct Checked {
    what: String,
    health: Health,
    said: String,
    /// What to do about it.
    mend: Option<String>,
}

impl Checked {
    fn new(what: impl Into<String>, health: Health, said: impl Into<String>) -> Self {
        Self { what: what.into(), health, said: said.into(), mend: None }
    }

    fn good(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self::new(what, Health::Good, said)
    }

    fn note(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self::new(what, Health::Note, said)
    }

    fn bad(what: impl Into<String>, said: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..Self::new(what, Health::Bad, said) }
    }

    fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// What was looked at in one place.
struct Area {
    title: &'static str,
    checked: Vec<Checked>,
}

/// Looks everywhere, says it, and answers whether something is to be mended.
pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let looked = files::policy(&args.judge);
    let file = looked.file;
    let log = logs::start(&settings::log(&args.listen.observe.log, &file), Vec::new())?;
    // What it listens for goes into its answer alone.
    let listen = Listen { observe: Observe::default(), ..settings::listen(&args.listen, &file)? };
    let ports = ports::look(&listen);
    let mut areas = vec![
        Area { title: "terminal", checked: terminal::look() },
        Area { title: "ports", checked: ports },
        Area { title: "files", checked: files::look(log.as_deref(), looked.checked) },
    ];
    if let Some(checked) = told(args, file, &listen, &areas)? {
        areas.push(Area { title: "services", checked });
    }
    let healthy = areas.iter().flat_map(|area| &area.checked).all(|checked| checked.health != Health::Bad);
    let text = match args.format {
        Format::Text => written(&areas, healthy, out::style()),
        Format::Json => format!("{:#}\n", as_json(&areas, healthy)),
    };
    out::quiet(io::stdout().lock().write_all(super::scrubbed(&text).as_bytes()))?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What services tell, where there is something to hear it from.
fn told(args: &DoctorArgs, file: File, listen: &Listen, areas: &[Area]) -> anyhow::Result<Option<Vec<Checked>>> {
    if !args.files.is_empty() {
        let judging = Judging::new(&args.judge, file, None).within(args.listen.memory)?;
        return services::of_files(&args.files, &judging).map(Some);
    }
    let Some(duration) = args.duration else { return Ok(None) };
    let taken = areas.iter().filter(|area| area.title == "ports").flat_map(|area| &area.checked);
    if taken.clone().any(|checked| checked.health == Health::Bad) {
        let mend = "free the port, or listen elsewhere with --grpc and --http";
        return Ok(Some(vec![Checked::bad("all", "nothing was listened to, for a port is taken", mend)]));
    }
    let judging = Judging::new(&args.judge, file, Some(listen.memory));
    services::of_listening(duration, listen, &judging).map(Some)
}

/// For people.
fn written(areas: &[Area], healthy: bool, style: Style) -> String {
    let sign = |health| match (health, style.ascii) {
        (Health::Good, false) => "✓",
        (Health::Good, true) => "ok",
        (Health::Note, _) => "-",
        (Health::Bad, false) => "✗",
        (Health::Bad, true) => "x",
    };
    let colour = |health| match health {
        Health::Good => "\u{1b}[32m",
        Health::Note => "\u{1b}[2m",
        Health::Bad => "\u{1b}[31m",
    };
    let all = areas.iter().flat_map(|area| &area.checked);
    let wide = all.map(|checked| Safe::new(&checked.what).width()).max().unwrap_or(0).min(28);
    let width = usize::from(style.width.unwrap_or(100)).max(60);
    let indent = wide + 7;
    let mut text = String::new();
    let mut put = |first: &str, words: &str| {
        for (at, line) in Safe::new(words).wrap(width - indent).iter().enumerate() {
            let line = if style.ascii { line.ascii() } else { line.clone() };
            let start = if at == 0 { first.to_owned() } else { " ".repeat(indent) };
            text.push_str(format!("{start}{line}").trim_end());
            text.push('\n');
        }
    };
    for area in areas {
        put("", &format!("{}{}", area.title[..1].to_uppercase(), &area.title[1..]));
        for Checked { what, health, said, mend } in &area.checked {
            let (on, off) = if style.colour { (colour(*health), "\u{1b}[0m") } else { ("", "") };
            let what = Safe::new(what).fit(wide);
            let gap = " ".repeat(wide - what.width());
            put(&format!("  {on}{:<2}{off} {what}{gap}  ", sign(*health)), said);
            if let Some(mend) = mend {
                put(&" ".repeat(indent), &format!("{} {mend}", if style.ascii { ">" } else { "→" }));
            }
        }
    }
    put("", if healthy { "All is well." } else { "Something is to be mended." });
    text
}

/// For programs.
fn as_json(areas: &[Area], healthy: bool) -> Value {
    let mut whole = json!({ "healthy": healthy });
    for area in areas {
        let checked = area.checked.iter().map(|checked| {
            let health = match checked.health {
                Health::Good => "good",
                Health::Note => "note",
                Health::Bad => "bad",
            };
            json!({ "what": checked.what, "health": health, "said": checked.said, "mend": checked.mend })
        });
        whole[area.title] = checked.collect();
    }
    whole
}

/// The policy that a command which reads `./jwtrail.toml` would read.
fn policy_path(judge: &crate::cli::JudgeArgs) -> Option<std::path::PathBuf> {
    let here = std::path::PathBuf::from(crate::config::FILE_NAME);
    judge.policy.clone().or_else(|| here.is_file().then_some(here))
}
