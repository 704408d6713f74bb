//! The patterns of load balancers: `*` for any text, `?` for one character.

/// Whether a text is as a pattern says.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    // Where the last `*` was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[from] => {
                (at, from) = (at + 1, from + 1);
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    (at, from) = (place + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// A text that a pattern takes.
pub(crate) fn example(pattern: &str) -> String {
    pattern.replace(['*', '?'], "x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_load_balancers_let_them_take() {
        for (pattern, text, takes) in [
            ("/api", "/api", true),
            ("/api", "/api/x", false),
            ("/api/*", "/api/", true),
            ("/api*", "/api/x/y", true),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("/v?/*/end", "/v1/a/end/b/end", true),
            ("/v?", "/v", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), takes, "{pattern} {text}");
            assert!(matches(pattern, &example(pattern)), "{pattern}");
        }
    }
}
