//! What the tagging index is asked to do, and what its codes mean.

use deployer_engine::{Operation, Service};

use crate::send::operations;

/// The tagging index. How many calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service = Service { name: "tag", burst: 10, per_second: 5, codes: &[] };

operations! {
    GET_RESOURCES = SERVICE.reads("GetResources");
}
