//! What IAM is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// IAM. How many calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service = Service {
    name: "iam",
    burst: 20,
    per_second: 10,
    codes: &[
        Code::new("ConcurrentModification", Cause::Busy),
        Code::new("DeleteConflict", Cause::Busy),
        Code::new("EntityTemporarilyUnmodifiable", Cause::Busy),
    ],
};

const ROLE: &[Reach] = &[Reach::Named("role/deployer/{slashes}*")];
const LINKED_ROLE: &[Reach] = &[Reach::Named("role/aws-service-role/*")];

operations! {
    /// IAM says of a policy that it "does not exist or is not attachable", and has the same code
    /// for the role (IAM user guide).
    ATTACH_ROLE_POLICY = SERVICE.changes("AttachRolePolicy")
        .on(ROLE)
        .gone(&["NoSuchEntity"])
        .codes(&[Code::new("NoSuchEntity", Cause::Missing).saying("not attachable")]);
    CREATE_ROLE = SERVICE.changes("CreateRole").on(ROLE).also(&["iam:TagRole"]);
    /// "has been taken in this account" (IAM API reference).
    CREATE_SERVICE_LINKED_ROLE = SERVICE.changes("CreateServiceLinkedRole")
        .on(LINKED_ROLE)
        .codes(&[Code::new("InvalidInput", Cause::Taken)]);
    DELETE_ROLE = SERVICE.changes("DeleteRole").on(ROLE).gone(&["NoSuchEntity"]);
    DELETE_ROLE_POLICY = SERVICE.changes("DeleteRolePolicy").on(ROLE).gone(&["NoSuchEntity"]);
    DETACH_ROLE_POLICY = SERVICE.changes("DetachRolePolicy").on(ROLE).gone(&["NoSuchEntity"]);
    GET_ACCOUNT_AUTHORIZATION_DETAILS = SERVICE.reads("GetAccountAuthorizationDetails");
    GET_ROLE = SERVICE.reads("GetRole").gone(&["NoSuchEntity"]);
    PUT_ROLE_PERMISSIONS_BOUNDARY = SERVICE.changes("PutRolePermissionsBoundary")
        .on(ROLE)
        .gone(&["NoSuchEntity"])
        .codes(&[Code::new("NoSuchEntity", Cause::Missing).saying("policy")]);
    PUT_ROLE_POLICY = SERVICE.changes("PutRolePolicy").on(ROLE).gone(&["NoSuchEntity"]);
    /// What whoever calls may do by their own policies; for a role, by those of the role.
    SIMULATE_PRINCIPAL_POLICY = SERVICE.reads("SimulatePrincipalPolicy").gone(&["NoSuchEntity"]);
    TAG_ROLE = SERVICE.changes("TagRole").on(ROLE).gone(&["NoSuchEntity"]);
    UNTAG_ROLE = SERVICE.changes("UntagRole").on(ROLE).gone(&["NoSuchEntity"]);
    UPDATE_ASSUME_ROLE_POLICY = SERVICE.changes("UpdateAssumeRolePolicy")
        .on(ROLE)
        .gone(&["NoSuchEntity"]);
}
