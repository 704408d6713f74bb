//! How many tasks of a service run on spare capacity.

use deployer_core::Code;
use deployer_kinds::Capacity;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::body::Service;
use crate::draft::Draft;
use crate::quantities::Percent;
use crate::section::Section;

/// How many tasks run on spare capacity of Fargate: a share of those beyond the fewest, or
/// `{ share: 100%, base: 1 }`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Spot {
    /// A share of the tasks beyond the fewest.
    Share(Percent),
    /// A share of the tasks beyond so many.
    Beyond(Beyond),
}

impl<'de> Deserialize<'de> for Spot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Which of the two it is shows first, so that a mistake in it is told as its own.
        let read = if value.is_object() {
            serde_json::from_value(value).map(Self::Beyond)
        } else {
            serde_json::from_value(value).map(Self::Share)
        };
        read.map_err(serde::de::Error::custom)
    }
}

/// A share of tasks, but for the first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Beyond {
    /// How many of the tasks beyond `base`: `50%`.
    pub(crate) share: Percent,
    /// How many tasks come first on capacity that stays; the fewest that there are when left out.
    pub(crate) base: Option<u32>,
}

/// Which capacity the tasks of a service run on.
pub(super) fn capacity(draft: &mut Draft, name: &str, body: &Service) -> Capacity {
    let Some(spot) = &body.spot else { return Capacity::default() };
    let (share, base, key) = match spot {
        Spot::Share(share) => (share.0, None, &[][..]),
        Spot::Beyond(Beyond { share, base }) => (share.0, *base, &["share"][..]),
    };
    let path = [&[Service::KEY, name, "spot"], key].concat();
    if share > 100 {
        draft.error(
            Code::BadValue,
            format!("{share}% is more than all tasks"),
            &path,
            "a share of the tasks",
            "expected `0%` to `100%`",
        );
        return Capacity::default();
    }
    if share == 0 {
        return Capacity::default();
    }
    let fewest = body.scale.as_ref().map_or(body.count.unwrap_or(1), |scale| scale.min);
    let most = body.scale.as_ref().and_then(|scale| scale.max).unwrap_or(fewest).max(fewest);
    let base = base.unwrap_or(fewest);
    if base >= most {
        draft.error(
            Code::BadValue,
            format!("no task of `{name}` would run on spare capacity"),
            &path[..3],
            format!("it is about the tasks beyond {base}, and there are never more than {most}"),
            format!(
                "write `scale:` with a `max` above {base}, or \
                 `spot: {{ share: {share}%, base: {} }}`",
                most.saturating_sub(1)
            ),
        );
    }
    let divisor = common_divisor(share, 100);
    Capacity { base, fargate: (100 - share) / divisor, spot: share / divisor }
}

fn common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { common_divisor(other, one % other) }
}
