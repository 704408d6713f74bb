//! What RDS is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// RDS. How many calls it takes is not documented; these figures are an assumption.
pub(crate) static SERVICE: Service = Service {
    name: "rds",
    burst: 20,
    per_second: 10,
    codes: &[
        Code::new("InvalidDBInstanceState", Cause::Busy),
        // In use, or with changes that are pending (Terraform's provider, rds/parameter_group.go).
        Code::new("InvalidDBParameterGroupState", Cause::Busy),
        Code::new("InvalidDBSubnetGroupStateFault", Cause::Busy),
    ],
};

/// A security group that EC2 has just made and that RDS may not see yet: an assumption, since ELB does
/// not either. RDS has no code for one that is not there, only words (aws-cli#574).
const UNSEEN_GROUP: Code =
    Code::new("InvalidParameterValue", Cause::Missing).saying("Invalid security group");

/// None of the things that carry tags.
const TAGGED_AND_GONE: &[&str] = &[
    "DBInstanceNotFound",
    "DBInstanceNotFoundFault",
    "DBParameterGroupNotFound",
    "DBSubnetGroupNotFoundFault",
];

/// What carries tags.
const TAGGED: &[Reach] = &[
    Reach::Named("db:{name}*"),
    Reach::Named("pg:{name}*"),
    Reach::Named("snapshot:{name}*"),
    Reach::Named("subgrp:{name}*"),
];

/// A database, and what it may be in: groups of RDS's own and of others too.
const INSTANCE: &[Reach] = &[
    Reach::Named("db:{name}*"),
    Reach::Named("og:*"),
    Reach::Named("pg:*"),
    Reach::Named("subgrp:*"),
];

const DATABASE: &[Reach] = &[Reach::Named("db:{name}*")];
const PARAMETERS: &[Reach] = &[Reach::Named("pg:{name}*")];
const SUBNETS: &[Reach] = &[Reach::Named("subgrp:{name}*")];

operations! {
    ADD_TAGS_TO_RESOURCE = SERVICE.changes("AddTagsToResource")
        .on(TAGGED)
        .gone(TAGGED_AND_GONE);
    CREATE_DB_INSTANCE = SERVICE.changes("CreateDBInstance")
        .on(INSTANCE)
        .also(&[
            "kms:DescribeKey",
            "rds:AddTagsToResource",
            "secretsmanager:CreateSecret",
            "secretsmanager:TagResource",
        ])
        .codes(&[UNSEEN_GROUP]);
    CREATE_DB_INSTANCE_READ_REPLICA = SERVICE.changes("CreateDBInstanceReadReplica")
        .on(INSTANCE)
        .also(&["rds:AddTagsToResource"])
        .codes(&[UNSEEN_GROUP]);
    CREATE_DB_PARAMETER_GROUP = SERVICE.changes("CreateDBParameterGroup")
        .on(PARAMETERS)
        .also(&["rds:AddTagsToResource"]);
    /// RDS may not see yet what EC2 has just made; an assumption, since ELB does not either.
    CREATE_DB_SUBNET_GROUP = SERVICE.changes("CreateDBSubnetGroup")
        .on(SUBNETS)
        .also(&["rds:AddTagsToResource"])
        .codes(&[Code::new("InvalidSubnet", Cause::Missing)]);
    /// The right to the snapshot that it leaves has been asked for since 2024 (convox#856).
    ///
    /// What we send goes together, so what AWS does not combine is the protection that was just
    /// taken off and that it still sees.
    DELETE_DB_INSTANCE = SERVICE.changes("DeleteDBInstance")
        .on(DATABASE)
        .also(&["rds:AddTagsToResource", "rds:CreateDBSnapshot"])
        .gone(&["DBInstanceNotFound", "DBInstanceNotFoundFault"])
        .codes(&[Code::new("InvalidParameterCombination", Cause::NotYet)]);
    DELETE_DB_PARAMETER_GROUP = SERVICE.changes("DeleteDBParameterGroup")
        .on(PARAMETERS)
        .gone(&["DBParameterGroupNotFound"]);
    DELETE_DB_SUBNET_GROUP = SERVICE.changes("DeleteDBSubnetGroup")
        .on(SUBNETS)
        .gone(&["DBSubnetGroupNotFoundFault"]);
    DESCRIBE_DB_ENGINE_VERSIONS = SERVICE.reads("DescribeDBEngineVersions");
    DESCRIBE_DB_INSTANCES = SERVICE.reads("DescribeDBInstances")
        .gone(&["DBInstanceNotFound", "DBInstanceNotFoundFault"]);
    DESCRIBE_DB_PARAMETERS = SERVICE.reads("DescribeDBParameters")
        .gone(&["DBParameterGroupNotFound"]);
    DESCRIBE_DB_PARAMETER_GROUPS = SERVICE.reads("DescribeDBParameterGroups")
        .gone(&["DBParameterGroupNotFound"]);
    DESCRIBE_DB_SUBNET_GROUPS = SERVICE.reads("DescribeDBSubnetGroups")
        .gone(&["DBSubnetGroupNotFoundFault"]);
    DESCRIBE_ENGINE_DEFAULT_PARAMETERS = SERVICE.reads("DescribeEngineDefaultParameters");
    LIST_TAGS_FOR_RESOURCE = SERVICE.reads("ListTagsForResource")
        .gone(TAGGED_AND_GONE);
    MODIFY_DB_INSTANCE = SERVICE.changes("ModifyDBInstance")
        .on(INSTANCE)
        .also(&["kms:DescribeKey", "secretsmanager:CreateSecret", "secretsmanager:TagResource"])
        .gone(&["DBInstanceNotFound", "DBInstanceNotFoundFault"])
        .codes(&[UNSEEN_GROUP]);
    MODIFY_DB_PARAMETER_GROUP = SERVICE.changes("ModifyDBParameterGroup")
        .on(PARAMETERS)
        .gone(&["DBParameterGroupNotFound"]);
    /// As for CreateDBSubnetGroup.
    MODIFY_DB_SUBNET_GROUP = SERVICE.changes("ModifyDBSubnetGroup")
        .on(SUBNETS)
        .gone(&["DBSubnetGroupNotFoundFault"])
        .codes(&[Code::new("InvalidSubnet", Cause::Missing)]);
    REMOVE_TAGS_FROM_RESOURCE = SERVICE.changes("RemoveTagsFromResource")
        .on(TAGGED)
        .gone(TAGGED_AND_GONE);
    RESET_DB_PARAMETER_GROUP = SERVICE.changes("ResetDBParameterGroup")
        .on(PARAMETERS)
        .gone(&["DBParameterGroupNotFound"]);
}
