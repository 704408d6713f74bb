//! How resources do, in words.

use deployer_engine::{Unit, Vital};

/// Bytes of a GiB and of a MiB.
const GIB: f64 = 1_073_741_824.0;
const MIB: f64 = 1_048_576.0;

/// A number that says how something does: `2 of 2 targets healthy`, `12% CPU`, `18.2 GiB free`.
pub(crate) fn vital(vital: &Vital) -> String {
    let amount = |value: f64| match vital.unit {
        Unit::Count => whole(value),
        Unit::Percent => format!("{value:.0}%"),
        Unit::Seconds if value < 1.0 => format!("{:.0} ms", value * 1000.0),
        Unit::Seconds => format!("{value:.1} s"),
        Unit::Bytes if value < GIB => format!("{:.0} MiB", value / MIB),
        Unit::Bytes => format!("{:.1} GiB", value / GIB),
    };
    let value = match vital.of {
        Some(of) => format!("{} of {}", amount(vital.value), amount(of)),
        None => amount(vital.value),
    };
    format!("{value} {}", vital.name)
}

/// A number of things, with a comma at each thousand.
fn whole(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_with_what_they_count() {
        for (given, said) in [
            (Vital::new("targets healthy", 1.0, Unit::Count).of(2.0), "1 of 2 targets healthy"),
            (Vital::new("requests", 1_204_567.0, Unit::Count), "1,204,567 requests"),
            (Vital::new("messages waiting", 999.0, Unit::Count), "999 messages waiting"),
            (Vital::new("CPU", 12.4, Unit::Percent), "12% CPU"),
            (Vital::new("p95", 0.0312, Unit::Seconds), "31 ms p95"),
            (Vital::new("p95", 2.04, Unit::Seconds), "2.0 s p95"),
            (Vital::new("free", 18.2 * GIB, Unit::Bytes), "18.2 GiB free"),
            (Vital::new("free", 300.0 * MIB, Unit::Bytes), "300 MiB free"),
        ] {
            assert_eq!(vital(&given), said);
        }
    }
}
