//! The thread that lays out graphs: the newest question is answered, older ones are forgotten.

use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, watch};

use crate::engine::Snapshot;
use crate::filter::Filter;

use super::graph::{Answer, Ask, Whole, lay_out_after};
use super::state::State;
use super::terminal::contain_panics;

/// A snapshot, whether only what is broken of it and under which filter, and what that shows.
type Known = (Arc<Snapshot>, (bool, Option<Filter>), Whole);

/// The way to it and back.
pub(super) struct Layouts {
    /// The newest question.
    pub questions: watch::Sender<Option<Ask>>,
    /// Its answers.
    pub answers: mpsc::UnboundedReceiver<Arc<Answer>>,
    /// What the last snapshot shows under which filter, and whether only what is broken.
    known: Option<Known>,
}

impl Layouts {
    /// Starts it. It ends with the last of both ends.
    pub(super) fn start() -> std::io::Result<Self> {
        let (ask, mut asked) = watch::channel(None::<Ask>);
        let (answer, answers) = mpsc::unbounded_channel();
        thread::Builder::new().name("layout".to_owned()).spawn(move || {
            contain_panics();
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
            let mut last: Option<Arc<Answer>> = None;
            runtime.block_on(async {
                while asked.changed().await.is_ok() {
                    let question = asked.borrow_and_update().clone();
                    let Some(question) = question else { continue };
                    let laid = std::panic::catch_unwind(|| lay_out_after(&question, last.as_deref()));
                    let laid = Arc::new(laid.unwrap_or_else(|_| Answer { ask: question, ..Answer::default() }));
                    last = Some(Arc::clone(&laid));
                    if answer.send(laid).is_err() {
                        break;
                    }
                }
            });
        })?;
        Ok(Self { questions: ask, answers, known: None })
    }

    /// What to lay out now. The topology is made anew only for another snapshot, and stays the same one if it is alike.
    pub(super) fn ask(&mut self, state: &State) -> Ask {
        let by = (state.only_broken, state.filter.filter.clone());
        let current =
            self.known.as_ref().filter(|(snapshot, known, _)| Arc::ptr_eq(snapshot, &state.snapshot) && *known == by);
        if let Some((.., whole)) = current {
            return state.ask_of(whole);
        }
        let mut whole = state.whole();
        if let Some((.., before)) = self.known.take().filter(|(.., before)| before.topology == whole.topology) {
            whole.topology = before.topology;
        }
        let ask = state.ask_of(&whole);
        self.known = Some((Arc::clone(&state.snapshot), by, whole));
        ask
    }
}
