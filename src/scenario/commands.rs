//! Compiles `command` steps, which run a program for what a scenario cannot express.

use std::time::Duration;

use serde_json_path::JsonPath;

use super::Command;
use super::captures::name;
use super::collections::Arguments;
use super::fields::json_path;
use super::inputs::Commands;
use super::rules::OF_COMMANDS;
use super::source::Step;
use super::template::{Bindings, Template};
use super::users::Compiler;
use crate::yaml::{Entry, Error, Located};

/// A program that signs or hashes takes milliseconds, and one that calls a login service takes seconds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Programs that run one of their arguments as a program.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"];
/// Programs that run all of their arguments as one program; PowerShell not what follows `-File` and a script.
const SHELLS_OF_WINDOWS: [&str; 3] = ["cmd", "powershell", "pwsh"];

impl Compiler<'_> {
    /// Compiles a step that runs a program.
    pub(super) fn command(
        &self,
        step: &Located<'_, Step<'_>>,
        program: &Arguments<'_>,
        names: Bindings<'_>,
    ) -> Result<Command, Error> {
        let entries = step.at.entries()?;
        if let Some(entry) = entries.iter().find(|it| !OF_COMMANDS.contains(&it.name())) {
            return Err(entry.error(format_args!(
                "'{}' belongs to a request, but this step runs a program",
                entry.name()
            )));
        }
        if self.inputs.commands == Commands::Refused {
            return Err(program.at.error(
                "runs a program on this machine; review it, then allow it with --allow-commands",
            ));
        }
        let arguments = arguments(program, names)?;
        let Some(captures) = &step.value.capture else {
            return Err(step.at.missing("capture"));
        };
        if captures.0.is_empty() {
            return Err(program.at.error(
                "nothing is taken from the output of the program; name a value under capture",
            ));
        }
        let captures = captures.0.iter().map(|it| capture(&it.entry, names));
        Ok(Command {
            arguments,
            capture: captures.collect::<Result<_, _>>()?,
            timeout: step.value.timeout.as_ref().map_or(TIMEOUT, |it| it.0),
        })
    }
}

fn capture(entry: &Entry<'_>, names: Bindings<'_>) -> Result<(String, JsonPath), Error> {
    let name = name(entry, names.rows)?;
    // If the program fails, the name is unset, and the variable would silently replace it.
    if names.variables.contains_key(&name) {
        return Err(entry.error(format_args!(
            "'{name}' is a variable as well, which would hide a failure of the program; choose another name"
        )));
    }
    let path = json_path(entry.value.line_of_text()?);
    Ok((name, path.map_err(|message| entry.value.error(message))?))
}

fn arguments(program: &Arguments<'_>, names: Bindings<'_>) -> Result<Vec<Template>, Error> {
    let arguments = program.items.iter().map(|item| names.text(item));
    let arguments: Vec<Template> = arguments.collect::<Result<_, _>>()?;
    if arguments[0]
        .constant()
        .is_none_or(|name| name.trim().is_empty())
    {
        return Err(program.items[0].error("must be a program that is known before the run"));
    }
    refuse_injection(program, &arguments)?;
    Ok(arguments)
}

/// Refuses values of expressions that a shell would run.
fn refuse_injection(program: &Arguments<'_>, arguments: &[Template]) -> Result<(), Error> {
    let base = arguments[0].source().rsplit(['/', '\\', ':']).next();
    let base = base.unwrap_or_default().to_ascii_lowercase();
    let base = base.trim_end_matches(['.', ' ']);
    let base = base.strip_suffix(".exe").unwrap_or(base);
    let after = |is_flag: &dyn Fn(&str) -> bool| {
        let mut sources = arguments.iter().map(Template::source);
        sources.position(is_flag).map(|flag| flag + 1)
    };
    let is_open = |index: &usize| arguments.get(*index).is_some_and(|it| !it.is_constant());
    let (index, why) = if SHELLS_OF_WINDOWS.contains(&base) {
        let script = after(&|flag| base != "cmd" && flag.eq_ignore_ascii_case("-file"));
        let index = (0..arguments.len()).find(is_open);
        (
            index.filter(|index| script.is_none_or(|script| *index <= script)),
            format!(
                "{base} would run whatever the value contains; call a program directly, or a PowerShell script with [pwsh, -File, sign.ps1, …]"
            ),
        )
    } else if SHELLS.contains(&base) {
        let script =
            after(&|flag| flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c'));
        (
            script.filter(is_open),
            "a shell would run whatever the value contains; pass it as an argument and write \"$1\", as in [sh, -c, 'sign \"$1\"', sh, \"{{ order }}\"]".to_owned(),
        )
    } else {
        (None, String::new())
    };
    index.map_or(Ok(()), |index| Err(program.items[index].error(why)))
}
