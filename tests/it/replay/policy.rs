//! A policy that is edited while a recording plays: it holds wherever the replay goes.

use super::*;

#[tokio::test]
async fn an_edited_policy_holds_on_the_way_back_and_on_the_bar() {
    let optional: Policy = toml::from_str("[[edge]]\nfrom = \"*\"\nto = \"*\"\ntoken = \"optional\"\n").unwrap();
    let mut played = Played::of(&runs("drop-in-fanout.jsonl"));
    let before = accused(&*played.ended().await);
    let counted = |slots: &Playback| slots.accused.as_ref().map(|slots| slots.iter().map(|c| u64::from(*c)).sum());
    played.until("counted", |playback| counted(playback) == Some(before)).await;
    let to = into(&played.line, 900);
    let as_it_began = played.fresh(to);

    played.engine.keeper().set_policy(optional.clone()).unwrap();
    let now = Arc::clone(&played.snapshots.borrow());
    assert!(accused(&now) < before, "{} of {before} are accused still", accused(&now));
    played.blank = Arc::new(move || trail(optional.clone()));
    let seen = Seen::of(&*played.seek(to).await);
    assert_ne!(seen, as_it_began, "the policy that the replay began with is back");
    assert_eq!(seen, played.fresh(to));

    played.playing.recount().unwrap();
    played.until("counted anew", |playback| counted(playback) == Some(accused(&now))).await;
}
