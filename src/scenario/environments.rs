//! Reads `environments`: the target and the variables of each, of which `--environment` chooses one.

use std::collections::BTreeMap;

use super::Error;
use super::parse::target;
use crate::yaml::{self, Cursor, Entry, Keys};

/// What the chosen environment says.
#[derive(Default)]
pub(super) struct Chosen<'d> {
    /// Its deployment, over the file's.
    pub(super) target: Option<String>,
    /// Its variables, over the file's.
    pub(super) variables: BTreeMap<String, Cursor<'d>>,
}

/// Reads all of them, so that a slip shows whichever is chosen, and gives back the chosen one.
pub(super) fn read<'d>(
    section: Option<&Cursor<'d>>,
    variables: Option<&Cursor<'d>>,
    chosen: Option<&str>,
) -> Result<Chosen<'d>, Error> {
    let environments = section.map_or_else(|| Ok(Vec::new()), Cursor::entries)?;
    let declared = variables.map_or_else(|| Ok(Vec::new()), Cursor::entries)?;
    let mut found = None;
    for environment in &environments {
        let read = one(environment, &declared)?;
        if chosen == Some(environment.key.text.as_str()) {
            found = Some(read);
        }
    }
    match (chosen, found) {
        (None, _) => Ok(Chosen::default()),
        (Some(_), Some(found)) => Ok(found),
        (Some(name), None) => {
            let known = environments.iter().map(|own| own.key.text.as_str());
            let listed = known.clone().collect::<Vec<_>>().join(", ");
            let otherwise = if listed.is_empty() {
                "it has none, write them under environments".to_owned()
            } else {
                format!("use one of {listed}")
            };
            Err(Error::Environment {
                name: name.to_owned(),
                message: format!(
                    "the scenario has no such environment{}",
                    yaml::hint(name, known, &otherwise)
                ),
            })
        }
    }
}

fn one<'d>(environment: &Entry<'d>, declared: &[Entry<'d>]) -> Result<Chosen<'d>, yaml::Error> {
    let fields = environment
        .value
        .fields(Keys::known(&["target", "variables"]))?;
    let mut variables = BTreeMap::new();
    for entry in fields.read_or("variables", Vec::new(), Cursor::entries)? {
        let known = declared.iter().map(|own| own.key.text.as_str());
        if !known.clone().any(|own| own == entry.key.text) {
            return Err(entry.unknown("variable", known));
        }
        variables.insert(entry.key.text.clone(), entry.value);
    }
    Ok(Chosen {
        target: fields.get("target").map(target).transpose()?,
        variables,
    })
}
