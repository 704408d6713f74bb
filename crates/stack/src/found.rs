//! What a stack names and did not make, as far as somebody has looked.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Address, ExistingBalancer, ExistingNetwork, Kind, Phase, Snapshot, Standing, Stray,
};
use deployer_kinds::{LoadBalancer, Secret, Subnet, Vpc};
use serde_json::Value;

/// The kinds that one environment uses of another.
pub const LENT: [&str; 4] = [LoadBalancer::NAME, Secret::NAME, Subnet::NAME, Vpc::NAME];

/// Something that a stack names and did not make.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sought {
    /// What another environment has made of the kinds in [`LENT`].
    Environment {
        /// Its stack.
        stack: String,
        /// The environment.
        environment: String,
    },
    /// A load balancer.
    Balancer {
        /// Its ARN.
        arn: String,
    },
    /// The identifiers of whatever carries some tags.
    Tagged(Tagged),
    /// The names of the parameters right below a path.
    Parameters {
        /// The path: `/app/prod`.
        path: String,
    },
    /// A network.
    Network {
        /// The identifier of its VPC.
        vpc: String,
        /// Those of its subnets.
        subnets: BTreeSet<String>,
    },
}

/// Things that are named by their tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tagged {
    /// Their kind: that of VPCs, subnets or load balancers.
    pub kind: &'static str,
    /// The tags, all of which each of them carries.
    pub tags: BTreeMap<String, String>,
    /// The VPC that they are in, for subnets.
    pub vpc: Option<String>,
}

/// What was found of the things that a stack names and did not make.
///
/// Reading a stack asks nobody. Whoever has looked reads it once more with this; until then what is
/// not known is taken to be right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// What the stack has made itself, by identifier.
    own: BTreeMap<Address, String>,
    /// The subnets that it is in, by identifier.
    subnets: BTreeMap<Address, BTreeSet<String>>,
    environments: BTreeMap<(String, String), Environment>,
    networks: BTreeMap<String, ExistingNetwork>,
    balancers: BTreeMap<String, ExistingBalancer>,
    tagged: BTreeMap<Tagged, BTreeSet<String>>,
    parameters: BTreeMap<String, BTreeSet<String>>,
    /// The VPCs and load balancers that there are none of.
    missing: BTreeSet<String>,
}

/// What another environment has made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Environment {
    /// What is proven to be its own, each with its output.
    pub(crate) made: BTreeMap<Address, Value>,
    /// Why other things are not, though their tags say so.
    pub(crate) doubted: BTreeMap<Address, String>,
}

impl Found {
    /// Nothing yet, beside what the environment itself has made.
    pub fn beside(snapshot: &Snapshot) -> Self {
        let mut found = Self::default();
        for live in snapshot.lives.iter().filter(|live| live.phase != Phase::Leaving) {
            let ids = live.spec["subnets"].as_array().into_iter().flatten();
            let ids = ids.filter_map(|subnet| Some(subnet["id"].as_str()?.to_owned()));
            found.subnets.entry(live.address.clone()).or_default().extend(ids);
            found.own.insert(live.address.clone(), live.id().to_owned());
        }
        found
    }

    /// Adds what another environment has made: what its record has, or what is proven by its key.
    pub fn environment(&mut self, snapshot: &Snapshot) {
        let mut found = Environment::default();
        for Stray { address, because, .. } in &snapshot.strays {
            found.doubted.insert(address.clone(), because.clone());
        }
        for dispute in &snapshot.disputes {
            let because = format!("{} carry the same tags", dispute.ids.join(" and "));
            found.doubted.insert(dispute.address.clone(), because);
        }
        for live in &snapshot.lives {
            let address = live.address.clone();
            match (live.standing, live.phase) {
                (Standing::Unconfirmed, _) => {
                    let because = "the record of who made it is lost".to_owned();
                    found.doubted.insert(address, because);
                }
                (_, Phase::Leaving) => {}
                // Of several generations the newest comes first.
                _ => drop(found.made.entry(address).or_insert_with(|| live.output.clone())),
            }
        }
        let scope = &snapshot.scope;
        self.environments.insert((scope.stack.clone(), scope.environment.clone()), found);
    }

    /// Adds a network by its VPC, or that there is none.
    pub fn network(&mut self, vpc: String, network: Option<ExistingNetwork>) {
        match network {
            Some(network) => drop(self.networks.insert(vpc, network)),
            None => drop(self.missing.insert(vpc)),
        }
    }

    /// Adds a load balancer by its ARN, or that there is none.
    pub fn balancer(&mut self, arn: String, balancer: Option<ExistingBalancer>) {
        match balancer {
            Some(balancer) => drop(self.balancers.insert(arn, balancer)),
            None => drop(self.missing.insert(arn)),
        }
    }

    /// Adds the identifiers of what carries some tags.
    pub fn tagged(&mut self, tagged: Tagged, ids: BTreeSet<String>) {
        self.tagged.insert(tagged, ids);
    }

    /// Adds the names of the parameters right below a path.
    pub fn parameters(&mut self, path: String, names: BTreeSet<String>) {
        self.parameters.insert(path, names);
    }

    /// The names of the parameters right below a path, where somebody has looked.
    pub(crate) fn names_below(&self, path: &str) -> Option<&BTreeSet<String>> {
        self.parameters.get(path)
    }

    /// The identifiers of what carries some tags, where somebody has looked.
    pub(crate) fn carrying(&self, tagged: &Tagged) -> Option<&BTreeSet<String>> {
        self.tagged.get(tagged)
    }

    /// The identifier of something that the stack has made already.
    pub(crate) fn own(&self, address: &Address) -> Option<&str> {
        self.own.get(address).map(String::as_str)
    }

    /// The identifiers of the subnets that something of the stack is in already.
    pub(crate) fn subnets_of(&self, address: &Address) -> Option<&BTreeSet<String>> {
        self.subnets.get(address)
    }

    /// What an environment has made, where somebody has looked.
    pub(crate) fn made_by(&self, stack: &str, environment: &str) -> Option<&Environment> {
        self.environments.get(&(stack.to_owned(), environment.to_owned()))
    }

    /// The network that has a VPC, where somebody has looked.
    pub(crate) fn network_of(&self, vpc: &str) -> Option<&ExistingNetwork> {
        self.networks.get(vpc)
    }

    /// The load balancer of an ARN, where somebody has looked.
    pub(crate) fn balancer_of(&self, arn: &str) -> Option<&ExistingBalancer> {
        self.balancers.get(arn)
    }

    /// Whether somebody has looked for a VPC or a load balancer, and there is none.
    pub(crate) fn is_missing(&self, id: &str) -> bool {
        self.missing.contains(id)
    }
}
