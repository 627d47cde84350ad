//! `jwtrail replay`: files → engine, paced by span time → screen.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::time::Instant;

use super::check::name;
use super::clock::{self, Replayed};
use super::follow::{self, Following};
use super::screen;
use super::settings::{self, Judging, Lookup};
use super::source::Source;
use super::timeline::Timeline;
use super::{logs, out, profile, source};
use crate::cli::{ReplayArgs, ScreenArgs, Speed};
use crate::engine::{EngineHandle, Intake};
use crate::model::{Batch, Refused, Sink, UnixNanos};

/// Between two steps of the replayed time: no faster than the engine publishes.
const STEP: Duration = Duration::from_millis(33);

/// Reads the files, then plays and draws.
pub fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let log = logs::start();
    let file = settings::file(&args.judge, Lookup::Named)?;
    let drawn = settings::screen(&args.screen, &file);
    if args.follow {
        return follow_on(args, &follow::judging(&args.judge, file, None), drawn, log);
    }
    let judging = Judging::new(&args.judge, file, None);
    let reader = source::Reader::new(&judging)?;
    let mut batches = Vec::new();
    let mut trail = judging.trail();
    for path in &args.files {
        reader.read(path, &mut |batch| {
            for complaint in profile::restore(&batch, |saved| trail.restore_profile(saved)) {
                out::note(&format!("warning: {complaint}"));
            }
            batches.push(batch);
        })?;
    }
    let timeline = Timeline::new(batches);
    let names: Vec<String> = args.files.iter().map(|path| name(path)).collect();
    if timeline.is_empty() {
        bail!("expected spans, found none in {}", names.join(", "));
    }
    let time = Replayed::default();
    time.set(timeline.start());
    let engine = EngineHandle::start(trail, judging.engine(), time.clock())?;
    super::runtime()?.block_on(async {
        let feed = screen::replay(&engine, names.join(", "));
        let playing = async {
            match play(timeline, time, engine.intake(), args.speed, &engine).await {
                Err(error) => error,
                // The screen stays when the replay is over: that is when people look around.
                Ok(()) => std::future::pending().await,
            }
        };
        screen::run(feed, drawn, log, None, playing).await
    })?;
    engine.shutdown()?;
    Ok(ExitCode::SUCCESS)
}

/// Draws files as they grow, by the wall clock.
fn follow_on(
    args: &ReplayArgs,
    judging: &Judging,
    drawn: ScreenArgs,
    log: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let names: Vec<String> = args.files.iter().map(|path| name(path)).collect();
    super::runtime()?.block_on(async {
        let Source { decoder, keys, .. } = source::open_with_keys(judging).await?;
        let keeping = keys.start();
        let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
        let feed = screen::replay(&engine, names.join(", "));
        let mut following = Following::start(&args.files, &decoder, &engine.intake())?;
        let fault = async {
            match following.ended().await {
                Err(error) => error,
                Ok(()) => std::future::pending().await,
            }
        };
        screen::run(feed, drawn, log, None, fault).await?;
        drop(keeping);
        following.stop().await?;
        engine.shutdown()?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Hands spans over as the replayed time reaches their end, then settles what is left.
async fn play(
    mut timeline: Timeline,
    time: Replayed,
    intake: Intake,
    speed: Speed,
    engine: &EngineHandle,
) -> anyhow::Result<()> {
    let began = Instant::now();
    while !timeline.is_empty() {
        let now = match speed {
            Speed::Max => timeline.end(),
            Speed::Times(factor) => reached(timeline.start(), began.elapsed(), factor),
        };
        time.set(now);
        while let Some(batch) = timeline.due(now) {
            offer(&intake, batch).await?;
        }
        if !timeline.is_empty() {
            tokio::time::sleep(STEP).await;
        }
    }
    engine.settle().await.context("the replay cannot be finished")
}

fn reached(start: UnixNanos, elapsed: Duration, factor: f64) -> UnixNanos {
    let moved = Duration::try_from_secs_f64(elapsed.as_secs_f64() * factor).unwrap_or(Duration::MAX);
    UnixNanos(start.0.saturating_add(u64::try_from(moved.as_nanos()).unwrap_or(u64::MAX)))
}

/// Waits while the intake is full: a file can, where an exporter has to be told.
async fn offer(intake: &Intake, batch: Batch) -> anyhow::Result<()> {
    loop {
        match intake.accept(batch.clone()) {
            Ok(()) => return Ok(()),
            Err(Refused::Full { .. }) => tokio::time::sleep(STEP).await,
            Err(Refused::Closed) => bail!("the engine has ended before the replay"),
        }
    }
}
