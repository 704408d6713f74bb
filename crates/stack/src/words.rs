//! What may be a name.

use deployer_core::Address;

/// Whether a text can be part of an address: lower-case letters, digits and single hyphens.
pub(crate) fn is_word(text: &str) -> bool {
    !text.contains('/') && format!("name/{text}").parse::<Address>().is_ok()
}

/// The name of an environment variable that stands for a thing: `MAIN` for `main`.
pub(crate) fn variable(name: &str) -> String {
    let letters = name.to_uppercase();
    let name: String =
        letters.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        return format!("_{name}");
    }
    name
}

/// What the names of environment variables are made of.
pub(crate) const VARIABLE: &str = "letters, digits and underscores, beginning with no digit";

/// Whether an environment variable can be called so.
pub(crate) fn is_variable(text: &str) -> bool {
    let fine = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fine && !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit())
}
