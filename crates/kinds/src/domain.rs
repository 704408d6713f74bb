//! Names of DNS.

/// The most characters of a name and of one of its labels (RFC 1035, 2.3.4).
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Why a text is no name that a record or a certificate can have, as a fragment, with advice.
pub(crate) fn wrong_name(name: &str) -> Option<(String, String)> {
    let problem = |why: &str, help: String| Some((format!("`{name}` {why}"), help));
    let lower = name.trim_end_matches('.').to_lowercase();
    if lower != name {
        return problem("is not written as DNS has it", format!("write `{lower}`"));
    }
    if name.len() > LONGEST || name.split('.').any(|label| label.len() > LONGEST_LABEL) {
        let help = "expected at most 253 characters, and 63 between two dots".to_owned();
        return problem("is too long for a name", help);
    }
    let is_label = |label: &str| {
        let is_letter =
            |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-_".contains(&it);
        !label.is_empty()
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels = name.strip_prefix("*.").unwrap_or(name);
    if !labels.contains('.') || !labels.split('.').all(is_label) {
        let help = "expected one such as `www.example.com` or `*.example.com`".to_owned();
        return problem("is not a domain", help);
    }
    None
}

/// A name as DNS answers it, the same whichever way it is written: without the dot at its end, in
/// lower case, and `*` for the `\052` of Route 53 ("DNS domain name format" in its developer guide).
pub fn plain_name(name: &str) -> String {
    let mut plain = String::new();
    let mut rest = name.trim_end_matches('.');
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let digits = after.get(..3).filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
        if let Some(byte) = digits.and_then(|it| u8::from_str_radix(it, 8).ok()) {
            plain.push(char::from(byte));
            rest = &after[3..];
        } else {
            plain.push('\\');
            rest = after;
        }
    }
    plain.push_str(rest);
    plain.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_whichever_way_they_are_written() {
        assert_eq!(plain_name("WWW.Example.com."), "www.example.com");
        assert_eq!(plain_name("\\052.example.com."), "*.example.com");
        assert_eq!(plain_name("a\\b.c"), "a\\b.c");
    }

    #[test]
    fn what_is_no_domain_is_said_with_advice() {
        for name in ["example.com", "*.example.com", "_a.b-c.example.com", "xn--e1afmkfd.com"] {
            assert_eq!(wrong_name(name), None, "{name}");
        }
        let help = |name: &str| wrong_name(name).map(|(_, help)| help).unwrap_or_default();
        assert_eq!(help("Example.com."), "write `example.com`");
        for name in ["com", "a..com", "-a.com", "a b.com", "a.*.com", "https://a.com", "*.com"] {
            assert!(help(name).starts_with("expected one"), "{name}");
        }
        assert!(help(&format!("{}.com", "a".repeat(64))).starts_with("expected at most"));
    }
}
