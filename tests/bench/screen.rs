//! What a screen shows: judged by the engine, as it comes from the load's requests.

use std::sync::Arc;

use anyhow::Context as _;
use jwtrail::engine::{EngineHandle, EngineOptions, Snapshot};
use jwtrail::model::{Sink as _, UnixNanos};
use jwtrail::otlp::Decode as _;
use jwtrail::otlp::decode::{Encoding, Signal};
use jwtrail::tui::graph::lay_out;
use jwtrail::tui::message::Message;
use jwtrail::tui::state::State;
use jwtrail::tui::update::update;

use crate::Mode;
use crate::paths::{decoder, trail};
use crate::template::{Fault, Plan, Template};

/// What the engine says of so many services, where every tenth trace loses its token.
pub(crate) fn snapshot(services: usize) -> anyhow::Result<Arc<Snapshot>> {
    let plan = Plan { services, ..Plan::new(8 * 240, Mode::Tags) };
    let fault = |trace: usize| (trace % 10 == 3).then_some(Fault::Dropped(1 + trace % 3));
    let template = Template::planned(&plan, None, &fault).context("the request is too large")?;
    let engine = EngineHandle::start(
        trail(),
        EngineOptions { intake_bytes: 64 << 20, memory: 8 << 20 },
        Arc::new(|| UnixNanos(1)),
    )?;
    let batch = decoder()?.decode(Signal::Traces, Encoding::Protobuf, &template.request(1, 0))?;
    engine.intake().accept(batch).ok().context("the engine took nothing")?;
    let snapshot = engine.shutdown()?.snapshot;
    anyhow::ensure!(
        snapshot.services.len() >= services && !snapshot.problems.is_empty(),
        "expected services and problems"
    );
    Ok(snapshot)
}

/// A screen that shows it.
pub(crate) fn state(services: usize, size: (u16, u16)) -> anyhow::Result<State> {
    let mut state = State { listening: vec!["127.0.0.1:4317 gRPC".to_owned()], ..State::default() };
    update(&mut state, Message::Resize(size.0, size.1));
    update(&mut state, Message::Snapshot(snapshot(services)?));
    let laid = lay_out(&state.ask());
    update(&mut state, Message::Laid(Arc::new(laid)));
    Ok(state)
}
