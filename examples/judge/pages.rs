//! How long a page of the list of traces holds up the engine's thread.

use std::time::{Duration, Instant};

use jwtrail::engine::Query;
use jwtrail::engine::query::{Answer, Answerer, TraceOrder, TraceQuery, Window};
use jwtrail::filter::Filter;
use jwtrail::model::UnixNanos;
use jwtrail::trail::Trail;

const ORDERS: [TraceOrder; 5] =
    [TraceOrder::Start, TraceOrder::Severity, TraceOrder::Duration, TraceOrder::Hops, TraceOrder::Service];

const FILTERS: [&str; 6] =
    ["verdict:dropped", "caller:gateway callee:orders", "orders", "token:a", "status>=400", "received:present gap:yes"];

/// Prints the time of pages in every order and of searches, from their first answer to their last.
pub(crate) fn print(trail: &Trail, now: UnixNanos) -> anyhow::Result<()> {
    let held = trail.stats().traces;
    println!("pages     of {held} traces");
    let mut answerer = Answerer::default();
    let middle = trail.held().nth(usize::try_from(held / 2)?).map(|held| held.id).unwrap_or_default();
    for order in ORDERS {
        for window in [Window::First, Window::Around(middle, 0)] {
            let query = TraceQuery { order, window, ..TraceQuery::default() };
            let (_, took) = ask(&mut answerer, trail, &query, now);
            println!("          {:>7} µs  {order:?}, {}", took.as_micros(), name(window));
        }
    }
    for text in FILTERS {
        let query = TraceQuery { filter: Some(Filter::parse(text)?), ..TraceQuery::default() };
        let (mut times, mut matching) = (Vec::new(), 0);
        loop {
            let (answer, took) = ask(&mut answerer, trail, &query, now);
            times.push(took.as_micros());
            if let Answer::Traces(_, page) = &answer {
                matching = page.matching;
            }
            if !answer.is_partial() || times.len() > 10_000 {
                break;
            }
        }
        let (_, again) = ask(&mut answerer, trail, &query, now);
        let (answers, longest) = (times.len(), times.iter().max().copied().unwrap_or(0));
        println!(
            "          {longest:>7} µs  {text}: {matching} found by {answers} answers, then {} µs each",
            again.as_micros()
        );
    }
    Ok(())
}

fn ask(answerer: &mut Answerer, trail: &Trail, query: &TraceQuery, now: UnixNanos) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = answerer.answer(trail, Query::Traces(query.clone()), now);
    (answer, begun.elapsed())
}

const fn name(window: Window) -> &'static str {
    match window {
        Window::First => "the first page",
        Window::Last => "the last page",
        Window::Around(..) => "a page in the middle",
    }
}
