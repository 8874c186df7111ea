//! The JSON Schemas of the files that loadgate reads and writes, for editors and for those who process them.
//!
//! The schemas of files that people write are derived from their source structs, those of stored files from the structs
//! that are stored.

use schemars::{JsonSchema, schema_for};

use crate::baseline::Baseline;
use crate::record::RunRecord;
use crate::{scenario, thresholds};

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `scenario.yml`.
    Scenario,
    /// `thresholds.yml`.
    Thresholds,
    /// `result.json`.
    Result,
    /// `baseline.json`.
    Baseline,
}

/// The schema of a kind of file.
pub fn schema(kind: Kind) -> String {
    match kind {
        Kind::Scenario => scenario::schema(),
        Kind::Thresholds => thresholds::schema(),
        Kind::Result => stored::<RunRecord>("loadgate result"),
        Kind::Baseline => stored::<Baseline>("loadgate baseline"),
    }
}

fn stored<T: JsonSchema>(title: &str) -> String {
    let mut schema = schema_for!(T);
    schema.insert("title".to_owned(), title.into());
    // One line below the other, as a file is.
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_kind_has_a_schema_that_says_what_it_is_of() {
        for (kind, title) in [
            (Kind::Scenario, "loadgate scenario"),
            (Kind::Thresholds, "loadgate thresholds"),
            (Kind::Result, "loadgate result"),
            (Kind::Baseline, "loadgate baseline"),
        ] {
            let schema: Value = serde_json::from_str(&schema(kind)).unwrap();
            assert_eq!(schema["title"], title);
            assert!(schema["$schema"].as_str().unwrap().contains("2020-12"));
        }
    }
}
