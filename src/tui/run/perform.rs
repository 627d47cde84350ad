//! What the state wants done outside of it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::Loop;
use crate::tui::effect::{Effect, Request};
use crate::tui::message::Message;
use crate::tui::terminal::Screen;
use crate::tui::update::update;
use crate::tui::{TuiError, menu};

/// How long a toast stays.
const TOAST: Duration = Duration::from_secs(5);

impl Loop {
    /// Does what the state wants done outside of it.
    pub(super) fn perform(&mut self, screen: &mut Screen) -> Result<(), TuiError> {
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
                Effect::Replay(control) => {
                    if let Some(player) = &self.player {
                        player.control(control);
                    }
                }
                Effect::Copy { what, text } => {
                    let result = screen.copy(&text).map(|()| format!("copied the {what}"));
                    self.tell(result.map_err(|error| format!("the {what} was not copied: {error}")));
                }
                Effect::Open { name, text } => {
                    let _held = Screen::hold();
                    let result = screen.open(&name, &text);
                    self.redraw = true;
                    if let Err(error) = result {
                        self.tell(Err(error.to_string()));
                    }
                }
                Effect::Host(request) => match &self.host {
                    Some(host) => {
                        let (host, done) = (Arc::clone(host), self.done.0.clone());
                        thread::Builder::new().name("host".to_owned()).spawn(move || {
                            // Nobody is told where the screen is gone meanwhile.
                            drop(done.send(host.perform(request)));
                        })?;
                    }
                    // A history that nobody keeps is one of this run.
                    None if matches!(request, Request::Remember { .. }) => {}
                    None => self.tell(Err("nothing here can do that".to_owned())),
                },
            }
        }
        Ok(())
    }

    pub(super) fn tell(&mut self, result: Result<String, String>) {
        if result.as_ref().is_ok_and(String::is_empty) {
            return;
        }
        self.toast = Some(Instant::now() + TOAST);
        update(&mut self.state, Message::Done(result));
    }
}
