//! The target and the variables of the environment that `--environment` selects.

use std::collections::BTreeMap;

use super::Error;
use super::source::Environment;
use crate::yaml::{self, Cursor, Field, Map};

/// What the selected environment sets, over the file's own values.
#[derive(Default)]
pub(super) struct SelectedEnvironment<'d> {
    /// Address of the deployment.
    pub(super) target: Option<String>,
    /// Values of variables.
    pub(super) variables: BTreeMap<String, Cursor<'d>>,
}

/// Checks all environments, so that a mistake is found whichever is selected, and returns the selected one.
pub(super) fn select<'d>(
    environments: Map<'d, Environment<'d>>,
    variables: &Map<'d, Cursor<'d>>,
    selected: Option<&str>,
) -> Result<SelectedEnvironment<'d>, Error> {
    let names: Vec<&str> = environments.0.iter().map(|it| it.entry.name()).collect();
    let mut found = None;
    for Field { entry, value, .. } in environments.0 {
        refuse_undeclared(&value, variables)?;
        if selected == Some(entry.name()) {
            found = Some(value);
        }
    }
    let Some(name) = selected else {
        return Ok(SelectedEnvironment::default());
    };
    let found = found.ok_or_else(|| unknown(name, &names))?;
    let variables = found.variables.0.into_iter();
    Ok(SelectedEnvironment {
        target: found.target.map(|target| target.0),
        variables: variables
            .map(|it| (it.entry.name().to_owned(), it.value))
            .collect(),
    })
}

fn refuse_undeclared(
    environment: &Environment<'_>,
    declared: &Map<'_, Cursor<'_>>,
) -> Result<(), yaml::Error> {
    let known = declared.0.iter().map(|it| it.entry.name());
    let mut variables = environment.variables.0.iter();
    let undeclared = variables.find(|it| !known.clone().any(|name| name == it.entry.name()));
    undeclared.map_or(Ok(()), |it| Err(it.entry.unknown("variable", known)))
}

fn unknown(name: &str, known: &[&str]) -> Error {
    let otherwise = if known.is_empty() {
        "it has none; write them under environments".to_owned()
    } else {
        format!("use one of {}", known.join(", "))
    };
    let suggestion = yaml::suggest(name, known.iter().copied(), &otherwise);
    let message = format!("the scenario has no such environment{suggestion}");
    Error::argument("--environment", name, message)
}
