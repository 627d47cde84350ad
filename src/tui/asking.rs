//! Questions on their way to the engine: each is asked once, and again when something was published since its answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::engine::{Answer, Asker, Query};

/// Least time between two answers to the same question: people read no faster, and the engine has other work.
const AGAIN: Duration = Duration::from_millis(250);

/// The same for questions that look at every span held.
const AGAIN_FOR_ALL: Duration = Duration::from_secs(1);
/// Traces held for which a list rests that long once more.
const MANY: usize = 25_000;

/// One question that is wanted.
struct Wanted {
    query: Query,
    /// The revision of the last snapshot when it was asked last, and when that was.
    asked: Option<(u64, Instant)>,
    /// Whether the answer is on its way.
    waits: bool,
    /// Whether the last answer was only a part: asked again though nothing was published.
    partial: bool,
    /// Least time until it is asked again.
    again: Duration,
}

impl Wanted {
    /// When to ask again, where there is a newer answer.
    fn due(&self, revision: u64) -> Option<Instant> {
        self.asked.filter(|(asked, _)| *asked != revision || self.partial).map(|(_, at)| at + self.again)
    }
}

/// A list of many is drawn up anew less often: it costs more, and a person sees no less.
fn rest(answer: &Answer) -> Duration {
    match answer {
        Answer::Traces(_, page) if !answer.is_partial() => {
            AGAIN * (1 + u32::try_from(page.held / MANY).unwrap_or(u32::MAX - 1)).min(8)
        }
        Answer::Tokens(..) => AGAIN_FOR_ALL,
        _ => AGAIN,
    }
}

/// The questions that are wanted, and their answers.
pub(super) struct Asking {
    asker: Option<Asker>,
    wanted: Vec<Wanted>,
    revision: u64,
    sender: mpsc::UnboundedSender<Arc<Answer>>,
    answers: mpsc::UnboundedReceiver<Arc<Answer>>,
}

impl Asking {
    pub(super) fn new(asker: Option<Asker>) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self { asker, wanted: Vec::new(), revision: 0, sender, answers }
    }

    /// Says what is wanted now; whatever else was asked is forgotten. To be called within the screen's runtime.
    pub(super) fn want(&mut self, queries: Vec<Query>, revision: u64) {
        self.revision = revision;
        self.wanted.retain(|wanted| queries.contains(&wanted.query));
        for query in queries {
            if !self.wanted.iter().any(|wanted| wanted.query == query) {
                self.wanted.push(Wanted { query, asked: None, waits: false, partial: false, again: AGAIN });
            }
        }
        self.ask();
    }

    fn ask(&mut self) {
        let Some(asker) = &self.asker else { return };
        let now = Instant::now();
        for wanted in &mut self.wanted {
            let due = wanted.asked.is_none() || wanted.due(self.revision).is_some_and(|at| now >= at);
            if wanted.waits || !due {
                continue;
            }
            wanted.asked = Some((self.revision, now));
            wanted.waits = true;
            let (asker, sender, query) = (asker.clone(), self.sender.clone(), wanted.query.clone());
            tokio::spawn(async move {
                // An engine that is gone ends the screen by itself.
                if let Ok(answer) = asker.ask(query).await {
                    drop(sender.send(Arc::new(answer)));
                }
            });
        }
    }

    /// When a question is to be asked again though nothing else happens.
    fn due(&self) -> Option<Instant> {
        let waiting = self.wanted.iter().filter(|wanted| !wanted.waits);
        waiting.filter_map(|wanted| wanted.due(self.revision)).min()
    }

    /// The next answer to a question that is still wanted. Asks again what is due meanwhile.
    pub(super) async fn answer(&mut self) -> Option<Arc<Answer>> {
        loop {
            let due = self.due();
            let answer = tokio::select! {
                answer = self.answers.recv() => answer?,
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.ask();
                    continue;
                }
            };
            let query = answer.query();
            if let Some(wanted) = self.wanted.iter_mut().find(|wanted| wanted.query == query) {
                (wanted.waits, wanted.partial, wanted.again) = (false, answer.is_partial(), rest(&answer));
                return Some(answer);
            }
        }
    }
}
