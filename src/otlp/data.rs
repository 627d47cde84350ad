//! OTLP as the walkers hand it over: borrowed from the request, one span at a time.
//!
//! The protobuf walker and the JSON walker speak through the same [`Visitor`], so what is read of a span is written once.

use std::borrow::Cow;

pub use super::extract::Memo;

/// OTLP `AnyValue`.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Value<'a> {
    /// Not set.
    #[default]
    Empty,
    /// Text.
    Str(Cow<'a, str>),
    /// Boolean.
    Bool(bool),
    /// Integer.
    Int(i64),
    /// Floating point.
    Double(f64),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// List.
    Array(Vec<Value<'a>>),
    /// Map, in the sender's order.
    Map(Attributes<'a>),
}

/// Key and value pairs in the sender's order.
pub type Attributes<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// OTLP `Resource`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ResourceData<'a> {
    /// Its attributes.
    pub attributes: Attributes<'a>,
}

/// OTLP `InstrumentationScope`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ScopeData<'a> {
    /// Name.
    pub name: Cow<'a, str>,
    /// Version.
    pub version: Cow<'a, str>,
    /// Attributes.
    pub attributes: Attributes<'a>,
}

/// OTLP `Span.Event`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EventData<'a> {
    /// Nanoseconds since the epoch.
    pub time: u64,
    /// Name.
    pub name: Cow<'a, str>,
    /// Attributes.
    pub attributes: Attributes<'a>,
}

/// OTLP `Span.Link`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LinkData<'a> {
    /// As sent: 16 bytes if well formed.
    pub trace_id: Cow<'a, [u8]>,
    /// As sent: 8 bytes if well formed.
    pub span_id: Cow<'a, [u8]>,
    /// Attributes.
    pub attributes: Attributes<'a>,
}

/// OTLP `Span`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct SpanData<'a> {
    /// As sent: 16 bytes if well formed.
    pub trace_id: Cow<'a, [u8]>,
    /// As sent: 8 bytes if well formed.
    pub span_id: Cow<'a, [u8]>,
    /// As sent: empty for a root, else 8 bytes if well formed.
    pub parent_span_id: Cow<'a, [u8]>,
    /// W3C trace state.
    pub trace_state: Cow<'a, str>,
    /// Flags.
    pub flags: u32,
    /// `SpanKind` by number.
    pub kind: i32,
    /// Name.
    pub name: Cow<'a, str>,
    /// Nanoseconds since the epoch.
    pub start: u64,
    /// Nanoseconds since the epoch.
    pub end: u64,
    /// Attributes.
    pub attributes: Attributes<'a>,
    /// Events.
    pub events: Vec<EventData<'a>>,
    /// Links.
    pub links: Vec<LinkData<'a>>,
    /// `Status.code` by number.
    pub status_code: i32,
    /// `Status.message`.
    pub status_message: Cow<'a, str>,
}

/// OTLP `Span` whose attributes nobody has looked into, and that has neither events nor links, nor texts beside its
/// name.
#[derive(Clone, Debug, Default)]
pub struct RawSpan<'a> {
    /// As sent.
    pub trace_id: &'a [u8],
    /// As sent.
    pub span_id: &'a [u8],
    /// As sent: empty for a root.
    pub parent_span_id: &'a [u8],
    /// Flags.
    pub flags: u32,
    /// `SpanKind` by number.
    pub kind: i32,
    /// Name, as sent.
    pub name: &'a [u8],
    /// Nanoseconds since the epoch.
    pub start: u64,
    /// Nanoseconds since the epoch.
    pub end: u64,
    /// `Status.code` by number.
    pub status_code: i32,
    /// Its attributes, each a `KeyValue` as sent.
    pub attributes: Vec<&'a [u8]>,
}

/// OTLP `LogRecord`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LogData<'a> {
    /// As sent.
    pub trace_id: Cow<'a, [u8]>,
    /// As sent.
    pub span_id: Cow<'a, [u8]>,
    /// Nanoseconds since the epoch: event time, else observed time.
    pub time: u64,
    /// `SeverityNumber`.
    pub severity: i32,
    /// Body.
    pub body: Value<'a>,
    /// Attributes.
    pub attributes: Attributes<'a>,
}

/// What a walker calls, in this order: a resource before its scopes, a scope before its spans or records.
pub trait Visitor<'a> {
    /// Whether it takes anything by [`Visitor::raw_span`] and [`Visitor::raw_resource`].
    const TAKES_RAW: bool = false;

    /// A resource begins; all that follows belongs to it.
    fn resource(&mut self, resource: &ResourceData<'a>);
    /// A scope begins.
    fn scope(&mut self, scope: &ScopeData<'a>);
    /// One span. The value is reused for the next one: take what is needed.
    fn span(&mut self, span: &SpanData<'a>);
    /// A resource as sent, where it came whole. Answers whether it is known; if not, [`Visitor::resource`] follows at
    /// once, or the error that reading it ends in.
    fn raw_resource(&mut self, resource: &'a [u8]) -> bool {
        let _ = resource;
        false
    }
    /// One span before its attributes are read. Answers whether it was taken; if not, [`Visitor::span`] follows, or the
    /// error that reading it ends in. `memo` is the same for all spans of a request.
    fn raw_span(&mut self, span: &RawSpan<'a>, memo: &mut Memo<'a>) -> bool {
        let _ = (span, memo);
        false
    }
    /// One log record.
    fn log(&mut self, log: &LogData<'a>);
    /// A span or log record that could not be read: told as a span without ids, which nobody takes.
    fn unreadable(&mut self) {
        self.span(&SpanData::default());
    }
    /// The next span has an id that is neither hex nor base64: a hash stands for it.
    fn hashed_id(&mut self) {}
}
