//! What is there and ours.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::naming::hex;
use crate::{Address, Scope};

/// How far AWS is with a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It works.
    #[default]
    Ready,
    /// It is being made or changed, and will be ready by itself.
    Settling,
    /// It is being deleted, and will be gone by itself.
    Leaving,
}

/// One resource of ours as it is in AWS, its kind erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Which resource of the stack it is, from its tags.
    pub address: Address,
    /// How often the resource has been replaced, plus one, from its tags.
    pub generation: u32,
    /// The serialised `Spec`, every reference a physical identifier.
    pub spec: Value,
    /// The serialised `Output`; what is not known yet is null.
    pub output: Value,
    /// How far AWS is with it.
    pub phase: Phase,
    /// AWS's own word for its state, such as `available`; empty where there is none.
    pub state: String,
    /// What is attached to it that is not ours or that a spec cannot say: told, never touched.
    pub foreign: Vec<String>,
}

impl Live {
    /// The identifier AWS gave it.
    pub fn id(&self) -> &str {
        self.output.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// All that a stack's environment owns in one account and region, at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whose it is.
    pub scope: Scope,
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Everything found, by address, then newest generation first, then identifier.
    pub lives: Vec<Live>,
}

impl Snapshot {
    /// Puts a snapshot together, in an order of its own whatever order things were found in.
    pub fn new(scope: Scope, account: String, region: String, mut lives: Vec<Live>) -> Self {
        lives.sort_by(|a, b| {
            (&a.address, b.generation, a.id()).cmp(&(&b.address, a.generation, b.id()))
        });
        Self { scope, account, region, lives }
    }

    /// The resource at an address: the newest generation where there are several, and none that
    /// is on its way out while there is one that stays.
    pub fn current(&self, address: &Address) -> Option<&Live> {
        let found = self.lives.iter().filter(|live| live.address == *address);
        found.min_by_key(|live| live.phase == Phase::Leaving)
    }

    /// The newest generation there is of a resource, on its way out or not: its name is taken.
    pub(crate) fn newest(&self, address: &Address) -> u32 {
        let found = self.lives.iter().find(|live| live.address == *address);
        found.map_or(0, |live| live.generation)
    }

    /// A hash of all that a plan was made from. States that come and go by themselves are left
    /// out, so a saved plan outlives a database's nightly backup.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{} {} {}\n", self.scope, self.account, self.region));
        for live in &self.lives {
            hasher.update(format!("{} {} {}\n", live.address, live.generation, live.spec));
            hasher.update(live.id());
        }
        hex(&hasher.finalize())
    }
}
