//! Traces that others link to, copied to the shelves on which those lie: a trace is judged beside what it links to.

use ahash::{AHashMap, AHashSet};

use super::SpoolError;
use super::blocks::Extent;
use super::pack::{Open, Record};
use super::shelf::{Desk, Shelves};
use crate::model::TraceId;
use crate::trail::parts::cost_of_span;

/// Copies for one shelf.
#[derive(Default)]
pub struct Guests {
    /// Blocks written.
    pub extents: Vec<Extent>,
    /// Bytes that they will take in memory.
    pub cost: usize,
    open: Option<Open>,
}

/// Copies what is linked to from other shelves; one entry for each shelf.
pub fn invite(shelves: &Shelves, reading: &mut Desk, writing: &mut Desk) -> Result<Vec<Guests>, SpoolError> {
    let mut guests: Vec<Guests> = (0..shelves.all.len()).map(|_| Guests::default()).collect();
    for (at, shelf) in shelves.all.iter().enumerate().filter(|(_, shelf)| shelf.links > 0) {
        let mut wanted: AHashMap<TraceId, AHashSet<usize>> = AHashMap::new();
        reading.read(&shelf.extents, &mut |record| {
            if let Record::Link(link) = record {
                let from = shelves.of(link.from);
                if from != at {
                    wanted.entry(link.trace).or_default().insert(from);
                }
            }
            Ok(())
        })?;
        if wanted.is_empty() {
            continue;
        }
        reading.read(&shelf.extents, &mut |record| {
            let Record::Span { span, .. } = record else { return Ok(()) };
            for &to in wanted.get(&span.trace_id).into_iter().flatten() {
                let guests = &mut guests[to];
                guests.cost += cost_of_span(&span);
                let open = guests.open.get_or_insert_with(Open::new);
                open.span(span.clone())?;
                writing.seal(open, &mut guests.extents, false)?;
            }
            Ok(())
        })?;
    }
    for guests in &mut guests {
        if let Some(mut open) = guests.open.take() {
            writing.seal(&mut open, &mut guests.extents, true)?;
        }
    }
    Ok(guests)
}
