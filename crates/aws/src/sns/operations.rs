//! What SNS is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// SNS. It takes 30 lists of topics or subscriptions a second, and 100 subscriptions ("SNS API
/// throttling" in the AWS General Reference); that 10 of all go at once is an assumption.
pub(crate) static SERVICE: Service = Service {
    name: "sns",
    burst: 30,
    per_second: 10,
    // A topic of that name was deleted a moment ago (SNS API reference, `CreateTopic`).
    codes: &[
        Code::new("ConcurrentAccess", Cause::Busy),
        Code::new("StaleTag", Cause::Busy),
        Code::new("AuthorizationError", Cause::Denied),
    ],
};

const TOPIC: &[Reach] = &[Reach::Named("{name}*")];

operations! {
    CREATE_TOPIC = SERVICE.changes("CreateTopic").on(TOPIC).also(&["sns:TagResource"]);
    DELETE_TOPIC = SERVICE.changes("DeleteTopic").on(TOPIC).gone(&["NotFound"]);
    LIST_SUBSCRIPTIONS_BY_TOPIC = SERVICE.reads("ListSubscriptionsByTopic").gone(&["NotFound"]);
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(&["NotFound", "ResourceNotFound"]);
    LIST_TOPICS = SERVICE.reads("ListTopics");
    SUBSCRIBE = SERVICE.changes("Subscribe").on(TOPIC).gone(&["NotFound"]);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(TOPIC).gone(&["ResourceNotFound"]);
    UNSUBSCRIBE = SERVICE.changes("Unsubscribe").on(TOPIC).gone(&["NotFound"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource").on(TOPIC).gone(&["ResourceNotFound"]);
}
