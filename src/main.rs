//! The door: arguments in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadgate::cli::main().into()
}
