//! To which version an instance is upgraded: `DescribeDBEngineVersions`.

use deployer_core::{Cause, Failure};
use deployer_engine::Result;
use deployer_kinds::{DbInstanceSpec, is_one_of};

use crate::Aws;
use crate::rds;

/// An upgrade that RDS offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upgrade {
    /// The version, in whole.
    pub(super) version: String,
    /// Whether it is a major one, which has to be allowed.
    pub(super) is_major: bool,
}

/// The upgrade that leads to the version that is wanted; none where that is there already.
///
/// # Errors
/// When RDS does not offer it from the version that is there: it goes through versions between, or
/// nowhere.
pub(super) async fn upgrade(
    aws: &Aws,
    from: &DbInstanceSpec,
    to: &DbInstanceSpec,
) -> Result<Option<Upgrade>> {
    if is_one_of(&from.version, &to.version) {
        return Ok(None);
    }
    let request = aws
        .rds
        .describe_db_engine_versions()
        .engine(to.engine.wanted()?.name())
        .engine_version(&from.version)
        // One that is offered to nobody any more goes somewhere all the same.
        .include_all(true);
    let versions = aws
        .send(&rds::DESCRIBE_DB_ENGINE_VERSIONS, "look which upgrades there are", || {
            request.clone().send()
        })
        .await?;
    let offered = versions
        .db_engine_versions()
        .iter()
        .flat_map(|version| version.valid_upgrade_target())
        .filter_map(|target| {
            let (version, is_major) = (target.engine_version()?, target.is_major_version_upgrade());
            Some(Upgrade { version: version.to_owned(), is_major: is_major.unwrap_or(true) })
        });
    let offered: Vec<Upgrade> = offered.collect();
    chosen(&offered, &to.version).map(Some).ok_or_else(|| refusal(&offered, from, to))
}

/// The newest of those that are what is written: RDS lists them from old to new.
fn chosen(offered: &[Upgrade], written: &str) -> Option<Upgrade> {
    offered.iter().rev().find(|offer| is_one_of(&offer.version, written)).cloned()
}

fn refusal(offered: &[Upgrade], from: &DbInstanceSpec, to: &DbInstanceSpec) -> Failure {
    let (from, to) = (&from.version, &to.version);
    let failure = Failure::new(
        Cause::Refused,
        format!("upgrade it to {to}"),
        format!("RDS does not offer that from {from}"),
    );
    let versions: Vec<&str> = offered.iter().map(|offer| offer.version.as_str()).collect();
    failure.help(match versions.as_slice() {
        [] => format!("write `version: {from}`: RDS offers no upgrade of it"),
        versions => format!(
            "write one that it can go to, and from there on to others: {}",
            versions.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_is_what_is_written_is_chosen() {
        let offer = |version: &str, is_major| Upgrade { version: version.to_owned(), is_major };
        let offered =
            [offer("16.9", false), offer("16.10", false), offer("17.5", true), offer("17.6", true)];
        let chosen = |written: &str| super::chosen(&offered, written);
        assert_eq!(chosen("17"), Some(offer("17.6", true)));
        assert_eq!(chosen("17.5"), Some(offer("17.5", true)));
        assert_eq!(chosen("16"), Some(offer("16.10", false)));
        assert_eq!(chosen("1"), None);
        assert_eq!(chosen("18"), None);
    }
}
