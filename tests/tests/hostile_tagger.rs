//! Somebody who may write tags on anything, and may not deploy. See `docs/ownership.md`.

use std::collections::{BTreeMap, BTreeSet};

use deployer_tests::{Lab, Ran, root, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A stack with something of every kind that is told by its tags.
fn stack(name: &str, network: u8) -> String {
    let image = root().join("tests/contracts/images/answers.tar");
    format!(
        "\
stack: {name}
region: eu-west-1
network:
  cidr: 10.{network}.0.0/16
  zones: 2
  nat: single
  private-access: [s3, logs]
  acls: tiers
  flow-logs: 7 days
load-balancers: {{ edge: {{ http: forward, domains: [{name}.example.com] }} }}
repositories: {{ web: {{ force-delete: true }} }}
databases:
  main: {{ engine: postgres, version: \"16\", class: db.t4g.micro, storage: 20 GiB, protect: false }}
secrets: {{ session: {{ recovery: 7 days }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {} }} }}
    ports:
      http:
        port: 8080
        health: {{ path: /, interval: 5 s, timeout: 2 s, unhealthy: 2 }}
        route: {{ load-balancer: edge, path: /api/* }}
    secrets: {{ SESSION_KEY: secrets/session }}
    scale: {{ min: 1, max: 4, cpu: 60% }}
    sidecars: {{ agent: {{ image: {{ of: web }}, essential: false }} }}
jobs:
  clean: {{ like: services/web, sidecars: null, before: services/web, schedule: \"30 3 * * *\" }}
monitoring: {{ notify: [{name}@example.com] }}
",
        image.display()
    )
}

/// An account with two stacks in it: the one that is attacked, and one whose things are to go with
/// it.
struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, network) in [("mine", 40), ("theirs", 50)] {
            let path = folder.path().join(format!("{name}.yaml"));
            std::fs::write(path, stack(name, network)).expect("a file");
        }
        let lab = Lab::start_hollow();
        lab.hosted_zone("example.com");
        Self { lab, folder }
    }

    fn with_both() -> Self {
        let world = Self::new();
        for name in ["mine", "theirs"] {
            world.run(name, "apply --yes").expect(0);
        }
        world
    }

    fn run(&self, name: &str, command: &str) -> Ran {
        let path = self.folder.path().join(format!("{name}.yaml")).display().to_string();
        let words: Vec<&str> = command.split(' ').chain(["--file", &path]).collect();
        run(&self.lab, &words)
    }

    /// All that is tagged as a stack's, but for what is part of something else.
    fn of(&self, stack: &str) -> Vec<Value> {
        let inventory = self.lab.get("/_lab/inventory");
        let all = inventory["resources"].as_array().cloned().expect("a list");
        let ours = all.into_iter().filter(|it| it["tags"]["deployer:stack"] == stack);
        ours.filter(|it| it["kind"] != "ecs:task" && it["kind"] != "ec2:security-group-rule")
            .collect()
    }

    /// What is there and not tagged as this stack's.
    fn but(&self, ours: &BTreeSet<String>) -> BTreeSet<String> {
        self.lab.everything().into_iter().filter(|it| !ours.contains(it)).collect()
    }

    /// The records of a stack's domain, and the markers beside them.
    fn records_of(&self, stack: &str) -> Vec<String> {
        let zones = self.lab.resources().into_iter().filter(|it| it["records"].is_array());
        let records = zones.flat_map(|it| it["records"].as_array().cloned().unwrap_or_default());
        let names = [format!("{stack}.example.com."), format!("._deployer-{stack}-")];
        let is_its = |it: &String| names.iter().any(|name| it.contains(name));
        records.map(|it| text(&it)).filter(is_its).collect()
    }

    fn everything(&self) -> BTreeSet<String> {
        self.lab.everything().into_iter().collect()
    }

    /// Writes tags on something, as whoever may do that and nothing else.
    fn tag(&self, arn: &str, tags: &BTreeMap<String, String>) {
        let service = arn.split(':').nth(2).expect("an ARN");
        let id = arn.rsplit('/').next().expect("an ARN");
        let pairs = |first: &str, (key, value): (&str, &str)| -> Vec<(String, String)> {
            let mut fields = vec![first.split_once('=').expect("a field")];
            let words: Vec<(String, String)> = tags
                .iter()
                .enumerate()
                .flat_map(|(at, (name, text))| {
                    let at = (at + 1).to_string();
                    [(key.replace('N', &at), name.clone()), (value.replace('N', &at), text.clone())]
                })
                .collect();
            let first = fields.pop().map(|(name, value)| (name.to_owned(), value.to_owned()));
            first.into_iter().chain(words).collect()
        };
        let by_hand = |service: &str, action: &str, fields: &[(String, String)]| {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            self.lab.by_hand(service, action, &fields);
        };
        let members = ("Tags.member.N.Key", "Tags.member.N.Value");
        let list = |key: &str, value: &str| -> Value {
            tags.iter().map(|(name, text)| json!({ key: name, value: text })).collect()
        };
        match service {
            "ec2" => {
                let fields = pairs(&format!("ResourceId.1={id}"), ("Tag.N.Key", "Tag.N.Value"));
                by_hand("ec2", "CreateTags", &fields);
            }
            "elasticloadbalancing" => {
                let fields = pairs(&format!("ResourceArns.member.1={arn}"), members);
                by_hand(service, "AddTags", &fields);
            }
            "rds" => {
                let names = ("Tags.Tag.N.Key", "Tags.Tag.N.Value");
                by_hand(
                    service,
                    "AddTagsToResource",
                    &pairs(&format!("ResourceName={arn}"), names),
                );
            }
            "iam" => by_hand(service, "TagRole", &pairs(&format!("RoleName={id}"), members)),
            "ecs" => {
                let body = json!({ "resourceArn": arn, "tags": list("key", "value") });
                let target = "AmazonEC2ContainerServiceV20141113.TagResource";
                self.lab.by_hand_in_json(service, target, &body);
            }
            "ecr" => {
                let body = json!({ "resourceArn": arn, "tags": list("Key", "Value") });
                let target = "AmazonEC2ContainerRegistry_V20150921.TagResource";
                self.lab.by_hand_in_json(service, target, &body);
            }
            "secretsmanager" => {
                let body = json!({ "SecretId": arn, "Tags": list("Key", "Value") });
                self.lab.by_hand_in_json(service, "secretsmanager.TagResource", &body);
            }
            "logs" => {
                let body = json!({ "resourceArn": arn, "tags": tags });
                self.lab.by_hand_in_json(service, "Logs_20140328.TagResource", &body);
            }
            "sns" => {
                by_hand(service, "TagResource", &pairs(&format!("ResourceArn={arn}"), members));
            }
            "sqs" => {
                let [account, name] = [4, 5].map(|at| arn.split(':').nth(at).expect("an ARN"));
                let queue = format!("{}/{account}/{name}", self.lab.address());
                let body = json!({ "QueueUrl": queue, "Tags": tags });
                self.lab.by_hand_in_json(service, "AmazonSQS.TagQueue", &body);
            }
            "states" => {
                let body = json!({ "resourceArn": arn, "tags": list("key", "value") });
                self.lab.by_hand_in_json(service, "AWSStepFunctions.TagResource", &body);
            }
            "scheduler" => {
                let body = json!({ "Tags": list("Key", "Value") });
                self.lab.by_hand_at(service, &["tags", arn], &body);
            }
            "ssm" => {
                let (_, name) = arn.split_once(":parameter").expect("the ARN of a parameter");
                let tags = list("Key", "Value");
                let body = json!({ "ResourceType": "Parameter", "ResourceId": name, "Tags": tags });
                self.lab.by_hand_in_json(service, "AmazonSSM.AddTagsToResource", &body);
            }
            "cloudwatch" => {
                let fields = pairs(&format!("ResourceARN={arn}"), members);
                by_hand("monitoring", "TagResource", &fields);
            }
            "acm" => {
                let body = json!({ "CertificateArn": arn, "Tags": list("Key", "Value") });
                let target = "CertificateManager.AddTagsToCertificate";
                self.lab.by_hand_in_json(service, target, &body);
            }
            "application-autoscaling" => {
                let body = json!({ "ResourceARN": arn, "Tags": tags });
                self.lab.by_hand_in_json(service, "AnyScaleFrontendService.TagResource", &body);
            }
            other => panic!("nobody knows how {other} writes tags"),
        }
    }

    /// Makes what is looked for by its name, with such a name and the tags of ours: a queue and a group
    /// of schedules.
    fn named_like_ours(&self, ours: &BTreeMap<String, BTreeMap<String, String>>) -> Vec<Value> {
        let queue =
            json!({ "QueueName": "mine-default-other", "tags": ours["queue/jobs-not-started"] });
        self.lab.by_hand_in_json("sqs", "AmazonSQS.CreateQueue", &queue);
        let tags = ours["schedule/clean"].iter();
        let tags: Value = tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let path = ["schedule-groups", "mine-default-other"];
        self.lab.by_hand_at("scheduler", &path, &json!({ "Tags": tags }));
        let mut made = self.lab.resources();
        made.retain(|it| text(&it["arn"]).ends_with("mine-default-other"));
        assert_eq!(made.len(), 2, "{made:#?}");
        made
    }

    fn parameter(&self, name: &str) {
        let body = json!({ "Name": format!("/deployer/mine/default/{name}") });
        self.lab.by_hand_in_json("ssm", "AmazonSSM.DeleteParameter", &body);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The tags of something, as they are read.
fn tags_of(thing: &Value) -> BTreeMap<String, String> {
    let tags = thing["tags"].as_object().cloned().unwrap_or_default();
    tags.into_iter().map(|(name, value)| (name, text(&value))).collect()
}

/// The tags that waived every check of tags alone: what deletion does, the name, the mark.
fn forged(address: &str, arn: &str) -> BTreeMap<String, String> {
    let id = arn.rsplit(['/', ':']).next().unwrap_or_default();
    [
        ("deployer:stack", "mine"),
        ("deployer:environment", "default"),
        ("deployer:address", address),
        ("deployer:generation", "1"),
        ("deployer:spec", "0000"),
        ("deployer:adopted", id),
        ("deployer:keep:final-snapshot", "false"),
        ("deployer:keep:force-delete", "true"),
        ("deployer:keep:recovery-days", "0"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// Plans, applies, applies without what was there, and destroys: none of theirs goes or changes.
fn outlives(world: &World, theirs: &[Value]) {
    let arns: BTreeSet<String> =
        theirs.iter().map(|it| format!("{}: {}", text(&it["kind"]), text(&it["arn"]))).collect();
    let ours: BTreeSet<String> =
        world.everything().into_iter().filter(|it| !arns.contains(it)).collect();
    let before = world.but(&ours);
    let records = world.records_of("theirs");
    assert_eq!(records.len(), 4, "a name, its validation, and a marker of each: {records:?}");
    let plan = world.run("mine", "plan --check").expect(0);
    let kinds = [
        "vpc",
        "subnet",
        "nat-gateway",
        "security-group",
        "load-balancer",
        "db-instance",
        "certificate",
        "topic",
        "interface-endpoint",
        "gateway-endpoint",
        "network-acl",
        "flow-log",
        "scalable-target",
        "job",
        "state-machine",
    ];
    for kind in kinds {
        let named = format!("looks like {kind}/");
        assert!(plan.stdout.contains(&named), "{named}: {}", plan.stdout);
    }
    world.run("mine", "apply --yes").expect(0);
    assert_eq!(world.but(&ours), before);
    let smaller = stack("mine", 40).replace("    secrets: { SESSION_KEY: secrets/session }\n", "");
    let smaller = smaller.replace("secrets: { session: { recovery: 7 days } }\n", "");
    std::fs::write(world.folder.path().join("mine.yaml"), smaller).expect("a file");
    world.run("mine", "apply --yes").expect(0);
    assert!(before.is_subset(&world.everything()));
    world.run("mine", "destroy --yes").expect(0);
    assert_eq!(world.records_of("theirs"), records, "names of theirs lead where they did");
    assert_eq!(world.records_of("mine"), Vec::<String>::new());
    let left = world.everything();
    let lost: Vec<&String> = before.difference(&left).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn what_is_tagged_by_somebody_who_may_not_deploy_is_named_and_outlives_everything() {
    let world = World::with_both();
    let theirs = world.of("theirs");
    assert!(theirs.len() > 25, "{}", theirs.len());
    for thing in &theirs {
        let (arn, address) = (text(&thing["arn"]), text(&thing["tags"]["deployer:address"]));
        world.tag(&arn, &forged(&address, &arn));
    }
    outlives(&world, &theirs);
}

#[test]
fn what_carries_the_copied_tags_of_ours_with_their_proofs_outlives_everything() {
    let world = World::with_both();
    let ours: BTreeMap<String, BTreeMap<String, String>> = world
        .of("mine")
        .iter()
        .map(|it| (text(&it["tags"]["deployer:address"]), tags_of(it)))
        .collect();
    let mut theirs = world.of("theirs");
    for thing in &theirs {
        let address = text(&thing["tags"]["deployer:address"]);
        // A certificate's address has its domain.
        let address = address.replace("theirs", "mine");
        world.tag(&text(&thing["arn"]), &ours[&address]);
    }
    theirs.extend(world.named_like_ours(&ours));
    let plan = world.run("mine", "plan --check").expect(0).stdout;
    for kind in ["queue", "schedule"] {
        assert!(plan.contains(&format!("mine-default-other looks like {kind}/")), "{plan}");
    }
    outlives(&world, &theirs);
}

#[test]
fn tags_alone_do_not_make_a_deletion_any_harder() {
    let world = World::new();
    world.run("mine", "apply --yes").expect(0);
    for thing in world.of("mine") {
        let (arn, kind) = (text(&thing["arn"]), text(&thing["kind"]));
        if kind.starts_with("rds:db") || kind.starts_with("secretsmanager") {
            let harder = [("final-snapshot", "false"), ("recovery-days", "0")];
            let harder =
                harder.map(|(field, to)| (format!("deployer:keep:{field}"), to.to_owned()));
            world.tag(&arn, &BTreeMap::from(harder));
        }
    }
    let words = ["--stack", "mine", "--env", "default", "--region", "eu-west-1"];
    let destroyed = run(&world.lab, &[&["destroy", "--yes"][..], &words].concat()).expect(0);
    assert!(destroyed.stdout.contains("leaves the snapshot"), "{}", destroyed.stdout);
    assert!(destroyed.stdout.contains("can be recovered for"), "{}", destroyed.stdout);
}

#[test]
fn a_secret_that_somebody_made_beforehand_is_not_taken_for_ours() {
    let world = World::new();
    let tags: Value = forged("secret/session", "x")
        .into_iter()
        .map(|(name, value)| json!({ "Key": name, "Value": value }))
        .collect();
    let known = json!({
        "Name": "mine/default/session",
        "SecretString": "known to whoever made it",
        "ClientRequestToken": "12345678901234567890123456789012",
        "Tags": tags,
    });
    world.lab.by_hand_in_json("secretsmanager", "secretsmanager.CreateSecret", &known);
    let refused = world.run("mine", "apply --yes").expect(4);
    for words in ["secret/session: failed", "was not made by this stack"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    let services = world.of("mine").iter().filter(|it| it["kind"] == "ecs:service").count();
    assert_eq!(services, 0, "nothing runs with that secret");
}

#[test]
fn a_lost_record_is_confirmed_by_a_person_once() {
    let world = World::new();
    world.run("mine", "apply --yes").expect(0);
    world.parameter("record/1");
    let resources = || -> BTreeSet<String> {
        world.everything().into_iter().filter(|it| !it.starts_with("ssm:")).collect()
    };
    let before = resources();
    for command in ["apply --yes", "destroy --yes"] {
        let refused = world.run("mine", command).expect(5);
        assert!(refused.stderr.contains("adopt --all"), "{}", refused.stderr);
    }
    let plan = world.run("mine", "plan --check").expect(0).stdout;
    // A gateway endpoint's routes are its own, also where the record does not say so.
    assert!(!plan.contains("more than the stack says"), "{plan}");
    world.run("mine", "adopt --all --yes").expect(0);
    world.run("mine", "apply --yes").expect(0);
    assert_eq!(resources(), before);
    world.run("mine", "destroy --yes").expect(0);
}

#[test]
fn a_lost_key_costs_new_tags_and_both_losses_an_adoption() {
    let world = World::new();
    world.run("mine", "apply --yes").expect(0);
    world.parameter("key/private");
    world.parameter("key/public");
    world.run("mine", "apply --yes").expect(0);
    world.run("mine", "plan --check").expect(0);
    // What is made here takes two parts of a record.
    for lost in ["key/private", "key/public", "record/1", "record/2"] {
        world.parameter(lost);
    }
    let before = world.everything();
    let destroyed = world.run("mine", "destroy --yes").expect(0);
    assert!(destroyed.stdout.contains("There is nothing of mine/default"), "{}", destroyed.stdout);
    assert_eq!(world.everything(), before);
    world.run("mine", "adopt --all --yes").expect(0);
    // Rules of security groups carry proofs of their own.
    let applied = world.run("mine", "apply --yes").expect(0);
    assert!(!applied.stderr.contains("+ create"), "{}", applied.stderr);
    world.run("mine", "plan --check").expect(0);
    world.run("mine", "destroy --yes").expect(0);
}

/// What was made is in the record, and is found by its identifier or its name.
#[test]
fn tags_that_cannot_be_read_or_are_gone_hide_nothing() {
    let world = World::new();
    world.run("mine", "apply --yes").expect(0);
    let ours = world.of("mine");
    let odd = |name: &str| BTreeMap::from([(name.to_owned(), "x".to_owned())]);
    for (at, thing) in ours.iter().enumerate() {
        let tag = ["deployer:generation", "deployer:address", "deployer:stack"][at % 3];
        world.tag(&text(&thing["arn"]), &odd(tag));
    }
    let plan = world.run("mine", "plan").expect(0);
    assert!(!plan.stdout.contains("+ create"), "{}", plan.stdout);
    let destroyed = world.run("mine", "destroy --yes").expect(0);
    let left: Vec<String> = world.everything().into_iter().collect();
    let kept = |it: &&String| ours.iter().any(|thing| it.ends_with(&text(&thing["arn"])));
    // What tags say of a deletion is not believed where nobody has signed it: the gentlest way it is.
    let gentle = ["ecr:repository", "secretsmanager:secret", "ecs:task-definition"];
    let is_gentle = |it: &&String| gentle.iter().any(|kind| it.starts_with(kind));
    let left: Vec<&String> = left.iter().filter(kept).filter(|it| !is_gentle(it)).collect();
    assert!(left.is_empty(), "{left:#?}\n{}", destroyed.stdout);
    for kept in ["repository/web", "secret/session"] {
        assert!(destroyed.stdout.contains(kept), "{kept}: {}", destroyed.stdout);
    }
}

/// A tag of ours that somebody has removed, and one that means nothing any more.
#[test]
fn tags_that_are_gone_or_added_refuse_nothing() {
    let world = World::new();
    world.run("mine", "apply --yes").expect(0);
    let origin = ("deployer:origin".to_owned(), "git.test/somebody/mine:stack.yaml".to_owned());
    for thing in world.of("mine") {
        let arn = text(&thing["arn"]);
        world.tag(&arn, &BTreeMap::from([origin.clone()]));
        if thing["kind"].as_str().is_some_and(|kind| kind.starts_with("secretsmanager")) {
            let keys = json!({ "SecretId": arn, "TagKeys": ["deployer:keep:recovery-days"] });
            world.lab.by_hand_in_json("secretsmanager", "secretsmanager.UntagResource", &keys);
        }
    }
    for command in ["plan", "status", "drift"] {
        let ran = world.run("mine", command);
        assert!(matches!(ran.code, Some(0 | 3)), "{command}: {}", ran.stderr);
    }
    world.run("mine", "destroy --yes").expect(0);
}

/// Things that no stack could have made, and whose answers lack what every one of ours has.
#[test]
fn what_cannot_be_read_is_named_and_set_aside() {
    let world = World::new();
    world.run("mine", "apply --yes").expect(0);
    let tags = [("stack", "mine"), ("environment", "default"), ("generation", "1")];
    let mut fields = vec![
        ("Name".to_owned(), "functions".to_owned()),
        ("TargetType".to_owned(), "lambda".to_owned()),
    ];
    let address = ("address", "target-group/functions");
    for (at, (name, value)) in tags.into_iter().chain([address]).enumerate() {
        let at = at + 1;
        fields.push((format!("Tags.member.{at}.Key"), format!("deployer:{name}")));
        fields.push((format!("Tags.member.{at}.Value"), value.to_owned()));
    }
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    world.lab.by_hand("elasticloadbalancing", "CreateTargetGroup", &fields);
    let service = world.of("mine").into_iter().find(|it| it["kind"] == "ecs:service");
    let arn = text(&service.expect("a service")["arn"]);
    let cluster = arn.split('/').nth(1).expect("a cluster").to_owned();
    let tagged: Value = tags
        .into_iter()
        .chain([("address", "service/daemon")])
        .map(|(name, value)| json!({ "key": format!("deployer:{name}"), "value": value }))
        .collect();
    let definition = json!({
        "family": "daemon",
        "containerDefinitions": [{ "name": "a", "image": "a", "memory": 64 }],
    });
    let target = "AmazonEC2ContainerServiceV20141113";
    world.lab.by_hand_in_json("ecs", &format!("{target}.RegisterTaskDefinition"), &definition);
    let daemon = json!({
        "cluster": cluster,
        "serviceName": "daemon",
        "taskDefinition": "daemon",
        "launchType": "EC2",
        "schedulingStrategy": "DAEMON",
        "tags": tagged,
    });
    world.lab.by_hand_in_json("ecs", &format!("{target}.CreateService"), &daemon);
    for command in ["plan", "drift", "status"] {
        let ran = world.run("mine", command);
        assert!(matches!(ran.code, Some(0 | 3)), "{command}: {}", ran.stderr);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("looks like target-group/functions"), "{command}: {said}");
        assert!(said.contains("looks like service/daemon"), "{command}: {said}");
    }
    world.run("mine", "apply --yes").expect(0);
    let group = world.everything().into_iter().find(|it| it.contains("targetgroup/functions"));
    assert!(group.is_some());
}

/// A network with the tags of somebody else's is none that a guest could be put into.
#[test]
fn a_guest_is_put_into_what_its_host_has_proven_and_into_nothing_else() {
    let world = World::new();
    let write = |name: &str, text: &str| {
        std::fs::write(world.folder.path().join(name), text).expect("a file");
    };
    write(
        "host.yaml",
        "stack: host\nregion: eu-west-1\nnetwork: { cidr: 10.70.0.0/16, nat: none }\n",
    );
    let guest = "stack: guest\nregion: eu-west-1\nnetwork: { existing: { stack: host } }\n\
                 resources: { security-group: { web: { vpc: main } } }\n";
    write("guest.yaml", guest);
    world.run("host", "apply --yes").expect(0);
    let tags = world.lab.tags_of("ec2:vpc:");
    let ours = world.lab.id_at("vpc/main");
    let copy = [
        ("CidrBlock".to_owned(), "10.70.0.0/16".to_owned()),
        ("TagSpecification.1.ResourceType".to_owned(), "vpc".to_owned()),
    ];
    let tags = tags.iter().enumerate().flat_map(|(place, (key, value))| {
        let field = |part| format!("TagSpecification.1.Tag.{}.{part}", place + 1);
        [(field("Key"), key.clone()), (field("Value"), value.clone())]
    });
    let copy: Vec<(String, String)> = copy.into_iter().chain(tags).collect();
    let copy: Vec<(&str, &str)> = copy.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    world.lab.by_hand("ec2", "CreateVpc", &copy);
    world.run("guest", "apply --yes").expect(0);
    let group = world.lab.id_at("security-group/web");
    let there = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", ours.as_str())];
    let there = world.lab.by_hand("ec2", "DescribeSecurityGroups", &there);
    assert!(there.contains(&group), "{there}");
    world.run("guest", "destroy --yes").expect(0);

    // Without the original the copy proves nothing.
    world.run("host", "destroy --yes").expect(0);
    let refused = world.run("guest", "plan").expect(1).stderr;
    assert!(refused.contains("the network of host/default may be somebody else's"), "{refused}");
}
