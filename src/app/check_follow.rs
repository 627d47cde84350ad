//! `jwtrail check --follow`: files that grow → engine → a line for each new problem, the report when told to end.

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::check::name;
use super::check_live::{last, summary};
use super::ending::Ending;
use super::follow::{self, Following};
use super::serve::{ended, print, received};
use super::settings::{self, Judging, Lookup};
use super::signals::Signals;
use super::source::Source;
use super::{clock, logs, source};
use crate::cli::{CheckArgs, Format};
use crate::engine::{EngineHandle, Finished};

/// Reads on until told to end, or until there is nothing that could grow; then reports.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    logs::start();
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    let ending = Ending::new(args, &file.options)?;
    let judging = follow::judging(&args.judge, file, args.listen.memory);
    let Finished { snapshot, trail } = super::runtime()?.block_on(read(args, &judging, &ending))?;
    if snapshot.totals.spans == 0 {
        let names: Vec<String> = args.files.iter().map(|path| name(path)).collect();
        bail!("expected spans, found none in {}", names.join(", "));
    }
    let files = args.files.iter().map(|path| path.display().to_string()).collect();
    let input = received(&snapshot.totals, files);
    ending.conclude(&input, summary(&snapshot), &trail, last(&snapshot))
}

async fn read(args: &CheckArgs, judging: &Judging, ending: &Ending) -> anyhow::Result<Finished> {
    let mut signals = Signals::new()?;
    let Source { decoder, keys, .. } = source::open_with_keys(judging).await?;
    let keeping = keys.start();
    let mut engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
    let mut announcements = engine.announcements().context("the announcements are read by someone else")?;
    // Lines for people stand where the report does not.
    let lines = if ending.claims_stdout() { Format::Json } else { Format::Text };
    let mut following = Following::start(&args.files, &decoder, &engine.intake())?;
    tokio::select! {
        () = signals.next() => {}
        () = ended(args.duration) => {}
        printed = print(lines, &mut announcements) => printed?,
        read = following.ended() => read?,
    }
    following.stop().await?;
    drop(keeping);
    let finished = tokio::task::spawn_blocking(|| engine.shutdown()).await.context("the engine was lost")??;
    print(lines, &mut announcements).await?;
    Ok(finished)
}
