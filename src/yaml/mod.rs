//! YAML as people write it: text into a tree that knows where each value stands, and a reader over it whose errors say
//! what to mend.
//!
//! Reading stops at the first error. What follows a misspelt key is mostly its echo (a value that is missing, a name
//! that is unknown), one line fits a CI's annotation, and reading again takes a millisecond. The keys of a map are held
//! against the known ones before any is read, so that `wieght` is told as what it is and not as a missing `weight`.

mod brackets;
mod cursor;
mod diagnosis;
mod error;
mod fields;
mod nearest;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

pub use cursor::{Cursor, LONGEST_NAME};
pub use error::{Error, ErrorKind};
pub use fields::{Entry, Fields, Keys, Misplaced};
pub use nearest::{hint, nearest};
pub use tree::{Document, Key, Node, Value};
