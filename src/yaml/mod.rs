//! YAML as people write it: a tree that knows the position of each value, and parsing of that tree into source structs.
//!
//! A source struct names each key of a map once, with its type and its description. [`source!`] derives both the parser
//! and the JSON Schema from it.
//!
//! Parsing stops at the first error. Later errors are mostly consequences of the first one, and an annotation in CI shows
//! one line. The keys of a map are checked before its values, so a misspelt `wieght` is reported as such, and not as a
//! missing `weight`.

mod brackets;
mod cursor;
mod diagnosis;
mod error;
mod keys;
mod scalar;
mod source;
mod suggest;
#[cfg(test)]
mod tests;
mod tree;
mod values;

pub use cursor::{Cursor, LONGEST_NAME};
pub use error::Error;
pub use keys::{Entry, Misplaced};
pub use source::{Definitions, FromYaml, Keys, Property, Schema, document, object};
pub use suggest::{nearest, suggest};
pub use tree::{Key, Node, Position, Value};
pub use values::{Field, FromKey, Line, Located, Map, Name, OneOrMany, Set, Whole, Words};

pub(crate) use keys::misplaced;
pub(crate) use source::source;
pub(crate) use values::words;
