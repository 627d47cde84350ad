//! How long a page of the list of traces, and of tokens, holds up the engine's thread.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use jwtrail::engine::Query;
use jwtrail::engine::query::{Answer, Answerer, TokenQuery, TraceOrder, TraceQuery, Window};
use jwtrail::filter::Filter;
use jwtrail::model::UnixNanos;
use jwtrail::trail::Trail;
use jwtrail::trail::tokens::TokenOrder;

const ORDERS: [TraceOrder; 5] =
    [TraceOrder::Start, TraceOrder::Severity, TraceOrder::Duration, TraceOrder::Hops, TraceOrder::Service];

const FILTERS: [&str; 6] =
    ["verdict:dropped", "caller:gateway callee:orders", "orders", "token:a", "status>=400", "received:present gap:yes"];

const TOKEN_ORDERS: [TokenOrder; 4] =
    [TokenOrder::LastSeen, TokenOrder::Traces, TokenOrder::Services, TokenOrder::Expiry];

const TOKEN_FILTERS: [&str; 3] = ["service:payment", "token:a", "verdict:dropped"];

/// How fingerprints of tags begin.
const DIGEST: &[u8] = b"s256:";

/// The request with the first digits of each fingerprint rewritten to its number.
pub(crate) fn with_own_tokens(request: &Bytes, number: u64) -> Bytes {
    let mut bytes = BytesMut::from(&**request);
    let own = format!("{number:08x}");
    for at in memmem::find_iter(request, DIGEST) {
        if let Some(digits) = bytes.get_mut(at + DIGEST.len()..at + DIGEST.len() + own.len()) {
            digits.copy_from_slice(own.as_bytes());
        }
    }
    bytes.freeze()
}

/// Prints the processor time of pages in every order and of searches, from their first answer to their last.
pub(crate) fn print(trail: &Trail, now: UnixNanos) -> anyhow::Result<()> {
    let held = trail.stats().traces;
    println!("pages     of {held} traces");
    let mut answerer = Answerer::default();
    let middle = trail.held().nth(usize::try_from(held / 2)?).map(|held| held.id).unwrap_or_default();
    for order in ORDERS {
        for window in [Window::First, Window::Around(middle, 0)] {
            let query = TraceQuery { order, window, ..TraceQuery::default() };
            let (_, took) = ask(&mut answerer, trail, Query::Traces(query), now)?;
            println!("          {:>7} µs  {order:?}, {}", took.as_micros(), name(window));
        }
    }
    for text in FILTERS {
        let query = TraceQuery { filter: Some(Filter::parse(text)?), ..TraceQuery::default() };
        let (mut times, mut matching) = (Vec::new(), 0);
        loop {
            let (answer, took) = ask(&mut answerer, trail, Query::Traces(query.clone()), now)?;
            times.push(took.as_micros());
            if let Answer::Traces(_, page) = &answer {
                matching = page.matching;
            }
            if !answer.is_partial() || times.len() > 10_000 {
                break;
            }
        }
        let (_, again) = ask(&mut answerer, trail, Query::Traces(query.clone()), now)?;
        let (answers, longest) = (times.len(), times.iter().max().copied().unwrap_or(0));
        println!(
            "          {longest:>7} µs  {text}: {matching} found by {answers} answers, then {} µs each",
            again.as_micros()
        );
    }
    tokens(&mut answerer, trail, now)
}

/// Prints the processor time of the list of tokens in every order, and by filters.
fn tokens(answerer: &mut Answerer, trail: &Trail, now: UnixNanos) -> anyhow::Result<()> {
    let orders = TOKEN_ORDERS.map(|order| (format!("{order:?}"), TokenQuery { order, ..TokenQuery::default() }));
    let mut queries = Vec::from(orders);
    for text in TOKEN_FILTERS {
        let query = TokenQuery { filter: Some(Filter::parse(text)?), ..TokenQuery::default() };
        queries.push((text.to_owned(), query));
    }
    println!("tokens");
    for (name, query) in queries {
        let (answer, took) = ask(answerer, trail, Query::Tokens(query), now)?;
        let Answer::Tokens(_, page) = answer else { continue };
        let (shown, held) = (page.rows.len(), page.held);
        println!(
            "          {:>7} µs  {name}: {shown} shown, {} left out, {held} held",
            took.as_micros(),
            page.left_out
        );
    }
    Ok(())
}

fn ask(answerer: &mut Answerer, trail: &Trail, query: Query, now: UnixNanos) -> anyhow::Result<(Answer, Duration)> {
    let begun = crate::on_cpu()?;
    let answer = answerer.answer(trail, query, now);
    Ok((answer, crate::on_cpu()?.saturating_sub(begun)))
}

const fn name(window: Window) -> &'static str {
    match window {
        Window::First => "the first page",
        Window::Last => "the last page",
        Window::Around(..) => "a page in the middle",
    }
}
