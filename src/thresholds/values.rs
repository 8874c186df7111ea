//! Types of values in thresholds.yml.

use std::time::Duration;

use jiff::civil::Date;
use serde_json::json;

use super::model::{FailureSet, Instances, MissingBaseline, Mode, Precision, RequestRule};
use super::source::{AdjustedRule, MustDetectByMode};
use crate::measurement::FailureKind;
use crate::metric::Metric;
use crate::units::{Share, parse_percent};
use crate::yaml::{
    Cursor, Definitions, Entry, Error, FromKey, FromYaml, Schema, Set, Value, Whole, words,
};

/// The largest change that a file may name: a hundredfold. Anything larger is a typing mistake.
const LARGEST_CHANGE: f64 = 100.0;

words!(Mode {
    "enforce" => Self::Enforce,
    "observe" => Self::Observe,
});

words!(Instances {
    "one" => Self::One,
    "many" => Self::Many,
});

words!(Precision {
    "usual" => Self::Usual,
    "high" => Self::High,
});

words!(MissingBaseline {
    "warn" => Self::Warn,
    "fail" => Self::Fail,
});

impl FromYaml<'_> for Metric {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        value.one_of(&Self::ALL.map(|metric| (metric.key(), metric)))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        definitions.define("Metric", |_| json!({ "enum": Self::ALL.map(Self::key) }))
    }
}

/// The metrics that may fail a build.
pub(super) struct Gate<'d>(pub(super) Set<'d, Metric>);

impl<'d> FromYaml<'d> for Gate<'d> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        if let Value::Null = value.node().value {
            return Err(value
                .error("is empty; list the metrics that may fail a build, or write [] for none"));
        }
        Set::from_yaml(value).map(Self)
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        Set::<Metric>::schema(definitions)
    }
}

fn percent(definitions: &mut Definitions) -> Schema {
    definitions.define("Percent", |_| {
        json!({
            "description": "A percentage, such as 5%",
            "type": "string",
            "pattern": r"^\s*[0-9.]+\s*%\s*$",
        })
    })
}

fn off(definitions: &mut Definitions) -> Schema {
    definitions.define("Off", |_| {
        json!({ "description": "off; older YAML parsers read it as false", "enum": ["off", false] })
    })
}

fn is_off(value: &Cursor<'_>) -> bool {
    matches!(value.scalar(), Ok("off"))
}

/// The longest latency that a limit allows.
pub(super) struct LatencyLimit(pub(super) Duration);

impl FromYaml<'_> for LatencyLimit {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let latency = Duration::from_yaml(value)?;
        if latency.is_zero() {
            return Err(value.error("must be longer than 0s"));
        }
        Ok(Self(latency))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        let duration = Duration::schema(definitions);
        definitions.define(
            "Latency",
            |_| json!({ "allOf": [duration, { "pattern": "[1-9]" }] }),
        )
    }
}

/// The largest share of requests that a limit allows.
pub(super) struct LimitShare(pub(super) Share);

impl FromYaml<'_> for LimitShare {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if is_off(value) {
            return Err(value.error(
                "'off' removes the default of limits.overall.error_rate only; remove the line instead",
            ));
        }
        let share: Share = value.parse(str::parse)?;
        if share.fraction() >= 1.0 {
            return Err(value.error("a limit of 100% can never be broken; lower it or remove it"));
        }
        Ok(Self(share))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        percent(definitions)
    }
}

/// The smallest throughput that a limit allows, in requests per second.
pub(super) struct LimitRate(pub(super) f64);

impl FromYaml<'_> for LimitRate {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if let Value::Number { value: number, .. } = &value.node().value
            && let Some(rate) = number.as_f64().filter(|rate| *rate > 0.0)
        {
            return Ok(Self(rate));
        }
        Err(value.expected("a number of requests per second above 0, such as 90"))
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "type": "number", "exclusiveMinimum": 0 })
    }
}

/// Counts that a limit may allow.
pub(super) type Invocations = Whole<0, 1_000_000_000>;

/// A time in milliseconds.
pub(super) struct Milliseconds(pub(super) f64);

impl FromYaml<'_> for Milliseconds {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if let Value::Number { value: number, .. } = &value.node().value
            && let Some(number) = number.as_f64().filter(|number| *number > 0.0)
        {
            return Ok(Self(number));
        }
        Err(value.expected("a number of milliseconds above 0, such as 120"))
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "type": "number", "exclusiveMinimum": 0 })
    }
}

/// The median latency of the built-in server; none for that of the target.
pub(super) struct BuiltIn(pub(super) Option<Duration>);

impl FromYaml<'_> for BuiltIn {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if matches!(value.scalar(), Ok("auto")) {
            return Ok(Self(None));
        }
        LatencyLimit::from_yaml(value).map(|latency| Self(Some(latency.0)))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        let latency = LatencyLimit::schema(definitions);
        json!({ "anyOf": [{ "const": "auto" }, latency] })
    }
}

/// A value, or `off`.
pub(super) struct OrOff<T>(pub(super) Option<T>);

impl<'d, T: FromYaml<'d>> FromYaml<'d> for OrOff<T> {
    fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
        if is_off(value) {
            return Ok(Self(None));
        }
        T::from_yaml(value).map(Some).map(Self)
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "anyOf": [off(definitions), T::schema(definitions)] })
    }
}

/// A change, as a fraction.
pub(super) struct Change(pub(super) f64);

impl FromYaml<'_> for Change {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let change = value.parse(parse_percent)?;
        if change > LARGEST_CHANGE {
            return Err(value.error("is more than 10000%, which no change exceeds"));
        }
        Ok(Self(change))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        percent(definitions)
    }
}

/// A change above 0 %, as a fraction.
pub(super) struct PositiveChange(pub(super) f64);

impl FromYaml<'_> for PositiveChange {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let Change(change) = Change::from_yaml(value)?;
        if change <= 0.0 {
            return Err(value.error("must be above 0%"));
        }
        Ok(Self(change))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        percent(definitions)
    }
}

/// The error rate above which a run stops.
pub(super) struct AbortRate(pub(super) Share);

impl FromYaml<'_> for AbortRate {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let share: Share = value.parse(str::parse)?;
        if share.fraction() <= 0.0 {
            return Err(value.error("must be above 0%, or every run would be stopped"));
        }
        Ok(Self(share))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        percent(definitions)
    }
}

impl FromYaml<'_> for Date {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        value.parse(|text| {
            let date = text.parse();
            date.map_err(|_| format!("'{text}' is not a date; write it such as 2027-01-31"))
        })
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }
}

/// `must_detect`: one percentage for both modes, or one for each.
pub(super) struct MustDetect {
    pub(super) duet: Option<f64>,
    pub(super) history: Option<f64>,
}

impl FromYaml<'_> for MustDetect {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if value.is_map() {
            let modes = MustDetectByMode::from_yaml(value)?;
            return Ok(Self {
                duet: modes.duet.map(|change| change.0),
                history: modes.history.map(|change| change.0),
            });
        }
        let both = Some(PositiveChange::from_yaml(value)?.0);
        Ok(Self {
            duet: both,
            history: both,
        })
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "anyOf": [percent(definitions), MustDetectByMode::schema(definitions)] })
    }
}

impl FromYaml<'_> for RequestRule {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        if is_off(value) {
            return Ok(Self::Off);
        }
        if !value.is_map() {
            return Err(value.expected("off, or a map with tolerance or floor"));
        }
        let rule = AdjustedRule::from_yaml(value)?;
        if rule.tolerance.is_none() && rule.floor.is_none() {
            return Err(value.error("changes nothing; write off, tolerance or floor, or remove it"));
        }
        Ok(Self::Adjusted {
            tolerance: rule.tolerance.map(|change| change.0),
            floor: rule.floor,
        })
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "anyOf": [off(definitions), AdjustedRule::schema(definitions)] })
    }
}

/// `429`, `5xx` or `timeout`.
impl FromKey<'_> for FailureSet {
    fn from_key(entry: &Entry<'_>) -> Result<Self, Error> {
        let text = entry.name();
        for class in 2..=5 {
            if text.eq_ignore_ascii_case(&format!("{class}xx")) {
                return Ok(Self::StatusClass(class));
            }
        }
        let kind: Result<FailureKind, _> = text.parse();
        let wrong = |error| entry.error(format_args!("{error}, or a class such as 5xx"));
        kind.map(Self::Kind).map_err(wrong)
    }

    fn schema() -> Option<Schema> {
        let kinds = FailureKind::names().join("|");
        Some(json!({ "pattern": format!("^([1-9][0-9][0-9]|[2-5][xX][xX]|{kinds})$") }))
    }
}
