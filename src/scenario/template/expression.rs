//! One `{{ expression }}`: compiled once, and evaluated at once if its value is known before the run.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::ErrorKind;
use minijinja::value::Object;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::convert::{is_final, jinja, json, message};
use super::functions::{DRAWS, Draws, ENVIRONMENT, FUNCTIONS, draw};
use super::names::{Bindings, Variable};
use super::panics::{PANICKED, catching};
use super::path::Path;
use super::products::guarded;
use super::segments::nesting;
use super::{ExpressionError, RenderError, Scope};
use crate::redact::{HIDDEN, names_secret, redact};
use crate::yaml;

/// The longest expression, in bytes, and the deepest nesting of its brackets. The parser is recursive, so more could
/// exhaust the stack; readable expressions need a tenth.
const LONGEST: usize = 1_000;
const DEEPEST: usize = 20;

/// An expression, ready to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    /// What an error names.
    pub(super) source: String,
    kind: Kind,
    /// The names that it needs: those that users set or capture, without a variable of the file as default.
    needs: Vec<String>,
    /// Whether its value uses the environment.
    pub(super) secret: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Known before the run.
    Constant(Value),
    /// A value that users set or capture, a part of it, or a column of a row: the most frequent case, so it is looked up
    /// directly.
    Part(Arc<Part>),
    /// `pick()` from a list of the file, which is not empty: frequent as well. All expressions that pick from a variable
    /// share its list.
    Pick(Arc<[Value]>),
    /// Anything else.
    Compiled(Arc<Compiled>),
}

/// A part of a value. Looked up directly, it stays exactly what it is.
#[derive(Debug)]
struct Part {
    path: Path,
    /// The general way, if the direct lookup finds nothing; its error says why.
    compiled: Compiled,
}

#[derive(Debug)]
struct Compiled {
    source: String,
    code: minijinja::Expression<'static, 'static>,
    operands: Arc<[Operand]>,
    draws: bool,
    /// Whether a name in it says that it reads a secret.
    is_secret: bool,
}

/// Why an expression has no value.
struct Failure {
    /// What minijinja calls it, if it does.
    kind: Option<ErrorKind>,
    message: String,
}

/// A name in an expression.
#[derive(Clone, Debug)]
struct Operand {
    name: String,
    /// Its value if no user has set one.
    constant: Option<minijinja::Value>,
    is_runtime: bool,
}

impl Expression {
    /// Compiles the text between the braces.
    pub(super) fn compile(source: &str, names: Bindings<'_>) -> Result<Self, ExpressionError> {
        if source.len() > LONGEST || nesting(source) > DEEPEST {
            return Err(ExpressionError(format!(
                "an expression is longer than {LONGEST} bytes or nested deeper than {DEEPEST}; keep parts of it in variables"
            )));
        }
        let wrong = |message: String| ExpressionError::new(source, message);
        let compile = || ENVIRONMENT.compile_expression_owned(guarded(source).into_owned());
        let code = catching(compile)
            .ok_or_else(|| wrong(PANICKED.to_owned()))?
            .map_err(|error| wrong(message(&error)))?;
        let used = code.undeclared_variables(false);
        let paths = code.undeclared_variables(true);
        let (operands, secret) = operands(&code, names).map_err(wrong)?;
        let compiled = Compiled {
            source: source.to_owned(),
            draws: used.iter().any(|name| FUNCTIONS.contains(&name.as_str())),
            is_secret: secret || paths.iter().any(|path| path.split('.').any(names_secret)),
            code,
            operands: operands.into(),
        };
        let operands = compiled.operands.iter();
        let needed = operands.filter(|it| it.is_runtime && it.constant.is_none());
        let needs = needed.map(|it| it.name.clone()).collect();
        let path = Path::parse(source);
        let kind = match path.as_ref().and_then(|path| path.constant(names)) {
            Some(value) => Kind::Constant(value.clone()),
            None => compiled.kind(path, names)?,
        };
        let expression = Self {
            source: source.to_owned(),
            kind,
            needs,
            secret,
        };
        let constant = expression.constant();
        names.budget.take(constant).map_err(wrong)?;
        Ok(expression)
    }

    /// The value, if it is known before the run.
    pub(super) fn constant(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Constant(value) => Some(value),
            Kind::Part(_) | Kind::Pick(_) | Kind::Compiled(_) => None,
        }
    }

    /// Evaluates.
    pub(super) fn value<'v>(
        &'v self,
        scope: &'v mut Scope<'_>,
    ) -> Result<Cow<'v, Value>, RenderError> {
        match &self.kind {
            Kind::Constant(value) => Ok(Cow::Borrowed(value)),
            Kind::Part(part) => {
                let whole = scope.values.get(&part.path.name);
                match whole.and_then(|whole| part.path.within(whole)) {
                    Some(value) => {
                        let compiled = &part.compiled;
                        scope.note(value, || compiled.is_secret, compiled.names());
                        Ok(Cow::Borrowed(value))
                    }
                    None => part.compiled.evaluate(scope).map(Cow::Owned),
                }
            }
            Kind::Pick(values) => Ok(Cow::Borrowed(&values[draw(scope.rng, values.len())])),
            Kind::Compiled(compiled) => compiled.evaluate(scope).map(Cow::Owned),
        }
    }

    /// Whether it has no value if one of these names is unset.
    pub(super) fn needs_any(&self, names: &BTreeSet<String>) -> bool {
        self.needs.iter().any(|name| names.contains(name))
    }
}

impl Compiled {
    /// How the expression is evaluated as users run.
    fn kind(self, path: Option<Path>, names: Bindings<'_>) -> Result<Kind, ExpressionError> {
        let folded = self.fold().map_err(|error| {
            // Messages of minijinja may repeat a value.
            ExpressionError(redact(&error.0, &names.secrets.values()))
        });
        if let Some(value) = folded? {
            let secret = self.is_secret.then_some("env");
            let made_of = self.names().chain(secret).map(str::to_owned);
            names.secrets.note(&made_of.collect::<Vec<_>>(), &value);
            return Ok(Kind::Constant(value));
        }
        Ok(match (pick(&self.source, names), path) {
            (Some(values), _) => Kind::Pick(values),
            (None, Some(path)) => {
                let compiled = self;
                Kind::Part(Arc::new(Part { path, compiled }))
            }
            (None, None) => Kind::Compiled(Arc::new(self)),
        })
    }

    /// Evaluates before the run what can be, and finds errors there rather than during the run.
    fn fold(&self) -> Result<Option<Value>, ExpressionError> {
        let is_runtime = self.operands.iter().any(|operand| operand.is_runtime);
        let draws = Draws::new(ChaCha8Rng::seed_from_u64(0), jiff::Timestamp::UNIX_EPOCH);
        // Names that users set are empty text here: enough to find filters that do not exist.
        let stand_in = |operand: &Operand| {
            let constant = operand.constant.clone();
            constant.or_else(|| operand.is_runtime.then(|| "".into()))
        };
        let values = self.operands.iter().map(stand_in).collect();
        match self.eval(values, draws) {
            Ok(value) if !is_runtime && !self.draws => Ok(Some(value)),
            Err(failure) if failure.kind.is_some_and(is_final) || !is_runtime => {
                Err(ExpressionError::new(&self.source, failure.message))
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.operands.iter().map(|operand| operand.name.as_str())
    }

    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value, RenderError> {
        let set = |operand: &Operand| {
            let set = scope.values.get(&operand.name);
            let set = set.filter(|_| operand.is_runtime).map(jinja);
            set.or_else(|| operand.constant.clone())
        };
        let values: Vec<_> = self.operands.iter().map(set).collect();
        let missing = values.iter().position(Option::is_none);
        let draws = Draws::new(scope.rng.clone(), (scope.now)());
        let outcome = self.eval(values, Arc::clone(&draws));
        if self.draws {
            *scope.rng = draws.generator();
        }
        let value = outcome.map_err(|failure| match failure.kind {
            Some(ErrorKind::UndefinedError) => RenderError::Unset(missing.map_or_else(
                || self.source.clone(),
                |index| self.operands[index].name.clone(),
            )),
            Some(_) | None => RenderError::Failed(self.source.clone(), failure.message),
        })?;
        scope.note(&value, || self.is_secret, self.names());
        Ok(value)
    }

    /// Evaluates with these values. Whatever minijinja does of it is done here, also what it does when a value is read.
    fn eval(
        &self,
        values: Vec<Option<minijinja::Value>>,
        draws: Arc<Draws>,
    ) -> Result<Value, Failure> {
        let frame = minijinja::Value::from_object(Frame {
            operands: Arc::clone(&self.operands),
            values,
            draws,
        });
        let work = || match self.code.eval(frame) {
            Ok(value) => json(&value).map_err(|message| Failure {
                kind: value.is_undefined().then_some(ErrorKind::UndefinedError),
                message,
            }),
            Err(error) => Err(Failure {
                kind: Some(error.kind()),
                message: self.without_values(message(&error)),
            }),
        };
        catching(work).unwrap_or_else(|| {
            Err(Failure {
                kind: None,
                message: PANICKED.to_owned(),
            })
        })
    }

    /// A message of minijinja without what it repeats of values, which may be secret: a name in quotes that the expression
    /// does not hold, and the numbers of a calculation.
    fn without_values(&self, message: String) -> String {
        const CALCULATION: &str = "unable to calculate ";
        if self.operands.is_empty() {
            return message;
        }
        if message.starts_with(CALCULATION) {
            return "unable to calculate with these numbers".to_owned();
        }
        match (message.find('\''), message.rfind('\'')) {
            (Some(from), Some(to)) if to > from => {
                let quoted = &message[from + 1..to];
                if self.source.contains(quoted) {
                    return message;
                }
                format!("{}{HIDDEN}{}", &message[..=from], &message[to..])
            }
            (_, _) => message,
        }
    }
}

/// The values of one evaluation, found by a linear search: expressions name one or two.
#[derive(Debug)]
struct Frame {
    operands: Arc<[Operand]>,
    values: Vec<Option<minijinja::Value>>,
    draws: Arc<Draws>,
}

impl Object for Frame {
    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        if key == DRAWS {
            return Some(minijinja::Value::from_dyn_object(Arc::clone(&self.draws)));
        }
        let mut operands = self.operands.iter();
        let index = operands.position(|operand| operand.name == key)?;
        self.values[index].clone()
    }
}

/// The list that an expression picks from, if it does nothing else and no user can replace the list.
fn pick(source: &str, names: Bindings<'_>) -> Option<Arc<[Value]>> {
    let name = source.strip_prefix("pick(")?.strip_suffix(')')?.trim();
    let values = names.variables.get(name)?.items()?;
    Some(values).filter(|values| !values.is_empty() && !names.runtime.contains(name))
}

/// Resolves the names of an expression, and says whether one of them is a secret.
fn operands(
    code: &minijinja::Expression<'_, '_>,
    names: Bindings<'_>,
) -> Result<(Vec<Operand>, bool), String> {
    for path in code.undeclared_variables(true) {
        names.rows.check(&path)?;
    }
    let (mut operands, mut secret) = (Vec::new(), false);
    let used: BTreeSet<String> = code.undeclared_variables(false).into_iter().collect();
    for name in used.iter().map(String::as_str) {
        if name == "env" {
            operands.push(environment(code, names)?);
            secret = true;
        } else if !FUNCTIONS.contains(&name) {
            operands.push(operand(name, names)?);
            secret |= names.variables.get(name).is_some_and(|v| v.secret);
        }
    }
    Ok((operands, secret))
}

/// Resolves a name that is not a function.
fn operand(name: &str, names: Bindings<'_>) -> Result<Operand, String> {
    let variable = names.variables.get(name);
    let is_runtime = names.runtime.contains(name);
    if variable.is_none() && !is_runtime {
        let known = names.variables.keys().chain(names.runtime);
        let known = known.map(String::as_str).chain(FUNCTIONS);
        let otherwise = "declare it under variables above its use, or set or capture it first";
        let suggestion = yaml::suggest(name, known, otherwise);
        return Err(format!("unknown name '{name}'{suggestion}"));
    }
    if let Some(variable) = variable {
        variable.used.set(true);
    }
    if names.rows.has(name) {
        names.rows.note(name);
    }
    Ok(Operand {
        name: name.to_owned(),
        constant: variable.map(Variable::jinja),
        is_runtime,
    })
}

/// Reads the variables of the environment that an expression names, as the operand `env`.
fn environment(
    code: &minijinja::Expression<'_, '_>,
    names: Bindings<'_>,
) -> Result<Operand, String> {
    let nested: BTreeSet<_> = code.undeclared_variables(true).into_iter().collect();
    let mut read = serde_json::Map::new();
    for path in &nested {
        if path == "env" {
            return Err(
                "env must be followed by the name of a variable, such as env.LOADTEST_PASSWORD"
                    .into(),
            );
        }
        let Some(rest) = path.strip_prefix("env.") else {
            continue;
        };
        let name = rest.split('.').next().unwrap_or_default();
        let value = names.secrets.read(name).ok_or_else(|| {
            format!("the environment variable {name} is unset or empty; set it before the run")
        })?;
        read.insert(name.to_owned(), Value::String(value));
    }
    Ok(Operand {
        name: "env".to_owned(),
        constant: Some(jinja(&Value::Object(read))),
        is_runtime: false,
    })
}
