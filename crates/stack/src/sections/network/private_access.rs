//! Ways to services of AWS that do not leave the network.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Code, Diagnostic, Ref};
use deployer_kinds::{
    GatewayEndpoint, GatewayEndpointSpec, GatewayService, Ingress, InterfaceEndpoint,
    InterfaceEndpointSpec, IpRange, Peer, Ports, Protocol, SecurityGroup, SecurityGroupSpec,
};

use super::body::{Nat, Network, PrivateAccess};
use crate::draft::{Draft, Origin, owned};
use crate::mistakes::listed;
use crate::section::Sections;
use crate::sections::service::{self, Need};

/// The security group of the endpoints.
const GROUP: &str = "private-access";

/// What `ecr` stands for: where images are asked for, and where they are pulled from ("VPC endpoints"
/// in the ECR user guide).
const ECR: [&str; 2] = ["ecr.api", "ecr.dkr"];

/// The services that are reached by routes, which costs nothing.
const GATEWAYS: [GatewayService; 2] = [GatewayService::S3, GatewayService::Dynamodb];

/// Which services are reached, by their names in AWS.
pub(super) struct Access(BTreeSet<String>);

impl Access {
    pub(super) fn of(network: &Network, all: &Sections) -> Self {
        let listed: Vec<String> = match &network.private_access {
            PrivateAccess::Needed(false) => Vec::new(),
            PrivateAccess::Needed(true) => needed(all).into_keys().map(str::to_owned).collect(),
            PrivateAccess::Listed(names) => names.clone(),
        };
        let each = listed.iter().flat_map(|name| match name.as_str() {
            "ecr" => ECR.map(str::to_owned).to_vec(),
            other => vec![other.to_owned()],
        });
        Self(each.collect())
    }

    /// Whether there is any.
    pub(super) fn leads_anywhere(&self) -> bool {
        !self.0.is_empty()
    }

    /// Makes the endpoints; says what does not work without one that is not among them.
    pub(super) fn expand(&self, draft: &mut Draft, network: &Network, all: &Sections) {
        if !self.leads_anywhere() {
            return;
        }
        group(draft);
        for service in &self.0 {
            endpoint(draft, service);
        }
        if network.nat == Nat::None {
            let path = owned(&["network", "private-access"]);
            warn(draft, &self.0, all, &path, "write `private-access: true`");
        }
    }
}

/// The services of AWS that those of the stack need, each with who needs it first and for what.
fn needed(all: &Sections) -> BTreeMap<&'static str, (String, Need)> {
    let mut needed = BTreeMap::new();
    for (owner, need) in service::needs(all) {
        let names: &[&'static str] = match need {
            Need::Image => &["ecr.api", "ecr.dkr", "s3"],
            Need::Logs => &["logs"],
            Need::Secrets => &["secretsmanager"],
            Need::Parameters => &["ssm"],
            Need::Key => &["kms"],
            Need::Shell => &["ssmmessages"],
            Need::Queue => &["sqs"],
            Need::ImageOfOthers => &[],
        };
        for service in names {
            needed.entry(*service).or_insert_with(|| (owner.name.to_owned(), need));
        }
    }
    needed
}

/// The endpoints are reached from everywhere in the network, by TLS alone.
fn group(draft: &mut Draft) {
    let rule = |from: IpRange| Ingress {
        from: Peer::IpRange(from),
        port: Ports::Range(443, 443),
        protocol: Protocol::Tcp,
        description: String::new(),
    };
    let spec = SecurityGroupSpec {
        vpc: Ref::named("main"),
        description: "ways to services of AWS".to_owned(),
        ingress: draft.network.ranges.iter().copied().map(rule).collect(),
        egress: BTreeSet::new(),
    };
    let origin = Origin::new(&["network"], &[("", "private-access")]);
    draft.make::<SecurityGroup>(GROUP, &spec, origin);
}

fn endpoint(draft: &mut Draft, service: &str) {
    let origin =
        Origin::new(&["network"], &[("service", "private-access"), ("", "private-access")]);
    if let Some(gateway) = GATEWAYS.into_iter().find(|it| it.word() == service) {
        let zones = draft.network.zones.iter();
        let spec = GatewayEndpointSpec {
            vpc: Ref::named("main"),
            service: gateway,
            route_tables: zones.map(|zone| Ref::named(format!("private-{zone}"))).collect(),
        };
        draft.make::<GatewayEndpoint>(service, &spec, origin);
        return;
    }
    let spec = InterfaceEndpointSpec {
        vpc: Ref::named("main"),
        service: service.to_owned(),
        subnets: draft.subnets("private"),
        security_groups: [Ref::named(GROUP)].into(),
        private_dns: true.into(),
    };
    let name: String =
        service.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
    draft.make::<InterfaceEndpoint>(&name, &spec, origin);
}

/// The same of a network that exists already, by the endpoints that it has.
pub(super) fn warn_guest(draft: &mut Draft, all: &Sections) {
    let (there, path) = (draft.network.endpoints.clone(), draft.tier_path("private"));
    warn(draft, &there, all, &path, "lead its private subnets to a NAT gateway");
}

/// Without a NAT gateway nothing else leads there. `instead` helps as well.
fn warn(
    draft: &mut Draft,
    there: &BTreeSet<String>,
    all: &Sections,
    path: &[String],
    instead: &str,
) {
    let missing: Vec<(&str, String, Need)> = needed(all)
        .into_iter()
        .filter(|(service, _)| !there.contains(*service))
        .map(|(service, (name, need))| (service, name, need))
        .collect();
    let mut troubles: Vec<String> =
        missing.iter().map(|(service, name, need)| trouble(name, *need, service)).collect();
    let of_others = service::needs(all).filter(|(_, need)| *need == Need::ImageOfOthers);
    troubles.extend(
        of_others.map(|(owner, need)| trouble(owner.name, need, "a registry outside of AWS")),
    );
    if troubles.is_empty() {
        return;
    }
    let services: Vec<&str> = missing.iter().map(|(service, ..)| *service).collect();
    let help = match services.as_slice() {
        [] => "build the image here, or write `nat: single`".to_owned(),
        services => format!("add {}, or {instead}", listed(services)),
    };
    let span = draft.place(path);
    let title = "without a NAT gateway some services would not work";
    let warning =
        Diagnostic::warning(Code::NoWayOut, title).at(span, troubles.join("; ")).help(help);
    draft.mistakes.push(warning);
}

fn trouble(name: &str, need: Need, to: &str) -> String {
    let trouble = match need {
        Need::Image | Need::ImageOfOthers => "could not fetch its image",
        Need::Logs => "could not write its logs",
        Need::Secrets | Need::Parameters | Need::Key => "could not read its secrets",
        Need::Shell => "could not be entered by a shell",
        Need::Queue => "could not reach its queue",
    };
    format!("`{name}` {trouble}: no way to {to}")
}
