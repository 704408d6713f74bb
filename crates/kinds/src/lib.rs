//! What each AWS resource kind is: its spec, its output and what a change in each field leads to.
//!
//! One file a kind, all with the same sections: the unit struct, its `Kind`, its `Spec`, the types
//! of its fields, its `Output`, tests. No SDK and no I/O.

mod action;
mod alarm;
mod certificate;
mod cluster;
mod composite_alarm;
mod connect;
mod container;
mod dashboard;
mod db_engine;
mod db_instance;
mod db_names;
mod db_parameter_group;
mod db_replica;
mod db_subnet_group;
mod domain;
mod elastic_ip;
mod flow_log;
mod gateway_endpoint;
mod image;
mod interface_endpoint;
mod internet_gateway;
mod ip_range;
mod job;
mod lingering;
mod list;
mod listener;
mod listener_certificate;
mod listener_rule;
mod load_balancer;
mod log_group;
mod named_port;
mod namespace;
mod nat_gateway;
mod network_acl;
mod queue;
mod record;
mod release;
mod repository;
mod role;
mod rollout;
mod route_table;
mod scalable_target;
mod schedule;
mod schedule_expression;
mod secret;
mod security_group;
mod service;
mod service_target;
mod state_machine;
mod subnet;
mod target_group;
mod task_definition;
mod topic;
mod validation_record;
mod vpc;

pub use action::{Action, Pair, Redirect, Reserves, Respond, Share};
pub use alarm::{Alarm, AlarmOutput, AlarmSpec, Comparison, Missing};
pub use certificate::{Certificate, CertificateKey, CertificateOutput, CertificateSpec};
pub use cluster::{CapacityProvider, Cluster, ClusterOutput, ClusterSpec, Insights};
pub use composite_alarm::{
    CompositeAlarm, CompositeAlarmOutput, CompositeAlarmSpec, CompositeRule,
};
pub use connect::{Connect, Endpoint};
pub use container::{
    Condition, Container, ContainerHealth, Firelens, Log, Mount, RoutedLog, Router, Volume,
};
pub use dashboard::{Dashboard, DashboardOutput, DashboardSpec};
pub use db_engine::{Engine, is_one_of};
pub use db_instance::{
    DbInstance, DbInstanceOutput, DbInstanceSpec, ParameterGroup, Password, leaves_snapshot,
};
pub use db_parameter_group::{
    DbParameterGroup, DbParameterGroupOutput, DbParameterGroupSpec, is_same_value,
};
pub use db_replica::{DbReplica, DbReplicaOutput, DbReplicaSpec};
pub use db_subnet_group::{DbSubnetGroup, DbSubnetGroupOutput, DbSubnetGroupSpec};
pub use domain::plain_name;
pub use elastic_ip::{ElasticIp, ElasticIpOutput, ElasticIpSpec};
pub use flow_log::{FlowLog, FlowLogOutput, FlowLogSpec};
pub use gateway_endpoint::{GatewayEndpoint, GatewayEndpointSpec, GatewayService};
pub use image::{Build, Dockerfile, Image, ImageOutput, ImageSpec};
pub use interface_endpoint::{EndpointOutput, InterfaceEndpoint, InterfaceEndpointSpec};
pub use internet_gateway::{InternetGateway, InternetGatewayOutput, InternetGatewaySpec};
pub use ip_range::{Cidr, IpRange};
pub use job::{Job, JobOutput, JobSpec};
pub use list::all;
pub use listener::{Listener, ListenerOutput, ListenerProtocol, ListenerSpec};
pub use listener_certificate::{
    ListenerCertificate, ListenerCertificateOutput, ListenerCertificateSpec,
};
pub use listener_rule::{ListenerRule, ListenerRuleOutput, ListenerRuleSpec, Patterns};
pub use load_balancer::{
    BalancerType, LoadBalancer, LoadBalancerOutput, LoadBalancerSpec, StaticAddress,
};
pub use log_group::{LogGroup, LogGroupOutput, LogGroupSpec};
pub use named_port::{AppProtocol, NamedPort};
pub use namespace::{Namespace, NamespaceOutput, NamespaceSpec};
pub use nat_gateway::{NatGateway, NatGatewayOutput, NatGatewaySpec};
pub use network_acl::{AclAction, AclRule, NetworkAcl, NetworkAclOutput, NetworkAclSpec};
pub use queue::{DeadLetters, Queue, QueueEncryption, QueueOutput, QueueSpec, RedriveAllow};
pub use record::{Alias, Failover, Record, RecordOutput, RecordSpec, RecordType};
pub use release::{ReleaseChange, release_changes};
pub use repository::{Repository, RepositoryOutput, RepositorySpec};
pub use role::{
    Conditions, Effect, Role, RoleOutput, RoleSpec, Statement, is_boundary, is_role_path,
};
pub use rollout::{BlueGreen, Pause, Stage, Steps, Strategy};
pub use route_table::{RouteTable, RouteTableOutput, RouteTableSpec, RouteTarget};
pub use scalable_target::{
    Backlog, RequestsTo, ScalableTarget, ScalableTargetOutput, ScalableTargetSpec, ScalingMetric,
    ScalingPolicy, ScalingSchedule,
};
pub use schedule::{Schedule, ScheduleOutput, ScheduleSpec};
pub use secret::{Characters, Secret, SecretOutput, SecretSpec};
pub use security_group::{
    Egress, Ingress, Peer, Ports, Protocol, SecurityGroup, SecurityGroupOutput, SecurityGroupSpec,
};
pub use service::{Capacity, CircuitBreaker, Service, ServiceOutput, ServiceSpec};
pub use service_target::{ServiceTarget, ServiceTargets, Shift, change_of_targets};
pub use state_machine::{StateMachine, StateMachineOutput, StateMachineSpec};
pub use subnet::{Subnet, SubnetOutput, SubnetSpec};
pub use target_group::{
    CheckProtocol, HealthCheck, TargetGroup, TargetGroupOutput, TargetGroupSpec, TargetProtocol,
    TargetVersion,
};
pub use task_definition::{Architecture, TaskDefinition, TaskDefinitionOutput, TaskDefinitionSpec};
pub use topic::{Topic, TopicOutput, TopicSpec};
pub use validation_record::{ValidationRecord, ValidationRecordOutput, ValidationRecordSpec};
pub use vpc::{Vpc, VpcOutput, VpcSpec};
