//! What others do in a network of ours, and what AWS does there by itself.

use deployer_tests::{Lab, Ran, begin_until, deployer, end, run};
use tempfile::TempDir;

const NETWORK: &str = "\
stack: net
region: eu-west-1
network: { zones: 2, nat: none }
";

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn with(stack: &str) -> Self {
        let world = Self { lab: Lab::start(0.0), folder: tempfile::tempdir().expect("a folder") };
        world.write(stack);
        world
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join("stack.yaml"), text).expect("a file");
    }

    fn words(&self, command: &str) -> Vec<String> {
        let file = self.folder.path().join("stack.yaml").display().to_string();
        let words = command.split(' ').map(ToOwned::to_owned);
        words.chain(["--file".to_owned(), file]).collect()
    }

    fn run(&self, command: &str) -> Ran {
        let words = self.words(command);
        run(&self.lab, &words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What EC2 says of something, filtered.
    fn look(&self, action: &str, filter: &str, value: &str) -> String {
        let filters = [("Filter.1.Name", filter), ("Filter.1.Value.1", value)];
        self.lab.by_hand("ec2", action, &filters)
    }
}

/// What stands between the first two of these.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before}: {text}"));
    rest.split_once(after).expect("its end").0
}

#[test]
fn routes_and_subnets_that_others_added_stay_and_are_reported() {
    let world = World::with(NETWORK);
    world.run("apply --yes").expect(0);
    let [table, gateway, vpc] = ["route-table/private-a", "internet-gateway/main", "vpc/main"]
        .map(|address| world.lab.id_at(address));
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "10.99.0.0/16"),
        ("GatewayId", gateway.as_str()),
    ];
    world.lab.by_hand("ec2", "CreateRoute", &route);
    let made = world.lab.by_hand(
        "ec2",
        "CreateSubnet",
        &[("VpcId", &vpc), ("CidrBlock", "10.0.250.0/24"), ("AvailabilityZone", "eu-west-1c")],
    );
    let subnet = between(&made, "<subnetId>", "</subnetId>").to_owned();
    let association = [("RouteTableId", table.as_str()), ("SubnetId", subnet.as_str())];
    world.lab.by_hand("ec2", "AssociateRouteTable", &association);

    let is_left_alone = || {
        let plan = world.run("plan --check").expect(0).stdout;
        assert!(plan.contains("a route to 10.99.0.0/16"), "{plan}");
        assert!(plan.contains(&format!("an association with {subnet}")), "{plan}");
        let there = world.look("DescribeRouteTables", "route-table-id", &table);
        assert!(there.contains("10.99.0.0/16") && there.contains(&subnet), "{there}");
    };
    is_left_alone();
    let more = "resources:\n  route-table:\n    private-a: { routes: { 10.98.0.0/16: { internet-gateway: main } } }\n";
    world.write(&format!("{NETWORK}{more}"));
    world.run("apply --yes").expect(0);
    is_left_alone();
    world.write(NETWORK);
    world.run("apply --yes").expect(0);
    is_left_alone();
    let there = world.look("DescribeRouteTables", "route-table-id", &table);
    assert!(!there.contains("10.98.0.0/16"), "{there}");
    let refused = world.run("destroy --yes").expect(5).stderr;
    assert!(refused.contains("10.99.0.0/16"), "{refused}");
}

#[test]
fn what_a_new_group_lets_out_is_ours_to_close_over_both_families() {
    let world = World::with(NETWORK);
    world.run("apply --yes").expect(0);
    let vpc = world.lab.id_at("vpc/main");
    let block = [("VpcId", vpc.as_str()), ("AmazonProvidedIpv6CidrBlock", "true")];
    world.lab.by_hand("ec2", "AssociateVpcCidrBlock", &block);
    let groups = |closed: &str| {
        format!(
            "{NETWORK}resources:\n  security-group:\n    open: {{ vpc: main }}\n    closed: {{ vpc: main, egress: {closed} }}\n"
        )
    };
    let egress = |name: &str| {
        let group = world.lab.id_at(&format!("security-group/{name}"));
        world.look("DescribeSecurityGroupRules", "group-id", &group)
    };
    world.write(&groups("[{ to: 10.0.0.0/8, port: 443 }]"));
    world.run("apply --yes").expect(0);
    let plan = world.run("plan --check").expect(0).stdout;
    assert!(!plan.contains("::/0"), "{plan}");
    assert!(egress("open").contains("::/0"));
    let closed = egress("closed");
    assert!(!closed.contains("::/0") && !closed.contains("0.0.0.0/0"), "{closed}");
    // One that is closed later is closed for both.
    world.write(
        &groups("[{ to: 10.0.0.0/8, port: 443 }]")
            .replace("open: { vpc: main }", "open: { vpc: main, egress: [] }"),
    );
    world.run("apply --yes").expect(0);
    assert!(!egress("open").contains("::/0"));
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn what_holds_a_vpc_is_named_at_once_whoever_made_it() {
    let world = World::with(
        "stack: net\nregion: eu-west-1\nresources: { vpc: { main: { cidr: 10.0.0.0/16 } } }\n",
    );
    world.run("apply --yes").expect(0);
    let vpc = world.lab.id_at("vpc/main");
    let (endpoint, group) = world.lab.guard_duty(&vpc);
    let acl = world.lab.by_hand("ec2", "CreateNetworkAcl", &[("VpcId", &vpc)]);
    let acl = between(&acl, "<networkAclId>", "</networkAclId>").to_owned();
    world.lab.reset_calls();
    let words = world.words("destroy --yes");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tries = || world.lab.calls()["operations"]["ec2:DeleteVpc"].as_u64().unwrap_or(0);
    let mut destroy = deployer(&world.lab, &words);
    let child = begin_until(&mut destroy, "it was tried some times", || tries() > 4);
    world.lab.by_hand("ec2", "DeleteVpcEndpoints", &[("VpcEndpointId.1", &endpoint)]);
    world.lab.by_hand("ec2", "DeleteSecurityGroup", &[("GroupId", &group)]);
    world.lab.by_hand("ec2", "DeleteNetworkAcl", &[("NetworkAclId", &acl)]);
    let said = end(child).expect(0).stderr;
    for named in [&endpoint, &group, &acl] {
        assert!(said.contains(named.as_str()), "{named}: {said}");
    }
    assert!(said.contains("GuardDuty"), "{said}");
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn subnets_stay_as_they_are_laid_out_and_their_range_goes_after_them() {
    let laid = |zones: u8, private: &str| {
        let also = if private.is_empty() { "[]" } else { "[100.64.0.0/24]" };
        let private =
            if private.is_empty() { String::new() } else { format!(", private: [{private}]") };
        let more = if zones == 3 { ", 10.0.0.224/27" } else { "" };
        format!(
            "stack: net\nregion: eu-west-1\nnetwork:\n  cidr: 10.0.0.0/24\n  zones: {zones}\n  \
             nat: none\n  also: {also}\n  \
             subnets: {{ public: [10.0.0.96/27, 10.0.0.192/27{more}]{private} }}\n"
        )
    };
    let two = "100.64.0.0/26, 100.64.0.64/26";
    let world = World::with(&laid(2, two));
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    let ids =
        || ["public-a", "public-b", "private-a"].map(|it| world.lab.id_at(&format!("subnet/{it}")));
    let before = ids();
    world.write(&laid(3, &format!("100.64.0.128/26, {two}")));
    world.run("apply --yes").expect(0);
    assert_eq!(ids(), before);
    let there = world.look("DescribeSubnets", "subnet-id", &world.lab.id_at("subnet/private-c"));
    assert!(there.contains("100.64.0.128/26") && there.contains("eu-west-1c"), "{there}");

    let vpc = world.lab.id_at("vpc/main");
    world.write(&laid(2, ""));
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    let there = world.look("DescribeVpcs", "vpc-id", &vpc);
    assert!(!there.contains("100.64.0.0/24"), "{there}");

    let by_hand = [("VpcId", vpc.as_str()), ("CidrBlock", "100.65.0.0/24")];
    world.lab.by_hand("ec2", "AssociateVpcCidrBlock", &by_hand);
    let said = world.run("plan --check").expect(0).stdout;
    assert!(said.contains("the range 100.65.0.0/24, not added by this stack"), "{said}");
}
