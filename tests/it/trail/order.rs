//! Verdicts do not depend on how spans arrive.

use std::path::Path;

use jwtrail::model::Batch;
use proptest::prelude::*;

use super::support::{batch, judge, policy_of, read, runs};

/// Runs with breaks, retries, redirects, proxies, queues and late parents.
const RUNS: [&str; 9] = [
    "drop-then-chain.jsonl",
    "401-propagates.jsonl",
    "wrong-key.jsonl",
    "undefined-handed-on.jsonl",
    "shapes/reject-express.jsonl",
    "shapes/py-redirect.jsonl",
    "shapes/envoy-sidecars.jsonl",
    "shapes/py-confluent-kafka.jsonl",
    "shapes/dark-middle-all.jsonl",
];

fn in_order(run: &Path) -> Vec<jwtrail::model::Hop> {
    let (spans, logs) = read(run);
    judge(policy_of(run), [batch(spans, logs)])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_permutation_split_and_duplication_gives_the_same_hops(
        run in prop::sample::select(&RUNS[..]),
        seed in any::<u64>(),
        batch_size in 1_usize..40,
        twice in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let run = runs("").join(run);
        let expected = in_order(&run);
        let (mut spans, logs) = read(&run);
        let duplicates: Vec<_> = twice.iter().map(|index| index.get(&spans).clone()).collect();
        spans.extend(duplicates);
        shuffle(&mut spans, seed);
        let mut batches: Vec<Batch> = spans.chunks(batch_size).map(|chunk| batch(chunk.to_vec(), Vec::new())).collect();
        batches.push(batch(Vec::new(), logs));
        shuffle(&mut batches, seed.rotate_left(17));
        let hops = judge(policy_of(&run), batches);
        prop_assert_eq!(hops.len(), expected.len());
        for (got, wanted) in hops.iter().zip(&expected) {
            prop_assert_eq!(got, wanted);
        }
    }
}

/// Fisher and Yates, with a small generator so that a failing seed replays.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for i in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(i, usize::try_from(seed >> 33).unwrap() % (i + 1));
    }
}
