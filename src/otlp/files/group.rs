//! One group of a resource, however long: where it grows too long for one record it goes on in the next one, under the
//! same resource and scope.
//!
//! That takes a resource and a scope that stand before the spans, as nearly every exporter writes them. Where they come
//! behind them, the group is one record.

use std::io;
use std::ops::Range;

use super::document::Document;
use super::records::Kind;
use super::scan::{Key, Stop};
use crate::otlp::buffer::{Budget, Buffer};
use crate::otlp::decode::Encoding;

/// Ends a record behind a span: the list of spans, the scope's group, the list of those, the resource's group.
const TAIL: &[u8] = b"]}]}";

/// What of the open record is known.
#[derive(Default)]
pub(super) struct Group {
    resource: Option<Range<usize>>,
    scope: Option<Range<usize>>,
    logs: bool,
    /// Its length behind the last whole span, where the resource stands before that.
    sound: Option<usize>,
}

impl Document<'_, '_, '_> {
    pub(super) fn resource(&mut self) -> Result<(), Stop> {
        let range = self.ranged()?;
        self.group.resource.get_or_insert(range);
        Ok(())
    }

    /// A list of scope groups.
    pub(super) fn scopes(&mut self, logs: bool) -> Result<(), Stop> {
        self.group.logs = logs;
        self.scan.take(1);
        let mut first = true;
        let mut before = false;
        while self.scan.item(&mut first)? {
            if before {
                self.scan.records.keep(b",");
            }
            before = true;
            match self.scan.need()? {
                b'{' => self.scope_group()?,
                _ => self.scan.value()?,
            }
        }
        Ok(())
    }

    fn scope_group(&mut self) -> Result<(), Stop> {
        self.group.scope = None;
        self.scan.take(1);
        let mut first = true;
        while let Some(key) = self.scan.key(&mut first)? {
            match (key, self.scan.need()?) {
                (Key::Scope, _) => self.group.scope = Some(self.ranged()?),
                (Key::Spans | Key::LogRecords, b'[') => self.items()?,
                _ => self.scan.value()?,
            }
        }
        Ok(())
    }

    /// A list of spans or log records.
    fn items(&mut self) -> Result<(), Stop> {
        self.scan.take(1);
        let (mut first, mut before) = (true, false);
        while self.scan.item(&mut first)? {
            if before {
                self.scan.records.keep(b",");
            }
            self.scan.value()?;
            let length = self.scan.records.length();
            self.group.sound = self.group.resource.as_ref().map(|_| length);
            before = !(length >= self.scan.records.piece() && self.split()?);
        }
        Ok(())
    }

    /// Passes over a value and says where in the record it stands.
    fn ranged(&mut self) -> Result<Range<usize>, Stop> {
        let from = self.scan.records.length();
        self.scan.value()?;
        Ok(from..self.scan.records.length())
    }

    /// Ends the record behind a span and begins the next one. False where it cannot be split here.
    fn split(&mut self) -> io::Result<bool> {
        let records = &mut *self.scan.records;
        let (Some(resource), Some(scope)) = (self.group.resource.clone(), self.group.scope.clone()) else {
            return Ok(false);
        };
        if records.too_long() || resource.len() + scope.len() >= records.piece() {
            return Ok(false);
        }
        let logs = self.group.logs;
        let keys: [&[u8]; 3] = if logs {
            [br#"{"resource":"#, br#","scopeLogs":[{"scope":"#, br#","logRecords":["#]
        } else {
            [br#"{"resource":"#, br#","scopeSpans":[{"scope":"#, br#","spans":["#]
        };
        let mut kept = Buffer::new(&Budget::new(usize::MAX), usize::MAX);
        let held = kept.extend(records.part(resource.clone())).and_then(|()| kept.extend(records.part(scope.clone())));
        held.map_err(io::Error::other)?;
        records.keep(TAIL);
        records.end(Kind::Json(Encoding::Json), false)?;
        self.begin();
        let records = &mut *self.scan.records;
        let (resource_text, scope_text) = kept.split_at_checked(resource.len()).unwrap_or_default();
        records.make(keys[0]);
        let resource = records.length()..records.length() + resource_text.len();
        records.make(resource_text);
        records.make(keys[1]);
        let scope = records.length()..records.length() + scope_text.len();
        records.make(scope_text);
        records.make(keys[2]);
        self.group = Group { resource: Some(resource), scope: Some(scope), logs, sound: None };
        Ok(true)
    }

    /// Keeps the whole spans of a group that stops in the middle.
    pub(super) fn salvage(&mut self) -> io::Result<()> {
        let records = &mut *self.scan.records;
        match self.group.sound {
            Some(length) if records.is_open() && !records.too_long() => {
                records.truncate(length);
                records.keep(TAIL);
                records.end(Kind::Json(Encoding::Json), false)
            }
            _ => {
                records.discard();
                Ok(())
            }
        }
    }
}
