//! Whether the zones that subnets are to be in are there, where somebody has looked.

use deployer_core::Kind;
use deployer_kinds::Subnet;

use crate::draft::Draft;
use crate::zones::no_zone;

/// Reports each subnet that is to be made in a zone that its place does not have. Those that a
/// section made are reported where the section says them.
pub(super) fn zones(draft: &mut Draft) {
    let Some(known) = draft.zones.clone() else { return };
    for (address, made) in draft.made.clone() {
        let zone = made.spec.get("zone").and_then(|zone| zone.as_str());
        let Some(zone) = zone.filter(|_| address.kind == Subnet::NAME) else { continue };
        let path = made.origin.path("zone");
        let is_by_hand = path.first().is_some_and(|section| section == "resources");
        let Some(there) = known.available(&made.place).filter(|_| is_by_hand) else { continue };
        if there.contains(zone) || known.is_in(&made.place, &address, zone) {
            continue;
        }
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mistake = no_zone(zone, there, draft.place(&made.origin.path("zone")));
        draft.report(&path, mistake);
    }
}
