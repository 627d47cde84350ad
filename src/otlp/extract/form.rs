//! Spans in two parts: the form, which many spans have alike, and what is each span's own: ids, times, carriers.
//!
//! A form is read as any span is, out of those attributes that belong to it, and kept; a span of a known form is read
//! no further than to see that it has it. Within a request that is seen by comparing bytes ([`Memo`]); from one request
//! to the next by a salted SHA-256 over them, for the bytes themselves may hold what must not stay in memory.

use std::sync::Arc;

use super::fields::{Field, Fields};
use super::headers::{Observation, Observer, request_header, response_header};
use super::kept::Kept;
use super::memo::{Memo, Part, Piece, Seen};
use super::observe::{Longest, SHORTEST_LIMIT, carry, tells_of_cookie};
use super::tags::{TagReader, Tagged};
use super::{Extractor, ids_of};
use crate::model::{Arrived, Captured, Carrying, SelfTags, Site, UnixNanos};
use crate::otlp::data::{Attributes, RawSpan, SpanData};
use crate::otlp::protobuf::{self, Plain};
use crate::token::{TagKey, suspicious};

/// Bytes that a form takes beside its site, which is shared.
const PER_FORM: usize = 256;

/// Bytes that what carriers hold takes, with its token.
const PER_CARRIER: usize = 1024;

/// Headers shorter than this are read sooner than their digest is made.
const WORTH_KEEPING: usize = 128;

/// What spans have alike.
pub(super) struct Form {
    span: Arrived,
}

/// What was read in requests before.
pub(super) struct Known {
    forms: Kept<Form>,
    heard: Kept<Heard>,
    told: Kept<Told>,
}

impl Known {
    /// Nothing yet; a generation of each takes so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let carriers = bytes / PER_CARRIER;
        Self { forms: Kept::new(bytes / PER_FORM), heard: Kept::new(carriers), told: Kept::new(carriers) }
    }
}

/// What a captured header held.
pub(super) struct Heard {
    found: Vec<Observation>,
    captured: Captured,
    user_agent: Option<Arc<str>>,
    marked_cookie: bool,
    longest: Longest,
    /// What a span carries that has no more than this.
    carrying: Carrying,
}

/// What a span's own tags told.
pub(super) struct Told {
    tagged: Tagged,
    longest: Longest,
    /// What a span carries that has no more than this.
    carrying: Carrying,
}

impl Extractor {
    /// Takes a span whose form is known or can be read. `None` where it has to be read as a whole.
    pub(super) fn formed<'a>(&mut self, raw: &RawSpan<'a>, memo: &mut Memo<'a>) -> Option<Arrived> {
        let (trace_id, span_id, parent_id) = ids_of(raw.trace_id, raw.span_id, raw.parent_span_id)?;
        let place = Memo::place(raw);
        let mut seen = memo.take(place);
        self.compare(raw, &mut seen, memo).or_else(|| self.look_up(raw, &mut seen, memo))?;
        let mut span = seen.span.clone()?;
        (span.trace_id, span.span_id) = (trace_id, span_id);
        span.set_parent(parent_id);
        (span.start, span.end) = (UnixNanos(raw.start), UnixNanos(raw.end));
        self.batch.bad_tags += seen.told.as_ref().map_or(0, |told| told.tagged.malformed);
        memo.put(place, seen);
        Some(span)
    }

    /// Compares a span with the last one like it, and takes over what differs but for the form.
    fn compare<'a>(&mut self, raw: &RawSpan<'a>, seen: &mut Seen<'a>, memo: &mut Memo<'a>) -> Option<()> {
        let alike = seen.group == self.group
            && (seen.kind, seen.flags, seen.status) == (raw.kind, raw.flags, raw.status_code)
            && seen.name == raw.name
            && seen.pieces.len() == raw.attributes.len();
        if !alike {
            return None;
        }
        let (mut quiet, mut tags, mut headers) = (false, false, false);
        for (before, &now) in seen.pieces.iter_mut().zip(&raw.attributes) {
            if before.bytes == now {
                continue;
            }
            let (key, value) = protobuf::plain_attribute(now)?;
            if before.key != key {
                return None;
            }
            match before.part {
                Part::Form => return None,
                Part::Quiet if !is_quiet(&value) => return None,
                Part::Quiet => quiet = true,
                Part::Tag => tags = true,
                Part::Header => headers = true,
            }
            (before.key, before.bytes) = (key, now);
        }
        if quiet {
            seen.longest = longest_of(&seen.pieces);
        }
        if tags {
            self.tell(seen, memo)?;
        }
        if headers {
            self.hear(seen, memo)?;
        }
        if quiet || headers || (tags && !seen.heard.is_empty()) {
            self.settle(seen);
        } else if let (true, Some(told), Some(span)) = (tags, &seen.told, &mut seen.span) {
            // Most spans of a form differ in this alone.
            let mut longest = seen.base;
            longest.join(told.longest);
            (span.longest_text, span.longest_texts) = longest.0;
            span.carried = told.carrying.clone();
        }
        Some(())
    }

    /// Looks into a span's attributes for their keys, and finds or reads its form.
    fn look_up<'a>(&mut self, raw: &RawSpan<'a>, seen: &mut Seen<'a>, memo: &mut Memo<'a>) -> Option<()> {
        seen.form = None;
        seen.span = None;
        seen.pieces.clear();
        for &bytes in &raw.attributes {
            let (key, value) = protobuf::plain_attribute(bytes)?;
            let part = part_of(std::str::from_utf8(key).ok()?, &value, bytes)?;
            seen.pieces.push(Piece { part, key, bytes });
        }
        let key = self.digest(raw, &seen.pieces);
        let form = if let Some(form) = self.known.forms.known(key) {
            form
        } else {
            let span = self.read_form(raw, &seen.pieces)?;
            self.known.forms.get(key, || Some(Form { span }))?
        };
        seen.longest = longest_of(&seen.pieces);
        self.tell(seen, memo)?;
        self.hear(seen, memo)?;
        (seen.group, seen.name, seen.form) = (self.group, raw.name, Some(form));
        (seen.kind, seen.flags, seen.status) = (raw.kind, raw.flags, raw.status_code);
        self.settle(seen);
        Some(())
    }

    /// Of all that a form is read from.
    fn digest(&self, raw: &RawSpan<'_>, pieces: &[Piece<'_>]) -> TagKey {
        let mut digest = self.shared.digest();
        digest.add(&self.process.to_le_bytes());
        digest.add(self.scope.as_bytes());
        digest.add(&raw.kind.to_le_bytes());
        digest.add(&raw.flags.to_le_bytes());
        digest.add(&raw.status_code.to_le_bytes());
        digest.add(raw.name);
        pieces.iter().filter(|piece| piece.part == Part::Form).for_each(|piece| digest.add(piece.bytes));
        digest.finish()
    }

    /// Reads a span that has nothing but a form.
    fn read_form(&mut self, raw: &RawSpan<'_>, pieces: &[Piece<'_>]) -> Option<Arrived> {
        let data = SpanData {
            kind: raw.kind,
            flags: raw.flags,
            status_code: raw.status_code,
            name: protobuf::text(raw.name),
            attributes: attributes_of(pieces, Part::Form)?,
            ..SpanData::default()
        };
        Some(self.read(&data))
    }

    fn tell<'a>(&mut self, seen: &mut Seen<'a>, memo: &mut Memo<'a>) -> Option<()> {
        seen.told = None;
        let pieces = &seen.pieces;
        let tags = pieces.iter().filter(|piece| piece.part == Part::Tag).map(|piece| piece.bytes);
        if tags.clone().next().is_none() {
            return Some(());
        }
        let (shared, names, finishing) = (&self.shared, &mut self.names, &mut self.finishing);
        let read = || {
            let attributes = attributes_of(pieces, Part::Tag)?;
            let mut fields = Fields::new();
            for (key, value) in &attributes {
                fields.set(Field::of(key)?, value);
            }
            let tagged = TagReader::read(&fields, shared, names).unwrap_or_default();
            let mut longest = Longest::default();
            let mut carried = carry(Vec::new(), tagged.observations.clone(), &mut longest).collect();
            let carrying = finishing.carrying(&mut carried, tags_of(&tagged).as_deref());
            Some(Told { tagged, longest, carrying })
        };
        let known = &mut self.known.told;
        let told = memo.told(&tags, || {
            let mut digest = shared.digest();
            tags.clone().for_each(|tag| digest.add(tag));
            known.get(digest.finish(), read)
        })?;
        seen.told = Some(told);
        Some(())
    }

    fn hear<'a>(&mut self, seen: &mut Seen<'a>, memo: &mut Memo<'a>) -> Option<()> {
        seen.heard.clear();
        for piece in seen.pieces.iter().filter(|piece| piece.part == Part::Header) {
            let (shared, names, finishing) = (&self.shared, &mut self.names, &mut self.finishing);
            let mut read = || {
                let mut attributes = Attributes::new();
                protobuf::attribute(piece.bytes, &mut attributes)?;
                let (key, value) = attributes.first()?;
                let (family, name) = request_header(key)?;
                let mut observer = Observer::new(shared, names);
                observer.header(family, name, value);
                let mut longest = Longest::default();
                longest.take(value);
                let Observer { found, captured, user_agent, marked_cookie, .. } = observer;
                let mut carried = carry(found.clone(), Vec::new(), &mut longest).collect();
                let carrying = finishing.carrying(&mut carried, None);
                Some(Heard { found, captured, user_agent, marked_cookie, longest, carrying })
            };
            let known = &mut self.known.heard;
            let heard = memo.heard(piece.bytes, || {
                if piece.bytes.len() < WORTH_KEEPING {
                    return read().map(Arc::new);
                }
                let mut digest = shared.digest();
                // Tokens are checked once more when keys have come.
                digest.add(&shared.generation().to_le_bytes());
                digest.add(piece.bytes);
                known.get(digest.finish(), read)
            })?;
            seen.heard.push(heard);
        }
        Some(())
    }

    /// Puts what carriers held, and the longest text, into a span that has its form.
    fn settle(&mut self, seen: &mut Seen<'_>) {
        let Some(form) = &seen.form else { return };
        let mut span = form.span.clone();
        let mut longest = Longest((span.longest_text, span.longest_texts));
        longest.join(seen.longest);
        seen.base = longest;
        let (mut captured, mut user_agent, mut marked_cookie) = (Captured::default(), None, false);
        for heard in &seen.heard {
            longest.join(heard.longest);
            join(&mut captured, heard.captured);
            user_agent = heard.user_agent.as_ref().or(user_agent);
            marked_cookie |= heard.marked_cookie;
        }
        let told = seen.told.as_ref();
        captured.carrier |= marked_cookie && told.is_some_and(|told| tells_of_cookie(&told.tagged.observations));
        let before = seen.span.as_ref().map(|span| span.site());
        // What the semantic conventions say stands in the form, and goes before a captured header.
        let user_agent = span.user_agent.as_ref().or(user_agent);
        let same = |site: &Site| {
            site.captured == captured && site.user_agent.as_ref().map(Arc::as_ptr) == user_agent.map(Arc::as_ptr)
        };
        match before {
            Some(site) if same(site) => *span.site_mut() = Arc::clone(site),
            _ if same(span.site()) => {}
            _ => {
                let mut site = Site::clone(span.site());
                (site.captured, site.user_agent) = (captured, user_agent.cloned());
                *span.site_mut() = self.finishing.site(&site);
            }
        }
        let mut holding = seen.heard.iter().filter(|heard| !heard.found.is_empty());
        span.carried = match (told, holding.next(), holding.next()) {
            (None, None, _) => Carrying::default(),
            (None, Some(heard), None) => heard.carrying.clone(),
            (Some(told), None, _) => {
                longest.join(told.longest);
                told.carrying.clone()
            }
            _ => {
                let headers = seen.heard.iter().flat_map(|heard| heard.found.iter().cloned()).collect();
                let tagged = told.map_or_else(Vec::new, |told| told.tagged.observations.clone());
                let mut carried = carry(headers, tagged, &mut longest).collect();
                self.finishing.carrying(&mut carried, told.and_then(|told| tags_of(&told.tagged)).as_deref())
            }
        };
        (span.longest_text, span.longest_texts) = longest.0;
        seen.span = Some(span);
    }
}

fn tags_of(tagged: &Tagged) -> Option<Box<SelfTags>> {
    (tagged.tags != SelfTags::default()).then(|| Box::new(tagged.tags.clone()))
}

fn join(captured: &mut Captured, other: Captured) {
    captured.carrier |= other.carrier;
    captured.traceparent |= other.traceparent;
    captured.unsampled_parent |= other.unsampled_parent;
    captured.user_agent_or_host |= other.user_agent_or_host;
    captured.any_header |= other.any_header;
}

/// What an attribute is. `None` where it takes more than its own bytes to say: claims beside the tags, a token in a URL.
fn part_of(key: &str, value: &Plain<'_>, bytes: &[u8]) -> Option<Part> {
    match Field::of(key) {
        Some(field) if field.is_own_tag() => Some(Part::Tag),
        Some(Field::ClaimIss | Field::ClaimAud | Field::ClaimExp | Field::HeaderAlg | Field::HeaderKid) => None,
        Some(Field::UrlQuery | Field::UrlFull | Field::HttpUrl | Field::HttpTarget) => {
            memchr::memmem::find(bytes, b"access_token=").is_none().then_some(Part::Form)
        }
        None if request_header(key).is_some() => Some(Part::Header),
        None if is_quiet(value) && !suspicious(key) && !is_read(key) => Some(Part::Quiet),
        _ => Some(Part::Form),
    }
}

/// Whether an attribute that has no field is read, or is of jwtrail's own.
fn is_read(key: &str) -> bool {
    response_header(key).is_some() || key.starts_with("jwtrail.")
}

/// Whether a value that nobody reads holds no credential.
fn is_quiet(value: &Plain<'_>) -> bool {
    match value {
        Plain::Text(text) => std::str::from_utf8(text).is_ok_and(|text| !suspicious(text)),
        Plain::Number => true,
        Plain::Other => false,
    }
}

/// The longest text among the attributes that are not read.
fn longest_of(pieces: &[Piece<'_>]) -> Longest {
    let mut longest = Longest::default();
    for piece in pieces.iter().filter(|piece| piece.part == Part::Quiet && piece.bytes.len() >= SHORTEST_LIMIT) {
        if let Some((_, Plain::Text(text))) = protobuf::plain_attribute(piece.bytes) {
            longest.text(&protobuf::text(text));
        }
    }
    longest
}

/// The attributes of one sort, in their order.
fn attributes_of<'a>(pieces: &[Piece<'a>], part: Part) -> Option<Attributes<'a>> {
    let mut attributes = Attributes::new();
    for piece in pieces.iter().filter(|piece| piece.part == part) {
        protobuf::attribute(piece.bytes, &mut attributes)?;
    }
    Some(attributes)
}
