//! JSON values with expressions in their strings.

use std::fmt;

use serde_json::Value;

use super::expression::Expression;
use super::names::Bindings;
use super::{EscapeContext, ExpressionError, RenderError, Scope, Template, segments};

/// A JSON value with expressions in its strings, parsed.
///
/// A string that is one expression yields a typed value: an object stays an object.
#[derive(Clone)]
pub struct ValueTemplate {
    source: Value,
    secret: bool,
    node: Node,
}

#[derive(Clone)]
enum Node {
    /// The same for all users, with its JSON text.
    Constant(Value, String),
    Text(Template),
    Typed(Expression),
    List(Vec<Node>),
    /// Each key with its JSON text, quotes and escapes included.
    Object(Vec<(String, String, Node)>),
}

impl ValueTemplate {
    /// Parses the strings of a value, and evaluates what is known before the run.
    pub(crate) fn parse(source: &Value, names: Bindings<'_>) -> Result<Self, ExpressionError> {
        let mut secret = false;
        let node = Node::parse(source, names, &mut secret)?;
        Ok(Self {
            source: source.clone(),
            secret,
            node,
        })
    }

    /// The value as written.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The value, if it is the same for all users. It may hold secrets, unlike [`ValueTemplate::source`].
    pub fn constant(&self) -> Option<&Value> {
        self.node.constant()
    }

    /// The value as JSON text, if it is the same for all users.
    pub fn constant_json(&self) -> Option<&str> {
        match &self.node {
            Node::Constant(_, json) => Some(json),
            Node::Text(_) | Node::Typed(_) | Node::List(_) | Node::Object(_) => None,
        }
    }

    /// Whether the value is the same for all users.
    pub fn is_constant(&self) -> bool {
        self.constant().is_some()
    }

    /// Whether the value uses the environment.
    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// Renders the value.
    pub fn render(&self, scope: &mut Scope<'_>) -> Result<Value, RenderError> {
        self.node.render(scope)
    }

    /// Appends the value as JSON text, without building the value first. After an error the end of `text` is unspecified.
    pub fn render_json(&self, scope: &mut Scope<'_>, json: &mut String) -> Result<(), RenderError> {
        self.node.render_json(scope, json)
    }
}

/// Shows the value as written: the rendered value may hold secrets.
impl fmt::Debug for ValueTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ValueTemplate({})", self.source)
    }
}

impl Node {
    fn parse(
        source: &Value,
        names: Bindings<'_>,
        secret: &mut bool,
    ) -> Result<Self, ExpressionError> {
        let node = match source {
            Value::String(text) => Self::parse_text(text, names, secret)?,
            Value::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| Self::parse(item, names, secret))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(key, value)| Self::parse_field(key, value, names, secret))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::of(source.clone()),
        };
        Ok(node.fold())
    }

    fn parse_text(
        text: &str,
        names: Bindings<'_>,
        secret: &mut bool,
    ) -> Result<Self, ExpressionError> {
        if let Some(expression) = segments::whole(text) {
            let expression = Expression::compile(expression, names)?;
            *secret |= expression.secret;
            return Ok(match expression.constant() {
                Some(value) => Self::of(value.clone()),
                None => Self::Typed(expression),
            });
        }
        let template = Template::parse(text, EscapeContext::Plain, names)?;
        *secret |= template.is_secret();
        Ok(match template.constant() {
            Some(text) => Self::of(text.into()),
            None => Self::Text(template),
        })
    }

    fn parse_field(
        key: &str,
        value: &Value,
        names: Bindings<'_>,
        secret: &mut bool,
    ) -> Result<(String, String, Self), ExpressionError> {
        if key.contains("{{") {
            return Err(ExpressionError(format!(
                "the key '{key}' contains an expression; only values may"
            )));
        }
        let node = Self::parse(value, names, secret)?;
        Ok((key.to_owned(), Value::from(key).to_string(), node))
    }

    fn of(value: Value) -> Self {
        let json = value.to_string();
        Self::Constant(value, json)
    }

    fn constant(&self) -> Option<&Value> {
        match self {
            Self::Constant(value, _) => Some(value),
            Self::Text(_) | Self::Typed(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// Folds a collection of constants into one constant.
    fn fold(self) -> Self {
        let folded = match &self {
            Self::List(items) => items
                .iter()
                .map(|item| item.constant().cloned())
                .collect::<Option<Vec<_>>>()
                .map(Value::Array),
            Self::Object(fields) => fields
                .iter()
                .map(|(key, _, node)| Some((key.clone(), node.constant()?.clone())))
                .collect::<Option<serde_json::Map<_, _>>>()
                .map(Value::Object),
            Self::Constant(..) | Self::Text(_) | Self::Typed(_) => None,
        };
        folded.map_or(self, Self::of)
    }

    fn render(&self, scope: &mut Scope<'_>) -> Result<Value, RenderError> {
        match self {
            Self::Constant(value, _) => Ok(value.clone()),
            Self::Text(template) => Ok(Value::String(template.render(scope)?.into_owned())),
            Self::Typed(expression) => Ok(expression.value(scope)?.into_owned()),
            Self::List(items) => items
                .iter()
                .map(|item| item.render(scope))
                .collect::<Result<_, _>>()
                .map(Value::Array),
            Self::Object(fields) => fields
                .iter()
                .map(|(key, _, node)| Ok((key.clone(), node.render(scope)?)))
                .collect::<Result<_, _>>()
                .map(Value::Object),
        }
    }

    fn render_json(&self, scope: &mut Scope<'_>, out: &mut String) -> Result<(), RenderError> {
        match self {
            Self::Constant(_, json) => out.push_str(json),
            Self::Text(template) => {
                let text = template.render(scope)?.into_owned();
                out.push_str(&Value::String(text).to_string());
            }
            Self::Typed(expression) => out.push_str(&expression.value(scope)?.to_string()),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    item.render_json(scope, out)?;
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (index, (_, key, node)) in fields.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    out.push_str(key);
                    out.push(':');
                    node.render_json(scope, out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }
}
