//! What a first change would run into is said before it, at its line.

use deployer_tests::{Lab, Ran, run};
use serde_json::json;
use tempfile::TempDir;

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn run(&self, stack: &str, words: &[&str]) -> Ran {
        let path = self.folder.path().join("shop.yaml");
        std::fs::write(&path, stack).expect("a file");
        run(&self.lab, &[words, &["--file", path.to_str().expect("a plain path")]].concat())
    }
}

fn stack(image: &str, secret: &str) -> String {
    format!(
        "\
stack: shop
region: eu-west-1
network: {{ cidr: 10.70.0.0/16, nat: none }}
services:
  web:
    image: {image}
    subnets: public
    secrets:
      TOKEN: /shop/token
      KEY: {secret}
"
    )
}

#[test]
fn what_tasks_need_and_do_not_find_is_said_at_its_line_before_anything_is_made() {
    let world = World { lab: Lab::start_hollow(), folder: tempfile::tempdir().expect("a folder") };
    let body = json!({ "Name": "shop", "SecretString": r#"{"username":"u","secret":"s3cr3t"}"# });
    let made = world.lab.by_hand_in_json("secretsmanager", "secretsmanager.CreateSecret", &body);
    let arn = made["ARN"].as_str().expect("its ARN");
    let registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let wrong = stack(&format!("{registry}/none:1"), &format!("{arn}#password"));

    let ran = world.run(&wrong, &["verify"]);
    let ran = ran.expect(1);
    for said in [
        "there is no repository `none`",
        "there is no such parameter",
        "has no key `password`",
        "it has `secret`, `username`",
        ":6:",
        ":9:",
        ":10:",
    ] {
        assert!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains("s3cr3t") && !ran.stderr.contains("s3cr3t"));
    world.run(&wrong, &["apply", "--verify", "--yes"]).expect(1);
    assert!(world.lab.owned().is_empty(), "nothing is made");

    let parameter = json!({ "Name": "/shop/token", "Value": "t", "Type": "SecureString" });
    world.lab.by_hand_in_json("ssm", "AmazonSSM.PutParameter", &parameter);
    let right = stack("nginx:1.29", &format!("{arn}#secret"));
    let ran = world.run(&right, &["verify"]);
    let ran = ran.expect(0);
    assert!(ran.stdout.contains("Nothing was found"), "{}", ran.stdout);
}
