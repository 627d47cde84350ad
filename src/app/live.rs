//! `jwtrail`: receivers → engine → screen.

use std::process::ExitCode;

use super::receive::Receiving;
use super::settings::{self, Judging, Lookup};
use super::{clock, logs, screen};
use crate::cli::LiveArgs;
use crate::engine::EngineHandle;

/// Receives and draws until the user quits.
pub fn run(args: &LiveArgs) -> anyhow::Result<ExitCode> {
    let log = logs::start();
    let file = settings::file(&args.judge, Lookup::Named)?;
    let listen = settings::listen(&args.listen, &file)?;
    let drawn = settings::screen(args.screen, &file);
    let judging = Judging::new(&args.judge, file, Some(listen.memory));
    let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
    super::runtime()?.block_on(async {
        let receiving = Receiving::start(&judging, listen, engine.intake()).await?;
        let feed = screen::live(&engine, receiving.addresses());
        let shown = screen::run(feed, drawn, log, None).await;
        receiving.stop().await;
        shown
    })?;
    engine.shutdown()?;
    Ok(ExitCode::SUCCESS)
}
