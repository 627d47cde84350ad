//! What each service tells of its tokens, and the setting that makes it tell the rest.

use std::path::PathBuf;
use std::time::Duration;

use super::Checked;
use crate::app::check::Judge;
use crate::app::receive::Listening;
use crate::app::settings::{Judging, Listen};
use crate::app::{clock, source};
use crate::engine::EngineHandle;
use crate::trail::hints;
use crate::trail::summary::{NodeKind, ServiceRow, SetupNote};

/// Of saved traces.
pub(super) fn of_files(files: &[PathBuf], judging: &Judging) -> anyhow::Result<Vec<Checked>> {
    let reader = source::Reader::new(judging)?;
    let mut judge = Judge::new(judging);
    for path in files {
        reader.read(path, &mut |batch| judge.take(batch))?;
    }
    drop(reader);
    let (mut judged, _, last) = judge.finish(files)?;
    let summary = judged.summary(last);
    Ok(tell(&summary.services, &summary.setup))
}

/// Of what comes within a time.
pub(super) fn of_listening(duration: Duration, listen: &Listen, judging: &Judging) -> anyhow::Result<Vec<Checked>> {
    let (finished, names) = crate::app::runtime()?.block_on(async {
        let listening = Listening::bind(listen)?;
        let names = listening.names();
        crate::app::out::hint(&format!("listening for {} s on {}", duration.as_secs_f64(), names.join(" and ")));
        let source = source::open(judging)?;
        let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
        let mut receiving = listening.serve(source, &engine);
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            error = receiving.failed() => return Err(error),
        }
        receiving.stop().await?;
        Ok((tokio::task::spawn_blocking(|| engine.shutdown()).await??, names))
    })?;
    let snapshot = finished.snapshot;
    if snapshot.totals.spans == 0 {
        return Ok(vec![nothing_came(listen, &names)]);
    }
    Ok(tell(&snapshot.services, &snapshot.setup))
}

/// What to do where no span came. A port that was any free one is gone by now: pointing at it would lead nowhere.
fn nothing_came(listen: &Listen, names: &[String]) -> Checked {
    let passing = [listen.grpc, listen.http].iter().flatten().any(|address| address.port() == 0);
    let mend = if passing {
        "choose a port with --grpc or --http, point an exporter at it, and run this again".to_owned()
    } else {
        let addresses = names.iter().filter_map(|name| name.split_whitespace().next());
        let scheme = if names.iter().any(|name| name.ends_with(" over TLS")) { "https" } else { "http" };
        let addresses: Vec<String> = addresses.map(|address| format!("{scheme}://{address}")).collect();
        format!("point an exporter here: OTEL_EXPORTER_OTLP_ENDPOINT={}", addresses.join(" or "))
    };
    Checked::bad("all", format!("no span came on {}", names.join(" or ")), mend)
}

fn tell(services: &[ServiceRow], setup: &[SetupNote]) -> Vec<Checked> {
    let own = services.iter().filter(|row| row.kind == NodeKind::Service && row.spans > 0);
    own.map(service).chain(setup.iter().filter_map(note)).collect()
}

fn service(row: &ServiceRow) -> Checked {
    let side = |captured: Option<bool>, yes: &str, no: &str, none: &str| match captured {
        Some(true) => yes.to_owned(),
        Some(false) => no.to_owned(),
        None => none.to_owned(),
    };
    let language = if row.language.is_empty() { "stack not told".to_owned() } else { row.language.to_string() };
    let parts = [
        format!("{} spans, {language}", row.spans),
        side(row.captures_inbound, "shows what it receives", "hides what it receives", "receives nothing here"),
        side(row.captures_outbound, "shows what it sends", "hides what it sends", "sends nothing here"),
        side(row.verifies, "checks tokens", "checks no tokens", "nothing says whether it checks them"),
    ];
    let said = parts.join("; ");
    if [row.captures_inbound, row.captures_outbound].contains(&Some(false)) {
        Checked::bad(&*row.name, said, hints::to_capture(&row.language))
    } else {
        Checked::good(&*row.name, said)
    }
}

/// What no row of a service says.
fn note(note: &SetupNote) -> Option<Checked> {
    Some(match note {
        SetupNote::ContextBroken { single, all } => Checked::bad(
            "trace context",
            format!("{single} of {all} traces hold one service: the context is not passed on"),
            "let every service pass `traceparent` on, and instrument its HTTP client",
        ),
        SetupNote::SkewSuspected { caller, callee, ms } => Checked::bad(
            "clocks",
            format!("those of {caller} and {callee} stand {ms} ms apart or more"),
            "set them by NTP",
        ),
        SetupNote::Nameless { service } => {
            Checked::bad(&**service, "has no name of its own", "set OTEL_SERVICE_NAME there")
        }
        SetupNote::Intake(text) => Checked::note("intake", text.clone()),
        SetupNote::Dark { .. } => return None,
    })
}
