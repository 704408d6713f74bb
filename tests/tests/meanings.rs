//! What AWS says means something else for each call: what it does not see yet is waited for, what
//! it still holds too, and nothing billed is left because of a word.

use std::process::Command;

use deployer_tests::{Lab, after_script, begin, deployer, end, finish, run};
use serde_json::{Value, json};
use tempfile::TempDir;

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

/// A secret that is deleted for good is not described any more, and keeps its name for a while.
#[test]
fn a_name_that_a_vanished_secret_still_has_is_waited_for() {
    let message = "The operation failed because the secret contract already exists.";
    let taken = says("secretsmanager:CreateSecret", "ResourceExistsException", message, 2);
    comes_through("tests/contracts/secret.yaml", &[taken]);
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

/// What STS says that could not ask an identity provider for its keys
/// (aws-cli#7194, aws-sdk-rust#827).
const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider, please \
                      reference AssumeRoleWithWebIdentity documentation for requirements";

const NETWORK: [&str; 2] = ["--file", "tests/stacks/network.yaml"];

/// A command as a build server runs it: with a token for a role that trusts it, and no keys.
fn with_token(lab: &Lab, folder: &TempDir, command: &[&str]) -> Command {
    let token = folder.path().join("token");
    std::fs::write(&token, "a.b.c").expect("a file");
    let mut command = deployer(lab, command);
    command
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
        .env("AWS_ROLE_SESSION_NAME", "ci")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token);
    command
}

/// Makes the role.
fn trust_tokens(lab: &Lab) {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/ci.example" },
            "Action": "sts:AssumeRoleWithWebIdentity",
        }],
    });
    let document = trust.to_string();
    let role = [("RoleName", "ci"), ("AssumeRolePolicyDocument", document.as_str())];
    lab.by_hand("iam", "CreateRole", &role);
}

#[test]
fn a_token_whose_key_sts_cannot_fetch_at_the_moment_is_shown_again() {
    let (lab, folder) = (Lab::start(0.0), TempDir::new().expect("a folder"));
    trust_tokens(&lab);
    lab.fault(&says("sts:AssumeRoleWithWebIdentity", "InvalidIdentityToken", NO_KEY, 1));
    let mut plan = with_token(&lab, &folder, &[&["plan"], &NETWORK[..]].concat());
    let ran = finish(&mut plan).expect(0);
    let told = "waiting: there are no credentials yet: Couldn't retrieve verification key";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn a_run_goes_on_when_its_credentials_come_late_in_the_midst_of_it() {
    let (lab, folder) = (Lab::start(0.2), TempDir::new().expect("a folder"));
    trust_tokens(&lab);
    // The SDK fetches new ones some seconds before they are over.
    lab.limit_sessions(14);
    lab.fault(&json!({
        "kind": "fail", "match": "sts:AssumeRoleWithWebIdentity", "nth": 2, "status": 400,
        "code": "InvalidIdentityToken", "message": NO_KEY,
    }));
    let file = ["--file", "tests/contracts/nat-gateway.yaml", "--env", "base"];
    let mut apply = with_token(&lab, &folder, &[&["apply", "--yes"], &file[..]].concat());
    let ran = finish(&mut apply).expect(0);
    assert!(ran.stderr.contains("there are no credentials yet"), "{}", ran.stderr);
    let asked = &lab.calls()["operations"]["sts:AssumeRoleWithWebIdentity"];
    assert!(asked.as_u64() >= Some(3), "{asked}");
    assert_eq!(lab.twins(), Vec::<String>::new());
}

#[test]
fn credentials_that_will_not_come_end_it_at_once_and_with_what_to_do() {
    let (lab, folder) = (Lab::start(0.0), TempDir::new().expect("a folder"));
    let file = [&["plan"], &NETWORK[..]].concat();
    let config = folder.path().join("config");
    let profiles = "[profile sso]\nsso_session = acme\nsso_account_id = 123456789012\n\
                    sso_role_name = admin\nregion = eu-west-1\n\
                    [sso-session acme]\nsso_region = eu-west-1\n\
                    sso_start_url = https://acme.example\n";
    std::fs::write(&config, profiles).expect("a file");
    let with_profile = |name: &str| {
        let mut command = deployer(&lab, &file);
        command
            .env("AWS_ACCESS_KEY_ID", "")
            .env("AWS_SECRET_ACCESS_KEY", "")
            .env("AWS_PROFILE", name)
            .env("AWS_CONFIG_FILE", &config)
            .env("HOME", folder.path());
        command
    };
    let without_role = with_token(&lab, &folder, &file);
    let mut without_token = with_token(&lab, &folder, &file);
    without_token.env("AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/token");
    for (mut command, told) in [
        (with_profile("sso"), "`aws sso login --profile sso`"),
        (with_profile("prod"), "the profile `prod` is not configured"),
        (without_token, "/nonexistent/token"),
        (without_role, "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
    ] {
        let begun = std::time::Instant::now();
        let ran = finish(&mut command).expect(1);
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
        let errors = ran.stderr.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{}", ran.stderr);
        assert!(begun.elapsed().as_secs() < 20, "{told}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_session_of_aws_login_is_handed_out_by_aws_own_tool() {
    let (lab, folder) = (Lab::start(0.0), TempDir::new().expect("a folder"));
    let config = folder.path().join("config");
    let profile = "[profile me]\nlogin_session = arn:aws:iam::123456789012:user/me\n";
    std::fs::write(&config, profile).expect("a file");
    let script = "#!/bin/sh\n[ \"$*\" = \"configure export-credentials --profile me --format \
                  process\" ] && echo '{\"Version\":1,\"AccessKeyId\":\"lab\",\
                  \"SecretAccessKey\":\"lab\"}'\n";
    let tool = folder.path().join("aws");
    std::fs::write(&tool, script).expect("a file");
    let made = Command::new("chmod").args(["+x"]).arg(&tool).status().expect("there is chmod");
    assert!(made.success());
    let mut plan = deployer(&lab, &[&["plan"], &NETWORK[..]].concat());
    plan.env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        .env("AWS_PROFILE", "me")
        .env("AWS_CONFIG_FILE", config);
    let script = format!("PATH={}:$PATH; export PATH", folder.path().display());
    finish(&mut after_script(&script, &plan)).expect(0);
}

#[test]
fn the_account_is_the_one_that_sts_names_whatever_the_environment_says() {
    let lab = Lab::start(0.0);
    let mut plan = deployer(&lab, &[&["plan"], &NETWORK[..]].concat());
    let ran = finish(plan.env("AWS_ACCOUNT_ID", "999999999999")).expect(0);
    assert!(ran.stdout.contains("account 123456789012"), "{}", ran.stdout);
}

#[test]
fn a_region_that_is_off_is_told_apart_from_credentials_that_are_wrong() {
    let lab = Lab::start(0.0);
    let plan = [&["plan", "--region", "ap-east-1"], &NETWORK[..]].concat();
    let off = run(&lab, &plan).expect(1);
    for told in ["the region ap-east-1 does not take these credentials", "enable-region"] {
        assert!(off.stderr.contains(told), "{told}: {}", off.stderr);
    }
    assert!(!off.stderr.contains("sso login"), "{}", off.stderr);
    let mut stranger = deployer(&lab, &plan);
    stranger.env("AWS_ACCESS_KEY_ID", "ASIANOBODY").env("AWS_SESSION_TOKEN", "none");
    let ran = finish(&mut stranger).expect(1);
    assert!(ran.stderr.contains("sso login"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("enable-region"), "{}", ran.stderr);
    lab.enable("ap-east-1");
    run(&lab, &plan).expect(0);
}
