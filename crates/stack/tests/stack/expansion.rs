//! What the sections become.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Code, Diagnostic, Place, Snapshot, references};
use deployer_stack::{Loaded, Options, Zones, expanded, load, to_yaml};
use serde_json::{Value, json};

use crate::support::{loaded, read, rendered};

#[test]
fn the_sample_stack_expands_for_dev() {
    let loaded = loaded(&read("stacks/notes.yaml"), Some("dev"));
    insta::assert_snapshot!("notes-dev", to_yaml(&expanded(&loaded.stack)));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.images["web"], [Address::new("image", "web")].into());
}

#[test]
fn the_sample_stack_expands_for_prod() {
    let loaded = loaded(&read("stacks/notes.yaml"), Some("prod"));
    insta::assert_snapshot!("notes-prod", to_yaml(&expanded(&loaded.stack)));
}

#[test]
fn what_expand_prints_loads_as_the_same_resources() {
    let kinds = deployer_kinds::all();
    for environment in ["dev", "prod"] {
        let first = loaded(&read("stacks/notes.yaml"), Some(environment)).stack;
        let text = to_yaml(&expanded(&first));
        let second = load(&text, &Options::default(), &kinds);
        let second = second
            .unwrap_or_else(|mistakes| panic!("{}", rendered("expanded.yaml", &text, &mistakes)));
        assert_eq!(second.stack, first, "{environment}");
    }
}

#[test]
fn a_network_without_nat_puts_services_into_public_subnets_and_says_so() {
    let text = "
stack: hobby
region: eu-west-1
network: { nat: none }
services:
  web: { image: \"nginx:1\" }
";
    let loaded = loaded(text, None);
    let service = &loaded.stack.resources[&Address::new("service", "web")].spec;
    assert_eq!(service["public-address"], true);
    assert_eq!(service["subnets"][0]["ref"], "subnet/public-a");
    assert!(!loaded.stack.resources.keys().any(|address| address.kind == "nat-gateway"));
    insta::assert_snapshot!("public-services", rendered("stack.yaml", text, &loaded.warnings));
}

#[test]
fn subnets_that_are_too_small_for_a_rollout_are_said_to_be() {
    let text = "
stack: shop
region: eu-west-1
network: { cidr: 10.0.0.0/25, private-access: true }
services:
  web: { image: \"nginx:1\", scale: { min: 2, max: 9, cpu: 60% } }
  api: { image: \"nginx:1\", count: 2 }
";
    let rooms = |text: &str| rendered("stack.yaml", text, &loaded(text, None).warnings);
    insta::assert_snapshot!("small-subnets", rooms(text));
    assert_eq!(rooms(&text.replace("/25", "/22")), "\n");
    let laid = "/25, subnets: { private: [10.0.0.32/27, 10.0.0.96/28] }";
    assert_eq!(rooms(&text.replace("/25", laid)), "\n");
}

#[test]
fn an_override_changes_single_fields_and_leaves_the_others() {
    let text = "
stack: shop
region: eu-west-1
variables: { days: 14 }
network: {}
services:
  web: { image: \"nginx:1\", environment: { PRICE: \"5 $${x} ${stack}\" } }
resources:
  log-group:
    web: { retention-days: \"${days}\" }
  service:
    web: { platform-version: 1.4.0, subnets: [{ id: subnet-1 }, public-a] }
  route-table:
    data: { routes: { 10.99.0.0/16: { nat-gateway: nat-a } } }
  security-group:
    office: { vpc: main, ingress: [{ port: 443, from: { security-group: service-web } }] }
";
    let resources = loaded(text, None).stack.resources;
    let spec = |kind: &str, name: &str| resources[&Address::new(kind, name)].spec.clone();
    assert_eq!(spec("log-group", "web")["retention-days"], 14);
    assert_eq!(spec("service", "web")["platform-version"], "1.4.0");
    assert_eq!(spec("service", "web")["grace-period"], 0);
    assert_eq!(spec("service", "web")["subnets"][1]["id"], "subnet-1");
    assert_eq!(spec("route-table", "data")["subnets"][0]["ref"], "subnet/data-a");
    let rule = &spec("security-group", "office")["ingress"][0];
    assert_eq!(rule["from"]["security-group"]["ref"], "security-group/service-web");
    let container = &spec("task-definition", "web")["containers"]["web"];
    assert_eq!(container["environment"]["PRICE"], "5 ${x} shop");
}

#[test]
fn variables_keep_their_types_and_the_command_line_wins() {
    let text = "
stack: shop
region: eu-west-1
variables: { zones: 2, protect: true, office: }
network: { zones: \"${zones}\" }
load-balancers: { edge: { from: [\"${office}\"], protect: \"${protect}\" } }
";
    let variables = [("zones", "3"), ("protect", "false"), ("office", "203.0.113.0/24")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options = Options { variables, ..Options::default() };
    let resources = load(text, &options, &deployer_kinds::all()).unwrap().stack.resources;
    assert!(resources.contains_key(&Address::new("subnet", "data-c")));
    let balancer = &resources[&Address::new("load-balancer", "edge")].spec;
    assert_eq!(balancer["deletion-protection"], false);
    let group = &resources[&Address::new("security-group", "load-balancer-edge")].spec;
    assert_eq!(group["ingress"][0]["from"], "203.0.113.0/24");
}

#[test]
fn where_a_stack_is_kept_is_what_it_says_or_else_what_the_caller_knows() {
    let options = Options { origin: Some("git.test/a:b".to_owned()), ..Options::default() };
    let origin = |text: &str| {
        let loaded = load(text, &options, &deployer_kinds::all()).unwrap();
        loaded.stack.scope.origin
    };
    let plain = "stack: shop\nregion: eu-west-1\n";
    assert_eq!(origin(plain).as_deref(), Some("git.test/a:b"));
    assert_eq!(origin(&format!("{plain}origin: shop of acme")).as_deref(), Some("shop of acme"));
}

#[test]
fn null_takes_a_field_by_hand_out_of_what_a_section_made() {
    let text = "\
stack: notes
region: eu-west-1
environments: { dev: {} }
network: { cidr: 10.20.0.0/16, zones: 2, nat: single }
resources:
  route-table: { private-a: { routes: { 0.0.0.0/0: null } } }
";
    let resources = loaded(text, Some("dev")).stack.resources;
    let routes = |name: &str| &resources[&Address::new("route-table", name)].spec["routes"];
    assert!(routes("private-a").as_object().unwrap().is_empty());
    assert_eq!(routes("private-b").as_object().unwrap().len(), 1);
}

/// What an account has of Tokyo, and the zones there in which an environment has a network.
fn tokyo(used: &[char]) -> Zones {
    let live = |address: String, zone: Option<String>| {
        json!({
            "address": address, "generation": 1, "mark": null, "spec": { "zone": zone },
            "output": { "id": address }, "phase": "ready", "state": "", "foreign": [],
        })
    };
    let subnets = used.iter().map(|letter| {
        live(format!("subnet/public-{letter}"), Some(format!("ap-northeast-1{letter}")))
    });
    let gateway = used.last().map(|letter| live(format!("nat-gateway/nat-{letter}"), None));
    let snapshot: Snapshot = serde_json::from_value(json!({
        "scope": { "stack": "tea", "environment": "default" },
        "account": "123456789012", "region": "ap-northeast-1", "roles": {},
        "lives": subnets.chain(gateway).collect::<Vec<_>>(),
        "strays": [], "disputes": [], "unseen": [], "origin": null,
    }))
    .unwrap();
    let there = ["a", "c", "d"].map(|letter| format!("ap-northeast-1{letter}"));
    Zones::of(&snapshot).and(Place::default(), there.into())
}

#[test]
fn as_many_zones_are_those_that_the_network_is_in_and_the_first_of_the_others() {
    for (count, used, expected) in [
        (2, "", "ac"),
        (3, "", "acd"),
        (2, "cd", "cd"),
        (3, "cd", "acd"),
        (2, "acd", "ac"),
        (1, "d", "d"),
        // One that has closed since.
        (2, "b", "ab"),
    ] {
        let used: Vec<char> = used.chars().collect();
        let text = format!("stack: tea\nregion: ap-northeast-1\nnetwork: {{ zones: {count} }}\n");
        let options = Options { zones: Some(tokyo(&used)), ..Options::default() };
        let loaded = load(&text, &options, &deployer_kinds::all()).unwrap();
        assert_eq!(loaded.assumed_zones, Vec::<String>::new());
        let subnets = loaded.stack.resources.iter().filter(|(it, _)| it.kind == "subnet");
        let zones: BTreeSet<&str> =
            subnets.filter_map(|(_, it)| it.spec["zone"].as_str()).collect();
        let wanted: Vec<String> =
            expected.chars().map(|it| format!("ap-northeast-1{it}")).collect();
        assert_eq!(zones.into_iter().collect::<Vec<_>>(), wanted, "{count} of {used:?}");
        // The NAT gateway stays where it is.
        let kept = used.last().filter(|letter| expected.contains(**letter));
        let zone = kept.copied().or(expected.chars().next()).unwrap();
        let gateway = Address::new("nat-gateway", format!("nat-{zone}"));
        assert!(loaded.stack.resources.contains_key(&gateway), "{count} of {used:?}");
    }
}

#[test]
fn a_zone_that_has_closed_stays_where_the_network_is_in_it() {
    let text = "stack: tea\nregion: ap-northeast-1\nnetwork: { zones: [ap-northeast-1b, ap-northeast-1c] }\n";
    let load = |used: &[char]| {
        let options = Options { zones: Some(tokyo(used)), ..Options::default() };
        load(text, &options, &deployer_kinds::all())
    };
    assert!(load(&['b']).is_ok());
    assert!(load(&['c']).is_err());
}

#[test]
fn without_a_look_the_first_letters_stand_for_the_zones() {
    let count = loaded("stack: tea\nregion: eu-west-1\nnetwork: {}\n", None);
    assert_eq!(count.assumed_zones, ["eu-west-1a", "eu-west-1b"]);
    let named = "stack: tea\nregion: eu-west-1\nnetwork: { zones: [eu-west-1c, eu-west-1d] }\n";
    assert_eq!(loaded(named, None).assumed_zones, Vec::<String>::new());
}

#[test]
fn a_value_outside_the_stack_is_read_by_the_service_that_keeps_it() {
    let text = "\
stack: tea
region: cn-north-1
network: {}
services:
  worker:
    image: 123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/tools/worker:1
    secrets:
      DB_PASSWORD: arn:aws-cn:ssm:cn-north-1:123456789012:parameter/copilot/secrets/DB_PASSWORD
      PINNED: arn:aws-cn:ssm:cn-north-1:123456789012:parameter/pinned:3
      API_KEY: \"arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:keys-AbCdEf:api_key::\"
";
    let resources = loaded(text, None).stack.resources;
    let spec = |kind: &str, name: &str| &resources[&Address::new(kind, name)].spec;
    let policy = &spec("role", "worker-execution")["inline"]["execution"];
    let allowed = |action: &str| {
        let statements = policy.as_array().unwrap().iter();
        let mut of =
            statements.filter(|it| it["actions"].as_array().unwrap().contains(&action.into()));
        of.next().map(|it| it["resources"].clone()).unwrap()
    };
    let here = "cn-north-1:123456789012";
    assert_eq!(
        allowed("ssm:GetParameters"),
        json!([
            format!("arn:aws-cn:ssm:{here}:parameter/copilot/secrets/DB_PASSWORD"),
            format!("arn:aws-cn:ssm:{here}:parameter/pinned"),
        ])
    );
    let secret = format!("arn:aws-cn:secretsmanager:{here}:secret:keys-AbCdEf");
    assert_eq!(allowed("secretsmanager:GetSecretValue"), json!([secret]));
    let repository = format!("arn:aws-cn:ecr:{here}:repository/tools/worker");
    assert_eq!(allowed("ecr:BatchGetImage"), json!([repository]));
    let container = &spec("task-definition", "worker")["containers"]["worker"];
    assert_eq!(container["secrets"]["API_KEY"], format!("{secret}:api_key::"));
    assert_eq!(container["secrets"]["PINNED"], format!("arn:aws-cn:ssm:{here}:parameter/pinned:3"));
}

#[test]
fn regions_of_all_partitions_are_regions() {
    for region in ["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"] {
        let stack = loaded(&format!("stack: tea\nregion: {region}\n"), None).stack;
        assert_eq!(stack.region, region);
    }
}

/// What a service that sends to a database, a load balancer and one range lets out.
fn let_out(egress: &str) -> Result<Vec<Value>, Vec<Diagnostic>> {
    let text = format!(
        "\
stack: shop
region: eu-west-1
network: {{ cidr: 10.1.0.0/16, nat: single }}
load-balancers: {{ edge: {{}} }}
databases: {{ main: {{ engine: postgres, version: \"16\" }} }}
services:
  web: {{ image: nginx, uses: [databases/main, load-balancers/edge], egress: {egress} }}
"
    );
    let loaded = load(&text, &Options::default(), &deployer_kinds::all())?;
    let group = &loaded.stack.resources[&Address::new("security-group", "service-web")];
    Ok(group.spec["egress"].as_array().cloned().unwrap_or_default())
}

#[test]
fn a_service_sends_to_what_it_lists_and_what_it_uses() {
    let rules = let_out("[{ to: 203.0.113.0/24, port: 443 }]").expect("a stack");
    let to = |to: &str, port: u64| {
        rules
            .iter()
            .any(|rule| rule["to"] == to && rule["port"] == port && rule["protocol"] == "tcp")
    };
    assert!(to("203.0.113.0/24", 443), "{rules:?}");
    assert!(to("10.1.0.0/16", 5432), "{rules:?}");
    assert!(to("0.0.0.0/0", 80), "{rules:?}");
    assert_eq!(rules.len(), 3, "{rules:?}");
}

#[test]
fn a_service_sends_to_everything_where_it_says_so() {
    let rules = let_out("open").expect("a stack");
    assert_eq!(rules.len(), 1);
    assert_eq!((&rules[0]["to"], &rules[0]["port"]), (&json!("0.0.0.0/0"), &json!("all")));
}

#[test]
fn a_service_that_cannot_fetch_its_image_is_a_mistake() {
    for egress in [
        "[]",
        "[{ to: 203.0.113.0/24, port: 80 }]",
        "[{ to: 0.0.0.0/0, port: 443, protocol: udp }]",
    ] {
        let mistakes = let_out(egress).expect_err("a mistake");
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert_eq!(mistakes[0].code, Code::NoWayOut);
    }
}

/// Two load balancers: one with domains of all kinds, and one whose certificate was brought along.
const DOMAINS: &str = "
stack: shop
region: eu-west-1
environments:
  prod: {}
  dr: { like: prod, region: eu-central-1 }
network: {}
load-balancers:
  edge:
    domains:
      - \"*.example.com\"
      - example.com
      - { name: www.example.org, redirect: example.com, zone: { name: example.org, role: \"arn:aws:iam::222222222222:role/dns\" } }
      - { name: shared.example.net, failover: true }
      - { name: elsewhere.example.net, zone: none }
  other: { domains: [\"*.example.net\"] }
  own: { domains: [own.example.com], certificate: \"arn:aws:acm:eu-west-1:111111111111:certificate/1\" }
services:
  web: { image: \"nginx:1\", ports: { http: { port: 80, route: { load-balancer: edge, host: example.com } } } }
";

#[test]
fn domains_become_certificates_records_and_rules() {
    let loaded = loaded(DOMAINS, Some("prod"));
    let all = expanded(&loaded.stack);
    let kinds = ["certificate", "record", "validation-record", "listener", "listener-rule"];
    let resources = all["resources"].as_object().expect("kinds");
    let shown: Value = kinds.map(|kind| (kind, resources[kind].clone())).into_iter().collect();
    insta::assert_snapshot!("domains", to_yaml(&shown));
    let outputs = &loaded.stack.outputs;
    assert_eq!(outputs["edge-url"].literal(), Some("https://example.com"));
    assert_eq!(outputs["own-url"].literal(), Some("https://own.example.com"));
}

#[test]
fn of_two_environments_that_share_a_domain_the_one_that_is_like_the_other_is_second() {
    let failover = |environment: &str| {
        let loaded = loaded(DOMAINS, Some(environment));
        let record = Address::new("record", "domain-shared-example-net");
        loaded.stack.resources[&record].spec["failover"].clone()
    };
    assert_eq!(failover("prod"), json!({ "primary": "shop-prod" }));
    assert_eq!(failover("dr"), json!({ "secondary": "shop-dr" }));
}

#[test]
fn without_nat_what_is_not_reached_is_said() {
    let text = "
stack: shop
region: eu-west-1
network: { nat: none, private-access: [ecr, s3] }
secrets: { key: {} }
services:
  web: { image: { build: { cargo: . } }, secrets: { KEY: secrets/key } }
  proxy: { image: \"nginx:1.29\" }
";
    let loaded = loaded(text, None);
    insta::assert_snapshot!("no-way", rendered("stack.yaml", text, &loaded.warnings));
    let service = &loaded.stack.resources[&Address::new("service", "web")].spec;
    assert_eq!(
        (&service["public-address"], &service["subnets"][0]["ref"]),
        (&json!(false), &json!("subnet/private-a"))
    );
    let needed = self::loaded(&text.replace("[ecr, s3]", "true"), None);
    let endpoints = needed.stack.resources.keys().filter(|it| it.kind.ends_with("-endpoint"));
    let names: Vec<&str> = endpoints.map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["s3", "ecr-api", "ecr-dkr", "logs", "secretsmanager"]);
    assert_eq!(needed.warnings.len(), 1, "the image of others is nowhere in AWS");
}

#[test]
fn tiers_are_kept_apart_by_network_acls() {
    let text = "
stack: shop
region: eu-west-1
network: { acls: tiers, flow-logs: 30 days }
";
    let all = expanded(&loaded(text, None).stack);
    let kinds = ["network-acl", "flow-log", "role", "log-group"];
    let resources = all["resources"].as_object().expect("kinds");
    let shown: Value = kinds.map(|kind| (kind, resources[kind].clone())).into_iter().collect();
    insta::assert_snapshot!("acls", to_yaml(&shown));
}

#[test]
fn monitoring_has_an_alarm_for_what_usually_goes_wrong() {
    let text = "
stack: shop
region: eu-west-1
network: {}
load-balancers: { edge: {} }
databases: { main: { engine: postgres, version: 16, storage: 100 GiB } }
services:
  web: { image: \"nginx:1.29\", ports: { http: { port: 80, route: { load-balancer: edge } } } }
  worker: { image: \"nginx:1.29\" }
monitoring:
  notify: [ops@example.com, \"https://hooks.example.com/alarms\"]
  alarms:
    web-cpu: { of: services/web, metric: cpu, above: 70%, for: 15 min }
    busy: { of: databases/main, metric: connections, above: 100, description: too many }
";
    let all = expanded(&loaded(text, None).stack);
    let kinds = ["alarm", "topic"];
    let resources = all["resources"].as_object().expect("kinds");
    let shown: Value = kinds.map(|kind| (kind, resources[kind].clone())).into_iter().collect();
    insta::assert_snapshot!("monitoring", to_yaml(&shown));
    let none = text.replace("monitoring:", "monitoring: { defaults: false }\nx-unused:");
    let without = loaded(&none, None).stack.resources;
    assert!(!without.keys().any(|it| it.kind == "alarm" || it.kind == "topic"));
}

#[test]
fn a_job_is_like_a_service_as_far_as_it_has_its_keys() {
    let text = "
stack: shop
region: eu-west-1
network: { nat: single }
load-balancers: { edge: { http: forward } }
databases: { main: { engine: postgres, version: 16 } }
services:
  web:
    image: { build: { dockerfile: Dockerfile } }
    ports: { http: { port: 8080, route: { load-balancer: edge } } }
    uses: [databases/main]
    environment: { RUST_LOG: info }
    scale: { min: 2, max: 4, cpu: 60% }
jobs:
  migrate: { like: services/web, command: [/web, migrate], before: services/web, environment: { ONCE: true } }
  clean:
    like: migrate
    command: [/web, clean]
    before: null
    schedule: { cron: \"30 3 * * *\", timezone: Europe/Zagreb }
    timeout: 2 h
    retries: 2
";
    let loaded = loaded(text, None);
    assert_eq!(loaded.warnings, []);
    let spec =
        |kind: &str, name: &str| loaded.stack.resources[&Address::new(kind, name)].spec.clone();
    // The image is built once, and the database lets all of them in.
    let images: Vec<&Address> =
        loaded.stack.resources.keys().filter(|address| address.kind == "image").collect();
    assert_eq!(images, [&Address::new("image", "web")]);
    let container = &spec("task-definition", "job-clean")["containers"]["clean"];
    let image = &container["image"]["text"][0]["output"]["address"];
    assert_eq!(image, "image/web");
    assert_eq!(container["command"], json!(["/web", "clean"]));
    assert_eq!(container["environment"]["RUST_LOG"], "info");
    assert_eq!(container["environment"]["ONCE"], "true");
    assert_eq!(container["ports"], json!([]));
    let peers = spec("security-group", "database-main");
    let peers: Vec<&str> = peers["ingress"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|rule| rule["from"]["security-group"]["ref"].as_str())
        .collect();
    assert_eq!(
        peers,
        ["security-group/job-clean", "security-group/job-migrate", "security-group/service-web"]
    );
    let resources = expanded(&loaded.stack)["resources"].clone();
    let of_jobs = json!({
        "job": resources["job"], "queue": resources["queue"], "schedule": resources["schedule"],
        "state-machine": resources["state-machine"],
        "role": {
            "job-clean-machine": resources["role"]["job-clean-machine"],
            "job-clean-schedule": resources["role"]["job-clean-schedule"],
        },
    });
    insta::assert_snapshot!("jobs", to_yaml(&of_jobs));
}

#[test]
fn a_queue_has_dead_letters_is_measured_and_permits_what_is_done_with_it() {
    let text = "
stack: shop
region: eu-west-1
network: { private-access: true, nat: none }
monitoring: {}
queues:
  mails: { visibility: 60 s, retries: 5, key: \"arn:aws:kms:eu-west-1:111122223333:key/1\" }
  orders: { fifo: true, content-deduplication: true, dead-letters: none }
services:
  web:
    image: { build: { dockerfile: Dockerfile } }
    uses: [{ use: queues/mails, access: send, as: POST }]
  worker:
    like: web
    uses: [{ use: queues/mails, access: receive }, queues/orders]
    scale: { min: 1, max: 10, backlog: { queue: mails, per-task: 100 } }
outputs: { mails: \"${queues/mails.arn}\" }
";
    let loaded = loaded(text, None);
    assert_eq!(loaded.warnings, []);
    let resources = expanded(&loaded.stack)["resources"].clone();
    let environment =
        |name: &str| resources["task-definition"][name]["containers"][name]["environment"].clone();
    assert_eq!(environment("web"), json!({ "POST_URL": "${queue/mails.url}" }));
    let both = json!({ "MAILS_URL": "${queue/mails.url}", "ORDERS_URL": "${queue/orders.url}" });
    assert_eq!(environment("worker"), both);
    assert!(resources["interface-endpoint"]["sqs"].is_object(), "private subnets reach it");
    let of_queues = json!({
        "queue": resources["queue"],
        "alarm": {
            "queue-mails-age": resources["alarm"]["queue-mails-age"],
            "queue-mails-dead-letters": resources["alarm"]["queue-mails-dead-letters"],
        },
        "role": {
            "web-task": resources["role"]["web-task"]["inline"],
            "worker-task": resources["role"]["worker-task"]["inline"],
        },
        "scalable-target": resources["scalable-target"],
    });
    assert!(resources["alarm"]["queue-orders-age"].is_object());
    assert!(resources["alarm"]["queue-orders-dead-letters"].is_null(), "it has no such queue");
    insta::assert_snapshot!("queues", to_yaml(&of_queues));
}

/// A stack whose services have containers beside their own.
const BESIDE: &str = "
stack: shop
region: eu-west-1
network: { nat: single }
secrets: { token: {} }
services:
  web:
    image: { build: { dockerfile: Dockerfile } }
    command: [serve]
    health-command: [/web, healthy]
    mounts: { work: { path: /work, volume: empty } }
    tmpfs: { /tmp: 64 MiB }
    ulimits: { nofile: 100000 }
    scale: { min: 2, max: 10, cpu: 60% }
    spot: 70%
    sidecars:
      agent:
        image: \"111122223333.dkr.ecr.eu-west-1.amazonaws.com/agent:1\"
        cpu: 64
        memory: 64 MiB
        starts: before
        health-command: [/agent, ping]
        secrets: { TOKEN: secrets/token }
      setup:
        image: { of: web }
        command: [prepare]
        essential: false
        starts: before
        until: success
        mounts: { work: { path: /out } }
      tail: { image: \"tail:1\", starts: after, mounts: { work: { path: /work, read-only: true } } }
  worker: { image: { of: web }, count: 3, spot: { share: 100%, base: 1 }, logs: { driver: none } }
";

#[test]
fn sidecars_start_around_the_services_own_container() {
    let loaded = loaded(BESIDE, None);
    let spec = |address: &str| &loaded.stack.resources[&address.parse().unwrap()].spec;
    let task = spec("task-definition/web");
    assert_eq!(task["volumes"], json!({ "work": "empty" }));
    let containers = &task["containers"];
    let waits = json!({ "agent": "healthy", "setup": "success" });
    assert_eq!(containers["web"]["depends-on"], waits);
    assert_eq!(containers["tail"]["depends-on"], json!({ "web": "healthy" }));
    assert_eq!(containers["web"]["tmpfs"], json!({ "/tmp": 64 }));
    assert_eq!(containers["web"]["ulimits"], json!({ "nofile": 100_000 }));
    let mount = json!({ "work": { "path": "/work", "read-only": true } });
    assert_eq!(containers["tail"]["mounts"], mount);
    assert_eq!(containers["setup"]["image"], containers["web"]["image"]);
    let log = json!({ "group": { "ref": "log-group/web" }, "prefix": "agent" });
    assert_eq!(containers["agent"]["log"], log);
    // Whoever starts the tasks pulls all of their images and reads all of their secrets.
    let role = spec("role/web-execution")["inline"]["execution"].to_string();
    for part in ["repository/agent", "repository/web", "secret/token"] {
        assert!(role.contains(part), "{part} is not in {role}");
    }
}

#[test]
fn an_image_of_another_service_is_built_once() {
    let loaded = loaded(BESIDE, None);
    let made = |kind: &str| loaded.stack.resources.keys().filter(|it| it.kind == kind).count();
    assert_eq!((made("image"), made("repository")), (1, 1));
    assert_eq!(loaded.images["worker"], [Address::new("image", "web")].into());
    let task = &loaded.stack.resources[&Address::new("task-definition", "worker")].spec;
    assert!(task["containers"]["worker"]["log"].is_null());
    assert!(!loaded.stack.resources.contains_key(&Address::new("log-group", "worker")));
}

#[test]
fn what_is_beyond_the_fewest_tasks_runs_on_spare_capacity() {
    let loaded = loaded(BESIDE, None);
    let capacity = |name: &str| {
        loaded.stack.resources[&Address::new("service", name)].spec["capacity"].clone()
    };
    assert_eq!(capacity("web"), json!({ "base": 2, "fargate": 3, "spot": 7 }));
    assert_eq!(capacity("worker"), json!({ "base": 1, "fargate": 0, "spot": 1 }));
    let cluster = |loaded: &Loaded| {
        loaded.stack.resources[&Address::new("cluster", "main")].spec["capacity-providers"].clone()
    };
    assert_eq!(cluster(&loaded), json!(["fargate", "fargate-spot"]));
    let spotless: Vec<&str> = BESIDE.lines().filter(|line| !line.contains("spot:")).collect();
    assert_eq!(cluster(&self::loaded(&spotless.join("\n"), None)), json!([]));
}

#[test]
fn alarms_of_several_speak_for_them_and_a_dashboard_shows_it_all() {
    let text = "
stack: shop
region: eu-west-1
network: {}
load-balancers: { edge: {} }
databases: { main: { engine: postgres, version: 16 } }
services:
  web: { image: \"nginx:1.29\", ports: { http: { port: 80, route: { load-balancer: edge } } } }
monitoring:
  notify: [ops@example.com]
  dashboard: true
  alarms:
    p99: { of: services/web, metric: latency-p99, above: 500 ms }
    site: { any-of: [web-5xx, p99], description: people notice }
    full: { all-of: [web-cpu, database-main-cpu] }
";
    let stack = loaded(text, None).stack;
    let topics: BTreeMap<String, usize> = stack
        .resources
        .iter()
        .filter(|(address, _)| address.kind == "alarm")
        .map(|(address, it)| {
            (address.name.clone(), it.spec["topics"].as_array().map_or(9, Vec::len))
        })
        .collect();
    for child in ["web-5xx", "p99", "web-cpu", "database-main-cpu"] {
        assert_eq!(topics[child], 0, "{child} is heard of by another alarm");
    }
    assert_eq!(topics["web-memory"], 1);
    let all = expanded(&stack);
    let kinds = ["composite-alarm", "dashboard"];
    let resources = all["resources"].as_object().expect("kinds");
    let shown: Value = kinds.map(|kind| (kind, resources[kind].clone())).into_iter().collect();
    insta::assert_snapshot!("monitoring_of_several", to_yaml(&shown));
}

#[test]
fn an_overlay_makes_an_alarm_of_others_out_of_one_that_measures() {
    let text = "
stack: shop
region: eu-west-1
network: {}
services: { web: { image: \"nginx:1.29\" } }
monitoring: { alarms: { hot: { of: services/web, metric: cpu, above: 95% } } }
environments:
  prod: { monitoring: { alarms: { hot: { all-of: [web-cpu, web-memory] } } } }
";
    let kinds = |environment| -> Vec<String> {
        let resources = loaded(text, Some(environment)).stack.resources;
        let hot = resources.into_keys().filter(|address| address.name == "hot");
        hot.map(|address| address.kind).collect()
    };
    assert_eq!(kinds("prod"), ["composite-alarm"]);
}

#[test]
fn a_service_that_uses_another_reaches_it_by_name_and_comes_after_it() {
    let text = "\
stack: shop
region: eu-west-1
network: { nat: single }
services:
  users: { image: nginx:1.29, ports: { grpc: { port: 9000, protocol: grpc } } }
  orders:
    image: nginx:1.29
    ports: { http: { port: 80 }, admin: { port: 81 } }
    uses: [{ use: services/users, as: PEOPLE }]
  gateway: { image: nginx:1.29, uses: [services/orders] }
  alone: { image: nginx:1.29, ports: { http: { port: 80 } } }
";
    let loaded = loaded(text, None);
    let spec =
        |kind: &str, name: &str| loaded.stack.resources[&Address::new(kind, name)].spec.clone();
    let environment = |name: &str| spec("task-definition", name)["containers"][name].clone();
    let people = json!({
        "PEOPLE_URL": "http://users:9000", "PEOPLE_HOST": "users", "PEOPLE_PORT": "9000"
    });
    assert_eq!(environment("orders")["environment"], people);
    let orders = &environment("gateway")["environment"];
    assert_eq!(orders["ORDERS_ADMIN_URL"], "http://orders:81");
    assert_eq!(orders["ORDERS_HTTP_PORT"], "80");
    assert_eq!(
        environment("users")["named-ports"],
        json!({ "grpc": { "port": 9000, "protocol": "grpc" } })
    );
    let users = spec("service", "users");
    assert_eq!(users["connect"]["serves"]["grpc"]["discovery-name"], "users_9000_grpc");
    let before = references(&spec("service", "orders")["uses"]);
    assert_eq!(before, [Address::new("service", "users")].into());
    let gateway = spec("service", "gateway");
    assert_eq!(gateway["connect"]["enabled"], true, "it only reaches others");
    assert_eq!(gateway["connect"]["serves"], json!({}));
    assert_eq!(spec("service", "alone")["connect"]["enabled"], false);
    let let_in = &spec("security-group", "service-users")["ingress"][0];
    assert_eq!(let_in["from"]["security-group"]["ref"], "security-group/service-orders");
}
