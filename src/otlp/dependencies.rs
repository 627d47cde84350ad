//! Dependency lists: who called whom how often, and not a span (Jaeger's and Zipkin's `[{"parent","child","callCount"}]`).
//!
//! Bare, or under `data` or `dependencies` as the APIs answer it. Read item by item; a list of any length takes the
//! memory of one item here.

use std::fmt;
use std::io::{self, BufReader, Cursor as Bytes, Read};

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use zeroize::Zeroizing;

use super::compression::Coding;
use super::json::cursor::Cursor;
use crate::token::Shared;

/// How much of the beginning is looked at.
const HEAD_BYTES: usize = 64 << 10;

/// Longest list, in bytes unpacked: what lies behind counts as cut off.
const MOST_BYTES: u64 = 512 << 20;

/// How often a file may be packed.
const MOST_LAYERS: usize = 3;

/// Keys of an object that are looked at.
const MOST_KEYS: usize = 32;

/// One line of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dependency {
    /// Who called, without credentials.
    pub parent: String,
    /// Who was called, without credentials.
    pub child: String,
    /// Calls; 0 where the list does not say.
    pub calls: u64,
}

/// What came of a list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListReport {
    /// Items handed over.
    pub items: u64,
    /// Items without two names, which were left out.
    pub rejected: u64,
    /// Where the list is cut off or damaged: nothing behind this place was read. Line and column, from 1.
    pub damaged: Option<(usize, usize)>,
}

/// Why a list gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It cannot be read.
    #[error("cannot read {name}: {source}")]
    Read {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// No item of it names two services.
    #[error("no call in {name}: expected a list of parent, child and callCount, found {found}")]
    Empty {
        /// The file.
        name: String,
        /// What was found instead.
        found: String,
    },
}

/// An input whose beginning was looked at.
pub struct Peeked<R> {
    head: Zeroizing<Vec<u8>>,
    rest: R,
}

impl<R: Read> Peeked<R> {
    /// Reads the beginning.
    pub fn new(mut from: R) -> io::Result<Self> {
        let mut head = Zeroizing::new(Vec::with_capacity(HEAD_BYTES));
        from.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        Ok(Self { head, rest: from })
    }

    /// Whether it is a dependency list, packed or not, by its content.
    pub fn is_list(&self) -> bool {
        let mut head = self.head.clone();
        for _ in 0..MOST_LAYERS {
            let Some(unpacked) = begin(&head) else { break };
            head = unpacked;
        }
        names_calls(&head)
    }

    /// All of it, from the first byte.
    pub fn whole(self) -> impl Read {
        Bytes::new(self.head).chain(self.rest)
    }
}

/// What the beginning of a packed file unpacks to; `None` where it is not packed.
fn begin(head: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(HEAD_BYTES));
    let packed: Box<dyn Read + '_> = match Coding::sniffed(head) {
        Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(head)),
        Coding::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(head).ok()?),
        Coding::Identity | Coding::Deflate => return None,
    };
    // The beginning of a packed file ends in the middle: what came before that is what is wanted.
    drop(packed.take(HEAD_BYTES as u64).read_to_end(&mut out));
    Some(out)
}

fn names_calls(head: &[u8]) -> bool {
    let mut cursor = Cursor::new(head);
    match cursor.peek() {
        Some(b'[') => first_names_calls(&mut cursor),
        Some(b'{') => {
            let Ok(mut members) = cursor.object() else { return false };
            while let Ok(Some(key)) = cursor.key(&mut members) {
                if is_list_key(&key) {
                    return first_names_calls(&mut cursor);
                }
                if cursor.skip().is_err() {
                    break;
                }
            }
            false
        }
        _ => false,
    }
}

/// Whether the first object of a list has both names.
fn first_names_calls(cursor: &mut Cursor<'_>) -> bool {
    if cursor.peek() != Some(b'[') || cursor.array().is_err() || cursor.peek() != Some(b'{') {
        return false;
    }
    let Ok(mut members) = cursor.object() else { return false };
    let (mut parent, mut child) = (false, false);
    for _ in 0..MOST_KEYS {
        let Ok(Some(key)) = cursor.key(&mut members) else { break };
        parent |= key == "parent";
        child |= key == "child";
        if cursor.skip().is_err() {
            break;
        }
    }
    parent && child
}

fn is_list_key(key: &str) -> bool {
    matches!(key, "data" | "dependencies")
}

/// Reads a list and hands over its items; `name` is what errors call it.
pub fn read(
    from: impl Read,
    name: &str,
    shared: &Shared,
    each: &mut dyn FnMut(Dependency),
) -> Result<ListReport, ListError> {
    let failed = |source| ListError::Read { name: name.to_owned(), source };
    let reader = unpacked(Box::new(from)).map_err(failed)?.take(MOST_BYTES);
    let mut items = Items { shared, each, report: ListReport::default() };
    let mut json = serde_json::Deserializer::from_reader(reader);
    let ended = json.deserialize_any(Document(&mut items)).and_then(|()| json.end());
    let mut report = items.report;
    if let Err(error) = ended {
        // What serde_json says may hold a piece of the text; the place does not.
        report.damaged = Some((error.line(), error.column()));
    }
    if report.items > 0 {
        return Ok(report);
    }
    let found = match (report.damaged, report.rejected) {
        (Some((line, column)), _) => format!("damaged JSON at line {line}, column {column}"),
        (None, 0) => "an empty list".to_owned(),
        (None, rejected) => format!("{rejected} items without two names"),
    };
    Err(ListError::Empty { name: name.to_owned(), found })
}

/// The bytes behind every packing, and without a byte order mark.
fn unpacked<'a>(from: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut reader = from;
    for _ in 0..MOST_LAYERS {
        let mut head = Vec::new();
        reader.by_ref().take(4).read_to_end(&mut head)?;
        let coding = Coding::sniffed(&head);
        if coding == Coding::Identity && head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        let again = Bytes::new(head).chain(reader);
        reader = match coding {
            Coding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(again))),
            Coding::Zstd => Box::new(zstd::stream::read::Decoder::new(again)?),
            Coding::Identity | Coding::Deflate => return Ok(Box::new(BufReader::with_capacity(HEAD_BYTES, again))),
        };
    }
    Err(io::Error::other("expected a file packed once or twice, found one packed again and again"))
}

/// Where items go.
struct Items<'a> {
    shared: &'a Shared,
    each: &'a mut dyn FnMut(Dependency),
    report: ListReport,
}

impl Items<'_> {
    fn take(&mut self, item: &Value) {
        let name = |key| item.get(key).and_then(Value::as_str).filter(|name| !name.is_empty());
        let (Some(parent), Some(child)) = (name("parent"), name("child")) else {
            self.report.rejected += 1;
            return;
        };
        let scrubbed = |name: &str| self.shared.scrub(name).into_owned();
        let calls = item.get("callCount").map_or(0, count);
        let dependency = Dependency { parent: scrubbed(parent), child: scrubbed(child), calls };
        self.report.items += 1;
        (self.each)(dependency);
    }
}

/// A count as number or text (protobuf's JSON writes 64 bits as text).
fn count(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).unwrap_or(0)
}

/// A list, or an object that holds one.
struct Document<'i, 'a>(&'i mut Items<'a>);

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dependency list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(item) = list.next_element::<Value>()? {
            self.0.take(&item);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key::<String>()? {
            if is_list_key(&key) {
                object.next_value_seed(List(self.0))?;
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// The list within the object.
struct List<'i, 'a>(&'i mut Items<'a>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(Document(self.0))
    }
}
