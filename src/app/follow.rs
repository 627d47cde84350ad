//! Files that grow → engine: a thread for each file, as one set.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;

use super::settings::Judging;
use super::source;
use crate::cli::JudgeArgs;
use crate::config::{ByteSize, DEFAULT_MEMORY, File};
use crate::engine::{INTAKE_BYTES, Intake};
use crate::model::{Batch, Refused, Sink};
use crate::otlp::Decode;
use crate::otlp::files::Stop;

/// How long a file waits while the intake is full.
const PAUSE: Duration = Duration::from_millis(20);

/// What files that grow are judged with: they have no end, so memory has a bound.
pub fn judging(args: &JudgeArgs, file: File, memory: Option<ByteSize>) -> Judging {
    let memory = memory.or(file.options.memory).unwrap_or(DEFAULT_MEMORY).0;
    Judging::new(args, file, Some(memory))
}

/// Files that are read on.
pub struct Following {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
    ended: mpsc::UnboundedReceiver<anyhow::Result<()>>,
}

impl Following {
    /// Begins to read.
    pub fn start(files: &[PathBuf], decoder: &Arc<dyn Decode>, intake: &Intake) -> anyhow::Result<Self> {
        let stop = Stop::default();
        let (sender, ended) = mpsc::unbounded_channel();
        let mut threads = Vec::new();
        for path in files {
            let (own, decoder, intake) = (path.clone(), Arc::clone(decoder), intake.clone());
            let (stop, sender) = (stop.clone(), sender.clone());
            let reading = move || {
                let mut take = |batch| offer(&intake, &batch, &stop);
                // Nobody waits for the end any more where the run is over.
                drop(sender.send(source::follow(decoder.as_ref(), &own, &stop, &mut take)));
            };
            let thread = std::thread::Builder::new().name("jwtrail-follow".to_owned()).spawn(reading);
            let thread = thread.context("cannot start a thread for each file")?;
            // Nothing wakes a read of standard input; what it brings later is refused.
            if path != Path::new("-") {
                threads.push(thread);
            }
        }
        Ok(Self { stop, threads, ended })
    }

    /// Waits until every input has ended by itself, as standard input does, or until one cannot be read on.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.ended.recv().await {
            ended?;
        }
        Ok(())
    }

    /// Reads no further; what was read is in the engine then.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.stop();
        self.ended.close();
        tokio::task::spawn_blocking(move || {
            for thread in self.threads.drain(..) {
                thread.join().ok().context("a reading thread was lost")?;
            }
            Ok(())
        })
        .await?
    }
}

/// Waits while there is much to be judged: a file can, where an exporter has to be refused. An intake that is closed
/// takes no more, and the reading is at its end too.
fn offer(intake: &Intake, batch: &Batch, stop: &Stop) {
    let mut room = INTAKE_BYTES / 4;
    loop {
        while intake.in_flight() > room {
            std::thread::sleep(PAUSE);
        }
        match intake.accept(batch.clone()) {
            Ok(()) => return,
            // One that large is taken when nothing else waits.
            Err(Refused::Full { .. }) => room = 0,
            Err(Refused::Closed) => return stop.stop(),
        }
    }
}
