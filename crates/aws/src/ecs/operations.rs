//! What ECS is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// ECS. Its buckets are by sort of action: 50 and more for reading and for services, 20 for task
/// definitions ("Request throttling for the Amazon ECS API" in its API reference); ours is one for
/// all.
pub(crate) static SERVICE: Service = Service {
    name: "ecs",
    burst: 50,
    per_second: 10,
    codes: &[
        Code::new("ClusterContainsServicesException", Cause::Busy),
        Code::new("ClusterContainsTasksException", Cause::Busy),
        Code::new("ResourceInUseException", Cause::Busy),
        Code::new("ServiceNotActiveException", Cause::Busy),
        Code::new("UpdateInProgressException", Cause::Busy),
    ],
};

/// A task definition that was registered a moment ago and that a service does not see yet: ECS has no
/// code for it, only words (remind101/empire#353).
const UNSEEN_DEFINITION: Code =
    Code::new("ClientException", Cause::Missing).saying("TaskDefinition not found");

/// What carries tags.
const TAGGED: &[Reach] = &[
    Reach::Named("cluster/{name}*"),
    Reach::Named("service/*/{name}*"),
    Reach::Named("task/{name}*"),
    Reach::Named("task-definition/{name}*"),
];

const CLUSTER: &[Reach] = &[Reach::Named("cluster/{name}*")];
const DEFINITION: &[Reach] = &[Reach::Named("task-definition/{name}*")];
/// The tasks of a cluster of ours, whoever started them.
const TASK: &[Reach] = &[Reach::Named("task/{name}*")];
/// A task, and the cluster that it is in ("Using IAM policies to limit access to ECS Exec" in the ECS
/// developer guide).
const ENTERED: &[Reach] = &[Reach::Named("cluster/{name}*"), Reach::Named("task/{name}*")];
const DEPLOYED: &[Reach] = &[Reach::Named("service/*/{name}*")];

operations! {
    /// It has no token: one whose reply got lost is refused when it is made again, and whoever asks
    /// looks first.
    CONTINUE_SERVICE_DEPLOYMENT = SERVICE.changes("ContinueServiceDeployment")
        .gone(&["ServiceDeploymentNotFoundException"]);
    /// Our names and settings are valid, so what ECS does not accept is the linked role that it
    /// does not see yet: "Unable to assume the service linked role" has no code of its own
    /// (containers-roadmap#2614).
    CREATE_CLUSTER = SERVICE.changes("CreateCluster")
        .on(CLUSTER)
        .also(&["ecs:TagResource"])
        .codes(&[Code::new("InvalidParameterException", Cause::NotYet)]);
    /// Of one before it that is on its way out ECS says that it is "still Draining" (faas-
    /// fargate#13), and of one that is there that the creation "was not idempotent". The same code
    /// says that ECS cannot take a setting, and that it cannot find a role or a target group's load
    /// balancer, and it finds new ones late (Terraform's AWS provider asks again for minutes,
    /// `internal/service/ecs/service.go`). That a new revision is found late too is an assumption.
    /// That a namespace of Cloud Map which was made a moment ago may be `NamespaceNotFoundException`
    /// is an assumption: as any other thing that is not found it is waited for while it is young.
    CREATE_SERVICE = SERVICE.changes("CreateService")
        .on(DEPLOYED)
        .also(&["ecs:TagResource", "iam:PassRole"])
        .codes(&[
            Code::new("InvalidParameterException", Cause::Busy)
                .saying("still Draining"),
            Code::new("InvalidParameterException", Cause::Taken)
                .saying("not idempotent"),
            Code::new("InvalidParameterException", Cause::Missing),
            UNSEEN_DEFINITION,
        ]);
    DELETE_CLUSTER = SERVICE.changes("DeleteCluster")
        .on(CLUSTER)
        .gone(&["ClusterNotFoundException"]);
    /// One that drains is not active, which is what was asked for. A service goes with its
    /// cluster.
    DELETE_SERVICE = SERVICE.changes("DeleteService")
        .on(DEPLOYED)
        .gone(&[
            "ServiceNotActiveException",
            "ServiceNotFoundException",
            "ClusterNotFoundException",
        ]);
    DELETE_TASK_DEFINITIONS = SERVICE.changes("DeleteTaskDefinitions").on(DEFINITION);
    DEREGISTER_TASK_DEFINITION = SERVICE.changes("DeregisterTaskDefinition");
    DESCRIBE_CLUSTERS = SERVICE.reads("DescribeClusters");
    DESCRIBE_SERVICE_DEPLOYMENTS = SERVICE.reads("DescribeServiceDeployments")
        .gone(&["ServiceNotFoundException", "ClusterNotFoundException"]);
    DESCRIBE_SERVICE_REVISIONS = SERVICE.reads("DescribeServiceRevisions")
        .gone(&["ServiceNotFoundException", "ClusterNotFoundException"]);
    DESCRIBE_SERVICES = SERVICE.reads("DescribeServices").gone(&["ClusterNotFoundException"]);
    /// ECS has no code for one that is not there, only words (terraform-provider-aws#29749).
    DESCRIBE_TASK_DEFINITION = SERVICE.reads("DescribeTaskDefinition")
        .codes(&[
            Code::new("ClientException", Cause::Gone).saying("Unable to describe task definition"),
        ]);
    DESCRIBE_TASKS = SERVICE.reads("DescribeTasks").gone(&["ClusterNotFoundException"]);
    /// The agent in a container connects some seconds after the container runs ("Using ECS Exec" in
    /// the ECS developer guide).
    EXECUTE_COMMAND = SERVICE.changes("ExecuteCommand")
        .on(ENTERED)
        .gone(&["ClusterNotFoundException"])
        .codes(&[Code::new("TargetNotConnectedException", Cause::NotYet)]);
    LIST_SERVICE_DEPLOYMENTS = SERVICE.reads("ListServiceDeployments")
        .gone(&["ServiceNotFoundException", "ClusterNotFoundException"]);
    LIST_SERVICES = SERVICE.reads("ListServices").gone(&["ClusterNotFoundException"]);
    LIST_TASK_DEFINITION_FAMILIES = SERVICE.reads("ListTaskDefinitionFamilies");
    LIST_TASK_DEFINITIONS = SERVICE.reads("ListTaskDefinitions");
    LIST_TASKS = SERVICE.reads("ListTasks")
        .gone(&["ClusterNotFoundException", "ServiceNotFoundException"]);
    /// A cluster that is just being made or changed is not active; ECS has no code for it, only words
    /// (Terraform's AWS provider asks again, `internal/service/ecs/cluster_capacity_providers.go`).
    PUT_CLUSTER_CAPACITY_PROVIDERS = SERVICE.changes("PutClusterCapacityProviders")
        .on(CLUSTER)
        .gone(&["ClusterNotFoundException"])
        .codes(&[Code::new("ClientException", Cause::Busy).saying("Cluster was not ACTIVE")]);
    REGISTER_TASK_DEFINITION = SERVICE.changes("RegisterTaskDefinition")
        .on(DEFINITION)
        .also(&["ecs:TagResource", "iam:PassRole"]);
    /// On the definition's revision, and in a cluster. A definition or a cluster that was made a moment
    /// ago is found late, as by CreateService: an assumption. Of a role that is seconds old ECS says
    /// that it was "unable to assume" it, as services do in their events (aws-modern-application-
    /// workshop#149); with which code is an assumption.
    RUN_TASK = SERVICE.changes("RunTask")
        .on(DEFINITION)
        .also(&["ecs:TagResource", "iam:PassRole"])
        .codes(&[
            Code::new("ClusterNotFoundException", Cause::Missing),
            Code::new("ClientException", Cause::Missing).saying("unable to assume the role"),
            Code::new("InvalidParameterException", Cause::Missing),
            UNSEEN_DEFINITION,
        ]);
    STOP_SERVICE_DEPLOYMENT = SERVICE.changes("StopServiceDeployment")
        .gone(&["ServiceDeploymentNotFoundException"]);
    /// Of one that is not there ECS says that "The referenced task was not found" (ECS API
    /// reference, `StopTask`, with no code of its own).
    STOP_TASK = SERVICE.changes("StopTask")
        .on(TASK)
        .gone(&["ClusterNotFoundException"])
        .codes(&[
            Code::new("InvalidParameterException", Cause::Gone).saying("task was not found"),
        ]);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(TAGGED).gone(&["ResourceNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource")
        .on(TAGGED)
        .gone(&["ResourceNotFoundException"]);
    UPDATE_CLUSTER_SETTINGS = SERVICE.changes("UpdateClusterSettings")
        .on(CLUSTER)
        .gone(&["ClusterNotFoundException"]);
    /// As for CreateService. That a deployment which shifts requests is in the way of an update, and any
    /// deployment in that of another strategy, is said with this code and these words is an assumption.
    UPDATE_SERVICE = SERVICE.changes("UpdateService")
        .on(DEPLOYED)
        .also(&["iam:PassRole"])
        .gone(&["ServiceNotFoundException"])
        .codes(&[
            Code::new("InvalidParameterException", Cause::Busy).saying("deployment in progress"),
            Code::new("InvalidParameterException", Cause::Missing),
            UNSEEN_DEFINITION,
        ]);
}
