//! `jwtrail graph`: trace files and dependency lists → one call graph, in one of four forms.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;

use super::check::{Judge, name};
use super::settings::{self, Judging, Lookup};
use super::{out, source};
use crate::cli::{GraphArgs, GraphFormat};
use crate::model::text::Safe;
use crate::otlp::dependencies::{self, ListReport, Peeked};
use crate::otlp::files::{self, Expanded, ReadError};
use crate::report::graph::{self, Builder, Graph};
use crate::token::{KeySets, Shared};
use crate::trail::summary::{SetupNote, Summary};

/// Reads, judges what can be judged, writes the graph.
pub fn run(args: &GraphArgs) -> anyhow::Result<ExitCode> {
    let graph = read(args)?;
    if graph.left_out > 0 {
        out::note(&format!(
            "{} calls lie on edges beyond the first {}: they are left out",
            graph.left_out,
            graph::MOST_EDGES
        ));
    }
    out::quiet(write(&graph, args.format))?;
    Ok(ExitCode::SUCCESS)
}

fn read(args: &GraphArgs) -> anyhow::Result<Graph> {
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    let judging = Judging::new(&args.judge, file, None).within(args.memory)?;
    // Names in a list may hold anything, so they go through what takes credentials out of names in spans.
    let scrubber = Shared::new(&judging.file.policy, source::fingerprint_key()?, KeySets::default())?;
    let mut inputs = Inputs { judging: &judging, scrubber, builder: Builder::default(), traces: None };
    for path in &args.files {
        inputs.take(path)?;
    }
    let Inputs { mut builder, traces, .. } = inputs;
    if let Some(Traces { judge, .. }) = traces {
        let (mut trail, input, last) = judge.finish(&args.files)?;
        let summary = trail.summary(last);
        losses(&summary, input.rejected, input.lost);
        builder.rows(&summary);
    }
    let graph = builder.finish();
    if graph.nodes.is_empty() {
        let names: Vec<String> = args.files.iter().map(|path| name(path)).collect();
        bail!("expected traces or a dependency list, found neither in {}", names.join(", "));
    }
    Ok(graph)
}

/// What would be missing from the graph without a word.
fn losses(summary: &Summary, rejected: u64, lost: u64) {
    if rejected > 0 {
        out::note(&format!("{rejected} spans have no ids of 16 and 8 bytes and were left out"));
    }
    if lost > 0 {
        out::note(&format!(
            "{lost} spans were lost to the memory bound: what they would have shown is not in the graph"
        ));
    }
    for note in &summary.setup {
        if let SetupNote::Intake(text) = note {
            out::note(text);
        }
    }
}

/// The files so far.
struct Inputs<'a> {
    judging: &'a Judging,
    scrubber: Arc<Shared>,
    builder: Builder,
    traces: Option<Traces>,
}

/// What judging needs; dependency lists alone need none of it, and no key set either.
struct Traces {
    reader: source::Reader,
    judge: Judge,
}

impl Inputs<'_> {
    /// Takes one file, told apart by its content.
    fn take(&mut self, path: &Path) -> anyhow::Result<()> {
        let shown = name(path);
        let failed = |source| ReadError::Read { path: shown.clone(), source };
        if path.is_dir() {
            self.take_folder(path);
            return Ok(());
        }
        if path.as_os_str() == "-" {
            let peeked = Peeked::new(io::stdin()).map_err(failed)?;
            return self.take_peeked(peeked, path);
        }
        let file = File::open(path).map_err(|source| ReadError::Open { path: shown.clone(), source })?;
        // A pipe can be read only once, a file is opened again by its reader.
        let again = file.metadata().is_ok_and(|data| data.is_file());
        let peeked = Peeked::new(file).map_err(failed)?;
        if again && !peeked.is_list() {
            drop(peeked);
            let Traces { reader, judge } = self.traces()?;
            return reader.read(path, &mut |batch| judge.take(batch));
        }
        self.take_peeked(peeked, path)
    }

    /// Takes the files of a folder. One that was not named itself costs no more than a line.
    fn take_folder(&mut self, path: &Path) {
        let Expanded { files, passed_over } = files::expand(&[path.to_path_buf()]);
        for folder in passed_over {
            out::note(&format!("{}: left out", Safe::new(&folder)));
        }
        for file in files {
            if let Err(error) = self.take(&file.path) {
                out::note(&format!("{}: left out", Safe::new(&error.to_string())));
            }
        }
    }

    fn take_peeked<R: Read + Send>(&mut self, peeked: Peeked<R>, path: &Path) -> anyhow::Result<()> {
        if !peeked.is_list() {
            let Traces { reader, judge } = self.traces()?;
            return reader.read_from(peeked.whole(), path, &mut |batch| judge.take(batch));
        }
        let (shown, builder) = (name(path), &mut self.builder);
        let mut take = |call: dependencies::Dependency| builder.calls(&call.parent, &call.child, call.calls);
        let report = dependencies::read(peeked.whole(), &shown, &self.scrubber, &mut take)?;
        damage(&shown, &report);
        Ok(())
    }

    fn traces(&mut self) -> anyhow::Result<&mut Traces> {
        let traces = match self.traces.take() {
            Some(traces) => traces,
            None => Traces { reader: source::Reader::new(self.judging)?, judge: Judge::new(self.judging) },
        };
        Ok(self.traces.insert(traces))
    }
}

/// What could not be read of a list, on standard error.
pub(super) fn damage(file: &str, report: &ListReport) {
    if report.rejected > 0 {
        out::note(&format!("{file}: {} items without parent and child were left out", report.rejected));
    }
    if let Some((line, column)) = report.damaged {
        out::note(&format!("{file}: line {line}, column {column}: the list is damaged or cut off from here on"));
    }
}

fn write(graph: &Graph, format: GraphFormat) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        GraphFormat::Text => graph::text::write(graph, out::style(), &mut out)?,
        GraphFormat::Dot => graph::dot::write(graph, &mut out)?,
        GraphFormat::Mermaid => {
            if let Some(limits) = graph::mermaid::write(graph, &mut out)? {
                out::note(&format!(
                    "Mermaid refuses a diagram of this size unless its host sets {limits}; most websites do not: \
                     --format dot has no such limit"
                ));
            }
        }
        GraphFormat::Svg => {
            if graph::svg::write(graph, &mut out)? {
                out::note(&format!(
                    "more than {} nodes or {} edges, or too tangled: the picture is in plain layers, where lines run \
                     across nodes and only accused edges have labels",
                    crate::layout::MOST_NODES,
                    crate::layout::MOST_EDGES
                ));
            }
        }
    }
    out.flush()
}
