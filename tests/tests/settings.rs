//! What tasks start with: files beside the stack, and values that exist already.

use deployer_tests::{Lab, Ran, root, run_on};
use serde_json::json;
use tempfile::TempDir;

/// Of AWS's durations.
const SCALE: f64 = 0.02;

struct World {
    lab: Lab,
    folder: TempDir,
    /// A key of KMS.
    key: String,
}

impl World {
    /// A job that reads a key of a secret and a parameter, which nobody has made yet.
    fn new() -> Self {
        let (lab, folder) = (Lab::start(SCALE), tempfile::tempdir().expect("a folder"));
        let made = lab.by_hand_in_json("kms", "TrentService.CreateKey", &json!({}));
        let key = made["KeyMetadata"]["Arn"].as_str().expect("an ARN").to_owned();
        let secret = json!({ "Name": "stripe", "SecretString": r#"{"user":"shop"}"# });
        let secret = lab.by_hand_in_json("secretsmanager", "secretsmanager.CreateSecret", &secret);
        let secret = secret["ARN"].as_str().expect("an ARN");
        let images = root().join("tests/contracts/images");
        let images = images.display();
        let text = format!(
            "\
stack: shop
region: eu-west-1
origin: tests
network: {{ zones: 2, nat: none }}
repositories: {{ tools: {{ force-delete: true }} }}
secrets:
  stripe: {{ existing: \"{secret}\" }}
  flags: {{ existing: {{ id: /shop/flags, key: \"{key}\" }} }}
jobs:
  tool:
    image: {{ repository: tools, build: {{ archive: {images}/job.tar }} }}
    subnets: public
    env-file: tool.env
    uses: [secrets/flags]
    secrets: {{ USER: secrets/stripe.user }}
"
        );
        let world = Self { lab, folder, key };
        world.write("deployer.yaml", &text);
        world.write("tool.env", "LOG=info\n");
        world
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn run(&self, words: &[&str]) -> Ran {
        let file = self.folder.path().join("deployer.yaml").display().to_string();
        run_on(&self.lab, &file, words)
    }
}

#[test]
fn a_task_starts_with_a_file_of_variables_and_with_values_that_exist() {
    let world = World::new();
    world.run(&["apply", "--yes"]).expect(0);
    world.run(&["plan", "--check"]).expect(0);
    let lacking = world.run(&["run", "tool"]);
    assert_ne!(lacking.code, Some(0), "{}", lacking.stderr);
    assert!(lacking.stderr.contains("invalid parameters: /shop/flags"), "{}", lacking.stderr);

    let flags = json!({
        "Name": "/shop/flags", "Value": "on", "Type": "SecureString", "KeyId": world.key,
    });
    world.lab.by_hand_in_json("ssm", "AmazonSSM.PutParameter", &flags);
    world.run(&["run", "tool"]).expect(0);

    world.write("tool.env", "LOG=debug\nLOG_TOKEN=hunter2\n");
    let refused = world.run(&["plan"]).expect(1).stderr;
    assert!(refused.contains("tool.env, line 2: `LOG_TOKEN`"), "{refused}");
    assert!(!refused.contains("hunter2"), "{refused}");
    world.write("tool.env", "LOG=debug\n");
    let planned = world.run(&["plan"]).expect(0).stdout;
    assert!(planned.contains("debug"), "{planned}");

    let text = std::fs::read_to_string(world.folder.path().join("deployer.yaml")).expect("it");
    let places = ["    subnets: public\n", "    subnets: public\n    secrets-from: /shop/prod/*\n"];
    world.write("deployer.yaml", &text.replace(places[0], places[1]));
    let put = |name: &str| {
        let parameter = json!({ "Name": name, "Value": "hunter2", "Type": "SecureString" });
        world.lab.by_hand_in_json("ssm", "AmazonSSM.PutParameter", &parameter);
    };
    put("/shop/prod/db-password");
    world.run(&["apply", "--yes"]).expect(0);
    world.run(&["plan", "--check"]).expect(0);
    world.run(&["run", "tool"]).expect(0);
    put("/shop/prod/db-user");
    let planned = world.run(&["plan"]).expect(0).stdout;
    assert!(planned.contains("secrets.DB_USER"), "{planned}");
    assert!(!planned.contains("hunter2"), "{planned}");
}
