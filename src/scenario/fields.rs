//! Types of values in scenario.yml.

use std::ops::Deref;
use std::time::Duration;

use serde_json::json;
use serde_json_path::JsonPath;

use super::aws::OnLimits;
use super::header_names::SentHeader;
use super::model::{HttpVersion, RowOrder, Spacing};
use super::step::Pause;
use super::template::nesting;
use crate::redact::redacted_address;
use crate::units::{Share, parse_duration};
use crate::yaml::{
    Cursor, Definitions, Entry, Error, FromKey, FromYaml, Map, Name, Schema, Whole, words,
};

/// The largest weight. The sum over all tasks that fit into a file stays below 2^32.
pub(super) type Weight = Whole<1, 100_000>;

/// Redirects to follow: at most as many as browsers follow.
pub(super) type Redirects = Whole<0, 20>;

/// The status of a response.
pub(super) type StatusCode = Whole<200, 999>;

/// Headers to send.
pub(super) type Headers<'d> = Map<'d, Text<'d>, SentHeader>;

/// The longest `JSONPath`, in bytes, and the deepest nesting of its brackets. The parser of paths tries every alternative
/// at each level, so its time and its stack grow fast beyond what people write.
const LONGEST_PATH: usize = 500;
const DEEPEST_PATH: usize = 8;

/// A value that holds an expression.
const EXPRESSION: &str = r"\{\{.*\}\}";

/// A number with a unit of time.
const DURATION: &str = r"\s*[0-9.]+\s*(us|µs|ms|s|m|min|h)\s*";

/// A number with a unit of rates.
const RATE: &str = r"\s*[0-9.]+\s*/(s|m|min|h)\s*";

/// Declares scalars that are parsed after the variables are known, with their schemas.
macro_rules! scalars {
    ($($(#[doc = $doc:literal])+ $name:ident $schema:tt)*) => {$(
        $(#[doc = $doc])+
        pub(super) struct $name<'d>(Cursor<'d>);

        impl<'d> FromYaml<'d> for $name<'d> {
            fn from_yaml(value: &Cursor<'d>) -> Result<Self, Error> {
                value.scalar()?;
                Ok(Self(value.clone()))
            }

            fn schema(definitions: &mut Definitions) -> Schema {
                definitions.define(stringify!($name), |_| json!($schema))
            }
        }

        impl<'d> Deref for $name<'d> {
            type Target = Cursor<'d>;

            fn deref(&self) -> &Cursor<'d> {
                &self.0
            }
        }
    )*};
}

scalars! {
    /// Text that may contain expressions.
    Text {
        "description": "Text, which may contain {{ expressions }}",
        "type": ["string", "number", "boolean"],
    }

    /// A file of rows.
    RowsFile { "type": "string", "pattern": r"\.([cC][sS][vV]|[jJ][sS][oO][nN])$" }

    /// What is captured: a `JSONPath` or a header.
    CaptureSource {
        "type": "string",
        "pattern": r"^(\$|header:\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*$)",
    }

    /// A number of users, or a range of them.
    Count {
        "description": "A number, or a range such as 0..100",
        "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^\s*[0-9]+\s*(\.\.\s*[0-9]+\s*)?$" },
            { "type": "string", "pattern": EXPRESSION },
        ],
    }

    /// A rate of arrivals, or a range of them.
    Rate {
        "description": "A rate such as 200/s, or a range",
        "type": "string",
        "anyOf": [
            { "pattern": format!(r"^{RATE}(\.\.{RATE})?$") },
            { "pattern": EXPRESSION },
        ],
    }

    /// A whole number above 0 that is known before the run.
    KnownWhole {
        "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[0-9]+$" },
            { "type": "string", "pattern": EXPRESSION },
        ],
    }

    /// A duration that is known before the run.
    KnownDuration {
        "description": "A number with its unit, such as 800ms, 2s or 5m",
        "type": "string",
        "anyOf": [{ "pattern": format!("^{DURATION}$") }, { "pattern": EXPRESSION }],
    }
}

words!(RowOrder {
    "sequential" => Self::Sequential,
    "random" => Self::Random,
    "unique" => Self::Unique,
});

words!(Spacing {
    "even" => Self::Even,
    "poisson" => Self::Poisson,
});

words!(OnLimits {
    "warn" => Self::Warn,
    "fail" => Self::Fail,
});

// A bare 1.1 is a number to other parsers of YAML.
words!(HttpVersion, text {
    "1.1" => Self::Http11,
    "2" => Self::Http2,
    "auto" => Self::Auto,
});

/// The address of a deployment.
pub(super) struct Target(pub(super) String);

impl FromYaml<'_> for Target {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let text = value.line_of_text()?;
        let is_base = url::Url::parse(text).is_ok_and(|url| {
            let is_http = ["http", "https"].contains(&url.scheme());
            is_http && url.has_host() && url.query().is_none() && url.fragment().is_none()
        });
        if is_base {
            return Ok(Self(text.to_owned()));
        }
        Err(value.error(format_args!(
            "'{}' is not a target; write an address such as https://api.example.com, with a path if all steps share one",
            redacted_address(text)
        )))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        definitions.define(
            "Target",
            |_| json!({ "type": "string", "pattern": "^[hH][tT][tT][pP][sS]?://[^?#]+$" }),
        )
    }
}

/// The longest time that something may take.
pub(super) struct Timeout(pub(super) Duration);

impl FromYaml<'_> for Timeout {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let timeout = Duration::from_yaml(value)?;
        if timeout.is_zero() {
            return Err(value.error("must be longer than 0s"));
        }
        Ok(Self(timeout))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        Duration::schema(definitions)
    }
}

/// The share of requests that X-Ray records.
pub(super) struct TraceShare(pub(super) Share);

impl FromYaml<'_> for TraceShare {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let share: Share = value.parse(str::parse)?;
        if share > Share::TEN_PERCENT {
            return Err(value.error(
                "is above 10%; AWS bills each recorded trace, and recording adds to the latency: use a share such as 2%",
            ));
        }
        Ok(Self(share))
    }

    fn schema(_: &mut Definitions) -> Schema {
        json!({ "type": "string", "pattern": r"^\s*[0-9.]+\s*%\s*$" })
    }
}

impl FromYaml<'_> for Pause {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let duration = |text: &str| parse_duration(text).map_err(|error| value.error(error));
        let text = value.scalar()?;
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let pause = Self {
            from: duration(from)?,
            to: duration(to)?,
        };
        if pause.from > pause.to {
            return Err(value.error(format_args!(
                "the range '{text}' is empty; write the shorter duration first"
            )));
        }
        Ok(pause)
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        definitions.define("Pause", |_| {
            json!({
                "description": "A duration, or a range such as 2s..5s",
                "type": "string",
                "pattern": format!(r"^{DURATION}(\.\.{DURATION})?$"),
            })
        })
    }
}

/// The name under which the statistics of a request are kept.
pub(super) struct RequestName(pub(super) String);

impl FromYaml<'_> for RequestName {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let name = value.name()?;
        if name.contains("{{") {
            return Err(value.error(
                "statistics are kept by name, so it cannot contain an expression; write what all requests of the step share, such as GET /items/:id",
            ));
        }
        if name == "overall" {
            return Err(value.error("'overall' means all requests together; choose another name"));
        }
        Ok(Self(name.to_owned()))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        let no_expression = json!({ "not": { "pattern": r"\{\{" } });
        json!({ "allOf": [Name::schema(definitions), no_expression, { "not": { "const": "overall" } }] })
    }
}

/// The name of a phase.
pub(super) struct PhaseName(pub(super) String);

impl FromYaml<'_> for PhaseName {
    fn from_yaml(value: &Cursor<'_>) -> Result<Self, Error> {
        let name = value.name()?;
        if name == "all" {
            return Err(value.error("'all' means all phases together; choose another name"));
        }
        Ok(Self(name.to_owned()))
    }

    fn schema(definitions: &mut Definitions) -> Schema {
        json!({ "allOf": [Name::schema(definitions), { "not": { "const": "all" } }] })
    }
}

/// A place in a JSON body.
pub(super) struct BodyPath(pub(super) JsonPath);

impl FromKey<'_> for BodyPath {
    fn from_key(entry: &Entry<'_>) -> Result<Self, Error> {
        json_path(entry.name())
            .map(Self)
            .map_err(|message| entry.error(message))
    }

    fn schema() -> Option<Schema> {
        Some(json!({ "pattern": r"^\$" }))
    }
}

/// Parses a `JSONPath`.
pub(super) fn json_path(text: &str) -> Result<JsonPath, String> {
    if text.len() > LONGEST_PATH || nesting(text) > DEEPEST_PATH {
        return Err(format!(
            "a JSONPath is at most {LONGEST_PATH} bytes long and nested {DEEPEST_PATH} deep; take a value further up"
        ));
    }
    JsonPath::parse(text).map_err(|error| format!("'{text}' is not a JSONPath (RFC 9535): {error}"))
}
