//! YAML as people write it: text into a tree that knows where each value stands, and a reader over it whose errors say
//! what to mend.

mod nearest;

pub use nearest::{hint, nearest};
