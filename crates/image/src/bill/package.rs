//! A package.

use std::fmt::Write as _;

/// A package in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its licence as an expression of SPDX, where that is known.
    pub(crate) license: Option<String>,
    /// What it is called everywhere: `pkg:cargo/serde@1.0.0` (<https://github.com/package-url>).
    pub(crate) url: String,
}

/// A package's address: its kind, where it comes from, its name and version, and what else
/// distinguishes it from others of the name.
pub(crate) fn url(
    kind: &str,
    origin: Option<&str>,
    (name, version): (&str, &str),
    qualifiers: &[(&str, &str)],
) -> String {
    let mut url = format!("pkg:{kind}/");
    for part in origin.into_iter().chain([name]) {
        url.push_str(&encoded(part));
        url.push('/');
    }
    url.pop();
    let _ = write!(url, "@{}", encoded(version));
    for (at, (key, value)) in qualifiers.iter().enumerate() {
        let sign = if at == 0 { '?' } else { '&' };
        let _ = write!(url, "{sign}{key}={}", encoded(value));
    }
    url
}

/// A text in which everything is escaped but letters, digits and `.-_~:`
/// (<https://github.com/package-url/purl-spec>, "Character encoding").
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
