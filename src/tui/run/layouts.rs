//! The thread beside the screen's that lays out graphs.

use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, watch};

use crate::tui::graph::{Answer, Ask, lay_out};
use crate::tui::terminal::contain_panics;

/// A thread that lays out graphs: the newest question is answered, older ones are forgotten.
pub(super) struct Layouts {
    pub(super) ask: watch::Sender<Option<Ask>>,
    pub(super) answers: mpsc::UnboundedReceiver<Arc<Answer>>,
}

impl Layouts {
    pub(super) fn start() -> std::io::Result<Self> {
        let (ask, mut asked) = watch::channel(None::<Ask>);
        let (answer, answers) = mpsc::unbounded_channel();
        thread::Builder::new().name("layout".to_owned()).spawn(move || {
            contain_panics();
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
            runtime.block_on(async {
                while asked.changed().await.is_ok() {
                    let question = asked.borrow_and_update().clone();
                    let Some(question) = question else { continue };
                    let laid = std::panic::catch_unwind(|| lay_out(&question));
                    let laid = laid.unwrap_or(Answer { ask: question, drawing: None, hidden: 0 });
                    if answer.send(Arc::new(laid)).is_err() {
                        break;
                    }
                }
            });
        })?;
        Ok(Self { ask, answers })
    }
}
