//! What SQS is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// SQS. How many of these calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service = Service {
    name: "sqs",
    burst: 20,
    per_second: 10,
    codes: &[
        // A queue of that name was deleted less than 60 seconds ago (`CreateQueue` in the SQS API
        // reference).
        Code::new("AWS.SimpleQueueService.QueueDeletedRecently", Cause::Busy),
        Code::new("QueueDeletedRecently", Cause::Busy),
    ],
};

const QUEUE: &[Reach] = &[Reach::Named("{name}*")];

/// As SQS has said it since it was asked by XML, and as its model has it now.
const GONE: &[&str] = &["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"];

/// A queue for dead letters that is not there, or not yet. That SQS has no code for that and says
/// so is an assumption.
const NO_DEAD_LETTERS: Code =
    Code::new("InvalidParameterValue", Cause::Missing).saying("does not exist");

operations! {
    /// Tags of one that is there may be why it is refused, or stay as they are (SQS API reference;
    /// sqs-temporary-queues-client#70).
    CREATE_QUEUE = SERVICE.changes("CreateQueue")
        .on(QUEUE)
        .also(&["sqs:TagQueue"])
        .codes(&[
            Code::new("QueueAlreadyExists", Cause::Taken),
            Code::new("QueueNameExists", Cause::Taken),
            Code::new("AWS.SimpleQueueService.NonExistentQueue", Cause::Missing),
            NO_DEAD_LETTERS,
        ]);
    DELETE_QUEUE = SERVICE.changes("DeleteQueue").on(QUEUE).gone(GONE);
    GET_QUEUE_ATTRIBUTES = SERVICE.reads("GetQueueAttributes").gone(GONE);
    GET_QUEUE_URL = SERVICE.reads("GetQueueUrl").gone(GONE);
    LIST_QUEUE_TAGS = SERVICE.reads("ListQueueTags").gone(GONE);
    LIST_QUEUES = SERVICE.reads("ListQueues");
    SET_QUEUE_ATTRIBUTES = SERVICE.changes("SetQueueAttributes")
        .on(QUEUE)
        .gone(GONE)
        .codes(&[NO_DEAD_LETTERS]);
    TAG_QUEUE = SERVICE.changes("TagQueue").on(QUEUE).gone(GONE);
    UNTAG_QUEUE = SERVICE.changes("UntagQueue").on(QUEUE).gone(GONE);
}
