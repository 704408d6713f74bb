//! A virtual private cloud: the network everything else is in.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use deployer_core::{Action, Change, Grant, Impact, Kind, Opaque, Problem, Time, Typical};
use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Cidr, lingering};

/// How many ranges a VPC has beside its first one ("Amazon VPC quotas" in the VPC user guide).
const MOST_BESIDE: usize = 4;

/// What networks may have for themselves (RFC 1918).
const PRIVATE: [Ipv4Net; 3] = [range(10, 0, 8), TWENTY, range(192, 168, 16)];
const TWENTY: Ipv4Net = range(172, 16, 12);

/// What is added to no VPC, and what to none that begins in 172.16.0.0/12: AWS has it in every
/// default VPC.
const NEVER: Ipv4Net = range(198, 19, 16);
const OF_DEFAULTS: Ipv4Net = range(172, 31, 16);

/// The second is not added where a VPC has a part of the first.
const LOW: Ipv4Net = range(10, 0, 15);
const LOWEST: Ipv4Net = range(10, 0, 16);

const fn range(first: u8, second: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(first, second, 0, 0), length)
}

/// A virtual private cloud.
pub struct Vpc;

impl Kind for Vpc {
    const NAME: &'static str = "vpc";
    const CHANGES: &'static [(&'static str, Change)] = &[
        (
            "cidr",
            Change::Never(
                "everything in a VPC is bound to it: bring the stack up under another name or \
                 environment with the new range, move over, and destroy this one",
            ),
        ),
        // Subnets come after their range, and one is taken away after its subnets.
        ("secondary-cidrs", Change::InPlace(Impact::None)),
        ("dns-hostnames", Change::InPlace(Impact::None)),
    ];
    const GRANTS: &'static [Grant] = &[Grant { most: MOST_BESIDE, ..Grant::of("secondary-cidrs") }];
    const REFUSED_WHILE_USED: bool = true;
    // Nothing is in it any more, or it could not be deleted.
    const DELETION: Impact = Impact::None;
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    type Spec = VpcSpec;
    type Output = VpcOutput;

    fn time(action: Action, _live: Option<&VpcSpec>, _wanted: Option<&VpcSpec>) -> Time {
        lingering::time(Self::TYPICAL, action)
    }

    fn check(spec: &VpcSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(wrong_size("cidr", spec.cidr));
        let mut before = vec![spec.cidr];
        for (index, range) in spec.secondary_cidrs.iter().enumerate() {
            let at = format!("secondary-cidrs.{index}");
            problems.extend(wrong_size(&at, *range));
            if let Some(other) = before.iter().find(|other| other.overlaps(*range)) {
                let message = format!("`{range}` and `{other}` share addresses");
                problems.push(Problem::new(at, message, "use a range of its own"));
            } else if let Some(problem) = restricted(at, &before, *range) {
                problems.push(problem);
            }
            before.push(*range);
        }
        if spec.secondary_cidrs.len() > MOST_BESIDE {
            let count = spec.secondary_cidrs.len();
            let message = format!("{count} more ranges are too many");
            let help = format!("a VPC takes {MOST_BESIDE} beside its first one");
            problems.push(Problem::new("secondary-cidrs", message, help));
        }
        problems
    }
}

/// What AWS takes no range of (EC2 API reference, `CreateVpc` and `AssociateVpcCidrBlock`).
fn wrong_size(at: &str, range: Cidr) -> Option<Problem> {
    if (16..=28).contains(&range.0.prefix_len()) {
        return None;
    }
    let message = format!("`{range}` is not a valid size for a VPC");
    Some(Problem::new(at, message, "expected a prefix from /16 to /28"))
}

/// Whether a range goes with those that are there, the first of which decides ("IPv4 CIDR block
/// association restrictions" in the VPC user guide).
fn restricted(at: String, there: &[Cidr], range: Cidr) -> Option<Problem> {
    let first = *there.first()?;
    let of = |range: Cidr| PRIVATE.into_iter().find(|private| private.contains(&range.0));
    let clashes = |with: Ipv4Net| range.overlaps(Cidr(with));
    let is_low = there.iter().any(|it| it.overlaps(Cidr(LOW)));
    let refused = match (of(first), of(range)) {
        (first, Some(other)) if first != Some(other) => other,
        _ if clashes(NEVER) => NEVER,
        (Some(TWENTY), _) if clashes(OF_DEFAULTS) => OF_DEFAULTS,
        _ if is_low && clashes(LOWEST) => LOWEST,
        _ => return None,
    };
    let message = format!("`{range}` does not go with `{first}`: AWS adds none of {refused}");
    let help = match of(first) {
        Some(own) => format!("use another part of {own}, or one of 100.64.0.0/10"),
        None => "use a part of 100.64.0.0/10".to_owned(),
    };
    Some(Problem::new(at, message, help))
}

/// What we want of a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VpcSpec {
    /// The private addresses of the network, from /16 to /28.
    pub cidr: Cidr,
    /// Further ranges, four at most. A private range takes only others of the same one of RFC 1918,
    /// and parts of 100.64.0.0/10.
    #[serde(default)]
    pub secondary_cidrs: BTreeSet<Cidr>,
    /// Whether instances with public addresses get public host names.
    #[serde(default = "yes")]
    pub dns_hostnames: Opaque<bool>,
}

/// What AWS returns for a VPC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VpcOutput {
    /// The identifier, `vpc-…`.
    pub id: String,
}

fn yes() -> Opaque<bool> {
    true.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(first: &str, others: &[&str]) -> Vec<String> {
        let range = |text: &str| text.parse::<Cidr>().expect("a range");
        let spec = VpcSpec {
            cidr: range(first),
            secondary_cidrs: others.iter().map(|other| range(other)).collect(),
            dns_hostnames: true.into(),
        };
        Vpc::check(&spec).into_iter().map(|problem| problem.path).collect()
    }

    #[test]
    fn ranges_go_together_as_aws_takes_them() {
        let wrong = ["secondary-cidrs.0"];
        for (first, other, is_right) in [
            ("10.20.0.0/16", "10.21.0.0/16", true),
            ("10.20.0.0/16", "100.64.0.0/16", true),
            ("10.20.0.0/16", "10.20.4.0/24", false),
            ("10.20.0.0/16", "192.168.0.0/16", false),
            ("10.20.0.0/16", "198.19.0.0/24", false),
            ("10.1.0.0/16", "10.0.4.0/24", false),
            ("10.0.0.0/16", "10.1.0.0/16", true),
            ("172.16.0.0/16", "172.31.0.0/24", false),
            ("172.16.0.0/16", "172.17.0.0/24", true),
            ("100.64.0.0/16", "10.0.0.0/16", false),
            ("10.20.0.0/16", "10.24.0.0/14", false),
        ] {
            let expected: &[&str] = if is_right { &[] } else { &wrong };
            assert_eq!(problems(first, &[other]), expected, "{first} and {other}");
        }
    }

    #[test]
    fn there_are_five_at_most() {
        let four = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16"];
        assert!(problems("10.9.0.0/16", &four).is_empty());
        let five = [&four[..], &["10.5.0.0/16"]].concat();
        assert_eq!(problems("10.9.0.0/16", &five), ["secondary-cidrs"]);
    }
}
