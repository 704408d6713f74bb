//! What EC2 is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Service};

use crate::send::operations;

/// EC2. Each of its operations has a bucket of its own: 100 and 20 a second for those that only
/// read, 50 and 5 for the others ("Request throttling for the Amazon EC2 API" in its developer
/// guide). Ours is one for all, which are mostly mixed.
pub(crate) static SERVICE: Service = Service {
    name: "ec2",
    burst: 50,
    per_second: 10,
    codes: &[
        // EC2's word for credentials it does not take.
        Code::new("AuthFailure", Cause::Credentials),
        Code::new("DependencyViolation", Cause::Busy),
        Code::new("IncorrectState", Cause::Busy),
        Code::new("InvalidIPAddress.InUse", Cause::Busy),
    ],
};

operations! {
    ALLOCATE_ADDRESS = SERVICE.changes("AllocateAddress").also(&["ec2:CreateTags"]);
    ASSOCIATE_ROUTE_TABLE = SERVICE.changes("AssociateRouteTable")
        .gone(&["InvalidRouteTableID.NotFound"]);
    ATTACH_INTERNET_GATEWAY = SERVICE.changes("AttachInternetGateway")
        .gone(&["InvalidInternetGatewayID.NotFound"]);
    AUTHORIZE_SECURITY_GROUP_EGRESS = SERVICE.changes("AuthorizeSecurityGroupEgress")
        .also(&["ec2:CreateTags"])
        .gone(&["InvalidGroup.NotFound"]);
    AUTHORIZE_SECURITY_GROUP_INGRESS = SERVICE.changes("AuthorizeSecurityGroupIngress")
        .also(&["ec2:CreateTags"])
        .gone(&["InvalidGroup.NotFound"]);
    CREATE_INTERNET_GATEWAY = SERVICE.changes("CreateInternetGateway").also(&["ec2:CreateTags"]);
    /// The address was released by another gateway a moment ago (seen of DescribeNatGateways in
    /// terraform-provider-aws#709).
    CREATE_NAT_GATEWAY = SERVICE.changes("CreateNatGateway")
        .also(&["ec2:CreateTags"])
        .codes(&[Code::new("Resource.AlreadyAssociated", Cause::Busy)]);
    /// A gateway whose attachment is not visible yet is of no network (giantswarm/aws-operator#634:
    /// "route table … and network gateway … belong to different networks").
    CREATE_ROUTE = SERVICE.changes("CreateRoute")
        .gone(&["InvalidRouteTableID.NotFound"])
        .codes(&[
            Code::new("InvalidParameterValue", Cause::Missing)
                .saying("belong to different networks"),
        ]);
    CREATE_ROUTE_TABLE = SERVICE.changes("CreateRouteTable").also(&["ec2:CreateTags"]);
    CREATE_SECURITY_GROUP = SERVICE.changes("CreateSecurityGroup").also(&["ec2:CreateTags"]);
    CREATE_SUBNET = SERVICE.changes("CreateSubnet").also(&["ec2:CreateTags"]);
    CREATE_TAGS = SERVICE.changes("CreateTags");
    CREATE_VPC = SERVICE.changes("CreateVpc").also(&["ec2:CreateTags"]);
    DELETE_INTERNET_GATEWAY = SERVICE.changes("DeleteInternetGateway")
        .gone(&["InvalidInternetGatewayID.NotFound"]);
    DELETE_NAT_GATEWAY = SERVICE.changes("DeleteNatGateway")
        .gone(&["NatGatewayNotFound", "InvalidNatGatewayID.NotFound"]);
    DELETE_ROUTE = SERVICE.changes("DeleteRoute")
        .gone(&["InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"]);
    DELETE_ROUTE_TABLE = SERVICE.changes("DeleteRouteTable")
        .gone(&["InvalidRouteTableID.NotFound"]);
    /// Both codes say that something uses it; Terraform's AWS provider asks again on either
    /// (`internal/service/ec2/vpc_security_group.go`).
    DELETE_SECURITY_GROUP = SERVICE.changes("DeleteSecurityGroup")
        .gone(&["InvalidGroup.NotFound"])
        .codes(&[Code::new("InvalidGroup.InUse", Cause::Busy)]);
    DELETE_SUBNET = SERVICE.changes("DeleteSubnet").gone(&["InvalidSubnetID.NotFound"]);
    DELETE_TAGS = SERVICE.changes("DeleteTags");
    DELETE_VPC = SERVICE.changes("DeleteVpc").gone(&["InvalidVpcID.NotFound"]);
    DESCRIBE_ADDRESSES = SERVICE.reads("DescribeAddresses");
    DESCRIBE_AVAILABILITY_ZONES = SERVICE.reads("DescribeAvailabilityZones");
    DESCRIBE_EGRESS_ONLY_INTERNET_GATEWAYS = SERVICE.reads("DescribeEgressOnlyInternetGateways");
    DESCRIBE_INTERNET_GATEWAYS = SERVICE.reads("DescribeInternetGateways")
        .gone(&["InvalidInternetGatewayID.NotFound"]);
    DESCRIBE_NAT_GATEWAYS = SERVICE.reads("DescribeNatGateways")
        .gone(&["NatGatewayNotFound", "InvalidNatGatewayID.NotFound"]);
    DESCRIBE_NETWORK_ACLS = SERVICE.reads("DescribeNetworkAcls");
    DESCRIBE_NETWORK_INTERFACES = SERVICE.reads("DescribeNetworkInterfaces");
    DESCRIBE_ROUTE_TABLES = SERVICE.reads("DescribeRouteTables")
        .gone(&["InvalidRouteTableID.NotFound"]);
    DESCRIBE_SECURITY_GROUP_RULES = SERVICE.reads("DescribeSecurityGroupRules");
    DESCRIBE_SECURITY_GROUPS = SERVICE.reads("DescribeSecurityGroups");
    DESCRIBE_SUBNETS = SERVICE.reads("DescribeSubnets");
    DESCRIBE_VPC_ATTRIBUTE = SERVICE.reads("DescribeVpcAttribute")
        .gone(&["InvalidVpcID.NotFound"]);
    DESCRIBE_VPC_ENDPOINTS = SERVICE.reads("DescribeVpcEndpoints");
    DESCRIBE_VPC_PEERING_CONNECTIONS = SERVICE.reads("DescribeVpcPeeringConnections");
    DESCRIBE_VPCS = SERVICE.reads("DescribeVpcs");
    DESCRIBE_VPN_GATEWAYS = SERVICE.reads("DescribeVpnGateways");
    /// What it is about is the attachment, which goes with the VPC as well.
    DETACH_INTERNET_GATEWAY = SERVICE.changes("DetachInternetGateway")
        .gone(&[
            "Gateway.NotAttached",
            "InvalidInternetGatewayID.NotFound",
            "InvalidVpcID.NotFound",
        ]);
    DISASSOCIATE_ROUTE_TABLE = SERVICE.changes("DisassociateRouteTable")
        .gone(&["InvalidAssociationID.NotFound"]);
    MODIFY_SUBNET_ATTRIBUTE = SERVICE.changes("ModifySubnetAttribute")
        .gone(&["InvalidSubnetID.NotFound"]);
    MODIFY_VPC_ATTRIBUTE = SERVICE.changes("ModifyVpcAttribute").gone(&["InvalidVpcID.NotFound"]);
    /// For some seconds after its NAT gateway is `deleted` the address is still held: seen as
    /// AuthFailure (kops#938, sno-for-100#9) and as the gateway's interface that is not there
    /// (terraform-provider-aws#49299). The address itself is there, and costs money.
    RELEASE_ADDRESS = SERVICE.changes("ReleaseAddress")
        .gone(&["InvalidAllocationID.NotFound"])
        .codes(&[
            Code::new("AuthFailure", Cause::Busy)
                .saying("do not have permission to access the specified resource"),
            Code::new("InvalidNetworkInterfaceID.NotFound", Cause::Busy),
        ]);
    /// As for CreateRoute.
    REPLACE_ROUTE = SERVICE.changes("ReplaceRoute")
        .gone(&["InvalidRouteTableID.NotFound"])
        .codes(&[
            Code::new("InvalidParameterValue", Cause::Missing)
                .saying("belong to different networks"),
        ]);
    /// What it is about is the association. The table to move to has just been made or seen.
    REPLACE_ROUTE_TABLE_ASSOCIATION = SERVICE.changes("ReplaceRouteTableAssociation")
        .gone(&["InvalidAssociationID.NotFound"])
        .codes(&[Code::new("InvalidRouteTableID.NotFound", Cause::NotYet)]);
    REVOKE_SECURITY_GROUP_EGRESS = SERVICE.changes("RevokeSecurityGroupEgress")
        .gone(&["InvalidSecurityGroupRuleId.NotFound"]);
    REVOKE_SECURITY_GROUP_INGRESS = SERVICE.changes("RevokeSecurityGroupIngress")
        .gone(&["InvalidSecurityGroupRuleId.NotFound"]);
    UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_EGRESS = SERVICE
        .changes("UpdateSecurityGroupRuleDescriptionsEgress")
        .gone(&["InvalidGroup.NotFound"]);
    UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_INGRESS = SERVICE
        .changes("UpdateSecurityGroupRuleDescriptionsIngress")
        .gone(&["InvalidGroup.NotFound"]);
}
