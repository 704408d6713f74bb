//! One writer at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Event, Stack};
use deployer_engine::{
    Claim, Holder, LEASE, Lock, Notice, Request, Unlocked, execute, lock, read_book,
};
use deployer_testkit::{
    Memory, apply, begun, converge, everything, pass, places, planned, registry, scope, settled,
};
use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const LEASED: Duration = Duration::from_secs(LEASE);

fn holder(name: &str) -> Holder {
    Holder { token: name.to_owned(), name: name.to_owned(), ..Holder::default() }
}

async fn claims(memory: &Memory) -> Vec<Claim> {
    read_book(memory, &scope()).await.unwrap().claims
}

/// Asks for the lock on behalf of somebody; gives what was told meanwhile too.
async fn ask(
    memory: &Arc<Memory>,
    name: &str,
    patience: Duration,
    dead: &[&str],
) -> (Result<Lock<Memory>, Unlocked>, Vec<Notice>) {
    let mut told = Vec::new();
    let request = Request {
        holder: holder(name),
        patience,
        is_gone: &|holder| dead.contains(&holder.name.as_str()),
        tell: &mut |notice| told.push(notice),
    };
    let got = lock(Arc::clone(memory), &scope(), request, &CancellationToken::new()).await;
    (got, told)
}

#[tokio::test(start_paused = true)]
async fn of_many_who_ask_at_once_one_has_it_and_the_others_after_it() {
    let memory = Arc::new(Memory::default());
    let asking = (0..8).map(|number| {
        let door = Arc::new(memory.door());
        async move {
            let (got, _) = ask(&door, &format!("writer {number}"), 10 * LEASED, &[]).await;
            let lock = got.ok().unwrap();
            let from = Instant::now();
            pass(Duration::from_secs(7)).await;
            let to = Instant::now();
            lock.release().await.unwrap();
            (from, to)
        }
    });
    let mut held = join_all(asking).await;
    held.sort_unstable();
    assert_eq!(held.len(), 8);
    for pair in held.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "two had it at a time: {pair:?}");
    }
    assert_eq!(claims(&memory).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_the_account_withholds_is_waited_for_whatever_the_patience() {
    let memory = Arc::new(Memory::default());
    memory.withhold_names(Duration::from_secs(30));
    ask(&memory, "alice", LEASED, &[]).await.0.ok().unwrap().release().await.unwrap();
    // Nothing says that the epoch was had: its name is taken, and nobody has it.
    let asked = Instant::now();
    let lock = ask(&Arc::new(memory.door()), "bob", Duration::ZERO, &[]).await.0.ok().unwrap();
    assert!(asked.elapsed() >= Duration::from_secs(29), "{:?}", asked.elapsed());
    lock.release().await.unwrap();

    memory.withhold_names(Duration::from_hours(1));
    let asked = Instant::now();
    let refused = ask(&Arc::new(memory.door()), "eve", Duration::ZERO, &[]).await.0;
    let Err(Unlocked::Failed(failure)) = refused else { panic!("it has a withheld name") };
    assert!(failure.message.contains("is taken, and nobody has it"), "{failure}");
    assert!(asked.elapsed() <= Duration::from_secs(62), "{:?}", asked.elapsed());
}

#[tokio::test(start_paused = true)]
async fn somebody_who_does_not_wait_is_told_who_has_it() {
    let memory = Arc::new(Memory::default());
    let _held = ask(&memory, "alice", LEASED, &[]).await.0.ok().unwrap();
    let (refused, told) = ask(&Arc::new(memory.door()), "bob", Duration::ZERO, &[]).await;
    let Err(Unlocked::Held(claim)) = refused else { panic!("two have it") };
    assert_eq!(claim.holder.name, "alice");
    assert_eq!(told, [Notice::Waiting(*claim)]);
}

#[tokio::test(start_paused = true)]
async fn one_who_gives_signs_of_life_keeps_it_for_hours() {
    let memory = Arc::new(Memory::default());
    let held = ask(&memory, "alice", LEASED, &[]).await.0.ok().unwrap();
    let (refused, told) = ask(&Arc::new(memory.door()), "bob", 200 * LEASED, &[]).await;
    assert!(matches!(refused, Err(Unlocked::Held(_))));
    assert!(held.lease().is_fresh());
    assert_eq!(told.len(), 1, "who has it is told once, not at each sign of life: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn one_who_is_dead_on_this_machine_is_followed_at_once_and_loudly() {
    let memory = Arc::new(Memory::default());
    drop(ask(&memory, "alice", LEASED, &[]).await);
    let begun = Instant::now();
    let (got, told) = ask(&Arc::new(memory.door()), "bob", LEASED, &["alice"]).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(
        matches!(&told[..], [Notice::TakenOver { from, .. }] if from.name == "alice"),
        "{told:?}"
    );
    got.ok().unwrap().release().await.unwrap();
    assert_eq!(claims(&memory).await, [], "the dead one's claim went too");
}

#[tokio::test(start_paused = true)]
async fn one_who_is_silent_is_followed_after_lease_and_grace_and_not_before() {
    let memory = Arc::new(Memory::default());
    drop(ask(&memory, "alice", LEASED, &[]).await);
    let begun = Instant::now();
    let (got, _) = ask(&Arc::new(memory.door()), "bob", 10 * LEASED, &[]).await;
    let waited = begun.elapsed();
    assert!(got.is_ok());
    assert!(waited > LEASED * 3 / 2 && waited < LEASED * 2, "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn one_who_died_yesterday_is_followed_at_once() {
    let memory = Arc::new(Memory::default());
    drop(ask(&memory, "alice", LEASED, &[]).await);
    pass(Duration::from_hours(24)).await;
    let begun = Instant::now();
    let (got, _) = ask(&Arc::new(memory.door()), "bob", LEASED, &[]).await;
    assert!(got.is_ok() && begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn one_who_was_followed_stops_and_leaves_the_rest_to_the_other() {
    let memory = Arc::new(Memory::default());
    let held = ask(&memory, "alice", LEASED, &[]).await.0.ok().unwrap();
    let lost = held.lease().cancel().clone();
    memory.cut_off(true);
    let door = Arc::new(memory.door());
    let other = ask(&door, "bob", 10 * LEASED, &[]).await.0.ok().unwrap();
    assert!(!held.lease().is_fresh(), "it may change nothing while the other has it");
    memory.cut_off(false);
    lost.cancelled().await;
    assert_eq!(held.lease().lost_to().unwrap().name, "bob");
    held.release().await.unwrap();
    assert!(other.lease().is_fresh(), "its release took nothing of the other's");
    pass(LEASED).await;
    assert!(other.lease().is_fresh());
    other.release().await.unwrap();
}

/// Alice has the lock and cannot be heard; Bob has followed her through a door of his own, and has
/// finished.
async fn followed_while_cut_off() -> (Arc<Memory>, Lock<Memory>, Arc<Memory>) {
    let memory = Arc::new(Memory::default());
    let held = ask(&memory, "alice", LEASED, &[]).await.0.ok().unwrap();
    memory.cut_off(true);
    let door = Arc::new(memory.door());
    let other = ask(&door, "bob", 10 * LEASED, &[]).await.0.ok().unwrap();
    other.release().await.unwrap();
    (memory, held, door)
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_after_the_other_has_finished_finds_out_too() {
    let (memory, held, _) = followed_while_cut_off().await;
    memory.cut_off(false);
    held.lease().cancel().cancelled().await;
    assert!(held.lease().lost_to().is_some());
    assert_eq!(claims(&memory).await, [], "nothing was put back");
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_late_and_releases_takes_nothing_from_a_third() {
    let (memory, held, door) = followed_while_cut_off().await;
    let third = ask(&door, "carol", LEASED, &[]).await.0.ok().unwrap();
    memory.cut_off(false);
    held.release().await.unwrap();
    let claims = claims(&door).await;
    let names: Vec<&str> = claims.iter().map(|claim| claim.holder.name.as_str()).collect();
    assert_eq!(names, ["carol"]);
    third.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_changed_while_the_lock_is_in_doubt_and_the_run_goes_on_after_it() {
    let memory = Arc::new(Memory::default());
    let held = ask(&memory, "alice", LEASED, &[]).await.0.ok().unwrap();
    let plan = planned(&memory, &stack(), &BTreeSet::new()).await.unwrap();
    let journal = begun(&memory, &plan).await;
    memory.cut_off(true);
    pass(LEASED).await;
    let doubt = async {
        pass(LEASED).await;
        assert!(memory.census().is_empty(), "something was made: {:?}", memory.census());
        memory.cut_off(false);
    };
    let (registry, cloud) = (Arc::new(registry()), Arc::new(places(&memory)));
    let mut silent = |_: &Event| {};
    let running = execute(registry, cloud, journal, &plan, CancellationToken::new(), &mut silent);
    let (outcome, ()) = tokio::join!(running, doubt);
    assert!(outcome.is_success(), "{outcome:#?}");
    held.release().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_who_apply_at_once_make_nothing_twice() {
    let memory = Arc::new(Memory::default());
    let stack = stack();
    let write = async |name: &str| {
        let door = Arc::new(memory.door());
        let lock = ask(&door, name, 100 * LEASED, &[]).await.0.ok().unwrap();
        let ran = apply(&door, &stack).await;
        lock.release().await.unwrap();
        (ran.plan.is_empty(), ran.outcome.is_success())
    };
    let (alice, bob) = tokio::join!(write("alice"), write("bob"));
    let ended = BTreeSet::from([alice, bob]);
    let expected = BTreeSet::from([(false, true), (true, true)]);
    assert_eq!(ended, expected, "one does it, the other finds it done");
    settled(&memory, &stack).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_ends_the_run_and_the_other_finishes_it() {
    let memory = Arc::new(Memory::default());
    let held = ask(&memory, "alice", LEASED, &[]).await.0.ok().unwrap();
    let plan = planned(&memory, &stack(), &BTreeSet::new()).await.unwrap();
    let lost = held.lease().cancel().clone();
    let (registry, cloud) = (Arc::new(registry()), Arc::new(places(&memory)));
    let mut silent = |_: &Event| {};
    let journal = begun(&memory, &plan).await;
    let running = execute(registry, cloud, journal, &plan, lost, &mut silent);
    let door = Arc::new(memory.door());
    let other = async {
        pass(LEASED / 2).await;
        memory.cut_off(true);
        let lock = ask(&door, "bob", 10 * LEASED, &[]).await.0.ok().unwrap();
        memory.cut_off(false);
        lock
    };
    let (outcome, lock) = tokio::join!(running, other);
    assert!(outcome.interrupted && !outcome.abandoned.is_empty(), "{outcome:#?}");
    converge(&door, &stack()).await;
    lock.release().await.unwrap();
}

fn stack() -> Stack {
    everything().build()
}
