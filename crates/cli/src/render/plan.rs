//! A plan as a person reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use deployer_core::{
    Action, Address, Difference, Fallen, Half, Impact, Place, Plan, Reason, Replacement, Scope,
    Stays, Step, Stray, Unseen,
};

use super::difference::{differences, whole};
use super::layout::{broken, fit, truncate, width_of, wrapped};
use super::theme::Theme;
use super::words::{impact, short, typical};

/// How far the fields of a resource are set in.
const INDENT: usize = 6;

/// From how many seconds on a step says how long it typically takes.
const WORTH_SHOWING: u32 = 10;

/// How much of a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The fields that differ.
    Changes,
    /// Also every field of what is made.
    Everything,
    /// What goes, by its identifier: for taking everything down, where the reason is plain.
    Removal,
}

/// The plan: each resource with what becomes of it, in waves that can begin together, what is not
/// ours, and a line that sums it up; one line where there is nothing to do.
pub fn plan(plan: &Plan, detail: Detail, theme: &Theme, width: usize) -> String {
    if plan.is_empty() {
        return empty(plan, theme, width);
    }
    let mut lines = vec![theme.strong.style(place(plan)).to_string(), String::new()];
    let waves = plan.waves();
    let mut last = None;
    for group in groups(plan) {
        let wave = waves.get(group.main.id).copied();
        if last.is_some_and(|last| last != wave) {
            lines.push(String::new());
        }
        last = Some(wave);
        lines.extend(resource(&group, detail, theme, width));
    }
    lines.push(String::new());
    lines.extend(foreign(plan, theme, width));
    lines.extend(summary(plan, theme, width));
    lines.extend(unpublished(plan, theme, width));
    lines.join("\n") + "\n"
}

/// The one line for a plan without steps, after what is not ours.
fn empty(plan: &Plan, theme: &Theme, width: usize) -> String {
    let mut lines = foreign(plan, theme, width);
    let no_changes = theme.good.style("No changes.");
    lines.push(match plan.asked_in_vain().count() {
        0 => format!("{no_changes} {} is as the stack says.", plan.scope),
        count => {
            let changes = if count == 1 { "change that is" } else { "changes that are" };
            format!("Nothing to do for {} but {count} {changes} refused.", plan.scope)
        }
    });
    lines.extend(unpublished(plan, theme, width));
    lines.join("\n") + "\n"
}

/// The images that are built here and that the plan takes as they were published, with what
/// publishes them; those that have not changed need no word.
fn unpublished(plan: &Plan, theme: &Theme, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for image in plan.images.iter().filter(|image| image.changed == Some(true)) {
        let text = format!("the code of {} has changed since {}", image.service, image.release);
        let note = theme.caution.style("note:");
        lines.push(format!("{note} {}", truncate(&text, width.saturating_sub(6))));
        lines.push(format!("  `deployer publish {}` rolls it out.", image.service));
    }
    let unknown: Vec<String> = plan
        .images
        .iter()
        .filter(|image| image.changed.is_none())
        .map(|image| image.service.clone())
        .collect();
    if !unknown.is_empty() {
        let names = wrapped(&unknown, ", ", width.saturating_sub(3)).join(",\n  ");
        lines.push(
            "Images that are built here are not compared; `deployer publish` builds:".to_owned(),
        );
        lines.push(format!("  {names}"));
    }
    lines
}

/// Which environment of which stack, and where.
fn place(plan: &Plan) -> String {
    format!("{} in {}, account {}", plan.scope, plan.region, plan.account)
}

/// Which resource, and where it is if that is elsewhere.
pub(crate) fn located(address: &Address, place: &Place) -> String {
    if place.is_home() { address.to_string() } else { format!("{address} in {place}") }
}

/// What becomes of one resource: one step, or the two of a replacement.
struct Group<'a> {
    main: &'a Step,
    /// The delete that belongs to a replacement.
    old: Option<&'a Step>,
}

/// The steps by resource, in the order of the plan.
fn groups(plan: &Plan) -> Vec<Group<'_>> {
    let replaces = |step: &Step| matches!(step.reason, Reason::Replaced(_));
    let mut old: BTreeMap<_, &Step> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Delete && replaces(step))
        .map(|step| (&step.address, step))
        .collect();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for step in &plan.steps {
        match step.action {
            Action::Create if replaces(step) => {
                groups.push(Group { main: step, old: old.remove(&step.address) });
            }
            Action::Delete if replaces(step) => {}
            _ => groups.push(Group { main: step, old: None }),
        }
    }
    groups
}

fn resource(group: &Group<'_>, detail: Detail, theme: &Theme, width: usize) -> Vec<String> {
    let step = group.main;
    let (sign, verb, style) = match (step.action, step.reason) {
        (Action::Create, Reason::Replaced(_)) => ("-/+", "replace", theme.caution),
        (Action::Create, _) => ("  +", "create", theme.good),
        (Action::Update, _) => ("  ~", "update", theme.caution),
        (Action::Delete, _) => ("  -", "delete", theme.bad),
        (Action::Await, _) => ("  …", "wait", theme.running),
    };
    let head = format!("{sign} {verb:<7}  ");
    let address = located(&step.address, &step.place);
    let room = width - head.chars().count();
    // What it is about matters more than the remarks on it.
    let remarks = truncate(&remarks(group, detail), room.saturating_sub(width_of(&address) + 2));
    let (left, right) = fit(&address, &remarks, room);
    let mut line = format!("{}{}", style.style(head), theme.strong.style(left));
    if !right.is_empty() {
        line.push_str(&theme.impact(step.impact).style(right).to_string());
    }
    let mut lines = vec![line];
    for notice in &step.notices {
        let text = match notice.impact {
            Impact::None => notice.because.clone(),
            noticed => format!("{}: {}", impact(noticed), notice.because),
        };
        let style = theme.impact(notice.impact);
        let shown = broken(&text, width - INDENT).into_iter();
        lines.extend(shown.map(|line| format!("{}{}", " ".repeat(INDENT), style.style(line))));
    }
    lines.extend(built(step).map(|line| format!("{}{line}", " ".repeat(INDENT))));
    match (&step.wanted, step.action) {
        (Some(spec), Action::Create)
            if detail == Detail::Everything && step.reason == Reason::Missing =>
        {
            lines.extend(whole(spec, theme, INDENT, width));
        }
        _ => {
            let (drifted, changed): (Vec<Difference>, Vec<Difference>) =
                step.differences.iter().cloned().partition(|difference| difference.drift);
            lines.extend(differences(&changed, theme, INDENT, width));
            if !drifted.is_empty() {
                lines.push(format!("{}changed outside:", " ".repeat(INDENT)));
                lines.extend(differences(&drifted, theme, INDENT + 2, width));
            }
        }
    }
    lines
}

/// What is run or read on this machine for an image that is made here.
fn built(step: &Step) -> Option<String> {
    let wanted = step.wanted.as_ref().filter(|_| step.action == Action::Create)?;
    let (how, path) = wanted.get("build")?.as_object()?.iter().next()?;
    let path = path.as_str()?;
    Some(match how.as_str() {
        "cargo" => format!("runs cargo here, in {path}"),
        "dockerfile" => format!("runs the Dockerfile {path} here"),
        _ => format!("reads the {how} {path}"),
    })
}

/// What somebody should know who applies a plan that somebody else may have made.
pub(crate) fn elsewhere(plan: &Plan, folder: &Path, theme: &Theme) -> String {
    let warning = theme.caution.style("warning:");
    let mut lines = vec![
        String::new(),
        format!("{warning} this plan was made elsewhere, or has been edited since"),
        "  It carries no seal of yours, so all of it is shown.".to_owned(),
    ];
    let builds: Vec<String> = plan.steps.iter().filter_map(built).collect();
    if !builds.is_empty() {
        lines.push(format!("  In {} it:", folder.display()));
        lines.extend(builds.into_iter().map(|build| format!("  · {build}")));
    }
    let roles = plan.role.iter().chain(plan.roles.values());
    lines.extend(roles.map(|role| format!("  · acts as {role}")));
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Who notices, why, and how long it takes, as far as it is worth a word.
fn remarks(group: &Group<'_>, detail: Detail) -> String {
    let step = group.main;
    let noticed = match (step.action, step.impact) {
        (Action::Create, Impact::None) if step.reason == Reason::Missing => None,
        (Action::Await, Impact::None) => None,
        (_, Impact::None) => Some("nobody notices".to_owned()),
        (_, noticed) => Some(impact(noticed).to_owned()),
    };
    let id = step.live.as_ref().map(|live| short(live.id()));
    let why = match step.reason {
        Reason::Missing | Reason::Differs => None,
        // Tags of the user's own are shown as what differs.
        Reason::Unsigned if !step.differences.is_empty() => None,
        Reason::Unsigned => Some("its tags were changed, and are written again"),
        Reason::Replaced(Replacement::CreateFirst) => Some("successor first"),
        Reason::Replaced(Replacement::DeleteFirst) => Some("old one goes first"),
        Reason::Replaced(Replacement::Supersede) => Some("old one stays as history"),
        Reason::Unfinished => Some("AWS has not finished"),
        Reason::Unwanted | Reason::Superseded | Reason::Twin if detail == Detail::Removal => id,
        Reason::Unwanted => Some("no longer in the stack"),
        Reason::Superseded => Some("left by a replacement"),
        Reason::Twin => Some("made twice by a lost reply"),
    };
    let half = step.half.map(|half| match half {
        Half::First => "first half: only adds",
        Half::Second => "second half: all the rest",
    });
    let seconds = step.typical + group.old.map_or(0, |old| old.typical);
    let time = (seconds >= WORTH_SHOWING).then(|| typical(seconds));
    let remarks: Vec<String> =
        noticed.into_iter().chain(half.or(why).map(str::to_owned)).chain(time).collect();
    remarks.join(" · ")
}

/// What was found on our resources, or with their tags, that is not ours.
fn foreign(plan: &Plan, theme: &Theme, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (address, marks) in &plan.foreign {
        let text =
            truncate(&format!("{address} has more than the stack says: left alone"), width - 9);
        lines.push(format!("{} {text}", theme.caution.style("warning:")));
        lines.extend(marks.iter().map(|mark| format!("  · {}", truncate(mark, width - 4))));
    }
    lines.extend(failed_lines(&plan.failed, theme, width));
    for Stays { address, place, id, because } in &plan.stays {
        let text = format!("{} stays: {}", located(address, place), short(id));
        lines.push(format!("{} {}", theme.caution.style("note:"), truncate(&text, width - 6)));
        lines.extend(broken(because, width - 2).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(stray_lines(&plan.strays, theme, width));
    lines.extend(unseen_lines(&plan.unseen, theme, width));
    for environment in &plan.left_behind {
        let Scope { stack, .. } = &plan.scope;
        let text = format!("{stack}/{environment} is still there, and the file does not name it");
        lines.push(format!("{} {}", theme.caution.style("warning:"), truncate(&text, width - 9)));
        lines.push("  If nobody needs it:".to_owned());
        let region = &plan.region;
        let command =
            format!("deployer destroy --stack {stack} --env {environment} --region {region}");
        lines.extend(broken(&command, width - 4).into_iter().map(|line| format!("    {line}")));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// The releases that failed.
pub(crate) fn failed(failed: &[Fallen], theme: &Theme, width: usize) -> String {
    failed_lines(failed, theme, width).into_iter().map(|line| line + "\n").collect()
}

fn failed_lines(failed: &[Fallen], theme: &Theme, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for Fallen { address, place, release, because, current } in failed {
        let what = located(address, place);
        let text = match current {
            Some(current) => format!("{what} was rolled back: {release} failed, {current} runs"),
            None => format!("{what}: {release} failed, and none before it runs"),
        };
        lines.push(format!("{} {}", theme.caution.style("warning:"), truncate(&text, width - 9)));
        if !because.is_empty() {
            lines.push(format!("  · {}", truncate(because, width - 4)));
        }
        let advice = match current {
            // Whoever applies gets what runs.
            Some(_) if address.kind == "image" => {
                "Once it is mended, `deployer publish` rolls the next one out."
            }
            Some(_) => "It is rolled out again only where the file still says so.",
            None => "The next apply makes it again.",
        };
        lines.push(format!("  {advice}"));
    }
    lines
}

/// What only carries our tags.
pub(crate) fn strays(strays: &[Stray], theme: &Theme, width: usize) -> String {
    stray_lines(strays, theme, width).into_iter().map(|line| line + "\n").collect()
}

/// What could not be looked at.
pub(crate) fn unseen(unseen: &[Unseen], theme: &Theme, width: usize) -> String {
    unseen_lines(unseen, theme, width).into_iter().map(|line| line + "\n").collect()
}

fn unseen_lines(unseen: &[Unseen], theme: &Theme, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for Unseen { what, failure } in unseen {
        let what = what.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let text = format!("not all could be looked at, there may be more of: {what}");
        lines.push(format!("{} {}", theme.caution.style("warning:"), truncate(&text, width - 9)));
        let because = broken(&failure.to_string(), width - 4);
        let because = because.into_iter().enumerate();
        lines.extend(
            because.map(|(at, line)| format!("  {} {line}", if at == 0 { '·' } else { ' ' })),
        );
        lines.extend(failure.help.iter().map(|help| format!("  {}", truncate(help, width - 2))));
    }
    lines
}

fn stray_lines(strays: &[Stray], theme: &Theme, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for Stray { address, place, id, because, .. } in strays {
        let end = format!(" looks like {}: left alone", located(address, place));
        let room = (width - 9).saturating_sub(end.chars().count()).max(12);
        let head = truncate(&format!("{}{end}", truncate(short(id), room)), width - 9);
        lines.push(format!("{} {head}", theme.caution.style("warning:")));
        lines.push(format!("  · {}", truncate(because, width - 4)));
    }
    if !strays.is_empty() {
        lines.push("  If one is ours after all: deployer adopt ADDRESS ID".to_owned());
    }
    lines
}

/// The line that sums it up, broken where it is too long.
fn summary(plan: &Plan, theme: &Theme, width: usize) -> Vec<String> {
    let summary = plan.summary();
    let mut counts = format!("Plan: {} to create, {} to change", summary.create, summary.update);
    for (count, verb) in [(summary.replace, "to replace"), (summary.wait, "to wait for")] {
        if count > 0 {
            // Writing to a string cannot fail.
            let _ = write!(counts, ", {count} {verb}");
        }
    }
    let _ = write!(counts, ", {} to destroy", summary.delete);
    let refused = plan.asked_in_vain().count();
    if refused > 0 {
        let _ = write!(counts, ", {refused} refused");
    }
    let noticed = match plan.worst() {
        Some(notice) => format!("noticed: {}: {}", impact(plan.impact()), notice.because),
        None => format!("noticed: {}", impact(plan.impact())),
    };
    let noticed = truncate(&noticed, width);
    let pieces = [counts, noticed.clone(), typical(plan.typical())];
    let painted = theme.impact(plan.impact()).style(&noticed).to_string();
    wrapped(&pieces, " · ", width)
        .into_iter()
        .map(|line| line.replace(&noticed, &painted))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_plan_at_eighty_columns() {
        insta::assert_snapshot!(plan(&samples::plan(), Detail::Changes, &Theme::default(), 80));
    }

    #[test]
    fn a_plan_at_a_hundred_and_twenty_columns_in_full() {
        insta::assert_snapshot!(plan(&samples::plan(), Detail::Everything, &Theme::default(), 120));
    }

    #[test]
    fn a_plan_in_colour() {
        insta::assert_snapshot!(plan(&samples::plan(), Detail::Changes, &Theme::new(true), 80));
    }

    #[test]
    fn images_that_are_built_here_are_named_with_what_publishes_them() {
        let published = Plan { images: samples::published(), ..samples::empty_plan() };
        insta::assert_snapshot!(plan(&published, Detail::Changes, &Theme::default(), 80));
    }

    #[test]
    fn releases_that_failed_are_named_with_what_runs_instead() {
        let failed = Plan { failed: samples::failed(), ..samples::empty_plan() };
        insta::assert_snapshot!(plan(&failed, Detail::Changes, &Theme::default(), 80));
    }

    #[test]
    fn a_plan_with_nothing_to_do_is_one_line() {
        let text = empty(&samples::empty_plan(), &Theme::default(), 80);
        assert_eq!(text, "No changes. notes/prod is as the stack says.\n");
    }

    #[test]
    fn an_address_is_whole_however_long_the_remarks_on_it_are() {
        let mut taken_down = samples::plan();
        for step in &mut taken_down.steps {
            step.action = Action::Delete;
            step.reason = Reason::Unwanted;
            if let Some(live) = &mut step.live {
                live.output["id"] = format!("arn:aws:elb:eu-west-1:1:{}", "x/".repeat(60)).into();
            }
        }
        let text = plan(&taken_down, Detail::Removal, &Theme::default(), 80);
        for step in &taken_down.steps {
            assert!(text.contains(&step.address.to_string()), "{}:\n{text}", step.address);
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [80, 120] {
            let text = plan(&samples::plan(), Detail::Everything, &Theme::default(), width);
            let wide = text.lines().find(|line| line.chars().count() > width);
            assert_eq!(wide, None, "{width}");
        }
    }

    #[test]
    fn what_is_secret_by_its_name_is_not_in_it() {
        let text = plan(&samples::plan(), Detail::Everything, &Theme::default(), 120);
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}
