//! Where a service's tasks are registered, and between which groups ECS shifts requests.

use std::collections::BTreeSet;
use std::iter;

use deployer_core::Ref;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ListenerRule, Role, TargetGroup};

/// A target group that tasks are registered in, and by which of their ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServiceTarget {
    /// The target group.
    pub group: Ref<TargetGroup>,
    /// The container that listens.
    pub container: String,
    /// The port it listens on.
    pub port: u16,
    /// What ECS needs for shifting requests, with any strategy but `rolling`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<Shift>,
}

/// What ECS needs for shifting requests between two target groups. Which of the two serves changes
/// with each deployment, and is no difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shift {
    /// The other target group, which the tasks of the next deployment are registered in.
    pub alternate: Ref<TargetGroup>,
    /// The rule that shifts requests between the two.
    pub rule: Ref<ListenerRule>,
    /// The rule that leads the requests of tests to new tasks, before the other one leads anybody's
    /// there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_rule: Option<Ref<ListenerRule>>,
    /// The role in which ECS changes it.
    pub role: Ref<Role>,
}

impl ServiceTarget {
    /// The groups that its tasks are registered in, in turn.
    pub fn groups(&self) -> impl Iterator<Item = &Ref<TargetGroup>> {
        let alternate = self.shift.as_ref().map(|shift| &shift.alternate);
        iter::once(&self.group).chain(alternate)
    }

    /// Whether it is the same pair of groups, in whichever order, or the same single one.
    fn is_of(&self, other: &Self) -> bool {
        let groups = |it: &Self| it.groups().cloned().collect::<BTreeSet<_>>();
        groups(self) == groups(other)
    }

    /// The same with its groups in the order of their names.
    fn sorted(&self) -> Self {
        match &self.shift {
            Some(shift) if shift.alternate < self.group => self.swapped(shift),
            _ => self.clone(),
        }
    }

    /// Whether it is among others, whichever group of a pair serves.
    fn is_among(&self, others: &ServiceTargets) -> bool {
        others.iter().any(|other| other.sorted() == self.sorted())
    }

    /// The same with its groups in the order in which they are among others.
    fn ordered_as(&self, others: &ServiceTargets) -> Self {
        let is_swapped =
            |shift: &&Shift| others.iter().any(|it| it.is_of(self) && it.group == shift.alternate);
        self.shift.as_ref().filter(is_swapped).map_or_else(|| self.clone(), |it| self.swapped(it))
    }

    fn swapped(&self, shift: &Shift) -> Self {
        let shift = Shift { alternate: self.group.clone(), ..shift.clone() };
        let group = self.shift.as_ref().map_or(&self.group, |shift| &shift.alternate);
        Self { group: group.clone(), shift: Some(shift), ..self.clone() }
    }
}

/// All that a service's tasks are registered in.
pub type ServiceTargets = BTreeSet<ServiceTarget>;

/// Whether targets are what is wanted, whichever group of a pair serves. Between the halves of a change
/// they are what [`change_of_targets`] makes of them; `shifts` says whether requests are shifted now,
/// when what comes is not there yet.
pub(crate) fn are_alike(live: &ServiceTargets, wanted: &ServiceTargets, shifts: bool) -> bool {
    let sorted =
        |it: &ServiceTargets| -> ServiceTargets { it.iter().map(ServiceTarget::sorted).collect() };
    let (live, wanted) = (&as_before(live, wanted), &as_after(live, wanted));
    let is = |other: &ServiceTargets| sorted(live) == sorted(other);
    is(wanted)
        || is_half(wanted)
            && (!shifts && is(&whole(wanted, |_| true)) || is(&whole(wanted, |_| false)))
}

/// Whether these are the targets between the halves of a change: a pair stands beside one of its
/// groups.
pub(crate) fn is_half(targets: &ServiceTargets) -> bool {
    let is_single = |group: &Ref<TargetGroup>| {
        targets.iter().any(|it| it.shift.is_none() && it.group == *group)
    };
    let singles = |pair: &ServiceTarget| pair.groups().filter(|group| is_single(group)).count();
    targets.iter().any(|it| it.shift.is_some() && singles(it) == 1)
}

/// What a change of a service's targets goes from and to, each pair with the group first that serves.
///
/// Between the halves of a change a pair that comes, or goes, stands beside one of its groups: one
/// that comes is the pair then, and one that goes is both of its groups, so that requests find tasks
/// until they are led to the one that stays. A pair that is to be shifted otherwise, such as by another
/// rule, stands beside itself, and is what it is to be.
pub fn change_of_targets(
    live: &ServiceTargets,
    wanted: &ServiceTargets,
) -> (ServiceTargets, ServiceTargets) {
    let (live, wanted) = (&as_before(live, wanted), &as_after(live, wanted));
    let is_among = |targets: &ServiceTargets, pair: &ServiceTarget| {
        targets.iter().any(|it| it.shift.is_some() && it.is_of(pair))
    };
    let before = whole(live, |pair| is_among(wanted, pair));
    let after = whole(wanted, |pair| !is_among(live, pair));
    let after = after.iter().map(|target| target.ordered_as(&before)).collect();
    (before, after)
}

/// What there is, where that is what stands between the halves of a change: a pair is what is wanted
/// of it already.
fn as_before(live: &ServiceTargets, wanted: &ServiceTargets) -> ServiceTargets {
    once(live, |pair| pair.is_among(wanted))
}

/// What is wanted, also between the halves of a change: a pair is not what it was any more.
fn as_after(live: &ServiceTargets, wanted: &ServiceTargets) -> ServiceTargets {
    once(wanted, |pair| !pair.is_among(live))
}

/// The targets with each pair once: of those that differ in how requests are shifted, the one that
/// counts.
fn once(targets: &ServiceTargets, counts: impl Fn(&ServiceTarget) -> bool) -> ServiceTargets {
    let is_other = |pair: &ServiceTarget, other: &ServiceTarget| {
        other.shift.is_some() && other.is_of(pair) && other.sorted() != pair.sorted()
    };
    let is_twice = |pair: &ServiceTarget| {
        pair.shift.is_some() && targets.iter().any(|other| is_other(pair, other))
    };
    targets.iter().filter(|it| !is_twice(it) || counts(it)).cloned().collect()
}

/// The targets, none of them in one of the groups of another.
fn whole(targets: &ServiceTargets, comes: impl Fn(&ServiceTarget) -> bool) -> ServiceTargets {
    let single = |target: &ServiceTarget, group: &Ref<TargetGroup>| ServiceTarget {
        group: group.clone(),
        shift: None,
        ..target.clone()
    };
    let overlaps = |pair: &ServiceTarget| {
        let singles = targets.iter().filter(|it| it.shift.is_none());
        let mut groups = singles.map(|single| &single.group);
        pair.shift.is_some() && groups.any(|group| pair.groups().any(|it| it == group))
    };
    let (mixed, plain): (Vec<_>, Vec<_>) = targets.iter().partition(|it| overlaps(it));
    let (coming, going): (Vec<_>, Vec<_>) = mixed.into_iter().partition(|pair| comes(pair));
    let is_replaced = |target: &ServiceTarget| {
        coming.iter().any(|pair| pair.groups().any(|group| *group == target.group))
    };
    let plain = plain.into_iter().filter(|it| !is_replaced(it)).cloned();
    let both = going.iter().flat_map(|pair| pair.groups().map(|group| single(pair, group)));
    plain.chain(both).chain(coming.iter().map(|pair| (*pair).clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(group: &str) -> ServiceTarget {
        let group = Ref::physical(group);
        ServiceTarget { group, container: "web".to_owned(), port: 80, shift: None }
    }

    fn pair(group: &str, alternate: &str) -> ServiceTarget {
        let shift = Shift {
            alternate: Ref::physical(alternate),
            rule: Ref::physical("rule"),
            test_rule: None,
            role: Ref::physical("role"),
        };
        ServiceTarget { shift: Some(shift), ..single(group) }
    }

    #[test]
    fn which_group_of_a_pair_serves_is_no_difference() {
        let one = [pair("blue", "green"), single("other")].into();
        assert!(are_alike(&one, &[pair("green", "blue"), single("other")].into(), true));
        assert!(!are_alike(&one, &[pair("blue", "green")].into(), true));
        assert!(!are_alike(&one, &[single("blue"), single("other")].into(), true));
    }

    #[test]
    fn which_group_of_a_pair_serves_stays_as_it_is() {
        let live = [pair("green", "blue")].into();
        let (before, after) = change_of_targets(&live, &[pair("blue", "green")].into());
        assert_eq!((&before, &after), (&live, &live));
        let two = [pair("green", "blue"), single("other")].into();
        let half = [pair("blue", "green"), pair("green", "blue"), single("other")].into();
        assert_eq!(change_of_targets(&live, &half), (live, two));
    }

    #[test]
    fn a_pair_that_is_shifted_otherwise_is_what_it_is_to_be() {
        let tested = |pair: ServiceTarget| {
            let test_rule = Some(Ref::physical("test"));
            let shift = pair.shift.clone().map(|shift| Shift { test_rule, ..shift });
            ServiceTarget { shift, ..pair }
        };
        let live: ServiceTargets = [pair("green", "blue")].into();
        let wanted: ServiceTargets = [tested(pair("blue", "green"))].into();
        let half: ServiceTargets = live.union(&wanted).cloned().collect();
        assert!(!are_alike(&live, &half, true), "one step changes it");
        assert!(are_alike(&half, &wanted, true), "and nothing is left to do");
        let after: ServiceTargets = [tested(pair("green", "blue"))].into();
        assert_eq!(change_of_targets(&live, &half), (live.clone(), after.clone()));
        assert_eq!(change_of_targets(&live, &wanted), (live, after));
    }

    #[test]
    fn a_pair_that_comes_takes_the_place_of_the_group_that_serves() {
        let (live, wanted) = ([single("blue")].into(), [pair("blue", "green")].into());
        let half = [single("blue"), pair("blue", "green")].into();
        assert_eq!(change_of_targets(&live, &half).1, wanted);
        assert!(!are_alike(&live, &half, false));
        assert!(are_alike(&wanted, &half, false), "the first half is made");
        let (before, after) = change_of_targets(&half, &wanted);
        assert_eq!(before, after, "nothing is left to do");
    }

    #[test]
    fn a_pair_that_goes_serves_in_both_groups_until_requests_are_led_to_one() {
        let (live, wanted) = ([pair("green", "blue")].into(), [single("blue")].into());
        let half = [pair("green", "blue"), single("blue")].into();
        let both: ServiceTargets = [single("blue"), single("green")].into();
        assert_eq!(change_of_targets(&live, &half).1, both);
        assert!(!are_alike(&live, &half, true));
        assert!(are_alike(&both, &half, false), "the first half is made");
        let back = [single("blue"), single("green"), pair("blue", "green")].into();
        assert!(!are_alike(&both, &back, false), "a pair is to come again");
        assert_eq!(change_of_targets(&half, &wanted), (both, wanted));
    }
}
