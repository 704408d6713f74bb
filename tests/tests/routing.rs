//! What becomes of requests at a load balancer: who answers them, and what it answers itself.

use std::collections::BTreeMap;

use deployer_tests::{Lab, Ran, root, run};
use serde_json::json;
use tempfile::TempDir;

const OURS: &str = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/ours/1";
const THEIRS: &str = "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/theirs/2";

struct World {
    lab: Lab,
    folder: TempDir,
}

impl World {
    fn with(stack: &str) -> Self {
        let world = Self { lab: Lab::start(0.02), folder: tempfile::tempdir().expect("a folder") };
        world.write(stack);
        world
    }

    fn file(&self) -> String {
        self.folder.path().join("stack.yaml").display().to_string()
    }

    fn write(&self, stack: &str) {
        std::fs::write(self.file(), stack).expect("a file");
    }

    fn run(&self, command: &str) -> Ran {
        let file = self.file();
        run(&self.lab, &command.split(' ').chain(["--file", &file]).collect::<Vec<_>>())
    }

    /// The ARN of the web ACL that the load balancer has.
    fn web_acl(&self) -> Option<String> {
        let balancer = json!({ "ResourceArn": self.lab.arn_at("load-balancer/edge") });
        let operation = "AWSWAF_20190729.GetWebACLForResource";
        let answer = self.lab.by_hand_in_json("wafv2", operation, &balancer);
        answer["WebACL"]["ARN"].as_str().map(str::to_owned)
    }

    fn put(&self, web_acl: &str) {
        let balancer = self.lab.arn_at("load-balancer/edge");
        let both = json!({ "ResourceArn": balancer, "WebACLArn": web_acl });
        self.lab.by_hand_in_json("wafv2", "AWSWAF_20190729.AssociateWebACL", &both);
    }
}

/// Two services, each of which says its name; `more` stands at the routes of each.
fn shop(blue: &str, green: &str) -> String {
    let archive = root().join("tests/contracts/images/shop.tar").display().to_string();
    let service = |name: &str, more: &str| {
        format!(
            "  {name}:
    image: {{ build: {{ archive: {archive} }} }}
    subnets: public
    environment: {{ NAME: {name} }}
    count: 2
    ports: {{ http: {{ port: 8080, drain: 0 s, health: /healthz, route: {{ load-balancer: edge{more} }} }} }}
"
        )
    };
    let services = [("blue", blue), ("green", green)].map(|(name, more)| match more {
        "-" => String::new(),
        more => service(name, more),
    });
    format!(
        "stack: routed
region: eu-west-1
network: {{ cidr: 10.71.0.0/16, nat: none }}
load-balancers:
  edge:
    answers:
      closed: {{ path: /closed, respond: {{ status: 503, type: text/html, body: \"<p>At noon.\" }} }}
      moved: {{ path: \"/old/*\", redirect: {{ path: \"/healthz\", query: \"\", status: 301 }} }}
services:
{}outputs: {{ url: \"${{load-balancers/edge.url}}\" }}
",
        services.concat()
    )
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into()
}

/// Who answers so many requests.
fn answers(url: &str, count: usize) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    for _ in 0..count {
        let mut answer = agent().get(url).call().expect("an answer");
        let text = answer.body_mut().read_to_string().expect("a text");
        *answers.entry(text.trim().to_owned()).or_default() += 1;
    }
    answers
}

#[test]
fn a_load_balancer_answers_redirects_and_shares_requests_as_it_is_told() {
    let world = World::with(&shop("", "-"));
    world.run("apply --yes").expect(0);
    let url = world.run("outputs url").expect(0).stdout.trim().to_owned();

    let mut closed = agent().get(format!("{url}/closed")).call().expect("an answer");
    let of_type = closed.headers()["content-type"].to_str().expect("a text").to_owned();
    assert_eq!((closed.status().as_u16(), of_type.as_str()), (503, "text/html"));
    assert_eq!(closed.body_mut().read_to_string().expect("a text"), "<p>At noon.");
    let moved = agent().get(format!("{url}/old/post?x=1")).call().expect("an answer");
    let to = moved.headers()["location"].to_str().expect("a URL").to_owned();
    assert_eq!((moved.status().as_u16(), to.contains("/healthz")), (301, true), "{to}");
    assert_eq!(answers(&to, 1), BTreeMap::from([("blue".to_owned(), 1)]), "whoever follows");

    // Another service that gets a tenth: nobody is led to it before it is there.
    world.write(&shop(", weight: 90", ", weight: 10"));
    let plan = world.run("plan").expect(0).stdout;
    assert!(!plan.contains("outage"), "{plan}");
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);
    let shares = answers(&url, 300);
    let green = shares.get("green").copied().unwrap_or_default();
    assert!((8..=70).contains(&green) && shares["blue"] + green == 300, "{shares:?}");

    // All of them, and then it is alone; the rule is the same one, and changed in place.
    world.write(&shop(", weight: 0", ", weight: 1"));
    let plan = world.run("plan").expect(0).stdout;
    assert!(plan.contains("listener-rule/blue-http") && !plan.contains("outage"), "{plan}");
    world.run("apply --yes").expect(0);
    assert_eq!(answers(&url, 20), BTreeMap::from([("green".to_owned(), 20)]));
    world.write(&shop("-", ", sticky: 1 h"));
    world.run("apply --yes").expect(0);
    world.run("plan --check").expect(0);

    // Who shows the cookie stays with its task.
    let cookie = |shown: &str| {
        let answer = agent().get(&url).header("cookie", shown).call().expect("an answer");
        let cookies = answer.headers().get_all("set-cookie").iter();
        let cookies: Vec<&str> = cookies.map(|it| it.to_str().expect("a text")).collect();
        let cookie = cookies.iter().find_map(|it| it.strip_prefix("AWSALB=")).expect("a cookie");
        cookie.split(';').next().expect("its value").to_owned()
    };
    let task = |cookie: &str| cookie.rsplit_once('-').expect("a task").0.to_owned();
    let first = cookie("");
    let shown = format!("AWSALB={first}");
    assert!((0..6).all(|_| task(&cookie(&shown)) == task(&first)));
    assert!((0..6).any(|_| task(&cookie("")) != task(&first)));
    world.run("destroy --yes").expect(0);
    assert_eq!(world.lab.owned(), Vec::<String>::new());
}

#[test]
fn a_web_acl_is_put_and_taken_away_and_that_of_others_stays() {
    let stack = |web_acl: &str| {
        format!(
            "stack: guarded\nregion: eu-west-1\nnetwork: {{ cidr: 10.72.0.0/16, nat: none }}\n\
             load-balancers: {{ edge: {{{web_acl}}} }}\n"
        )
    };
    let world = World::with(&stack(""));
    world.lab.web_acl(OURS);
    world.lab.web_acl(THEIRS);
    world.run("apply --yes").expect(0);

    // One of others is nobody's business while the stack says nothing, and is not replaced.
    world.put(THEIRS);
    world.run("plan --check").expect(0);
    world.write(&stack(&format!(" web-acl: \"{OURS}\" ")));
    let refused = world.run("apply --yes").expect(4);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(said.contains(THEIRS) && said.contains("disassociate-web-acl"), "{said}");
    assert_eq!(world.web_acl().as_deref(), Some(THEIRS));

    let balancer = json!({ "ResourceArn": world.lab.arn_at("load-balancer/edge") });
    world.lab.by_hand_in_json("wafv2", "AWSWAF_20190729.DisassociateWebACL", &balancer);
    world.run("apply --yes").expect(0);
    assert_eq!(world.web_acl().as_deref(), Some(OURS));
    world.run("plan --check").expect(0);

    // Somebody has put another one there since: that stays when ours is no longer wanted.
    world.put(THEIRS);
    let drift = world.run("drift").expect(3).stdout;
    assert!(drift.contains(THEIRS), "{drift}");
    world.put(OURS);
    world.write(&stack(""));
    world.run("apply --yes").expect(0);
    assert_eq!(world.web_acl(), None);
    world.run("plan --check").expect(0);
    world.run("destroy --yes").expect(0);
}
