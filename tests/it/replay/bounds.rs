//! A recording that does not fit.

use jwtrail::app::timeline::Builder;

use super::*;

#[tokio::test]
async fn a_bound_on_memory_leaves_out_the_end_and_counts_it() {
    let mut builder = Builder::within(100_000);
    builder.take(Batch { spans: (0..1_000).map(|n| span(n, n, n + 1)).collect(), ..Batch::default() });
    let line = builder.finish();
    let kept = line.arrivals().len() as u64;
    assert!(kept > 50 && kept + line.left_out() == 1_000, "{kept} and {}", line.left_out());
    let mut played = Played::start(line, Policy::default(), None, false);
    assert_eq!(played.ended().await.totals.spans, kept);
    drop(played.playing);
    played.engine.shutdown().unwrap();
}
