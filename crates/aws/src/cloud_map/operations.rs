//! What AWS Cloud Map is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// AWS Cloud Map. How many of these calls it takes is not documented: that 5 go at once and in a
/// second is an assumption.
pub(crate) static SERVICE: Service = Service {
    name: "servicediscovery",
    burst: 5,
    per_second: 5,
    codes: &[
        // The same operation is under way.
        Code::new("DuplicateRequest", Cause::Busy),
        // ECS takes its services out some minutes after a service of ECS has gone.
        Code::new("ResourceInUse", Cause::Busy),
    ],
};

const OURS: &[Reach] = &[Reach::Owned("namespace/*")];

/// What has another environment's tags is given none.
const TAGGED: &[Reach] = &[Reach::Made("namespace/*"), Reach::Owned("namespace/*")];

const GONE: &[&str] = &["ResourceNotFoundException"];

operations! {
    /// IAM knows no resources for it, since none is there yet. Whoever asks has looked whether the
    /// name is taken: then it is by a namespace that is not listed yet, such as the one that this
    /// very call made when its reply was lost.
    CREATE_HTTP_NAMESPACE = SERVICE.changes("CreateHttpNamespace")
        .on(&[Reach::New])
        .also(&["servicediscovery:TagResource"])
        .codes(&[Code::new("NamespaceAlreadyExists", Cause::Busy)]);
    DELETE_NAMESPACE = SERVICE.changes("DeleteNamespace").on(OURS).gone(&["NamespaceNotFound"]);
    GET_NAMESPACE = SERVICE.reads("GetNamespace").gone(&["NamespaceNotFound"]);
    GET_OPERATION = SERVICE.reads("GetOperation").gone(&["OperationNotFound"]);
    LIST_NAMESPACES = SERVICE.reads("ListNamespaces");
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource").gone(GONE);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(TAGGED).gone(GONE);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource").on(OURS).gone(GONE);
}
