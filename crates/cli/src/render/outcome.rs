//! How a run ended, and what to do next.

use std::collections::BTreeMap;
use std::fmt::Write;

use deployer_core::{Action, Address, Cause, Failure, Half, Plan, Snapshot, Step};
use deployer_engine::Outcome;

use super::failure::failure;
use super::layout::{pad, truncate, width_of, wrapped};
use super::theme::Theme;
use super::words::{elapsed, short};

/// The end of a run: failures in full, what was not begun, what is under way, and a line that
/// sums it up.
pub(crate) fn outcome(plan: &Plan, outcome: &Outcome, theme: &Theme, width: usize) -> String {
    let address = |step: &usize| plan.steps[*step].address.to_string();
    let mut text = String::new();
    for (step, why) in &outcome.failed {
        text.push_str(&failure(why, Some(&address(step)), theme, width));
        text.push('\n');
    }
    text.push_str(&not_begun(plan, outcome, theme, width));
    let abandoned =
        outcome.abandoned.iter().map(|(step, on)| (address(step), format!("waited for: {on}")));
    text.push_str(&list("AWS may still be working on", abandoned, theme, width));
    let left = outcome.left.iter().map(|(address, what)| (address.to_string(), what.clone()));
    text.push_str(&list("Kept on purpose", left, theme, width));
    text.push_str(&summary(plan, outcome, theme));
    text
}

/// What was not begun, by the resource whose step failed.
fn not_begun(plan: &Plan, outcome: &Outcome, theme: &Theme, width: usize) -> String {
    let mut groups: BTreeMap<Option<&Address>, Vec<String>> = BTreeMap::new();
    for (step, because) in &outcome.not_begun {
        let names = groups.entry(because.as_ref()).or_default();
        names.push(plan.steps[*step].address.to_string());
    }
    groups.into_iter().fold(String::new(), |mut text, (because, names)| {
        let because = because.map(|failed| format!(", because {failed} failed"));
        let heading = format!("Not begun{}", because.unwrap_or_default());
        let names = wrapped(&names, ", ", width.saturating_sub(3)).join(",\n  ");
        // Writing to a string cannot fail.
        let _ = write!(text, "{}\n  {names}\n\n", theme.strong.style(heading));
        text
    })
}

/// The line that sums a run up, and advice where it did not get through.
fn summary(plan: &Plan, outcome: &Outcome, theme: &Theme) -> String {
    let took = elapsed(outcome.took);
    let head = if outcome.is_success() {
        theme.good.style(format!("Done in {took}:"))
    } else if outcome.interrupted {
        theme.caution.style(format!("Interrupted after {took}:"))
    } else {
        theme.bad.style(format!("Failed after {took}:"))
    };
    // What was refused for good is refused again, unless what its advice says is done instead.
    let is_final = |failure: &Failure| failure.cause == Cause::Refused && failure.help.is_some();
    let is_advised = outcome.failed.iter().any(|(_, failure)| is_final(failure));
    let is_advised = is_advised && !outcome.interrupted;
    let advice = if outcome.is_success() || is_advised {
        ""
    } else {
        "Run the same command again: it continues from what exists.\n"
    };
    format!("{head} {}.\n{advice}", counts(plan, outcome))
}

/// How many resources were made, changed and deleted, and how many were not.
fn counts(plan: &Plan, outcome: &Outcome) -> String {
    // Whose second half is done has been counted with the first.
    let done = outcome.done.iter().map(|step| &plan.steps[*step]);
    let done: Vec<&Step> = done.filter(|step| step.half != Some(Half::Second)).collect();
    let count = |wanted: Action| done.iter().filter(|step| step.action == wanted).count();
    let counts = [
        (outcome.failed.len(), "failed"),
        (outcome.abandoned.len(), "left under way"),
        (outcome.not_begun.len(), "not begun"),
        (count(Action::Create), "created"),
        (count(Action::Update), "changed"),
        (count(Action::Delete), "deleted"),
        (count(Action::Await), "waited for"),
        (plan.asked_in_vain().count(), "refused"),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if parts.is_empty() { "nothing was begun".to_owned() } else { parts.join(", ") }
}

/// What a destroy leaves: what is gone, what was kept on purpose, and what the last sweep found.
pub(crate) fn receipt(
    last: &Snapshot,
    gone: &[(String, String)],
    kept: &[(String, String)],
    theme: &Theme,
    width: usize,
) -> String {
    let gone = gone.iter().map(|(address, id)| (address.clone(), short(id).to_owned()));
    let mut text = list("Gone", gone, theme, width);
    text.push_str(&list("Kept on purpose", kept.iter().cloned(), theme, width));
    let Snapshot { scope, lives: still, unseen, .. } = last;
    let remains = still
        .iter()
        .map(|live| (live.address.to_string(), format!("{} {}", short(live.id()), live.state)));
    text.push_str(&list("Still there", remains, theme, width));
    let (head, verdict) = if still.is_empty() && !unseen.is_empty() {
        let verdict = format!("not all could be looked at, so something of {scope} may be left.");
        (theme.bad.style("Last sweep:"), verdict)
    } else if still.is_empty() {
        (theme.good.style("Last sweep:"), format!("nothing of {scope} is left."))
    } else {
        let things = if still.len() == 1 { "resource is" } else { "resources are" };
        (theme.bad.style("Last sweep:"), format!("{} {things} still there.", still.len()))
    };
    text + &format!("{head} {verdict}\n")
}

/// A heading and two columns under it; nothing when there is nothing to list.
fn list(
    heading: &str,
    rows: impl Iterator<Item = (String, String)>,
    theme: &Theme,
    width: usize,
) -> String {
    let rows: Vec<(String, String)> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let column = rows.iter().map(|(left, _)| width_of(left)).max().unwrap_or(0).min(40);
    let mut text = format!("{}\n", theme.strong.style(heading));
    for (left, right) in rows {
        let room = width.saturating_sub(column.max(width_of(&left)) + 4);
        let line = format!("  {}  {}", pad(&left, column), truncate(right.trim(), room));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::samples;

    /// The end of the run in the sample events.
    fn ended() -> Outcome {
        Outcome {
            done: vec![1, 2, 3, 4, 0],
            failed: vec![(5, samples::refusal())],
            not_begun: vec![(6, Some("service/web".parse().unwrap()))],
            abandoned: vec![(7, "deleting".to_owned())],
            interrupted: true,
            left: vec![("db-instance/main".parse().unwrap(), "snapshot before-upgrade".to_owned())],
            took: Duration::from_secs(250),
            ..Outcome::default()
        }
    }

    #[test]
    fn the_end_of_a_run_says_what_failed_and_what_to_do() {
        insta::assert_snapshot!(outcome(&samples::plan(), &ended(), &Theme::default(), 80));
    }

    #[test]
    fn the_end_of_a_run_in_which_a_step_failed() {
        let failed = Outcome { interrupted: false, abandoned: vec![], left: vec![], ..ended() };
        insta::assert_snapshot!(outcome(&samples::plan(), &failed, &Theme::new(true), 80));
    }

    #[test]
    fn the_end_of_a_good_run_is_one_line() {
        let good = Outcome {
            done: (0..8).collect(),
            took: Duration::from_secs(552),
            ..Outcome::default()
        };
        let text = outcome(&samples::plan(), &good, &Theme::default(), 80);
        assert_eq!(text, "Done in 9m 12s: 3 created, 2 changed, 2 deleted, 1 waited for.\n");
    }

    #[test]
    fn a_receipt_says_what_is_gone_what_was_kept_and_that_nothing_is_left() {
        let gone = [("vpc/main", "vpc-0abc"), ("db-instance/main", "notes-prod-main")];
        let kept = [("db-instance/main", "snapshot notes-prod-main-final")];
        let rows = |rows: &[(&str, &str)]| -> Vec<(String, String)> {
            rows.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
        };
        let still = vec![samples::live("security-group/web", "sg-0abc", "in-use")];
        let theme = Theme::default();
        let last = samples::snapshot();
        let clean = receipt(&last, &rows(&gone), &rows(&kept), &theme, 80);
        let held = Snapshot { lives: still, ..samples::snapshot() };
        let held = receipt(&held, &rows(&gone), &[], &theme, 80);
        let blind = Snapshot { unseen: vec![samples::unseen()], ..samples::snapshot() };
        let blind = receipt(&blind, &rows(&gone), &[], &theme, 80);
        insta::assert_snapshot!([clean, held, blind].join("\n----\n\n"));
    }
}
