//! Operations are data: nothing in the sources says a second time what they say, the page of
//! permissions follows from them, and nobody but the engine waits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use deployer_aws::operations;
use deployer_engine::Operation;
use deployer_tests::root;

/// The sources of these crates, each with its path.
fn sources(crates: &[&str]) -> BTreeMap<PathBuf, String> {
    let mut sources = BTreeMap::new();
    for name in crates {
        collect(&root().join("crates").join(name).join("src"), &mut sources);
    }
    assert!(!sources.is_empty());
    sources
}

fn collect(folder: &Path, sources: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a text");
            sources.insert(path, text);
        }
    }
}

fn is_declaration(path: &Path) -> bool {
    path.ends_with("operations.rs")
}

/// Whether a text has an operation in brackets: `(ec2:CreateVpc)`.
fn names_an_operation(text: &str) -> bool {
    text.split('(').skip(1).any(|after| {
        let Some((service, name)) = after.split(')').next().and_then(|inner| inner.split_once(':'))
        else {
            return false;
        };
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric());
        let is_name = name.starts_with(|c: char| c.is_ascii_uppercase()) && is_plain(name);
        is_name && !service.is_empty() && is_plain(service)
    })
}

#[test]
fn no_sentence_names_an_operation() {
    assert!(names_an_operation("create the VPC (ec2:CreateVpc)"));
    assert!(!names_an_operation("is_some(Cause::Gone) (see: This)"));
    for (path, text) in sources(&["aws", "engine"]) {
        // The operation's own documentation shows what it makes of one.
        let text = if path.ends_with("engine/src/operation.rs") { "" } else { text.as_str() };
        assert!(!names_an_operation(text), "{}", path.display());
    }
}

#[test]
fn what_reads_and_what_changes_is_said_once() {
    for (path, text) in sources(&["aws"]) {
        let says = [".reads(\"", ".changes(\""].iter().any(|words| text.contains(words));
        let is_of_list = path.ends_with("aws/src/operations.rs");
        assert_eq!(says, is_declaration(&path) && !is_of_list, "{}", path.display());
        for list in ["READING", "\"Describe\"", "\"Get\""] {
            assert!(!text.contains(list), "{}: {list}", path.display());
        }
    }
}

#[test]
fn every_call_is_made_by_send() {
    let (mut sent, mut made) = (0, 0);
    for (path, text) in sources(&["aws"]) {
        if path.ends_with("aws/src/send.rs") {
            continue;
        }
        let text: String = text.split_whitespace().collect();
        sent += text.matches(".send()").count();
        let ways = [".send(&", ".pages(&", ".pages_until(&"];
        made += ways.iter().map(|way| text.matches(way).count()).sum::<usize>();
    }
    assert!(made > 100, "{made}");
    assert_eq!(sent, made, "as many requests are sent as calls are made");
}

#[test]
fn every_operation_is_used_and_declared_once() {
    let sources = sources(&["aws"]);
    let used: String = sources
        .iter()
        .filter(|(path, _)| !is_declaration(path))
        .map(|(_, text)| text.as_str())
        .collect();
    let mut names = BTreeSet::new();
    for operation in operations() {
        assert!(names.insert(operation.to_string()), "{operation} is declared twice");
    }
    let declared = sources.iter().filter(|(path, _)| is_declaration(path));
    for line in declared.flat_map(|(_, text)| text.lines()) {
        let Some((name, _)) = line.trim().split_once(" = SERVICE") else { continue };
        let is_used = used.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        assert!(is_used.into_iter().any(|word| word == name), "{name} is not used");
    }
}

#[test]
fn nobody_waits_but_the_engine_and_it_in_one_place() {
    let crates = ["aws", "cli", "core", "deployer", "engine", "image", "kinds", "stack"];
    let (mut waits, waiting) = (Vec::new(), ["sleep(", "sleep_until(", "park_timeout("]);
    for (path, text) in sources(&crates) {
        if waiting.iter().any(|words| text.contains(words)) {
            waits.push(path.strip_prefix(root()).expect("in the repository").to_owned());
        }
    }
    assert_eq!(waits, [Path::new("crates/engine/src/wait.rs")]);
}

#[test]
fn the_page_of_permissions_is_fresh() {
    let path = root().join("docs/permissions.md");
    let page = page();
    if std::env::vars().any(|(name, _)| name == "UPDATE") {
        std::fs::write(&path, &page).expect("it can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/permissions.md is stale: run `UPDATE=1 cargo test --workspace --test operations`"
    );
}

/// What stands above the lists.
const ABOUT: &str = r"# Permissions

`deployer policy` prints what IAM has to permit for a stack, as a policy that goes into a role, for each of the three roles that people have:

| | |
|---|---|
| `reader` | what `plan`, `status`, `drift` and `outputs` ask for; no value of a secret, no key, no token |
| `deployer` | also what `apply`, `publish`, `secret` and `destroy` change, as far as it is this environment's: by names where names are given, by tags in EC2, which has none; in the stack's regions |
| `break-glass` | also `adopt`, which writes tags on what others made and changes what has another name; a shell in a task, and steering a rollout by hand; on anything in the account |

```
deployer policy deployer --env prod --managed | jq --compact-output '.[]'
```

prints each of the managed policies (6,144 characters) that it takes on a line of its own, for `aws iam create-policy`; a role has room for ten. What a stack names is in them, the names of its domains too, so who takes a domain out of the file deploys once with the policy from before. EC2 apart, what describes is permitted whole (`ecs:Describe*`), since it cannot be limited and shows no secret. In the lab, which evaluates policies, the life of a stack from the first apply to the destroy takes no more than the deployer's, and without any one of the actions that it uses a command ends with that action's name. What the tags of something say can be lost: then `deployer` may not change it, says so, and `break-glass` may.

**Whoever may deploy can become an administrator**: roles are made with the permissions that a stack gives its tasks, so a stack can give a task any. A service control policy of the account limits that. Names are prefixes: an environment `dev` of a stack may be changed by who deploys it, and `dev-eu` of the same stack too, but for load balancers and what is in EC2. A place that is taken out of the stack still holds something until the next apply, which needs the policy from before.

A stack that has a `role:` gets the policy for that role; those who take it need `sts:AssumeRole` on it. Roles that lead to other accounts are named in the policy, and need one there: what the kinds there need, and nothing of Systems Manager.

## What is called

What `deployer` asks of AWS, by service, as IAM names it. It is written from the operations that the code declares (`crates/aws/src/*/operations.rs`); do not edit it.

*Reads* change nothing. The rest is for those who change something, who make the reads as well. `ecs:ExecuteCommand` is for whoever opens a shell in a task, `ecs:StopServiceDeployment` and `ecs:ContinueServiceDeployment` for whoever steers a rollout that is under way. Behind an action stands what IAM asks for beside it, such as the tags in the call that makes a thing, or the right to hand a role to a service.

Those who only plan must not have `ssm:GetParameter`: it reads the key that proves what is ours.
";

/// What is to be permitted, by service.
fn page() -> String {
    let mut services: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations() {
        services.entry(operation.service.name).or_default().push(operation);
    }
    let mut page = ABOUT.to_owned();
    for (service, mut operations) in services {
        operations.sort_by_key(|operation| operation.name);
        let _ = write!(page, "\n## `{service}`\n");
        for (heading, changes) in [("Reads", false), ("Changes", true)] {
            let listed = operations.iter().filter(|operation| operation.changes == changes);
            let lines: Vec<String> = listed.map(|operation| line(operation)).collect();
            if !lines.is_empty() {
                let _ = write!(page, "\n{heading}\n\n{}\n", lines.join("\n"));
            }
        }
    }
    page
}

fn line(operation: &Operation) -> String {
    let also: Vec<String> = operation.also.iter().map(|also| format!("`{also}`")).collect();
    match also.as_slice() {
        [] => format!("* `{operation}`"),
        also => format!("* `{operation}`, with {}", also.join(", ")),
    }
}
