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
/// An answer that took long rests this many times as long, so that lists cost the engine a tenth of its time.
const SHARE: u32 = 10;
/// Longest rest for that reason.
const LONGEST: Duration = Duration::from_secs(4);
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
fn rest(answer: &Answer, took: Duration) -> Duration {
    let long = (took * SHARE).min(LONGEST);
    match answer {
        Answer::Traces(_, page) if !answer.is_partial() => {
            (AGAIN * (1 + u32::try_from(page.held / MANY).unwrap_or(u32::MAX - 1)).min(8)).max(long)
        }
        Answer::Tokens(..) => AGAIN_FOR_ALL.max(long),
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
                let took = wanted.asked.map_or(Duration::ZERO, |(_, at)| at.elapsed());
                (wanted.waits, wanted.partial, wanted.again) = (false, answer.is_partial(), rest(&answer, took));
                return Some(answer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::query::{TokenQuery, TracePage, TraceQuery};
    use crate::trail::tokens::TokenPage;

    #[test]
    fn what_took_long_is_asked_again_later_and_a_search_goes_on_at_once() {
        let tokens = Answer::Tokens(TokenQuery::default(), TokenPage::default());
        let after = |millis| rest(&tokens, Duration::from_millis(millis));
        assert_eq!(after(3), Duration::from_secs(1));
        assert_eq!(after(300), Duration::from_secs(3), "ten times as long as it took");
        assert_eq!(after(2_000), Duration::from_secs(4), "a list that stands still for longer looks broken");
        let traces = |searched| {
            let page = TracePage { held: 100, searched, ..TracePage::default() };
            rest(&Answer::Traces(TraceQuery::default(), page), Duration::from_millis(100))
        };
        assert_eq!((traces(100), traces(60)), (Duration::from_secs(1), AGAIN));
    }
}
