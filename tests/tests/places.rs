//! One stack in two accounts and two regions.

use deployer_tests::{Lab, Ran, begin, deployer, end, run};
use serde_json::json;
use tempfile::TempDir;

const OTHER: &str = "222222222222";

/// Something at home, in another region, in another account, and in both; one refers to another.
const STACK: &str = "\
stack: spread
region: eu-west-1
variables: { role: }
resources:
  vpc:
    home: { cidr: 10.0.0.0/16 }
    away: { cidr: 10.1.0.0/16, at: { role: \"${role}\", region: eu-central-1 } }
  security-group:
    away: { vpc: away, ingress: [{ port: 443, from: 10.0.0.0/8 }], at: { role: \"${role}\", region: eu-central-1 } }
  log-group:
    copy: { retention-days: 7, at: { region: eu-central-1 } }
  role:
    dns:
      services: [ecs-tasks.amazonaws.com]
      at: { role: \"${role}\" }
";

struct World {
    lab: Lab,
    folder: TempDir,
    role: String,
}

impl World {
    fn new() -> Self {
        let lab = Lab::start(0.0);
        let role = lab.role(OTHER, "deploy");
        let world = Self { lab, folder: tempfile::tempdir().expect("a folder"), role };
        world.write(STACK);
        world
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("stack.yaml"), text).expect("a file");
    }

    fn words(&self, command: &str) -> Vec<String> {
        let file = self.folder.path().join("stack.yaml").display().to_string();
        let words = command.split(' ').map(ToOwned::to_owned);
        words
            .chain(["--file".to_owned(), file, "--var".to_owned(), format!("role={}", self.role)])
            .collect()
    }

    fn run(&self, command: &str) -> Ran {
        let words = self.words(command);
        run(&self.lab, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Runs a command that is killed at a call.
    fn run_killed(&self, command: &str, call: &str, when: &str) {
        let words = self.words(command);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let child = begin(&mut deployer(&self.lab, &words));
        let pid = child.id();
        self.lab.fault(&json!({ "kind": "kill", "match": call, "pid": pid, "when": when }));
        assert_eq!(end(child).code, None, "{command} was killed");
        self.lab.clear_faults();
    }

    /// The ARNs of what carries our tags, without those of the account's parameters.
    fn owned(&self) -> Vec<String> {
        self.lab.owned()
    }
}

#[test]
fn it_is_made_where_it_belongs_planned_empty_and_destroyed() {
    let world = World::new();
    let plan = world.run("plan").expect(0).stdout;
    for told in [
        "vpc/away in 222222222222/eu-central-1",
        "log-group/copy in eu-central-1",
        "role/dns in 222222222222",
        "vpc/home\n",
    ] {
        assert!(plan.contains(told), "{told}: {plan}");
    }
    world.run("apply --yes").expect(0);
    let owned = world.owned();
    for arn in [
        "arn:aws:ec2:eu-west-1:123456789012:vpc/",
        "arn:aws:ec2:eu-central-1:222222222222:vpc/",
        "arn:aws:ec2:eu-central-1:222222222222:security-group/",
        "arn:aws:logs:eu-central-1:123456789012:log-group:",
        "arn:aws:iam::222222222222:role/",
    ] {
        assert!(owned.iter().any(|it| it.contains(arn)), "{arn}: {owned:#?}");
    }
    let plan = world.run("plan").expect(0).stdout;
    assert!(plan.contains("No changes."), "{plan}");
    let status = world.run("status --json").expect(0).stdout;
    assert!(status.contains("\"region\": \"eu-central-1\""), "{status}");

    // Nothing but the record is needed for the end.
    let name =
        ["destroy", "--stack", "spread", "--env", "default", "--region", "eu-west-1", "--yes"];
    run(&world.lab, &name).expect(0);
    assert_eq!(world.owned(), Vec::<String>::new());
}

#[test]
fn a_run_killed_in_the_middle_is_continued_by_the_next_one() {
    for when in ["before", "after"] {
        let world = World::new();
        for call in ["ec2:CreateSecurityGroup", "iam:CreateRole", "logs:CreateLogGroup"] {
            world.run_killed("apply --yes", call, when);
            world.run("apply --yes").expect(0);
            assert!(world.run("plan").expect(0).stdout.contains("No changes."));
            assert_eq!(world.lab.twins(), Vec::<String>::new());
            world.run_killed("destroy --yes", "ec2:DeleteVpc", when);
            world.run("destroy --yes").expect(0);
            assert_eq!(world.owned(), Vec::<String>::new());
        }
    }
}

#[test]
fn what_moves_is_made_there_before_it_goes_here() {
    let world = World::new();
    world.run("apply --yes").expect(0);
    world.write(&STACK.replace("at: { region: eu-central-1 }", "at: { role: \"${role}\" }"));
    let plan = world.run("plan").expect(0).stdout;
    assert!(plan.contains("replace  log-group/copy in 222222222222"), "{plan}");
    assert!(plan.contains("at  eu-central-1 → 222222222222"), "{plan}");
    world.run("apply --yes").expect(0);
    let owned = world.owned();
    let groups: Vec<&String> = owned.iter().filter(|it| it.contains(":log-group:")).collect();
    assert!(matches!(groups.as_slice(), [one] if one.contains(":eu-west-1:222222222222:")));
}

#[test]
fn a_role_that_may_not_be_assumed_is_told_before_anything_is_done() {
    let mut world = World::new();
    world.role = format!("arn:aws:iam::{OTHER}:role/unknown");
    let denied = world.run("apply --yes").expect(1);
    for told in ["assume the role", "unknown"] {
        assert!(denied.stderr.contains(told), "{told}: {}", denied.stderr);
    }
    assert_eq!(denied.stderr.matches("trust policy").count(), 1, "{}", denied.stderr);
    assert_eq!(world.owned(), Vec::<String>::new());
}

#[test]
fn a_place_that_is_none_is_a_mistake_where_it_stands() {
    let mut world = World::new();
    world.role = "deploy".to_owned();
    let wrong = world.run("plan").expect(1).stderr;
    assert!(wrong.contains("`deploy` is not the ARN of a role"), "{wrong}");
    world.role = format!("arn:aws:iam::{OTHER}:role/deploy");
    world.write(&STACK.replace("at: { region: eu-central-1 }", "at: { region: eu-centrall }"));
    let wrong = world.run("plan").expect(1).stderr;
    assert!(wrong.contains("`eu-centrall` is not a valid AWS region"), "{wrong}");
    world.write(&STACK.replace("at: { role: \"${role}\" }", "at: { region: eu-central-1 }"));
    let wrong = world.run("plan").expect(1).stderr;
    assert!(wrong.contains("a role is in no region"), "{wrong}");
}

/// A stack at home in the account that a role leads to.
fn at_home_elsewhere(world: &World, account: &str) {
    let role = &world.role;
    world.write(&format!(
        "stack: away\nregion: eu-west-1\naccount: {account}\nvariables: {{ role: \"\" }}\n\
         environments: {{ dev: {{}}, prod: {{ account: {OTHER}, role: \"{role}\" }} }}\n\
         resources: {{ log-group: {{ web: {{ retention-days: 7 }} }} }}\n"
    ));
}

#[test]
fn a_stack_is_at_home_where_its_role_leads() {
    let world = World::new();
    at_home_elsewhere(&world, "123456789012");
    let plan = world.run("plan --env prod").expect(0).stdout;
    assert!(plan.contains(&format!("account {OTHER}")), "{plan}");
    world.run("apply --env prod --yes").expect(0);
    let owned = world.owned();
    assert!(!owned.is_empty());
    assert!(owned.iter().all(|arn| arn.contains(OTHER)), "{owned:#?}");
    world.run("plan --env prod --check").expect(0);
    world.run("status --env prod").expect(0);
    world.run("destroy --env prod --yes").expect(0);
    assert_eq!(world.owned(), Vec::<String>::new());
}

#[test]
fn with_credentials_of_another_account_only_sts_is_asked() {
    let world = World::new();
    at_home_elsewhere(&world, "111122223333");
    world.lab.reset_calls();
    for command in ["plan", "status", "outputs", "apply --yes", "destroy --yes"] {
        let ran = world.run(&format!("{command} --env dev")).expect(5);
        assert!(ran.stderr.contains("wrong-account"), "{command}: {}", ran.stderr);
    }
    let calls = world.lab.calls()["operations"].clone();
    let names: Vec<&String> = calls.as_object().expect("counters").keys().collect();
    assert_eq!(names, ["sts:GetCallerIdentity"]);
}
