//! Something that could not be done, in full.

use deployer_core::{Cause, Failure};

use super::layout::wrapped;
use super::theme::Theme;
use crate::answer::Page;
use crate::masking::said;

/// The failure: what was attempted, what was said, by whom, and what to do. `about` is the
/// resource it happened to.
pub(crate) fn failure(
    failure: &Failure,
    about: Option<&str>,
    theme: &Theme,
    width: usize,
) -> String {
    let code = failure.code.as_ref().map(|code| format!("[{code}]")).unwrap_or_default();
    worded(&format!("error{code}:"), failure, about, theme, width)
}

/// The same of a command that did what it was to do without.
pub(crate) fn without(failure: &Failure, about: &str, theme: &Theme, width: usize) -> String {
    worded("warning:", failure, Some(about), theme, width)
}

fn worded(
    head: &str,
    failure: &Failure,
    about: Option<&str>,
    theme: &Theme,
    width: usize,
) -> String {
    let about = about.map(|about| format!("{about}: ")).unwrap_or_default();
    let title = format!("{about}could not {}", failure.attempted);
    let mut lines = heading(head, &title, theme, width);
    lines.extend(note("", &said(&failure.message), width));
    if let Some(request) = &failure.request {
        lines.extend(note("request: ", request, width));
    }
    if let Some(help) = failure.help.as_deref().or(advice(failure.cause)) {
        lines.extend(note("help: ", help, width));
    }
    lines.join("\n") + "\n"
}

/// Something that is wrong with what is there: what is known of it, and what to do.
pub(crate) fn finding(problem: &str, details: &[String], help: &str, page: &Page) -> String {
    let (theme, width) = (&page.theme, page.width);
    let mut lines = heading("wrong:", problem, theme, width);
    lines.extend(note("", &details.join("\n"), width));
    lines.extend(note("help: ", help, width));
    lines.join("\n") + "\n"
}

/// The line that says what went wrong, broken between words.
pub(super) fn heading(head: &str, title: &str, theme: &Theme, width: usize) -> Vec<String> {
    words(&format!("{head} {title}"), width)
        .iter()
        .map(|line| match line.strip_prefix(head) {
            Some(rest) => format!("{}{}", theme.bad.style(head), theme.strong.style(rest)),
            None => format!("  {}", theme.strong.style(line)),
        })
        .collect()
}

/// Something that people should see and that is no error.
pub(crate) fn notice(head: &str, text: &str, theme: &Theme, width: usize) -> String {
    heading(head, text, theme, width).join("\n") + "\n"
}

/// A text set under a heading, broken between words.
pub(super) fn note(label: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, paragraph) in text.lines().enumerate() {
        let first = if place == 0 { label } else { "" };
        for line in words(&format!("{first}{paragraph}"), width.saturating_sub(2)) {
            let sign = if lines.is_empty() { "  = " } else { "    " };
            lines.push(format!("{sign}{line}"));
        }
    }
    lines
}

/// The text in lines of two columns less than `width`, broken between words.
fn words(text: &str, width: usize) -> Vec<String> {
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    wrapped(&words, " ", width.saturating_sub(2))
}

/// What to do about a failure that brought no advice of its own.
fn advice(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Credentials => Some(
            "sign in with `aws sso login` or `aws login`, or name a profile in AWS_PROFILE, or set \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        Cause::Unreachable => Some(
            "check the network, the region (`--region`, AWS_REGION) and, if it is set, \
             AWS_ENDPOINT_URL",
        ),
        Cause::Denied => Some(
            "let the identity you run as do this, or run as another one: `aws sts \
             get-caller-identity` says which it is",
        ),
        Cause::Throttled => Some("AWS accepts no more calls for now; run the command again later"),
        Cause::Unsent => Some("run the command again when whoever gives the credentials answers"),
        Cause::NotYet
        | Cause::Busy
        | Cause::Ambiguous
        | Cause::Gone
        | Cause::Missing
        | Cause::Taken
        | Cause::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_attempted_what_aws_said_and_what_to_do() {
        let mut denied = Failure::new(
            Cause::Denied,
            "create the load balancer (elbv2:CreateLoadBalancer)",
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: \
             elasticloadbalancing:CreateLoadBalancer",
        );
        denied.code = Some("AccessDenied".to_owned());
        denied.request = Some("5c1b7f0e".to_owned());
        let shown = failure(&denied, Some("load-balancer/edge"), &Theme::default(), 80);
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn missing_credentials_come_with_advice() {
        let lost = Failure::new(Cause::Credentials, "find out whose account it is", "expired");
        let shown = failure(&lost, None, &Theme::default(), 60);
        insta::assert_snapshot!(shown);
    }
}
