//! Text without a meaning of its own: made harmless, numbers with units, lines and columns.

mod inert;
pub(super) mod layout;
pub(super) mod numbers;
pub(super) mod spans;
pub(super) mod sparkline;

pub(crate) use inert::{Distinct, capitalized, capped, columns_of, one_line, prefix, shorten};
pub use inert::{fitted, inert, inert_coloured, quoted};
pub(crate) use numbers::{NONE, P95, PUNCTUATION, UNITS, count, counted, share, whole_seconds};
pub(crate) use spans::{Span, Text, command, text, untrusted, untrusted_load, untrusted_message};
