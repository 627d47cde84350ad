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
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    logs::start(&settings::log(&args.listen.observe.log, &file), Vec::new())?;
    let ending = Ending::new(args, &file.options)?;
    let judging = follow::judging(&args.judge, file, args.listen.memory);
    let (finished, broken) = super::runtime()?.block_on(read(args, &judging, &ending))?;
    let Finished { snapshot, trail } = finished;
    if snapshot.totals.spans == 0 {
        if let Some(error) = broken {
            return Err(error);
        }
        let names: Vec<String> = args.files.iter().map(|path| name(path)).collect();
        bail!("expected spans, found none in {}", names.join(", "));
    }
    let files = args.files.iter().map(|path| path.display().to_string()).collect();
    let input = received(&snapshot.totals, files);
    let judged = ending.conclude(&input, summary(&snapshot), &trail, last(&snapshot))?;
    broken.map_or(Ok(judged), Err)
}

/// What was judged, and why a file could not be read on: what came before that is reported all the same.
async fn read(
    args: &CheckArgs,
    judging: &Judging,
    ending: &Ending,
) -> anyhow::Result<(Finished, Option<anyhow::Error>)> {
    let mut signals = Signals::new()?;
    let Source { decoder, keys, .. } = source::open_with_keys(judging).await?;
    let keeping = keys.start();
    let mut engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
    let mut announcements = engine.announcements().context("the announcements are read by someone else")?;
    // Lines for people stand where the report does not.
    let lines = if ending.claims_stdout() { Format::Json } else { Format::Text };
    let mut following = Following::start(&args.files, &decoder, &engine.intake())?;
    let mut broken = None;
    tokio::select! {
        () = signals.next() => {}
        () = ended(args.duration) => {}
        printed = print(lines, &mut announcements) => printed?,
        read = following.ended() => broken = read.err(),
    }
    following.stop().await?;
    drop(keeping);
    let finished = tokio::task::spawn_blocking(|| engine.shutdown()).await.context("the engine was lost")??;
    print(lines, &mut announcements).await?;
    Ok((finished, broken))
}
