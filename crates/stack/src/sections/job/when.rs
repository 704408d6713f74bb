//! When a job runs.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::schedule::{Cron, Once, Timezone};
use crate::text_form::{TextOr, text_form, text_or};

/// The fields of cron alone, or the whole mapping.
pub(super) fn when<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<When>, D::Error> {
    let form = TextOr {
        of_text: |text| Ok(When { cron: Some(Cron::try_from(text)?), ..When::default() }),
        of_mapping: |when: When| when,
    };
    deserializer.deserialize_any(form).map(Some)
}

/// The schema of that.
pub(super) fn when_schema(generator: &mut SchemaGenerator) -> Schema {
    text_or::<When>(generator)
}

/// When a job runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct When {
    /// Each time that these five fields say, minute, hour, day, month and weekday:
    /// `0 8 * * MON-FRI`.
    #[schemars(extend("x-excludes" = ["every", "once"]))]
    pub(crate) cron: Option<Cron>,
    /// Again and again after so long: `30 min`, `1 h`, `7 days`.
    #[schemars(extend("x-excludes" = ["cron", "once"]))]
    pub(crate) every: Option<Every>,
    /// One time: `2027-01-01T08:00`.
    #[schemars(extend("x-excludes" = ["cron", "every"]))]
    pub(crate) once: Option<Once>,
    /// Where clocks show that: `Europe/Zagreb`; `UTC` when left out.
    pub(crate) timezone: Option<Timezone>,
}

/// How long it is from one time to the next: a whole number of minutes, hours or days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Every {
    number: u32,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Minutes,
    Hours,
    Days,
}

impl Unit {
    /// As it is written, as AWS writes one, and as it writes several.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Minutes => ("min", "minute", "minutes"),
            Self::Hours => ("h", "hour", "hours"),
            Self::Days => ("days", "day", "days"),
        }
    }
}

impl Every {
    /// As AWS writes it: one of a unit has no plural (EventBridge Scheduler user guide, "Rate-based
    /// schedules").
    pub(crate) fn aws(&self) -> String {
        let (_, one, several) = self.unit.words();
        format!("rate({} {})", self.number, if self.number == 1 { one } else { several })
    }
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refusal = || {
            format!(
                "`{text}` is no time from one run to the next: write such as `30 min`, `1 h` or `7 days`"
            )
        };
        let letters = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refusal)?;
        let (number, unit) = text.split_at(letters);
        let unit = match unit.trim() {
            "min" => Unit::Minutes,
            "h" => Unit::Hours,
            "day" | "days" => Unit::Days,
            _ => return Err(refusal()),
        };
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(refusal)?;
        Ok(Self { number, unit })
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.unit.words().0)
    }
}

text_form!(Every, r"^[1-9][0-9]* *(min|h|days?)$|\$\{", ["1 h", "30 min"]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_from_run_to_run_is_written_as_aws_does() {
        let aws = |text: &str| Every::try_from(text.to_owned()).map(|every| every.aws());
        assert_eq!(aws("1 h").as_deref(), Ok("rate(1 hour)"));
        assert_eq!(aws("30min").as_deref(), Ok("rate(30 minutes)"));
        assert_eq!(aws("7 days").as_deref(), Ok("rate(7 days)"));
        for text in ["0 h", "30 s", "1", "h", "1.5 h", "-1 h", "rate(1 hour)", ""] {
            assert!(aws(text).unwrap_err().contains("such as `30 min`"), "{text}");
        }
    }
}
