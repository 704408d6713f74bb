//! The list of kinds that AWS knows.

use deployer_engine::Registry;

use crate::Aws;

/// Every kind, with how it is handled on AWS.
pub fn registry() -> Registry<Aws> {
    Registry::default().with::<deployer_kinds::Subnet>().with::<deployer_kinds::Vpc>()
}
