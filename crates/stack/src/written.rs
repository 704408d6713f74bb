//! Where in the text it stands what a resource is to be.

use std::collections::BTreeMap;

use deployer_core::{Address, Span};

use crate::draft::{Made, Origin};
use crate::node::Node;

/// Where in a stack's text its resources come from.
#[derive(Clone, Debug)]
pub struct Written {
    root: Node,
    origins: BTreeMap<Address, Origin>,
}

impl Written {
    /// The places of what was made of a text.
    pub(crate) fn of(root: Node, made: &BTreeMap<Address, Made>) -> Self {
        let origins = made.iter().map(|(address, made)| (address.clone(), made.origin.clone()));
        Self { root, origins: origins.collect() }
    }

    /// The key of the entry that makes a resource; none where nobody wrote it.
    pub fn entry(&self, address: &Address) -> Option<Span> {
        self.root.key_place(&self.origins.get(address)?.body)
    }

    /// Where a field of a resource is written, by its path with dots; the nearest that is written
    /// where it is left out.
    pub fn place(&self, address: &Address, path: &str) -> Option<Span> {
        let origin = self.origins.get(address)?;
        self.root.place(&origin.path(path)).or_else(|| self.root.key_place(&origin.body))
    }
}
