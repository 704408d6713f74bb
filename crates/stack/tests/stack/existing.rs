//! What exists already, as the comments at the top of a stack say it:
//!
//! ```yaml
//! # vpc: vpc-1 10.0.0.0/16 ecr.api
//! # subnet: subnet-1 vpc-1 eu-west-1a 200 gateway
//! # no vpc: vpc-2
//! # balancer: ARN vpc-1 sg-1 80 443s
//! # group: sg-2
//! # tagged: subnet vpc-1 tier=public subnet-1 subnet-2
//! # tagged: vpc - Name=main vpc-1
//! # environment: platform/prod vpc/main subnet/public-a doubted subnet/public-b
//! ```

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Address, ExistingBalancer, ExistingListener, ExistingNetwork, ExistingSubnet, Live, Phase,
    Place, Roles, Scope, Snapshot, Standing, Stray, WayOut,
};
use deployer_stack::{Found, LENT, Tagged};
use serde_json::json;

/// What was found, by the comments of a stack.
pub(crate) fn found(text: &str) -> Found {
    let mut found = Found::default();
    let mut networks: BTreeMap<String, ExistingNetwork> = BTreeMap::new();
    let mut balancers: BTreeMap<String, ExistingBalancer> = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# ")) {
        let Some((what, rest)) = line.split_once(": ") else { continue };
        let words: Vec<&str> = rest.split(' ').collect();
        match (what, words.as_slice()) {
            ("vpc", [vpc, range, endpoints @ ..]) => {
                let network = networks.entry((*vpc).to_owned()).or_default();
                network.has_dns = true;
                network.ranges.insert((*range).to_owned());
                network.endpoints.extend(endpoints.iter().map(ToString::to_string));
            }
            ("no vpc", [vpc]) => found.network((*vpc).to_owned(), None),
            ("subnet", [id, vpc, zone, free, way]) => {
                let subnet = ExistingSubnet {
                    vpc: (*vpc).to_owned(),
                    zone: (*zone).to_owned(),
                    free: free.parse().unwrap(),
                    way: match *way {
                        "gateway" => WayOut::Gateway,
                        "elsewhere" => WayOut::Elsewhere,
                        _ => WayOut::None,
                    },
                };
                // Whoever looks for subnets finds those of other networks too.
                for network in networks.values_mut() {
                    network.subnets.insert((*id).to_owned(), subnet.clone());
                }
            }
            ("balancer", [arn, vpc, group, ports @ ..]) => {
                balancers.insert((*arn).to_owned(), balancer(arn, vpc, group, ports));
            }
            // Of all of them.
            ("group", [group]) => {
                for balancer in balancers.values_mut() {
                    balancer.groups.insert((*group).to_owned());
                }
            }
            ("tagged", [kind, vpc, tag, ids @ ..]) => {
                let (key, value) = tag.split_once('=').unwrap();
                let tagged = Tagged {
                    kind: LENT.into_iter().find(|it| it == kind).unwrap(),
                    tags: [(key.to_owned(), value.to_owned())].into(),
                    vpc: Some((*vpc).to_owned()).filter(|vpc| vpc != "-"),
                };
                found.tagged(tagged, ids.iter().map(ToString::to_string).collect());
            }
            ("no balancer", [arn]) => found.balancer((*arn).to_owned(), None),
            ("environment", [host, made @ ..]) => found.environment(&environment(host, made)),
            _ => {}
        }
    }
    for (vpc, network) in networks {
        found.network(vpc, Some(network));
    }
    for (arn, balancer) in balancers {
        found.balancer(arn, Some(balancer));
    }
    found
}

/// A load balancer that listens on these ports; on those with an `s` behind them by HTTPS.
fn balancer(arn: &str, vpc: &str, group: &str, ports: &[&str]) -> ExistingBalancer {
    let listener = |port: &&str| {
        let (number, is_secure) = port.strip_suffix('s').map_or((*port, false), |it| (it, true));
        let port = number.parse().unwrap();
        (port, ExistingListener { id: format!("{arn}/{number}"), port, is_secure })
    };
    ExistingBalancer {
        vpc: vpc.to_owned(),
        dns: "edge.example".to_owned(),
        zone: "Z1".to_owned(),
        is_application: arn.contains("/app/"),
        is_internal: false,
        groups: [group.to_owned()].into(),
        listeners: ports.iter().map(listener).collect(),
    }
}

/// An environment that has made these, and of which the tags of those after `doubted` speak.
fn environment(host: &str, made: &[&str]) -> Snapshot {
    let (stack, environment) = host.split_once('/').unwrap();
    let mut made = made.split(|word| *word == "doubted");
    let [proven, doubted] = [(); 2].map(|()| made.next().unwrap_or_default());
    let address = |text: &&str| text.parse::<Address>().unwrap();
    Snapshot {
        scope: Scope {
            stack: stack.to_owned(),
            environment: environment.to_owned(),
            origin: None,
            tags: BTreeMap::new(),
        },
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        roles: Roles::new(),
        lives: proven.iter().map(|text| live(address(text))).collect(),
        strays: doubted
            .iter()
            .map(|text| Stray {
                address: address(text),
                place: Place::default(),
                id: "vpc-9".to_owned(),
                because: "its tags are copied from vpc-1".to_owned(),
                uses: BTreeSet::new(),
            })
            .collect(),
        disputes: Vec::new(),
        unseen: Vec::new(),
        origin: None,
    }
}

/// Something that is called as its address is: `vpc-main`.
fn live(address: Address) -> Live {
    let id = format!("{}-{}", address.kind, address.name);
    Live {
        address,
        place: Place::default(),
        generation: 1,
        mark: None,
        serial: None,
        standing: Standing::Recorded,
        is_signed: true,
        tags: BTreeMap::new(),
        spec: json!({}),
        output: json!({ "id": id }),
        phase: Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    }
}
