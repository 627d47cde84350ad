//! `jwtrail`: receivers → engine → screen.

use std::process::ExitCode;

use super::demo_start::DemoStart;
use super::observe::{self, events::Events};
use super::receive::Listening;
use super::settings::{self, Judging, Lookup};
use super::{clock, screen, source};
use crate::cli::LiveArgs;
use crate::engine::EngineHandle;

/// Receives and draws until the user quits.
pub fn run(args: &LiveArgs) -> anyhow::Result<ExitCode> {
    let file = settings::file(&args.judge, Lookup::Named)?;
    let log = settings::log(&args.listen.observe.log, &file);
    let listen = settings::listen(&args.listen, &file)?;
    let drawn = settings::screen(&args.screen, &file);
    let judging = Judging::new(&args.judge, file, Some(listen.memory));
    super::runtime()?.block_on(async {
        let listening = Listening::bind(&listen)?;
        let observing = observe::start(&log, &listen.observe, &listening)?;
        let source = source::open(&judging)?;
        let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
        let snapshots = engine.snapshots();
        let mut feed = screen::live(&engine, listening.names(), judging.file.path.clone());
        let demo = DemoStart::new(listening.addresses(), feed.host.take());
        feed.host = Some(demo.clone());
        let mut receiving = listening.serve(source, &engine);
        screen::run(feed, drawn, observing.log.clone(), Some(demo.clone()), receiving.failed()).await?;
        // The receivers still answer: the shop's exporters hand over what they hold.
        demo.stop().await;
        receiving.stop().await?;
        Events::sums(&snapshots.borrow());
        observing.end().await;
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}
