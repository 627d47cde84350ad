//! `jwtrail check --live`: receivers → engine, beside a command or until told to end → report and exit status.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, timeout_at};

use super::access::AccessOptions;
use super::ending::Ending;
use super::logs::LogOptions;
use super::observe::{self, events::Events};
use super::out;
use super::receive::{Listening, Receiving};
use super::serve::{ended, received};
use super::settings::{self, Judging, Listen, Lookup};
use super::signals::{Asked, Signals};
use super::wrapped::{self, Ended, Wrapped};
use super::{clock, source};
use crate::cli::CheckArgs;
use crate::config::File;
use crate::engine::{EngineHandle, Finished, Snapshot};
use crate::model::UnixNanos;
use crate::trail::summary::Summary;

/// A command's traces are over when it is; CI should not wait for the usual window.
const SETTLE: Duration = Duration::from_secs(3);

/// How long after the command's end a Ctrl-C still belongs to it.
const ECHO: Duration = Duration::from_secs(1);

/// Spans that never stop are waited for so many windows.
const WINDOWS: u32 = 10;

/// How Python, Java and Node.js are.
const INSTRUMENTED: &str = "opentelemetry-instrument, -javaagent, node --import";

/// What is left when everything has ended.
struct Run {
    finished: Finished,
    /// How the command ended; `None` without one.
    command: Option<Ended>,
    /// Requests that came.
    requests: u64,
}

/// Runs the command or waits, judges what came, reports.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let file = settings::file(&args.judge, Lookup::WorkingDirectory)?;
    let ending = Ending::new(args, &file.options)?;
    let log = settings::log(&args.listen.observe.log, &file);
    let listen = addresses(args, &file)?;
    let mut judging = Judging::new(&args.judge, file, Some(listen.memory));
    if judging.options.settle == File::default().settle(None) && args.judge.settle.is_none() {
        judging.options.settle = SETTLE;
    }
    let stdout_taken = ending.claims_stdout();
    let run = super::runtime()?.block_on(receive(args, (listen, log), &judging, stdout_taken))?;
    let Finished { snapshot, trail } = run.finished;
    let totals = &snapshot.totals;
    let input = received(totals, Vec::new());
    let judged = ending.conclude(&input, summary(&snapshot), &trail, last(&snapshot))?;
    let refused = totals.lost.refused_requests;
    if refused > 0 {
        out::note(&format!("{refused} requests were refused while the intake was full; exporters send those again"));
    }
    // Nothing judged is no pass: a check that saw nothing would be green for ever.
    let nothing = totals.spans == 0;
    if nothing {
        out::note(&format!("error: no span came, so nothing was judged: {}", advice(run.requests)));
    }
    Ok(match run.command {
        Some(ended) if !ended.status.success() => ExitCode::from(wrapped::code(ended.status)),
        Some(ended) if ended.overran => ExitCode::from(2),
        _ if nothing => ExitCode::from(2),
        _ => judged,
    })
}

/// What the engine said last, for a report.
pub(super) fn summary(snapshot: &Snapshot) -> Summary {
    Summary {
        services: snapshot.services.clone(),
        edges: snapshot.edges.clone(),
        problems: snapshot.problems.clone(),
        setup: snapshot.setup.clone(),
    }
}

/// Start of the newest hop: what ages in a filter count back from.
pub(super) fn last(snapshot: &Snapshot) -> UnixNanos {
    snapshot.edges.iter().map(|edge| edge.last_seen).max().unwrap_or_default()
}

/// Any free ports for a command, which is told them; without one the usual ones, which people know.
fn addresses(args: &CheckArgs, file: &File) -> anyhow::Result<Listen> {
    let mut listen = args.listen.clone();
    if !args.command.is_empty() {
        let free = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let pick = |given: Option<SocketAddr>, in_file: Option<SocketAddr>, off: bool| match given.or(in_file) {
            None if !off => free,
            _ => given,
        };
        listen.grpc = pick(listen.grpc, file.options.grpc, file.options.no_grpc);
        listen.http = pick(listen.http, file.options.http, file.options.no_http);
    }
    let mut listen = settings::listen(&listen, file)?;
    if !args.command.is_empty() {
        // The command is told an address, and no secret.
        listen.access = AccessOptions::default();
    }
    Ok(listen)
}

async fn receive(
    args: &CheckArgs,
    (listen, log): (Listen, LogOptions),
    judging: &Judging,
    stdout_taken: bool,
) -> anyhow::Result<Run> {
    let mut signals = Signals::new()?;
    let listening = Listening::bind(&listen)?;
    let observing = observe::start(&log, &listen.observe, &listening)?;
    out::note(&format!("listening on {}", listening.names().join(", ")));
    let addresses = listening.addresses();
    let endpoint = addresses.http.or(addresses.grpc).context("there is no receiver")?;
    let source = source::open_with_keys(judging).await?;
    let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
    let mut receiving = listening.serve(source, &engine);
    let mut limit = Box::pin(ended(args.duration));
    let command = if args.command.is_empty() {
        tokio::select! {
            () = signals.next() => {}
            () = &mut limit => {}
            error = receiving.failed() => return Err(error),
        }
        None
    } else {
        let user = |name: &str| std::env::var(name).ok();
        let changes = wrapped::variables(endpoint, &judging.file.policy.capture, user);
        let mut command = Wrapped::start(&args.command, &changes, stdout_taken)?;
        let ended = tokio::select! {
            ended = command.wait(&mut signals, &mut limit) => ended?,
            error = receiving.failed() => return Err(error),
        };
        after(ended, &engine, judging.options.settle, &mut signals, limit, &mut receiving).await?;
        Some(ended)
    };
    let requests = receiving.requests();
    receiving.stop().await?;
    let finished = tokio::task::spawn_blocking(|| engine.shutdown()).await.context("the engine was lost")??;
    Events::sums(&finished.snapshot);
    observing.end().await;
    Ok(Run { finished, command, requests })
}

/// Waits for what exporters still hold when the command has ended.
async fn after(
    ended: Ended,
    engine: &EngineHandle,
    window: Duration,
    signals: &mut Signals,
    limit: impl Future<Output = ()>,
    receiving: &mut Receiving,
) -> anyhow::Result<()> {
    if ended.overran {
        out::note("the command was still running when --for was over, and was told to end");
        return Ok(());
    }
    tokio::select! {
        still = quiet(engine, window) => if !still {
            let waited = window * WINDOWS;
            out::note(&format!("spans still come {waited:?} after the command's end: judged is what is there"));
        },
        () = told(signals) => {}
        () = limit => {}
        error = receiving.failed() => return Err(error),
    }
    Ok(())
}

/// Waits until told to report now. A Ctrl-C that ended the command may reach this process after the word of that end:
/// it was meant for the command alone.
async fn told(signals: &mut Signals) {
    let own = Instant::now() + ECHO;
    while signals.asked().await == Asked::Interrupt && Instant::now() < own {}
}

/// Waits until nothing has come for a window; false where that does not end.
async fn quiet(engine: &EngineHandle, window: Duration) -> bool {
    let mut snapshots = engine.snapshots();
    let last = Instant::now() + window * WINDOWS;
    let mut until = Instant::now() + window;
    let mut seen = 0;
    loop {
        let taken = {
            let snapshot = snapshots.borrow_and_update();
            snapshot.totals.spans + snapshot.totals.logs
        };
        if taken != seen {
            (seen, until) = (taken, Instant::now() + window);
        }
        match timeout_at(until.min(last), snapshots.changed()).await {
            Ok(Ok(())) => {}
            // An engine that is gone says so when it is asked for its trail.
            Ok(Err(_)) => return true,
            Err(_) => return until <= last,
        }
    }
}

/// What to look at when no span came.
fn advice(requests: u64) -> String {
    let set = |name: &str| std::env::var(name).unwrap_or_default().trim().to_ascii_lowercase();
    if set("OTEL_SDK_DISABLED") == "true" {
        return "OTEL_SDK_DISABLED=true is set, which turns every SDK off: unset it for this run".to_owned();
    }
    let exporter = set("OTEL_TRACES_EXPORTER");
    if !exporter.is_empty() && !exporter.split(',').any(|name| name.trim() == "otlp") {
        return "OTEL_TRACES_EXPORTER is set to something else than otlp: unset it for this run".to_owned();
    }
    if requests > 0 {
        return format!("{requests} requests came without one: does the service trace, or only log and count?");
    }
    let proxied = ["HTTP_PROXY", "http_proxy"].iter().any(|name| !set(name).is_empty());
    let direct = ["NO_PROXY", "no_proxy"].iter().any(|name| set(name).contains("127.0.0.1") || set(name) == "*");
    if proxied && !direct {
        return "HTTP_PROXY is set, and exporters follow it: add 127.0.0.1 to NO_PROXY".to_owned();
    }
    format!(
        "is the service instrumented ({INSTRUMENTED}), and does its exporter take the endpoint from \
         OTEL_EXPORTER_OTLP_ENDPOINT? A container does not reach this machine's loopback: see --http"
    )
}
