//! What is done before planning.

use std::cell::RefCell;
use std::collections::BTreeSet;

use deployer_core::{Address, Stack};
use deployer_engine::prepare;
use deployer_testkit::{Memory, everything, registry};
use serde_json::json;

fn with_image(image: &str) -> Stack {
    everything().with("revision/web", json!({ "image": image, "url": "x" })).build()
}

fn web() -> BTreeSet<Address> {
    BTreeSet::from([Address::new("revision", "web"), Address::new("network", "main")])
}

#[tokio::test(start_paused = true)]
async fn a_spec_is_made_exact_and_the_rest_of_the_stack_is_left_alone() {
    let heard = RefCell::new(Vec::new());
    let prepared = prepare(
        &registry(),
        &Memory::default(),
        &with_image("web:build"),
        &web(),
        &|address, line| {
            heard.borrow_mut().push(format!("{address}: {line}"));
        },
    )
    .await
    .unwrap();
    assert_eq!(prepared, with_image("web@sha256:1"));
    assert_eq!(heard.into_inner(), ["revision/web: building web", "revision/web: built web"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_targeted_is_prepared() {
    let stack = with_image("web:build");
    assert_eq!(
        prepare(&registry(), &Memory::default(), &stack, &BTreeSet::new(), &|_, _| {})
            .await
            .unwrap(),
        stack
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_prepared_is_named() {
    let stack = with_image("broken:build");
    let (address, failure) =
        prepare(&registry(), &Memory::default(), &stack, &web(), &|_, _| {}).await.unwrap_err();
    assert_eq!(address.to_string(), "revision/web");
    assert_eq!(failure.to_string(), "could not build broken: it does not compile");
}
