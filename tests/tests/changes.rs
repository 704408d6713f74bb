//! A sample of the changes under load, and one pair with a fixed seed. `make changes` makes all.

use deployer_tests::{Shop, changes, pairs};

/// Which are made: one for each thing that once went wrong by itself.
const SAMPLE: [&str; 4] = [
    "a health check, with the tasks that answer it",
    "a port",
    "a service takes a path that another had",
    "a secret is renamed, and the new tasks do not start",
];

/// Changes which pair is made.
const SEED: u64 = 7;

#[test]
fn people_see_what_the_plan_says_and_one_apply_is_enough() {
    let all = changes();
    let sample = SAMPLE.iter().map(|name| {
        all.iter().find(|change| change.name == *name).expect("a change of the table").clone()
    });
    let shop = Shop::open();
    let mut wrong = Vec::new();
    for change in sample.chain(pairs(SEED).filter(|pair| shop.takes(pair)).take(1)) {
        for way in shop.play(&change) {
            wrong.extend(way.wrong.iter().map(|wrong| format!("{}: {wrong}", change.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(shop.close(), Vec::<String>::new());
}
