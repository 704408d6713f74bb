//! A package.

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
