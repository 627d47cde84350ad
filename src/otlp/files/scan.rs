//! A place in a JSON text of any length, read forward through the input's window.
//!
//! It finds where values begin and end, and leaves it to the decoder to check them: nesting is counted, never walked by
//! recursion, and no value is held here. What is passed goes to the open record, if there is one.

use std::io;

use super::input::Input;
use super::records::Records;

/// Longest key that is told from others.
const MAX_KEY_BYTES: usize = 40;

/// Why reading a document stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The text ends within a value.
    End,
    /// What stands there belongs into no JSON document.
    Damaged(String),
    /// The file cannot be read.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The keys that say what an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    /// A list of resource groups.
    Groups,
    /// A list of metrics by resource.
    Metrics,
    /// A list that wraps traces.
    Traces,
    /// An object that wraps one.
    Trace,
    Resource,
    /// A list of scope groups, of logs or of spans.
    Scopes {
        logs: bool,
    },
    Scope,
    Spans,
    LogRecords,
    /// Jaeger's `traceID`, `processes`.
    Jaeger,
    /// Zipkin's `traceId`, which other exports have, too.
    TraceId,
    /// Zipkin's `id`.
    Id,
    Other,
}

impl Key {
    fn of(text: &[u8]) -> Self {
        match text {
            b"resourceSpans" | b"resource_spans" | b"batches" | b"resourceLogs" | b"resource_logs" => Self::Groups,
            b"resourceMetrics" | b"resource_metrics" => Self::Metrics,
            b"traces" | b"data" => Self::Traces,
            b"trace" => Self::Trace,
            b"resource" => Self::Resource,
            b"scopeSpans" | b"scope_spans" | b"instrumentationLibrarySpans" | b"instrumentation_library_spans" => {
                Self::Scopes { logs: false }
            }
            b"scopeLogs" | b"scope_logs" | b"instrumentationLibraryLogs" | b"instrumentation_library_logs" => {
                Self::Scopes { logs: true }
            }
            b"scope" | b"instrumentationLibrary" | b"instrumentation_library" => Self::Scope,
            b"spans" => Self::Spans,
            b"logRecords" | b"log_records" | b"logs" => Self::LogRecords,
            b"traceID" | b"processes" => Self::Jaeger,
            b"traceId" => Self::TraceId,
            b"id" => Self::Id,
            _ => Self::Other,
        }
    }
}

/// A reading position.
pub(super) struct Scan<'r, 'i, 'j> {
    pub(super) input: &'r mut Input<'i>,
    pub(super) records: &'r mut Records<'j>,
    /// A line feed ends the text.
    pub(super) line: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Text,
    Escape,
}

impl Scan<'_, '_, '_> {
    /// The first byte of what comes next, behind white space.
    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let chunk = self.input.next()?;
            let line = self.line;
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r') || (*byte == b'\n' && !line);
            let found = chunk.iter().position(|byte| !blank(byte));
            let byte = found.and_then(|at| chunk.get(at)).copied();
            let passed = found.unwrap_or(chunk.len());
            if passed > 0 {
                self.take(passed);
            } else if found.is_none() {
                return Ok(None);
            }
            if let Some(byte) = byte {
                return Ok(Some(byte).filter(|byte| *byte != b'\n'));
            }
        }
    }

    /// The same where the text must go on.
    pub(super) fn need(&mut self) -> Result<u8, Stop> {
        self.peek()?.ok_or(Stop::End)
    }

    /// Passes over so many bytes of the window.
    pub(super) fn take(&mut self, bytes: usize) {
        self.records.keep(self.input.ahead().get(..bytes).unwrap_or_default());
        self.input.consume(bytes);
    }

    /// The next key of an object, the position before its value; `None` behind the object.
    pub(super) fn key(&mut self, first: &mut bool) -> Result<Option<Key>, Stop> {
        match self.need()? {
            b'}' => {
                self.take(1);
                return Ok(None);
            }
            b',' if !*first => self.take(1),
            _ if *first => {}
            other => return Err(expected("`,` or `}`", other)),
        }
        *first = false;
        match self.need()? {
            b'"' => {}
            other => return Err(expected("a key", other)),
        }
        let mut name = Vec::with_capacity(MAX_KEY_BYTES);
        self.text(Some(&mut name))?;
        match self.need()? {
            b':' => self.take(1),
            other => return Err(expected("`:`", other)),
        }
        self.need()?;
        Ok(Some(Key::of(&name)))
    }

    /// Whether another item of a list follows, the position before it, else behind the list. The comma is not kept.
    pub(super) fn item(&mut self, first: &mut bool) -> Result<bool, Stop> {
        match self.need()? {
            b']' => {
                self.take(1);
                return Ok(false);
            }
            b',' if !*first => self.input.consume(1),
            _ if *first => {}
            other => return Err(expected("`,` or `]`", other)),
        }
        *first = false;
        match self.need()? {
            other @ (b',' | b']') => Err(expected("a value", other)),
            _ => Ok(true),
        }
    }

    /// Passes over one value, however deep.
    pub(super) fn value(&mut self) -> Result<(), Stop> {
        match self.need()? {
            b'{' | b'[' => self.container(),
            b'"' => self.text(None),
            _ => self.word(),
        }
    }

    /// From the opening bracket to behind the one that closes it.
    fn container(&mut self) -> Result<(), Stop> {
        let (mut depth, mut state) = (0_u64, State::Outside);
        loop {
            let line = self.line;
            let chunk = self.input.next()?;
            if chunk.is_empty() {
                return Err(Stop::End);
            }
            let mut at = 0;
            let mut ended = None;
            while at < chunk.len() && ended.is_none() {
                let rest = chunk.get(at..).unwrap_or_default();
                if state == State::Outside {
                    let Some(found) = rest.iter().position(|byte| STRUCTURE[usize::from(*byte)]) else {
                        at = chunk.len();
                        break;
                    };
                    match rest.get(found) {
                        Some(b'"') => state = State::Text,
                        Some(b'{' | b'[') => depth += 1,
                        Some(b'}' | b']') => {
                            depth -= 1;
                            ended = (depth == 0).then_some(Ok(()));
                        }
                        _ if line => {
                            at += found;
                            ended = Some(Err(Stop::End));
                            break;
                        }
                        _ => {}
                    }
                    at += found + 1;
                } else {
                    let (passed, next, cut) = text_step(rest, state, line);
                    at += passed;
                    state = next;
                    ended = cut.then_some(Err(Stop::End));
                }
            }
            self.take(at);
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    /// From the opening quote to behind the closing one; the first bytes of it go into `name`.
    fn text(&mut self, mut name: Option<&mut Vec<u8>>) -> Result<(), Stop> {
        self.take(1);
        let mut state = State::Text;
        while state != State::Outside {
            let line = self.line;
            let chunk = self.input.next()?;
            if chunk.is_empty() {
                return Err(Stop::End);
            }
            let (passed, next, cut) = text_step(chunk, state, line);
            state = next;
            if let Some(name) = &mut name {
                let end = passed - usize::from(next == State::Outside);
                // One byte over the bound is kept, so that a longer key is no other.
                name.extend(chunk.iter().take(end).take(MAX_KEY_BYTES + 1 - name.len().min(MAX_KEY_BYTES + 1)));
            }
            self.take(passed);
            if cut {
                return Err(Stop::End);
            }
        }
        Ok(())
    }

    /// A number, `true`, `false`, `null`, or what stands in the place of one.
    fn word(&mut self) -> Result<(), Stop> {
        let mut empty = true;
        loop {
            let chunk = self.input.next()?;
            let ends = |byte: &u8| matches!(byte, b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n');
            let found = chunk.iter().position(ends);
            let passed = found.unwrap_or(chunk.len());
            if empty && passed == 0 {
                return Err(chunk.first().map_or(Stop::End, |byte| expected("a value", *byte)));
            }
            empty = false;
            if passed > 0 {
                self.take(passed);
            }
            if found.is_some() || passed == 0 {
                return Ok(());
            }
        }
    }
}

/// The next step within a text: bytes passed, the state behind them, and whether its line ends before it does.
fn text_step(rest: &[u8], state: State, line: bool) -> (usize, State, bool) {
    if state == State::Escape {
        let cut = line && rest.first() == Some(&b'\n');
        return (usize::from(!cut), State::Text, cut);
    }
    let found = if line { memchr::memchr3(b'"', b'\\', b'\n', rest) } else { memchr::memchr2(b'"', b'\\', rest) };
    match found.and_then(|at| rest.get(at).map(|byte| (at, byte))) {
        Some((at, b'"')) => (at + 1, State::Outside, false),
        Some((at, b'\\')) => (at + 1, State::Escape, false),
        Some((at, _)) => (at, State::Text, true),
        None => (rest.len(), State::Text, false),
    }
}

/// The bytes that matter outside of texts.
const STRUCTURE: [bool; 256] = {
    let mut table = [false; 256];
    table[b'"' as usize] = true;
    table[b'{' as usize] = true;
    table[b'[' as usize] = true;
    table[b'}' as usize] = true;
    table[b']' as usize] = true;
    table[b'\n' as usize] = true;
    table
};

/// `expected …, found …`, without a word of the text itself.
pub(super) fn expected(what: &str, found: u8) -> Stop {
    let found = match found {
        b'{' => "an object",
        b'[' => "a list",
        b'"' => "a text",
        b'0'..=b'9' | b'-' => "a number",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        b'}' | b']' => "a closing bracket",
        _ => "something else",
    };
    Stop::Damaged(format!("expected {what}, found {found}"))
}
