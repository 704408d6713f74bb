//! Where something goes back to, by its rollouts.

use std::collections::BTreeSet;

use crate::{Rollout, RolloutState, Version};

/// What going back means.
#[derive(Clone, Debug, PartialEq)]
pub enum Back<'a> {
    /// A rollout is under way, and is stopped.
    Stop(&'a Rollout),
    /// One goes back already.
    Follow(&'a Rollout),
    /// To this version, which ran before.
    To(&'a Version),
    /// It has gone back already, to this one; nobody has rolled anything out since.
    Already(&'a Version),
    /// No version has run before this one.
    Nowhere,
    /// There was no such version; these have run.
    Unknown(BTreeSet<u32>),
    /// That version has never run.
    NeverRan(u32),
    /// The rollout of another version is under way.
    Busy(&'a Rollout),
}

/// Where something goes back to: to the version of this number, or else to the one that ran before.
/// Its rollouts come the newest first, and `versions` has what they rolled out, as far as the cloud
/// still has it.
///
/// What ran before is what the last rollout that succeeded has brought up before this one, rather
/// than the version with the number before: that may never have run. A version that somebody went
/// back to says so itself, so a second run of a command that was killed goes no further.
pub fn back<'a>(rollouts: &'a [Rollout], versions: &'a [Version], to: Option<u32>) -> Back<'a> {
    let of = |rollout: &Rollout| {
        let runs = rollout.to.as_ref()?.runs.as_deref()?;
        versions.iter().find(|version| version.id == runs)
    };
    let Some(newest) = rollouts.first() else { return Back::Nowhere };
    let current = of(newest);
    let again = current.and_then(|version| version.provenance.again);
    match newest.state {
        RolloutState::GoingBack => return Back::Follow(newest),
        RolloutState::Pending | RolloutState::UnderWay | RolloutState::Unknown => {
            return match (current, to) {
                // That is a rollback itself, whose command was killed.
                (Some(version), None) if again.is_some() => Back::Already(version),
                (Some(version), Some(to)) if again == Some(to) || version.number == to => {
                    Back::Already(version)
                }
                (_, Some(_)) => Back::Busy(newest),
                (_, None) if newest.from.is_empty() => Back::Nowhere,
                (_, None) => Back::Stop(newest),
            };
        }
        RolloutState::Succeeded
        | RolloutState::RolledBack
        | RolloutState::Stopped
        | RolloutState::Failed => {}
    }
    let ran = || rollouts.iter().filter(|it| it.state == RolloutState::Succeeded).filter_map(of);
    if let Some(to) = to {
        if let Some(version) = ran().find(|version| version.number == to) {
            return Back::To(version);
        }
        return if rollouts.iter().filter_map(of).any(|version| version.number == to) {
            Back::NeverRan(to)
        } else {
            Back::Unknown(ran().map(|version| version.number).collect())
        };
    }
    match (newest.state, current) {
        (RolloutState::Succeeded, Some(version)) if again.is_some() => Back::Already(version),
        (RolloutState::RolledBack, _) => match ran().next() {
            Some(version) => Back::Already(version),
            None => Back::Nowhere,
        },
        (_, current) => {
            let mut before = ran().filter(|it| current.is_none_or(|now| now.id != it.id));
            before.next().map_or(Back::Nowhere, Back::To)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use RolloutState::{Failed, GoingBack, RolledBack, Succeeded, UnderWay};
    use serde_json::Value;

    use super::*;
    use crate::{Provenance, Revision};

    fn rollout(state: RolloutState, to: u32) -> Rollout {
        let revision = |number: u32| Revision {
            id: format!("revision/{number}"),
            runs: Some(format!("web:{number}")),
            ..Revision::default()
        };
        Rollout {
            id: format!("rollout/{to}"),
            state,
            status: String::new(),
            reason: None,
            stage: None,
            from: if to > 1 { vec![revision(to - 1)] } else { vec![] },
            to: Some(revision(to)),
            back_to: None,
            bake: None,
            failures: None,
            alarms: BTreeMap::new(),
            holds: vec![],
            created: None,
            started: None,
            finished: None,
        }
    }

    /// What is said of rollouts, the newest first, of versions of which some are others again.
    fn said(states: &[(RolloutState, u32)], again: &[(u32, u32)], to: Option<u32>) -> String {
        let rollouts: Vec<_> = states.iter().map(|(state, to)| rollout(*state, *to)).collect();
        let numbers: BTreeSet<u32> = states.iter().map(|(_, number)| *number).collect();
        let version = |number: u32| Version {
            id: format!("web:{number}"),
            number,
            spec: Value::Null,
            provenance: Provenance {
                again: again.iter().find(|(this, _)| *this == number).map(|(_, that)| *that),
                ..Provenance::default()
            },
        };
        let versions: Vec<_> = numbers.into_iter().map(version).collect();
        match back(&rollouts, &versions, to) {
            Back::Stop(rollout) => format!("stop {}", rollout.id),
            Back::Follow(rollout) => format!("follow {}", rollout.id),
            Back::To(version) => format!("to {}", version.number),
            Back::Already(version) => format!("already {}", version.number),
            Back::Nowhere => "nowhere".to_owned(),
            Back::Unknown(known) => format!("unknown, of {known:?}"),
            Back::NeverRan(number) => format!("{number} never ran"),
            Back::Busy(rollout) => format!("busy with {}", rollout.id),
        }
    }

    #[test]
    fn it_goes_back_to_what_ran_before_and_not_to_what_was_only_tried() {
        assert_eq!(said(&[(Succeeded, 3), (RolledBack, 2), (Succeeded, 1)], &[], None), "to 1");
        // A restart rolls out the same version.
        assert_eq!(said(&[(Succeeded, 2), (Succeeded, 2), (Succeeded, 1)], &[], None), "to 1");
        assert_eq!(said(&[(Failed, 3), (Succeeded, 2), (Succeeded, 1)], &[], None), "to 2");
        assert_eq!(said(&[(Succeeded, 1)], &[], None), "nowhere");
        assert_eq!(said(&[], &[], None), "nowhere");
    }

    #[test]
    fn what_is_under_way_is_stopped_and_what_goes_back_is_followed() {
        assert_eq!(said(&[(UnderWay, 2), (Succeeded, 1)], &[], None), "stop rollout/2");
        assert_eq!(said(&[(GoingBack, 2), (Succeeded, 1)], &[], None), "follow rollout/2");
        assert_eq!(said(&[(UnderWay, 1)], &[], None), "nowhere");
        assert_eq!(said(&[(UnderWay, 2), (Succeeded, 1)], &[], Some(1)), "busy with rollout/2");
    }

    #[test]
    fn a_command_that_is_run_again_goes_no_further() {
        let done = [(Succeeded, 3), (Succeeded, 2), (Succeeded, 1)];
        assert_eq!(said(&done, &[(3, 1)], None), "already 3");
        let killed = [(UnderWay, 3), (Succeeded, 2), (Succeeded, 1)];
        assert_eq!(said(&killed, &[(3, 1)], None), "already 3");
        assert_eq!(said(&killed, &[(3, 1)], Some(1)), "already 3");
        assert_eq!(said(&[(RolledBack, 2), (Succeeded, 1)], &[], None), "already 1");
    }

    #[test]
    fn what_is_asked_for_has_run() {
        let rollouts = [(Succeeded, 4), (RolledBack, 3), (Succeeded, 2), (Succeeded, 1)];
        assert_eq!(said(&rollouts, &[], Some(1)), "to 1");
        assert_eq!(said(&rollouts, &[], Some(3)), "3 never ran");
        assert_eq!(said(&rollouts, &[], Some(9)), "unknown, of {1, 2, 4}");
    }
}
