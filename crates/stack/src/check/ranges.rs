//! Whether subnets lie inside of their VPC and apart from each other.

use deployer_core::{Code, Diagnostic, references};
use deployer_kinds::Cidr;
use serde_json::Value;

use crate::draft::Draft;

/// Subnets lie inside of their VPC and apart from each other.
pub(super) fn subnet_ranges(draft: &mut Draft) {
    let range = |spec: &Value| spec.get("cidr")?.as_str()?.parse::<Cidr>().ok();
    let vpc = |spec: &Value| references(&spec["vpc"]).into_iter().next();
    let subnets: Vec<_> = draft
        .made
        .iter()
        .filter(|(address, _)| address.kind == "subnet")
        .filter_map(|(address, made)| {
            let path = made.origin.path("cidr");
            Some((address.clone(), range(&made.spec)?, vpc(&made.spec)?, path))
        })
        .collect();
    let mut taken: Vec<Cidr> = subnets.iter().map(|(_, cidr, _, _)| *cidr).collect();
    let is_broken = draft.is_broken(&["network"]);
    for (index, (address, cidr, vpc, path)) in subnets.iter().enumerate() {
        let is_by_hand = path.first().is_some_and(|section| section == "resources");
        let around = draft
            .made
            .get(vpc)
            .filter(|made| !is_broken || made.origin.body != ["network"])
            .and_then(|made| range(&made.spec));
        if let Some(around) = around.filter(|around| !around.0.contains(&cidr.0)) {
            let span = draft.place(path);
            let title = format!("`{cidr}` is not inside {vpc}, which has `{around}`");
            draft.mistakes.push(
                Diagnostic::error(Code::CidrOutside, title)
                    .at(span, format!("of {address}"))
                    .help(format!("use a part of `{around}`")),
            );
        }
        let clash = subnets.iter().enumerate().find(|(other, (_, range, of, _))| {
            *other != index && of == vpc && range.overlaps(*cidr) && (is_by_hand || *other < index)
        });
        if let Some((_, (other, range, _, other_path))) = clash {
            // Two written by hand are reported once, at the later one.
            let both = other_path.first().is_some_and(|section| section == "resources");
            if is_by_hand && !(both && other > address) {
                let span = draft.place(path);
                let title = format!("{address} and {other} share addresses");
                draft.mistakes.push(
                    Diagnostic::error(Code::CidrOverlap, title)
                        .at(span, format!("{other} has `{range}`"))
                        .help(match free(&taken, *cidr, around) {
                            Some(free) => {
                                taken.push(free);
                                format!("use a part that is free: `{free}`")
                            }
                            None => "use a part that is free".to_owned(),
                        }),
                );
            }
        }
    }
}

/// The first range of the same size that nobody has.
fn free(taken: &[Cidr], like: Cidr, around: Option<Cidr>) -> Option<Cidr> {
    let mut candidates = around?.0.subnets(like.0.prefix_len()).ok()?.map(Cidr);
    candidates.find(|candidate| !taken.iter().any(|cidr| cidr.overlaps(*candidate)))
}
