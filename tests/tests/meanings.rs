//! What AWS says means something else for each call: what it does not see yet is waited for, what
//! it still holds too, and nothing billed is left because of a word.

use deployer_tests::{Lab, begin, deployer, end, finish, run};
use serde_json::{Value, json};

/// A call that fails this often, before it takes effect, with what AWS was seen to say.
fn says(operation: &str, code: &str, message: &str, times: u32) -> Value {
    json!({
        "kind": "fail", "match": operation, "code": code, "message": message, "status": 400,
        "times": times,
    })
}

/// Makes a stack and takes it down while these faults strike. Nothing is left.
fn comes_through(stack: &str, faults: &[Value]) -> String {
    let lab = Lab::start(0.0);
    let file = ["--file", stack, "--env", "base"];
    let all = |command: &[&str]| [command, &file].concat().join(" ");
    let run = |command: &str| run(&lab, &command.split(' ').collect::<Vec<_>>());
    lab.fault(&json!(faults));
    let applied = run(&all(&["apply", "--yes"])).expect(0);
    run(&all(&["plan", "--check"])).expect(0);
    let destroyed = run(&all(&["destroy", "--yes"])).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
    applied.stderr + &destroyed.stderr
}

#[test]
fn what_a_create_made_a_moment_ago_may_not_be_found_by_its_second_call() {
    let gone = |operation: &str, code: &str| says(operation, code, "it does not exist", 2);
    comes_through(
        "tests/contracts/load-balancer.yaml",
        &[
            gone("ec2:ModifyVpcAttribute", "InvalidVpcID.NotFound"),
            gone("elasticloadbalancing:ModifyLoadBalancerAttributes", "LoadBalancerNotFound"),
        ],
    );
    comes_through(
        "tests/contracts/repository.yaml",
        &[gone("ecr:PutLifecyclePolicy", "RepositoryNotFoundException")],
    );
    comes_through(
        "tests/contracts/log-group.yaml",
        &[gone("logs:PutRetentionPolicy", "ResourceNotFoundException")],
    );
    comes_through(
        "tests/contracts/target-group.yaml",
        &[gone("elasticloadbalancing:ModifyTargetGroupAttributes", "TargetGroupNotFound")],
    );
}

#[test]
fn what_a_killed_run_made_may_not_be_found_by_the_next_one() {
    let lab = Lab::start(0.0);
    let file = ["--file", "tests/contracts/load-balancer.yaml", "--env", "base"];
    let run = |command: &[&str]| run(&lab, &[command, &file].concat());
    // Half of the VPC is made, and nothing refers to it yet.
    let child = begin(&mut deployer(&lab, &[&["apply", "--yes"][..], &file].concat()));
    let (call, pid) = ("ec2:ModifyVpcAttribute", child.id());
    lab.fault(&json!({ "kind": "kill", "match": call, "pid": pid, "when": "before" }));
    assert_eq!(end(child).code, None, "it was killed");
    lab.clear_faults();
    lab.fault(&json!([
        says("ec2:ModifyVpcAttribute", "InvalidVpcID.NotFound", "it does not exist", 2),
        says("ec2:CreateSubnet", "InvalidVpcID.NotFound", "it does not exist", 1),
        says("ec2:CreateSecurityGroup", "InvalidVpcID.NotFound", "it does not exist", 1),
    ]));
    run(&["apply", "--yes"]).expect(0);
    run(&["plan", "--check"]).expect(0);
    run(&["destroy", "--yes"]).expect(0);
    assert_eq!(lab.everything(), Vec::<String>::new());
}

#[test]
fn of_rules_of_which_one_is_gone_the_others_go_as_well() {
    let lab = Lab::start(0.0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml").display().to_string();
    let stack = |ports: &[u16]| {
        let rules = ports.iter().map(|port| format!("{{ from: 10.0.0.0/8, port: {port} }}"));
        let rules = rules.collect::<Vec<_>>().join(", ");
        let text = format!(
            "stack: rules\nregion: eu-west-1\nnetwork: {{ cidr: 10.40.0.0/16, nat: none }}\n\
             resources:\n  security-group: {{ web: {{ vpc: main, description: web, \
             ingress: [{rules}] }} }}\n"
        );
        std::fs::write(&path, text).expect("a file");
    };
    let deployer = |command: &str| -> deployer_tests::Ran {
        run(&lab, &command.split(' ').chain(["--file", &path]).collect::<Vec<_>>())
    };
    stack(&[80, 81, 82]);
    deployer("apply --yes").expect(0);
    stack(&[80]);
    lab.fault(&json!([says(
        "ec2:RevokeSecurityGroupIngress",
        "InvalidSecurityGroupRuleId.NotFound",
        "The security group rule ID 'sgr-1' does not exist",
        1,
    )]));
    deployer("apply --yes").expect(0);
    deployer("plan --check").expect(0);
    let rules = lab.by_hand("ec2", "DescribeSecurityGroupRules", &[]);
    for closed in ["<fromPort>81", "<fromPort>82"] {
        assert!(!rules.contains(closed), "{closed}: {rules}");
    }
    deployer("destroy --yes").expect(0);
}

#[test]
fn one_service_may_not_know_yet_what_another_shows() {
    comes_through(
        "tests/contracts/db-subnet-group.yaml",
        &[says("rds:CreateDBSubnetGroup", "InvalidSubnet", "The subnet is invalid", 2)],
    );
    comes_through(
        "tests/contracts/route-table.yaml",
        &[says(
            "ec2:CreateRoute",
            "InvalidParameterValue",
            "route table rtb-1 and network gateway igw-1 belong to different networks",
            1,
        )],
    );
    comes_through(
        "tests/contracts/load-balancer.yaml",
        &[
            says(
                "elasticloadbalancing:CreateLoadBalancer",
                "InvalidSubnet",
                "VPC vpc-0765c67bbc82a1b7d has no internet gateway",
                1,
            ),
            says(
                "elasticloadbalancing:CreateLoadBalancer",
                "InvalidSecurityGroup",
                "One or more security groups are invalid",
                2,
            ),
        ],
    );
}

#[test]
fn a_role_that_iam_has_just_made_is_waited_for_whoever_does_not_see_it() {
    comes_through(
        "tests/contracts/task-definition.yaml",
        &[says("ecs:RegisterTaskDefinition", "ClientException", "Role is not valid", 2)],
    );
    comes_through(
        "tests/contracts/db-subnet-group.yaml",
        &[says(
            "rds:CreateDBSubnetGroup",
            "InvalidParameterValue",
            "Missing necessary credentials. Please check http://docs.aws.amazon.com/",
            2,
        )],
    );
}

#[test]
fn an_address_that_its_gateway_still_holds_is_released_in_the_end() {
    let told = comes_through(
        "tests/contracts/nat-gateway.yaml",
        &[
            says(
                "ec2:ReleaseAddress",
                "AuthFailure",
                "You do not have permission to access the specified resource.",
                2,
            ),
            says(
                "ec2:ReleaseAddress",
                "InvalidNetworkInterfaceID.NotFound",
                "The networkInterface ID 'eni-1' does not exist",
                2,
            ),
            says(
                "ec2:CreateNatGateway",
                "Resource.AlreadyAssociated",
                "Elastic IP address [eipalloc-1] is already associated",
                1,
            ),
        ],
    );
    assert!(!told.contains("aws sso login"), "{told}");
}

#[test]
fn a_refusal_names_the_action_that_was_really_denied() {
    let lab = Lab::start(0.0);
    let message = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: \
                   iam:PassRole on resource: arn:aws:iam::123456789012:role/x because no \
                   identity-based policy allows the iam:PassRole action";
    lab.fault(&json!({
        "kind": "fail", "match": "ecs:RegisterTaskDefinition", "code": "AccessDeniedException",
        "message": message, "status": 400,
    }));
    let file =
        ["apply", "--file", "tests/contracts/task-definition.yaml", "--env", "base", "--yes"];
    let denied = run(&lab, &file).expect(4);
    assert!(denied.stderr.contains("allow `iam:PassRole`"), "{}", denied.stderr);
}

#[test]
fn a_region_that_does_not_resolve_ends_within_seconds_with_advice() {
    let lab = Lab::start(0.0);
    let mut plan = deployer(&lab, &["plan", "--file", "tests/stacks/network.yaml"]);
    // Names under `invalid` never resolve (RFC 2606).
    plan.env("AWS_ENDPOINT_URL", "http://ec2.eu-wset-1.invalid");
    let begun = std::time::Instant::now();
    let ran = finish(&mut plan);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert_ne!(ran.code, Some(0));
    for told in ["waiting for ssm: it cannot be reached", "the region"] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
}

#[test]
fn a_throttled_plan_shows_what_it_waits_for() {
    let lab = Lab::start(0.0);
    lab.fault(&json!({ "kind": "throttle", "match": "ec2:*", "times": 3 }));
    let plan = run(&lab, &["plan", "--file", "tests/stacks/network.yaml"]).expect(0);
    assert!(plan.stderr.contains("waiting for ec2: throttled"), "{}", plan.stderr);
}
