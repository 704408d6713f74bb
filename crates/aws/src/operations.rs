//! The list of everything that AWS is asked to do.

use deployer_engine::Operation;

use crate::{
    acm, autoscaling, cloud_map, cloudwatch, ec2, ecr, ecs, elb, iam, logs, rds, route53,
    scheduler, secrets, service_quotas, sns, sqs, ssm, step_functions, sts, tagging, wafv2,
};

/// Every operation of every service.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    let services = [
        acm::ALL,
        autoscaling::ALL,
        cloud_map::ALL,
        cloudwatch::ALL,
        ec2::ALL,
        ecr::ALL,
        ecs::ALL,
        elb::ALL,
        iam::ALL,
        logs::ALL,
        rds::ALL,
        route53::ALL,
        scheduler::ALL,
        secrets::ALL,
        service_quotas::ALL,
        sns::ALL,
        sqs::ALL,
        ssm::ALL,
        step_functions::ALL,
        sts::ALL,
        tagging::ALL,
        wafv2::ALL,
    ];
    services.into_iter().flatten().copied()
}
