//! Templates: text and values with `{{ expressions }}` in them.
//!
//! What is known before the run is folded when the file is read, so a template that names variables and the environment
//! only costs nothing later. The rest is rendered for one user at a time in a [`Scope`]; chance comes from the scope's
//! generator alone, so that a render depends on its user and never on the order of completion.

mod budget;
mod condition;
mod convert;
mod expression;
mod functions;
mod names;
mod panics;
mod path;
mod products;
mod segments;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

pub(super) use budget::Budget;
pub use condition::Condition;
use expression::Expression;
pub use names::secret_texts;
pub(super) use names::{Bindings, EnvironmentSecrets, Rows, Variable, refuse_name, texts};
pub use panics::catches_panics;
use rand_chacha::ChaCha8Rng;
pub(super) use segments::Segment;
pub(super) use segments::{names_in, nesting, split};
use serde_json::Value;
pub use value::ValueTemplate;

/// What a template is rendered with.
pub struct Scope<'v> {
    /// What the user captured and its task set; it lies over the file's variables.
    pub values: &'v BTreeMap<String, Value>,
    /// Where chance comes from: seeded by the caller per user or arrival.
    pub rng: &'v mut ChaCha8Rng,
    /// The result of `now()`. Called only if an expression uses it.
    pub now: fn() -> jiff::Timestamp,
    /// Where secrets are noted that expressions yield, if anyone shows what is rendered.
    pub log: Option<SecretLog<'v>>,
}

/// Secrets that expressions yield as they are rendered: known nowhere else, since expressions change what they read.
pub struct SecretLog<'v> {
    /// Names whose values are secret.
    pub names: &'v BTreeSet<String>,
    /// The texts.
    pub found: &'v mut Vec<String>,
}

impl Scope<'_> {
    /// Notes a value if a name says that it is secret, or if it is made of what is.
    fn note<'n>(
        &mut self,
        value: &Value,
        is_named: impl FnOnce() -> bool,
        names: impl IntoIterator<Item = &'n str>,
    ) {
        let Some(log) = &mut self.log else {
            return;
        };
        if is_named() || names.into_iter().any(|name| log.names.contains(name)) {
            log.found.extend(secret_texts(value));
        }
    }
}

/// Why a template could not be rendered for a user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A value is not there (or is null where text is wanted): the step fails unsent.
    #[error("needs '{0}', which is unset")]
    Unset(String),
    /// The expression and why it has no value, whatever is set.
    #[error("in {{{{ {0} }}}}: {1}")]
    Failed(String, String),
}

/// An expression that can never be evaluated; the message names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ExpressionError(String);

impl ExpressionError {
    fn new(expression: &str, message: impl fmt::Display) -> Self {
        Self(format!("{message} (in '{{{{ {expression} }}}}')"))
    }
}

/// Where text is used, which decides how it is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EscapeContext {
    /// Anywhere else: not escaped.
    Plain,
    /// In the path of a request. Characters that a path cannot have are percent-encoded; in values of expressions also
    /// `?`, `#` and `%`, but not `/`.
    Path,
    /// In a header. Line breaks are refused, since they would start another header.
    Header,
}

/// Text with expressions in it, parsed.
#[derive(Clone)]
pub struct Template {
    source: String,
    context: EscapeContext,
    secret: bool,
    /// One literal at most if the text is the same for all users.
    pieces: Vec<Piece>,
}

#[derive(Clone)]
enum Piece {
    Literal(String),
    Expression(Expression),
}

impl Template {
    /// Parses text, and evaluates what is known before the run.
    pub(crate) fn parse(
        source: &str,
        context: EscapeContext,
        names: Bindings<'_>,
    ) -> Result<Self, ExpressionError> {
        let (mut pieces, mut literal, mut secret) = (Vec::new(), String::new(), false);
        for segment in split(source)? {
            let inside = match segment {
                Segment::Literal(text) => {
                    context
                        .push(text, "%?#", &mut literal)
                        .map_err(|message| ExpressionError(message.to_owned()))?;
                    continue;
                }
                Segment::Expression(inside) => inside,
            };
            let expression = Expression::compile(inside, names)?;
            secret |= expression.secret;
            if let Some(value) = expression.constant() {
                text_of(value)
                    .ok_or_else(|| "null cannot be written as text".to_owned())
                    .and_then(|text| context.push_value(&text, &mut literal))
                    .map_err(|message| ExpressionError::new(inside, message))?;
            } else {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Expression(expression));
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self {
            source: source.to_owned(),
            context,
            secret,
            pieces,
        })
    }

    /// Whether it has no value if one of these names is unset.
    pub(crate) fn needs_any(&self, names: &BTreeSet<String>) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Literal(_) => false,
            Piece::Expression(expression) => expression.needs_any(names),
        })
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The rendered text, if it is the same for all users. It may hold secrets, unlike [`Template::source`].
    pub fn constant(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the text is the same for all users.
    pub fn is_constant(&self) -> bool {
        self.constant().is_some()
    }

    /// Whether the text uses the environment.
    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }

    /// The text at the start of every rendering.
    pub(crate) fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Literal(text)) => text,
            Some(Piece::Expression(_)) | None => "",
        }
    }

    /// Whether the path has a fragment. Values of expressions cannot bring one, since they are encoded.
    pub(crate) fn has_fragment(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Literal(text) => text.contains('#'),
            Piece::Expression(_) => false,
        })
    }

    /// Renders the text; borrowed if it is constant.
    pub fn render<'t>(&'t self, scope: &mut Scope<'_>) -> Result<Cow<'t, str>, RenderError> {
        if let Some(text) = self.constant() {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::new();
        self.render_into(scope, &mut text)?;
        Ok(Cow::Owned(text))
    }

    /// Appends the rendered text. After an error the end of `text` is unspecified.
    pub fn render_into(&self, scope: &mut Scope<'_>, text: &mut String) -> Result<(), RenderError> {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Expression(expression) => {
                    let source = || expression.source.clone();
                    let value = expression.value(scope)?;
                    let rendered = text_of(&value).ok_or_else(|| RenderError::Unset(source()))?;
                    self.context
                        .push_value(&rendered, text)
                        .map_err(|message| RenderError::Failed(source(), message))?;
                }
            }
        }
        Ok(())
    }
}

/// Shows the text as written: the rendered text may hold secrets.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

/// A value as text: text itself, or JSON. None for null: nobody means `Bearer null`.
fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value.as_str() {
        Some(text) => Some(text.into()),
        None => (!value.is_null()).then(|| value.to_string().into()),
    }
}

impl EscapeContext {
    /// Appends text; of a path, `kept` is not encoded either.
    fn push(self, text: &str, kept: &str, out: &mut String) -> Result<(), &'static str> {
        // A header's value may hold a tab and no other control character (RFC 9110, section 5.5).
        let is_refused = |byte: u8| byte.is_ascii_control() && byte != b'\t';
        match self {
            Self::Path => percent_encode(text, kept, out),
            Self::Header if text.bytes().any(is_refused) => {
                return Err("a header cannot hold a line break or another control character");
            }
            Self::Plain | Self::Header => out.push_str(text),
        }
        Ok(())
    }

    /// Appends the value of an expression.
    fn push_value(self, text: &str, out: &mut String) -> Result<(), String> {
        self.push(text, "", out)?;
        budget::refuse_long(out.len())
    }
}

/// Percent-encodes what a path cannot have (RFC 3986, section 3.3), but not `/` and the characters in `kept`.
fn percent_encode(text: &str, kept: &str, out: &mut String) {
    let is_plain =
        |letter: char| letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/".contains(letter);
    for byte in text.bytes() {
        let letter = char::from(byte);
        if is_plain(letter) || kept.contains(letter) {
            out.push(letter);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
