//! The releases that a resource had, of which the newest is the one that it is.

use super::capability;

capability! {
    /// A kind of which each release is another thing, and whose older ones stay until somebody
    /// deletes them.
    Releases, AnyReleases {
        /// All that there are, the newest first.
        fn releases() -> Vec<Release>;

        /// Deletes some, by their names. What another release is too stays under that one's name.
        /// One that is gone already is none to delete.
        fn forget(names: [String]) -> ();
    }
}

/// One release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name: a tag, such as `web-12`.
    pub name: String,
    /// What it is, by its digest; two releases may be the same.
    pub digest: String,
}
