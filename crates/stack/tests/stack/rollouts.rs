//! What a service gets whose requests are shifted from old tasks to new ones.

use deployer_core::Address;
use serde_json::{Value, json};

use crate::support::loaded;

const STACK: &str = "
stack: shop
region: eu-west-1
network: { cidr: 10.20.0.0/16 }
load-balancers: { edge: {} }
services:
  web:
    image: \"nginx:1.29\"
    ports: { http: { port: 80, route: { load-balancer: edge, path: /shop } } }
    rollout:
      strategy: blue-green
      test: { port: 9000 }
      approve: { at: test-traffic, within: 1 h }
      alarms: [web-5xx]
monitoring: {}
";

fn spec(kind: &str, name: &str) -> Value {
    loaded(STACK, None).stack.resources[&Address::new(kind, name)].spec.clone()
}

#[test]
fn a_port_for_tests_leads_to_a_new_version_and_lets_in_the_network_alone() {
    let (listener, rule) = (spec("listener", "edge-9000"), spec("listener-rule", "web-http-test"));
    assert_eq!((&listener["port"], &listener["protocol"]), (&json!(9000), &json!("http")));
    assert_eq!(rule["listener"], json!({ "ref": "listener/edge-9000" }));
    let usual = spec("listener-rule", "web-http");
    assert_eq!((&rule["paths"], &rule["action"]), (&usual["paths"], &usual["action"]));
    let group = spec("security-group", "load-balancer-edge");
    let ingress = group["ingress"].as_array().unwrap();
    let from: Vec<&Value> =
        ingress.iter().filter(|it| it["port"] == 9000).map(|it| &it["from"]).collect();
    assert_eq!(from, [&json!("10.20.0.0/16")]);
    let service = spec("service", "web");
    let shift = &service["targets"][0]["shift"];
    assert_eq!(shift["test-rule"], json!({ "ref": "listener-rule/web-http-test" }));
    let pause = json!([{ "stage": "post-test-traffic-shift", "minutes": 60 }]);
    assert_eq!(service["pauses"], pause);
}

#[test]
fn alarms_of_a_service_measure_both_of_its_target_groups() {
    for name in ["web-5xx", "web-unhealthy", "web-latency"] {
        let alarm = spec("alarm", name);
        let [own, other] = [&alarm["dimensions"], &alarm["also"][0]].map(ToString::to_string);
        assert!(own.contains("\"target-group/web-http\""), "{name}: {own}");
        assert!(other.contains("\"target-group/web-http-green\""), "{name}: {other}");
        assert!(other.contains("load-balancer/edge"), "{name}: {other}");
    }
}
