//! The calls that make, change and delete each kind whatever its fields say. What only some values
//! take, such as the policies of a role, is asked for by the call that takes it.

use deployer_core::Action;
use deployer_engine::Operation;

use crate::{
    acm, autoscaling, cloud_map, cloudwatch, ec2, ecr, ecs, elb, iam, logs, rds, route53,
    scheduler, secrets, sns, sqs, ssm, step_functions,
};

type Operations = &'static [&'static Operation];

/// The calls of a kind.
struct Needs {
    kind: &'static str,
    made: Operations,
    /// None where each field has its own.
    changed: Operations,
    deleted: Operations,
}

/// What a step of a kind surely calls; nothing where it calls nothing.
pub(super) fn needs(kind: &str, action: Action) -> Operations {
    let Some(needs) = ALL.iter().find(|needs| needs.kind == kind) else { return &[] };
    match action {
        Action::Create => needs.made,
        Action::Update => needs.changed,
        Action::Delete => needs.deleted,
        Action::Await => &[],
    }
}

macro_rules! needs {
    ($($kind:literal: [$($made:expr),*], [$($changed:expr),*], [$($deleted:expr),*];)+) => {
        static ALL: &[Needs] = &[$(Needs {
            kind: $kind,
            made: &[$(&$made),*],
            changed: &[$(&$changed),*],
            deleted: &[$(&$deleted),*],
        }),+];
    };
}

needs! {
    "alarm": [cloudwatch::PUT_METRIC_ALARM], [cloudwatch::PUT_METRIC_ALARM],
        [cloudwatch::DELETE_ALARMS];
    "certificate": [acm::REQUEST_CERTIFICATE], [], [acm::DELETE_CERTIFICATE];
    "cluster": [ecs::CREATE_CLUSTER], [], [ecs::DELETE_CLUSTER];
    "composite-alarm": [cloudwatch::PUT_COMPOSITE_ALARM], [cloudwatch::PUT_COMPOSITE_ALARM],
        [cloudwatch::DELETE_ALARMS];
    "dashboard": [cloudwatch::PUT_DASHBOARD], [cloudwatch::PUT_DASHBOARD],
        [cloudwatch::DELETE_DASHBOARDS];
    "db-instance": [rds::CREATE_DB_INSTANCE], [rds::MODIFY_DB_INSTANCE],
        [rds::DELETE_DB_INSTANCE];
    "db-parameter-group": [rds::CREATE_DB_PARAMETER_GROUP], [], [rds::DELETE_DB_PARAMETER_GROUP];
    "db-replica": [rds::CREATE_DB_INSTANCE_READ_REPLICA], [rds::MODIFY_DB_INSTANCE],
        [rds::DELETE_DB_INSTANCE];
    "db-subnet-group": [rds::CREATE_DB_SUBNET_GROUP], [rds::MODIFY_DB_SUBNET_GROUP],
        [rds::DELETE_DB_SUBNET_GROUP];
    "elastic-ip": [ec2::ALLOCATE_ADDRESS], [], [ec2::RELEASE_ADDRESS];
    "flow-log": [ec2::CREATE_FLOW_LOGS], [], [ec2::DELETE_FLOW_LOGS];
    "gateway-endpoint": [ec2::CREATE_VPC_ENDPOINT], [ec2::MODIFY_VPC_ENDPOINT],
        [ec2::DELETE_VPC_ENDPOINTS];
    "image": [ecr::GET_AUTHORIZATION_TOKEN], [], [];
    "interface-endpoint": [ec2::CREATE_VPC_ENDPOINT], [ec2::MODIFY_VPC_ENDPOINT],
        [ec2::DELETE_VPC_ENDPOINTS];
    "internet-gateway": [ec2::CREATE_INTERNET_GATEWAY, ec2::ATTACH_INTERNET_GATEWAY], [],
        [ec2::DETACH_INTERNET_GATEWAY, ec2::DELETE_INTERNET_GATEWAY];
    "job": [ssm::PUT_PARAMETER], [ssm::PUT_PARAMETER], [ssm::DELETE_PARAMETER];
    "listener": [elb::CREATE_LISTENER], [elb::MODIFY_LISTENER], [elb::DELETE_LISTENER];
    "listener-certificate": [elb::ADD_LISTENER_CERTIFICATES], [],
        [elb::REMOVE_LISTENER_CERTIFICATES];
    "listener-rule": [elb::CREATE_RULE], [], [elb::DELETE_RULE];
    "load-balancer": [elb::CREATE_LOAD_BALANCER, elb::MODIFY_LOAD_BALANCER_ATTRIBUTES], [],
        [elb::DELETE_LOAD_BALANCER];
    "log-group": [logs::CREATE_LOG_GROUP], [], [logs::DELETE_LOG_GROUP];
    "namespace": [cloud_map::CREATE_HTTP_NAMESPACE], [], [cloud_map::DELETE_NAMESPACE];
    "nat-gateway": [ec2::CREATE_NAT_GATEWAY], [], [ec2::DELETE_NAT_GATEWAY];
    "network-acl": [ec2::CREATE_NETWORK_ACL], [], [ec2::DELETE_NETWORK_ACL];
    "queue": [sqs::CREATE_QUEUE], [sqs::SET_QUEUE_ATTRIBUTES], [sqs::DELETE_QUEUE];
    "record": [route53::CHANGE_RESOURCE_RECORD_SETS], [route53::CHANGE_RESOURCE_RECORD_SETS],
        [route53::CHANGE_RESOURCE_RECORD_SETS];
    "repository": [ecr::CREATE_REPOSITORY], [], [ecr::DELETE_REPOSITORY];
    "role": [iam::CREATE_ROLE], [], [iam::DELETE_ROLE];
    "route-table": [ec2::CREATE_ROUTE_TABLE], [], [ec2::DELETE_ROUTE_TABLE];
    "scalable-target": [autoscaling::REGISTER_SCALABLE_TARGET], [],
        [autoscaling::DEREGISTER_SCALABLE_TARGET];
    "schedule": [scheduler::CREATE_SCHEDULE], [scheduler::UPDATE_SCHEDULE],
        [scheduler::DELETE_SCHEDULE];
    "secret": [secrets::CREATE_SECRET], [], [secrets::DELETE_SECRET];
    "security-group": [ec2::CREATE_SECURITY_GROUP], [], [ec2::DELETE_SECURITY_GROUP];
    "service": [ecs::CREATE_SERVICE], [ecs::UPDATE_SERVICE], [ecs::DELETE_SERVICE];
    "state-machine": [step_functions::CREATE_STATE_MACHINE],
        [step_functions::UPDATE_STATE_MACHINE], [step_functions::DELETE_STATE_MACHINE];
    "subnet": [ec2::CREATE_SUBNET], [], [ec2::DELETE_SUBNET];
    "target-group": [elb::CREATE_TARGET_GROUP], [], [elb::DELETE_TARGET_GROUP];
    "task-definition": [ecs::REGISTER_TASK_DEFINITION], [ecs::REGISTER_TASK_DEFINITION],
        [ecs::DEREGISTER_TASK_DEFINITION];
    "topic": [sns::CREATE_TOPIC], [], [sns::DELETE_TOPIC];
    "validation-record": [route53::CHANGE_RESOURCE_RECORD_SETS], [],
        [route53::CHANGE_RESOURCE_RECORD_SETS];
    "vpc": [ec2::CREATE_VPC], [], [ec2::DELETE_VPC];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_says_what_it_is_made_and_deleted_with() {
        let kinds = deployer_kinds::all();
        let expected: BTreeSet<&str> = kinds.iter().map(|kind| kind.name).collect();
        let said: BTreeSet<&str> = ALL.iter().map(|needs| needs.kind).collect();
        assert_eq!(said, expected);
        for needs in ALL {
            assert!(!needs.made.is_empty(), "{}", needs.kind);
            let mut rest = needs.changed.iter().chain(needs.deleted);
            assert!(rest.all(|operation| operation.changes), "{}", needs.kind);
        }
    }
}
