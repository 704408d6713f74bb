//! What ECR is asked to do, and what its codes mean.

use deployer_engine::{Operation, Reach, Service};

use crate::send::operations;

/// ECR. Its quotas are by operation, 10 to 20 a second for most of these ("Amazon ECR service
/// quotas" in its user guide).
pub(crate) static SERVICE: Service = Service { name: "ecr", burst: 20, per_second: 10, codes: &[] };

const REPOSITORY: &[Reach] = &[Reach::Named("repository/{name}*")];

operations! {
    BATCH_DELETE_IMAGE = SERVICE.changes("BatchDeleteImage")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
    /// An image that is not there is one of the answer's failures.
    BATCH_GET_IMAGE = SERVICE.reads("BatchGetImage")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
    CREATE_REPOSITORY = SERVICE.changes("CreateRepository")
        .on(REPOSITORY)
        .also(&["ecr:TagResource"]);
    DELETE_LIFECYCLE_POLICY = SERVICE.changes("DeleteLifecyclePolicy")
        .on(REPOSITORY)
        .gone(&["LifecyclePolicyNotFoundException", "RepositoryNotFoundException"]);
    DELETE_REPOSITORY = SERVICE.changes("DeleteRepository")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
    DESCRIBE_IMAGES = SERVICE.reads("DescribeImages").gone(&["RepositoryNotFoundException"]);
    DESCRIBE_REPOSITORIES = SERVICE.reads("DescribeRepositories")
        .gone(&["RepositoryNotFoundException"]);
    /// What follows it is a push, which speaks to the registry rather than to ECR's API ("IAM
    /// permissions for pushing an image" in the ECR user guide).
    GET_AUTHORIZATION_TOKEN = SERVICE.reads("GetAuthorizationToken")
        .also(&[
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ]);
    GET_LIFECYCLE_POLICY = SERVICE.reads("GetLifecyclePolicy")
        .gone(&["RepositoryNotFoundException"]);
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(&["RepositoryNotFoundException"]);
    PUT_IMAGE_SCANNING_CONFIGURATION = SERVICE.changes("PutImageScanningConfiguration")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
    PUT_IMAGE_TAG_MUTABILITY = SERVICE.changes("PutImageTagMutability")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
    PUT_LIFECYCLE_POLICY = SERVICE.changes("PutLifecyclePolicy")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
    TAG_RESOURCE = SERVICE.changes("TagResource")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource")
        .on(REPOSITORY)
        .gone(&["RepositoryNotFoundException"]);
}
