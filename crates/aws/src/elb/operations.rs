//! What Elastic Load Balancing is asked to do, and what its codes mean. Beside an operation stands also
//! what it asks of EC2 under the name of whoever calls ("Elastic Load Balancing API permissions" in its
//! user guide).

use deployer_core::Cause;
use deployer_engine::{Code, Operation, Reach, Service};

use crate::send::operations;

/// Elastic Load Balancing. It takes 40 calls that only read at once, and fewer that change
/// something ("Request throttling for the Elastic Load Balancing API" in its user guide); that the
/// bucket fills by 10 a second is an assumption.
pub(crate) static SERVICE: Service = Service {
    name: "elasticloadbalancing",
    burst: 40,
    per_second: 10,
    codes: &[Code::new("ResourceInUse", Cause::Busy)],
};

/// Names of load balancers and target groups are short, and those of several environments may begin
/// alike where they are cut: so what is there must also carry the tags.
const TAGGED: &[Reach] = &[
    Reach::Owned("listener-rule/app/{short}*"),
    Reach::Owned("listener/app/{short}*"),
    Reach::Owned("listener/net/{short}*"),
    Reach::Owned("loadbalancer/app/{short}*"),
    Reach::Owned("loadbalancer/net/{short}*"),
    Reach::Owned("targetgroup/{short}*"),
];

const BALANCER: &[Reach] =
    &[Reach::Owned("loadbalancer/app/{short}*"), Reach::Owned("loadbalancer/net/{short}*")];
const LISTENER: &[Reach] =
    &[Reach::Owned("listener/app/{short}*"), Reach::Owned("listener/net/{short}*")];
const RULED: &[Reach] = &[Reach::Owned("listener/app/{short}*")];
const RULE: &[Reach] = &[Reach::Owned("listener-rule/app/{short}*")];
const TARGETS: &[Reach] = &[Reach::Owned("targetgroup/{short}*")];

operations! {
    ADD_LISTENER_CERTIFICATES = SERVICE.changes("AddListenerCertificates")
        .on(LISTENER)
        .gone(&["ListenerNotFound"]);
    ADD_TAGS = SERVICE.changes("AddTags")
        .on(TAGGED)
        .gone(&[
            "ListenerNotFound",
            "LoadBalancerNotFound",
            "RuleNotFound",
            "TargetGroupNotFound",
        ]);
    CREATE_LISTENER = SERVICE.changes("CreateListener")
        .on(BALANCER)
        .also(&["elasticloadbalancing:AddTags"]);
    /// What EC2 has just made, and shows to us already, ELB may not see yet: security groups (aws-
    /// load-balancer-controller#2371), and the internet gateway of a subnet's VPC
    /// (openshift/installer#1110: "InvalidSubnet: VPC … has no internet gateway").
    CREATE_LOAD_BALANCER = SERVICE.changes("CreateLoadBalancer")
        .on(&[Reach::Named("loadbalancer/app/{short}*"), Reach::Named("loadbalancer/net/{short}*")])
        .also(&[
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAddresses",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "elasticloadbalancing:AddTags",
        ])
        .codes(&[
            Code::new("InvalidSecurityGroup", Cause::Missing),
            Code::new("InvalidSubnet", Cause::Missing),
        ]);
    CREATE_RULE = SERVICE.changes("CreateRule")
        .on(RULED)
        .also(&["elasticloadbalancing:AddTags"])
        .codes(&[Code::new("PriorityInUse", Cause::Taken)]);
    /// ELB has no code for a VPC that it does not see (terraform-aws-alb#294).
    CREATE_TARGET_GROUP = SERVICE.changes("CreateTargetGroup")
        .on(&[Reach::Named("targetgroup/{short}*")])
        .also(&[
            "ec2:DescribeInternetGateways",
            "ec2:DescribeVpcs",
            "elasticloadbalancing:AddTags",
        ])
        .codes(&[Code::new("ValidationError", Cause::Missing).saying("is not found")]);
    DELETE_LISTENER = SERVICE.changes("DeleteListener").on(LISTENER).gone(&["ListenerNotFound"]);
    DELETE_LOAD_BALANCER = SERVICE.changes("DeleteLoadBalancer")
        .on(BALANCER)
        .gone(&["LoadBalancerNotFound"]);
    /// A rule goes with its listener.
    DELETE_RULE = SERVICE.changes("DeleteRule")
        .on(RULE)
        .gone(&["RuleNotFound", "ListenerNotFound"]);
    DELETE_TARGET_GROUP = SERVICE.changes("DeleteTargetGroup")
        .on(TARGETS)
        .gone(&["TargetGroupNotFound"]);
    DESCRIBE_LISTENER_CERTIFICATES = SERVICE.reads("DescribeListenerCertificates")
        .gone(&["ListenerNotFound"]);
    /// What is looked for is a listener, or those of a load balancer.
    DESCRIBE_LISTENERS = SERVICE.reads("DescribeListeners")
        .gone(&["ListenerNotFound", "LoadBalancerNotFound"]);
    DESCRIBE_LOAD_BALANCER_ATTRIBUTES = SERVICE.reads("DescribeLoadBalancerAttributes")
        .gone(&["LoadBalancerNotFound"]);
    DESCRIBE_LOAD_BALANCERS = SERVICE.reads("DescribeLoadBalancers")
        .gone(&["LoadBalancerNotFound"]);
    /// What is looked for is a rule, or those of a listener.
    DESCRIBE_RULES = SERVICE.reads("DescribeRules").gone(&["RuleNotFound", "ListenerNotFound"]);
    DESCRIBE_TAGS = SERVICE.reads("DescribeTags")
        .gone(&[
            "ListenerNotFound",
            "LoadBalancerNotFound",
            "RuleNotFound",
            "TargetGroupNotFound",
        ]);
    DESCRIBE_TARGET_GROUP_ATTRIBUTES = SERVICE.reads("DescribeTargetGroupAttributes")
        .gone(&["TargetGroupNotFound"]);
    DESCRIBE_TARGET_GROUPS = SERVICE.reads("DescribeTargetGroups").gone(&["TargetGroupNotFound"]);
    DESCRIBE_TARGET_HEALTH = SERVICE.reads("DescribeTargetHealth").gone(&["TargetGroupNotFound"]);
    MODIFY_LISTENER = SERVICE.changes("ModifyListener").on(LISTENER).gone(&["ListenerNotFound"]);
    MODIFY_LOAD_BALANCER_ATTRIBUTES = SERVICE.changes("ModifyLoadBalancerAttributes")
        .on(BALANCER)
        .gone(&["LoadBalancerNotFound"]);
    MODIFY_RULE = SERVICE.changes("ModifyRule").on(RULE).gone(&["RuleNotFound"]);
    MODIFY_TARGET_GROUP = SERVICE.changes("ModifyTargetGroup")
        .on(TARGETS)
        .gone(&["TargetGroupNotFound"]);
    MODIFY_TARGET_GROUP_ATTRIBUTES = SERVICE.changes("ModifyTargetGroupAttributes")
        .on(TARGETS)
        .gone(&["TargetGroupNotFound"]);
    REMOVE_LISTENER_CERTIFICATES = SERVICE.changes("RemoveListenerCertificates")
        .on(LISTENER)
        .gone(&["ListenerNotFound"]);
    REMOVE_TAGS = SERVICE.changes("RemoveTags")
        .on(TAGGED)
        .gone(&[
            "ListenerNotFound",
            "LoadBalancerNotFound",
            "RuleNotFound",
            "TargetGroupNotFound",
        ]);
    SET_RULE_PRIORITIES = SERVICE.changes("SetRulePriorities")
        .on(RULE)
        .gone(&["RuleNotFound"])
        .codes(&[Code::new("PriorityInUse", Cause::Taken)]);
    /// As for CreateLoadBalancer.
    SET_SECURITY_GROUPS = SERVICE.changes("SetSecurityGroups")
        .on(BALANCER)
        .gone(&["LoadBalancerNotFound"])
        .codes(&[Code::new("InvalidSecurityGroup", Cause::Missing)]);
    /// As for CreateLoadBalancer.
    SET_SUBNETS = SERVICE.changes("SetSubnets")
        .on(BALANCER)
        .gone(&["LoadBalancerNotFound"])
        .codes(&[Code::new("InvalidSubnet", Cause::Missing)]);
}
