//! Releases over time: old ones go, and never what runs.

use deployer_tests::{Lab, run};
use serde_json::{Value, json};

/// Two services that keep their images in one repository of which one release is kept.
const STACK: &str = "\
stack: pair
region: eu-west-1
network: { cidr: 10.20.0.0/16, zones: 2, nat: none }
load-balancers: { edge: { http: forward } }
repositories: { both: { keep: 1, force-delete: true } }
services:
  web:
    image: { repository: both, build: { archive: ARCHIVES/WEB.tar } }
    subnets: public
    environment: { UP: / }
    ports: { http: { port: 8080, health: { path: /, interval: 5 s, timeout: 2 s, unhealthy: 2 }, route: { load-balancer: edge } } }
  worker:
    image: { repository: both, build: { archive: ARCHIVES/answers.tar } }
    subnets: public
";

/// The tags of the releases there are.
fn releases(lab: &Lab) -> Vec<String> {
    let target = |name: &str| format!("AmazonEC2ContainerRegistry_V20150921.{name}");
    let all = lab.by_hand_in_json("ecr", &target("DescribeRepositories"), &json!({}));
    let mut asked = json!({ "repositoryName": all["repositories"][0]["repositoryName"] });
    let mut tags: Vec<String> = Vec::new();
    loop {
        let page = lab.by_hand_in_json("ecr", &target("DescribeImages"), &asked);
        let images = page["imageDetails"].as_array().cloned().unwrap_or_default();
        let tagged = images.iter().filter_map(|image| image["imageTags"].as_array());
        tags.extend(tagged.flatten().filter_map(Value::as_str).map(str::to_owned));
        if page["nextToken"].is_null() {
            tags.sort();
            return tags;
        }
        asked["nextToken"] = page["nextToken"].clone();
    }
}

#[test]
fn old_releases_go_and_those_that_run_or_ran_before_stay() {
    let lab = Lab::start(0.02);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml");
    let file = path.to_str().expect("a plain path");
    let archives = deployer_tests::root().join("tests/contracts/images");
    let write = |web: &str| {
        let text = STACK.replace("WEB", web).replace("ARCHIVES", archives.to_str().expect("plain"));
        std::fs::write(&path, text).expect("a file");
    };
    write("answers");
    run(&lab, &["apply", "--file", file, "--yes"]).expect(0);
    assert_eq!(releases(&lab), ["web-1", "worker-1"]);

    write("other");
    let second = run(&lab, &["publish", "web", "--file", file]).expect(0);
    // It may go back to web-1.
    assert_eq!(releases(&lab), ["web-1", "web-2", "worker-1"], "{}", second.stderr);

    write("answers");
    let third = run(&lab, &["publish", "web", "--file", file]).expect(0);
    // The third is what the first was, and stays under its own name.
    assert_eq!(releases(&lab), ["web-1", "web-2", "web-3", "worker-1"], "{}", third.stderr);

    write("shop");
    let fourth = run(&lab, &["publish", "web", "--file", file]).expect(0);
    assert_eq!(releases(&lab), ["web-1", "web-3", "web-4", "worker-1"], "{}", fourth.stderr);
    assert!(fourth.stderr.contains("deleted the old releases web-2"), "{}", fourth.stderr);
    crate::settled(&lab, file);

    let ids = ["web-1", "web-3", "web-4"].map(|tag| json!({ "imageTag": tag }));
    let gone = json!({ "repositoryName": "pair-default-both", "imageIds": ids });
    lab.by_hand_in_json("ecr", "AmazonEC2ContainerRegistry_V20150921.BatchDeleteImage", &gone);
    let told = run(&lab, &["plan", "--file", file]).expect(0).stdout;
    assert!(told.contains("it is there no more"), "{told}");
    run(&lab, &["destroy", "--file", file, "--yes"]).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
}
