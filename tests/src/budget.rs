//! How many calls a plan without changes may make, as counts that `make bench` prints and a test
//! holds.

use serde_json::{Value, json};

use crate::lab::root;
use crate::{Lab, Ran};

/// The most calls of a plan of the sample stack: one for each list, and for what lists leave out.
/// None asks whose account it is: what the account keeps of the environment says so.
const PLAN: u64 = 25;

/// The most that the same plan makes beyond it where others have much in the account.
const CROWD: u64 = 2;

/// How many calls something made, beside how many it may.
#[derive(Clone, Debug)]
pub struct Budgeted {
    /// What was counted.
    pub what: &'static str,
    /// How many there were.
    pub calls: u64,
    /// How many there may be.
    pub budget: u64,
    /// Each operation that was asked for, with how often.
    pub operations: Value,
}

/// The most calls of a plan of `tests/stacks/everything.yaml`, a hundred resources with two
/// services. Each further one takes six: AWS shows an image, the rules of a repository, a task
/// definition, the attributes of a target group, policies and scheduled actions one by one.
const EVERYTHING: u64 = 45;

/// Counts the calls of plans of the sample stack, and of one with all that there is, in a lab that
/// has nothing yet and in which nothing runs. `deployer` runs the binary with arguments.
///
/// # Panics
/// When something does not come up, or a plan is not empty.
pub fn budgeted(lab: &Lab, deployer: impl Fn(&[&str]) -> Ran) -> Vec<Budgeted> {
    let folder = tempfile::tempdir().expect("a folder");
    let stack = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let plan = |path: &str| {
        lab.reset_calls();
        deployer(&["plan", "--check", "--file", path, "--env", "dev"]).expect(0);
        lab.calls()
    };
    let apply = |path: &str| {
        deployer(&["apply", "--yes", "--file", path, "--env", "dev"]).expect(0);
    };

    let sample = stack("sample.yaml", &sample());
    apply(&sample);
    let alone = plan(&sample);
    lab.reset();
    lab.populate(&crowd());
    apply(&sample);
    let crowded = plan(&sample);
    lab.reset();
    let without = stack("without.yaml", &without_database());
    apply(&without);
    let without = plan(&without);
    lab.reset();
    lab.hosted_zone("example.com");
    let everything = root().join("tests/stacks/everything.yaml").display().to_string();
    apply(&everything);
    let everything = plan(&everything);

    let total = |calls: &Value| calls["total"].as_u64().expect("the lab counts calls");
    let rds = without["operations"].as_object().into_iter().flatten();
    let rds = rds.filter(|(operation, _)| operation.starts_with("rds:"));
    let rds = rds.filter_map(|(_, times)| times.as_u64()).sum();
    let row = |what, calls, budget, counted: &Value| Budgeted {
        what,
        calls,
        budget,
        operations: counted["operations"].clone(),
    };
    vec![
        row("calls of a plan without changes", total(&alone), PLAN, &alone),
        row("the same in a crowded account", total(&crowded), total(&alone) + CROWD, &crowded),
        row("calls of RDS without a database", rds, 0, &without),
        row("calls of a plan of everything", total(&everything), EVERYTHING, &everything),
    ]
}

/// What others have in a crowded account.
fn crowd() -> Value {
    json!({
        "roles": 1000,
        "target-groups": 500,
        "load-balancers": 50,
        "repositories": 300,
        "secrets": 300,
        "log-groups": 300,
    })
}

/// The sample stack with an image that is there, so that none is built.
fn sample() -> String {
    let text = std::fs::read_to_string(root().join("stacks/notes.yaml")).expect("the sample stack");
    let image = root().join("tests/contracts/images/answers.tar");
    replaced(&text, "cargo: ../app", &format!("archive: {}", image.display()))
}

/// The same without its database.
fn without_database() -> String {
    let text = replaced(&sample(), "    uses: [databases/main]\n", "");
    let databases = text.split_once("\ndatabases:\n").and_then(|(before, rest)| {
        let (_, after) = rest.split_once("\n\n")?;
        Some(format!("{before}\n{after}"))
    });
    let lines = databases.expect("a section of databases");
    let lines = lines.lines().filter(|line| !line.trim_start().starts_with("databases:"));
    lines.collect::<Vec<_>>().join("\n")
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the sample stack has no `{from}`");
    text.replace(from, to)
}
