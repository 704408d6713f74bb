//! What Systems Manager is asked to do, and what its codes mean.

use deployer_engine::{Operation, Reach, Service};

use crate::send::operations;

/// Systems Manager. How many calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service = Service { name: "ssm", burst: 10, per_second: 5, codes: &[] };

const PARAMETER: &[Reach] =
    &[Reach::Named("parameter/deployer/{slashes}*"), Reach::Named("parameter/jobs/{slashes}*")];
const FOLDER: &[Reach] =
    &[Reach::Named("parameter/deployer/{stack}"), Reach::Named("parameter/deployer/{stack}/*")];

operations! {
    ADD_TAGS_TO_RESOURCE = SERVICE.changes("AddTagsToResource")
        .on(PARAMETER)
        .gone(&["InvalidResourceId"]);
    DELETE_PARAMETER = SERVICE.changes("DeleteParameter")
        .on(PARAMETER)
        .gone(&["ParameterNotFound"]);
    GET_PARAMETER = SERVICE.reads("GetParameter").on(PARAMETER).gone(&["ParameterNotFound"]);
    GET_PARAMETERS_BY_PATH = SERVICE.reads("GetParametersByPath").on(FOLDER);
    GET_PARAMETERS = SERVICE.reads("GetParameters").on(PARAMETER);
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .on(PARAMETER)
        .gone(&["InvalidResourceId"]);
    PUT_PARAMETER = SERVICE.changes("PutParameter")
        .on(PARAMETER)
        .also(&["ssm:AddTagsToResource"]);
    REMOVE_TAGS_FROM_RESOURCE = SERVICE.changes("RemoveTagsFromResource")
        .on(PARAMETER)
        .gone(&["InvalidResourceId"]);
}
