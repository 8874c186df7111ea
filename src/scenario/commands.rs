//! Reads a `command` step: a program, for what a scenario cannot say itself.

use std::collections::BTreeSet;
use std::time::Duration;

use super::captures::{json_path, name};
use super::inputs::Commands;
use super::steps::timeout;
use super::template::{Place, Template};
use super::users::Reader;
use super::{Command, variables::Variables};
use crate::yaml::{Cursor, Entry, Error, Fields, Value};

/// A program that signs or hashes takes milliseconds, and one that talks to a login service some seconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Programs that read one of their arguments as a program.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"];
/// Programs that read all of their arguments as one; PowerShell not what stands behind `-File` and a script.
const SHELLS_OF_WINDOWS: [&str; 3] = ["cmd", "powershell", "pwsh"];

impl Reader<'_> {
    /// Reads a step that runs a program.
    pub(super) fn command(
        &self,
        fields: &Fields<'_>,
        settable: &BTreeSet<String>,
    ) -> Result<Command, Error> {
        let known = ["command", "capture", "timeout", "when"];
        let foreign = fields
            .entries()
            .iter()
            .find(|entry| !known.contains(&entry.key.text.as_str()));
        if let Some(entry) = foreign {
            return Err(entry.error(format_args!(
                "'{}' belongs to a request, and this step runs a program",
                entry.key.text
            )));
        }
        let program = fields.require("command")?;
        if self.inputs.commands == Commands::Refused {
            return Err(program.error(
                "runs a program on this machine: look at it, and allow it with --allow-commands",
            ));
        }
        let variables = self.variables;
        let arguments = arguments(program, variables, settable)?;
        let taken = |entry: &Entry<'_>| {
            let name = name(entry, variables)?;
            // Where the program fails, the name is unset, and the variable would quietly stand in for it.
            if variables.has(&name) {
                return Err(entry.error(format_args!(
                    "'{name}' is a variable as well, which would hide that the program failed: choose another name"
                )));
            }
            let path = json_path(entry.value.line_of_text()?);
            Ok((name, path.map_err(|message| entry.value.error(message))?))
        };
        let capture = fields.require("capture")?;
        let capture: Vec<_> = capture
            .entries()?
            .iter()
            .map(taken)
            .collect::<Result<_, _>>()?;
        if capture.is_empty() {
            return Err(program.error(
                "nothing is taken from what the program prints, name a value under capture",
            ));
        }
        Ok(Command {
            arguments,
            capture,
            timeout: fields.read_or("timeout", TIMEOUT, timeout)?,
        })
    }
}

fn arguments(
    cursor: &Cursor<'_>,
    variables: &Variables<'_>,
    settable: &BTreeSet<String>,
) -> Result<Vec<Template>, Error> {
    if !matches!(cursor.node().value, Value::List(_)) {
        return Err(cursor.error(
            "write the program and its arguments as a list, such as [./sign, \"{{ order }}\"]; no shell reads them, unless it is the program: [sh, -c, …]",
        ));
    }
    let items = cursor.filled_list()?;
    let text = |item: &Cursor<'_>| variables.template(item, Place::Plain, settable);
    let arguments: Vec<Template> = items.iter().map(text).collect::<Result<_, _>>()?;
    let program = &arguments[0];
    if program
        .constant()
        .is_none_or(|program| program.trim().is_empty())
    {
        return Err(items[0].error("must be a program that is known before the run"));
    }
    let base = program.source().rsplit(['/', '\\', ':']).next();
    let base = base.unwrap_or_default().to_ascii_lowercase();
    let base = base.trim_end_matches(['.', ' ']);
    let base = base.strip_suffix(".exe").unwrap_or(base);
    let is_file = |one: &Template| base != "cmd" && one.source().eq_ignore_ascii_case("-file");
    let script = arguments.iter().position(is_file).map(|flag| flag + 1);
    if SHELLS_OF_WINDOWS.contains(&base)
        && let Some(place) = arguments.iter().position(|one| !one.is_constant())
        && script.is_none_or(|script| place <= script)
    {
        return Err(items[place].error(format_args!(
            "{base} would run whatever the value says: call a program itself, or a script of PowerShell by [pwsh, -File, sign.ps1, …]"
        )));
    }
    if SHELLS.contains(&base) {
        let script = arguments.iter().position(|argument| {
            let flags = argument.source();
            flags.starts_with('-') && !flags.starts_with("--") && flags.ends_with('c')
        });
        let script = script.map(|flag| flag + 1);
        if let Some((place, script)) = script.and_then(|at| Some((at, arguments.get(at)?)))
            && !script.is_constant()
        {
            return Err(items[place].error(
                "a shell would run whatever the value says: hand it over as an argument and write \"$1\", as in [sh, -c, 'sign \"$1\"', sh, \"{{ order }}\"]",
            ));
        }
    }
    Ok(arguments)
}
