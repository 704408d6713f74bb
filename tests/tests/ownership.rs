//! What is ours and what is not: copies, namesakes, neighbours, what others attached, what lost its tags.

use std::path::Path;
use std::process::Command;

use deployer_tests::{Lab, Ran, deployer, finish, run};
use serde_json::json;
use tempfile::TempDir;

/// A stack with something of most services that is quick to make.
const STACK: &str = "\
stack: mine
region: eu-west-1
network: { cidr: 10.40.0.0/16, zones: 2, nat: none }
load-balancers: { edge: { http: forward } }
resources:
  log-group: { work: { retention-days: 7 } }
  cluster: { main: {} }
  target-group: { web: { vpc: main, port: 9000 } }
";

/// A lab, and a folder with a stack.
struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn with(stack: &str) -> Self {
        let world = Self { lab: Lab::start(0.0), folder: tempfile::tempdir().expect("a folder") };
        world.write("stack.yaml", stack);
        world
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn run(&self, command: &str) -> Ran {
        self.run_on("stack.yaml", command)
    }

    fn run_on(&self, name: &str, command: &str) -> Ran {
        let path = self.folder.path().join(name).display().to_string();
        let words: Vec<&str> = command.split(' ').chain(["--file", &path]).collect();
        run(&self.lab, &words)
    }

    /// The identifier at the end of the ARN of the one thing of a kind.
    fn id(&self, kind: &str) -> String {
        let all = self.lab.everything();
        let mut found = all.iter().filter(|it| it.starts_with(&format!("{kind}:")));
        let (Some(one), None) = (found.next(), found.next()) else {
            panic!("not one {kind}: {all:?}")
        };
        one.rsplit('/').next().expect("an ARN").to_owned()
    }

    fn arn(&self, kind: &str) -> String {
        let all = self.lab.everything();
        let one = all.iter().find_map(|it| it.strip_prefix(&format!("{kind}: ")));
        one.unwrap_or_else(|| panic!("no {kind}: {all:?}")).to_owned()
    }
}

#[test]
fn what_carries_copied_tags_is_told_and_outlives_the_stack() {
    let world = World::with(STACK);
    world.run("apply --yes").expect(0);
    let tags = world.lab.tags_of("ec2:vpc:");
    let mut vpc = vec![
        ("CidrBlock".to_owned(), "192.168.0.0/16".to_owned()),
        ("TagSpecification.1.ResourceType".to_owned(), "vpc".to_owned()),
    ];
    for (place, (key, value)) in tags.iter().enumerate() {
        vpc.push((format!("TagSpecification.1.Tag.{}.Key", place + 1), key.clone()));
        vpc.push((format!("TagSpecification.1.Tag.{}.Value", place + 1), value.clone()));
    }
    let vpc: Vec<(&str, &str)> = vpc.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    world.lab.by_hand("ec2", "CreateVpc", &vpc);
    let tags: serde_json::Map<_, _> =
        world.lab.tags_of("log-group:/mine").into_iter().map(|(k, v)| (k, v.into())).collect();
    let copy = json!({ "logGroupName": "/mine/default/work-copied", "tags": tags });
    world.lab.by_hand_in_json("logs", "Logs_20140328.CreateLogGroup", &copy);

    let ran = world.run("apply --yes").expect(0);
    assert!(ran.stderr.contains("looks like vpc/main: left alone"), "{}", ran.stderr);
    assert!(ran.stderr.contains("work-copied looks like log-group/work"), "{}", ran.stderr);
    let status = world.run("status").expect(0);
    assert!(status.stderr.contains("looks like vpc/main"), "{}", status.stderr);

    world.run("destroy --yes").expect(0);
    let left = world.lab.everything();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().any(|it| it.starts_with("ec2:vpc:")), "{left:?}");
    assert!(left.iter().any(|it| it.ends_with("work-copied")), "{left:?}");
}

#[test]
fn a_namesake_that_is_not_ours_is_neither_taken_over_nor_deleted() {
    let world = World::with(STACK);
    // It comes up between the plan, which would have named it, and the run.
    let plan = world.folder.path().join("plan.json").display().to_string();
    world.run(&format!("plan --out {plan}")).expect(0);
    let group = json!({ "logGroupName": "/mine/default/work" });
    world.lab.by_hand_in_json("logs", "Logs_20140328.CreateLogGroup", &group);
    let cluster = json!({ "clusterName": "mine-default-main" });
    let target = "AmazonEC2ContainerServiceV20141113.CreateCluster";
    world.lab.by_hand_in_json("ecs", target, &cluster);

    let ran = world.run(&format!("apply {plan} --yes")).expect(4);
    for address in ["log-group/work", "cluster/main"] {
        assert!(ran.stderr.contains(&format!("error: {address}")), "{}", ran.stderr);
        let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&format!("deployer adopt {address}")), "{}", ran.stderr);
        assert!(said.contains("was not made by this stack"), "{}", ran.stderr);
    }
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything().len(), 2, "{:?}", world.lab.everything());
}

#[test]
fn what_aws_hands_back_as_if_it_were_made_is_not_taken_over() {
    // A target group that nothing leads to would change with what others make.
    let listener = |name: &str, port: u16| {
        format!(
            "{name}: {{ load-balancer: edge, port: {port}, default-action: {{ forward: web }} }}"
        )
    };
    let main = listener("main", 8081);
    let world = World::with(&format!("{STACK}  listener: {{ {main} }}\n"));
    world.run("apply --yes").expect(0);
    let extra = format!("{STACK}  listener: {{ {main}, {} }}\n", listener("extra", 8080));
    world.write("stack.yaml", &extra);
    let plan = world.folder.path().join("plan.json").display().to_string();
    world.run(&format!("plan --out {plan}")).expect(0);
    // What others have made since has the very settings, so that a create succeeds and makes none.
    let (balancer, group) =
        (world.arn("elasticloadbalancing:loadbalancer"), world.lab.arn_at("target-group/web"));
    let listener = [
        ("LoadBalancerArn", balancer.as_str()),
        ("Protocol", "HTTP"),
        ("Port", "8080"),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", group.as_str()),
    ];
    let made = world.lab.by_hand("elasticloadbalancing", "CreateListener", &listener);
    let arn = made.split("<ListenerArn>").nth(1).and_then(|rest| rest.split('<').next());
    let arn = arn.expect("an ARN").to_owned();
    let before = world.lab.everything();
    let refused = world.run(&format!("apply {plan} --yes")).expect(4);
    let said: String = refused.stderr.split_whitespace().collect();
    assert!(said.contains(&format!("deployeradoptlistener/extra{arn}")), "{}", refused.stderr);
    assert!(!refused.stderr.contains("delete"), "{}", refused.stderr);
    assert_eq!(world.lab.everything(), before);
    world.run(&format!("adopt listener/extra {arn} --yes")).expect(0);
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

/// The same of what has names.
#[test]
fn a_name_that_somebody_takes_after_the_plan_is_not_handed_back_as_ours() {
    let world = World::with(STACK);
    world.run("apply --yes").expect(0);
    let two = "two: { vpc: main, port: 9001 } }\n  load-balancer: { two: { subnets: [public-a, \
               public-b], security-groups: [load-balancer-edge] } }\n";
    world.write("stack.yaml", &STACK.replace("port: 9000 } }\n", &format!("port: 9000 }}, {two}")));
    let plan = world.folder.path().join("plan.json").display().to_string();
    world.run(&format!("plan --out {plan}")).expect(0);
    let [vpc, a, b, group] =
        ["vpc/main", "subnet/public-a", "subnet/public-b", "security-group/load-balancer-edge"]
            .map(|address| world.lab.id_at(address));
    let balancer = [
        ("Name", "mine-default-two"),
        ("Type", "application"),
        ("Scheme", "internet-facing"),
        ("Subnets.member.1", a.as_str()),
        ("Subnets.member.2", b.as_str()),
        ("SecurityGroups.member.1", group.as_str()),
    ];
    world.lab.by_hand("elasticloadbalancing", "CreateLoadBalancer", &balancer);
    let targets = [
        ("Name", "mine-default-two"),
        ("Protocol", "HTTP"),
        ("ProtocolVersion", "HTTP1"),
        ("Port", "9001"),
        ("VpcId", vpc.as_str()),
        ("TargetType", "ip"),
        ("HealthCheckEnabled", "true"),
        ("HealthCheckProtocol", "HTTP"),
        ("HealthCheckPort", "traffic-port"),
        ("HealthCheckPath", "/"),
        ("HealthCheckIntervalSeconds", "10"),
        ("HealthCheckTimeoutSeconds", "5"),
        ("HealthyThresholdCount", "2"),
        ("UnhealthyThresholdCount", "3"),
        ("Matcher.HttpCode", "200"),
    ];
    world.lab.by_hand("elasticloadbalancing", "CreateTargetGroup", &targets);
    let before = world.lab.everything();
    let refused = world.run(&format!("apply {plan} --yes")).expect(4).stderr;
    for address in ["load-balancer/two", "target-group/two"] {
        assert!(refused.contains(&format!("error: {address}")), "{address}: {refused}");
        let said: String = refused.split_whitespace().collect();
        assert!(said.contains(&format!("deployeradopt{address}")), "{address}: {refused}");
    }
    assert_eq!(world.lab.everything(), before);
}

/// The record has what was made, whether it is found by its name, its ARN or its identifier.
#[test]
fn what_lost_its_tags_gets_them_back_and_is_not_made_again_beside_itself() {
    let world = World::with(&format!("{STACK}  repository: {{ web: {{}} }}\n"));
    world.run("apply --yes").expect(0);
    let before = world.lab.everything();
    let vpc = world.id("ec2:vpc");
    let tag = [("ResourceId.1", vpc.as_str()), ("Tag.1.Key", "deployer:stack")];
    world.lab.by_hand("ec2", "DeleteTags", &tag);
    for address in ["target-group/web", "load-balancer/edge"] {
        let arn = world.lab.arn_at(address);
        let untag = [
            ("ResourceArns.member.1", arn.as_str()),
            ("TagKeys.member.1", "deployer:stack"),
            ("TagKeys.member.2", "deployer:proof"),
        ];
        world.lab.by_hand("elasticloadbalancing", "RemoveTags", &untag);
    }
    let target = "AmazonEC2ContainerRegistry_V20150921.UntagResource";
    let keys = json!(["deployer:stack", "deployer:proof"]);
    let untag = json!({ "resourceArn": world.lab.arn_at("repository/web"), "tagKeys": keys });
    world.lab.by_hand_in_json("ecr", target, &untag);

    let plan = world.run("plan").expect(0);
    assert!(!plan.stdout.contains("+ create"), "{}", plan.stdout);
    let ran = world.run("apply --yes").expect(0);
    for address in ["vpc/main", "target-group/web", "load-balancer/edge", "repository/web"] {
        let is_named = |line: &str| line.contains(address) && line.contains("written again");
        assert!(ran.stderr.lines().any(is_named), "{address}: {}", ran.stderr);
    }
    assert_eq!(world.lab.everything(), before);
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

/// A stack with a listener on a load balancer that somebody else has.
const GUEST: &str = "\
stack: guest
region: eu-west-1
resources:
  listener:
    extra: { load-balancer: BALANCER, port: 8080, default-action: { respond: { status: 404 } } }
";

#[test]
fn what_is_at_a_load_balancer_of_others_is_found_without_the_index() {
    let world = World::with(STACK);
    world.run("apply --yes").expect(0);
    let balancer = world.arn("elasticloadbalancing:loadbalancer");
    let guest = GUEST.replace("BALANCER", &format!("{{ id: \"{balancer}\" }}"));
    world.write("guest.yaml", &guest);
    world.run_on("guest.yaml", "apply --yes").expect(0);
    let listener = world.lab.arn_at("listener/extra");
    let is_there = || world.lab.everything().iter().any(|it| it.ends_with(&listener));
    assert!(is_there());
    world.lab.fault(&json!({ "kind": "deny", "match": "tagging:GetResources" }));

    // The record has it, so it is looked for at every load balancer there is.
    world.run_on("guest.yaml", "plan --check").expect(0);
    let status = world.run_on("guest.yaml", "status --json").expect(0);
    assert!(status.stdout.contains("listener/extra"), "{}", status.stdout);
    world.run_on("guest.yaml", "destroy --yes").expect(0);
    world.lab.clear_faults();
    assert!(!is_there(), "{:?}", world.lab.everything());
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn a_repository_that_keeps_its_images_is_kept_in_one_pass() {
    let stack = "stack: mine\nregion: eu-west-1\nresources:\n  repository: { web: {} }\n";
    let world = World::with(stack);
    world.run("apply --yes").expect(0);
    // One that the plan cannot know, and a release.
    for tag in ["latest", "web-1"] {
        let manifest = json!({
            "repositoryName": "mine-default-web", "imageTag": tag,
            "imageManifest": json!({ "schemaVersion": 2, "of": tag }).to_string(),
        });
        world.lab.by_hand_in_json(
            "ecr",
            "AmazonEC2ContainerRegistry_V20150921.PutImage",
            &manifest,
        );
        let destroyed = world.run("destroy --yes --json").expect(0);
        let lines: Vec<serde_json::Value> = destroyed
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert!(lines.iter().filter(|line| line["event"] == "plan").count() <= 1, "{lines:#?}");
        let receipt = lines.last().expect("a receipt");
        assert_eq!((&receipt["exit"], &receipt["gone"]), (&json!(0), &json!([])), "{receipt:#}");
        assert_eq!(receipt["still-there"], json!([]), "{receipt:#}");
        assert!(receipt["kept"][0]["of"] == "repository/web", "{receipt:#}");
        assert!(receipt["kept"][0]["what"].to_string().contains("force-delete"), "{receipt:#}");
    }
    world.write("stack.yaml", &stack.replace("{}", "{ force-delete: true }"));
    world.run("apply --yes").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn what_is_of_another_stack_or_environment_is_not_touched() {
    let world = World::with(&format!("{STACK}environments: {{ a: {{}}, b: {{}} }}\n"));
    world.write("other.yaml", &STACK.replace("stack: mine", "stack: mine-b"));
    world.run("apply --yes --env a").expect(0);
    world.run("apply --yes --env b").expect(0);
    world.run_on("other.yaml", "apply --yes").expect(0);
    let all = world.lab.owned().len();
    world.run("destroy --yes --env a").expect(0);
    world.run("plan --check --env b").expect(0);
    world.run_on("other.yaml", "plan --check").expect(0);
    assert_eq!(world.lab.owned().len() * 3, all * 2, "{:?}", world.lab.owned());
}

/// What git says of the folder of a stack counts, and not what somebody has put into the environment
/// for another: a hook of git runs with it.
#[test]
fn where_a_stack_is_kept_its_own_folder_says() {
    let (lab, folder) = (Lab::start_hollow(), tempfile::tempdir().expect("a folder"));
    let repository = |name: &str| {
        let path = folder.path().join(name);
        let git = |words: &[&str]| {
            let status = Command::new("git").arg("-C").arg(&path).args(words).status();
            assert!(status.expect("there is git").success(), "{words:?}");
        };
        std::fs::create_dir(&path).expect("a folder");
        git(&["init", "--quiet"]);
        git(&["remote", "add", "origin", &format!("https://git.test/acme/{name}.git")]);
        path
    };
    let (ours, theirs) = (repository("ours"), repository("theirs"));
    let stack = "stack: kept\nregion: eu-west-1\nresources: { log-group: { work: {} } }\n";
    for folder in [&ours, &theirs] {
        std::fs::write(folder.join("deployer.yaml"), stack).expect("a file");
    }
    let command = |folder: &Path, words: &[&str]| {
        let mut command = deployer(&lab, words);
        command.current_dir(folder).env_remove("GIT_CEILING_DIRECTORIES");
        command
    };
    let mut apply = command(&ours, &["apply", "--yes"]);
    finish(apply.env("GIT_DIR", theirs.join(".git")).env("GIT_WORK_TREE", &theirs)).expect(0);
    finish(&mut command(&ours, &["plan", "--check"])).expect(0);
    let refused = finish(&mut command(&theirs, &["plan"])).expect(5).stderr;
    assert!(
        refused.contains("write `origin: git.test/acme/ours:deployer.yaml` in it"),
        "{refused}"
    );
}

#[test]
fn another_stack_of_the_same_name_is_told_apart_and_one_that_moved_is_not() {
    let ours = format!("{STACK}origin: git.test/acme/mine:stack.yaml\n");
    let world = World::with(&ours);
    world.write("theirs.yaml", &STACK.replace("10.40.0.0/16", "10.50.0.0/16"));
    world.write("moved.yaml", &ours);
    world.run("apply --yes").expect(0);
    let before = world.lab.everything();
    for command in ["plan", "drift", "apply --yes", "destroy --yes"] {
        let refused = world.run_on("theirs.yaml", command).expect(5);
        let told = "write `origin: git.test/acme/mine:stack.yaml` in it";
        assert!(refused.stderr.contains(told), "{command}: {}", refused.stderr);
    }
    assert_eq!(world.lab.everything(), before);
    world.run_on("moved.yaml", "plan --check").expect(0);
    let named = ["destroy", "--yes", "--stack", "mine", "--env", "default"];
    run(&world.lab, &[&named[..], &["--region", "eu-west-1"]].concat()).expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn what_is_taken_over_under_a_name_of_its_own_is_ours_until_the_end() {
    let world = World::with(STACK);
    world.run("apply --yes").expect(0);
    let vpc = world.id("ec2:vpc");
    let group = [("GroupName", "legacy"), ("GroupDescription", "by hand"), ("VpcId", &vpc)];
    let made = world.lab.by_hand("ec2", "CreateSecurityGroup", &group);
    let id = made.split("<groupId>").nth(1).and_then(|rest| rest.split('<').next());
    let id = id.expect("an identifier");
    let office = "  security-group: { office: { vpc: main, description: by hand } }\n";
    world.write("stack.yaml", &format!("{STACK}{office}"));
    let plan = world.run("plan --check").expect(3);
    assert!(plan.stdout.contains("+ create   security-group/office"), "{}", plan.stdout);
    world.run(&format!("adopt security-group/office {id} --yes")).expect(0);
    let adopted = world.run("apply --yes").expect(0);
    assert!(!adopted.stderr.contains("+ create"), "{}", adopted.stderr);
    let plan = world.run("plan --check").expect(0);
    assert!(!plan.stdout.contains("looks like"), "{}", plan.stdout);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn what_others_attached_is_told_and_does_not_go_along() {
    let world = World::with(STACK);
    world.run("apply --yes").expect(0);
    let balancer = world.arn("elasticloadbalancing:loadbalancer");
    let listener = [
        ("LoadBalancerArn", balancer.as_str()),
        ("Protocol", "HTTP"),
        ("Port", "8443"),
        ("DefaultActions.member.1.Type", "fixed-response"),
        ("DefaultActions.member.1.FixedResponseConfig.StatusCode", "404"),
    ];
    world.lab.by_hand("elasticloadbalancing", "CreateListener", &listener);
    let group = world.id("ec2:security-group");
    let rule = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "22"),
        ("IpPermissions.1.ToPort", "22"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "203.0.113.0/24"),
    ];
    world.lab.by_hand("ec2", "AuthorizeSecurityGroupIngress", &rule);
    let group = world.arn("elasticloadbalancing:targetgroup");
    let target = [
        ("TargetGroupArn", group.as_str()),
        ("Targets.member.1.Id", "10.40.3.77"),
        ("Targets.member.1.Port", "9000"),
    ];
    world.lab.by_hand("elasticloadbalancing", "RegisterTargets", &target);

    let plan = world.run("plan --check").expect(0);
    assert!(plan.stdout.contains("listener :8443"), "{}", plan.stdout);
    assert!(plan.stdout.contains("203.0.113.0/24"), "{}", plan.stdout);
    let drift = world.run("drift").expect(3);
    assert!(drift.stdout.contains("target 10.40.3.77:9000"), "{}", drift.stdout);
    let before = world.lab.everything();
    let refused = world.run("destroy --yes").expect(5);
    for told in ["listener :8443", "target 10.40.3.77:9000"] {
        assert!(refused.stderr.contains(told), "{told}: {}", refused.stderr);
    }
    assert!(
        refused.stderr.contains("--unprotect security-group/load-balancer-edge"),
        "{}",
        refused.stderr
    );
    assert_eq!(world.lab.everything(), before);
    let said = "destroy --yes --unprotect security-group/load-balancer-edge --unprotect load-balancer/edge \
                --unprotect target-group/web";
    world.run(said).expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn what_somebody_changed_is_drift_until_it_is_put_back() {
    let world = World::with(STACK);
    world.run("apply --yes").expect(0);
    world.run("drift").expect(0);
    let policy = json!({ "logGroupName": "/mine/default/work", "retentionInDays": 90 });
    world.lab.by_hand_in_json("logs", "Logs_20140328.PutRetentionPolicy", &policy);
    let drift = world.run("drift").expect(3);
    assert!(drift.stdout.contains("log-group/work"), "{}", drift.stdout);
    assert!(drift.stdout.contains("7 → 90"), "{}", drift.stdout);
    world.write("stack.yaml", &STACK.replace("retention-days: 7", "retention-days: 14"));
    let drift = world.run("drift").expect(0);
    assert!(drift.stdout.contains("No drift"), "what the file changed: {}", drift.stdout);
    world.run("apply --yes").expect(0);
    let policy = json!({ "logGroupName": "/mine/default/work", "retentionInDays": 90 });
    world.lab.by_hand_in_json("logs", "Logs_20140328.PutRetentionPolicy", &policy);
    let drift = world.run("drift").expect(3);
    assert!(drift.stdout.contains("14 → 90"), "the mark goes along: {}", drift.stdout);
    world.run("apply --yes").expect(0);
    world.run("drift").expect(0);
}

#[test]
fn what_no_stack_can_say_is_told_and_outlives_a_change_of_the_rest() {
    let stack = STACK.replace(
        "  target-group: { web: { vpc: main, port: 9000 } }\n",
        "  target-group: { web: { vpc: main, port: 9000 }, new: { vpc: main, port: 9000 } }
  listener:
    extra:
      load-balancer: edge
      port: 8080
      protocol: https
      certificate: arn:aws:acm:eu-west-1:123456789012:certificate/11111111-1111-1111-1111-111111111111
      default-action: { forward: web }
  secret: { session: {} }
",
    );
    let world = World::with(&stack);
    world.lab.issue(
        "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-1111-1111-1111-111111111111",
    );
    world.run("apply --yes").expect(0);
    let [listener, web] =
        ["listener/extra", "target-group/web"].map(|address| world.lab.arn_at(address));
    let asked = "DefaultActions.member.1.AuthenticateCognitoConfig";
    let parameters = [
        ("ListenerArn", listener.as_str()),
        ("DefaultActions.member.1.Type", "authenticate-cognito"),
        ("DefaultActions.member.1.Order", "1"),
        (&format!("{asked}.UserPoolArn"), "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/a"),
        (&format!("{asked}.UserPoolClientId"), "client"),
        (&format!("{asked}.UserPoolDomain"), "people"),
        ("DefaultActions.member.2.Type", "forward"),
        ("DefaultActions.member.2.Order", "2"),
        ("DefaultActions.member.2.TargetGroupArn", web.as_str()),
    ];
    world.lab.by_hand("elasticloadbalancing", "ModifyListener", &parameters);
    let secret = world.lab.arn_at("secret/session");
    let tag = json!({ "SecretId": secret, "TagKeys": ["deployer:keep:recovery-days"] });
    world.lab.by_hand_in_json("secretsmanager", "secretsmanager.UntagResource", &tag);

    let plan = world.run("plan --check").expect(3);
    // Until the tag is back, a deletion would leave it for as long as there is.
    assert!(plan.stdout.contains("recovery-days  30 → 7"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("default-action"), "{}", plan.stdout);
    let status = world.run("status --json").expect(0);
    assert!(status.stdout.contains("\"default-action\""), "{}", status.stdout);
    world.write("stack.yaml", &stack.replace("port: 8080", "port: 8081"));
    world.run("apply --yes").expect(0);
    let plan = world.run("plan --check").expect(0);
    let told = "the actions authenticate-cognito, forward";
    assert!(plan.stdout.contains(told), "{}", plan.stdout);
}
