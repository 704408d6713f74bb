//! Schedule expressions, by which AWS is given the times of something.

use deployer_core::Problem;

const FORMS: &str =
    "expected `cron(0 8 ? * MON-FRI *)`, `at(2027-01-01T08:00:00)` or `rate(1 day)`";

/// The fields of a cron expression and the values they have, in numbers ("Cron-based schedules" in
/// the EventBridge Scheduler user guide).
const FIELDS: [(&str, u32, u32); 6] = [
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 1, 7),
    ("year", 1970, 2199),
];

/// Exactly one of these two fields is `?`.
const DAYS: [usize; 2] = [2, 4];

/// Why AWS would refuse a schedule expression, for the field at `path`.
pub(crate) fn problem(path: impl Into<String>, expression: &str) -> Option<Problem> {
    let (message, help) = mistake(expression)?;
    Some(Problem::new(path, message, help))
}

fn mistake(expression: &str) -> Option<(String, String)> {
    let form = expression.strip_suffix(')').and_then(|text| text.split_once('('));
    match form {
        Some(("at", moment)) => (!is_moment(moment)).then(|| {
            let message = format!("`{moment}` is not a moment");
            (message, "expected a date and a time: `at(2027-01-01T08:00:00)`".to_owned())
        }),
        Some(("rate", rate)) => (!is_rate(rate)).then(|| {
            let message = format!("`{rate}` is not a rate");
            (message, "expected minutes, hours or days: `rate(5 minutes)`".to_owned())
        }),
        Some(("cron", fields)) => of_cron(fields),
        _ => Some(("it does not say when".to_owned(), FORMS.to_owned())),
    }
}

/// Whether a text is a date and a time as `at(…)` has it; which days a month has is left to AWS.
fn is_moment(text: &str) -> bool {
    const FORM: &str = "0000-00-00T00:00:00";
    let fits = |(sign, form): (u8, u8)| {
        if form == b'0' { sign.is_ascii_digit() } else { sign == form }
    };
    let has_form = text.len() == FORM.len() && text.bytes().zip(FORM.bytes()).all(fits);
    let is_within = |(place, lowest, highest): (usize, u32, u32)| {
        text[place..place + 2].parse().is_ok_and(|number| (lowest..=highest).contains(&number))
    };
    let bounds = [(5, 1, 12), (8, 1, 31), (11, 0, 23), (14, 0, 59), (17, 0, 59)];
    has_form && bounds.into_iter().all(is_within)
}

fn is_rate(text: &str) -> bool {
    let Some((value, unit)) = text.split_once(' ') else { return false };
    let is_unit = ["minute", "hour", "day"].contains(&unit.strip_suffix('s').unwrap_or(unit));
    let is_plain = value.bytes().all(|sign| sign.is_ascii_digit());
    is_unit && is_plain && value.parse::<u32>().is_ok_and(|value| value > 0)
}

fn of_cron(text: &str) -> Option<(String, String)> {
    let fields: Vec<&str> = text.split(' ').collect();
    let names = FIELDS.map(|(name, ..)| name).join(", ");
    if fields.len() != FIELDS.len() {
        let message = format!("a cron expression has six fields, not {}", fields.len());
        return Some((message, format!("expected {names}: `cron(30 3 * * ? *)`")));
    }
    if DAYS.iter().filter(|day| fields[**day] == "?").count() != 1 {
        let message = "one of the two fields for days has to be `?`".to_owned();
        let help = "write `?` for the day of the week or for the day of the month";
        return Some((message, help.to_owned()));
    }
    fields.iter().zip(FIELDS).find_map(|(text, (name, lowest, highest))| {
        let numbers = text.split(|sign: char| !sign.is_ascii_digit());
        // What follows a slash or a `#` counts steps or weeks, and is small enough as well.
        let mut numbers = numbers.filter_map(|number| number.parse::<u32>().ok());
        let is_above = numbers.any(|number| number > highest);
        let is_below = text.parse::<u32>().is_ok_and(|number| number < lowest);
        (text.is_empty() || is_above || is_below).then(|| {
            let message = format!("`{text}` is not a valid {name}");
            (message, format!("expected `{lowest}` to `{highest}`"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_takes_is_right_and_what_it_refuses_is_explained() {
        for right in [
            "cron(30 3 * * ? *)",
            "cron(0/15 8-17 ? JAN,JUL MON-FRI 2027-2030)",
            "cron(0 8 L * ? *)",
            "cron(0 8 15W * ? *)",
            "cron(0 8 ? * 3#2 *)",
            "rate(1 hour)",
            "rate(1 hours)",
            "rate(90 minutes)",
            "at(2027-01-01T08:00:00)",
        ] {
            assert_eq!(mistake(right), None, "{right}");
        }
        for (wrong, words) in [
            ("at eight", "does not say when"),
            ("30 3 * * *", "does not say when"),
            ("every(1 day)", "does not say when"),
            ("cron(30 3 * * *)", "six fields, not 5"),
            ("cron(30 3 * * * *)", "fields for days"),
            ("cron(30 3 ? * ? *)", "fields for days"),
            ("cron(60 3 * * ? *)", "`60` is not a valid minute"),
            ("cron(0 3 0 * ? *)", "`0` is not a valid day of the month"),
            ("rate(0 days)", "not a rate"),
            ("rate(1 week)", "not a rate"),
            ("at(2027-01-01)", "not a moment"),
            ("at(2027-13-01T08:00:00)", "not a moment"),
            ("at(2027-01-01T08:00:00Z)", "not a moment"),
        ] {
            let (message, help) = mistake(wrong).expect(wrong);
            assert!(message.contains(words) && help.contains('`'), "{wrong}: {message}, {help}");
        }
    }
}
