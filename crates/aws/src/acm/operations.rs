//! What AWS Certificate Manager is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// AWS Certificate Manager. It takes 5 requests for certificates a second, 10 descriptions and 8
/// lists ("API rate quotas" in its user guide).
pub(crate) static SERVICE: Service = Service {
    name: "acm",
    burst: 5,
    per_second: 5,
    codes: &[Code::new("ConflictException", Cause::Busy)],
};

const OURS: &[Reach] = &[Reach::Owned("certificate/*")];

/// What has another environment's tags is given none.
const TAGGED: &[Reach] = &[Reach::Made("certificate/*"), Reach::Owned("certificate/*")];

const GONE: &[&str] = &["ResourceNotFoundException"];

operations! {
    ADD_TAGS_TO_CERTIFICATE = SERVICE.changes("AddTagsToCertificate").on(TAGGED).gone(GONE);
    /// What used it lets go of it some seconds later (aws-cdk#4179).
    DELETE_CERTIFICATE = SERVICE.changes("DeleteCertificate").on(OURS).gone(GONE);
    DESCRIBE_CERTIFICATE = SERVICE.reads("DescribeCertificate").gone(GONE);
    LIST_CERTIFICATES = SERVICE.reads("ListCertificates");
    LIST_TAGS_FOR_CERTIFICATE = SERVICE.reads("ListTagsForCertificate").gone(GONE);
    REMOVE_TAGS_FROM_CERTIFICATE = SERVICE.changes("RemoveTagsFromCertificate")
        .on(OURS)
        .gone(GONE);
    /// IAM knows no resources for it, since none is there yet.
    REQUEST_CERTIFICATE = SERVICE.changes("RequestCertificate")
        .on(&[Reach::New])
        .also(&["acm:AddTagsToCertificate"]);
}
