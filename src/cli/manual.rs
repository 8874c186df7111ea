//! `completions` and `man`: texts that are made from the grammar of the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man as Page;

use super::Cli;
use crate::exit::Exit;
use crate::gate::{Console, Verbosity};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell that reads the script
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct Man {
    /// Command to describe [default: loadgate itself]
    #[arg(value_name = "COMMAND", value_parser = known)]
    command: Option<String>,
}

impl Completions {
    pub(super) fn run(self) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "loadgate", &mut script);
        print(&script)
    }
}

impl Man {
    pub(super) fn run(self) -> Exit {
        let grammar = grammar();
        let name = self.command.as_deref();
        let described = name.and_then(|name| grammar.find_subcommand(name));
        let mut page = Vec::new();
        let rendered = Page::new(described.unwrap_or(&grammar).clone()).render(&mut page);
        // A buffer in memory takes everything.
        rendered.map_or(Exit::Usage, |()| print(&page))
    }
}

fn grammar() -> clap::Command {
    let mut grammar = Cli::command();
    grammar.build();
    grammar
}

/// Checks that a command exists.
fn known(name: &str) -> Result<String, String> {
    grammar()
        .find_subcommand(name)
        .map(|command| command.get_name().to_owned())
        .ok_or_else(|| "not a command; `loadgate --help` lists them".to_owned())
}

fn print(text: &[u8]) -> Exit {
    Console::of_process(Verbosity::Full).print(String::from_utf8_lossy(text).trim_end());
    Exit::Passed
}
