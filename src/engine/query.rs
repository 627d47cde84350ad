//! What screens ask of a running engine beyond its snapshots: pages of traces, one trace.

use std::sync::Arc;
use std::sync::mpsc;

use tokio::sync::oneshot;

use super::EngineError;
use super::listing;
use super::owner::Message;
use super::search::Search;
use crate::filter::{Context, Filter, SeenToken};
use crate::model::{Token, TraceId, UnixNanos};
use crate::trail::Trail;
use crate::trail::tokens::{TokenOrder, TokenPage};
use crate::trail::twin::{Route, Twin};
use crate::trail::views::{TraceRow, TraceView};

/// Rows in one answer at most: several screens full, so that moving seldom waits for the next answer.
pub const PAGE_ROWS: usize = 200;

/// A question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Query {
    /// A page of the list of traces.
    Traces(TraceQuery),
    /// One trace, whole.
    Trace(TraceId),
    /// A trace over the same route on which the token arrived.
    Twin(Route),
    /// The tokens of the traces held.
    Tokens(TokenQuery),
}

/// A page of the list of traces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TraceQuery {
    /// Only traces that hold a hop which matches.
    pub filter: Option<Filter>,
    /// Sorted by this.
    pub order: TraceOrder,
    /// The other way round.
    pub reverse: bool,
    /// Which rows.
    pub window: Window,
}

/// The list of tokens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenQuery {
    /// Only tokens of which a hop may match.
    pub filter: Option<Filter>,
    /// Sorted by this.
    pub order: TokenOrder,
    /// The other way round.
    pub reverse: bool,
}

/// What traces are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TraceOrder {
    /// The newest first.
    #[default]
    Start,
    /// The worst first, then the newest.
    Severity,
    /// The longest first.
    Duration,
    /// Most hops first.
    Hops,
    /// By the root's service, then the newest.
    Service,
}

/// Which rows of a sorted list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Window {
    /// The first ones.
    #[default]
    First,
    /// The last ones.
    Last,
    /// Those around this trace, or around this place of the list where the trace is not in it.
    Around(TraceId, usize),
}

/// Rows of a sorted list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TracePage {
    /// Traces held.
    pub held: usize,
    /// Those that match, of the ones searched.
    pub matching: usize,
    /// How many were searched, the newest first; as many as are held once the search has come to its end.
    pub searched: usize,
    /// Start of the newest trace that was evicted; `None` where none was.
    pub evicted_until: Option<UnixNanos>,
    /// Place of the first row here in the list.
    pub first: usize,
    /// At most [`PAGE_ROWS`].
    pub rows: Vec<TraceRow>,
}

/// An answer, with the question that it answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// A page of traces.
    Traces(TraceQuery, TracePage),
    /// A trace; `None` where it is not held (any more).
    Trace(TraceId, Option<Arc<TraceView>>),
    /// A trace to hold against another.
    Twin(Route, Twin),
    /// Tokens.
    Tokens(TokenQuery, TokenPage),
}

impl Answer {
    /// The question that it answers.
    pub fn query(&self) -> Query {
        match self {
            Self::Traces(query, _) => Query::Traces(query.clone()),
            Self::Trace(id, _) => Query::Trace(*id),
            Self::Twin(route, _) => Query::Twin(route.clone()),
            Self::Tokens(query, _) => Query::Tokens(query.clone()),
        }
    }

    /// Whether the same question, asked again, is answered better though nothing came: a search goes on.
    pub fn is_partial(&self) -> bool {
        matches!(self, Self::Traces(_, page) if page.searched < page.held)
    }
}

/// An end to ask at. Cloned freely.
#[derive(Clone)]
pub struct Asker {
    sender: mpsc::Sender<Message>,
}

impl Asker {
    pub(super) fn new(sender: mpsc::Sender<Message>) -> Self {
        Self { sender }
    }

    /// Asks; the answer comes when the engine has judged what it was given before.
    pub async fn ask(&self, query: Query) -> Result<Answer, EngineError> {
        let (reply, answer) = oneshot::channel();
        self.sender.send(Message::Query(query, reply)).map_err(|_| EngineError::Gone)?;
        answer.await.map_err(|_| EngineError::Gone)
    }
}

/// Answers questions out of the trail as it stands; a search that was too long for one answer goes on with the next.
#[derive(Debug, Default)]
pub struct Answerer {
    search: Search,
}

impl Answerer {
    /// The answer; `now` is the moment that ages count from.
    pub fn answer(&mut self, trail: &Trail, query: Query, now: UnixNanos) -> Answer {
        match query {
            Query::Traces(query) => {
                let page = self.traces(trail, &query, now);
                Answer::Traces(query, page)
            }
            Query::Trace(id) => Answer::Trace(id, trail.trace_view(id).map(Arc::new)),
            Query::Twin(route) => {
                let twin = trail.twin(&route);
                Answer::Twin(route, twin)
            }
            Query::Tokens(query) => {
                let page = tokens(trail, &query, now);
                Answer::Tokens(query, page)
            }
        }
    }

    fn traces(&mut self, trail: &Trail, query: &TraceQuery, now: UnixNanos) -> TracePage {
        let (lines, held, searched) = if let Some(filter) = &query.filter {
            let found = self.search.find(trail, filter, Context { now });
            (listing::lines(found.matching.into_iter(), query.order), found.held, found.searched)
        } else {
            let lines = listing::lines(trail.held(), query.order);
            let held = lines.len();
            (lines, held, held)
        };
        let matching = lines.len();
        let (first, rows) = listing::window(lines, query);
        TracePage {
            held,
            matching,
            searched,
            evicted_until: Some(trail.stats().evicted_until).filter(|until| *until > UnixNanos(0)),
            first,
            // Only what may be shown is drawn up.
            rows: rows.into_iter().filter_map(|line| trail.held_one(line.id)?.row()).collect(),
        }
    }
}

fn tokens(trail: &Trail, query: &TokenQuery, now: UnixNanos) -> TokenPage {
    let Some(filter) = &query.filter else { return trail.tokens(query.order, query.reverse, None) };
    let wanted = |token: &Token, services: &[&str]| filter.shows(&SeenToken { token, services }, Context { now });
    trail.tokens(query.order, query.reverse, Some(&wanted))
}
