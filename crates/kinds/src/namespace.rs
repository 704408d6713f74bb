//! A namespace of Cloud Map: where services are known by their names.

use deployer_core::{Change, Impact, Kind, Naming, Typical};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An HTTP namespace of AWS Cloud Map, which ECS Service Connect keeps its endpoints in.
pub struct Namespace;

impl Kind for Namespace {
    const NAME: &'static str = "namespace";
    const CHANGES: &'static [(&'static str, Change)] = &[];
    // `CreateHttpNamespace` in the Cloud Map API reference takes 1024 characters.
    const NAMING: Option<Naming> = Some(Naming::hyphens(1024));
    const REFUSED_WHILE_USED: bool = true;
    // No service is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    // Each is an operation of Cloud Map's. A deletion waits until ECS has taken its services out,
    // which takes some minutes (cdkd waits five). Assumptions.
    const TYPICAL: Typical = Typical { create: 5, update: 1, delete: 60 };
    type Spec = NamespaceSpec;
    type Output = NamespaceOutput;
}

/// What we want of a namespace: nothing but that it is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NamespaceSpec {}

/// What AWS returns for a namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NamespaceOutput {
    /// The ARN.
    pub id: String,
    /// The name.
    pub name: String,
}
