//! Requests in a file, of shapes that no request of calls has: what grows with a trace or with a parent shows there.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, TracesData};
use prost::Message as _;

use crate::template::text;
use crate::{Load, Options, Protocol, Shape, json};

/// Writes all requests: JSON lines, or protobuf behind its length as the Collector's file exporter has it.
pub(crate) fn write(path: &Path, options: &Options, load: &Load) -> anyhow::Result<()> {
    ensure!(
        options.compression == crate::Compression::None,
        "expected no --compression with --write: pack the file with gzip or zstd"
    );
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let text = options.protocol == Protocol::HttpJson;
    for number in 0..options.requests {
        let request = match options.shape {
            Shape::Calls => load.template.request(load.run, number).to_vec(),
            shape => {
                let data = deep(shape, options.spans as u64, load.run, number);
                if text { json::encode(&data) } else { data.encode_to_vec() }
            }
        };
        if text {
            file.write_all(&request)?;
            file.write_all(b"\n")?;
        } else {
            file.write_all(&u32::try_from(request.len())?.to_be_bytes())?;
            file.write_all(&request)?;
        }
    }
    file.flush().with_context(|| format!("cannot write {}", path.display()))?;
    println!("{} spans written", options.requests * options.spans as u64);
    Ok(())
}

/// One request's part of a single trace: a chain of server spans and the calls between them, or calls of one parent.
fn deep(shape: Shape, spans: u64, run: u64, request: u64) -> TracesData {
    let span = |number: u64| {
        let call = if shape == Shape::Trace { number % 2 == 1 } else { number > 0 };
        let parent = match (shape, number) {
            (_, 0) => None,
            (Shape::Trace, _) => Some(number - 1),
            _ => Some(0),
        };
        let id = |number: u64| (number + 1).to_be_bytes().to_vec();
        let start = 1_700_000_000_000_000_000 + number;
        Span {
            trace_id: [run.to_be_bytes(), [7; 8]].concat(),
            span_id: id(number),
            parent_span_id: parent.map(id).unwrap_or_default(),
            name: "GET /".to_owned(),
            kind: if call { SpanKind::Client } else { SpanKind::Server } as i32,
            start_time_unix_nano: start,
            end_time_unix_nano: start + 1_000_000_000,
            attributes: vec![
                text("http.request.method", "GET"),
                text("jwtrail.token.presence", "present"),
                text("jwtrail.token.fp", &format!("s256:{}", "A".repeat(43))),
            ],
            ..Span::default()
        }
    };
    let spans = (request * spans..(request + 1) * spans).map(span).collect();
    let resource = Some(Resource { attributes: vec![text("service.name", "worker")], ..Resource::default() });
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    TracesData { resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }] }
}
