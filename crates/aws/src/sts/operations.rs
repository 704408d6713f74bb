//! What STS is asked to do, and what its codes mean.

use deployer_engine::{Operation, Service};

use crate::send::operations;

/// STS. How many calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service = Service { name: "sts", burst: 10, per_second: 10, codes: &[] };

operations! {
    ASSUME_ROLE = SERVICE.reads("AssumeRole");
    GET_CALLER_IDENTITY = SERVICE.reads("GetCallerIdentity");
}
