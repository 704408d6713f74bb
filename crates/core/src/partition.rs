//! The parts that AWS is divided into, each with accounts, regions and names of its own.

/// A part of AWS that shares nothing with the others: no account, no role and no image leads from
/// one into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// Most of the world.
    Commercial,
    /// China.
    China,
    /// The government of the United States.
    GovCloud,
    /// The European Sovereign Cloud.
    Sovereign,
}

impl Partition {
    /// The partition of a region: its name begins with the partition's own word, or with none
    /// (`partitions.json` of AWS's SDKs).
    pub fn of(region: &str) -> Self {
        match region.split('-').next() {
            Some("cn") => Self::China,
            Some("eusc") => Self::Sovereign,
            Some("us") if region.starts_with("us-gov-") => Self::GovCloud,
            _ => Self::Commercial,
        }
    }

    /// Its name, as ARNs have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commercial => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::Sovereign => "aws-eusc",
        }
    }

    /// What the names of hosts end in (`partitions.json` of AWS's SDKs).
    pub fn domain(self) -> &'static str {
        match self {
            Self::Commercial | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::Sovereign => "amazonaws.eu",
        }
    }
}

/// The name under which a service takes a role, such as `ecs-tasks`. It is the same in all
/// partitions (Terraform's provider, data source `aws_service_principal`; for the European
/// Sovereign Cloud assumed).
pub fn principal(service: &str) -> String {
    format!("{service}.amazonaws.com")
}

/// An ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// The partition's name.
    pub partition: &'a str,
    /// The service, such as `secretsmanager`.
    pub service: &'a str,
    /// The region; empty for what has none.
    pub region: &'a str,
    /// The account; empty for what has none.
    pub account: &'a str,
    /// The rest.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Reads an ARN; none where it is not one.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut pieces = text.splitn(6, ':');
        let is_one = pieces.next() == Some("arn");
        let (partition, service) = (pieces.next()?, pieces.next()?);
        let (region, account) = (pieces.next()?, pieces.next()?);
        let resource = pieces.next().filter(|it| !it.is_empty())?;
        let is_named = partition.starts_with("aws") && !service.is_empty();
        (is_one && is_named).then_some(Self { partition, service, region, account, resource })
    }
}

/// The ARN of the private repository in ECR that an image is in; none where it is elsewhere.
///
/// The registry of an account is `ACCOUNT.dkr.ecr.REGION.DOMAIN`, or, with addresses of both
/// families, `ACCOUNT.dkr-ecr.REGION.on.aws`; either may say `ecr-fips` (ECR user guide, "Making
/// requests to Amazon ECR registries").
pub fn repository_of(image: &str) -> Option<String> {
    let (host, rest) = image.split_once('/')?;
    let pieces: Vec<&str> = host.split('.').collect();
    let (account, region) = match pieces.as_slice() {
        [account, "dkr", "ecr" | "ecr-fips", region, domain @ ..]
            if domain.join(".") == Partition::of(region).domain() =>
        {
            (account, region)
        }
        [account, "dkr-ecr" | "dkr-ecr-fips", region, "on", ..] => (account, region),
        _ => return None,
    };
    let path = rest.split('@').next()?.split(':').next()?;
    let partition = Partition::of(region).name();
    Some(format!("arn:{partition}:ecr:{region}:{account}:repository/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_of_a_region_follows_from_its_name() {
        for (region, name, domain) in [
            ("eu-west-1", "aws", "amazonaws.com"),
            ("us-west-1", "aws", "amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            let partition = Partition::of(region);
            assert_eq!((partition.name(), partition.domain()), (name, domain), "{region}");
        }
    }

    #[test]
    fn an_image_in_ecr_has_a_repository_whichever_host_names_it() {
        let tea = |partition: &str, region: &str| {
            Some(format!("arn:{partition}:ecr:{region}:123456789012:repository/shop/tea"))
        };
        for (host, partition, region) in [
            ("dkr.ecr.eu-west-1.amazonaws.com", "aws", "eu-west-1"),
            ("dkr.ecr-fips.us-east-1.amazonaws.com", "aws", "us-east-1"),
            ("dkr-ecr.eu-west-1.on.aws", "aws", "eu-west-1"),
            ("dkr-ecr-fips.us-gov-west-1.on.aws", "aws-us-gov", "us-gov-west-1"),
            ("dkr.ecr.us-gov-west-1.amazonaws.com", "aws-us-gov", "us-gov-west-1"),
            ("dkr.ecr.cn-north-1.amazonaws.com.cn", "aws-cn", "cn-north-1"),
            ("dkr.ecr.eusc-de-east-1.amazonaws.eu", "aws-eusc", "eusc-de-east-1"),
        ] {
            for end in ["", ":1.2", "@sha256:5eed", ":1.2@sha256:5eed"] {
                let image = format!("123456789012.{host}/shop/tea{end}");
                assert_eq!(repository_of(&image), tea(partition, region), "{image}");
            }
        }
        for elsewhere in [
            "nginx:1.29",
            "public.ecr.aws/docker/library/busybox:1.36",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com/tea",
            "registry.example.com/tea",
        ] {
            assert_eq!(repository_of(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn an_arn_has_six_pieces() {
        let secret = Arn::read("arn:aws-cn:secretsmanager:cn-north-1:1:secret:a-b:key::").unwrap();
        assert_eq!((secret.partition, secret.service), ("aws-cn", "secretsmanager"));
        assert_eq!((secret.region, secret.account), ("cn-north-1", "1"));
        assert_eq!(secret.resource, "secret:a-b:key::");
        for other in ["arn:aws:s3", "arn:gcp:s3:::a", "urn:aws:s3:::a", "arn:aws:s3:::"] {
            assert_eq!(Arn::read(other), None, "{other}");
        }
    }
}
