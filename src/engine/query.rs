//! What screens ask of a running engine beyond its snapshots: pages of traces, one trace.

use std::cmp::Ordering;
use std::sync::mpsc;

use tokio::sync::oneshot;

use super::EngineError;
use super::owner::Message;
use crate::filter::{Context, Filter, SeenToken};
use crate::model::{Token, TraceId, UnixNanos};
use crate::trail::Trail;
use crate::trail::tokens::{TokenOrder, TokenPage};
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
    /// Those around this trace; the first ones where it is not in the list.
    Around(TraceId),
}

/// Rows of a sorted list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TracePage {
    /// Traces held.
    pub held: usize,
    /// Those that match.
    pub matching: usize,
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
    Trace(TraceId, Option<Box<TraceView>>),
    /// Tokens.
    Tokens(TokenQuery, TokenPage),
}

impl Answer {
    /// The question that it answers.
    pub fn query(&self) -> Query {
        match self {
            Self::Traces(query, _) => Query::Traces(query.clone()),
            Self::Trace(id, _) => Query::Trace(*id),
            Self::Tokens(query, _) => Query::Tokens(query.clone()),
        }
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

/// Answers a question out of the trail as it stands.
pub(super) fn answer(trail: &Trail, query: Query, now: UnixNanos) -> Answer {
    match query {
        Query::Traces(query) => {
            let page = traces(trail, &query, now);
            Answer::Traces(query, page)
        }
        Query::Trace(id) => Answer::Trace(id, trail.trace_view(id).map(Box::new)),
        Query::Tokens(query) => {
            let page = tokens(trail, &query, now);
            Answer::Tokens(query, page)
        }
    }
}

fn tokens(trail: &Trail, query: &TokenQuery, now: UnixNanos) -> TokenPage {
    let Some(filter) = &query.filter else { return trail.tokens(query.order, query.reverse, None) };
    let wanted = |token: &Token, services: &[&str]| filter.shows(&SeenToken { token, services }, Context { now });
    trail.tokens(query.order, query.reverse, Some(&wanted))
}

fn traces(trail: &Trail, query: &TraceQuery, now: UnixNanos) -> TracePage {
    let context = Context { now };
    let mut held = 0;
    let matches = |row: &TraceRow| match &query.filter {
        None => true,
        Some(filter) => trail.hops_of(row.id).iter().any(|hop| filter.matches(hop, context)),
    };
    let mut rows: Vec<TraceRow> = trail.trace_rows().inspect(|_| held += 1).filter(matches).collect();
    rows.sort_by(|a, b| {
        let order = by(query.order, a, b).then_with(|| a.id.cmp(&b.id));
        if query.reverse { order.reverse() } else { order }
    });
    let matching = rows.len();
    let last = matching.saturating_sub(PAGE_ROWS);
    let first = match query.window {
        Window::First => 0,
        Window::Last => last,
        Window::Around(id) => {
            let at = rows.iter().position(|row| row.id == id).unwrap_or(0);
            at.saturating_sub(PAGE_ROWS / 2).min(last)
        }
    };
    let rows = rows.drain(first..matching.min(first + PAGE_ROWS)).collect();
    TracePage { held, matching, first, rows }
}

fn by(order: TraceOrder, a: &TraceRow, b: &TraceRow) -> Ordering {
    let newest = || b.start.cmp(&a.start);
    match order {
        TraceOrder::Start => newest(),
        TraceOrder::Severity => {
            (b.accused > 0, b.severity, b.accused).cmp(&(a.accused > 0, a.severity, a.accused)).then_with(newest)
        }
        TraceOrder::Duration => b.duration.cmp(&a.duration),
        TraceOrder::Hops => b.hops.cmp(&a.hops).then_with(newest),
        TraceOrder::Service => a.service.cmp(&b.service).then_with(newest),
    }
}
