//! Stacks in a network and behind a load balancer that they did not make.

use deployer_tests::{Lab, Ran, root, run};
use tempfile::TempDir;

const HOST: &str = "\
stack: platform
region: eu-west-1
network: { cidr: 10.70.0.0/16, nat: none }
load-balancers: { edge: {} }
";

/// A guest that names its network and its load balancer so.
fn guest(network: &str, edge: &str, route: &str) -> String {
    let archive = root().join("tests/contracts/images/answers.tar");
    format!(
        "\
stack: guest
region: eu-west-1
network: {{ existing: {network} }}
load-balancers: {{ edge: {edge} }}
repositories: {{ web: {{ force-delete: true }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {} }} }}
    subnets: public
    ports: {{ http: {{ port: 8080, health: /, route: {{ load-balancer: edge{route} }} }} }}
",
        archive.display()
    )
}

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lab: Lab::start(0.02), folder: tempfile::tempdir().expect("a folder") }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn run(&self, name: &str, command: &str) -> Ran {
        let path = self.folder.path().join(name).display().to_string();
        let words: Vec<&str> = command.split(' ').chain(["--file", &path]).collect();
        run(&self.lab, &words)
    }

    /// Makes something of EC2 by hand: what stands in the answer between these tags.
    fn make(&self, action: &str, parameters: &[(&str, &str)], tag: &str) -> String {
        let answer = self.lab.by_hand("ec2", action, parameters);
        let (_, rest) = answer.split_once(&format!("<{tag}>")).expect("what was made");
        rest.split_once('<').expect("its end").0.to_owned()
    }

    /// A network as somebody makes it by hand: its VPC and two public subnets.
    fn network(&self) -> (String, [String; 2]) {
        let vpc = self.make("CreateVpc", &[("CidrBlock", "10.80.0.0/16")], "vpcId");
        let gateway = self.make("CreateInternetGateway", &[], "internetGatewayId");
        let attachment = [("VpcId", vpc.as_str()), ("InternetGatewayId", gateway.as_str())];
        self.lab.by_hand("ec2", "AttachInternetGateway", &attachment);
        let table = self.make("CreateRouteTable", &[("VpcId", &vpc)], "routeTableId");
        let route = [
            ("RouteTableId", table.as_str()),
            ("DestinationCidrBlock", "0.0.0.0/0"),
            ("GatewayId", gateway.as_str()),
        ];
        self.lab.by_hand("ec2", "CreateRoute", &route);
        let subnets = [("a", "10.80.0.0/24"), ("b", "10.80.1.0/24")].map(|(zone, range)| {
            let zone = format!("eu-west-1{zone}");
            let subnet = [
                ("VpcId", vpc.as_str()),
                ("CidrBlock", range),
                ("AvailabilityZone", zone.as_str()),
            ];
            let subnet = self.make("CreateSubnet", &subnet, "subnetId");
            let association = [("RouteTableId", table.as_str()), ("SubnetId", subnet.as_str())];
            self.lab.by_hand("ec2", "AssociateRouteTable", &association);
            subnet
        });
        (vpc, subnets)
    }
}

#[test]
fn a_network_made_by_hand_is_as_it_was_when_its_guest_has_gone() {
    let world = World::new();
    let (vpc, [first, second]) = world.network();
    for (id, key, value) in
        [(&vpc, "Name", "main"), (&first, "tier", "public"), (&second, "tier", "public")]
    {
        let tag = [("ResourceId.1", id.as_str()), ("Tag.1.Key", key), ("Tag.1.Value", value)];
        world.lab.by_hand("ec2", "CreateTags", &tag);
    }
    let before = world.lab.everything();
    let network = "{ tags: { Name: main }, public: { tags: { tier: public } } }";
    world.write(
        "guest.yaml",
        &guest("{ tags: { Name: other }, public: [subnet-1, subnet-2] }", "{}", ""),
    );
    let refused = world.run("guest.yaml", "plan").expect(1).stderr;
    assert!(refused.contains("no VPC has these tags"), "{refused}");
    world.write("guest.yaml", &guest(network, "{}", ""));
    world.run("guest.yaml", "apply --yes").expect(0);
    world.run("guest.yaml", "plan --check").expect(0);
    let group = world.lab.id_at("security-group/service-web");
    let groups = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", vpc.as_str())];
    let there = world.lab.by_hand("ec2", "DescribeSecurityGroups", &groups);
    assert!(there.contains(&group), "{there}");
    world.run("guest.yaml", "destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), before);
}

#[test]
fn what_nothing_could_be_put_into_is_a_mistake_at_its_line_before_anything_is_made() {
    let world = World::new();
    let (vpc, [first, second]) = world.network();
    // Nothing leads out of one that is in no route table of its own.
    let shut = [
        ("VpcId", vpc.as_str()),
        ("CidrBlock", "10.80.2.0/24"),
        ("AvailabilityZone", "eu-west-1a"),
    ];
    let shut = world.make("CreateSubnet", &shut, "subnetId");
    let (other, _) = world.network();
    let before = world.lab.everything();
    let refuse = |network: &str, said: &str| {
        world.write("guest.yaml", &guest(network, "{}", ""));
        let refused = world.run("guest.yaml", "apply --yes").expect(1).stderr;
        assert!(refused.contains(said) && refused.contains("guest.yaml:3"), "{refused}");
    };
    let in_vpc = |vpc: &str, public: &str| format!("{{ vpc: {vpc}, public: [{public}] }}");
    refuse(&in_vpc("vpc-0abc", &format!("{first}, {second}")), "there is no VPC vpc-0abc");
    refuse(&in_vpc(&vpc, &format!("{first}, subnet-0abc")), "there is no subnet subnet-0abc");
    refuse(&in_vpc(&other, &format!("{first}, {second}")), "is in another network");
    refuse(&in_vpc(&vpc, &format!("{second}, {shut}")), "is not a public subnet");
    refuse("{ stack: platform }", "there is no network of platform/default");
    assert_eq!(world.lab.everything(), before);
}

#[test]
fn a_guest_has_rules_at_the_load_balancer_of_its_host_and_takes_them_with_it() {
    let world = World::new();
    let host = format!("{HOST}secrets: {{ session: {{ recovery: none }} }}\n");
    world.write("host.yaml", &host);
    world.run("host.yaml", "apply --yes").expect(0);
    let edge = "{ existing: { stack: platform } }";
    let first = guest("{ stack: platform }", edge, ", priority: 7");
    let reads = "    subnets: public\n    secrets: { KEY: secrets/session }\n";
    let first = first.replace("    subnets: public\n", reads);
    let session = "secrets: { session: { existing: { stack: platform } } }\n";
    world.write("guest.yaml", &(first + session));
    world.run("guest.yaml", "apply --yes").expect(0);
    world.run("guest.yaml", "plan --check").expect(0);
    assert!(world.lab.arn_at("listener-rule/web-http").contains("/app/platform-default-edge"));

    // What a guest adds is no drift of its host.
    world.run("host.yaml", "drift").expect(0);

    // Another guest wants the same turn.
    let second = guest("{ stack: platform }", edge, ", priority: 7")
        .replace("stack: guest", "stack: second");
    world.write("second.yaml", &second);
    let refused = world.run("second.yaml", "plan").expect(1).stderr;
    assert!(refused.contains("the priority 7 is taken"), "{refused}");
    assert!(refused.contains("such as 6 or 8"), "{refused}");

    // The host does not go while somebody lives by it.
    let refused = world.run("host.yaml", "destroy --yes").expect(5).stderr;
    assert!(refused.contains("the network of guest/default"), "{refused}");
    assert!(refused.contains("rule 7 of guest/default"), "{refused}");
    assert!(refused.contains("the value that guest/default reads by the role"), "{refused}");

    world.run("guest.yaml", "destroy --yes").expect(0);
    world.run("host.yaml", "plan --check").expect(0);
    world.run("host.yaml", "destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn a_guest_shows_its_own_certificate_at_the_load_balancer_of_its_host() {
    let world = World::new();
    world.lab.hosted_zone("example.com");
    let before = world.lab.everything();
    let host =
        |domains: &str| HOST.replace("edge: {}", &format!("edge: {{ domains: [{domains}] }}"));
    world.write("host.yaml", &host("example.com"));
    world.run("host.yaml", "apply --yes").expect(0);
    let tags = "{ deployer:stack: platform }";
    let guest = format!(
        "stack: guest\nregion: eu-west-1\nnetwork: {{ existing: {{ stack: platform }} }}\n\
         load-balancers:\n  edge: {{ domains: [shop.example.com], existing: {{ tags: {tags} }} }}\n"
    );
    world.write("guest.yaml", &guest);
    world.run("guest.yaml", "apply --yes").expect(0);
    world.run("guest.yaml", "plan --check").expect(0);

    // The host lets it be, also when it changes its own.
    world.write("host.yaml", &host("example.com, www.example.com"));
    world.run("host.yaml", "apply --yes").expect(0);
    world.run("guest.yaml", "plan --check").expect(0);
    let refused = world.run("host.yaml", "destroy --yes").expect(5).stderr;
    let certificate = world.lab.arn_at("certificate/domain-shop-example-com");
    assert!(refused.contains(&format!("{certificate} of guest/default")), "{refused}");

    world.run("guest.yaml", "destroy --yes").expect(0);
    world.run("host.yaml", "plan --check").expect(0);
    world.run("host.yaml", "destroy --yes").expect(0);
    assert_eq!(world.lab.everything().len(), before.len());
}
