//! Stacks in a network that they did not make.

use std::collections::BTreeSet;

use deployer_core::{Address, Code, references};
use deployer_stack::{Loaded, Options, Sought, Tagged, Zones, load};
use serde_json::{Value, json};

use crate::existing::found;
use crate::support::rendered;

const BY_HAND: &str = "\
stack: guest
region: eu-west-1
network:
  existing:
    vpc: vpc-1
    public: [subnet-1, subnet-2]
    private: [subnet-3, subnet-4]
load-balancers: { edge: {} }
databases: { main: { engine: postgres, version: 16 } }
services:
  web:
    image: nginx:1
    uses: [databases/main]
    ports: { http: { port: 80, route: { load-balancer: edge } } }
resources:
  security-group:
    office: { vpc: main, ingress: [{ port: 443, from: 203.0.113.0/24 }] }
";

const AS_FOUND: &str = "\
# vpc: vpc-1 10.0.0.0/16
# vpc: vpc-1 10.1.0.0/16
# subnet: subnet-1 vpc-1 eu-west-1a 200 gateway
# subnet: subnet-2 vpc-1 eu-west-1b 200 gateway
# subnet: subnet-3 vpc-1 eu-west-1a 200 elsewhere
# subnet: subnet-4 vpc-1 eu-west-1b 200 elsewhere
";

const OF_A_STACK: &str = "\
stack: guest
region: eu-west-1
environments: { dev: {}, prod: {} }
network: { existing: { stack: platform } }
services: { web: { image: \"nginx:1\" } }
";

const HOST: &str = "# environment: platform/dev vpc/main subnet/public-a subnet/private-a subnet/private-b subnet/data-a\n";

/// The stack, with what its comments say was found.
fn read(text: &str, environment: Option<&str>) -> Loaded {
    let environment = environment.map(str::to_owned);
    let options = Options { environment, found: found(text), ..Options::default() };
    load(text, &options, &deployer_kinds::all())
        .unwrap_or_else(|mistakes| panic!("{}", rendered("stack.yaml", text, &mistakes)))
}

fn spec<'l>(loaded: &'l Loaded, kind: &str, name: &str) -> &'l Value {
    &loaded.stack.resources[&Address::new(kind, name)].spec
}

fn ids(named: &Value) -> Vec<&str> {
    named.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect()
}

#[test]
fn what_is_named_stands_for_its_identifiers_and_nothing_of_it_is_made() {
    let loaded = read(BY_HAND, None);
    let of_networks =
        ["vpc", "subnet", "internet-gateway", "nat-gateway", "route-table", "elastic-ip"];
    let made = loaded.stack.resources.keys().filter(|it| of_networks.contains(&&*it.kind));
    assert_eq!(made.count(), 0);
    assert_eq!(ids(&spec(&loaded, "load-balancer", "edge")["subnets"]), ["subnet-1", "subnet-2"]);
    assert_eq!(ids(&spec(&loaded, "service", "web")["subnets"]), ["subnet-3", "subnet-4"]);
    assert_eq!(ids(&spec(&loaded, "db-subnet-group", "main")["subnets"]), ["subnet-3", "subnet-4"]);
    for group in ["service-web", "load-balancer-edge", "database-main", "office"] {
        assert_eq!(spec(&loaded, "security-group", group)["vpc"], json!({ "id": "vpc-1" }));
    }
    assert_eq!(spec(&loaded, "target-group", "web-http")["vpc"]["id"], "vpc-1");
    let sought = Sought::Network {
        vpc: "vpc-1".to_owned(),
        subnets: ["subnet-1", "subnet-2", "subnet-3", "subnet-4"].map(str::to_owned).into(),
    };
    assert_eq!(loaded.sought, BTreeSet::from([sought]));
    assert_eq!(loaded.warnings, []);
}

#[test]
fn a_load_balancer_reaches_all_ranges_that_were_found() {
    let loaded = read(&format!("{AS_FOUND}{BY_HAND}"), None);
    assert_eq!(loaded.sought, BTreeSet::new());
    let egress = spec(&loaded, "security-group", "load-balancer-edge")["egress"].as_array();
    let to: Vec<&Value> = egress.unwrap().iter().map(|rule| &rule["to"]).collect();
    assert_eq!(to, ["10.0.0.0/16", "10.1.0.0/16"]);
}

#[test]
fn another_stack_is_looked_for_first_and_its_network_then() {
    let before = read(OF_A_STACK, Some("dev"));
    let sought =
        Sought::Environment { stack: "platform".to_owned(), environment: "dev".to_owned() };
    assert_eq!(before.sought, BTreeSet::from([sought]));
    let group = spec(&before, "security-group", "service-web");
    assert_eq!(references(&group["vpc"]), [Address::new("vpc", "main")].into());

    let after = read(&format!("{HOST}{OF_A_STACK}"), Some("dev"));
    let sought = Sought::Network {
        vpc: "vpc-main".to_owned(),
        subnets: ["subnet-data-a", "subnet-private-a", "subnet-private-b", "subnet-public-a"]
            .map(str::to_owned)
            .into(),
    };
    assert_eq!(after.sought, BTreeSet::from([sought]));
    let subnets = &spec(&after, "service", "web")["subnets"];
    assert_eq!(ids(subnets), ["subnet-private-a", "subnet-private-b"]);
    assert_eq!(spec(&after, "security-group", "service-web")["vpc"]["id"], "vpc-main");
}

#[test]
fn endpoints_lead_out_where_no_route_does_and_what_they_lack_is_said() {
    let shut = AS_FOUND.replace("elsewhere", "none");
    let text = format!("{shut}{BY_HAND}").replace("nginx:1", "{ build: { dockerfile: D } }");
    let text = text.replace("10.1.0.0/16", "10.1.0.0/16 ecr.api ecr.dkr s3");
    let loaded = read(&text, None);
    assert_eq!(spec(&loaded, "service", "web")["public-address"], false);
    insta::assert_snapshot!("guest-endpoints", rendered("stack.yaml", &text, &loaded.warnings));
}

#[test]
fn without_private_subnets_services_are_in_the_public_ones() {
    let text = "
stack: guest
region: eu-west-1
network: { existing: { vpc: vpc-1, public: [subnet-1] } }
services: { web: { image: \"nginx:1\" } }
";
    let loaded = read(text, None);
    let service = spec(&loaded, "service", "web");
    assert_eq!(
        (&service["public-address"], &service["subnets"][0]["id"]),
        (&json!(true), &json!("subnet-1"))
    );
    insta::assert_snapshot!("guest-public", rendered("stack.yaml", text, &loaded.warnings));
}

#[test]
fn an_environment_takes_the_place_of_a_network_of_its_own_and_back() {
    let text = "
stack: guest
region: eu-west-1
environments:
  dev: {}
  preview: { network: { existing: { environment: dev } } }
  apart: { like: preview, network: { zones: 3 } }
  moved: { like: preview, network: { existing: { vpc: vpc-1, private: [subnet-1] } } }
network: { zones: 2, nat: none, private-access: true }
services: { web: { image: \"nginx:1\" } }
";
    let has_vpc =
        |loaded: &Loaded| loaded.stack.resources.contains_key(&Address::new("vpc", "main"));
    let [dev, preview, apart, moved] =
        ["dev", "preview", "apart", "moved"].map(|environment| read(text, Some(environment)));
    assert_eq!([&dev, &preview, &apart, &moved].map(has_vpc), [true, false, true, false]);
    assert!(apart.stack.resources.contains_key(&Address::new("subnet", "data-c")));
    assert!(matches!(
        preview.sought.first(),
        Some(Sought::Environment { stack, environment })
            if (stack.as_str(), environment.as_str()) == ("guest", "dev")
    ));
    assert_eq!(ids(&spec(&moved, "service", "web")["subnets"]), ["subnet-1"]);
}

const ARN: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/edge/50dc6c495c0c9188";

/// A service behind a load balancer that exists already, named so.
fn behind(existing: &str) -> String {
    format!(
        "{AS_FOUND}
stack: guest
region: eu-west-1
environments: {{ dev: {{}}, prod: {{}} }}
network: {{ existing: {{ vpc: vpc-1, private: [subnet-3, subnet-4] }} }}
load-balancers: {{ edge: {{ existing: {existing} }} }}
services:
  web: {{ image: nginx:1, ports: {{ http: {{ port: 8080, route: {{ load-balancer: edge }} }} }} }}
outputs: {{ dns: \"${{load-balancers/edge.dns}}\" }}
"
    )
}

#[test]
fn routes_become_rules_of_a_load_balancer_that_exists_and_its_groups_are_let_in() {
    let text = behind(&format!("{{ arn: {ARN} }}"));
    let before = read(&text, Some("dev"));
    assert_eq!(before.sought, BTreeSet::from([Sought::Balancer { arn: ARN.to_owned() }]));

    let text = format!("# balancer: {ARN} vpc-1 sg-1 80 443s 8443s\n# group: sg-2\n{text}");
    let after = read(&text, Some("dev"));
    assert_eq!(after.sought, BTreeSet::new());
    let of_balancers = ["load-balancer", "listener"];
    assert!(!after.stack.resources.keys().any(|it| of_balancers.contains(&&*it.kind)));
    let rule = spec(&after, "listener-rule", "web-http");
    assert_eq!(rule["listener"]["id"], format!("{ARN}/443"));
    let ingress = spec(&after, "security-group", "service-web")["ingress"].as_array().unwrap();
    let from: Vec<&Value> =
        ingress.iter().map(|rule| &rule["from"]["security-group"]["id"]).collect();
    assert_eq!(from, ["sg-1", "sg-2"]);
    assert_eq!(after.stack.outputs["dns"].literal(), Some("edge.example"));

    let plain = read(&text.replace(" 443s 8443s", ""), Some("dev"));
    assert_eq!(spec(&plain, "listener-rule", "web-http")["listener"]["id"], format!("{ARN}/80"));
    let other = read(
        &text.replace(&format!("arn: {ARN} }}"), &format!("arn: {ARN}, port: 8443 }}")),
        Some("dev"),
    );
    assert_eq!(spec(&other, "listener-rule", "web-http")["listener"]["id"], format!("{ARN}/8443"));
}

#[test]
fn a_load_balancer_of_another_environment_is_looked_for_by_its_name() {
    let text = behind("{ environment: prod }");
    let sought = Sought::Environment { stack: "guest".to_owned(), environment: "prod".to_owned() };
    assert_eq!(read(&text, Some("dev")).sought, BTreeSet::from([sought]));
    let text = format!("# environment: guest/prod load-balancer/edge\n{text}");
    let sought = Sought::Balancer { arn: "load-balancer-edge".to_owned() };
    assert_eq!(read(&text, Some("dev")).sought, BTreeSet::from([sought]));
}

#[test]
fn what_is_named_by_tags_is_looked_for_one_after_the_other() {
    let text = "
stack: guest
region: eu-west-1
network: { existing: { tags: { Name: main }, private: { tags: { tier: private } } } }
load-balancers: { edge: { existing: { tags: { Name: edge } } } }
services:
  web: { image: nginx:1, ports: { http: { port: 80, route: { load-balancer: edge } } } }
";
    let tagged = |kind, tag: (&str, &str), vpc: Option<&str>| {
        Sought::Tagged(Tagged {
            kind,
            tags: [(tag.0.to_owned(), tag.1.to_owned())].into(),
            vpc: vpc.map(str::to_owned),
        })
    };
    let first =
        [tagged("vpc", ("Name", "main"), None), tagged("load-balancer", ("Name", "edge"), None)];
    assert_eq!(read(text, None).sought, BTreeSet::from(first));

    let text = format!(
        "# tagged: vpc - Name=main vpc-1\n# tagged: load-balancer - Name=edge {ARN}\n{text}"
    );
    let next = [
        tagged("subnet", ("tier", "private"), Some("vpc-1")),
        Sought::Balancer { arn: ARN.to_owned() },
    ];
    assert_eq!(read(&text, None).sought, BTreeSet::from(next));

    let text = format!("# tagged: subnet vpc-1 tier=private subnet-3 subnet-4\n{text}");
    let subnets = ["subnet-3", "subnet-4"].map(str::to_owned).into();
    let network = Sought::Network { vpc: "vpc-1".to_owned(), subnets };
    let balancer = Sought::Balancer { arn: ARN.to_owned() };
    let loaded = read(&text, None);
    assert_eq!(loaded.sought, BTreeSet::from([network, balancer]));
    assert_eq!(ids(&spec(&loaded, "service", "web")["subnets"]), ["subnet-3", "subnet-4"]);
}

#[test]
fn domains_of_a_load_balancer_that_exists_are_shown_and_redirected_by_its_listener() {
    let domains =
        "domains: [shop.example.com, { name: www.shop.example.com, redirect: shop.example.com }]";
    let text = behind(&format!("{{ arn: {ARN} }}"));
    let text = format!("# balancer: {ARN} vpc-1 sg-1 80 443s\n{text}");
    let plain = read(
        &text.replace("image: nginx:1,", "image: nginx:1, uses: [load-balancers/edge],"),
        Some("dev"),
    );
    let environment = |loaded: &Loaded| {
        spec(loaded, "task-definition", "web")["containers"]["web"]["environment"]["EDGE_URL"]
            .clone()
    };
    assert_eq!(environment(&plain), "https://edge.example");

    let text = text.replace("edge: { existing", &format!("edge: {{ {domains}, existing"));
    let text = text.replace("image: nginx:1,", "image: nginx:1, uses: [load-balancers/edge],");
    let loaded = read(&text, Some("dev"));
    assert_eq!(environment(&loaded), "https://shop.example.com");
    let shown = spec(&loaded, "listener-certificate", "edge-domain-shop-example-com");
    assert_eq!(shown["listener"]["id"], format!("{ARN}/443"));
    assert_eq!(references(shown), [Address::new("certificate", "domain-shop-example-com")].into());
    let record = spec(&loaded, "record", "domain-shop-example-com");
    assert_eq!(record["alias"]["name"], "edge.example");
    let redirect = spec(&loaded, "listener-rule", "domain-www-shop-example-com");
    assert_eq!(redirect["listener"]["id"], format!("{ARN}/443"));
    assert_eq!(redirect["action"]["redirect"]["host"], "shop.example.com");
    assert!(!loaded.stack.resources.keys().any(|it| it.kind == "listener"));
}

#[test]
fn what_moves_into_a_network_without_room_is_told_so() {
    let text =
        format!("# zones: eu-west-1a eu-west-1b\n{AS_FOUND}{BY_HAND}").replace(" 200 ", " 5 ");
    let found = found(&text);
    let options = Options { found, zones: Some(Zones::default()), ..Options::default() };
    let refused = load(&text, &options, &deployer_kinds::all()).expect_err("there is no room");
    assert!(refused.iter().all(|it| it.code == Code::NetworkSize), "{refused:?}");
}

#[test]
fn a_secret_of_another_stack_is_read_as_one_of_ones_own() {
    let text = "\
stack: guest
region: eu-west-1
environments: { dev: {} }
network: { nat: single }
secrets: { session: { existing: { stack: platform, name: shared } } }
services:
  web: { image: \"nginx:1\", secrets: { KEY: secrets/session } }
  api: { image: \"nginx:1\", uses: [secrets/session] }
";
    let host = Sought::Environment { stack: "platform".to_owned(), environment: "dev".to_owned() };
    assert_eq!(read(text, None).sought, [host].into());
    let loaded = read(&format!("# environment: platform/dev secret/shared\n{text}"), None);
    assert!(loaded.sought.is_empty());
    assert!(!loaded.stack.resources.keys().any(|address| address.kind == "secret"));
    for (service, variable) in [("web", "KEY"), ("api", "SESSION")] {
        let container = &spec(&loaded, "task-definition", service)["containers"][service];
        assert_eq!(container["secrets"], json!({ variable: "secret-shared" }));
        let role = spec(&loaded, "role", &format!("{service}-execution"));
        assert!(role.to_string().contains("\"resources\":[\"secret-shared\"]"), "{role}");
    }
}
