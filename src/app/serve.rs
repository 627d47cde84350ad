//! `jwtrail serve`: receivers → engine → a line for each new problem, and the report at the end.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;

use super::observe::{self, events::Events};
use super::receive::Listening;
use super::settings::{self, Judging, Lookup};
use super::signals::Signals;
use super::source::Source;
use super::{clock, out, source};
use crate::cli::{Format, ServeArgs};
use crate::engine::{EngineHandle, Finished, Totals};
use crate::model::Severity;
use crate::report::{Input, Report, text};
use crate::trail::summary::{Announcement, Summary};

/// Receives until told to end.
pub fn run(args: &ServeArgs) -> anyhow::Result<ExitCode> {
    let file = settings::file(&args.judge, Lookup::Named)?;
    let log = settings::log(&args.listen.observe.log, &file);
    let listen = settings::listen(&args.listen, &file)?;
    let judging = Judging::new(&args.judge, file, Some(listen.memory));
    let finished = super::runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        let listening = Listening::bind(&listen)?;
        let observing = observe::start(&log, &listen.observe, &listening)?;
        let source = source::open(&judging)?;
        let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
        let told = async {
            tokio::select! {
                () = ended(args.duration) => {}
                () = signals.next() => {}
            }
        };
        let finished = headless(engine, listening, source, args.format, told).await;
        observing.end().await;
        finished
    })?;
    finish(finished, args.format, args.fail_on)
}

/// Waits so long, or for ever.
pub(super) async fn ended(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}

/// Receives and prints lines until `told`, or until nobody reads them any more.
pub(super) async fn headless(
    mut engine: EngineHandle,
    listening: Listening,
    source: Source,
    format: Format,
    told: impl Future<Output = ()>,
) -> anyhow::Result<Finished> {
    for name in listening.names() {
        out::note(&format!("listening on {name}"));
    }
    if let Some(address) = listening.admin() {
        out::note(&format!("health and metrics on http://{address}"));
    }
    for note in listening.notes() {
        out::note(&format!("warning: {note}"));
    }
    if let Some(path) = listening.recorded() {
        out::note(&format!("recording to {}", path.display()));
    }
    if let Some(place) = listening.forwards_to() {
        out::note(&format!("forwarding to {place}"));
    }
    let mut announcements = engine.announcements().context("the announcements are read by someone else")?;
    let mut receiving = listening.serve(source, &engine);
    tokio::select! {
        () = told => {}
        printed = print(format, &mut announcements) => printed?,
        error = receiving.failed() => return Err(error),
    }
    receiving.stop().await?;
    let finished = tokio::task::spawn_blocking(|| engine.shutdown()).await.context("the engine was lost")??;
    Events::sums(&finished.snapshot);
    // What the last spans said is announced like everything before.
    print(format, &mut announcements).await?;
    Ok(finished)
}

/// Prints what is announced: on standard output, or beside a JSON report on standard error. Ends when the engine has,
/// or when nobody reads any more.
pub(super) async fn print(format: Format, announcements: &mut mpsc::Receiver<Announcement>) -> anyhow::Result<()> {
    let style = out::style();
    while let Some(announcement) = announcements.recv().await {
        let line = text::announcement(&announcement, style);
        match format {
            Format::Json => out::note(&line),
            Format::Text if out::line(&line)? => {}
            Format::Text => return Ok(()),
        }
    }
    Ok(())
}

/// What came over the time of a run.
pub(super) fn received(totals: &Totals, files: Vec<String>) -> Input {
    Input {
        files,
        spans: totals.spans,
        traces: totals.traces,
        logs: totals.logs,
        duplicates: totals.duplicates,
        rejected: totals.lost.rejected,
        lost: totals.lost.evicted_spans + totals.lost.trace_overflow,
    }
}

/// The report of a run that received, and its exit status.
pub(super) fn finish(finished: Finished, format: Format, fail_on: Option<Severity>) -> anyhow::Result<ExitCode> {
    let Finished { snapshot, trail } = finished;
    let totals = &snapshot.totals;
    let input = received(totals, Vec::new());
    let summary = Summary { services: snapshot.services.clone(), setup: snapshot.setup.clone(), ..Summary::default() };
    let report = Report::new(&input, summary, &trail)?;
    out::report(&report, format)?;
    let refused = totals.lost.refused_requests;
    if refused > 0 {
        out::note(&format!("{refused} requests were refused while the intake was full; exporters send those again"));
    }
    if totals.spans == 0 && fail_on.is_some() {
        // Nothing judged is no pass: a check that saw nothing would be green for ever.
        out::note("error: no span came, so nothing was judged: is an exporter pointed at this address?");
        return Ok(ExitCode::from(2));
    }
    let failed = fail_on.is_some_and(|threshold| report.fails(threshold));
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
