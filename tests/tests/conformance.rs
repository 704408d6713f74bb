//! A run of the conformance suite, with a lab in the place of a real account.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use deployer_tests::{Lab, Ran, end, finish, root, wait_until};
use serde_json::Value;

/// Parts that take little time: a contract of a service with JSON and one of a service with XML.
const PARTS: &str = "vpc,secret";

/// The account of the lab.
const ACCOUNT: &str = "123456789012";

fn conformance(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conformance"));
    command
        .args(arguments)
        .current_dir(root())
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .envs(lab.environment());
    command
}

fn run(lab: &Lab, arguments: &[&str]) -> Ran {
    finish(&mut conformance(lab, arguments))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_run_keeps_all_and_leaves_a_report_and_nothing_else() {
    let lab = Lab::start(0.02);
    lab.set_hostile(3);
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a plain path");
    let parts = format!("{PARTS},stack,listener");
    let arguments = ["run", "--account", ACCOUNT, "--yes", "--only", &parts, "--out", out];
    let ran = run(&lab, &arguments).expect(0);
    assert!(ran.stdout.contains("3 of 4 kept"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it needs two certificates"), "{}", ran.stdout);
    assert_eq!(lab.owned(), Vec::<String>::new());

    let report: Value =
        serde_json::from_str(&read(&folder.path().join("report.json"))).expect("JSON");
    assert_eq!(report["parts"].as_array().map(Vec::len), Some(4));
    let operations = report["operations"].as_array().expect("a list");
    let vpc = operations.iter().find(|it| it["operation"] == "EC2:CreateVpc").expect("it was made");
    assert!(vpc["here"].as_u64() > Some(0) && vpc["lab"].as_u64() > Some(0), "{vpc}");
    // Here both are labs: what is different is the luck that calls have.
    for operation in operations {
        for difference in operation["differences"].as_array().expect("a list") {
            assert_ne!(difference["what"], "default", "{}: {difference}", operation["operation"]);
        }
    }
    assert!(read(&folder.path().join("report.html")).contains("EC2:CreateVpc"));

    let secrets = lab.secrets();
    for entry in std::fs::read_dir(folder.path().join("answers")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = read(&path);
        assert!(!text.contains(ACCOUNT) && !text.contains("user/lab"), "{}", path.display());
        assert!(!secrets.iter().any(|it| it.len() > 7 && text.contains(it)), "{}", path.display());
    }
}

#[test]
fn another_account_is_refused_and_so_is_more_than_it_may_cost() {
    let lab = Lab::start(0.0);
    let other = run(&lab, &["run", "--account", "111111111111", "--yes"]).expect(2);
    assert!(other.stderr.contains("nothing was done"), "{}", other.stderr);
    let dear = run(&lab, &["run", "--account", ACCOUNT, "--yes", "--dollars", "0.01"]).expect(2);
    assert!(dear.stderr.contains("raise --dollars"), "{}", dear.stderr);
    let nobody = run(&lab, &["run", "--account", ACCOUNT, "--only", "vpc"]).expect(2);
    assert!(nobody.stderr.contains("say --yes"), "{}", nobody.stderr);
    let shared = ["run", "--account", ACCOUNT, "--yes", "--out", "tests"];
    let shared = run(&lab, &shared).expect(2);
    assert!(shared.stderr.contains("name another with --out"), "{}", shared.stderr);
    let unknown = run(&lab, &["run", "--account", ACCOUNT, "--only", "vcp"]).expect(2);
    assert!(unknown.stderr.contains("`vcp` is none of"), "{}", unknown.stderr);
    assert_eq!(lab.everything(), Vec::<String>::new());
}

#[test]
fn what_a_killed_run_has_left_is_swept_up() {
    let lab = Lab::start(0.05);
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("a plain path");
    let arguments = ["run", "--account", ACCOUNT, "--yes", "--only", PARTS, "--out", out];
    let mut killed: Child = conformance(&lab, &arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    wait_until("something is made", || !lab.owned().is_empty());
    killed.kill().expect("it is our child");
    end(killed);
    let swept = run(&lab, &["sweep", "--account", ACCOUNT, "--only", PARTS]).expect(0);
    assert!(swept.stdout.contains("nothing is left"), "{}", swept.stdout);
    wait_until("nothing is left", || lab.owned().is_empty());
}
