//! `jwtrail demo`: the shop → receivers → engine → screen, or the report.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::access::AccessOptions;
use super::demo::{Faults, Shop};
use super::receive::Listening;
use super::settings::{self, Judging, Listen, Lookup, Observe};
use super::signals::Signals;
use super::source::Source;
use super::{clock, logs, screen, serve, source};
use crate::cli::DemoArgs;
use crate::config::DEFAULT_MEMORY;
use crate::engine::EngineHandle;
use crate::model::KeySource;
use crate::otlp::Limits;
use crate::otlp::record::RecordOptions;
use crate::tui::{Switch, Switches};

/// The shop's traces are over in a moment; a new user should not wait for the usual window.
const SETTLE: Duration = Duration::from_secs(3);

/// Opens the shop on free ports and draws it, or reports on it.
pub fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let file = settings::file(&args.judge, Lookup::Named)?;
    let log = logs::start(&settings::log(&args.log, &file), Vec::new())?;
    let drawn = settings::screen(&args.screen, &file);
    let record = settings::record(&args.record, &file)?;
    let mut judging = Judging::new(&args.judge, file, Some(DEFAULT_MEMORY.0));
    if args.judge.settle.is_none() && judging.file.path.is_none() {
        judging.options.settle = SETTLE;
    }
    let runtime = super::runtime()?;
    let Some(seconds) = args.headless else {
        runtime.block_on(draw(&mut judging, drawn, log, record))?;
        return Ok(ExitCode::SUCCESS);
    };
    let finished = runtime.block_on(async {
        let mut signals = Signals::new()?;
        let Opened { shop, listening, source } = open(&mut judging, record).await?;
        let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
        let told = async {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
                () = signals.next() => {}
            }
            // The receivers still answer: the shop's exporters hand over what they hold.
            shop.stop().await;
        };
        serve::headless(engine, listening, source, args.format, told).await
    })?;
    serve::finish(finished, args.format, None)
}

async fn draw(
    judging: &mut Judging,
    drawn: crate::cli::ScreenArgs,
    log: Option<PathBuf>,
    record: Option<RecordOptions>,
) -> anyhow::Result<()> {
    let Opened { shop, listening, source } = open(judging, record).await?;
    let engine = EngineHandle::start(judging.trail(), judging.engine(), clock::system())?;
    let feed = screen::demo(&engine, listening.names(), judging.file.path.clone());
    let mut receiving = listening.serve(source, &engine);
    let switches = Arc::new(Switchboard(shop.faults()));
    screen::run(feed, drawn, log, Some(switches), receiving.failed()).await?;
    shop.stop().await;
    receiving.stop().await
}

struct Opened {
    shop: Shop,
    listening: Listening,
    source: Source,
}

/// Free ports first, then the shop that exports to them, then a decoder that knows the shop's keys. What is exported
/// before the receivers answer waits in the sockets.
async fn open(judging: &mut Judging, record: Option<RecordOptions>) -> anyhow::Result<Opened> {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    // The shop is told no secret: whom the user lets in elsewhere does not hold here.
    let (access, limits) = (AccessOptions::default(), Limits::default());
    let (free, memory, observe) = (Some(free), DEFAULT_MEMORY.0, Observe::default());
    let listen = Listen { grpc: free, http: free, memory, record, access, limits, forward: None, observe };
    let listening = Listening::bind(&listen)?;
    let addresses = listening.addresses();
    let (grpc, http) = addresses.grpc.zip(addresses.http).context("the demo needs both receivers")?;
    let shop = Shop::start(grpc, http).await?;
    let keys = std::env::temp_dir().join(format!("jwtrail-demo-{}.jwks.json", std::process::id()));
    std::fs::write(&keys, shop.jwks())
        .with_context(|| format!("cannot write the shop's keys to {}", keys.display()))?;
    judging.keys.push(KeySource::file(&keys));
    let source = source::open(judging);
    // Public keys; read once, and of no use to anyone afterwards.
    drop(std::fs::remove_file(&keys));
    Ok(Opened { shop, listening, source: source? })
}

/// The shop's faults as switches of the screen.
pub(super) struct Switchboard(pub(super) Arc<Faults>);

impl Switches for Switchboard {
    fn list(&self) -> Vec<Switch> {
        self.0.list().into_iter().map(|(key, name, on, _)| Switch { key, name: name.to_owned(), on }).collect()
    }

    fn toggle(&self, key: char) {
        // A key without a fault is nothing to do.
        let _ = self.0.toggle(key);
    }
}
