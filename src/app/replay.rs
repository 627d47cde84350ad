//! `jwtrail replay`: files → recording → player → engine → screen; dependency lists → screen.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::watch;

use super::calls::Calls;
use super::check::name;
use super::follow::{self, Following};
use super::following::Behind;
use super::player::{Blank, PlayerOptions, Playing};
use super::settings::{self, Judging, Lookup};
use super::source::Source;
use super::timeline::{Builder, Timeline};
use super::{clock, graph, logs, out, profile, screen, source};
use crate::cli::{ReplayArgs, ScreenArgs, Speed};
use crate::config::{ByteSize, DEFAULT_REPLAY_MEMORY};
use crate::engine::{EngineHandle, EngineOptions};
use crate::model::Batch;
use crate::otlp::dependencies::{self, Peeked};
use crate::otlp::files::ReadError;
use crate::token::{KeySets, Shared};
use crate::trail::{SavedProfile, Trail};
use crate::tui::effect::{Host, Request};
use crate::tui::text::count;
use crate::tui::{Feed, Mode};

/// How often a recording is in memory at most: read, shown, counted or built anew, and what the maps around it take.
const COPIES: usize = 4;

/// Reads the files, then plays and draws.
pub fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let file = settings::file(&args.judge, Lookup::Named)?;
    let log = logs::start(&settings::log(&args.log, &file), Vec::new())?;
    let drawn = settings::screen(&args.screen, &file);
    let names = args.files.iter().map(|path| name(path)).collect::<Vec<_>>().join(", ");
    let show = Show { names, drawn, log, policy: file.path.clone() };
    if args.follow {
        follow_on(args, &follow::judging(&args.judge, file, args.memory), show)?;
        return Ok(ExitCode::SUCCESS);
    }
    let memory = args.memory.unwrap_or(DEFAULT_REPLAY_MEMORY);
    let judging = Judging::new(&args.judge, file, None).within(Some(memory))?;
    let mut inputs = Inputs::new(&judging, memory)?;
    for path in &args.files {
        inputs.take(path)?;
    }
    let Inputs { calls, recording, profiles, .. } = inputs;
    let line = recording.finish();
    match (line.is_empty(), calls.is_empty()) {
        (true, true) => bail!("expected spans, found none in {}", show.names),
        (true, false) => draw_calls(&calls, show)?,
        (false, true) => {
            let blank: Blank = {
                let (policy, options) = (judging.file.policy.clone(), judging.options.clone());
                Arc::new(move || {
                    let mut trail = Trail::new(policy.clone(), options.clone());
                    for saved in &profiles {
                        trail.restore_profile(saved);
                    }
                    trail
                })
            };
            play(args, &judging, line, blank, memory, show)?;
        }
        (false, false) => {
            bail!("expected traces or dependency lists, found both in {}: replay them one by one", show.names)
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The files so far.
struct Inputs<'a> {
    judging: &'a Judging,
    reader: source::Reader,
    recording: Builder,
    profiles: Vec<SavedProfile>,
    calls: Calls,
}

impl<'a> Inputs<'a> {
    fn new(judging: &'a Judging, memory: ByteSize) -> anyhow::Result<Self> {
        Ok(Self {
            judging,
            reader: source::Reader::new(judging)?,
            recording: Builder::within(memory.0 / COPIES),
            profiles: Vec::new(),
            calls: Calls::default(),
        })
    }

    /// Takes one file, told apart by its content.
    fn take(&mut self, path: &Path) -> anyhow::Result<()> {
        let failed = |source| ReadError::Read { path: name(path), source };
        if path.as_os_str() == "-" {
            let peeked = Peeked::new(io::stdin()).map_err(failed)?;
            return self.take_peeked(peeked, path);
        }
        if path.is_dir() {
            return self.traces(|reader, each| reader.read(path, each));
        }
        let file = File::open(path).map_err(|source| ReadError::Open { path: name(path), source })?;
        // A pipe can be read only once, a file is opened again by its reader.
        let again = file.metadata().is_ok_and(|data| data.is_file());
        let peeked = Peeked::new(file).map_err(failed)?;
        if again && !peeked.is_list() {
            return self.traces(|reader, each| reader.read(path, each));
        }
        self.take_peeked(peeked, path)
    }

    fn take_peeked<R: Read + Send>(&mut self, peeked: Peeked<R>, path: &Path) -> anyhow::Result<()> {
        if !peeked.is_list() {
            return self.traces(|reader, each| reader.read_from(peeked.whole(), path, each));
        }
        // Names in a list may hold anything, so they go through what takes credentials out of names in spans.
        let policy = &self.judging.file.policy;
        let scrubber = Shared::new(policy, source::fingerprint_key()?, KeySets::default())?;
        let calls = &mut self.calls;
        let report = dependencies::read(peeked.whole(), &name(path), &scrubber, &mut |call| calls.take(&call))?;
        graph::damage(&name(path), &report);
        Ok(())
    }

    fn traces(
        &mut self,
        read: impl FnOnce(&source::Reader, &mut dyn FnMut(Batch)) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Self { reader, recording, profiles, .. } = self;
        read(reader, &mut |batch| {
            for complaint in profile::restore(&batch, |saved| profiles.push(saved.clone())) {
                out::note(&format!("warning: {complaint}"));
            }
            recording.take(batch);
        })
    }
}

/// What plays, and how it is drawn.
struct Show {
    names: String,
    drawn: ScreenArgs,
    log: Option<PathBuf>,
    /// The policy file that the user named.
    policy: Option<PathBuf>,
}

/// Plays and draws.
fn play(
    args: &ReplayArgs,
    judging: &Judging,
    line: Timeline,
    blank: Blank,
    memory: ByteSize,
    show: Show,
) -> anyhow::Result<()> {
    let start = line.start();
    let bounds = EngineOptions { memory: memory.0 / COPIES, ..judging.engine() };
    let engine = EngineHandle::start(blank(), bounds, Arc::new(move || start))?;
    if line.left_out() > 0 {
        let said = format!(
            "{} spans and log records do not fit into --memory {memory} and are left out of the replay",
            count(line.left_out())
        );
        out::note(&format!("warning: {said}"));
        engine.notes().set(vec![said])?;
    }
    let options = PlayerOptions {
        speed: match args.speed {
            Speed::Max => None,
            Speed::Times(factor) => Some(factor),
        },
        looping: args.repeat,
        settle: u64::try_from(judging.options.settle.as_nanos()).unwrap_or(u64::MAX),
    };
    let playing = Playing::start(Arc::new(line), blank, engine.replayer(), options);
    let playing = Arc::new(playing.context("cannot start a thread to replay")?);
    let feed = screen::replay(&engine, show.names, show.policy);
    let host = feed.host.map(|behind| Arc::new(Recounting { playing: Arc::clone(&playing), behind }) as Arc<dyn Host>);
    let feed = Feed { player: Some(playing), host, ..feed };
    super::runtime()?.block_on(screen::run(feed, show.drawn, show.log, None, std::future::pending()))?;
    engine.shutdown()?;
    Ok(())
}

/// The host of a replay: another policy accuses other hops, and the bar shows which.
struct Recounting {
    playing: Arc<Playing>,
    behind: Arc<dyn Host>,
}

impl Host for Recounting {
    fn perform(&self, request: Request) -> Result<String, String> {
        let judges = matches!(request, Request::Policy(_));
        let said = self.behind.perform(request)?;
        if judges {
            self.playing.recount().map_err(|error| format!("{said}; the bar is as before: {error}"))?;
        }
        Ok(said)
    }
}

/// Draws what dependency lists count: one picture, and nothing behind it.
fn draw_calls(calls: &Calls, show: Show) -> anyhow::Result<()> {
    let (publish, snapshots) = watch::channel(Arc::new(calls.snapshot()));
    let feed = Feed::new(snapshots, Vec::new(), Mode::Replay { file: show.names });
    super::runtime()?.block_on(screen::run(feed, show.drawn, show.log, None, std::future::pending()))?;
    drop(publish);
    Ok(())
}

/// Draws files as they grow, by the wall clock.
fn follow_on(args: &ReplayArgs, judging: &Judging, show: Show) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        let Source { decoder, keys, .. } = source::open_with_keys(judging).await?;
        let keeping = keys.start();
        let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
        let behind = Behind::new(engine.intake());
        let feed = screen::replay(&engine, show.names, show.policy);
        let feed = Feed { player: Some(behind.player()), ..feed };
        let mut following = Following::start(&args.files, &decoder, &engine.intake())?;
        let fault = async {
            let ended = async {
                match following.ended().await {
                    Err(error) => error,
                    Ok(()) => std::future::pending().await,
                }
            };
            tokio::select! {
                error = ended => error,
                () = behind.watch() => std::future::pending().await,
            }
        };
        screen::run(feed, show.drawn, show.log, None, fault).await?;
        drop(keeping);
        following.stop().await?;
        engine.shutdown()?;
        Ok(())
    })
}
