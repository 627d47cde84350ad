//! Decoding on all cores: one thread splits, several decode, and the caller's takes what comes of it in the order of the
//! file, so that the result does not depend on who was faster.

use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, Builder};

use super::Options;
use super::records::{Done, Job, Send};
use crate::otlp::decode::Decode;

/// Jobs that are in memory at the same time for each thread, by their bytes, unless one job alone is larger.
const IN_FLIGHT: usize = 8;

type Outcome = Vec<Done>;
type Ordered = (usize, Receiver<Outcome>);

/// Runs `split` on a thread of its own and hands `take` what becomes of its jobs.
pub(super) fn run(
    options: &Options<'_>,
    decoder: &dyn Decode,
    split: impl FnOnce(&mut Send<'_>) -> io::Result<()> + std::marker::Send,
    take: &mut dyn FnMut(Done),
) -> io::Result<()> {
    let (threads, limit) = (options.threads.max(1), options.record);
    let gate = Gate { room: threads.saturating_mul(IN_FLIGHT).saturating_mul(options.job), ..Gate::default() };
    let (to_workers, jobs) = mpsc::channel();
    let jobs = Mutex::new(jobs);
    let (to_caller, in_order) = mpsc::channel();
    thread::scope(|scope| {
        // Whatever ends this thread, a panic too: nobody must wait at the gate for it.
        let _open = Opened(&gate);
        let gate = &gate;
        for _ in 0..threads {
            let worker = || work(&jobs, decoder, limit);
            Builder::new().name("decode".to_owned()).spawn_scoped(scope, worker)?;
        }
        let splitter = move || split(&mut |job| submit(job, gate, &to_workers, &to_caller));
        let splitter = Builder::new().name("split".to_owned()).spawn_scoped(scope, splitter)?;
        for (bytes, outcome) in in_order {
            // No outcome comes of a job whose decoder panicked; the scope hands the panic on.
            let Ok(done) = outcome.recv() else { break };
            done.into_iter().for_each(&mut *take);
            gate.leave(bytes);
        }
        gate.close();
        splitter.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn submit(
    job: Job,
    gate: &Gate,
    workers: &Sender<(Job, SyncSender<Outcome>)>,
    caller: &Sender<Ordered>,
) -> io::Result<()> {
    let gone = || io::Error::other("nobody takes the records any more");
    let bytes = job.bytes();
    if !gate.enter(bytes) {
        return Err(gone());
    }
    let (done, outcome) = mpsc::sync_channel(1);
    caller.send((bytes, outcome)).map_err(|_| gone())?;
    workers.send((job, done)).map_err(|_| gone())
}

fn work(jobs: &Mutex<Receiver<(Job, SyncSender<Outcome>)>>, decoder: &dyn Decode, limit: usize) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((job, done)) = next else { return };
        // A caller that is gone needs no outcome.
        drop(done.send(job.decode(decoder, limit)));
    }
}

/// Holds the splitter back while the others are behind.
#[derive(Default)]
struct Gate {
    room: usize,
    inside: Mutex<Inside>,
    moved: Condvar,
}

#[derive(Default)]
struct Inside {
    bytes: usize,
    closed: bool,
}

impl Gate {
    /// Waits for room; one job always has it, however large. False once nobody takes jobs any more.
    fn enter(&self, bytes: usize) -> bool {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |inside: &mut Inside| !inside.closed && inside.bytes > 0 && inside.bytes + bytes > self.room;
        let mut inside = self.moved.wait_while(inside, full).unwrap_or_else(PoisonError::into_inner);
        inside.bytes += bytes;
        !inside.closed
    }

    fn leave(&self, bytes: usize) {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).bytes -= bytes;
        self.moved.notify_all();
    }

    fn close(&self) {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.moved.notify_all();
    }
}

struct Opened<'a>(&'a Gate);

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}
