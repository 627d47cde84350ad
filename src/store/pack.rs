//! Records in blocks. Processes and tokens stand once in a block's tables, and records name them by number.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::SpoolError;
use super::shared::Sharing;
use crate::model::{
    CarriedValue, Hop, LogRecord, Resource, ServiceName, Side, Span, SpanId, Token, TraceId, UnixNanos,
};

/// What is kept of the input.
#[derive(Serialize, Deserialize)]
pub enum Record {
    /// A span; its process and its tokens, in their order, stand in the tables.
    Span { resource: u32, tokens: Vec<u32>, span: Box<Span> },
    /// A log record; its process stands in the table.
    Log { resource: u32, record: LogRecord },
    /// A span of another trace links to a span of this one.
    Link(LinkFrom),
}

/// A link, from the side that it leads to.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct LinkFrom {
    /// The trace that it leads to.
    pub trace: TraceId,
    /// The span that it leads to.
    pub span: SpanId,
    /// The trace that it comes from.
    pub from: TraceId,
}

/// A judged trace. Its tokens stand in the table, by number and counted from one; 0 is none.
#[derive(Serialize, Deserialize)]
pub struct TraceHops {
    /// Start of the trace.
    pub start: UnixNanos,
    /// Its id.
    pub trace: TraceId,
    tokens: Vec<u32>,
    /// Its hops, in the report's order.
    pub hops: Vec<Hop>,
}

/// The last so many values of a table are looked through before one is written anew.
const RECENT: usize = 8;

struct Table<T> {
    bytes: Vec<u8>,
    count: u32,
    recent: VecDeque<(Arc<T>, u32)>,
}

impl<T: Serialize> Table<T> {
    fn new() -> Self {
        Self { bytes: Vec::new(), count: 0, recent: VecDeque::new() }
    }

    fn number(&mut self, value: &Arc<T>) -> Result<u32, SpoolError> {
        if let Some((_, number)) = self.recent.iter().rev().find(|(known, _)| Arc::ptr_eq(known, value)) {
            return Ok(*number);
        }
        append(&mut self.bytes, &**value)?;
        let number = self.count;
        self.count += 1;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((Arc::clone(value), number));
        Ok(number)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.recent.clear();
        self.count = 0;
    }
}

/// A block being filled.
pub struct Open {
    resources: Table<Resource>,
    tokens: Table<Token>,
    records: Vec<u8>,
    /// Stands in for a process and a token that the tables hold.
    nobody: Arc<Resource>,
    nothing: Arc<Token>,
}

impl Open {
    /// An empty one.
    pub fn new() -> Self {
        let none: Arc<str> = "".into();
        let nobody = Resource {
            service: ServiceName { namespace: Arc::clone(&none), name: Arc::clone(&none) },
            nameless: false,
            instance: Arc::clone(&none),
            language: Arc::clone(&none),
            sdk: Arc::clone(&none),
            host: none,
        };
        Self {
            resources: Table::new(),
            tokens: Table::new(),
            records: Vec::new(),
            nobody: Arc::new(nobody),
            nothing: Arc::new(Token::default()),
        }
    }

    /// Bytes in it.
    pub fn bytes(&self) -> usize {
        self.resources.bytes.len() + self.tokens.bytes.len() + self.records.len()
    }

    /// Bytes of tokens in it.
    pub fn token_bytes(&self) -> usize {
        self.tokens.bytes.len()
    }

    /// Adds a span.
    pub fn span(&mut self, mut span: Box<Span>) -> Result<(), SpoolError> {
        let own = std::mem::replace(&mut span.resource, Arc::clone(&self.nobody));
        let resource = self.resources.number(&own)?;
        let mut tokens = Vec::new();
        for carried in &mut span.carried {
            if let CarriedValue::Token(token) = &mut carried.value {
                tokens.push(self.tokens.number(token)?);
                *token = Arc::clone(&self.nothing);
            }
        }
        append(&mut self.records, &Record::Span { resource, tokens, span })
    }

    /// Adds a log record.
    pub fn log(&mut self, mut record: LogRecord) -> Result<(), SpoolError> {
        let own = std::mem::replace(&mut record.resource, Arc::clone(&self.nobody));
        let resource = self.resources.number(&own)?;
        append(&mut self.records, &Record::Log { resource, record })
    }

    /// Adds a link.
    pub fn link(&mut self, link: LinkFrom) -> Result<(), SpoolError> {
        append(&mut self.records, &Record::Link(link))
    }

    /// Adds a judged trace.
    pub fn hops(&mut self, start: UnixNanos, trace: TraceId, mut hops: Vec<Hop>) -> Result<(), SpoolError> {
        let mut tokens = Vec::with_capacity(hops.len() * 3);
        for side in hops.iter_mut().flat_map(sides) {
            tokens.push(match side.token.take() {
                Some(token) => self.tokens.number(&token)? + 1,
                None => 0,
            });
        }
        append(&mut self.records, &TraceHops { start, trace, tokens, hops })
    }

    /// Writes the block out and starts anew. False where there was nothing to write.
    pub fn seal(&mut self, raw: &mut Vec<u8>) -> bool {
        raw.clear();
        if self.records.is_empty() {
            return false;
        }
        for part in [&self.resources.bytes, &self.tokens.bytes] {
            raw.extend_from_slice(&(part.len() as u64).to_le_bytes());
        }
        raw.extend_from_slice(&self.resources.bytes);
        raw.extend_from_slice(&self.tokens.bytes);
        raw.extend_from_slice(&self.records);
        self.resources.clear();
        self.tokens.clear();
        self.records.clear();
        true
    }
}

fn sides(hop: &mut Hop) -> [&mut Side; 3] {
    [&mut hop.inbound, &mut hop.sent, &mut hop.received]
}

fn append(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), SpoolError> {
    *bytes = postcard::to_extend(value, std::mem::take(bytes)).map_err(SpoolError::record)?;
    Ok(())
}

/// A block being read.
pub struct Closed {
    resources: Vec<Arc<Resource>>,
    tokens: Vec<Arc<Token>>,
    at: usize,
}

impl Closed {
    /// Reads the tables.
    pub fn new(raw: &[u8], sharing: &mut Sharing) -> Result<Self, SpoolError> {
        let length = |at: usize| {
            let bytes = raw.get(at..at + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
            bytes.and_then(|bytes| usize::try_from(u64::from_le_bytes(bytes)).ok()).ok_or_else(SpoolError::torn)
        };
        let (first, second) = (16_usize, length(0)?);
        let second = first.checked_add(second).ok_or_else(SpoolError::torn)?;
        let at = second.checked_add(length(8)?).ok_or_else(SpoolError::torn)?;
        let resources = table(raw.get(first..second).ok_or_else(SpoolError::torn)?, |value| sharing.resource(value))?;
        let tokens = table(raw.get(second..at).ok_or_else(SpoolError::torn)?, |value| sharing.token(value))?;
        Ok(Self { resources, tokens, at })
    }

    fn next<'r, T: Deserialize<'r>>(&mut self, raw: &'r [u8]) -> Result<Option<T>, SpoolError> {
        let rest = raw.get(self.at..).ok_or_else(SpoolError::torn)?;
        if rest.is_empty() {
            return Ok(None);
        }
        let (value, left) = postcard::take_from_bytes(rest).map_err(SpoolError::record)?;
        self.at = raw.len() - left.len();
        Ok(Some(value))
    }

    /// The next record of the input, whole again; `None` at the end of the block.
    pub fn record(&mut self, raw: &[u8], sharing: &mut Sharing) -> Result<Option<Record>, SpoolError> {
        let Some(mut record) = self.next::<Record>(raw)? else { return Ok(None) };
        match &mut record {
            Record::Span { resource, tokens, span } => {
                span.resource = pick(&self.resources, *resource)?;
                let mut tokens = tokens.iter();
                for carried in &mut span.carried {
                    if let CarriedValue::Token(token) = &mut carried.value {
                        *token = pick(&self.tokens, *tokens.next().ok_or_else(SpoolError::torn)?)?;
                    }
                }
                sharing.span(span);
            }
            Record::Log { resource, record } => {
                record.resource = pick(&self.resources, *resource)?;
                sharing.log(record);
            }
            Record::Link(_) => {}
        }
        Ok(Some(record))
    }

    /// The next judged trace; `None` at the end of the block.
    pub fn hops(&mut self, raw: &[u8]) -> Result<Option<TraceHops>, SpoolError> {
        let Some(mut trace) = self.next::<TraceHops>(raw)? else { return Ok(None) };
        for (side, number) in trace.hops.iter_mut().flat_map(sides).zip(&trace.tokens) {
            side.token = number.checked_sub(1).map(|number| pick(&self.tokens, number)).transpose()?;
        }
        Ok(Some(trace))
    }
}

fn table<T: for<'r> Deserialize<'r>>(
    mut bytes: &[u8],
    mut share: impl FnMut(T) -> Arc<T>,
) -> Result<Vec<Arc<T>>, SpoolError> {
    let mut table = Vec::new();
    while !bytes.is_empty() {
        let (value, left) = postcard::take_from_bytes(bytes).map_err(SpoolError::record)?;
        table.push(share(value));
        bytes = left;
    }
    Ok(table)
}

fn pick<T>(table: &[Arc<T>], number: u32) -> Result<Arc<T>, SpoolError> {
    table.get(number as usize).cloned().ok_or_else(SpoolError::torn)
}
