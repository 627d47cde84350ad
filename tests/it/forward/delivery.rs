//! A next collector that is slow, busy, away, or takes half.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tokio::net::TcpListener;
use tonic::{Code, Status};

use super::next::{Next, Reply};
use super::{Chain, ForwardOptions, count, options};
use crate::spans::{attribute, request, span, text};

/// A request of one span, which weighs so many bytes or more.
fn traces(number: u8, bytes: usize) -> Vec<u8> {
    let mut span = span(2, vec![attribute("filling", text(&"x".repeat(bytes)))]);
    span.span_id = vec![number + 1; 8];
    request(vec![], vec![span]).encode_to_vec()
}

fn busy(code: Code) -> Reply {
    Reply::Grpc(Status::new(code, "come again"))
}

/// With `RetryInfo` of one millisecond, as `google.rpc.Status` packs it.
fn later() -> Reply {
    use jwtrail::otlp::status;
    let refused = jwtrail::model::Refused::Full { retry_after_ms: 1 };
    let details = status::Status::new(8, "full".to_owned()).with_retry(refused).encode_to_vec();
    Reply::Grpc(Status::with_details(Code::ResourceExhausted, "full", details.into()))
}

#[tokio::test]
async fn what_may_come_again_does_and_the_rest_is_counted() {
    let next = Next::start().await;
    let chain = Chain::start(&options(&next.url("grpc")));
    next.answer([busy(Code::Unavailable), later(), busy(Code::DataLoss), busy(Code::Aborted)]);
    chain.traces(traces(0, 1)).await;
    next.taken(1).await;
    assert_eq!(next.attempts().len(), 5);
    for never in [Code::ResourceExhausted, Code::InvalidArgument, Code::Unauthenticated] {
        next.answer([busy(never)]);
        chain.traces(traces(1, 1)).await;
    }
    let forwarded = chain.finish().await;
    assert_eq!((forwarded.sent(), next.attempts().len()), ((1, 1), 8));
    assert_eq!(count(&forwarded, "forward_refused_spans_total"), 3);
    assert_eq!(count(&forwarded, "forward_failed_attempts_total"), 4);
    let said = forwarded.losses().join("\n");
    assert!(said.starts_with("3 requests with 3 spans were not forwarded: it answered gRPC status"), "{said}");
}

#[tokio::test]
async fn over_http_the_same() {
    let next = Next::start().await;
    let chain = Chain::start(&options(&next.url("http")));
    next.answer([429, 502, 503, 504].map(|status| Reply::Http(status, Some("0"))));
    chain.traces(traces(0, 1)).await;
    next.taken(1).await;
    assert_eq!(next.attempts().len(), 5);
    // A redirect would take the headers' secrets elsewhere.
    next.answer([400, 401, 500, 307].map(|status| Reply::Http(status, None)));
    for number in 1..5 {
        chain.traces(traces(number, 1)).await;
    }
    let forwarded = chain.finish().await;
    assert_eq!((forwarded.sent(), next.attempts().len()), ((1, 1), 9));
    assert_eq!(count(&forwarded, "forward_refused_requests_total"), 4);
}

#[tokio::test]
async fn what_is_left_out_of_a_partial_success_is_counted() {
    for scheme in ["grpc", "http"] {
        let next = Next::start().await;
        let chain = Chain::start(&options(&next.url(scheme)));
        next.answer([Reply::Partial(7)]);
        chain.traces(traces(0, 1)).await;
        let forwarded = chain.finish().await;
        assert_eq!(
            (forwarded.sent(), next.attempts().len()),
            ((1, 1), 1),
            "{scheme}: a partial success is not retried"
        );
        let said = forwarded.losses();
        assert_eq!(said, ["7 spans, log records or data points were left out by the next collector"], "{scheme}");
    }
}

/// The collector comes up later, goes away, and comes back on its port.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_is_waited_for() {
    let held = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = held.local_addr().unwrap();
    drop(held);
    let chain = Chain::start(&options(&format!("grpc://{address}")));
    for number in 0..10 {
        assert_eq!(chain.traces(traces(number, 100)).await, 200);
    }
    let progress = chain.forwarder.progress();
    let said = async {
        while !progress.losses().iter().any(|loss| loss.contains("waits for the next collector")) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), said).await.expect("that nobody is there is said");
    assert_eq!(chain.count("forward_queue_spans"), 10);
    let next = Next::on(TcpListener::bind(address).await.unwrap());
    let mut ids: Vec<u8> = Vec::new();
    for seen in next.taken(10).await {
        let request = ExportTraceServiceRequest::decode(&*seen.body).unwrap();
        ids.push(request.resource_spans[0].scope_spans[0].spans[0].span_id[0]);
    }
    ids.sort_unstable();
    assert!(ids.into_iter().eq(1..=10), "each once");
    let forwarded = chain.finish().await;
    assert_eq!((forwarded.sent(), forwarded.losses()), ((10, 10), Vec::new()));
    assert_eq!(count(&forwarded, "forward_queue_bytes"), 0);
}

/// A collector that takes connections and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_collector_holds_nobody_up_and_what_finds_no_room_is_counted() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let few = ForwardOptions { queue_bytes: 64 << 10, drain: Duration::from_millis(50), ..options(&url) };
    let chain = Chain::start(&few);
    for number in 0..100 {
        assert_eq!(chain.traces(traces(number, 1_000)).await, 200, "the answer does not wait");
    }
    assert_eq!(*chain.taker.spans.lock().unwrap(), 100, "all of it is judged");
    let (waiting, lost) = (chain.count("forward_queue_spans"), chain.count("forward_dropped_spans_total"));
    assert_eq!(waiting + lost, 100);
    assert!((40..=64).contains(&waiting), "{waiting} of about 1 kB each are within 64 KiB");
    assert!(chain.count("forward_queue_bytes") <= 64 << 10);
    let forwarded = chain.finish().await;
    assert_eq!(count(&forwarded, "forward_unsent_requests_total"), waiting);
    let said = forwarded.losses().join("\n");
    assert!(
        said.contains(&format!("{lost} requests with {lost} spans were not forwarded: the queue is full")),
        "{said}"
    );
    assert!(
        said.contains(&format!("{waiting} requests with {waiting} spans were not forwarded: they still")),
        "{said}"
    );
}

/// One that is larger than the queue would else never go.
#[tokio::test]
async fn a_request_larger_than_the_queue_goes_when_nothing_waits() {
    let next = Next::start().await;
    let chain = Chain::start(&ForwardOptions { queue_bytes: 64 << 10, ..options(&next.url("grpc")) });
    chain.traces(traces(0, 3 << 20)).await;
    assert!(next.taken(1).await[0].body.len() > 3 << 20);
    assert_eq!(chain.finish().await.sent(), (1, 1));
}

/// What waits at the end gets its time.
#[tokio::test]
async fn the_queue_is_emptied_at_the_end() {
    let next = Next::start().await;
    let chain = Chain::start(&ForwardOptions { first_pause: Duration::from_secs(3_600), ..options(&next.url("grpc")) });
    next.answer([busy(Code::Unavailable)]);
    chain.traces(traces(0, 1)).await;
    while chain.count("forward_failed_attempts_total") == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(chain.finish().await.sent(), (1, 1), "an hour's pause is cut short");
}
