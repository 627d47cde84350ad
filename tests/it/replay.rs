//! A recording played without a screen: wherever it goes and by whichever way, it shows what a fresh replay would show.

mod bounds;
mod policy;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jwtrail::app::player::{Blank, PlayerOptions, Playing};
use jwtrail::app::timeline::Timeline;
use jwtrail::engine::{EngineHandle, EngineOptions, Snapshot};
use jwtrail::model::policy::Policy;
use jwtrail::model::{Arrived, Batch, Resource, ServiceName, SpanId, SpanKind, TraceId, UnixNanos, Verdict};
use jwtrail::trail::summary::{EdgeRow, ProblemRow, ServiceRow};
use jwtrail::tui::replay::{Control, Note, Playback, Player};
use proptest::prelude::*;
use tokio::sync::watch;

use crate::trail::support::{decoder, policy_of, runs, trail};

/// Longer than any machine should take.
const PATIENCE: Duration = Duration::from_secs(60);
/// As the runs are judged elsewhere.
const SETTLE: u64 = 15_000_000_000;

/// Every recorded run.
fn all_runs() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(runs("."))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .collect();
    found.sort();
    assert!(found.len() > 10, "{found:?}");
    found
}

fn read(run: &Path) -> Vec<Batch> {
    let decoder = decoder(&policy_of(run), &[run.with_file_name("jwks.json")]);
    let mut batches = Vec::new();
    jwtrail::otlp::files::read_file(run, decoder.as_ref(), &mut |batch| batches.push(batch)).unwrap();
    batches
}

/// A player with its engine.
struct Played {
    line: Arc<Timeline>,
    blank: Blank,
    engine: EngineHandle,
    playing: Playing,
    playback: watch::Receiver<Arc<Playback>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Played {
    fn start(line: Timeline, policy: Policy, speed: Option<f64>, looping: bool) -> Self {
        let line = Arc::new(line);
        let blank: Blank = Arc::new(move || trail(policy.clone()));
        let bounds = EngineOptions { intake_bytes: 1 << 20, memory: 64 << 20 };
        let start = line.start();
        let engine = EngineHandle::start(blank(), bounds, Arc::new(move || start)).unwrap();
        let options = PlayerOptions { speed, looping, settle: SETTLE };
        let playing = Playing::start(Arc::clone(&line), Arc::clone(&blank), engine.replayer(), options).unwrap();
        let (playback, snapshots) = (playing.watch(), engine.snapshots());
        Self { line, blank, engine, playing, playback, snapshots }
    }

    fn of(run: &Path) -> Self {
        Self::start(Timeline::new(read(run)), policy_of(run), None, false)
    }

    fn press(&self, control: Control) {
        self.playing.control(control);
    }

    async fn until(&mut self, what: &str, wanted: impl FnMut(&Arc<Playback>) -> bool) -> Arc<Playback> {
        let found = tokio::time::timeout(PATIENCE, self.playback.wait_for(wanted)).await;
        Arc::clone(&*found.unwrap_or_else(|_| panic!("never {what}")).unwrap())
    }

    async fn ended(&mut self) -> Arc<Snapshot> {
        self.until("at the end", |playback| playback.ended).await;
        Arc::clone(&self.snapshots.borrow())
    }

    /// Goes to a moment and waits until it is seen.
    async fn seek(&mut self, to: UnixNanos) -> Arc<Snapshot> {
        self.press(Control::Seek(to));
        let (to, end) = (to.min(self.line.end()), to >= self.line.end());
        let there = |playback: &Arc<Playback>| playback.now == to && playback.ended == end && !playback.moving;
        self.until("there", there).await;
        Arc::clone(&self.snapshots.borrow())
    }

    /// What a trail says that was given what had arrived by then, and nothing before.
    fn fresh(&self, to: UnixNanos) -> Seen {
        let mut trail = (self.blank)();
        for arrival in &self.line.arrivals()[..self.line.by(to)] {
            arrival.clone().give(&mut trail);
        }
        trail.tick(to);
        if to >= self.line.end() {
            trail.settle_all();
        }
        let summary = trail.summary(to.min(self.line.end()));
        Seen::new(summary.services, summary.edges, summary.problems, trail.stats().verdicts, trail.stats().spans)
    }

    async fn moments(&mut self, control: Control, last: Note) -> Vec<(UnixNanos, Arc<Snapshot>)> {
        self.until("counted", |playback| playback.accused.is_some()).await;
        let mut moments = Vec::new();
        loop {
            let before = self.playback.borrow_and_update().clone();
            self.press(control);
            let moved = |playback: &Arc<Playback>| {
                let other = (playback.now, playback.ended) != (before.now, before.ended);
                playback.note == Some(last) || (other && !playback.moving)
            };
            let at = self.until("another moment", moved).await;
            if at.note == Some(last) {
                return moments;
            }
            let (now, seen) = (at.now, self.snapshots.borrow().clone());
            assert_eq!(seen.now, now);
            moments.push((now, seen));
        }
    }
}

/// Edge, verdict, counts, first and last seen, sparkline.
type Problem = (String, Option<Verdict>, u64, u64, UnixNanos, UnixNanos, [u32; 12]);

/// What a picture shows, in an order of its own. Which hop stands for an edge may be another one of the same kind.
#[derive(PartialEq, Debug)]
struct Seen {
    services: Vec<ServiceRow>,
    edges: Vec<(String, u64, [u64; 8], Verdict, UnixNanos)>,
    problems: Vec<Problem>,
    verdicts: [u64; 8],
    spans: u64,
}

impl Seen {
    fn new(
        mut services: Vec<ServiceRow>,
        edges: Vec<EdgeRow>,
        problems: Vec<ProblemRow>,
        verdicts: [u64; 8],
        spans: u64,
    ) -> Self {
        services.sort_by(|a, b| a.name.cmp(&b.name));
        let name = |caller: &Option<Arc<str>>, callee: &str| format!("{caller:?} {callee}");
        let mut edges: Vec<_> = edges
            .into_iter()
            .filter(|row| row.hops > 0)
            .map(|row| (name(&row.caller, &row.callee), row.hops, row.verdicts, row.shown, row.last_seen))
            .collect();
        edges.sort_by(|a, b| a.0.cmp(&b.0));
        let mut problems: Vec<_> = problems
            .into_iter()
            .map(|row| {
                let kind = format!("{} {:?} {:?}", name(&row.caller, &row.callee), row.cause, row.finding);
                (kind, row.verdict, row.count, row.of, row.first_seen, row.last_seen, row.spark)
            })
            .collect();
        problems.sort_by(|a, b| a.0.cmp(&b.0));
        Self { services, edges, problems, verdicts, spans }
    }

    fn of(snapshot: &Snapshot) -> Self {
        Self::new(
            snapshot.services.clone(),
            snapshot.edges.clone(),
            snapshot.problems.clone(),
            snapshot.totals.verdicts,
            snapshot.totals.spans,
        )
    }
}

fn accused(snapshot: &Snapshot) -> u64 {
    Verdict::ALL.iter().filter(|verdict| verdict.accuses()).map(|v| snapshot.totals.verdicts[*v as usize]).sum()
}

/// A moment so many thousandths into a recording.
fn into(line: &Timeline, part: u64) -> UnixNanos {
    let length = line.end().0 - line.start().0;
    UnixNanos(line.start().0 + u64::try_from(u128::from(length) * u128::from(part) / 1_000).unwrap())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_way_to_a_moment_shows_what_a_fresh_replay_shows(
        run in 0_usize..64,
        ways in proptest::collection::vec(0_u64..=1_000, 1..8),
    ) {
        let runs = all_runs();
        let run = &runs[run % runs.len()];
        runtime().block_on(async {
            let mut played = Played::of(run);
            assert_eq!(Seen::of(&*played.ended().await), played.fresh(played.line.end()), "{}", run.display());
            for part in ways {
                let to = into(&played.line, part);
                let seen = played.seek(to).await;
                assert_eq!(Seen::of(&seen), played.fresh(to), "{} at {part} of 1,000", run.display());
            }
        });
    }
}

#[tokio::test]
async fn every_hop_is_visited_once_on_and_back() {
    for run in all_runs() {
        let mut played = Played::of(&run);
        let all = played.ended().await;
        played.seek(played.line.start()).await;
        let on = played.moments(Control::NextHop, Note::NoLaterHop).await;
        // A hop may be seen before all of its evidence has come: then it is the verdict that is new.
        let (mut hops, mut last) = (0, UnixNanos(0));
        for (at, (now, seen)) in on.iter().enumerate() {
            // The end that settles all is behind the last span, at its time.
            assert!(*now > last || at + 1 == on.len(), "{}: nothing new at hop {at}", run.display());
            assert!(seen.totals.hops >= hops, "{}: a hop is gone at hop {at}", run.display());
            (hops, last) = (seen.totals.hops, *now);
        }
        assert!(on.len() as u64 * 4 >= hops, "{}: {} moments for {hops} hops", run.display(), on.len());
        assert_eq!(hops, all.totals.hops, "{}: the last one shows all", run.display());
        let mut back = played.moments(Control::PreviousHop, Note::NoEarlierHop).await;
        back.reverse();
        let times = |moments: &[(UnixNanos, Arc<Snapshot>)]| moments.iter().map(|(now, _)| *now).collect::<Vec<_>>();
        let mut expected = times(&on);
        expected.pop();
        assert_eq!(times(&back), expected, "{}", run.display());
    }
}

#[tokio::test]
async fn problems_are_found_from_the_end_back_and_from_the_start_on() {
    let mut with_problems = 0;
    for run in all_runs() {
        let mut played = Played::of(&run);
        let all = accused(&*played.ended().await);
        let mut back = played.moments(Control::PreviousAccused, Note::NoEarlierProblem).await;
        back.reverse();
        let mut before = 0;
        for (now, seen) in &back {
            assert!(accused(seen) > before, "{}: no new problem at {now:?}", run.display());
            before = accused(seen);
        }
        assert!(all == 0 || !back.is_empty() || played.line.start() == played.line.end(), "{}", run.display());
        with_problems += usize::from(!back.is_empty());
        let slots = played.playback.borrow().accused.clone().unwrap();
        assert_eq!(slots.iter().map(|count| u64::from(*count)).sum::<u64>(), all, "{}", run.display());
    }
    assert!(with_problems > 5);
}

fn span(number: u64, start: u64, end: u64) -> Arrived {
    let service = ServiceName { namespace: "".into(), name: format!("s{}", number % 7).into() };
    let resource = Resource {
        service,
        nameless: false,
        instance: "1".into(),
        language: "".into(),
        sdk: "".into(),
        host: "".into(),
    };
    let mut span = Arrived::new(Arc::new(resource), "test".into());
    (span.trace_id, span.span_id) = (TraceId(u128::from(number + 1).to_be_bytes()), SpanId((number + 1).to_be_bytes()));
    (span.start, span.end, span.kind) = (UnixNanos(start), UnixNanos(end), SpanKind::Server);
    span
}

fn recording(spans: Vec<Arrived>) -> Timeline {
    Timeline::new(vec![Batch { spans, ..Batch::default() }])
}

#[tokio::test]
async fn wishes_that_come_together_are_one() {
    let second = 1_000_000_000;
    let line =
        recording((0..20_000).map(|n| span(n, second + n * second / 100, 2 * second + n * second / 100)).collect());
    let mut played = Played::start(line, Policy::default(), None, false);
    let before = played.ended().await;
    for part in 0..300 {
        played.press(Control::Seek(into(&played.line, 900 - (part * 7) % 800)));
    }
    let to = into(&played.line, 333);
    let seen = played.seek(to).await;
    assert_eq!(Seen::of(&seen), played.fresh(to));
    let pictures = seen.revision - before.revision;
    assert!(pictures < 100, "{pictures} pictures on the way: each wish was gone after by itself");
    played.press(Control::Seconds(-5));
    played.press(Control::Seconds(-5));
    let back = UnixNanos(to.0 - 10 * second);
    played.until("ten seconds back", |playback| playback.now == back).await;
}

#[tokio::test]
async fn the_way_back_shows_nothing_in_between() {
    let mut played = Played::of(&runs("drop-in-fanout.jsonl"));
    played.ended().await;
    played.snapshots.mark_unchanged();
    let to = into(&played.line, 700);
    played.press(Control::Seek(to));
    loop {
        tokio::time::timeout(PATIENCE, played.snapshots.changed()).await.expect("a picture").unwrap();
        let seen = played.snapshots.borrow_and_update().clone();
        assert!(seen.totals.hops > 0, "a picture without hops on the way: {seen:?}");
        if seen.now == to {
            return;
        }
    }
}

#[tokio::test]
async fn it_plays_to_the_end_and_again_from_the_start() {
    let line = || Timeline::new(read(&runs("drop-in-fanout.jsonl")));
    let mut played = Played::start(line(), Policy::default(), Some(1.0), false);
    let end = played.line.end();
    let all = played.ended().await;
    assert!(!played.playback.borrow().playing && all.totals.hops == 12);
    played.press(Control::Toggle);
    played.until("playing from the start", |playback| playback.playing && !playback.ended && playback.now < end).await;
    played.ended().await;
    played.press(Control::Loop);
    played.press(Control::Toggle);
    for _ in 0..2 {
        played.until("at the end", |playback| playback.ended && playback.playing).await;
        played.until("at the start", |playback| !playback.ended && playback.now < end).await;
    }
    played.press(Control::Toggle);
    played.until("still", |playback| !playback.playing).await;
}

#[tokio::test]
async fn speeds_go_from_a_tenth_to_as_fast_as_possible() {
    let mut played = Played::of(&runs("intact.jsonl"));
    played.ended().await;
    assert_eq!(played.playback.borrow().speed, None);
    let mut speeds = Vec::new();
    loop {
        let (before, looping) = (played.playback.borrow().speed, played.playback.borrow().looping);
        played.press(Control::Slower);
        // Nothing tells that the slowest stays: another control comes behind it.
        played.press(Control::Loop);
        let now = played.until("answered", |playback| playback.looping != looping).await.speed;
        if now == before {
            break;
        }
        speeds.push(now.unwrap());
    }
    assert_eq!(speeds, [1_000.0, 100.0, 30.0, 10.0, 4.0, 2.0, 1.0, 0.5, 0.25, 0.1]);
    for _ in 0..10 {
        played.press(Control::Faster);
    }
    played.until("as fast as possible", |playback| playback.speed.is_none()).await;
}

#[tokio::test]
async fn recordings_of_any_shape_can_be_gone_through() {
    let year = 31_536_000_000_000_000;
    // Clocks decades apart: it can be watched, and gaps are leapt over.
    let line = recording(vec![span(0, 1, 2), span(1, 50 * year, 50 * year + 5), span(2, 54 * year, 54 * year + 9)]);
    let mut played = Played::start(line, Policy::default(), Some(1_000.0), false);
    assert_eq!(played.ended().await.totals.spans, 3);
    played.press(Control::PreviousHop);
    played.until("before the last", |playback| !playback.ended).await;
    // Nothing lasts: it has one moment, and an end.
    let mut played = Played::start(recording(vec![span(0, 7, 7), span(1, 7, 3)]), Policy::default(), None, true);
    assert_eq!(played.ended().await.totals.spans, 2);
    for control in [Control::Seconds(-5), Control::Seconds(5), Control::NextHop, Control::PreviousHop] {
        played.press(control);
    }
    played.press(Control::Loop);
    played.until("answered", |playback| !playback.looping && !playback.moving).await;
    // The same twice.
    let batches = || read(&runs("drop-in-fanout.jsonl"));
    let twice = Timeline::new(batches().into_iter().chain(batches()).collect());
    let spans = twice.arrivals().len() as u64;
    let mut played = Played::start(twice, Policy::default(), None, false);
    let seen = played.ended().await;
    assert_eq!((seen.totals.hops, seen.totals.duplicates * 2), (12, spans));
    let to = into(&played.line, 500);
    assert_eq!(Seen::of(&*played.seek(to).await), played.fresh(to));
}
