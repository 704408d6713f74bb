//! What Step Functions is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// Step Functions. It takes one call a second of those that make and change state machines, after
/// 100 at once, and 20 descriptions ("Quotas related to API action throttling" in its developer
/// guide); ours is one for all, and smaller.
pub(crate) static SERVICE: Service = Service {
    name: "states",
    burst: 50,
    per_second: 5,
    codes: &[
        Code::new("ConflictException", Cause::Busy),
        Code::new("StateMachineDeleting", Cause::Busy),
    ],
};

const MACHINE: &[Reach] = &[Reach::Named("stateMachine:{name}*")];

/// A role that is young: Step Functions may not take it yet (Terraform's provider,
/// sfn/state_machine.go), or may not make the rule by which it hears of a task's end
/// (cumulus#2693).
const YOUNG_ROLE: &[Code] = &[
    Code::new("AccessDeniedException", Cause::NotYet).saying("authorized to assume the provided"),
    Code::new("AccessDeniedException", Cause::NotYet).saying("authorized to create managed-rule"),
];

const GONE: &[&str] = &["StateMachineDoesNotExist"];

operations! {
    CREATE_STATE_MACHINE = SERVICE.changes("CreateStateMachine")
        .on(MACHINE)
        .also(&["states:TagResource", "iam:PassRole"])
        .codes(YOUNG_ROLE);
    /// Of one that is gone, or on its way out, it says nothing.
    DELETE_STATE_MACHINE = SERVICE.changes("DeleteStateMachine").on(MACHINE);
    DESCRIBE_STATE_MACHINE = SERVICE.reads("DescribeStateMachine").gone(GONE);
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource").gone(&["ResourceNotFound"]);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(MACHINE).gone(&["ResourceNotFound"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource").on(MACHINE).gone(&["ResourceNotFound"]);
    UPDATE_STATE_MACHINE = SERVICE.changes("UpdateStateMachine")
        .on(MACHINE)
        .also(&["iam:PassRole"])
        .gone(GONE)
        .codes(YOUNG_ROLE);
}
