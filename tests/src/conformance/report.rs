//! What a run has shown, for machines and as a page.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::compare::{Compared, Lag, What};

/// What a run has shown.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Of the form of this report.
    pub version: u32,
    /// What was asked: AWS, or an address that stands for it.
    pub against: String,
    /// The region.
    pub region: String,
    /// How much of AWS's real time the lab beside it took.
    pub lab_speed: f64,
    /// How long all of it took.
    pub minutes: f64,
    /// The contracts and the stack.
    pub parts: Vec<Part>,
    /// The operations, each beside the lab's.
    pub operations: Vec<Compared>,
    /// How long what was made was not known.
    pub lags: Vec<Lag>,
    /// What could not be deleted, and why.
    pub left: Vec<String>,
}

/// A contract or the stack.
#[derive(Debug, Serialize)]
pub struct Part {
    /// The kind of a contract, or `stack`.
    pub name: String,
    /// Whether it was kept; none when it was not tried.
    pub is_kept: Option<bool>,
    /// Why it was not.
    pub why: Option<String>,
    /// Why it was not to be tried.
    pub spared: Option<String>,
    /// What was applied, and for how long: here, and in the lab.
    pub steps: Vec<Step>,
}

/// Something that was applied.
#[derive(Debug, Serialize)]
pub struct Step {
    /// What.
    pub what: String,
    /// Seconds here.
    pub here: f64,
    /// Seconds in the lab, which are shorter by its speed.
    pub lab: Option<f64>,
}

impl Part {
    /// Whether it was kept, or was not to be.
    fn is_good(&self) -> bool {
        self.is_kept == Some(true) || self.spared.is_some()
    }
}

impl Report {
    /// Whether all promises were kept and nothing is left.
    pub fn is_good(&self) -> bool {
        self.left.is_empty() && self.parts.iter().all(Part::is_good)
    }

    /// Writes `report.json` and `report.html` into a folder.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        let json = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        for (name, text) in [("report.json", json), ("report.html", self.page())] {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .map_err(|error| format!("could not write {}: {error}", path.display()))?;
        }
        Ok(())
    }

    /// A few lines for the terminal.
    pub fn summary(&self) -> String {
        let kept = self.parts.iter().filter(|part| part.is_kept == Some(true)).count();
        let count = |what| self.differences().filter(|found| found.1.what == what).count();
        let mut text = format!(
            "{kept} of {} kept in {:.0} minutes; beside the lab: {} differences of shape, {} of \
             defaults, {} of states, {} codes that it never answers\n",
            self.parts.len(),
            self.minutes.ceil(),
            count(What::Shape),
            count(What::Default),
            count(What::State),
            count(What::Error),
        );
        for part in self.parts.iter().filter(|part| part.is_kept != Some(true)) {
            let why = part.spared.as_deref().or(part.why.as_deref()).unwrap_or("not tried");
            let first = why.lines().next().unwrap_or_default();
            let _ = writeln!(text, "  {}: {first}", part.name);
        }
        for left in &self.left {
            let _ = writeln!(text, "left: {left}");
        }
        text
    }

    fn differences(&self) -> impl Iterator<Item = (&str, &super::compare::Difference)> {
        self.operations.iter().flat_map(|compared| {
            compared.differences.iter().map(|found| (compared.operation.as_str(), found))
        })
    }

    fn page(&self) -> String {
        let mut page = Page::begin(&format!("Conformance of {}, {}", self.against, self.region));
        page.paragraph(&self.summary());
        page.paragraph(&format!(
            "The lab beside it took {} of AWS's time, so that its seconds are as much shorter.",
            self.lab_speed
        ));
        page.heading("Contracts and the stack");
        page.table(
            &["part", "kept", "seconds", "in the lab", "why not"],
            self.parts.iter().map(|part| {
                let sum: f64 = part.steps.iter().map(|step| step.here).sum();
                let lab: f64 = part.steps.iter().filter_map(|step| step.lab).sum();
                let notes = part.spared.iter().chain(&part.why);
                let notes: Vec<&str> = notes.map(String::as_str).collect();
                let kept = match part.is_kept {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "not tried",
                };
                [part.name.clone(), kept.to_owned(), seconds(sum), seconds(lab), notes.join("\n")]
            }),
        );
        page.heading("Where answers differ");
        page.table(
            &["operation", "what", "field", "here", "in the lab"],
            self.differences().map(|(operation, found)| {
                let what = match found.what {
                    What::Shape => "shape",
                    What::Default => "default",
                    What::Error => "error",
                    What::State => "state",
                };
                [
                    operation.to_owned(),
                    what.to_owned(),
                    found.path.clone(),
                    found.here.clone(),
                    found.lab.clone(),
                ]
            }),
        );
        page.heading("How long what was made was not known");
        page.table(
            &["asked", "answered", "after", "for at most", "times"],
            self.lags.iter().map(|lag| {
                [
                    lag.operation.clone(),
                    lag.code.clone(),
                    lag.after.clone(),
                    format!("{} ms", lag.longest),
                    lag.times.to_string(),
                ]
            }),
        );
        page.heading("How long each step took");
        page.table(
            &["part", "step", "seconds", "in the lab", ""],
            self.parts.iter().flat_map(|part| {
                part.steps.iter().map(|step| {
                    let lab = step.lab.map(seconds).unwrap_or_default();
                    let here = seconds(step.here);
                    [part.name.clone(), step.what.clone(), here, lab, String::new()]
                })
            }),
        );
        page.heading("Operations");
        page.table(
            &["operation", "answers", "in the lab", "median", "differences"],
            self.operations.iter().map(|compared| {
                [
                    compared.operation.clone(),
                    compared.here.to_string(),
                    compared.lab.to_string(),
                    format!("{} ms", compared.took),
                    compared.differences.len().to_string(),
                ]
            }),
        );
        page.end()
    }
}

fn seconds(amount: f64) -> String {
    format!("{amount:.1}")
}

/// The columns that have numbers, by their headings.
const NUMBERS: &[&str] = &["seconds", "answers", "median", "differences", "for at most", "times"];

/// An HTML page in the making.
struct Page(String);

impl Page {
    fn begin(title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        ))
    }

    fn heading(&mut self, text: &str) {
        let _ = writeln!(self.0, "<h2>{}</h2>", escaped(text));
    }

    fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.0, "<p>{}</p>", escaped(text.trim_end()));
    }

    fn table<const N: usize>(
        &mut self,
        headings: &[&str; N],
        rows: impl Iterator<Item = [String; N]>,
    ) {
        let mut body = String::new();
        for row in rows {
            body.push_str("<tr>");
            for (cell, heading) in row.iter().zip(headings) {
                let class = if NUMBERS.contains(heading) { " class=\"number\"" } else { "" };
                let _ = write!(body, "<td{class}>{}</td>", escaped(cell));
            }
            body.push_str("</tr>\n");
        }
        if body.is_empty() {
            return self.paragraph("None.");
        }
        let mut heads = String::new();
        for heading in headings {
            let _ = write!(heads, "<th>{}</th>", escaped(heading));
        }
        let _ = writeln!(
            self.0,
            "<div><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>"
        );
    }

    fn end(mut self) -> String {
        self.0.push_str("</body>\n</html>\n");
        self.0
    }
}

const STYLE: &str = "\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
p, td { white-space: pre-line; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; \
border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::compare::Difference;
    use super::*;

    fn report(is_kept: Option<bool>, left: Vec<String>) -> Report {
        let why = (is_kept != Some(true)).then(|| "a <b> & c".to_owned());
        let difference = Difference {
            what: What::State,
            path: "x.status".to_owned(),
            here: "waiting".to_owned(),
            lab: "ready".to_owned(),
        };
        Report {
            version: 1,
            against: "AWS".to_owned(),
            region: "eu-west-1".to_owned(),
            lab_speed: 0.1,
            minutes: 1.5,
            parts: vec![Part {
                name: "vpc".to_owned(),
                is_kept,
                why,
                steps: vec![Step { what: "base".to_owned(), here: 2.0, lab: None }],
                spared: None,
            }],
            operations: vec![Compared {
                operation: "EC2:DescribeVpcs".to_owned(),
                here: 3,
                lab: 2,
                took: 40,
                differences: vec![difference],
            }],
            lags: Vec::new(),
            left,
        }
    }

    #[test]
    fn only_a_run_that_kept_all_and_left_nothing_is_good() {
        assert!(report(Some(true), Vec::new()).is_good());
        assert!(!report(Some(false), Vec::new()).is_good());
        assert!(!report(None, Vec::new()).is_good());
        assert!(!report(Some(true), vec!["vpc: denied".to_owned()]).is_good());
    }

    #[test]
    fn the_page_shows_what_was_answered_as_text() {
        let page = report(Some(false), Vec::new()).page();
        assert!(page.contains("a &lt;b&gt; &amp; c"), "{page}");
        assert!(page.contains("<td>x.status</td><td>waiting</td><td>ready</td>"), "{page}");
    }
}
