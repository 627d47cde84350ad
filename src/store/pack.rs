//! Records in blocks. What spans share stands once in a block's tables, and records name it by number.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::SpoolError;
use super::shared::Sharing;
use crate::model::{
    Arrived, CarriedValue, Carries, Carrying, Hop, LogRecord, Resource, ServiceName, Side, Site, SpanId, Token,
    TraceId, UnixNanos,
};

/// What is kept of the input.
#[derive(Serialize, Deserialize)]
pub enum Record {
    /// A span; its site stands in the table, and what it carries, counted from one; 0 is nothing.
    Span { site: u32, carries: u32, span: Arrived },
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
const RECENT: usize = 32;

struct Table<T> {
    bytes: Vec<u8>,
    count: u32,
    recent: VecDeque<(Arc<T>, u32)>,
}

impl<T> Table<T> {
    fn new() -> Self {
        Self { bytes: Vec::new(), count: 0, recent: VecDeque::new() }
    }

    fn known(&self, value: &Arc<T>) -> Option<u32> {
        self.recent.iter().rev().find(|(known, _)| Arc::ptr_eq(known, value)).map(|(_, number)| *number)
    }

    fn number(&mut self, value: &Arc<T>) -> Result<u32, SpoolError>
    where
        T: Serialize,
    {
        match self.known(value) {
            Some(number) => Ok(number),
            None => self.write(value, &**value),
        }
    }

    /// Writes a value in the form that it has on disk.
    fn write(&mut self, value: &Arc<T>, form: &impl Serialize) -> Result<u32, SpoolError> {
        append(&mut self.bytes, form)?;
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
    sites: Table<Site>,
    tokens: Table<Token>,
    carries: Table<Carries>,
    records: Vec<u8>,
    /// Stand in for a process, a site and a token that the tables hold.
    nobody: Arc<Resource>,
    nowhere: Arc<Site>,
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
        let nobody = Arc::new(nobody);
        Self {
            resources: Table::new(),
            sites: Table::new(),
            tokens: Table::new(),
            carries: Table::new(),
            records: Vec::new(),
            nowhere: Arc::new(Site::new(Arc::clone(&nobody), "".into())),
            nobody,
            nothing: Arc::new(Token::default()),
        }
    }

    /// Bytes in it.
    pub fn bytes(&self) -> usize {
        self.shared_bytes() + self.records.len()
    }

    /// Bytes in it of what spans share.
    pub fn shared_bytes(&self) -> usize {
        self.resources.bytes.len() + self.sites.bytes.len() + self.tokens.bytes.len() + self.carries.bytes.len()
    }

    /// Adds a span.
    pub fn span(&mut self, mut span: Arrived) -> Result<(), SpoolError> {
        let site = std::mem::replace(span.site_mut(), Arc::clone(&self.nowhere));
        let site = self.site(&site)?;
        let carries = match std::mem::take(&mut span.carried).shared() {
            Some(carries) => self.carries(carries)? + 1,
            None => 0,
        };
        append(&mut self.records, &Record::Span { site, carries, span })
    }

    fn site(&mut self, site: &Arc<Site>) -> Result<u32, SpoolError> {
        if let Some(number) = self.sites.known(site) {
            return Ok(number);
        }
        let mut form = Site::clone(site);
        form.resource = Arc::clone(&self.nobody);
        let resource = self.resources.number(&site.resource)?;
        self.sites.write(site, &(resource, form))
    }

    fn carries(&mut self, carries: &Arc<Carries>) -> Result<u32, SpoolError> {
        if let Some(number) = self.carries.known(carries) {
            return Ok(number);
        }
        let mut form = Carries::clone(carries);
        let mut tokens = Vec::with_capacity(form.carried.len());
        for carried in &mut form.carried {
            if let CarriedValue::Token(token) = &mut carried.value {
                tokens.push(self.tokens.number(token)?);
                *token = Arc::clone(&self.nothing);
            }
        }
        self.carries.write(carries, &(tokens, form))
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
        let tables = [&self.resources.bytes, &self.sites.bytes, &self.tokens.bytes, &self.carries.bytes];
        for table in tables {
            raw.extend_from_slice(&(table.len() as u64).to_le_bytes());
        }
        for table in tables {
            raw.extend_from_slice(table);
        }
        raw.extend_from_slice(&self.records);
        self.resources.clear();
        self.sites.clear();
        self.tokens.clear();
        self.carries.clear();
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
    sites: Vec<Arc<Site>>,
    tokens: Vec<Arc<Token>>,
    carries: Vec<Arc<Carries>>,
    at: usize,
}

impl Closed {
    /// Reads the tables.
    pub fn new(raw: &[u8], sharing: &mut Sharing) -> Result<Self, SpoolError> {
        let length = |at: usize| {
            let bytes = raw.get(at..at + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
            bytes.and_then(|bytes| usize::try_from(u64::from_le_bytes(bytes)).ok()).ok_or_else(SpoolError::torn)
        };
        let mut at = 4 * 8;
        let mut next = |number: usize| -> Result<&[u8], SpoolError> {
            let end = length(number * 8)?.checked_add(at).ok_or_else(SpoolError::torn)?;
            let bytes = raw.get(at..end).ok_or_else(SpoolError::torn)?;
            at = end;
            Ok(bytes)
        };
        let resources = table(next(0)?, |value| Ok(sharing.resource(value)))?;
        let sites = table(next(1)?, |(resource, mut site): (u32, Site)| {
            site.resource = pick(&resources, resource)?;
            Ok(sharing.site(site))
        })?;
        let tokens = table(next(2)?, |value| Ok(sharing.token(value)))?;
        let carries = table(next(3)?, |(numbers, mut carries): (Vec<u32>, Carries)| {
            let mut numbers = numbers.into_iter();
            for carried in &mut carries.carried {
                if let CarriedValue::Token(token) = &mut carried.value {
                    *token = pick(&tokens, numbers.next().ok_or_else(SpoolError::torn)?)?;
                }
            }
            sharing.carries(&mut carries);
            Ok(Arc::new(carries))
        })?;
        Ok(Self { resources, sites, tokens, carries, at })
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
            Record::Span { site, carries, span } => {
                *span.site_mut() = pick(&self.sites, *site)?;
                if let Some(number) = carries.checked_sub(1) {
                    span.carried = Carrying::new(pick(&self.carries, number)?);
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

fn table<T: for<'r> Deserialize<'r>, U>(
    mut bytes: &[u8],
    mut share: impl FnMut(T) -> Result<Arc<U>, SpoolError>,
) -> Result<Vec<Arc<U>>, SpoolError> {
    let mut table = Vec::new();
    while !bytes.is_empty() {
        let (value, left) = postcard::take_from_bytes(bytes).map_err(SpoolError::record)?;
        table.push(share(value)?);
        bytes = left;
    }
    Ok(table)
}

fn pick<T>(table: &[Arc<T>], number: u32) -> Result<Arc<T>, SpoolError> {
    table.get(number as usize).cloned().ok_or_else(SpoolError::torn)
}
