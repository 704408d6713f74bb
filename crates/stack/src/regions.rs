//! The regions that this version knows.

/// Those whose databases show certificates of an authority that packed images have
/// (`crates/image/assets/rds-certificates.pem`).
const SIGNED_FOR: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The others, of all partitions (AWS's list of regions and zones, 2026). One that is in neither list
/// may be younger than they are, so it is not a mistake.
const OTHERS: &[&str] = &[
    "ap-east-2",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-isoe-west-1",
    "eusc-de-east-1",
    "il-central-1",
    "mx-central-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
];

/// Whether a packed image can verify that a server is a database of a region.
pub(crate) fn is_signed_for(region: &str) -> bool {
    SIGNED_FOR.contains(&region)
}

/// Whether a region is known.
pub(crate) fn is_known(region: &str) -> bool {
    SIGNED_FOR.contains(&region) || OTHERS.contains(&region)
}

/// The known regions of the same place, such as `eu-west`, or all.
pub(crate) fn near(region: &str) -> Vec<&'static str> {
    let place = region.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut known = [SIGNED_FOR, OTHERS].concat();
    known.sort_unstable();
    let same: Vec<&str> = known.iter().copied().filter(|it| it.starts_with(place)).collect();
    if same.is_empty() { known } else { same }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_packed_image_has_the_authorities_of_the_regions_that_it_is_said_to() {
        let bundle = include_str!("../../image/assets/rds-certificates.pem");
        // Above each certificate stand its region and the kind of its key.
        let lines = bundle.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(' '));
        let keys = ["RSA2048", "RSA4096", "ECC384"];
        let of = |key: &str| -> BTreeSet<&str> {
            lines.clone().filter(|(_, it)| *it == key).map(|(region, _)| region).collect()
        };
        for key in keys {
            assert_eq!(of(key), SIGNED_FOR.iter().copied().collect(), "{key}");
        }
        let certificates = bundle.matches("-----BEGIN CERTIFICATE-----").count();
        assert_eq!(certificates, keys.len() * SIGNED_FOR.len());
    }
}
