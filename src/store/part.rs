//! Passes over all shelves: what fits is loaded, judged, and let go of.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::blocks::{Blocks, Extent};
use super::guests::Guests;
use super::pack::Record;
use super::shelf::{Desk, Shelves};
use super::sort::Run;
use super::{SpoolError, SpoolOptions};
use crate::trail::Trail;
use crate::trail::parts::Part;

/// What passes go over.
pub struct Passes<'b> {
    options: &'b SpoolOptions,
    input: &'b Arc<Blocks>,
    shelves: &'b Shelves,
    guests: &'b [Guests],
    /// Shelves that are loaded together.
    loads: Vec<Vec<usize>>,
    /// Shelves that are too large to be loaded beside another.
    alone: Vec<Vec<usize>>,
}

/// Parts that were judged, and the runs of hops that they wrote.
type Judged = (Vec<Part>, Vec<Vec<Extent>>);

impl<'b> Passes<'b> {
    /// Shares the shelves out.
    pub fn new(options: &'b SpoolOptions, input: &'b Arc<Blocks>, shelves: &'b Shelves, guests: &'b [Guests]) -> Self {
        let (mut loads, mut alone) = (Vec::new(), Vec::new());
        let (mut load, mut held): (Vec<usize>, usize) = (Vec::new(), 0);
        for (at, shelf) in shelves.all.iter().enumerate() {
            let cost = shelf.cost + guests[at].cost;
            if cost > options.load {
                alone.push(vec![at]);
                continue;
            }
            if held + cost > options.load {
                loads.push(std::mem::take(&mut load));
                held = 0;
            }
            held += cost;
            load.push(at);
        }
        loads.push(load);
        loads.retain(|load| !load.is_empty());
        Self { options, input, shelves, guests, loads, alone }
    }

    /// Judges every trace with what the trail knows; hops go to `runs` where there is one.
    pub fn run(&self, trail: &Trail, runs: Option<&Blocks>) -> Result<Judged, SpoolError> {
        let mut judged = self.side_by_side(trail, runs)?;
        if !self.alone.is_empty() {
            let mut part = trail.part(self.options.per_trace);
            let queue = Mutex::new(self.alone.iter().collect());
            judged.1.extend(self.work(&mut part, &queue, runs)?);
            judged.0.push(part);
        }
        Ok(judged)
    }

    fn side_by_side(&self, trail: &Trail, runs: Option<&Blocks>) -> Result<Judged, SpoolError> {
        let queue: Mutex<VecDeque<&Vec<usize>>> = Mutex::new(self.loads.iter().collect());
        let threads = self.options.threads.clamp(1, self.loads.len().max(1));
        let parts: Vec<Part> = (0..threads).map(|_| trail.part(self.options.per_trace)).collect();
        let queue = &queue;
        std::thread::scope(|scope| {
            let mut running = Vec::with_capacity(threads);
            for mut part in parts {
                let work = move || self.work(&mut part, queue, runs).map(|runs| (part, runs));
                let name = "judge".to_owned();
                let thread = std::thread::Builder::new().name(name).spawn_scoped(scope, work);
                running.push(thread.map_err(SpoolError::Thread)?);
            }
            let mut judged: Judged = (Vec::new(), Vec::new());
            for thread in running {
                let (part, runs) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                judged.0.push(part);
                judged.1.extend(runs);
            }
            Ok(judged)
        })
    }

    fn work(
        &self,
        part: &mut Part,
        queue: &Mutex<VecDeque<&Vec<usize>>>,
        runs: Option<&Blocks>,
    ) -> Result<Vec<Vec<Extent>>, SpoolError> {
        let mut desk = Desk::new(self.input, self.options.block)?;
        let mut run = runs.map(|blocks| Run::new(blocks, self.options.block)).transpose()?;
        let mut written = Vec::new();
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(load) = next else { break };
            for &at in load {
                self.load(at, part, &mut desk)?;
            }
            part.judge();
            if let Some(run) = &mut run {
                part.walk(&mut |start, trace, hops| run.push(start, trace, hops))?;
                written.push(run.end()?);
            }
            part.release();
        }
        Ok(written)
    }

    fn load(&self, at: usize, part: &mut Part, desk: &mut Desk) -> Result<(), SpoolError> {
        let most = self.options.most;
        desk.read(&self.shelves.all[at].extents, &mut |record| {
            if part.held_bytes() > most {
                part.lose();
                return Ok(());
            }
            match record {
                Record::Span { span, .. } => part.hold(span),
                Record::Log { record, .. } => part.hold_log(record),
                Record::Link(link) => part.link(link.trace, link.span),
            }
            Ok(())
        })?;
        desk.read(&self.guests[at].extents, &mut |record| {
            if part.held_bytes() > most {
                part.lose();
            } else if let Record::Span { span, .. } = record {
                part.hold_guest(span);
            }
            Ok(())
        })
    }
}
