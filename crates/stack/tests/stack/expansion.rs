//! What the sections become.

use crate::support::{loaded, read, rendered};
use deployer_core::Address;
use deployer_stack::{Options, expanded, load, to_yaml};

#[test]
fn the_sample_stack_expands_for_dev() {
    let loaded = loaded(&read("stacks/notes.yaml"), Some("dev"));
    insta::assert_snapshot!("notes-dev", to_yaml(&expanded(&loaded.stack)));
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.images["web"], Address::new("image", "web"));
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
