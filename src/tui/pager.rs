//! Another program on the terminal: `$PAGER` or `$EDITOR` with a text, while the engine goes on behind.

use std::io;
use std::io::Write as _;

use tokio::process::Command;
use tokio::sync::oneshot;

use super::TuiError;
use super::signals::Signals;
use super::terminal::Screen;

/// How it ended.
pub(super) enum Over {
    /// As it should.
    Well,
    /// It could not be started, or says that it failed.
    Failed(String),
    /// The program is to end: by a signal, or because what it shows is over.
    Stopped,
}

/// Lends the terminal to the user's pager until it ends. What stops this program meanwhile stops the pager too; what the
/// terminal sends to all who stand in front of it (Ctrl-C, Ctrl-Z) is the pager's to take or shared with it.
pub(super) async fn show(
    screen: &mut Screen,
    signals: &mut Signals,
    stop: &mut oneshot::Receiver<()>,
    name: &str,
    text: &str,
) -> Result<Over, TuiError> {
    let file = match written(name, text) {
        Ok(file) => file,
        Err(error) => return Ok(Over::Failed(format!("cannot write the text down: {error}"))),
    };
    let program = program(|name| std::env::var(name).ok());
    Screen::lend();
    let mut command = Command::new("sh");
    // A shell that died of Ctrl-C would leave its pager behind, and two programs would read one terminal.
    command.args(["-c", &format!("trap : INT; {program} \"$1\""), "sh"]).arg(file.path()).kill_on_drop(true);
    let over = match command.spawn() {
        Ok(mut child) => loop {
            let [interrupt, terminate, hangup] = &mut signals.stop;
            tokio::select! {
                status = child.wait() => break ended(&program, status),
                // Meant for what is in front: a pager stops searching, and this program stays.
                _ = interrupt.recv() => {}
                _ = terminate.recv() => break Over::Stopped,
                _ = hangup.recv() => break Over::Stopped,
                _ = &mut *stop => break Over::Stopped,
                // The pager has stopped too, and the shell waits for all of them.
                _ = signals.suspend.recv() => {
                    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
                }
            }
        },
        Err(error) => Over::Failed(format!("cannot start a shell for `{program}`: {error}")),
    };
    if !matches!(over, Over::Stopped) {
        screen.retake()?;
    }
    Ok(over)
}

/// A file that only this user can read, gone when it is let go of.
fn written(name: &str, text: &str) -> io::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::Builder::new().prefix(&format!("jwtrail-{name}-")).suffix(".txt").tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    Ok(file)
}

/// What shows texts to this user; `var` reads an environment variable.
fn program(var: impl Fn(&str) -> Option<String>) -> String {
    let set = |name| var(name).filter(|value| !value.trim().is_empty());
    set("PAGER").or_else(|| set("EDITOR")).unwrap_or_else(|| "less".to_owned())
}

fn ended(program: &str, status: io::Result<std::process::ExitStatus>) -> Over {
    match status {
        Ok(status) if status.success() => Over::Well,
        // The shell's own word for what it did not find.
        Ok(status) if status.code() == Some(127) => {
            Over::Failed(format!("`{program}` was not found: set PAGER or EDITOR to a program that is there"))
        }
        Ok(status) => Over::Failed(format!("`{program}` ended with {status}")),
        Err(error) => Over::Failed(format!("`{program}` was lost: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_comes_before_the_editor() {
        let ask = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            program(move |name| set.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(ask(&[("EDITOR", "vi"), ("PAGER", "less -R")]), "less -R");
        assert_eq!(ask(&[("EDITOR", "vi"), ("PAGER", " ")]), "vi");
        assert_eq!(ask(&[]), "less");
    }
}
