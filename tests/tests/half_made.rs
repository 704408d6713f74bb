//! What AWS can show of something that is being made, taken apart or changed by somebody else at
//! that moment: every reader takes it, the next apply makes it whole, and a destroy ends.

use deployer_tests::{Lab, Ran, run};
use serde_json::{Value, json};

fn sample(lab: &Lab, command: &str, more: &[&str]) -> Ran {
    let place = ["--file", "stacks/notes.yaml", "--env", "dev"];
    run(lab, &[&[command], &place[..], more].concat())
}

/// What is listed, and is gone when its details are asked for: the operation, what AWS says, and
/// what of the stack goes with it.
const GONE: [(&str, &str, &str); 13] = [
    ("ec2:DescribeVpcAttribute", "InvalidVpcID.NotFound", "vpc/"),
    ("ecr:DescribeImages", "RepositoryNotFoundException", "image/"),
    ("ecr:GetLifecyclePolicy", "RepositoryNotFoundException", "repository/"),
    ("ecr:ListTagsForResource", "RepositoryNotFoundException", "repository/"),
    ("ecs:DescribeServices", "ClusterNotFoundException", "service/"),
    ("ecs:DescribeTaskDefinition", "ClientException", "task-definition/"),
    ("ecs:ListServices", "ClusterNotFoundException", "service/"),
    ("elasticloadbalancing:DescribeListeners", "LoadBalancerNotFound", "listener/"),
    ("elasticloadbalancing:DescribeLoadBalancerAttributes", "LoadBalancerNotFound", "load-"),
    ("elasticloadbalancing:DescribeRules", "ListenerNotFound", "listener-rule/"),
    ("elasticloadbalancing:DescribeTargetGroupAttributes", "TargetGroupNotFound", "target-"),
    ("logs:ListTagsForResource", "ResourceNotFoundException", "log-group/"),
    ("rds:ListTagsForResource", "DBSubnetGroupNotFoundFault", "db-subnet-group/"),
];

/// Lets the details of these be gone, so many times each. Tags that the index knows would not be
/// asked for, so it does not answer; nor would lists of what the record has, so that is lost.
fn hide(lab: &Lab, gone: &[(&str, &str, &str)], times: Option<u32>) {
    let message = "Unable to describe task definition.";
    for (operation, code, _) in gone {
        lab.fault(&json!({
            "kind": "fail", "match": operation, "code": code, "message": message, "status": 400,
            "times": times,
        }));
    }
    lab.fault(&json!({ "kind": "deny", "match": "tagging:GetResources" }));
    let record = json!({ "Names": ["/deployer/notes/dev/record/1"] });
    lab.by_hand_in_json("ssm", "AmazonSSM.DeleteParameters", &record);
}

fn listed(lab: &Lab) -> Vec<String> {
    let status = sample(lab, "status", &["--json"]).expect(0).stdout;
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let resources = status["resources"].as_array().expect("a list").iter();
    resources.map(|it| it["address"].as_str().expect("an address").to_owned()).collect()
}

#[test]
fn what_is_listed_and_not_found_yet_is_there() {
    let lab = Lab::start_hollow();
    sample(&lab, "apply", &["--yes"]).expect(0);
    lab.reset_calls();
    // Of these, some are asked for because the index remembers them, which means little.
    let remembered = ["DescribeListeners", "DescribeRules", "DescribeServices"];
    let late: Vec<_> = GONE
        .into_iter()
        .filter(|(operation, ..)| !remembered.iter().any(|it| operation.ends_with(it)))
        .collect();
    hide(&lab, &late, Some(1));
    sample(&lab, "plan", &["--check"]).expect(0);
    for (operation, ..) in late {
        let asked = lab.calls()["operations"][operation].as_u64();
        assert!(asked > Some(1), "{operation} was not asked again");
    }
}

#[test]
fn what_is_listed_and_stays_gone_is_gone_and_no_mistake() {
    let lab = Lab::start_hollow();
    sample(&lab, "apply", &["--yes"]).expect(0);
    let all = listed(&lab);
    for gone in GONE.chunks(5) {
        hide(&lab, gone, None);
        let left = listed(&lab);
        lab.clear_faults();
        for (operation, _, what) in gone {
            assert!(all.iter().any(|it| it.starts_with(what)), "{what}: {all:?}");
            assert!(!left.iter().any(|it| it.starts_with(what)), "{operation}: {left:?}");
        }
        assert!(left.iter().any(|it| it.starts_with("subnet/")), "the rest is there: {left:?}");
    }
    sample(&lab, "plan", &["--check"]).expect(0);
}

#[test]
fn of_several_whose_tags_are_asked_for_together_the_one_that_is_gone_is_left_out() {
    let lab = Lab::start_hollow();
    sample(&lab, "apply", &["--yes"]).expect(0);
    lab.fault(&json!({ "kind": "deny", "match": "tagging:GetResources" }));
    lab.fault(&json!({
        "kind": "fail", "match": "elasticloadbalancing:DescribeTags", "times": 1,
        "code": "TargetGroupNotFound", "status": 400,
    }));
    sample(&lab, "plan", &["--check"]).expect(0);
}

/// A shape that things can be in, and the calls that leave them so.
type Part = (&'static str, fn(&Lab));

/// What somebody can take away by hand, or a run that was cut short has not made yet.
const PARTS: [Part; 12] = [
    ("a network without host names", |lab| {
        let vpc = lab.id_at("vpc/main");
        let value = [("VpcId", vpc.as_str()), ("EnableDnsHostnames.Value", "false")];
        lab.by_hand("ec2", "ModifyVpcAttribute", &value);
    }),
    ("a route table that leads nowhere", |lab| {
        let table = lab.id_at("route-table/public");
        let route = [("RouteTableId", table.as_str()), ("DestinationCidrBlock", "0.0.0.0/0")];
        lab.by_hand("ec2", "DeleteRoute", &route);
    }),
    ("a NAT gateway that is gone", |lab| {
        let gateway = lab.id_at("nat-gateway/nat-a");
        lab.by_hand("ec2", "DeleteNatGateway", &[("NatGatewayId", &gateway)]);
    }),
    ("a security group that lets nobody out", |lab| {
        let group = lab.id_at("security-group/service-web");
        let rule = [
            ("GroupId", group.as_str()),
            ("IpPermissions.1.IpProtocol", "-1"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
        ];
        lab.by_hand("ec2", "RevokeSecurityGroupEgress", &rule);
    }),
    ("a role without its policy", |lab| {
        let role = [("RoleName", "notes-dev-web-execution")];
        let listed = lab.by_hand("iam", "ListRolePolicies", &role);
        let policy = listed.split("<member>").nth(1).and_then(|rest| rest.split('<').next());
        let policy = policy.expect("it has one");
        lab.by_hand("iam", "DeleteRolePolicy", &[role[0], ("PolicyName", policy)]);
    }),
    ("a repository that keeps everything", |lab| {
        let target = "AmazonEC2ContainerRegistry_V20150921.DeleteLifecyclePolicy";
        lab.by_hand_in_json("ecr", target, &json!({ "repositoryName": "notes-dev-notes" }));
    }),
    ("a log group that keeps everything", |lab| {
        let group = json!({ "logGroupName": "/notes/dev/web" });
        lab.by_hand_in_json("logs", "Logs_20140328.DeleteRetentionPolicy", &group);
    }),
    ("a listener without its rule", |lab| {
        let rule = lab.arn_at("listener-rule/web-http");
        lab.by_hand("elasticloadbalancing", "DeleteRule", &[("RuleArn", &rule)]);
    }),
    ("a target group that no load balancer knows", |lab| {
        let listener = lab.arn_at("listener/edge-http");
        lab.by_hand("elasticloadbalancing", "DeleteListener", &[("ListenerArn", &listener)]);
    }),
    ("a revision that nobody may start", |lab| {
        let revision = json!({ "taskDefinition": lab.arn_at("task-definition/web") });
        lab.by_hand_in_json("ecs", &of_ecs("DeregisterTaskDefinition"), &revision);
    }),
    ("a service that is on its way out", |lab| {
        let service =
            json!({ "cluster": "notes-dev-main", "service": "notes-dev-web", "force": true });
        lab.by_hand_in_json("ecs", &of_ecs("DeleteService"), &service);
    }),
    ("a secret that is to be deleted in a week", |lab| {
        let secret = json!({ "SecretId": "notes/dev/session", "RecoveryWindowInDays": 7 });
        lab.by_hand_in_json("secretsmanager", "secretsmanager.DeleteSecret", &secret);
    }),
];

fn of_ecs(operation: &str) -> String {
    format!("AmazonEC2ContainerServiceV20141113.{operation}")
}

#[test]
fn what_is_in_parts_is_made_whole_and_goes() {
    let lab = Lab::start_hollow();
    sample(&lab, "apply", &["--yes"]).expect(0);
    for (part, take_apart) in PARTS {
        take_apart(&lab);
        let plan = sample(&lab, "plan", &["--check"]);
        assert_eq!(plan.code, Some(3), "{part}: {}{}", plan.stdout, plan.stderr);
        let apply = sample(&lab, "apply", &["--yes"]);
        assert_eq!(apply.code, Some(0), "{part}: {}", apply.stderr);
        let plan = sample(&lab, "plan", &["--check"]);
        assert_eq!(plan.code, Some(0), "{part}: {}{}", plan.stdout, plan.stderr);
    }
    // A listener's rule goes with the listener, and a secret goes by itself in a week.
    let left_out = ["a listener without its rule", "a secret that is to be deleted in a week"];
    for (_, take_apart) in PARTS.iter().filter(|(part, _)| !left_out.contains(part)) {
        take_apart(&lab);
    }
    let named = ["--stack", "notes", "--env", "dev", "--region", "eu-west-1"];
    run(&lab, &[&["destroy", "--yes"], &named[..]].concat()).expect(0);
    let left: Vec<String> = lab.everything();
    assert_eq!(left, Vec::<String>::new());
}
