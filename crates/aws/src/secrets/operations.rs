//! What Secrets Manager is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// Secrets Manager. It takes 50 a second of those that change something, and more of the others
/// ("Secrets Manager quotas" in its user guide).
pub(crate) static SERVICE: Service =
    Service { name: "secretsmanager", burst: 50, per_second: 50, codes: &[] };

/// RDS makes a secret of its own in the name of whoever asks for a managed password ("Password
/// management with Amazon RDS and AWS Secrets Manager" in the RDS user guide).
const MADE: &[Reach] = &[Reach::Named("secret:{slashes}*"), Reach::Named("secret:rds!*")];

const SECRET: &[Reach] = &[Reach::Named("secret:{slashes}*")];

operations! {
    /// The name is taken: by one that is listed minutes after it was made (ListSecrets in the
    /// Secrets Manager API reference), or by one that is scheduled for deletion.
    CREATE_SECRET = SERVICE.changes("CreateSecret")
        .on(MADE)
        .also(&["secretsmanager:TagResource"])
        .codes(&[
            Code::new("ResourceExistsException", Cause::Taken),
            Code::new("InvalidRequestException", Cause::Taken),
        ]);
    DELETE_SECRET = SERVICE.changes("DeleteSecret")
        .on(SECRET)
        .gone(&["ResourceNotFoundException"]);
    DESCRIBE_SECRET = SERVICE.reads("DescribeSecret").gone(&["ResourceNotFoundException"]);
    /// Of the secret of a database alone, whose password RDS is given.
    GET_SECRET_VALUE = SERVICE.reads("GetSecretValue").on(SECRET);
    LIST_SECRETS = SERVICE.reads("ListSecrets");
    PUT_SECRET_VALUE = SERVICE.changes("PutSecretValue").on(SECRET);
    RESTORE_SECRET = SERVICE.changes("RestoreSecret")
        .on(SECRET)
        .gone(&["ResourceNotFoundException"]);
    TAG_RESOURCE = SERVICE.changes("TagResource").on(MADE).gone(&["ResourceNotFoundException"]);
    UNTAG_RESOURCE = SERVICE.changes("UntagResource")
        .on(SECRET)
        .gone(&["ResourceNotFoundException"]);
    UPDATE_SECRET = SERVICE.changes("UpdateSecret")
        .on(SECRET)
        .gone(&["ResourceNotFoundException"]);
}
