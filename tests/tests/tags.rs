//! Tags of the user's own: on everything from the first call, changed and taken off.

use deployer_tests::{Lab, Ran, root, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Something of each service whose tags are written in another way.
const STACK: &str = "\
network: { cidr: 10.40.0.0/16, zones: 2, nat: single }
load-balancers: { edge: { http: forward } }
repositories: { web: { force-delete: true } }
secrets: { session: { recovery: none } }
databases: { main: { engine: postgres, version: 16, protect: false, final-snapshot: false } }
services: { worker: { image: { repository: web, build: { archive: ARCHIVE } }, uses: [databases/main] } }
resources:
  log-group: { work: { retention-days: 7 } }
";

/// The creates that a policy may demand tags of.
const CREATES: &[&str] = &[
    "ec2:AllocateAddress",
    "ec2:AuthorizeSecurityGroup*",
    "ec2:CreateInternetGateway",
    "ec2:CreateNatGateway",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpc",
    "ecr:CreateRepository",
    "ecs:Create*",
    "ecs:RegisterTaskDefinition",
    "elasticloadbalancing:Create*",
    "iam:CreateRole",
    "logs:CreateLogGroup",
    "rds:CreateDB*",
    "secretsmanager:CreateSecret",
    "ssm:PutParameter",
];

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn with(head: &str) -> Self {
        let lab = Lab::start_hollow();
        let world = Self { lab, folder: tempfile::tempdir().expect("a folder") };
        world.write(head);
        world
    }

    fn write(&self, head: &str) {
        let image = root().join("tests/contracts/images/answers.tar").display().to_string();
        let stack = STACK.replace("ARCHIVE", &image);
        let text = format!("stack: mine\nregion: eu-west-1\n{head}\n{stack}");
        std::fs::write(self.folder.path().join("stack.yaml"), text).expect("a file");
    }

    fn run(&self, command: &str) -> Ran {
        let file = self.folder.path().join("stack.yaml").display().to_string();
        let words = command.split(' ').chain(["--file", &file]);
        run(&self.lab, &words.collect::<Vec<_>>())
    }

    /// What is ours and does not have this value of a tag; none for one that it is not to have.
    fn lacking(&self, key: &str, value: Option<&str>) -> Vec<String> {
        let resources = self.lab.resources();
        let ours = resources.iter().filter(|it| {
            let arn = it["arn"].as_str().unwrap_or_default();
            // A task and a snapshot have those of the time when they were made.
            if it["kind"] == "ecs:task" || it["kind"] == "rds:snapshot" {
                return false;
            }
            !it["tags"]["deployer:stack"].is_null() || arn.contains(":parameter/deployer/")
        });
        let lacking = ours.filter(|it| it["tags"].get(key).and_then(Value::as_str) != value);
        lacking.map(|it| it["arn"].to_string()).collect()
    }
}

#[test]
fn everything_has_them_from_the_first_call_as_a_policy_demands() {
    let world = World::with("");
    let denied: Vec<Value> = CREATES
        .iter()
        .map(|call| json!({ "kind": "deny", "match": call, "unless_tagged": "cost-center" }))
        .collect();
    world.lab.fault(&denied.into());
    let refused = world.run("apply --yes");
    assert_ne!(refused.code, Some(0), "{}", refused.stderr);
    assert_eq!(world.lab.everything(), Vec::<String>::new());

    world.write("tags: { team: notes, cost-center: 42 }");
    world.run("apply --yes").expect(0);
    for (key, value) in [("team", "notes"), ("cost-center", "42")] {
        assert_eq!(world.lacking(key, Some(value)), Vec::<String>::new(), "{key}");
    }
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.owned(), Vec::<String>::new());
}

#[test]
fn changed_ones_are_written_and_those_taken_out_go_but_none_of_others() {
    let world = World::with("tags: { team: notes, stage: dev }");
    world.run("apply --yes").expect(0);
    let vpc = world.lab.id_at("vpc/main");
    let by_hand = [("ResourceId.1", vpc.as_str()), ("Tag.1.Key", "owner"), ("Tag.1.Value", "me")];
    world.lab.by_hand("ec2", "CreateTags", &by_hand);
    world.run("plan --check").expect(0);

    world.write("tags: { team: tea }");
    let plan = world.run("plan --check").expect(3).stdout;
    assert!(plan.contains("tags.team") && plan.contains("nobody notices"), "{plan}");
    assert!(!plan.contains("outage") && !plan.contains("replace"), "{plan}");
    world.run("apply --yes").expect(0);
    assert_eq!(world.lacking("team", Some("tea")), Vec::<String>::new());
    assert_eq!(world.lacking("stage", None), Vec::<String>::new());
    world.run("plan --check").expect(0);

    world.write("");
    world.run("apply --yes").expect(0);
    assert_eq!(world.lacking("team", None), Vec::<String>::new());
    assert_eq!(world.lacking("deployer:tags", None), Vec::<String>::new());
    let tags = world.lab.tags_of("ec2:vpc:");
    assert!(tags.contains(&("owner".to_owned(), "me".to_owned())), "{tags:?}");
    world.run("plan --check").expect(0);
}
