//! What is done to a service that runs: going back, restarting, scaling, looking back.

use std::collections::BTreeSet;

use deployer_tests::{Lab, Ran, root, run_on};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A service in a lab.
struct Web {
    lab: Lab,
    folder: TempDir,
}

impl Web {
    fn new() -> Self {
        let web = Self { lab: Lab::start(0.0), folder: tempfile::tempdir().expect("a folder") };
        web.write("answers", "info");
        web.run(&["apply", "--yes"]).expect(0);
        web
    }

    fn write(&self, image: &str, level: &str) {
        let stacks = root().join("tests/stacks");
        let stacks = stacks.to_str().expect("a plain path");
        let text = std::fs::read_to_string(format!("{stacks}/web.yaml")).expect("the stack");
        let text = text
            .replace(
                "../contracts/images/answers",
                &format!("{stacks}/../contracts/images/{image}"),
            )
            .replace("stack: web\n", "stack: web\norigin: tests\n")
            .replace(
                "subnets: public\n",
                &format!("subnets: public\n    environment: {{ LEVEL: {level} }}\n"),
            );
        std::fs::write(self.file(), text).expect("a file");
    }

    fn file(&self) -> String {
        self.folder.path().join("web.yaml").display().to_string()
    }

    fn run(&self, words: &[&str]) -> Ran {
        run_on(&self.lab, &self.file(), words)
    }

    fn json(&self, words: &[&str]) -> Value {
        let ran = self.run(&[words, &["--json"]].concat()).expect(0);
        serde_json::from_str(&ran.stdout).expect("JSON")
    }

    /// The digests that its tasks run.
    fn digests(&self) -> BTreeSet<String> {
        let service = self.json(&["status"])["services"][0].clone();
        let digests = service["digests"].as_array().cloned().unwrap_or_default();
        digests.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The state of each release, the newest first, with the one that it is again. Of each it is
    /// known who made it.
    fn releases(&self) -> Vec<(u64, String, Option<u64>)> {
        let history = self.json(&["history", "web"]);
        let releases = history["services"][0]["releases"].as_array().cloned().unwrap_or_default();
        assert_eq!(releases[1]["changed"], json!(["LEVEL", "image"]));
        let release = |it: &Value| {
            assert!(it["by"].as_str().is_some_and(|by| by.starts_with("arn:aws:")), "{it}");
            let state = it["state"].as_str().unwrap_or_default().to_owned();
            (it["number"].as_u64().unwrap_or_default(), state, it["again"].as_u64())
        };
        releases.iter().map(release).collect()
    }
}

#[test]
fn the_release_before_serves_again_and_a_plan_says_what_the_file_says_otherwise() {
    let web = Web::new();
    let first = web.digests();
    web.write("other", "debug");
    web.run(&["publish", "web", "--yes"]).expect(0);
    let second = web.digests();
    assert!(first != second, "another image");

    web.run(&["rollback", "web", "--yes"]).expect(0);
    assert_eq!(web.digests(), first);
    let state = |number: u64, state: &str, again: Option<u64>| (number, state.to_owned(), again);
    let releases =
        [state(3, "serving", Some(1)), state(2, "former", None), state(1, "former", None)];
    let again = web.run(&["rollback", "web", "--yes"]).expect(0).stderr;
    assert!(again.contains("runs release 1 again already, as release 3"), "{again}");

    let plan = web.run(&["plan"]).expect(0).stdout;
    assert!(plan.contains("LEVEL") && !plan.contains("image/web"), "{plan}");
    web.write("other", "info");
    web.run(&["plan", "--check"]).expect(0);

    let scaled = web.run(&["scale", "web", "2"]).expect(0).stderr;
    assert!(scaled.contains("the file says 1"), "{scaled}");
    web.run(&["restart", "web"]).expect(0);
    assert_eq!((web.digests(), web.releases()), (first, releases.to_vec()), "the same serves");
    let events = web.run(&["events", "web"]).expect(0).stdout;
    assert!(events.contains("the rollout of release 3 is done"), "{events}");
    assert!(events.contains("has reached a steady state"), "{events}");
}
