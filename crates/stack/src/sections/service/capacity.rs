//! How many tasks of a service run on spare capacity.

use deployer_core::Code;
use deployer_kinds::Capacity;

use super::body::{Scale, Service};
use super::forms::{Beyond, Spot};
use crate::draft::Draft;
use crate::section::Section;

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
    let by_schedule = |scale: &Scale| {
        let times = scale.schedules.iter().flat_map(|time| [time.min, time.max]);
        times.flatten().chain(scale.max).max()
    };
    let most = body.scale.as_ref().and_then(by_schedule).unwrap_or(fewest).max(fewest);
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
