//! What ECR is asked to do, and what its codes mean.

use deployer_engine::{Operation, Service};

use crate::send::operations;

/// ECR. Its quotas are by operation, 10 to 20 a second for most of these ("Amazon ECR service
/// quotas" in its user guide).
pub(crate) static SERVICE: Service = Service { name: "ecr", burst: 20, per_second: 10, codes: &[] };

operations! {
    BATCH_DELETE_IMAGE = SERVICE.changes("BatchDeleteImage").gone(&["RepositoryNotFoundException"]);
    CREATE_REPOSITORY = SERVICE.changes("CreateRepository").also(&["ecr:TagResource"]);
    DELETE_LIFECYCLE_POLICY = SERVICE.changes("DeleteLifecyclePolicy")
        .gone(&["LifecyclePolicyNotFoundException", "RepositoryNotFoundException"]);
    DELETE_REPOSITORY = SERVICE.changes("DeleteRepository").gone(&["RepositoryNotFoundException"]);
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
        .gone(&["RepositoryNotFoundException"]);
    PUT_IMAGE_TAG_MUTABILITY = SERVICE.changes("PutImageTagMutability")
        .gone(&["RepositoryNotFoundException"]);
    PUT_LIFECYCLE_POLICY = SERVICE.changes("PutLifecyclePolicy")
        .gone(&["RepositoryNotFoundException"]);
    TAG_RESOURCE = SERVICE.changes("TagResource").gone(&["RepositoryNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource").gone(&["RepositoryNotFoundException"]);
}
