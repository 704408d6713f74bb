//! Scans.

use std::sync::Arc;

use deployer_core::{Address, Cause, Failure, Live, Scope};
use deployer_engine::{Adoption, seek};
use deployer_testkit::{
    Call, Fault, Memory, Moment, Operation, converge, everything, observed, places, registry, scope,
};

/// Observes while every scan fails with this cause, this many times.
async fn failing(cause: Cause, times: usize) -> Result<usize, Vec<Failure>> {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    for nth in 0..8 * times {
        memory.arm(nth, Fault::Fail(Moment::Before, cause));
    }
    observed(&memory, &stack).await.map(|snapshot| snapshot.lives.len())
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_fails_for_a_moment_is_made_again() {
    for cause in [Cause::Throttled, Cause::Ambiguous, Cause::NotYet] {
        assert_eq!(failing(cause, 3).await.unwrap(), 9);
        assert!(failing(cause, 9).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_every_scan_alike_is_told_once() {
    for cause in [Cause::Credentials, Cause::Unreachable] {
        assert_eq!(failing(cause, 4).await.unwrap_err().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_found_does_not_depend_on_who_answers_first() {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    let first = observed(&memory, &stack).await.unwrap();
    memory.arm(2, Fault::Fail(Moment::Before, Cause::Throttled));
    assert_eq!(observed(&memory, &stack).await.unwrap(), first);
}

/// Seeks what has the identifier of a resource to make it one of another name, in a scope.
async fn sought(memory: &Arc<Memory>, scope: &Scope, live: &Live, name: &str) -> Option<Live> {
    let address = Address::new(&live.address.kind, name);
    let adoption = Adoption { address, place: live.place.clone(), id: live.id().to_owned() };
    seek(&registry(), &places(memory), scope, &adoption).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_read_by_its_identifier_is_what_a_scan_finds() {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    let before = memory.calls().len();
    for live in observed(&memory, &stack).await.unwrap().lives {
        let read = sought(&memory, &scope(), &live, &live.address.name).await.unwrap();
        assert_eq!(
            (&read.address, read.generation, &read.spec, &read.output),
            (&live.address, live.generation, &live.spec, &live.output)
        );
    }
    let calls = memory.calls()[before..].to_vec();
    let scans = calls.iter().filter(|Call { operation, .. }| *operation == Operation::Scan);
    assert_eq!(scans.count(), 9, "each kind was scanned once, by the observation");
}

#[tokio::test(start_paused = true)]
async fn what_is_of_others_is_read_as_the_first_of_its_address() {
    let memory = Arc::new(Memory::default());
    let stack = everything().build();
    converge(&memory, &stack).await;
    let other = Scope { environment: "other".into(), ..scope() };
    for live in observed(&memory, &stack).await.unwrap().lives {
        let read = sought(&memory, &other, &live, "taken").await.unwrap();
        assert_eq!((read.address.name.as_str(), read.generation), ("taken", 1));
        assert_eq!(read.spec, live.spec);
        let none = Live { output: serde_json::json!({ "id": "none" }), ..live };
        assert_eq!(sought(&memory, &other, &none, "taken").await, None);
    }
}
