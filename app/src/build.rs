//! What this binary is.

/// The version of the app, shown on every page and by `--version`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
