//! What a task definition was before: the revisions of its family.

use deployer_core::{Cause, Failure};
use deployer_engine::{Found, Result, Version, Versions};
use deployer_kinds::TaskDefinition;

use super::{describe, found};
use crate::Aws;
use crate::ecs::tags;
use crate::missing::Required;
use crate::ownership::{Owned, provenance};
use crate::send::unless_gone;

impl Versions<Aws> for TaskDefinition {
    /// One that is not active is shown as well, though no service can be set to it
    /// (`DescribeTaskDefinition` in the ECS API reference).
    async fn version(aws: &Aws, live: &Found<Self>, id: &str) -> Result<Option<Version>> {
        let is_of_family = family(id) == family(&live.output.id);
        if is_of_family { version(aws, id).await } else { Ok(None) }
    }
}

/// A revision by its ARN, whosever it is; none where ECS has forgotten it.
pub(in crate::ecs) async fn version(aws: &Aws, id: &str) -> Result<Option<Version>> {
    let Some(described) = unless_gone(describe(aws, id).await)? else { return Ok(None) };
    let definition = described.task_definition().required("a task definition")?;
    let found = found(&Owned::nobodys(), definition, &aws.region)?;
    let spec = serde_json::to_value(&found.spec).map_err(|error| {
        Failure::new(Cause::Refused, "write a value as JSON", error.to_string())
    })?;
    Ok(Some(Version {
        id: found.output.id,
        number: found.output.revision,
        spec,
        provenance: provenance(&tags(described.tags())),
    }))
}

/// The family in the ARN of a revision: all before its number.
fn family(arn: &str) -> Option<&str> {
    arn.rsplit_once(':').map(|(family, _)| family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_told_apart_from_those_of_other_families() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/notes-prod-web:3";
        assert_eq!(family(arn), family(&arn.replace(":3", ":12")));
        assert_ne!(family(arn), family(&arn.replace("web:3", "web2:3")));
    }
}
