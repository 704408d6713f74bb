//! What AWS can show of something that is being made, taken apart or changed by somebody else at
//! that moment: every reader takes it, the next apply makes it whole, and a destroy ends.

use deployer_tests::{Lab, Ran, run};
use serde_json::json;

fn sample(lab: &Lab, command: &str, more: &[&str]) -> Ran {
    let place = ["--file", "stacks/notes.yaml", "--env", "dev"];
    run(lab, &[&[command], &place[..], more].concat())
}

/// What is listed, and is gone when its details are asked for: the operation, and what AWS says.
const GONE: [(&str, &str, &str); 12] = [
    ("ec2:DescribeVpcAttribute", "InvalidVpcID.NotFound", ""),
    ("ecr:DescribeImages", "RepositoryNotFoundException", ""),
    ("ecr:GetLifecyclePolicy", "RepositoryNotFoundException", ""),
    ("ecr:ListTagsForResource", "RepositoryNotFoundException", ""),
    ("ecs:DescribeServices", "ClusterNotFoundException", ""),
    ("ecs:DescribeTaskDefinition", "ClientException", "Unable to describe task definition."),
    ("ecs:ListServices", "ClusterNotFoundException", ""),
    ("elasticloadbalancing:DescribeListeners", "LoadBalancerNotFound", ""),
    ("elasticloadbalancing:DescribeLoadBalancerAttributes", "LoadBalancerNotFound", ""),
    ("elasticloadbalancing:DescribeRules", "ListenerNotFound", ""),
    ("elasticloadbalancing:DescribeTargetGroupAttributes", "TargetGroupNotFound", ""),
    ("elasticloadbalancing:DescribeTags", "LoadBalancerNotFound", ""),
];

#[test]
fn what_goes_between_two_calls_is_not_there_and_no_mistake() {
    let lab = Lab::start_hollow();
    sample(&lab, "apply", &["--yes"]).expect(0);
    // Tags that the index knows are not asked for again.
    let without_index = json!({ "kind": "deny", "match": "tagging:GetResources" });
    for (operation, code, message) in GONE {
        lab.reset_calls();
        lab.fault(&json!([without_index, {
            "kind": "fail", "match": operation, "code": code, "message": message, "status": 400,
            "times": 1,
        }]));
        let status = sample(&lab, "status", &[]);
        assert_eq!(status.code, Some(0), "{operation}: {}", status.stderr);
        assert!(!lab.calls()["operations"][operation].is_null(), "{operation} is not asked for");
        lab.clear_faults();
    }
    sample(&lab, "plan", &["--check"]).expect(0);
}

/// What somebody can take away by hand, or a run that was cut short has not made yet: its name,
/// and the calls that leave things so.
const PARTS: [(&str, fn(&Lab)); 12] = [
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
        let group = lab.id_at("security-group/web");
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
