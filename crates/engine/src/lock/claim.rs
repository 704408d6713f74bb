//! What the account keeps of who is writing.

use std::time::Duration;

use deployer_core::HIGHEST_EPOCH;

use crate::{Holder, Parameter};

/// One claim as the account has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its place in the pile; the first is 1.
    pub epoch: u64,
    /// How often it has been written.
    pub version: u64,
    /// Whose it is.
    pub holder: Holder,
    /// How long ago it was written, as far as the clocks of this machine and the account agree.
    pub age: Option<Duration>,
}

/// What the names of claims begin with.
const LOCK: &str = "lock/";

/// The longest lease that is believed, in seconds: whoever writes a longer one would keep everybody
/// out for good.
const LONGEST_LEASE: u64 = 15 * 60;

/// The parameter that is the claim of an epoch.
pub(super) fn name(epoch: u64) -> String {
    format!("{LOCK}{epoch}")
}

/// The claims among the parameters of a scope, lowest epoch first.
///
/// A claim that cannot be read is somebody's all the same; a parameter whose name is no epoch is no
/// claim.
pub(crate) fn claimed(parameters: &[Parameter]) -> Vec<Claim> {
    let mut claims: Vec<Claim> = parameters.iter().filter_map(read).collect();
    claims.sort_by_key(|claim| claim.epoch);
    claims
}

fn read(parameter: &Parameter) -> Option<Claim> {
    let epoch = parameter.name.strip_prefix(LOCK)?.parse().ok()?;
    let mut holder: Holder = serde_json::from_str(&parameter.value).unwrap_or_default();
    holder.lease = holder.lease.clamp(1, LONGEST_LEASE);
    let Parameter { version, age, .. } = *parameter;
    (epoch <= HIGHEST_EPOCH).then_some(Claim { epoch, version, holder, age })
}

/// A holder as it is read.
pub(super) fn written(holder: &Holder) -> String {
    serde_json::to_string(holder).expect("a holder is plain text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LEASE;

    fn parameter(name: &str, value: &str) -> Parameter {
        Parameter { name: name.to_owned(), value: value.to_owned(), version: 1, age: None }
    }

    #[test]
    fn what_anybody_may_have_written_is_believed_within_bounds() {
        let claims = claimed(&[
            parameter("lock/7", r#"{"name":"a","lease":18446744073709551615}"#),
            parameter("lock/3", "no claim"),
            parameter("lock/8", r#"{"name":"b","lease":0}"#),
            parameter("lock/18446744073709551615", "{}"),
            parameter("lock/one", "{}"),
            parameter("record/1", "{}"),
        ]);
        let read: Vec<(u64, u64)> =
            claims.iter().map(|claim| (claim.epoch, claim.holder.lease)).collect();
        assert_eq!(read, [(3, LEASE), (7, LONGEST_LEASE), (8, 1)]);
    }
}
