//! Prices of AWS services, by region: a dated table, and a file of the user's over it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The table that comes with loadgate.
const BUILT_IN: &str = include_str!("prices.json");
/// The version of tables that is read.
const SCHEMA: u32 = 1;
/// Prices of AWS change rarely, and only ever fell. After so many days they are worth a look.
const FRESH_DAYS: i32 = 180;

/// A table of prices that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not a table.
    #[error("{file} is not a table of prices: {source}")]
    Json {
        /// The file.
        file: String,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// Another version or currency.
    #[error("{0} is not of schema 1 in USD; write prices in dollars, as the built-in table")]
    Other(String),
    /// The table has no such region.
    #[error("no prices for {0} are known; write them to a file and name it with --prices FILE")]
    Region(String),
}

/// A table of prices in dollars.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    schema: u32,
    as_of: Date,
    currency: String,
    #[serde(rename = "source")]
    _source: String,
    /// Multiplies each price: 0.8 for a discount of 20 %.
    #[serde(default = "one")]
    factor: f64,
    regions: BTreeMap<String, RegionPrices>,
}

fn one() -> f64 {
    1.0
}

/// Prices of one region in dollars, of the first tier.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionPrices {
    /// A million requests to functions.
    #[serde(rename = "lambda_million_requests")]
    pub(super) million_invocations: f64,
    /// One GB-second of a function on `x86_64`; GB are 2^30 bytes.
    #[serde(rename = "lambda_gb_second_x86_64")]
    pub(super) gb_second_x86: f64,
    /// The same on `arm64`.
    #[serde(rename = "lambda_gb_second_arm64")]
    pub(super) gb_second_arm: f64,
    /// A million requests to REST APIs.
    #[serde(rename = "rest_api_million_requests")]
    pub(super) million_rest: f64,
    /// A million requests to HTTP APIs.
    #[serde(rename = "http_api_million_requests")]
    pub(super) million_http: f64,
}

impl Prices {
    /// The built-in table with another laid over it: a key of `text` replaces ours, and `null` removes it (RFC 7386).
    /// `file` is its name in errors.
    pub fn with_overlay(file: &str, text: &str) -> Result<Self, Error> {
        let json = |source| Error::Json {
            file: file.to_owned(),
            source,
        };
        let mut table: Value = serde_json::from_str(BUILT_IN).map_err(json)?;
        let patch: Map<String, Value> = serde_json::from_str(text).map_err(json)?;
        merge(&mut table, Value::Object(patch));
        let table: Self = serde_json::from_value(table).map_err(json)?;
        if table.schema != SCHEMA || table.currency != "USD" {
            return Err(Error::Other(file.to_owned()));
        }
        Ok(table)
    }

    /// Date of the prices.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The prices of a region. Those of another region are never used instead.
    pub(super) fn region(&self, region: &str) -> Result<RegionPrices, Error> {
        let prices = self.regions.get(region);
        let prices = prices.ok_or_else(|| Error::Region(region.to_owned()))?;
        let of = |price: f64| price * self.factor;
        Ok(RegionPrices {
            million_invocations: of(prices.million_invocations),
            gb_second_x86: of(prices.gb_second_x86),
            gb_second_arm: of(prices.gb_second_arm),
            million_rest: of(prices.million_rest),
            million_http: of(prices.million_http),
        })
    }

    /// That the prices are old, if they are.
    pub(super) fn age_warning(&self, today: Date) -> Option<String> {
        let days = (today - self.as_of).get_days();
        (days > FRESH_DAYS).then(|| {
            format!(
                "prices of {} are {days} days old; update loadgate, or name newer ones with --prices FILE",
                self.as_of
            )
        })
    }
}

/// Lays a patch over a value, by RFC 7386.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    let mut merged = target
        .as_object_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    for (key, value) in patch {
        if value.is_null() {
            merged.remove(&key);
        } else {
            merge(merged.entry(key).or_insert(Value::Null), value);
        }
    }
    *target = Value::Object(merged);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay(text: &str) -> Result<Prices, Error> {
        Prices::with_overlay("mine.json", text)
    }

    #[test]
    fn an_overlay_replaces_one_row_and_adds_a_region() {
        let prices = overlay(
            r#"{ "regions": { "us-east-1": { "http_api_million_requests": 0.9 }, "eu-central-1": {
                "lambda_million_requests": 0.2, "lambda_gb_second_x86_64": 0.00002,
                "lambda_gb_second_arm64": 0.000016, "rest_api_million_requests": 3.7,
                "http_api_million_requests": 1.2 } } }"#,
        )
        .unwrap();
        let us = prices.region("us-east-1").unwrap();
        assert_eq!((us.million_http, us.million_rest), (0.9, 3.5));
        assert!((prices.region("eu-central-1").unwrap().million_http - 1.2).abs() < 1e-12);
    }

    #[test]
    fn a_factor_is_a_discount_on_every_row() {
        let prices = overlay(r#"{ "factor": 0.5 }"#).unwrap();
        let us = prices.region("us-east-1").unwrap();
        assert_eq!((us.million_http, us.million_invocations), (0.5, 0.1));
    }

    #[test]
    fn an_unknown_region_names_the_way_out() {
        let error = overlay("{}").unwrap().region("eu-west-1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no prices for eu-west-1 are known; write them to a file and name it with --prices FILE"
        );
    }

    #[test]
    fn a_table_of_181_days_warns_and_one_of_180_does_not() {
        let prices = overlay("{}").unwrap();
        let at = |days: i32| {
            prices
                .as_of()
                .checked_add(jiff::Span::new().days(days))
                .unwrap()
        };
        assert_eq!(prices.age_warning(at(180)), None);
        let warning = prices.age_warning(at(181)).unwrap();
        assert!(
            warning.starts_with("prices of 2026-11-24 are 181 days old"),
            "{warning}"
        );
    }

    #[test]
    fn a_wrong_table_is_refused_with_its_file() {
        for text in [
            "[]",
            "not JSON",
            r#"{ "schema": 2 }"#,
            r#"{ "currency": "EUR" }"#,
            r#"{ "regions": { "us-east-1": { "alb_hour": 1 } } }"#,
            r#"{ "regions": { "eu-west-1": { "http_api_million_requests": 1 } } }"#,
            r#"{ "regions": { "us-east-1": { "http_api_million_requests": "1" } } }"#,
        ] {
            let error = overlay(text).unwrap_err().to_string();
            assert!(error.starts_with("mine.json"), "{error}");
        }
    }
}
