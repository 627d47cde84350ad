//! The screen as the commands start it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;

use super::desk::Desk;
use super::history::{self, History};
use super::preferences::{self, Preferences};
use crate::cli::ScreenArgs;
use crate::engine::EngineHandle;
use crate::tui::{self, Feed, Mode, Switches, TuiOptions};

/// What the live screen draws.
pub fn live(engine: &EngineHandle, listening: Vec<String>) -> Feed {
    feed(engine, listening, Mode::Live)
}

/// What the demo's screen draws.
pub fn demo(engine: &EngineHandle, listening: Vec<String>) -> Feed {
    feed(engine, listening, Mode::Demo)
}

/// What a replay's screen draws.
pub fn replay(engine: &EngineHandle, file: String) -> Feed {
    feed(engine, Vec::new(), Mode::Replay { file })
}

fn feed(engine: &EngineHandle, listening: Vec<String>, mode: Mode) -> Feed {
    Feed { asker: Some(engine.asker()), ..Feed::new(engine.snapshots(), listening, mode) }
}

/// Draws until the user leaves, or until `fault` says what can not go on: by then the terminal is as before.
pub async fn run(
    mut feed: Feed,
    args: ScreenArgs,
    log_path: Option<PathBuf>,
    switches: Option<Arc<dyn Switches>>,
    fault: impl Future<Output = anyhow::Error>,
) -> anyhow::Result<()> {
    let theme = tui::theme_for(args.ascii, false, |name| std::env::var(name).ok());
    let Preferences { keymap, views, .. } = preferences::load()?;
    let History { filters, commands } = history::path().map(|path| history::load(&path)).unwrap_or_default();
    feed.host = Some(Desk::new(feed.host.take()));
    let options = TuiOptions { theme, mouse: !args.no_mouse, log_path, keymap, views, filters, commands };
    let mut snapshots = feed.snapshots.clone();
    let mut ended = None;
    let quit = async {
        let judging = async { while snapshots.changed().await.is_ok() {} };
        ended = Some(tokio::select! {
            error = fault => error,
            () = judging => anyhow!("the judging thread has ended"),
        });
    };
    tui::run(feed, options, switches, quit).await?;
    ended.map_or(Ok(()), Err)
}
