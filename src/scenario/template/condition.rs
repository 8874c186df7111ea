//! The condition of a step: an expression that is true or false.

use std::fmt;

use serde_json::Value;

use super::expression::Expression;
use super::names::Bindings;
use super::{ExpressionError, RenderError, Scope, segments};

/// An expression that is true or false.
#[derive(Clone)]
pub struct Condition {
    source: String,
    expression: Expression,
}

impl Condition {
    /// Parses `{{ expression }}`.
    pub(crate) fn parse(source: &str, names: Bindings<'_>) -> Result<Self, ExpressionError> {
        let inside = segments::whole(source).ok_or_else(|| {
            ExpressionError(format!(
                "'{source}' is not one whole expression; write it such as \"{{{{ plan == 'pro' }}}}\""
            ))
        })?;
        let condition = Self {
            source: source.to_owned(),
            expression: Expression::compile(inside, names)?,
        };
        match condition.expression.constant() {
            None | Some(Value::Bool(_)) => Ok(condition),
            Some(other) => Err(ExpressionError::new(inside, neither(other))),
        }
    }

    /// The condition as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it is true, if that is the same for all users.
    pub fn constant(&self) -> Option<bool> {
        self.expression.constant().and_then(Value::as_bool)
    }

    /// Whether it is true for a user. Other values are errors: in most languages the text `false` counts as true.
    pub fn holds(&self, scope: &mut Scope<'_>) -> Result<bool, RenderError> {
        let value = self.expression.value(scope)?;
        value
            .as_bool()
            .ok_or_else(|| RenderError::Failed(self.expression.source.clone(), neither(&value)))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

fn neither(value: &Value) -> String {
    let kind = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("yields {kind}, and a condition must be true or false: compare it with something")
}
