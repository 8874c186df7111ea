//! The AWS services behind the target, whose own figures are fetched beside the measurement.
//!
//! Like the target they are not part of the scenario's identity: the same load can be sent to another account.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Dollars, Share};

/// The AWS services behind the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Aws {
    /// Region; that of the environment where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Lambda functions.
    pub functions: Vec<LambdaFunction>,
    /// What the target's address belongs to.
    pub front: Front,
    /// `DynamoDB` tables.
    #[serde(default)]
    pub tables: Vec<String>,
    /// RDS instances.
    #[serde(default)]
    pub databases: Vec<String>,
    /// What becomes of a load that runs into limits of AWS.
    #[serde(skip)]
    pub on_limits: OnLimits,
    /// The most that a run may cost.
    #[serde(skip)]
    pub budget: Option<Dollars>,
    /// The longest that late metrics and logs are waited for; 0 where nothing is fetched in the run.
    #[serde(skip)]
    pub wait: Duration,
    /// The share of requests that X-Ray records, if any are.
    #[serde(skip)]
    pub trace: Option<Share>,
}

/// What becomes of a load that runs into limits of AWS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLimits {
    /// It is sent, and the report says so.
    #[default]
    Warn,
    /// It is refused.
    Fail,
}

/// A Lambda function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LambdaFunction {
    /// Its name.
    pub name: String,
    /// An alias or a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifier: Option<String>,
}

impl LambdaFunction {
    /// The function of a `name`, a `name:alias` or an ARN. None for any other text, which might lead to another path.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (name, qualifier) = match parts.as_slice() {
            ["arn", _, "lambda", _, _, "function", rest @ ..] | rest => match rest {
                [name] => (name, None),
                [name, qualifier] => (name, Some(qualifier)),
                _ => return None,
            },
        };
        let is_word = |text: &str| {
            let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            !text.is_empty() && text.chars().all(is_fine)
        };
        let is_qualifier = |text: &str| text == "$LATEST" || is_word(text);
        (is_word(name) && qualifier.is_none_or(|text| is_qualifier(text))).then(|| Self {
            name: (*name).to_owned(),
            qualifier: qualifier.map(|text| (*text).to_owned()),
        })
    }
}

impl fmt::Display for LambdaFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

/// What the target's address belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Front {
    /// A function's own URL.
    FunctionUrl,
    /// A REST API of API Gateway.
    Rest {
        /// Its id.
        id: String,
        /// Its stage.
        stage: String,
    },
    /// An HTTP API of API Gateway.
    Http {
        /// Its id.
        id: String,
        /// Its stage.
        stage: String,
    },
    /// An Application Load Balancer, as `app/name/id`.
    LoadBalancer(String),
}

impl Aws {
    /// A front and nothing else.
    #[cfg(test)]
    pub(crate) fn behind(front: Front) -> Self {
        Self {
            region: None,
            functions: Vec::new(),
            front,
            tables: Vec::new(),
            databases: Vec::new(),
            on_limits: OnLimits::Warn,
            budget: None,
            wait: Duration::ZERO,
            trace: None,
        }
    }

    /// The header of a response that has an id by which AWS logs the request; none if there is no such header.
    pub fn request_id_header(&self) -> Option<&'static str> {
        match self.front {
            Front::FunctionUrl | Front::Rest { .. } => Some("x-amzn-requestid"),
            Front::Http { .. } => Some("apigw-requestid"),
            Front::LoadBalancer(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_an_alias_and_an_arn_name_a_function() {
        let arn = "arn:aws:lambda:eu-central-1:123456789012:function";
        for (text, shown) in [
            ("orders", "orders"),
            ("orders:live", "orders:live"),
            ("orders:$LATEST", "orders:$LATEST"),
            (&format!("{arn}:orders"), "orders"),
            (&format!("{arn}:orders:3"), "orders:3"),
        ] {
            assert_eq!(LambdaFunction::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_could_lead_to_another_path_is_not_a_function() {
        for text in [
            "",
            "a:",
            ":a",
            "a/b",
            "a:b:c",
            "a?x",
            "..",
            "arn:aws:s3:::b",
        ] {
            assert_eq!(LambdaFunction::parse(text), None, "{text}");
        }
    }
}
