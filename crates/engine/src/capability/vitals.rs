//! How a resource does, in the few numbers that people look at first.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Series, Unit, Window, capability};

/// How far back [`Vitals`] look: the newest one or two minutes may not be measured yet.
const RECENT: SignedDuration = SignedDuration::from_mins(5);

capability! {
    /// A kind of which a few numbers say how it does.
    Vitals, AnyVitals {
        /// These numbers as of `now`, what matters most first. What the cloud has not measured is
        /// left out, which is not the same as zero.
        fn vitals(now: Timestamp) -> Vec<Vital>;
    }
}

/// One number that says how a resource does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Vital {
    /// What it counts or measures, as it stands behind the number: `targets healthy`.
    pub name: String,
    /// The number, in `unit`.
    pub value: f64,
    /// Of how many, where it is a part of something.
    pub of: Option<f64>,
    /// What the number is in.
    pub unit: Unit,
    /// Whether somebody should look at it.
    pub is_bad: bool,
}

impl Vital {
    /// A number that is no reason to worry.
    pub fn new(name: &str, value: f64, unit: Unit) -> Self {
        Self { name: name.to_owned(), value, of: None, unit, is_bad: false }
    }

    /// A part of a number of things.
    #[must_use]
    pub fn of(self, whole: f64) -> Self {
        Self { of: Some(whole), ..self }
    }

    /// The same, as something that somebody should look at if `is_bad`.
    #[must_use]
    pub fn bad_if(self, is_bad: bool) -> Self {
        Self { is_bad, ..self }
    }
}

impl Window {
    /// The last few minutes before `now`, minute by minute.
    pub fn recent(now: Timestamp) -> Self {
        Self { since: now - RECENT, until: now, period: 60 }
    }
}

impl Series {
    /// All its values together; none where nothing was measured.
    pub fn sum(&self) -> Option<f64> {
        (!self.points.is_empty()).then(|| self.points.iter().map(|point| point.value).sum())
    }

    /// The newest of its values.
    pub fn newest(&self) -> Option<f64> {
        self.points.last().map(|point| point.value)
    }
}
