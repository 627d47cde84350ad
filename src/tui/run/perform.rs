//! What the state wants done outside of it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::Loop;
use super::pace::Why;
use crate::tui::effect::{Effect, Request};
use crate::tui::menu;
use crate::tui::message::Message;
use crate::tui::pager::Over;
use crate::tui::terminal::Screen;

/// How long the end of the screen waits for what the host is at.
const PARTING: Duration = Duration::from_secs(2);
/// How long a toast stays.
pub(super) const TOAST: Duration = Duration::from_secs(5);

impl Loop {
    /// Does what the state wants done outside of it.
    pub(super) fn perform(&mut self) {
        for effect in std::mem::take(&mut self.state.effects) {
            match effect {
                Effect::Suspend => self.suspend = true,
                Effect::Redraw => self.redraw = true,
                Effect::Switch(key) => {
                    if let Some(switches) = &self.switches {
                        switches.toggle(key);
                        self.state.switches = switches.list();
                        menu::refresh(&mut self.state);
                    }
                }
                Effect::Tell(result) => self.tell(result),
                Effect::Replay(control) => {
                    if let Some(player) = &self.player {
                        player.control(control);
                    }
                }
                Effect::Copy { what, text } => {
                    let result = Screen::copy(&text).map(|needs| format!("copied the {what}{needs}"));
                    self.tell(result.map_err(|error| format!("the {what} was not copied: {error}")));
                }
                Effect::Open { name, text } => self.open = Some((name, text)),
                Effect::Host(request) => match &self.host {
                    Some(host) => {
                        let (host, done) = (Arc::clone(host), self.done.0.clone());
                        let work = thread::Builder::new().name("host".to_owned()).spawn(move || {
                            // Nobody is told where the screen is gone meanwhile.
                            drop(done.send(host.perform(request)));
                        });
                        match work {
                            Ok(_) => self.working += 1,
                            Err(error) => self.tell(Err(format!("nothing was done: {error}"))),
                        }
                    }
                    // A history that nobody keeps is one of this run.
                    None if matches!(request, Request::Remember { .. }) => {}
                    None => self.tell(Err("nothing here can do that".to_owned())),
                },
            }
        }
    }

    /// Does what was asked for with the last keys, and lets the host come to an end: half a file would be left.
    pub(super) async fn leave(&mut self) {
        self.perform();
        let all = async {
            while self.working > 0 && self.done.1.recv().await.is_some() {
                self.working -= 1;
            }
        };
        // Whoever wants to leave does not wait for what hangs.
        drop(tokio::time::timeout(PARTING, all).await);
    }

    pub(super) fn tell(&mut self, result: Result<String, String>) {
        if result.as_ref().is_ok_and(String::is_empty) {
            return;
        }
        self.toast = Some(Instant::now() + TOAST);
        self.say(Message::Done(result), Why::Hand);
    }

    /// Goes on after another program had the terminal; false where that was the end.
    pub(super) fn shown(&mut self, over: Over) -> bool {
        self.redraw = true;
        match over {
            Over::Well => {}
            Over::Failed(why) => self.tell(Err(why)),
            Over::Stopped => return false,
        }
        true
    }
}
