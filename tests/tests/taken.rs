//! What is there before a stack: names that somebody else has are mistakes of the plan, and what was made
//! by hand is taken over.

use deployer_tests::{Lab, Ran, run};
use serde_json::json;
use tempfile::TempDir;

/// A stack with a load balancer, and a listener and a rule on it.
const HOST: &str = "\
stack: mine
region: eu-west-1
network: { cidr: 10.40.0.0/16, zones: 2, nat: none }
load-balancers: { edge: { http: forward } }
resources:
  listener-rule:
    web: { listener: edge-http, priority: 7, paths: [/a], action: { respond: { status: 404 } } }
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
}

/// What stands between two tags of an answer.
fn within<'a>(answer: &'a str, tag: &str) -> &'a str {
    let rest = answer.split_once(&format!("<{tag}>")).map(|(_, rest)| rest);
    let inner = rest.and_then(|rest| rest.split_once('<')).map(|(inner, _)| inner);
    inner.unwrap_or_else(|| panic!("no {tag} in {answer}"))
}

/// What its kinds are like when somebody makes them by hand, but for what only deployer knows.
const BY_HAND: &str = "\
stack: mine
region: eu-west-1
resources:
  vpc: { old: { cidr: 10.60.0.0/16 } }
  subnet:
    a: { vpc: old, cidr: 10.60.0.0/24, zone: eu-west-1a }
    b: { vpc: old, cidr: 10.60.1.0/24, zone: eu-west-1b }
  internet-gateway: { old: { vpc: old } }
  elastic-ip: { old: {} }
  security-group: { old: { vpc: old, description: by hand, ingress: [{ from: 10.0.0.0/8, port: 22 }] } }
  target-group: { old: { vpc: old, port: 80 } }
  nat-gateway: { old: { subnet: a, address: old } }
  route-table:
    old: { vpc: old, routes: { 0.0.0.0/0: { internet-gateway: old } }, subnets: [a] }
  load-balancer: { old: { subnets: [a, b], security-groups: [old] } }
  listener: { old: { load-balancer: old, port: 80, default-action: { forward: old } } }
  db-subnet-group: { old: { subnets: [a, b], description: by hand } }
  db-parameter-group:
    old: { family: postgres16, description: by hand, parameters: { max_connections: 90 } }
  cluster: { old: {} }
  log-group: { old: {} }
  repository: { old: {} }
  secret: { old: { description: by hand, recovery-days: 0 } }
  role: { old: { services: [ecs-tasks.amazonaws.com] } }
";

/// Makes a load balancer in these subnets that leads to a target group, and gives its listener too.
fn balancer_by_hand(
    lab: &Lab,
    subnets: &[String; 2],
    group: &str,
    target: &str,
) -> (String, String) {
    let elb =
        |action: &str, given: &[(&str, &str)]| lab.by_hand("elasticloadbalancing", action, given);
    let balancer = [
        ("Name", "shop"),
        ("Subnets.member.1", subnets[0].as_str()),
        ("Subnets.member.2", subnets[1].as_str()),
        ("SecurityGroups.member.1", group),
    ];
    let balancer = within(&elb("CreateLoadBalancer", &balancer), "LoadBalancerArn").to_owned();
    let listener = [
        ("LoadBalancerArn", balancer.as_str()),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", target),
    ];
    let listener = within(&elb("CreateListener", &listener), "ListenerArn").to_owned();
    (balancer, listener)
}

/// Makes a NAT gateway in a subnet, and the route table that leads the subnet out by the other one.
fn ways_by_hand(
    lab: &Lab,
    vpc: &str,
    subnet: &str,
    (gateway, address): (&str, &str),
) -> (String, String) {
    let ec2 = |action: &str, given: &[(&str, &str)]| lab.by_hand("ec2", action, given);
    let out = [("SubnetId", subnet), ("AllocationId", address)];
    let out = within(&ec2("CreateNatGateway", &out), "natGatewayId").to_owned();
    let table = within(&ec2("CreateRouteTable", &[("VpcId", vpc)]), "routeTableId").to_owned();
    let route = [
        ("RouteTableId", table.as_str()),
        ("DestinationCidrBlock", "0.0.0.0/0"),
        ("GatewayId", gateway),
    ];
    ec2("CreateRoute", &route);
    ec2("AssociateRouteTable", &[("RouteTableId", &table), ("SubnetId", subnet)]);
    (out, table)
}

fn parameter_group_by_hand(lab: &Lab, name: &str) {
    let family = ("DBParameterGroupFamily", "postgres16");
    let given = [("DBParameterGroupName", name), family, ("Description", "by hand")];
    lab.by_hand("rds", "CreateDBParameterGroup", &given);
    let given = [
        ("DBParameterGroupName", name),
        ("Parameters.Parameter.1.ParameterName", "max_connections"),
        ("Parameters.Parameter.1.ParameterValue", "90"),
        ("Parameters.Parameter.1.ApplyMethod", "pending-reboot"),
    ];
    lab.by_hand("rds", "ModifyDBParameterGroup", &given);
}

/// Makes one of each by hand: the address it is to have, and what AWS calls it.
fn made_by_hand(lab: &Lab) -> Vec<(&'static str, String)> {
    let ec2 = |action: &str, given: &[(&str, &str)]| lab.by_hand("ec2", action, given);
    let vpc = within(&ec2("CreateVpc", &[("CidrBlock", "10.60.0.0/16")]), "vpcId").to_owned();
    let subnet = |range: &str, zone: &str| {
        let given = [("VpcId", vpc.as_str()), ("CidrBlock", range), ("AvailabilityZone", zone)];
        within(&ec2("CreateSubnet", &given), "subnetId").to_owned()
    };
    let subnets = [subnet("10.60.0.0/24", "eu-west-1a"), subnet("10.60.1.0/24", "eu-west-1b")];
    let gateway = within(&ec2("CreateInternetGateway", &[]), "internetGatewayId").to_owned();
    ec2("AttachInternetGateway", &[("InternetGatewayId", &gateway), ("VpcId", &vpc)]);
    let address = within(&ec2("AllocateAddress", &[("Domain", "vpc")]), "allocationId").to_owned();
    let group = [("GroupName", "old"), ("GroupDescription", "by hand"), ("VpcId", vpc.as_str())];
    let group = within(&ec2("CreateSecurityGroup", &group), "groupId").to_owned();
    let ssh = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "22"),
        ("IpPermissions.1.ToPort", "22"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"),
    ];
    ec2("AuthorizeSecurityGroupIngress", &ssh);
    let target = [
        ("Name", "old"),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("VpcId", vpc.as_str()),
        ("TargetType", "ip"),
    ];
    let target = lab.by_hand("elasticloadbalancing", "CreateTargetGroup", &target);
    let target = within(&target, "TargetGroupArn").to_owned();
    let (balancer, listener) = balancer_by_hand(lab, &subnets, &group, &target);
    let (out, table) = ways_by_hand(lab, &vpc, &subnets[0], (&gateway, &address));
    let subnet_group = |name: &str| {
        let given = [
            ("DBSubnetGroupName", name),
            ("DBSubnetGroupDescription", "by hand"),
            ("SubnetIds.SubnetIdentifier.1", subnets[0].as_str()),
            ("SubnetIds.SubnetIdentifier.2", subnets[1].as_str()),
        ];
        lab.by_hand("rds", "CreateDBSubnetGroup", &given);
    };
    let log_group = |name: &str| {
        let given = json!({ "logGroupName": name });
        lab.by_hand_in_json("logs", "Logs_20140328.CreateLogGroup", &given);
    };
    let repository = |name: &str| {
        let target = "AmazonEC2ContainerRegistry_V20150921.CreateRepository";
        lab.by_hand_in_json("ecr", target, &json!({ "repositoryName": name }));
    };
    let role = |name: &str, path: &str| {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": { "Service": "ecs-tasks.amazonaws.com" },
        }]});
        let trust = trust.to_string();
        let given =
            [("RoleName", name), ("Path", path), ("AssumeRolePolicyDocument", trust.as_str())];
        within(&lab.by_hand("iam", "CreateRole", &given), "Arn").to_owned()
    };
    let cluster = "AmazonEC2ContainerServiceV20141113.CreateCluster";
    let cluster = lab.by_hand_in_json("ecs", cluster, &json!({ "clusterName": "shop" }));
    let secret = json!({ "Name": "shop/key", "Description": "by hand", "SecretString": "secret" });
    let secret = lab.by_hand_in_json("secretsmanager", "secretsmanager.CreateSecret", &secret);
    // Of each the one that others would make, and one that is called as the stack's are.
    parameter_group_by_hand(lab, "shop");
    parameter_group_by_hand(lab, "mine-default-shop");
    subnet_group("shop");
    subnet_group("mine-default-shop");
    log_group("/ecs/shop");
    log_group("/mine/default/shop");
    repository("shop/web");
    repository("mine-default-shop");
    role("shop", "/");
    let role = role("shop-tasks", "/deployer/mine/default/");
    let [first, second] = subnets;
    let text = |value: &serde_json::Value| value.as_str().expect("an ARN").to_owned();
    vec![
        ("vpc/old", vpc),
        ("subnet/a", first),
        ("subnet/b", second),
        ("internet-gateway/old", gateway),
        ("elastic-ip/old", address),
        ("security-group/old", group),
        ("target-group/old", target),
        ("nat-gateway/old", out),
        ("route-table/old", table),
        ("load-balancer/old", balancer),
        ("listener/old", listener),
        ("db-parameter-group/old", "mine-default-shop".to_owned()),
        ("db-subnet-group/old", "mine-default-shop".to_owned()),
        ("cluster/old", text(&cluster["cluster"]["clusterArn"])),
        ("log-group/old", "/mine/default/shop".to_owned()),
        ("repository/old", "mine-default-shop".to_owned()),
        ("secret/old", text(&secret["ARN"])),
        ("role/old", role),
    ]
}

/// All of it is known before the first create.
#[test]
fn names_that_somebody_else_has_taken_are_mistakes_of_the_plan() {
    let world = World::with(
        "stack: mine\nregion: eu-west-1\nresources:\n  log-group: { old: {} }\n  repository: { old: \
         {} }\n  cluster: { new: {} }\n",
    );
    let group = json!({ "logGroupName": "/mine/default/old" });
    world.lab.by_hand_in_json("logs", "Logs_20140328.CreateLogGroup", &group);
    let repository = json!({ "repositoryName": "mine-default-old" });
    let create = "AmazonEC2ContainerRegistry_V20150921.CreateRepository";
    world.lab.by_hand_in_json("ecr", create, &repository);
    let before = world.lab.everything();
    for command in ["plan", "apply --yes"] {
        let refused = world.run(command).expect(1).stderr;
        for taken in ["`/mine/default/old` is taken", "`mine-default-old` is taken"] {
            assert!(refused.contains(taken), "{refused}");
        }
        assert!(refused.contains("`deployer adopt log-group/old /mine/default/old"), "{refused}");
        assert_eq!(world.lab.everything(), before);
    }
    world.run("adopt log-group/old /mine/default/old --yes").expect(0);
    world.run("adopt repository/old mine-default-old --yes").expect(0);
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
}

/// What wants a name in a network, a port of a load balancer and a turn on a listener that
/// somebody else has.
const INTRUDER: &str = "\
stack: guest
region: eu-west-1
resources:
  security-group: { web: { vpc: { id: VPC } } }
  listener:
    edge: { load-balancer: { id: BALANCER }, port: 80, default-action: { respond: { status: 404 } } }
  listener-rule:
    web: { listener: { id: LISTENER }, priority: 7, paths: [/], action: { respond: { status: 404 } } }
    late: { listener: { id: LISTENER }, priority: 8, paths: [/], action: { respond: { status: 404 } } }
";

#[test]
fn names_ports_and_turns_that_somebody_else_has_are_mistakes_of_the_plan() {
    let world = World::with(HOST);
    world.run("apply --yes").expect(0);
    let vpc = world.lab.id_at("vpc/main");
    let group =
        [("GroupName", "guest-default-web"), ("GroupDescription", "by hand"), ("VpcId", &vpc)];
    world.lab.by_hand("ec2", "CreateSecurityGroup", &group);
    let before = world.lab.everything();
    let intruder = INTRUDER
        .replace("VPC", &vpc)
        .replace("BALANCER", &world.lab.arn_at("load-balancer/edge"))
        .replace("LISTENER", &world.lab.arn_at("listener/edge-http"));
    world.write("guest.yaml", &intruder);
    for command in ["plan", "apply --yes"] {
        let refused = world.run_on("guest.yaml", command).expect(1).stderr;
        for taken in ["the name `guest-default-web`", "the port 80", "the priority 7"] {
            assert!(refused.contains(&format!("{taken} is taken")), "{taken}: {refused}");
        }
        assert!(!refused.contains("priority 8"), "{refused}");
        assert_eq!(world.lab.everything(), before);
    }
    let elsewhere = intruder.replace("port: 80", "port: 81").replace("priority: 7", "priority: 9");
    world.write("guest.yaml", &elsewhere.replace("  security-group", "  #"));
    world.run_on("guest.yaml", "apply --yes").expect(0);
    world.run_on("guest.yaml", "plan --check").expect(0);
    world.run_on("guest.yaml", "destroy --yes").expect(0);
    assert_eq!(world.lab.everything(), before);
}

#[test]
fn one_of_each_kind_that_was_made_by_hand_is_taken_over_kept_and_deleted() {
    let world = World::with(BY_HAND);
    let made = made_by_hand(&world.lab);
    let before = world.lab.everything();
    // What a scan would never find again is not taken over.
    for (address, id) in [
        ("db-parameter-group/old", "shop"),
        ("db-subnet-group/old", "shop"),
        ("log-group/old", "/ecs/shop"),
        ("repository/old", "shop/web"),
        ("role/old", "arn:aws:iam::123456789012:role/shop"),
    ] {
        let refused = world.run(&format!("adopt {address} {id} --yes")).expect(1);
        assert!(refused.stderr.contains("it is not called"), "{address}: {}", refused.stderr);
        assert!(refused.stderr.contains("refer to it by its identifier"), "{}", refused.stderr);
    }
    assert_eq!(world.lab.owned(), Vec::<String>::new());
    for (address, id) in &made {
        world.run(&format!("adopt {address} {id} --yes")).expect(0);
    }
    let applied = world.run("apply --yes").expect(0);
    for made in ["+ create", "replace"] {
        assert!(!applied.stderr.contains(made), "{}", applied.stderr);
    }
    let without_ours = |all: Vec<String>| -> Vec<String> {
        // The lab lists a rule once it has tags.
        let is_ours =
            |it: &str| it.starts_with("ssm:") || it.starts_with("ec2:security-group-rule");
        all.into_iter().filter(|it| !is_ours(it)).collect()
    };
    assert_eq!(without_ours(world.lab.everything()), before, "none is made beside another");
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    let left = world.lab.everything();
    assert_eq!(left.len(), 5, "what was refused stays: {left:?}");
}
