//! What the reports promise, over stories that are judged as real runs are, and as whole documents.
//!
//! Every document is read back by a reader of its own: XML, Markdown and `OpenMetrics` as those who show them read them.

mod coverage;
mod everywhere;
mod files;
mod goldens;
mod html;
mod junit;
mod markdown;
mod metrics;
mod schema;
mod sentences;
mod side_by_side;
mod stored;
mod summary;
mod terminal;
mod xml;

use proptest::prelude::*;

use super::samples::{self, Sample, TEXTS, all, saying, story, unreachable_saying, usual};
use std::slice::from_ref;

use super::*;
use crate::baseline::{Job, RunContext};
use crate::report::text::numbers;
use crate::verdict::{Check, Verdict, Warning};

/// Texts of any kind, with pieces in them that mean something to whoever shows them.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        prop::sample::select(&TEXTS[..]).prop_map(str::to_owned)
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// A name of ten thousand bytes.
fn endless() -> String {
    "GET /long|`".repeat(1000)
}
