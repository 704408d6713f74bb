//! Domains: from nothing to HTTPS in one run, and away again.

use deployer_tests::{Lab, Ran, run, wait_until};
use tempfile::TempDir;

/// What the load balancer of a stack says of its domains.
fn stack(name: &str, domains: &str) -> String {
    let archive = deployer_tests::root().join("tests/contracts/images/answers.tar");
    format!(
        "\
stack: {name}
region: eu-west-1
network: {{ cidr: 10.60.0.0/16, nat: none }}
load-balancers: {{ edge: {{ domains: {domains} }} }}
repositories: {{ web: {{ force-delete: true }} }}
services:
  web:
    image: {{ repository: web, build: {{ archive: {} }} }}
    ports: {{ http: {{ port: 8080, health: /, route: {{ load-balancer: edge }} }} }}
    count: 1
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

    fn write(&self, name: &str, domains: &str) {
        std::fs::write(self.folder.path().join(name), stack(name, domains)).expect("a file");
    }

    fn run(&self, name: &str, command: &str) -> Ran {
        let path = self.folder.path().join(name).display().to_string();
        let words: Vec<&str> = command.split(' ').chain(["--file", &path]).collect();
        run(&self.lab, &words)
    }

    /// Where a name leads, as DNS answers it.
    fn resolve(&self, name: &str) -> Option<String> {
        let answer = self.lab.get(&format!("/_lab/resolve?name={name}&type=A"));
        answer["answers"][0]["value"].as_str().map(str::to_owned)
    }

    /// What a browser gets that trusts the lab's authority: where it was sent in the end, and the
    /// subject of the certificate that it was shown first.
    fn visit(&self, url: &str) -> (u16, String, String) {
        let authority =
            self.lab.get("/_lab")["authority"]["certificate"].as_str().expect("a file").to_owned();
        let host = url.split("//").nth(1).and_then(|rest| rest.split('/').next()).expect("a host");
        let address = self.resolve(host).unwrap_or_else(|| panic!("{host} does not resolve"));
        let resolve = [80, 443].map(|port| format!("{host}:{port}:{address}"));
        let output = std::process::Command::new("curl")
            .args(["--silent", "--show-error", "--verbose", "--max-time", "20"])
            .args(["--cacert", &authority, "--resolve", &resolve[0], "--resolve", &resolve[1]])
            .args(["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}", url])
            .output()
            .expect("curl runs");
        let heard = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{url}: {heard}");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let (code, target) = told.split_once(' ').expect("a code");
        let subject = heard.lines().find_map(|line| line.split("subject: CN=").nth(1));
        let subject = subject.unwrap_or_default().trim().to_owned();
        (code.parse().expect("a code"), target.to_owned(), subject)
    }
}

#[test]
fn domains_are_reached_over_https_after_one_run() {
    let world = World::new();
    let zone = world.lab.hosted_zone("example.com");
    world.lab.hosted_zone("example.org");
    let others = world.lab.everything();
    world.write(
        "shop",
        "[example.com, \"*.example.com\", { name: www.example.com, redirect: example.com }, shop.example.org]",
    );
    world.run("shop", "apply --yes").expect(0);
    let (code, _, subject) = world.visit("https://example.com/");
    assert_eq!((code, &*subject), (200, "example.com"));
    // Two certificates on one listener, by the name that is asked for.
    let (code, _, subject) = world.visit("https://shop.example.org/");
    assert_eq!((code, &*subject), (200, "shop.example.org"));
    assert_eq!(world.visit("https://any.example.com/").0, 200);
    let (code, target, _) = world.visit("https://www.example.com/a?b=c");
    assert_eq!((code, &*target), (301, "https://example.com:443/a?b=c"));
    let (code, target, _) = world.visit("http://example.com/a");
    assert_eq!((code, &*target), (301, "https://example.com:443/a"));
    let again = world.run("shop", "plan").expect(0);
    assert!(again.stdout.starts_with("No changes."), "{}", again.stdout);

    // One that leaves takes its records and its certificate along, and no other.
    world.write("shop", "[example.com, \"*.example.com\", www.example.com]");
    world.run("shop", "apply --yes").expect(0);
    // AWS's name servers answer for a while as they did.
    wait_until("it leads nowhere", || world.resolve("shop.example.org").is_none());
    assert_eq!(world.visit("https://www.example.com/").0, 200);
    world.run("shop", "destroy --yes").expect(0);
    let left: Vec<String> = world.lab.everything();
    assert_eq!(left.len(), others.len(), "{left:?} {zone}");
}

#[test]
fn a_record_of_others_is_in_the_way_and_stays() {
    let world = World::new();
    let zone = world.lab.hosted_zone("example.com");
    let record = |action: &str| {
        format!(
            "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
             <ChangeBatch><Changes><Change><Action>{action}</Action><ResourceRecordSet>\
             <Name>example.com</Name><Type>A</Type><TTL>60</TTL><ResourceRecords><ResourceRecord>\
             <Value>192.0.2.1</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change>\
             </Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
        )
    };
    let path = format!("/2013-04-01/hostedzone/{zone}/rrset");
    world.lab.by_hand_in_xml("route53", &path, &record("CREATE"));
    world.write("shop", "[example.com]");
    let ran = world.run("shop", "plan");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("the record example.com A is taken"), "{said}");
    assert_ne!(world.run("shop", "apply --yes").code, Some(0));
    assert_eq!(world.resolve("example.com").as_deref(), Some("192.0.2.1"));
}

#[test]
fn without_a_zone_the_records_to_make_are_said_before_anything_is_made() {
    let world = World::new();
    world.write("shop", "[example.com]");
    let ran = world.run("shop", "plan");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("no public zone") && said.contains("zone: none"), "{said}");
}
