//! How many calls a plan makes, and that the fewer calls see as much.

use deployer_tests::{Lab, Ran, budgeted, run};
use serde_json::json;

/// A stack with a target group, which is known by its name.
const NAMED: &str = "\
stack: named
region: eu-west-1
resources:
  vpc: { main: { cidr: 10.40.0.0/16 } }
  target-group: { web: { vpc: main, port: 9000 } }
";

/// A stack whose elastic IP, internet gateway and DB subnet group something else shows.
const SHOWN: &str = "\
stack: shown
region: eu-west-1
network: { cidr: 10.40.0.0/16, zones: 2, nat: single }
databases:
  main: { engine: postgres, version: \"16\", class: db.t4g.micro, storage: 20 GiB, protect: false, final-snapshot: false }
";

#[test]
fn a_plan_makes_no_more_calls_than_it_may_whatever_others_have() {
    let lab = Lab::start_hollow();
    for row in budgeted(&lab, |arguments| run(&lab, arguments)) {
        let operations = &row.operations;
        assert!(row.calls <= row.budget, "{}: {}: {operations:#}", row.what, row.calls);
    }
}

#[test]
fn what_was_taken_over_under_a_name_of_its_own_is_found_whatever_the_index_knows() {
    let lab = Lab::start_hollow();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml");
    std::fs::write(&path, NAMED).expect("a file");
    let path = path.display().to_string();
    let deployer = |command: &str| -> Ran {
        run(&lab, &command.split(' ').chain(["--file", &path]).collect::<Vec<_>>())
    };
    deployer("apply --yes --target vpc/main").expect(0);
    let vpc = lab.id_at("vpc/main");
    let group = [
        ("Name", "legacy"),
        ("Protocol", "HTTP"),
        ("Port", "9000"),
        ("TargetType", "ip"),
        ("VpcId", &vpc),
    ];
    lab.by_hand("elasticloadbalancing", "CreateTargetGroup", &group);
    let all = lab.everything();
    let group = all.iter().find_map(|it| it.strip_prefix("elasticloadbalancing:targetgroup: "));
    deployer(&format!("adopt target-group/web {} --yes", group.expect("it is there"))).expect(0);
    deployer("apply --yes").expect(0);
    deployer("plan --check").expect(0);
    lab.fault(&json!({ "kind": "deny", "match": "tagging:GetResources" }));
    deployer("plan --check").expect(0);
    assert!(!lab.everything().iter().any(|it| it.contains("named-default-web")));
}

#[test]
fn what_something_else_shows_is_asked_for_once_that_no_longer_shows_it() {
    let lab = Lab::start_hollow();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stack.yaml");
    std::fs::write(&path, SHOWN).expect("a file");
    let path = path.display().to_string();
    let deployer = |command: &str| -> Ran {
        run(&lab, &command.split(' ').chain(["--file", &path]).collect::<Vec<_>>())
    };
    let asks = |operation: &str| !lab.calls()["operations"][operation].is_null();
    deployer("apply --yes").expect(0);
    lab.reset_calls();
    deployer("plan --check").expect(0);
    let own = ["DescribeAddresses", "DescribeInternetGateways"].map(|it| format!("ec2:{it}"));
    let own = own.into_iter().chain(["rds:DescribeDBSubnetGroups".to_owned()]);
    assert!(!own.clone().any(|it| asks(&it)), "{:#}", lab.calls());

    // Somebody detaches the gateway: its routes lead nowhere from then on.
    let id = |kind: &str| {
        let all = lab.owned();
        let arn = all.iter().find(|it| it.starts_with(kind)).expect("it is there").clone();
        arn.rsplit('/').next().expect("an ARN").to_owned()
    };
    let (gateway, vpc) = (id("ec2:internet-gateway"), id("ec2:vpc:"));
    let nat = id("ec2:natgateway");
    lab.by_hand("ec2", "DeleteNatGateway", &[("NatGatewayId", &nat)]);
    lab.by_hand(
        "ec2",
        "DetachInternetGateway",
        &[("InternetGatewayId", &gateway), ("VpcId", &vpc)],
    );
    let plan = deployer("plan --check").expect(3);
    assert!(plan.stdout.contains("internet-gateway/main"), "{}", plan.stdout);

    // Somebody releases the address that no gateway has any more.
    let address = id("ec2:elastic-ip");
    lab.by_hand("ec2", "ReleaseAddress", &[("AllocationId", &address)]);
    let plan = deployer("plan --check").expect(3);
    assert!(plan.stdout.contains("+ create   elastic-ip/"), "{}", plan.stdout);

    deployer("apply --yes").expect(0);
    deployer("plan --check").expect(0);

    // A copy with our tags is named, however much the others show.
    let tags = lab.tags_of("ec2:elastic-ip:");
    let mut copy = vec![("TagSpecification.1.ResourceType".to_owned(), "elastic-ip".to_owned())];
    for (place, (key, value)) in tags.iter().enumerate() {
        copy.push((format!("TagSpecification.1.Tag.{}.Key", place + 1), key.clone()));
        copy.push((format!("TagSpecification.1.Tag.{}.Value", place + 1), value.clone()));
    }
    let copy: Vec<(&str, &str)> = copy.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    lab.by_hand("ec2", "AllocateAddress", &copy);
    let plan = deployer("plan").expect(0);
    assert!((plan.stdout + &plan.stderr).contains("looks like elastic-ip/"));
}
