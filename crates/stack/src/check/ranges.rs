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
        let is_by_hand = is_written(path);
        let around = draft
            .made
            .get(vpc)
            .filter(|made| !is_broken || made.origin.body != ["network"])
            .map(|made| all_ranges(&made.spec))
            .unwrap_or_default();
        if !around.is_empty() && !around.iter().any(|around| around.0.contains(&cidr.0)) {
            let span = draft.place(path);
            let ranges: Vec<String> = around.iter().map(|range| format!("`{range}`")).collect();
            let title = format!("`{cidr}` is not inside {vpc}, which has {}", ranges.join(" and "));
            draft.mistakes.push(
                Diagnostic::error(Code::CidrOutside, title)
                    .at(span, format!("of {address}"))
                    .help(format!("use a part of {}", ranges.join(" or of "))),
            );
        }
        let clash = subnets.iter().enumerate().find(|(other, (_, range, of, _))| {
            *other != index && of == vpc && range.overlaps(*cidr) && (is_by_hand || *other < index)
        });
        if let Some((_, (other, range, _, other_path))) = clash {
            // Two written by hand are reported once, at the later one.
            let both = is_written(other_path);
            if is_by_hand && !(both && other > address) {
                let span = draft.place(path);
                let title = format!("{address} and {other} share addresses");
                draft.mistakes.push(
                    Diagnostic::error(Code::CidrOverlap, title)
                        .at(span, format!("{other} has `{range}`"))
                        .help(match free(&taken, *cidr, &around) {
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

/// Whether the range at a path is written as such.
fn is_written(path: &[String]) -> bool {
    let at = |index: usize| path.get(index).map(String::as_str);
    at(0) == Some("resources") || (at(0), at(1)) == (Some("network"), Some("subnets"))
}

/// All ranges of a VPC.
fn all_ranges(vpc: &Value) -> Vec<Cidr> {
    let further = vpc["secondary-cidrs"].as_array().into_iter().flatten();
    let all = [&vpc["cidr"]].into_iter().chain(further);
    all.filter_map(|range| range.as_str()?.parse().ok()).collect()
}

/// The first range of the same size that nobody has.
fn free(taken: &[Cidr], like: Cidr, around: &[Cidr]) -> Option<Cidr> {
    let parts = around.iter().filter_map(|around| around.0.subnets(like.0.prefix_len()).ok());
    let mut candidates = parts.flatten().map(Cidr);
    candidates.find(|candidate| !taken.iter().any(|cidr| cidr.overlaps(*candidate)))
}
