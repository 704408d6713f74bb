//! The plainest stack in other regions: the zones that an account has there, and the names of their
//! partition.

use deployer_tests::{Lab, Ran, root, run};
use tempfile::TempDir;

/// The zones of a region that the lab's account has, by letter.
const REGIONS: &[(&str, [char; 2])] = &[("ap-northeast-1", ['a', 'c']), ("us-west-1", ['b', 'c'])];

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self { lab: Lab::start_hollow(), folder: tempfile::tempdir().expect("a folder") }
    }

    /// A service behind a load balancer, with a database, in these zones of a region.
    fn write(&self, region: &str, zones: &str) {
        let image = root().join("tests/contracts/images/answers.tar");
        let text = format!(
            "\
stack: plain
region: {region}
network: {{ zones: {zones} }}
load-balancers: {{ edge: {{}} }}
repositories: {{ web: {{ force-delete: true }} }}
databases: {{ main: {{ engine: postgres, version: 16, protect: false, final-snapshot: false }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {} }} }}
    ports: {{ http: {{ port: 8080, health: /health, route: {{ load-balancer: edge }} }} }}
    uses: [databases/main]
",
            image.display()
        );
        std::fs::write(self.folder.path().join("stack.yaml"), text).expect("a file");
    }

    fn run(&self, command: &str) -> Ran {
        let file = self.folder.path().join("stack.yaml").display().to_string();
        let words = command.split(' ').chain(["--file", &file]);
        run(&self.lab, &words.collect::<Vec<_>>())
    }

    /// How often somebody asked which zones there are.
    fn lookups(&self) -> u64 {
        self.lab.calls()["operations"]["ec2:DescribeAvailabilityZones"].as_u64().unwrap_or(0)
    }
}

#[test]
fn a_network_is_in_the_zones_that_the_account_has() {
    for (region, letters) in REGIONS {
        let world = World::new();
        world.write(region, "2");
        world.lab.reset_calls();
        let plan = world.run("plan").expect(0).stdout;
        assert_eq!(world.lookups(), 1, "{plan}");
        world.run("apply --yes").expect(0);
        let status = world.run("status").expect(0).stdout;
        for letter in 'a'..='d' {
            let has = status.contains(&format!("subnet/public-{letter}"));
            assert_eq!(has, letters.contains(&letter), "{letter} of {region}: {status}");
        }
        world.lab.reset_calls();
        world.run("plan --check").expect(0);
        assert_eq!(world.lookups(), 0, "the subnets that exist say where they are");
        world.run("destroy --yes").expect(0);
        assert_eq!(world.lab.owned(), Vec::<String>::new());
    }
}

#[test]
fn a_zone_more_and_a_zone_less_leave_the_others_alone() {
    let world = World::new();
    world.write("ap-northeast-1", "2");
    world.run("apply --yes").expect(0);
    world.write("ap-northeast-1", "3");
    let more = world.run("plan").expect(0).stdout;
    assert!(more.contains("subnet/public-d") && !more.contains("subnet/public-c"), "{more}");
    world.run("apply --yes").expect(0);
    world.write("ap-northeast-1", "2");
    let less = world.run("plan").expect(0).stdout;
    assert!(less.contains("subnet/public-d") && !less.contains("subnet/public-c"), "{less}");
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
}

#[test]
fn a_zone_that_is_not_there_is_refused_at_its_line_before_anything_is_made() {
    let world = World::new();
    world.write("ap-northeast-1", "[ap-northeast-1a, ap-northeast-1b]");
    let said = world.run("apply --yes").expect(1).stderr;
    assert!(said.contains("stack.yaml:3"), "{said}");
    assert!(
        said.contains("there are `ap-northeast-1a`, `ap-northeast-1c` and `ap-northeast-1d`"),
        "{said}"
    );
    world.write("us-west-1", "3");
    let said = world.run("plan").expect(1).stderr;
    assert!(said.contains("write `zones: 2`"), "{said}");
    assert_eq!(world.lab.everything(), Vec::<String>::new());
}

#[test]
fn a_stack_comes_up_in_every_partition() {
    for (region, partition) in [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")] {
        let world = World::new();
        world.write(region, "2");
        world.run("plan").expect(0);
        world.run("apply --yes").expect(0);
        world.run("plan --check").expect(0);
        let owned = world.lab.owned();
        assert!(owned.len() > 20, "{owned:#?}");
        let elsewhere = owned.iter().filter(|it| !it.contains(&format!(" arn:{partition}:")));
        assert_eq!(elsewhere.collect::<Vec<_>>(), Vec::<&String>::new());
        world.run("destroy --yes").expect(0);
        assert_eq!(world.lab.owned(), Vec::<String>::new());
    }
}

#[test]
fn what_a_partition_lacks_is_no_failure() {
    let lacking = ["client_keep_alive.seconds", "slow_start.duration_seconds"];
    let world = World { lab: Lab::start_without(&lacking), ..World::new() };
    world.write("cn-north-1", "2");
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.owned(), Vec::<String>::new());
}
