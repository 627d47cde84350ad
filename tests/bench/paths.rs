//! The hot paths: decoding, fingerprints, judging, layout, a frame.

use std::collections::VecDeque;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use jwtrail::layout::{Link, Size, lay_out};
use jwtrail::model::policy::Policy;
use jwtrail::model::{Batch, UnixNanos};
use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail::otlp::extract::Extractor;
use jwtrail::otlp::{Decode, VisitorDecoder};
use jwtrail::token::{FingerprintKey, KeySets, RawToken, Shared};
use jwtrail::trail::{Trail, TrailOptions};
use jwtrail::tui::state::State;
use jwtrail::tui::view;

use crate::template::{Plan, Template, jwt};
use crate::{Mode, json, screen};

/// Spans in a request.
const SPANS: usize = 512;
/// Tokens in a round of fingerprints: as many as a request has.
const TOKENS: usize = 64;

/// One path.
pub(crate) struct Path {
    pub(crate) name: &'static str,
    /// What a round goes through: spans, tokens, layouts or frames.
    pub(crate) items: usize,
    /// Rounds until it costs what it goes on costing.
    pub(crate) warm_up: usize,
    pub(crate) make: fn() -> anyhow::Result<Box<dyn Work>>,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// Work in rounds.
pub(crate) trait Work {
    /// Makes the input of one more round, which does not count.
    fn prepare(&mut self) {}
    /// Does one round.
    fn run(&mut self);
}

/// Traces are settled and evicted in the warm-up of judging, as they are all the time.
pub(crate) const PATHS: &[Path] = &[
    Path { name: "protobuf-tags", items: SPANS, warm_up: 3, make: || decoding(Mode::Tags, None) },
    Path { name: "protobuf-jwt", items: SPANS, warm_up: 3, make: || decoding(Mode::Jwt, None) },
    Path { name: "json-tags", items: SPANS, warm_up: 3, make: || decoding(Mode::Tags, Some(json::encode)) },
    Path { name: "fingerprint-known", items: TOKENS, warm_up: 3, make: || fingerprints(false) },
    Path { name: "fingerprint-new", items: TOKENS, warm_up: 3, make: || fingerprints(true) },
    Path { name: "judge-tags", items: SPANS, warm_up: 300, make: judging },
    Path { name: "layout-60-services", items: 1, warm_up: 1, make: layout },
    Path { name: "frame-120x40", items: 1, warm_up: 3, make: frame },
];

fn shared() -> anyhow::Result<Arc<Shared>> {
    Ok(Shared::new(&Policy::default(), FingerprintKey::random()?, KeySets::load(&[])?)?)
}

pub(crate) fn decoder() -> anyhow::Result<impl Decode> {
    let shared = shared()?;
    Ok(VisitorDecoder::new(move || Extractor::new(Arc::clone(&shared))))
}

/// A trail that is full after some thousand traces.
pub(crate) fn trail() -> Trail {
    let settle = Duration::from_secs(1);
    let options = TrailOptions { assume_captured: false, settle, memory: 8 << 20, spans_per_trace: 10_000 };
    Trail::new(Policy::default(), options)
}

struct Decoding<D> {
    decoder: D,
    encoding: Encoding,
    template: Template,
    number: u64,
    requests: VecDeque<Bytes>,
}

fn decoding(
    mode: Mode,
    json: Option<fn(&opentelemetry_proto::tonic::trace::v1::TracesData) -> Vec<u8>>,
) -> anyhow::Result<Box<dyn Work>> {
    let template = Template::planned(&Plan::new(SPANS, mode), json, &|_| None).context("the request is too large")?;
    let encoding = if json.is_some() { Encoding::Json } else { Encoding::Protobuf };
    Ok(Box::new(Decoding { decoder: decoder()?, encoding, template, number: 0, requests: VecDeque::new() }))
}

impl<D: Decode> Work for Decoding<D> {
    fn prepare(&mut self) {
        self.requests.push_back(self.template.request(1, self.number));
        self.number += 1;
    }

    fn run(&mut self) {
        let request = self.requests.pop_front().expect("a prepared request");
        let batch = self.decoder.decode(Signal::Traces, self.encoding, &request).expect("a sound request");
        assert_eq!(black_box(&batch).spans.len(), SPANS);
    }
}

struct Fingerprints {
    shared: Arc<Shared>,
    new: bool,
    number: usize,
    tokens: VecDeque<String>,
}

fn fingerprints(new: bool) -> anyhow::Result<Box<dyn Work>> {
    Ok(Box::new(Fingerprints { shared: shared()?, new, number: 0, tokens: VecDeque::new() }))
}

impl Work for Fingerprints {
    fn prepare(&mut self) {
        let from = if self.new { self.number } else { 0 };
        self.tokens.extend((from..from + TOKENS).map(jwt));
        self.number += TOKENS;
    }

    fn run(&mut self) {
        for token in self.tokens.drain(..TOKENS) {
            black_box(self.shared.token(&RawToken::borrowed(&token), "bearer"));
        }
    }
}

struct Judging<D> {
    decoder: D,
    template: Template,
    trail: Trail,
    number: u64,
    now: UnixNanos,
    batches: VecDeque<Batch>,
}

fn judging() -> anyhow::Result<Box<dyn Work>> {
    let (decoder, template) = (decoder()?, Template::new(SPANS, Mode::Tags));
    let batches = VecDeque::new();
    Ok(Box::new(Judging { decoder, template, trail: trail(), number: 0, now: UnixNanos(0), batches }))
}

impl<D: Decode> Work for Judging<D> {
    fn prepare(&mut self) {
        let request = self.template.request(1, self.number);
        self.number += 1;
        let batch = self.decoder.decode(Signal::Traces, Encoding::Protobuf, &request).expect("a sound request");
        self.batches.push_back(batch);
    }

    fn run(&mut self) {
        // A hundred thousand spans a second, and a tick with each request.
        self.now = UnixNanos(self.now.0 + 5_000_000);
        self.trail.ingest(self.batches.pop_front().expect("a prepared batch"), self.now);
        self.trail.tick(self.now);
    }
}

struct Layouts {
    nodes: Vec<Size>,
    links: Vec<Link>,
}

fn layout() -> anyhow::Result<Box<dyn Work>> {
    let snapshot = screen::snapshot(60)?;
    let place = |name: &str| snapshot.services.iter().position(|row| &*row.name == name);
    let label = Size { w: 60.0, h: 14.0 };
    let links = snapshot.edges.iter().filter_map(|edge| {
        let (from, to) = (place(edge.caller.as_deref()?)?, place(&edge.callee)?);
        Some(Link { from, to, label })
    });
    let nodes = vec![Size { w: 120.0, h: 40.0 }; snapshot.services.len()];
    Ok(Box::new(Layouts { nodes, links: links.collect() }))
}

impl Work for Layouts {
    fn run(&mut self) {
        assert!(!black_box(lay_out(&self.nodes, &self.links)).routes.is_empty());
    }
}

struct Frames(State);

fn frame() -> anyhow::Result<Box<dyn Work>> {
    Ok(Box::new(Frames(screen::state(12, (120, 40))?)))
}

impl Work for Frames {
    fn run(&mut self) {
        black_box(view::picture(&self.0));
    }
}
