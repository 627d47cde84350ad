//! A visitor that writes down what it sees, and requests to show it.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use jwtrail::model::{Arrived, Batch, Refused, Resource, ServiceName, Sink, SpanId, TraceId};
use jwtrail::otlp::data::{LogData, ResourceData, ScopeData, SpanData, Visitor};
use jwtrail::otlp::decode::{BatchBuilder, VisitorDecoder};

/// Every visit in its order, in its `Debug` form: borrowed and owned text look alike there, and so does NaN.
#[derive(Default, PartialEq, Debug)]
pub struct Visits(pub Vec<String>);

impl Visits {
    fn note(&mut self, visit: &dyn Debug) {
        self.0.push(format!("{visit:?}"));
    }
}

impl<'a> Visitor<'a> for Visits {
    fn resource(&mut self, resource: &ResourceData<'a>) {
        self.note(resource);
    }
    fn scope(&mut self, scope: &ScopeData<'a>) {
        self.note(scope);
    }
    fn span(&mut self, span: &SpanData<'a>) {
        self.note(span);
    }
    fn log(&mut self, log: &LogData<'a>) {
        self.note(log);
    }
}

/// Builds batches with ids and names only; ids of a wrong length are rejected.
#[derive(Default)]
pub struct Ids(Batch);

impl<'a> Visitor<'a> for Ids {
    fn resource(&mut self, _: &ResourceData<'a>) {}
    fn scope(&mut self, _: &ScopeData<'a>) {}
    fn span(&mut self, data: &SpanData<'a>) {
        let (Ok(trace_id), Ok(span_id)) = (data.trace_id[..].try_into(), data.span_id[..].try_into()) else {
            self.0.rejected += 1;
            return;
        };
        let mut span = Arrived::new(resource(), Arc::from("scope"));
        (span.trace_id, span.span_id, span.name) = (TraceId(trace_id), SpanId(span_id), Arc::from(&*data.name));
        self.0.spans.push(span);
    }
    fn log(&mut self, _: &LogData<'a>) {
        self.0.bad_tags += 1;
    }
}

impl BatchBuilder for Ids {
    fn finish(&mut self, bytes: usize) -> Batch {
        Batch { bytes, ..std::mem::take(&mut self.0) }
    }
}

/// A decoder of ids and names.
pub fn decoder() -> VisitorDecoder<Ids, fn() -> Ids> {
    VisitorDecoder::new(Ids::default)
}

pub fn resource() -> Arc<Resource> {
    let empty: Arc<str> = Arc::from("");
    Arc::new(Resource {
        service: ServiceName { namespace: Arc::clone(&empty), name: Arc::clone(&empty) },
        nameless: true,
        instance: Arc::clone(&empty),
        language: Arc::clone(&empty),
        sdk: Arc::clone(&empty),
        host: empty,
    })
}

/// Keeps what it is given, or refuses all of it.
#[derive(Default)]
pub struct Shelf {
    pub batches: Mutex<Vec<Batch>>,
    pub refuse: Mutex<Option<Refused>>,
}

impl Shelf {
    pub fn spans(&self) -> usize {
        self.batches.lock().unwrap().iter().map(|batch| batch.spans.len()).sum()
    }
}

impl Sink for Shelf {
    fn has_room(&self, _: usize) -> Result<(), Refused> {
        self.refuse.lock().unwrap().map_or(Ok(()), Err)
    }

    fn accept(&self, batch: Batch) -> Result<(), Refused> {
        if let Some(refused) = *self.refuse.lock().unwrap() {
            return Err(refused);
        }
        self.batches.lock().unwrap().push(batch);
        Ok(())
    }
}
