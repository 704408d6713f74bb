//! What Systems Manager is asked to do, and what its codes mean.

use deployer_engine::{Operation, Service};

use crate::send::operations;

/// Systems Manager. How many calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service = Service { name: "ssm", burst: 10, per_second: 5, codes: &[] };

operations! {
    ADD_TAGS_TO_RESOURCE = SERVICE.changes("AddTagsToResource").gone(&["InvalidResourceId"]);
    DELETE_PARAMETER = SERVICE.changes("DeleteParameter").gone(&["ParameterNotFound"]);
    GET_PARAMETER = SERVICE.reads("GetParameter").gone(&["ParameterNotFound"]);
    GET_PARAMETERS_BY_PATH = SERVICE.reads("GetParametersByPath");
    PUT_PARAMETER = SERVICE.changes("PutParameter").also(&["ssm:AddTagsToResource"]);
    REMOVE_TAGS_FROM_RESOURCE = SERVICE.changes("RemoveTagsFromResource")
        .gone(&["InvalidResourceId"]);
}
