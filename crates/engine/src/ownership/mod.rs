//! What the account keeps to tell whose something is: read by every plan, written by runs.

mod book;
mod journal;

pub use book::{Book, read_book};
pub use journal::Journal;
