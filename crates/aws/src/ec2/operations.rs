//! What EC2 is asked to do, and what its codes mean.

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

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

/// Rules have tags of their own, but for those that a group is made with.
const RULES: &[Reach] = &[Reach::Tagged, Reach::Named("security-group-rule/*")];

/// A rule that is made, in a group of ours.
const RULE: &[Reach] = &[Reach::Tagged, Reach::Made("security-group-rule/*")];

/// What only connects two things: the one is ours, the other may be somebody else's.
const BETWEEN: &[Reach] = &[Reach::Parent];

const TAGGED: &[Reach] = &[Reach::Tagged];

operations! {
    ALLOCATE_ADDRESS = SERVICE.changes("AllocateAddress")
        .on(&[Reach::Made("elastic-ip/*")])
        .also(&["ec2:CreateTags"]);
    ASSOCIATE_ROUTE_TABLE = SERVICE.changes("AssociateRouteTable")
        .on(BETWEEN)
        .gone(&["InvalidRouteTableID.NotFound"]);
    ASSOCIATE_VPC_CIDR_BLOCK = SERVICE.changes("AssociateVpcCidrBlock")
        .on(TAGGED)
        .gone(&["InvalidVpcID.NotFound"]);
    ATTACH_INTERNET_GATEWAY = SERVICE.changes("AttachInternetGateway")
        .on(BETWEEN)
        .gone(&["InvalidInternetGatewayID.NotFound"]);
    AUTHORIZE_SECURITY_GROUP_EGRESS = SERVICE.changes("AuthorizeSecurityGroupEgress")
        .on(RULE)
        .also(&["ec2:CreateTags"])
        .gone(&["InvalidGroup.NotFound"]);
    AUTHORIZE_SECURITY_GROUP_INGRESS = SERVICE.changes("AuthorizeSecurityGroupIngress")
        .on(RULE)
        .also(&["ec2:CreateTags"])
        .gone(&["InvalidGroup.NotFound"]);
    /// The role may be too young to be taken (terraform-aws-vpc#1262 for its words).
    CREATE_FLOW_LOGS = SERVICE.changes("CreateFlowLogs")
        .on(&[Reach::Made("vpc-flow-log/*"), Reach::Parent])
        .also(&["ec2:CreateTags", "iam:PassRole"])
        .codes(&[
            Code::new("InvalidParameter", Cause::NotYet).saying("assume given IAM role"),
            Code::new("FlowLogAlreadyExists", Cause::Taken),
        ]);
    CREATE_INTERNET_GATEWAY = SERVICE.changes("CreateInternetGateway")
        .on(&[Reach::Made("internet-gateway/*")])
        .also(&["ec2:CreateTags"]);
    /// The address was released by another gateway a moment ago (seen of DescribeNatGateways in
    /// terraform-provider-aws#709).
    CREATE_NAT_GATEWAY = SERVICE.changes("CreateNatGateway")
        .on(&[Reach::Made("natgateway/*"), Reach::Parent])
        .also(&["ec2:CreateTags"])
        .codes(&[Code::new("Resource.AlreadyAssociated", Cause::Busy)]);
    CREATE_NETWORK_ACL = SERVICE.changes("CreateNetworkAcl")
        .on(&[Reach::Made("network-acl/*"), Reach::Parent])
        .also(&["ec2:CreateTags"]);
    CREATE_NETWORK_ACL_ENTRY = SERVICE.changes("CreateNetworkAclEntry")
        .on(TAGGED)
        .gone(&["InvalidNetworkAclID.NotFound"])
        .codes(&[Code::new("NetworkAclEntryAlreadyExists", Cause::Taken)]);
    /// A gateway whose attachment is not visible yet is of no network (giantswarm/aws-operator#634:
    /// "route table … and network gateway … belong to different networks").
    CREATE_ROUTE = SERVICE.changes("CreateRoute")
        .on(TAGGED)
        .gone(&["InvalidRouteTableID.NotFound"])
        .codes(&[
            Code::new("InvalidParameterValue", Cause::Missing)
                .saying("belong to different networks"),
        ]);
    CREATE_ROUTE_TABLE = SERVICE.changes("CreateRouteTable")
        .on(&[Reach::Made("route-table/*"), Reach::Parent])
        .also(&["ec2:CreateTags"]);
    CREATE_SECURITY_GROUP = SERVICE.changes("CreateSecurityGroup")
        .on(&[Reach::Made("security-group/*"), Reach::Parent])
        .also(&["ec2:CreateTags"]);
    CREATE_SUBNET = SERVICE.changes("CreateSubnet")
        .on(&[Reach::Made("subnet/*"), Reach::Parent])
        .also(&["ec2:CreateTags"])
        // The code stands in "Error codes" of the EC2 API reference, for a range that is none of the
        // VPC's; that it comes for one that has just been added is an assumption.
        .codes(&[Code::new("InvalidSubnet.Range", Cause::NotYet)]);
    CREATE_VPC_ENDPOINT = SERVICE.changes("CreateVpcEndpoint")
        .on(&[Reach::Made("vpc-endpoint/*"), Reach::Parent])
        .also(&["ec2:CreateTags", "route53:AssociateVPCWithHostedZone"])
        .codes(&[
            // Another one of the service is on its way out, or is somebody else's.
            Code::new("InvalidParameter", Cause::Taken).saying("conflicting DNS domain"),
            Code::new("RouteAlreadyExists", Cause::Taken),
        ]);
    CREATE_TAGS = SERVICE.changes("CreateTags").on(TAGGED);
    CREATE_VPC = SERVICE.changes("CreateVpc")
        .on(&[Reach::Made("vpc/*")])
        .also(&["ec2:CreateTags"]);
    DELETE_FLOW_LOGS = SERVICE.changes("DeleteFlowLogs")
        .on(TAGGED)
        .gone(&["InvalidFlowLogId.NotFound"]);
    DELETE_INTERNET_GATEWAY = SERVICE.changes("DeleteInternetGateway")
        .on(TAGGED)
        .gone(&["InvalidInternetGatewayID.NotFound"]);
    DELETE_NAT_GATEWAY = SERVICE.changes("DeleteNatGateway")
        .on(TAGGED)
        .gone(&["NatGatewayNotFound", "InvalidNatGatewayID.NotFound"]);
    DELETE_NETWORK_ACL = SERVICE.changes("DeleteNetworkAcl")
        .on(TAGGED)
        .gone(&["InvalidNetworkAclID.NotFound"]);
    DELETE_NETWORK_ACL_ENTRY = SERVICE.changes("DeleteNetworkAclEntry")
        .on(TAGGED)
        .gone(&["InvalidNetworkAclEntry.NotFound", "InvalidNetworkAclID.NotFound"]);
    DELETE_ROUTE = SERVICE.changes("DeleteRoute")
        .on(TAGGED)
        .gone(&["InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"]);
    DELETE_ROUTE_TABLE = SERVICE.changes("DeleteRouteTable")
        .on(TAGGED)
        .gone(&["InvalidRouteTableID.NotFound"]);
    /// Both codes say that something uses it; Terraform's AWS provider asks again on either
    /// (`internal/service/ec2/vpc_security_group.go`).
    DELETE_SECURITY_GROUP = SERVICE.changes("DeleteSecurityGroup")
        .on(TAGGED)
        .gone(&["InvalidGroup.NotFound"])
        .codes(&[Code::new("InvalidGroup.InUse", Cause::Busy)]);
    DELETE_SUBNET = SERVICE.changes("DeleteSubnet")
        .on(TAGGED)
        .gone(&["InvalidSubnetID.NotFound"]);
    DELETE_TAGS = SERVICE.changes("DeleteTags").on(TAGGED);
    DELETE_VPC = SERVICE.changes("DeleteVpc").on(TAGGED).gone(&["InvalidVpcID.NotFound"]);
    DELETE_VPC_ENDPOINTS = SERVICE.changes("DeleteVpcEndpoints")
        .on(TAGGED)
        .gone(&["InvalidVpcEndpoint.NotFound", "InvalidVpcEndpointId.NotFound"]);
    DESCRIBE_ADDRESSES = SERVICE.reads("DescribeAddresses");
    DESCRIBE_AVAILABILITY_ZONES = SERVICE.reads("DescribeAvailabilityZones");
    DESCRIBE_EGRESS_ONLY_INTERNET_GATEWAYS = SERVICE.reads("DescribeEgressOnlyInternetGateways");
    DESCRIBE_FLOW_LOGS = SERVICE.reads("DescribeFlowLogs");
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
        .on(BETWEEN)
        .gone(&[
            "Gateway.NotAttached",
            "InvalidInternetGatewayID.NotFound",
            "InvalidVpcID.NotFound",
        ]);
    DISASSOCIATE_ROUTE_TABLE = SERVICE.changes("DisassociateRouteTable")
        .on(BETWEEN)
        .gone(&["InvalidAssociationID.NotFound"]);
    /// The codes as Terraform's AWS provider has them (`internal/service/ec2/errors.go`, issue 29077).
    DISASSOCIATE_VPC_CIDR_BLOCK = SERVICE.changes("DisassociateVpcCidrBlock")
        .on(TAGGED)
        .codes(&[Code::new("InvalidCidrBlock.InUse", Cause::Busy)])
        .gone(&["InvalidVpcCidrBlockAssociationID.NotFound"]);
    MODIFY_SUBNET_ATTRIBUTE = SERVICE.changes("ModifySubnetAttribute")
        .on(TAGGED)
        .gone(&["InvalidSubnetID.NotFound"]);
    MODIFY_VPC_ATTRIBUTE = SERVICE.changes("ModifyVpcAttribute")
        .on(TAGGED)
        .gone(&["InvalidVpcID.NotFound"]);
    MODIFY_VPC_ENDPOINT = SERVICE.changes("ModifyVpcEndpoint")
        .on(BETWEEN)
        .gone(&["InvalidVpcEndpoint.NotFound", "InvalidVpcEndpointId.NotFound"]);
    /// For some seconds after its NAT gateway is `deleted` the address is still held: seen as
    /// AuthFailure (kops#938, sno-for-100#9) and as the gateway's interface that is not there
    /// (terraform-provider-aws#49299). The address itself is there, and costs money.
    RELEASE_ADDRESS = SERVICE.changes("ReleaseAddress")
        .on(TAGGED)
        .gone(&["InvalidAllocationID.NotFound"])
        .codes(&[
            Code::new("AuthFailure", Cause::Busy)
                .saying("do not have permission to access the specified resource"),
            Code::new("InvalidNetworkInterfaceID.NotFound", Cause::Busy),
        ]);
    /// As for CreateRoute.
    /// It takes the subnet away from the ACL that it has, which may be its network's own.
    REPLACE_NETWORK_ACL_ASSOCIATION = SERVICE.changes("ReplaceNetworkAclAssociation")
        .on(&[Reach::Parent, Reach::Named("network-acl/*")])
        .gone(&["InvalidAssociationID.NotFound"]);
    REPLACE_NETWORK_ACL_ENTRY = SERVICE.changes("ReplaceNetworkAclEntry")
        .on(TAGGED)
        .gone(&["InvalidNetworkAclEntry.NotFound", "InvalidNetworkAclID.NotFound"]);
    REPLACE_ROUTE = SERVICE.changes("ReplaceRoute")
        .on(TAGGED)
        .gone(&["InvalidRouteTableID.NotFound"])
        .codes(&[
            Code::new("InvalidParameterValue", Cause::Missing)
                .saying("belong to different networks"),
        ]);
    /// What it is about is the association. The table to move to has just been made or seen.
    REPLACE_ROUTE_TABLE_ASSOCIATION = SERVICE.changes("ReplaceRouteTableAssociation")
        .on(BETWEEN)
        .gone(&["InvalidAssociationID.NotFound"])
        .codes(&[Code::new("InvalidRouteTableID.NotFound", Cause::NotYet)]);
    REVOKE_SECURITY_GROUP_EGRESS = SERVICE.changes("RevokeSecurityGroupEgress")
        .on(RULES)
        .gone(&["InvalidSecurityGroupRuleId.NotFound"]);
    REVOKE_SECURITY_GROUP_INGRESS = SERVICE.changes("RevokeSecurityGroupIngress")
        .on(RULES)
        .gone(&["InvalidSecurityGroupRuleId.NotFound"]);
    UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_EGRESS = SERVICE
        .changes("UpdateSecurityGroupRuleDescriptionsEgress")
        .on(RULES)
        .gone(&["InvalidGroup.NotFound"]);
    UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_INGRESS = SERVICE
        .changes("UpdateSecurityGroupRuleDescriptionsIngress")
        .on(RULES)
        .gone(&["InvalidGroup.NotFound"]);
}
