//! What containers are given, and where what they write goes.

use deployer_core::Address;
use deployer_stack::{Options, Sought, load};
use serde_json::{Value, json};

use crate::support::loaded;

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-a1b2c3";
const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234";

fn spec(text: &str, kind: &str, name: &str) -> Value {
    loaded(text, None).stack.resources[&Address::new(kind, name)].spec.clone()
}

/// The actions that ECS may take for a service, each with its resources and its conditions.
fn permitted(text: &str) -> Vec<Value> {
    let role = spec(text, "role", "web-execution");
    let statements = role["inline"]["execution"].as_array().unwrap().clone();
    let is_of_values = |it: &Value| !it["actions"][0].as_str().unwrap().starts_with("logs:");
    statements.into_iter().filter(is_of_values).collect()
}

#[test]
fn values_that_exist_already_are_read_by_the_role_that_starts_tasks_and_by_nothing_more() {
    let text = format!(
        "
stack: shop
region: eu-west-1
network: {{ nat: single }}
secrets:
  stripe: {{ existing: {{ id: \"{SECRET}\", key: \"{KEY}\" }} }}
  flags: {{ existing: /shop/flags }}
services:
  web:
    image: web:1
    uses: [secrets/flags]
    secrets: {{ USER: secrets/stripe.user, ALL: secrets/stripe, ONE: \"{SECRET}#one\", TWO: /shop/two }}
"
    );
    let container = &spec(&text, "task-definition", "web")["containers"]["web"];
    let expected = json!({
        "ALL": SECRET, "FLAGS": "/shop/flags", "ONE": format!("{SECRET}:one::"), "TWO": "/shop/two",
        "USER": format!("{SECRET}:user::"),
    });
    assert_eq!(container["secrets"], expected);
    let statement = |action: &str, resources: Value, conditions: Value| {
        json!({
            "effect": "allow", "actions": [action], "resources": resources,
            "conditions": conditions,
        })
    };
    let via = json!({
        "StringEquals": { "kms:ViaService": ["secretsmanager.eu-west-1.amazonaws.com"] },
    });
    let parameter = |name: &str| format!("arn:aws:ssm:eu-west-1:*:parameter/shop/{name}");
    let parameters = json!([parameter("flags"), parameter("two")]);
    assert_eq!(
        permitted(&text),
        [
            statement("secretsmanager:GetSecretValue", json!([SECRET]), json!({})),
            statement("kms:Decrypt", json!([KEY]), via),
            statement("ssm:GetParameters", parameters, json!({})),
        ]
    );
    assert!(!loaded(&text, None).stack.resources.contains_key(&Address::new("secret", "stripe")));
}

#[test]
fn what_the_stack_says_of_a_variable_settles_what_a_file_says() {
    let text = "
stack: shop
region: eu-west-1
network: { nat: single }
services:
  web:
    image: web:1
    env-file: web.env
    environment: { LOG: debug }
    secrets: { SIGN: /shop/sign }
";
    let before = loaded(text, None);
    assert_eq!(before.unread, ["web.env".to_owned()].into());
    let files = [("web.env".to_owned(), Ok("LOG=info\nSIGN=no\nLANG=de\n".to_owned()))].into();
    let options = Options { files, ..Options::default() };
    let after = load(text, &options, &deployer_kinds::all()).unwrap();
    assert!(after.unread.is_empty());
    let definition = &after.stack.resources[&Address::new("task-definition", "web")].spec;
    let container = &definition["containers"]["web"];
    assert_eq!(container["environment"], json!({ "LANG": "de", "LOG": "debug" }));
    assert_eq!(container["secrets"], json!({ "SIGN": "/shop/sign" }));
}

#[test]
fn parameters_below_a_path_are_variables_that_the_role_may_read() {
    let text = "
stack: shop
region: eu-west-1
network: { nat: single }
services:
  web:
    image: web:1
    secrets-from: /shop/prod/*
    environment: { LOG: debug }
    secrets: { SIGN: /shop/sign }
    sidecars: { agent: { image: \"agent:1\", secrets-from: [/agent/*] } }
";
    let sought = ["/agent", "/shop/prod"].map(|path| Sought::Parameters { path: path.to_owned() });
    assert_eq!(loaded(text, None).sought, sought.into());
    let mut options = Options::default();
    let names = ["db-password", "log", "sign"].map(|name| format!("/shop/prod/{name}"));
    options.found.parameters("/shop/prod".to_owned(), names.into());
    options.found.parameters("/agent".to_owned(), ["/agent/token".to_owned()].into());
    let stack = load(text, &options, &deployer_kinds::all()).unwrap().stack;
    let spec = |kind, name| &stack.resources[&Address::new(kind, name)].spec;
    let containers = &spec("task-definition", "web")["containers"];
    assert_eq!(
        containers["web"]["secrets"],
        json!({ "DB_PASSWORD": "/shop/prod/db-password", "SIGN": "/shop/sign" })
    );
    assert_eq!(containers["agent"]["secrets"], json!({ "TOKEN": "/agent/token" }));
    let policies = spec("role", "web-execution").to_string();
    for (name, is_read) in
        [("shop/prod/db-password", true), ("shop/prod/log", false), ("agent/token", true)]
    {
        assert_eq!(policies.contains(&format!("parameter/{name}\"")), is_read, "{policies}");
    }
}

#[test]
fn a_router_has_the_output_of_all_others_and_writes_its_own_into_the_log_group() {
    let text = "
stack: shop
region: eu-west-1
network: { nat: single }
services:
  web:
    image: web:1
    logs:
      driver: awsfirelens
      options: { Name: datadog, dd_Source: shop }
      secret-options: { apikey: /shop/datadog }
    sidecars:
      agent: { image: \"agent:1\" }
      router: { image: \"fluent-bit:3\", firelens: fluentbit }
";
    let containers = &spec(text, "task-definition", "web")["containers"];
    let routed = json!({
        "options": { "Name": "datadog", "dd_Source": "shop" },
        "secret-options": { "apikey": "/shop/datadog" },
    });
    for name in ["web", "agent"] {
        assert_eq!(containers[name]["routed-log"], routed);
        assert_eq!(containers[name]["log"], Value::Null);
    }
    assert_eq!(containers["router"]["log"]["prefix"], "router");
    assert_eq!(containers["router"]["firelens"], json!({ "type": "fluentbit", "options": {} }));
    assert_eq!(permitted(text)[0]["actions"], json!(["ssm:GetParameters"]));
}

#[test]
fn an_image_of_a_private_registry_is_pulled_with_its_credentials_by_whoever_runs_it() {
    let text = format!(
        "
stack: shop
region: eu-west-1
network: {{ nat: single }}
secrets: {{ registry: {{ existing: \"{SECRET}\" }} }}
services:
  web: {{ image: {{ name: \"registry.example.com/web:1\", credentials: secrets/registry }} }}
  worker: {{ image: {{ of: web }} }}
"
    );
    for name in ["web", "worker"] {
        let container = &spec(&text, "task-definition", name)["containers"][name];
        assert_eq!(container["image"], "registry.example.com/web:1");
        assert_eq!(container["credentials"], SECRET);
        let role = spec(&text, "role", &format!("{name}-execution")).to_string();
        assert!(role.contains("secretsmanager:GetSecretValue") && role.contains(SECRET), "{role}");
    }
}

#[test]
fn an_image_of_a_sidecars_own_is_built_once_for_all_who_are_alike() {
    let text = "
stack: shop
region: eu-west-1
network: { nat: single }
services:
  web:
    image: \"web:1\"
    sidecars: { agent: { image: { build: { dockerfile: agent/Dockerfile } } } }
  worker: { like: web, command: [work] }
  other: { like: web, sidecars: { agent: { image: { build: { cargo: agent } } } } }
";
    let loaded = loaded(text, None);
    for (service, image) in
        [("web", "web-agent"), ("worker", "web-agent"), ("other", "other-agent")]
    {
        let image = Address::new("image", image);
        assert_eq!(loaded.images[service], [image.clone()].into());
        let container = &spec(text, "task-definition", service)["containers"]["agent"];
        assert!(container["image"].to_string().contains(&image.to_string()), "{container}");
        let role = spec(text, "role", &format!("{service}-execution")).to_string();
        assert!(role.contains(&format!("repository/{}\"", image.name)), "{role}");
    }
    assert!(!loaded.stack.resources.contains_key(&Address::new("repository", "worker-agent")));
}

#[test]
fn who_uses_a_network_load_balancer_is_let_in_and_knows_its_ports() {
    let text = "
stack: shop
region: eu-west-1
network: { nat: single }
load-balancers: { edge: { type: network, internal: true }, one: { type: network } }
services:
  broker:
    image: \"broker:1\"
    ports:
      mqtt: { port: 1883, protocol: tcp, route: { load-balancer: edge } }
      syslog: { port: 514, protocol: udp, health: { port: 1883 }, route: { load-balancer: edge } }
      http: { port: 80, protocol: tcp, route: { load-balancer: one, port: 8080 } }
  web:
    image: \"web:1\"
    uses: [load-balancers/edge, load-balancers/one]
    egress: [{ to: 0.0.0.0/0, port: 443 }]
";
    let environment = &spec(text, "task-definition", "web")["containers"]["web"]["environment"];
    let host = |name: &str| {
        let output =
            json!({ "output": { "address": format!("load-balancer/{name}"), "field": "dns" } });
        json!({ "text": [output] })
    };
    assert_eq!(
        *environment,
        json!({
            "EDGE_HOST": host("edge"), "EDGE_BROKER_MQTT_PORT": "1883",
            "EDGE_BROKER_SYSLOG_PORT": "514", "ONE_HOST": host("one"), "ONE_PORT": "8080",
        })
    );
    let ingress = spec(text, "security-group", "load-balancer-edge")["ingress"].to_string();
    assert_eq!(ingress.matches("security-group/service-web").count(), 2, "{ingress}");
    let egress = spec(text, "security-group", "service-web")["egress"].to_string();
    for (port, protocol, to) in
        [(1883, "tcp", "10.0.0.0/16"), (514, "udp", "10.0.0.0/16"), (8080, "tcp", "0.0.0.0/0")]
    {
        let rule = format!("{{\"description\":\"\",\"port\":{port},\"protocol\":\"{protocol}\"");
        assert!(egress.contains(&rule) && egress.contains(to), "{egress}");
    }
}
