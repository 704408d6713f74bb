//! Records of who sent what to whom in the network.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Address, Part, Ref, Text, principal};
use deployer_kinds::{FlowLog, FlowLogSpec, LogGroup, LogGroupSpec, Role, RoleSpec, Statement};

use super::body::Network;
use crate::draft::{Draft, Origin};

/// What all of it is called.
const NAME: &str = "network-flows";

/// What the service that writes them takes (VPC user guide, "IAM role for publishing flow logs to
/// CloudWatch Logs").
const WRITE: [&str; 4] = [
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
];

/// The most seconds that a record is about: AWS's own choice.
const INTERVAL: u32 = 600;

pub(super) fn expand(draft: &mut Draft, network: &Network) {
    let Some(keep) = network.flow_logs else { return };
    let origin = Origin::new(&["network"], &[("retention-days", "flow-logs"), ("", "flow-logs")]);
    draft.make::<LogGroup>(NAME, &LogGroupSpec { retention_days: keep.0 }, origin.clone());
    let group = Text::from_parts([
        Part::Output { address: Address::new("log-group", NAME), field: "arn".to_owned() },
        Part::Literal(":*".to_owned()),
    ]);
    let statement = Statement::allow(&WRITE, [group]);
    let role = RoleSpec {
        services: [principal("vpc-flow-logs")].into(),
        // It says for which account it writes (the same page).
        own_account_only: true,
        conditions: BTreeMap::new(),
        inline: [("write".to_owned(), vec![statement])].into(),
        managed: BTreeSet::new(),
        boundary: None,
        path: "/".to_owned(),
    };
    draft.make::<Role>(NAME, &role, origin.clone());
    let spec = FlowLogSpec {
        vpc: Ref::named("main"),
        log_group: Ref::named(NAME),
        role: Ref::named(NAME),
        interval: INTERVAL,
    };
    draft.make::<FlowLog>("main", &spec, origin);
}
