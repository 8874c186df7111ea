//! The names in expressions: variables, values that users set or capture, and the environment.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::Budget;
use super::convert::jinja;
use super::functions::FUNCTIONS;
use super::path::word;
use crate::scenario::data::Table;
use crate::yaml;

/// The shortest number that an expression makes of a secret and that is one, in characters: a length is none.
const SHORTEST_NUMBER: usize = 4;

/// A variable of the file.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) value: Value,
    /// Whether the environment had a part in it, so that it must not be shown.
    pub(crate) secret: bool,
    /// Whether an expression has named it.
    pub(crate) used: Cell<bool>,
    /// Its value for expressions, which share it.
    jinja: OnceCell<minijinja::Value>,
    /// Its items, if it is a list; shared likewise.
    items: OnceCell<Option<Arc<[Value]>>>,
}

impl Variable {
    pub(crate) fn new(value: Value, secret: bool) -> Self {
        Self {
            value,
            secret,
            used: Cell::new(false),
            jinja: OnceCell::new(),
            items: OnceCell::new(),
        }
    }

    pub(super) fn jinja(&self) -> minijinja::Value {
        self.jinja.get_or_init(|| jinja(&self.value)).clone()
    }

    pub(super) fn items(&self) -> Option<Arc<[Value]>> {
        let items = || self.value.as_array().map(|items| items.as_slice().into());
        self.items.get_or_init(items).clone()
    }
}

/// The environment as a scenario may read it; it remembers what was read.
pub(crate) struct EnvironmentSecrets<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    read: RefCell<BTreeMap<String, String>>,
    /// Texts that expressions made of what they name, each with those names.
    made: RefCell<BTreeMap<String, BTreeSet<String>>>,
}

impl<'a> EnvironmentSecrets<'a> {
    pub(crate) fn new(env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            env,
            read: RefCell::default(),
            made: RefCell::default(),
        }
    }

    /// Notes what an expression made of what it names.
    pub(super) fn note(&self, names: &[String], value: &Value) {
        if names.is_empty() {
            return;
        }
        let mut made = self.made.borrow_mut();
        for text in secret_texts(value) {
            made.entry(text).or_default().extend(names.iter().cloned());
        }
    }

    /// What expressions made of the environment, or of these names.
    pub(crate) fn made_of(&self, names: &BTreeSet<String>) -> Vec<String> {
        let made = self.made.borrow();
        let is_secret = |own: &BTreeSet<String>| own.contains("env") || !own.is_disjoint(names);
        let secret = made.iter().filter(|(_, own)| is_secret(own));
        secret.map(|(text, _)| text.clone()).collect()
    }

    /// Reads one variable of the environment. An empty one counts as unset, since a secret that a CI does not hand out
    /// (on a pull request from a fork, say) arrives as an empty string.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        let value = (self.env)(name).filter(|value| !value.is_empty())?;
        self.read
            .borrow_mut()
            .insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// Every value that was read, once.
    pub(crate) fn values(&self) -> Vec<String> {
        let values: BTreeSet<_> = self.read.borrow().values().cloned().collect();
        values.into_iter().collect()
    }
}

/// The rows that users take, by the name that expressions call them by; remembers which were named.
#[derive(Default)]
pub(crate) struct Rows {
    tables: BTreeMap<String, Arc<Table>>,
    named: RefCell<BTreeSet<String>>,
}

impl Rows {
    pub(crate) fn new(tables: BTreeMap<String, Arc<Table>>) -> Self {
        Self {
            tables,
            named: RefCell::default(),
        }
    }

    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.tables.keys().cloned().collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }

    /// The rows that expressions have named since the last call.
    pub(crate) fn take_named(&self) -> BTreeSet<String> {
        self.named.take()
    }

    pub(super) fn note(&self, name: &str) {
        self.named.borrow_mut().insert(name.to_owned());
    }

    /// Refuses a path such as `users.emial`, whose second part is not a column.
    pub(super) fn check(&self, path: &str) -> Result<(), String> {
        let Some((name, rest)) = path.split_once('.') else {
            return Ok(());
        };
        let Some(table) = self.tables.get(name) else {
            return Ok(());
        };
        let column = rest.split('.').next().unwrap_or_default();
        if table.columns().any(|other| other == column) {
            return Ok(());
        }
        let known = table.columns().collect::<Vec<_>>().join(", ");
        Err(format!(
            "the rows of '{name}' have no column '{column}'{}",
            yaml::suggest(column, table.columns(), &format!("use one of {known}"))
        ))
    }
}

pub(crate) fn texts(value: &Value) -> impl Iterator<Item = &str> {
    scalars(value).into_iter().filter_map(Value::as_str)
}

fn scalars(value: &Value) -> Vec<&Value> {
    let (mut scalars, mut open) = (Vec::new(), vec![value]);
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(fields) => open.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                scalars.push(value);
            }
        }
    }
    scalars
}

/// The texts by which a value is known again: as it is written, and each of its parts. Numbers and short parts of lists stand
/// in other texts by chance.
pub fn secret_texts(value: &Value) -> Vec<String> {
    let numbers = scalars(value).into_iter().filter_map(Value::as_number);
    let long = numbers.map(|number| number.as_str().to_owned());
    let long = long.filter(|number| number.len() >= SHORTEST_NUMBER);
    let mut texts: Vec<String> = texts(value).map(str::to_owned).chain(long).collect();
    if value.is_array() || value.is_object() {
        texts.push(value.to_string());
    }
    texts.retain(|text| !text.is_empty());
    texts
}

/// What the expressions at one place of the file may name.
#[derive(Clone, Copy)]
pub(crate) struct Bindings<'a> {
    /// The variables, known before the run.
    pub(crate) variables: &'a BTreeMap<String, Variable>,
    /// Names that a step captures, a task sets or a row brings, known during the run.
    pub(crate) runtime: &'a BTreeSet<String>,
    /// The rows among them.
    pub(crate) rows: &'a Rows,
    pub(crate) secrets: &'a EnvironmentSecrets<'a>,
    /// The memory that expressions may still take.
    pub(crate) budget: &'a Budget,
}

/// Refuses a name that a value cannot have.
pub(crate) fn refuse_name(name: &str) -> Result<(), String> {
    const RESERVED: [&str; 15] = [
        "env", "true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is",
        "if", "else", "loop",
    ];
    if !matches!(word(name), Some((_, ""))) {
        return Err(format!(
            "'{name}' cannot be used in an expression; use letters, digits and _ only, and no digit first"
        ));
    }
    if RESERVED.contains(&name) || FUNCTIONS.contains(&name) {
        return Err(format!(
            "'{name}' already has a meaning in expressions; choose another name"
        ));
    }
    Ok(())
}
