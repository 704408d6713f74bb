//! The rules of the language, and stacks of varied teams: they expand, or say what is not built yet
//! and nothing else.

use std::fs;

use deployer_core::{Code, Diagnostic};
use deployer_stack::{Options, load, outline};
use serde_json::{Value, json};

use crate::support::{loaded, root};

fn mistakes(text: &str, environment: Option<&str>) -> Vec<Diagnostic> {
    let options = Options { environment: environment.map(str::to_owned), ..Options::default() };
    load(text, &options, &deployer_kinds::all()).err().unwrap_or_default()
}

fn spec(text: &str, environment: Option<&str>, address: &str) -> Value {
    let stack = loaded(text, environment).stack;
    let found = stack.resources.get(&address.parse().unwrap());
    found.unwrap_or_else(|| panic!("{address} is among {:?}", stack.resources.keys())).spec.clone()
}

#[test]
fn stacks_of_varied_teams_expand_or_say_only_what_is_not_built_yet() {
    let folder = root().join("crates/stack/tests/language");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&file).unwrap();
        let mut environments: Vec<_> =
            outline(&text).unwrap().environments.into_iter().map(Some).collect();
        environments.retain(|name| name.iter().all(|name| !name.contains('*')));
        if environments.is_empty() {
            environments.push(None);
        }
        for environment in environments {
            let others: Vec<_> = mistakes(&text, environment.as_deref())
                .into_iter()
                .filter(|mistake| mistake.code != Code::NotYet)
                .collect();
            assert_eq!(others, [], "{}", file.display());
        }
        seen += 1;
    }
    assert_eq!(seen, 10);
}

const PLAIN: &str = "
stack: shop
region: eu-west-1
network: {}
";

#[test]
fn text_is_what_is_written() {
    let text = format!(
        "{PLAIN}
variables: {{ rate: 1.10, debug: true }}
databases: {{ main: {{ engine: postgres, version: 16.10 }} }}
services:
  web:
    image: nginx:1
    environment: {{ PORT: 8080, DEBUG: true, RATE: 1.10, ACCOUNT: 012345678901, SHOWN: \"${{rate}}\", ON: \"${{debug}}\" }}
"
    );
    assert_eq!(spec(&text, None, "db-instance/main")["version"], "16.10");
    let containers = spec(&text, None, "task-definition/web")["containers"].clone();
    let environment = containers["web"]["environment"].clone();
    let expected = json!({
        "PORT": "8080", "DEBUG": "true", "RATE": "1.10", "ACCOUNT": "012345678901",
        "SHOWN": "1.10", "ON": "true",
    });
    assert_eq!(environment, expected);
}

#[test]
fn each_route_of_a_network_load_balancer_is_a_listener() {
    let text = format!(
        "{PLAIN}
load-balancers: {{ edge: {{ type: network, addresses: static, domains: [mqtt.example.com] }} }}
services:
  broker:
    image: eclipse-mosquitto:2
    ports:
      mqtts: {{ port: 1883, protocol: tcp, route: {{ load-balancer: edge, port: 8883, protocol: tls }} }}
      syslog: {{ port: 514, protocol: udp, health: {{ port: 1883 }}, route: {{ load-balancer: edge }} }}
      web: {{ port: 80, health: /up, route: {{ load-balancer: edge }} }}
monitoring: {{ notify: [ops@example.com] }}
"
    );
    let of = |address: &str| spec(&text, None, address);
    let encrypted = of("listener/edge-8883");
    assert_eq!((&encrypted["protocol"], &encrypted["port"]), (&json!("tls"), &json!(8883)));
    assert_eq!(
        encrypted["certificate"],
        json!({ "text": [{ "output": { "address": "certificate/domain-mqtt-example-com", "field": "id" } }] })
    );
    assert_eq!(of("listener/edge-514")["protocol"], "udp");
    assert_eq!(of("listener/edge-80")["protocol"], "tcp");
    let check = |group: &str| {
        let group = of(group);
        let check = &group["health-check"];
        (group["protocol"].clone(), check["protocol"].clone(), check["port"].clone())
    };
    assert_eq!(check("target-group/broker-syslog"), (json!("udp"), json!("usual"), json!(1883)));
    assert_eq!(check("target-group/broker-web"), (json!("tcp"), json!("http"), json!(0)));
    let rules = |group: &str| {
        let ingress = of(group)["ingress"].as_array().unwrap().clone();
        let rule = |rule: &Value| format!("{} {}", rule["protocol"], rule["port"]).replace('"', "");
        ingress.iter().map(rule).collect::<std::collections::BTreeSet<_>>()
    };
    let expected = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
    assert_eq!(
        rules("security-group/load-balancer-edge"),
        expected(&["tcp 80", "tcp 8883", "udp 514"])
    );
    assert_eq!(
        rules("security-group/service-broker"),
        expected(&["tcp 1883", "tcp 80", "udp 514"])
    );
    let addresses = of("load-balancer/edge")["addresses"].as_array().unwrap().len();
    assert_eq!(addresses, 2);
    let containers = of("task-definition/broker")["containers"].clone();
    assert_eq!(containers["broker"]["udp-ports"], json!([514]));
    let stack = loaded(&text, None).stack;
    let alarms = stack.resources.keys().filter(|address| address.kind == "alarm");
    let alarms: Vec<&str> = alarms.map(|address| address.name.as_str()).collect();
    assert_eq!(alarms, ["broker-cpu", "broker-memory", "broker-unhealthy"]);
    assert_eq!(of("alarm/broker-unhealthy")["namespace"], "AWS/NetworkELB");
}

#[test]
fn an_overlay_that_writes_one_choice_removes_the_others() {
    let text = format!(
        "{PLAIN}
environments:
  dev:
    services:
      web: {{ scale: {{ min: 3 }} }}
      api: {{ image: {{ build: {{ archive: api.tar }} }} }}
  prod:
    services:
      web: {{ image: nginx:1 }}
services:
  web: {{ image: {{ build: {{ cargo: . }} }}, count: 2 }}
  api: {{ image: {{ build: {{ dockerfile: Dockerfile }} }} }}
"
    );
    assert_eq!(spec(&text, Some("dev"), "service/web")["count"], 3);
    assert_eq!(spec(&text, Some("dev"), "image/api")["build"], json!({ "archive": "api.tar" }));
    let prod = loaded(&text, Some("prod")).stack;
    assert!(!prod.resources.contains_key(&"image/web".parse().unwrap()));
}

#[test]
fn what_is_like_another_has_all_it_does_not_say_itself() {
    let text = format!(
        "{PLAIN}
environments:
  dev: {{ services: {{ web: {{ environment: {{ LOG: debug }} }} }} }}
  test: {{ like: dev, services: {{ web: {{ count: 4 }} }} }}
load-balancers: {{ edge: {{}} }}
services:
  web:
    image: {{ build: {{ cargo: . }} }}
    ports: {{ http: {{ port: 80, route: {{ load-balancer: edge }} }} }}
    environment: {{ LOG: info, NAME: web }}
  worker: {{ like: web, command: [work], ports: null, environment: {{ NAME: worker }} }}
  night: {{ like: services/worker, command: [sleep] }}
  other: {{ like: worker, image: nginx:1 }}
"
    );
    let all = loaded(&text, Some("test"));
    let container = |name: &str| {
        spec(&text, Some("test"), &format!("task-definition/{name}"))["containers"][name].clone()
    };
    let expected = json!({ "LOG": "debug", "NAME": "worker" });
    assert_eq!(container("night")["environment"], expected);
    assert_eq!(container("night")["command"], json!(["sleep"]));
    assert_eq!(spec(&text, Some("test"), "service/web")["count"], 4);
    // One image, built once, in the repository of the service that says what it is.
    let made: Vec<String> = all.stack.resources.keys().map(ToString::to_string).collect();
    let of =
        |kind: &str| made.iter().filter(|it| it.starts_with(kind)).cloned().collect::<Vec<_>>();
    assert_eq!(of("image/"), ["image/web"]);
    assert_eq!(of("repository/"), ["repository/web"]);
    assert_eq!(all.images["night"], [deployer_core::Address::new("image", "web")].into());
    assert_eq!(container("other")["image"], "nginx:1");
}

#[test]
fn outputs_are_read_of_sections() {
    let text = format!(
        "{PLAIN}
load-balancers: {{ edge: {{}}, safe: {{ certificate: \"arn:aws:acm:eu-west-1:1:certificate/1\" }} }}
services:
  web: {{ image: nginx:1, environment: {{ PAGE: \"<${{load-balancers/safe.url}}/x>\" }} }}
outputs: {{ alb_dns_name: \"${{load-balancers/edge.dns}}\" }}
"
    );
    let containers = spec(&text, None, "task-definition/web")["containers"].clone();
    let output = json!({ "address": "load-balancer/safe", "field": "dns" });
    let parts = &containers["web"]["environment"]["PAGE"]["text"];
    assert_eq!(parts[0], json!({ "literal": "<https://" }), "{parts}");
    assert_eq!(parts[1], json!({ "output": output }), "{parts}");
    assert_eq!(parts[2], json!({ "literal": "/x>" }), "{parts}");
    let printed = loaded(&text, None).stack.outputs;
    let names: Vec<&str> = printed.keys().map(String::as_str).collect();
    assert_eq!(names, ["alb_dns_name", "edge-url", "safe-url"]);
}

#[test]
fn keys_that_begin_with_x_are_the_authors_own() {
    let text = format!(
        "{PLAIN}
x-image: &image nginx:1
services: {{ web: {{ image: *image }} }}
"
    );
    assert_eq!(spec(&text, None, "task-definition/web")["containers"]["web"]["image"], "nginx:1");
}

#[test]
fn an_alias_names_what_is_handed_over() {
    let text = format!(
        "{PLAIN}
databases: {{ main: {{ engine: postgres, version: 16 }} }}
secrets: {{ session: {{}} }}
services:
  web:
    image: nginx:1
    uses: [{{ use: databases/main, as: DATABASE }}, {{ use: secrets/session, as: KEY }}]
    secrets: {{ PGPASSWORD: databases/main.password }}
    permissions: [{{ actions: [\"ses:SendEmail\"], resources: [\"*\"] }}, \"arn:aws:iam::aws:policy/A\"]
"
    );
    let container = spec(&text, None, "task-definition/web")["containers"]["web"].clone();
    let names =
        |field: &str| container[field].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let expected =
        ["DATABASE_ENGINE", "DATABASE_HOST", "DATABASE_NAME", "DATABASE_PORT", "DATABASE_USER"];
    assert_eq!(names("environment"), expected);
    assert_eq!(names("secrets"), ["DATABASE_PASSWORD", "KEY", "PGPASSWORD"]);
    let role = spec(&text, None, "role/web-task");
    assert_eq!(role["inline"]["task"][0]["actions"], json!(["ses:SendEmail"]));
    assert_eq!(role["managed"], json!(["arn:aws:iam::aws:policy/A"]));
}

#[test]
fn things_of_one_name_have_security_groups_of_their_own() {
    let text = format!(
        "{PLAIN}
load-balancers: {{ main: {{}} }}
databases: {{ main: {{ engine: postgres, version: 16 }} }}
services: {{ main: {{ image: nginx:1, uses: [databases/main] }} }}
"
    );
    let stack = loaded(&text, None).stack;
    let groups: Vec<String> = stack
        .resources
        .keys()
        .filter(|address| address.kind == "security-group")
        .map(|address| address.name.clone())
        .collect();
    assert_eq!(groups, ["database-main", "load-balancer-main", "service-main"]);
}

#[test]
fn what_an_environment_takes_out_of_something_alike_is_out() {
    let web = "services:\n  web: { image: nginx:1, count: 2, ports: { http: { port: 80 } } }\n";
    let ports = |text: &str, environment: &str| {
        let spec = spec(text, Some(environment), "task-definition/worker");
        spec["containers"]["worker"]["ports"].clone()
    };
    let only_there = format!(
        "{PLAIN}{web}environments: {{ prod: {{ services: {{ worker: {{ like: web, ports: null }} }} }} }}\n"
    );
    assert_eq!(ports(&only_there, "prod"), json!([]));
    let taken_out = format!(
        "{PLAIN}{web}  worker: {{ like: web }}\nenvironments: {{ prod: {{ services: {{ worker: {{ ports: null }} }} }} }}\n"
    );
    assert_eq!(ports(&taken_out, "prod"), json!([]));
    let chain = format!(
        "{PLAIN}{web}environments:\n  prod: {{ services: {{ web: {{ count: 4 }} }} }}\n  \
         test: {{ like: prod, services: {{ web: {{ count: null }} }} }}\n"
    );
    assert_eq!(spec(&chain, Some("prod"), "service/web")["count"], 4);
    assert_eq!(spec(&chain, Some("test"), "service/web")["count"], 1);
}

#[test]
fn an_environment_is_where_the_one_is_that_it_is_like() {
    let text = format!(
        "{PLAIN}environments: {{ prod: {{ region: eu-central-1 }}, test: {{ like: prod }}, dev: {{}} }}\n"
    );
    let known = outline(&text).unwrap();
    for (environment, region) in
        [("prod", "eu-central-1"), ("test", "eu-central-1"), ("dev", "eu-west-1")]
    {
        assert_eq!(known.region_of(environment), Some(region));
        assert_eq!(loaded(&text, Some(environment)).stack.region, region);
    }
}

#[test]
fn any_name_may_be_laid_over() {
    let text = format!(
        "{PLAIN}
services: {{ web: {{ image: nginx:1 }} }}
environments: {{ dev: {{ services: {{ existing: {{ image: nginx:1 }} }} }} }}
"
    );
    let services = loaded(&text, Some("dev")).stack.resources.into_keys();
    let services: Vec<String> =
        services.filter(|it| it.kind == "service").map(|it| it.name).collect();
    assert_eq!(services, ["existing", "web"]);
}

#[test]
fn a_section_with_nothing_in_it_takes_nothing_away() {
    let text = format!(
        "{PLAIN}caches:\nresources: {{ log-group: {{ extra: {{ retention-days: 7 }} }} }}\n"
    );
    let stack = loaded(&text, None).stack;
    assert!(stack.resources.contains_key(&"log-group/extra".parse().unwrap()));
}

#[test]
fn another_processor_has_an_image_of_its_own() {
    let text = format!(
        "{PLAIN}
services:
  web: {{ image: {{ build: {{ cargo: . }} }} }}
  worker: {{ like: web, architecture: arm64 }}
"
    );
    assert_eq!(spec(&text, None, "image/web")["architecture"], "x86-64");
    assert_eq!(spec(&text, None, "image/worker")["architecture"], "arm64");
    let role = spec(&text, None, "role/worker-execution").to_string();
    assert!(role.contains("repository/worker") && !role.contains("repository/web"), "{role}");
}

#[test]
fn a_certificate_that_is_not_written_is_none() {
    let text = format!("{PLAIN}load-balancers: {{ edge: {{ certificate: }} }}\n");
    let url = loaded(&text, None).stack.outputs["edge-url"].to_string();
    assert!(url.starts_with("http://"), "{url}");
}

const ROUTED: &str = "
load-balancers: { edge: {} }
services:
  web: { image: nginx:1, ports: { http: { port: 80, route: { load-balancer: edge } } } }
";

fn warnings(text: &str, environment: Option<&str>) -> Vec<String> {
    loaded(text, environment).warnings.into_iter().map(|warning| warning.title).collect()
}

#[test]
fn a_list_can_be_added_to_what_a_section_makes() {
    let text = format!(
        "{PLAIN}{ROUTED}
resources:
  security-group:
    load-balancer-edge: {{ ingress: {{ add: [{{ from: 203.0.113.0/24, port: 8443 }}] }} }}
  role:
    web-task: {{ inline: {{ mail: [{{ actions: [\"ses:SendEmail\"], resources: [\"*\"] }}] }} }}
environments:
  dev: {{}}
  prod:
    resources:
      security-group:
        load-balancer-edge: {{ ingress: {{ add: [{{ from: 198.51.100.0/24, port: 8443 }}] }} }}
"
    );
    let ports = |environment: &str| {
        let spec = spec(&text, Some(environment), "security-group/load-balancer-edge");
        let rules = spec["ingress"].as_array().unwrap().clone();
        rules.iter().map(|rule| rule["port"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ports("dev"), [80, 8443]);
    assert_eq!(ports("prod"), [80, 8443, 8443], "what an environment adds comes beside");
    assert_eq!(warnings(&text, Some("prod")), [""; 0]);
}

#[test]
fn an_override_that_drops_what_a_section_makes_says_so() {
    let text = format!(
        "{PLAIN}{ROUTED}
resources:
  security-group:
    load-balancer-edge: {{ ingress: [{{ from: 203.0.113.0/24, port: 8443 }}] }}
"
    );
    let expected = "`resources.security-group.load-balancer-edge.ingress` drops an item that \
                    `load-balancers.edge` makes";
    assert_eq!(warnings(&text, None), [expected]);
    let kept = text.replace("port: 8443 }]", "port: 8443 }, { from: 0.0.0.0/0, port: 80 }]");
    assert_eq!(warnings(&kept, None), [""; 0]);
}

#[test]
fn one_choice_laid_over_another_takes_its_place() {
    let text = format!(
        "{PLAIN}
resources:
  route-table:
    private-a: {{ routes: {{ 0.0.0.0/0: {{ internet-gateway: main }} }} }}
environments:
  dev: {{}}
  prod:
    resources: {{ route-table: {{ private-a: {{ routes: {{ 0.0.0.0/0: {{ nat-gateway: nat-a }} }} }} }} }}
"
    );
    let route = |environment| {
        spec(&text, Some(environment), "route-table/private-a")["routes"]["0.0.0.0/0"].clone()
    };
    assert_eq!(route("dev"), json!({ "internet-gateway": { "ref": "internet-gateway/main" } }));
    assert_eq!(route("prod"), json!({ "nat-gateway": { "ref": "nat-gateway/nat-a" } }));
}

#[test]
fn what_is_elsewhere_comes_home_where_nothing_is_said() {
    let text = format!(
        "{PLAIN}
services: {{ web: {{ image: nginx:1 }} }}
resources: {{ log-group: {{ web: {{ at: {{ region: eu-central-1 }} }} }} }}
environments: {{ dev: {{ resources: {{ log-group: {{ web: {{ at: ~ }} }} }} }}, prod: {{}} }}
"
    );
    let is_home = |environment| {
        let stack = loaded(&text, Some(environment)).stack;
        stack.resources[&"log-group/web".parse().unwrap()].place.is_home()
    };
    assert!(is_home("dev"));
    let elsewhere = mistakes(&text, Some("prod"));
    assert_eq!(elsewhere[0].code, Code::BadPlace, "what refers to it is at home");
    let written = text.replace("{ region: eu-central-1 }", "~");
    assert!(
        loaded(&written, Some("prod")).stack.resources[&"log-group/web".parse().unwrap()]
            .place
            .is_home()
    );
}

#[test]
fn an_environment_takes_every_name_that_ecs_takes() {
    let text = format!(
        "{PLAIN}
services: {{ web: {{ image: nginx:1, environment: {{ spring.datasource.url: x, A-B: y }} }} }}
"
    );
    let containers = spec(&text, None, "task-definition/web")["containers"].clone();
    let environment = containers["web"]["environment"].clone();
    assert_eq!(environment, json!({ "spring.datasource.url": "x", "A-B": "y" }));
}

#[test]
fn logs_are_kept_for_ever_where_that_is_written() {
    let text =
        format!("{PLAIN}services: {{ web: {{ image: nginx:1, logs: {{ keep: forever }} }} }}\n");
    assert_eq!(spec(&text, None, "log-group/web")["retention-days"], 0);
}

#[test]
fn a_region_that_is_not_known_is_not_refused() {
    let text = "stack: shop\nregion: eu-west-9\n";
    let warnings = loaded(text, None).warnings;
    assert_eq!(warnings[0].title, "`eu-west-9` is not a region that this version knows");
    let help = warnings[0].help.clone().unwrap();
    assert!(
        help.contains("eu-west-1") && help.ends_with("(leave it as it is if the region is new)"),
        "{help}"
    );
    assert_eq!(loaded(&text.replace('9', "3"), None).warnings, []);
}

#[test]
fn https_takes_no_version_of_tls_that_is_out_of_date() {
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/a";
    let policy = |said: &str| {
        let edge = format!("{{ certificate: \"{arn}\"{said} }}");
        let text = format!("{PLAIN}load-balancers: {{ edge: {edge} }}\n");
        spec(&text, None, "listener/edge-https")["tls-policy"].clone()
    };
    assert_eq!(policy(""), "ELBSecurityPolicy-TLS13-1-2-2021-06");
    assert_eq!(policy(", tls-policy: other"), "other");
}

#[test]
fn clients_of_a_database_must_encrypt_unless_the_stack_says_otherwise() {
    let parameters = |said: &str| {
        let text = format!("{PLAIN}databases: {{ main: {{ {said} }} }}\n");
        let instance = spec(&text, None, "db-instance/main");
        let has_group = instance["parameter-group"] != "default";
        has_group.then(|| {
            let group = spec(&text, None, "db-parameter-group/main");
            (group["family"].clone(), group["parameters"].clone())
        })
    };
    let group = |family: &str, parameters: Value| Some((json!(family), parameters));
    // RDS asks it of PostgreSQL's clients by itself from 15 on.
    assert_eq!(parameters("engine: postgres, version: 16"), None);
    assert_eq!(
        parameters("engine: postgres, version: 14"),
        group("postgres14", json!({ "rds.force_ssl": "1" }))
    );
    assert_eq!(
        parameters("engine: postgres, version: 16.4, tls: optional"),
        group("postgres16", json!({ "rds.force_ssl": "0" }))
    );
    assert_eq!(parameters("engine: postgres, version: 14, tls: optional"), None);
    assert_eq!(
        parameters("engine: mysql, version: 8.0"),
        group("mysql8.0", json!({ "require_secure_transport": "1" }))
    );
    assert_eq!(parameters("engine: mariadb, version: 11.4, tls: optional"), None);
    assert_eq!(
        parameters("engine: postgres, version: 17, parameters: { work_mem: 65536 }"),
        group("postgres17", json!({ "work_mem": "65536" }))
    );
}
