//! The origin of an image.

/// How an image came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    /// The way it was built: `cargo`, `dockerfile`, `archive` or `binary`.
    pub(crate) way: &'static str,
    /// The commit that the source was checked out at, as git says.
    pub(crate) commit: Option<String>,
}
