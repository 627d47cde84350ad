//! A span as the judge reads it: identity, place in the tree, what it says of tokens, and how it ended.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use arcstr::ArcStr;
use serde::{Deserialize, Serialize};

use super::{Carrying, Fingerprint, Resource, SelfTags, Site, SpanId, TraceId, UnixNanos};

/// An exception recorded as a span event, its texts scrubbed and capped.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Exception {
    /// `exception.type`.
    pub kind: Arc<str>,
    /// `exception.message`, at most 512 characters.
    pub message: Arc<str>,
    /// First and last lines of `exception.stacktrace`, at most 1,024 characters.
    pub stack: Arc<str>,
}

/// A link to another span, maybe of another trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The trace that it points into.
    pub trace_id: TraceId,
    /// The span that it points at.
    pub span_id: SpanId,
}

/// A token found where none belongs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exposure {
    /// The attribute, event or field that held it.
    pub place: Arc<str>,
    /// Which token, where it could be fingerprinted.
    pub fingerprint: Option<Fingerprint>,
}

/// What one span alone says: texts and links that hardly any span has.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Own {
    /// `Location` of a redirect (captured response header), scrubbed, without its query.
    pub location: Option<Arc<str>>,
    /// `http.response.header.www-authenticate`, scrubbed.
    pub challenge: Option<Arc<str>>,
    /// Exceptions among its events, in their order.
    pub exceptions: Vec<Exception>,
    /// Links.
    pub links: Vec<Link>,
    /// Tokens found where none belongs.
    pub exposures: Vec<Exposure>,
}

/// A span with nothing of its own.
static NOTHING: Own =
    Own { location: None, challenge: None, exceptions: Vec::new(), links: Vec::new(), exposures: Vec::new() };

/// A span as it is kept beside the others of its trace. What it has in common with spans of other traces is shared and
/// read as if it were its own fields ([`Site`]); writing to those takes a copy. Texts are scrubbed of credentials.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Span {
    /// Its own id.
    pub span_id: SpanId,
    /// Its parent's id, zero for a root: OTLP calls that one invalid, so it names no span.
    parent: SpanId,
    /// Start.
    pub start: UnixNanos,
    /// End; 0 where never set.
    pub end: UnixNanos,
    /// What it has in common with others of its place.
    site: Arc<Site>,
    /// What its carriers held.
    pub carried: Carrying,
    /// Path of the URL: `url.path`, or out of `url.full`, `http.url`, `http.target`; without the query.
    pub path: Option<ArcStr>,
    /// What it alone says.
    own: Option<Box<Own>>,
}

/// A byte more, and every span that is kept costs eight.
const _: () = assert!(size_of::<Span>() <= 64);

/// A span as it arrives: with the trace that it belongs to, and with what is learned from it once and then forgotten.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arrived {
    /// Trace that it belongs to.
    pub trace_id: TraceId,
    /// The longest attribute text, in characters.
    pub longest_text: u32,
    /// Attribute texts that are as long as the longest: tells an attribute length limit.
    pub longest_texts: u16,
    /// What is kept of it.
    pub span: Span,
}

impl Arrived {
    /// An empty span of a process.
    pub fn new(resource: Arc<Resource>, scope: Arc<str>) -> Self {
        Self::at(Arc::new(Site::new(resource, scope)))
    }

    /// An empty span of a place.
    pub fn at(site: Arc<Site>) -> Self {
        Self::known(TraceId::default(), Span::at(site))
    }

    /// A span that was kept and leaves its trace: nothing is left to learn from it.
    pub fn known(trace_id: TraceId, span: Span) -> Self {
        Self { trace_id, longest_text: 0, longest_texts: 0, span }
    }
}

impl Deref for Arrived {
    type Target = Span;

    fn deref(&self) -> &Span {
        &self.span
    }
}

impl DerefMut for Arrived {
    fn deref_mut(&mut self) -> &mut Span {
        &mut self.span
    }
}

impl Deref for Span {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// Writes a copy of its own where others share the site.
impl DerefMut for Span {
    fn deref_mut(&mut self) -> &mut Site {
        Arc::make_mut(&mut self.site)
    }
}

impl Span {
    /// An empty span of a place.
    pub fn at(site: Arc<Site>) -> Self {
        Self {
            span_id: SpanId::default(),
            parent: SpanId::default(),
            start: UnixNanos::default(),
            end: UnixNanos::default(),
            site,
            carried: Carrying::default(),
            path: None,
            own: None,
        }
    }

    /// Its parent's id, `None` for a root.
    pub fn parent_id(&self) -> Option<SpanId> {
        (!self.parent.is_zero()).then_some(self.parent)
    }

    /// Gives it a parent; `None` makes a root of it.
    pub fn set_parent(&mut self, parent: Option<SpanId>) {
        self.parent = parent.unwrap_or_default();
    }

    /// What it has in common with others of its place.
    pub fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// The same, to be replaced whole.
    pub fn site_mut(&mut self) -> &mut Arc<Site> {
        &mut self.site
    }

    /// What it alone says.
    pub fn own(&self) -> &Own {
        self.own.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to be written; takes the room.
    pub fn own_mut(&mut self) -> &mut Own {
        self.own.get_or_insert_default()
    }

    /// Whether it says anything alone.
    pub fn has_own(&self) -> bool {
        self.own.is_some()
    }

    /// Its own tags.
    pub fn tags(&self) -> Option<&SelfTags> {
        self.carried.tags()
    }

    /// What the request was, for people: `GET /orders/{id}`, `shop.Cart/Add`, a queue's name, or the span's name.
    pub fn operation(&self) -> String {
        if let Some(method) = &self.rpc_method {
            return match &self.rpc_service {
                Some(service) => format!("{service}/{method}"),
                None => method.to_string(),
            };
        }
        let place = self.route.as_deref().or(self.path.as_deref());
        match (&self.method, place, &self.messaging_destination) {
            (Some(method), Some(place), _) => format!("{method} {place}"),
            (None, None, Some(destination)) => destination.to_string(),
            _ => self.name.to_string(),
        }
    }
}
