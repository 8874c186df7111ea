//! The variables of a scenario: those of the file, with the values of `--set` over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde_json::Value;

use super::inputs::Inputs;
use super::template::{
    Bindings, Budget, Condition, EnvironmentSecrets, EscapeContext, Rows, Template, ValueTemplate,
    Variable, refuse_name, texts,
};
use super::{Error, Scenario, sensitive};
use crate::yaml::{self, Cursor, Field, Map, Node};

/// What all expressions of the file may name.
pub(super) struct Variables<'a> {
    values: BTreeMap<String, Variable>,
    /// The values as written, for the identity: expressions that name the environment are not evaluated.
    written: BTreeMap<String, Value>,
    /// The values in the file of variables that `--set` replaces.
    replaced: BTreeMap<String, Value>,
    /// The variables that hold a secret of `--set`.
    holders: BTreeSet<String>,
    secrets: EnvironmentSecrets<'a>,
    budget: Budget,
    pub(super) rows: Rows,
}

impl<'a> Variables<'a> {
    /// Evaluates the section, with the values of the chosen environment over those of the file and those of `--set` over
    /// both. A variable may use the environment of the process and the variables above it.
    pub(super) fn new(
        section: &Map<'_, Cursor<'_>>,
        selected: &BTreeMap<String, Cursor<'_>>,
        inputs: &Inputs<'a>,
    ) -> Result<Self, Error> {
        let overrides = inputs.set;
        let mut variables = Self {
            values: BTreeMap::new(),
            written: BTreeMap::new(),
            replaced: BTreeMap::new(),
            holders: BTreeSet::new(),
            secrets: EnvironmentSecrets::new(inputs.env),
            budget: Budget::default(),
            rows: Rows::default(),
        };
        refuse_unknown(overrides, section.0.iter().map(|field| field.entry.name()))?;
        for Field { entry, value, .. } in &section.0 {
            let name = entry.name();
            refuse_name(name).map_err(|message| entry.error(message))?;
            let value = selected.get(name).unwrap_or(value);
            if let Some(text) = overrides.get(name) {
                override_value(text)
                    .and_then(|value| variables.add(name, value))
                    .map_err(|message| Error::argument("--set", name, message))?;
                let replaced = value.json().unwrap_or_default();
                variables.replaced.insert(name.to_owned(), replaced);
            } else {
                variables
                    .add(name, value.json()?)
                    .map_err(|message| value.error(message))?;
            }
        }
        Ok(variables)
    }

    fn add(&mut self, name: &str, written: Value) -> Result<(), String> {
        let template = ValueTemplate::parse(&written, self.names(&BTreeSet::new()))
            .map_err(|error| error.to_string())?;
        let value = template.constant().ok_or(
            "a variable keeps its value for the whole run; move values that are drawn anew into the 'set' of a task",
        )?;
        let variable = Variable::new(value.clone(), template.is_secret());
        self.values.insert(name.to_owned(), variable);
        self.written.insert(name.to_owned(), written);
        Ok(())
    }

    /// What expressions may name where users have set or captured these names.
    pub(super) fn names<'n>(&'n self, runtime: &'n BTreeSet<String>) -> Bindings<'n> {
        Bindings {
            variables: &self.values,
            runtime,
            rows: &self.rows,
            secrets: &self.secrets,
            budget: &self.budget,
        }
    }

    /// Whether there is such a variable.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// A value that is known before the run, parsed from text. An error does not repeat values of the environment.
    pub(super) fn known<T, E: Display>(
        &self,
        cursor: &Cursor<'_>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, yaml::Error> {
        let template = self.names(&BTreeSet::new()).text(cursor)?;
        let text = template
            .constant()
            .ok_or_else(|| cursor.error("must be known before the run; use variables only"))?;
        read(text).map_err(|error| {
            if !template.is_secret() {
                return cursor.error(error);
            }
            match read(template.source()) {
                Err(error) => cursor.error(error),
                Ok(_) => cursor.error("its value cannot be used here; set it to another one"),
            }
        })
    }

    /// The values, apart from those that hold secrets.
    pub(super) fn shown(&self) -> BTreeMap<String, Value> {
        let values = self.values.iter();
        let shown = values.filter(|(name, own)| !own.secret && !self.holders.contains(*name));
        shown
            .map(|(name, own)| (name.clone(), own.value.clone()))
            .collect()
    }

    /// The variables that expressions have named so far, with their values; as written if the value holds a secret.
    pub(super) fn used(&self) -> BTreeMap<&str, &Value> {
        let used = self.values.iter().filter(|(_, own)| own.used.get());
        used.map(|(name, own)| {
            let is_holder = self.holders.contains(name);
            let value = match self.replaced.get(name).filter(|_| is_holder) {
                Some(replaced) => replaced,
                None if is_holder || own.secret => &self.written[name],
                None => &own.value,
            };
            (name.as_str(), value)
        })
        .collect()
    }

    /// Everything that must not be shown: values of the environment, and the secrets among the values of `--set`.
    pub(super) fn secrets(&self, set: &BTreeMap<String, String>) -> Vec<String> {
        let given = set.iter().filter(|(name, _)| self.holders.contains(*name));
        let mut secrets = self.secrets.values();
        for (name, text) in given {
            secrets.push(text.clone());
            secrets.extend(texts(&self.values[name].value).map(str::to_owned));
        }
        secrets
    }

    /// Hides the secrets among the values of `--set`, as the scenario uses them.
    pub(super) fn hide_secrets(&mut self, scenario: &Scenario, set: &BTreeMap<String, String>) {
        self.holders = sensitive::holders(scenario, &self.written, set);
    }

    /// What expressions made of secrets before the run.
    pub(super) fn derived_secrets(&self) -> Vec<String> {
        self.secrets.made_of(&self.holders)
    }

    /// The names whose values are secret, of variables and of what users set and capture.
    pub(super) fn secret_names(&self, scenario: &Scenario) -> BTreeSet<String> {
        let read = self.values.iter().filter(|(_, variable)| variable.secret);
        let known = read.map(|(name, _)| name).chain(&self.holders);
        sensitive::names(scenario, &self.written, known.cloned().collect())
    }
}

impl Bindings<'_> {
    /// A template of text.
    pub(super) fn template(
        self,
        cursor: &Cursor<'_>,
        context: EscapeContext,
    ) -> Result<Template, yaml::Error> {
        Template::parse(cursor.scalar()?, context, self).map_err(|error| cursor.error(error))
    }

    /// A template of text that is not escaped.
    pub(super) fn text(self, cursor: &Cursor<'_>) -> Result<Template, yaml::Error> {
        self.template(cursor, EscapeContext::Plain)
    }

    /// A template of a JSON value.
    pub(super) fn value(self, cursor: &Cursor<'_>) -> Result<ValueTemplate, yaml::Error> {
        ValueTemplate::parse(&cursor.json()?, self).map_err(|error| cursor.error(error))
    }

    pub(super) fn condition(self, cursor: &Cursor<'_>) -> Result<Condition, yaml::Error> {
        Condition::parse(cursor.scalar()?, self).map_err(|error| cursor.error(error))
    }
}

fn refuse_unknown<'n>(
    overrides: &BTreeMap<String, String>,
    known: impl Iterator<Item = &'n str> + Clone,
) -> Result<(), Error> {
    let is_known = |name: &&String| known.clone().any(|known| known == *name);
    let Some(name) = overrides.keys().find(|name| !is_known(name)) else {
        return Ok(());
    };
    let suggestion = yaml::suggest(name, known, "declare it under variables first");
    let message = format!("the scenario has no such variable{suggestion}");
    Err(Error::argument("--set", name, message))
}

/// The value that `--set` gives, read as YAML so that `500` is a number.
fn override_value(text: &str) -> Result<Value, String> {
    let document = Node::parse("value", text);
    let value = document.and_then(|document| Cursor::root(&document).json());
    value.map_err(|error| error.message)
}
