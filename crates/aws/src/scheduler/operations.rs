//! What EventBridge Scheduler is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// EventBridge Scheduler. It takes 50 and more calls a second about schedules, and 10 about groups
/// ("Quotas for Amazon EventBridge Scheduler" in its user guide).
pub(crate) static SERVICE: Service = Service {
    name: "scheduler",
    burst: 10,
    per_second: 10,
    // Two changes at a time, or a group that is on its way out.
    codes: &[Code::new("ConflictException", Cause::Busy)],
};

const GROUP: &[Reach] = &[Reach::Named("schedule-group/{name}*")];
const SCHEDULE: &[Reach] = &[Reach::Named("schedule/{name}*")];

const GONE: &[&str] = &["ResourceNotFoundException"];

/// A role that is young: EventBridge Scheduler may not take it yet (Terraform's provider,
/// scheduler/schedule.go).
const YOUNG_ROLE: Code =
    Code::new("ValidationException", Cause::NotYet).saying("to assume the role");

operations! {
    CREATE_SCHEDULE = SERVICE.changes("CreateSchedule")
        .on(SCHEDULE)
        .also(&["iam:PassRole"])
        .gone(GONE)
        .codes(&[YOUNG_ROLE]);
    /// The name is taken: whoever asks has looked a moment ago.
    CREATE_SCHEDULE_GROUP = SERVICE.changes("CreateScheduleGroup")
        .on(GROUP)
        .also(&["scheduler:TagResource"])
        .codes(&[Code::new("ConflictException", Cause::Taken)]);
    DELETE_SCHEDULE = SERVICE.changes("DeleteSchedule").on(SCHEDULE).gone(GONE);
    DELETE_SCHEDULE_GROUP = SERVICE.changes("DeleteScheduleGroup").on(GROUP).gone(GONE);
    GET_SCHEDULE = SERVICE.reads("GetSchedule").gone(GONE);
    GET_SCHEDULE_GROUP = SERVICE.reads("GetScheduleGroup").gone(GONE);
    LIST_SCHEDULE_GROUPS = SERVICE.reads("ListScheduleGroups");
    LIST_SCHEDULES = SERVICE.reads("ListSchedules").gone(GONE);
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource").gone(GONE);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(GROUP).gone(GONE);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource").on(GROUP).gone(GONE);
    UPDATE_SCHEDULE = SERVICE.changes("UpdateSchedule")
        .on(SCHEDULE)
        .also(&["iam:PassRole"])
        .gone(GONE)
        .codes(&[YOUNG_ROLE]);
}
