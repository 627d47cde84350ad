//! The screen as the commands start it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};

use super::desk::Desk;
use super::history::{self, History};
use super::host::Around;
use super::preferences::{self, Preferences};
use crate::cli::ScreenArgs;
use crate::config::UserFile;
use crate::engine::EngineHandle;
use crate::tui::{self, Feed, Mode, Switches, Theme, TuiOptions};

/// What the live screen draws; `policy` is the file that the user named.
pub fn live(engine: &EngineHandle, listening: Vec<String>, policy: Option<PathBuf>) -> Feed {
    let sources = listening.clone();
    feed(engine, listening, Mode::Live, sources, policy)
}

/// What the demo's screen draws.
pub fn demo(engine: &EngineHandle, listening: Vec<String>, policy: Option<PathBuf>) -> Feed {
    let sources = listening.clone();
    feed(engine, listening, Mode::Demo, sources, policy)
}

/// What a replay's screen draws.
pub fn replay(engine: &EngineHandle, file: String, policy: Option<PathBuf>) -> Feed {
    let sources = vec![file.clone()];
    feed(engine, Vec::new(), Mode::Replay { file }, sources, policy)
}

fn feed(
    engine: &EngineHandle,
    listening: Vec<String>,
    mode: Mode,
    sources: Vec<String>,
    policy: Option<PathBuf>,
) -> Feed {
    let host = Around::new(engine.keeper(), engine.snapshots(), sources, policy);
    let feed = Feed::new(engine.snapshots(), listening, mode);
    Feed { asker: Some(engine.asker()), host: Some(Arc::new(host)), ..feed }
}

/// The colours that were asked for: by name, by file, as the user's own file has them, or those that suit the terminal.
fn theme(args: &ScreenArgs, own: &UserFile) -> anyhow::Result<Theme> {
    let var = |name: &str| std::env::var(name).ok();
    let theme = Theme { plain: args.plain, ..tui::theme_for(args.ascii, false, var) };
    let wanted = match (args.theme.as_deref().filter(|wanted| !wanted.is_empty()), own.theme_file()) {
        (None, Some(text)) => return theme.read(&text).with_context(|| own.path.display().to_string()),
        (None | Some("auto"), _) => return Ok(theme.suiting(var)),
        (Some(wanted), _) => wanted,
    };
    let unknown = match theme.switched(wanted) {
        Ok(theme) => return Ok(theme),
        Err(unknown) => unknown,
    };
    let path = Path::new(wanted);
    if !path.is_file() {
        bail!("{unknown}: neither a name nor a file");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {wanted}"))?;
    theme.read(&text).with_context(|| wanted.to_owned())
}

/// Draws until the user leaves, or until `fault` says what can not go on: by then the terminal is as before.
pub async fn run(
    mut feed: Feed,
    args: ScreenArgs,
    log_path: Option<PathBuf>,
    switches: Option<Arc<dyn Switches>>,
    fault: impl Future<Output = anyhow::Error>,
) -> anyhow::Result<()> {
    let Preferences { keymap, views, file, .. } = preferences::load()?;
    let theme = theme(&args, &file)?;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn colours_of_the_users_own_file_hold_unless_others_are_asked_for() {
        let (file, _) = UserFile::parse(Path::new("config.toml"), "[theme]\nbase = \"light\"\n".to_owned());
        let of = |wanted: Option<&str>| {
            let args = ScreenArgs { theme: wanted.map(str::to_owned), ..ScreenArgs::default() };
            theme(&args, &file).unwrap()
        };
        assert_eq!((of(None).palette.name, of(Some("dark")).palette.name), ("own", "dark"));
        assert!(!of(None).adapts && of(Some("auto")).adapts);
        let (wrong, _) = UserFile::parse(Path::new("config.toml"), "[theme]\nintakt = \"red\"\n".to_owned());
        let error = theme(&ScreenArgs::default(), &wrong).unwrap_err();
        assert!(format!("{error:#}").starts_with("config.toml: [theme]: expected one of"), "{error:#}");
    }
}
