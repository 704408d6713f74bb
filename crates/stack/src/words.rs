//! What may be a name.

use deployer_core::Address;

/// Whether a text can be part of an address: lower-case letters, digits and single hyphens.
pub(crate) fn is_word(text: &str) -> bool {
    !text.contains('/') && format!("name/{text}").parse::<Address>().is_ok()
}

/// The name of an environment variable that stands for a thing: `MAIN` for `main`.
pub(crate) fn variable(name: &str) -> String {
    name.to_uppercase().replace('-', "_")
}
