//! The words of the command line.

use clap::{CommandFactory as _, ValueEnum as _};
use clap_complete::Shell;
use loadgate::cli::Cli;

use crate::support::{MAX_LATE, Ran, loadgate};

/// As `--help` tells it where no terminal says how wide it is.
fn help(arguments: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let mut command = loadgate(home.path());
    let output = command.args(arguments).env_remove(MAX_LATE.0).output();
    Ran::new(&output.unwrap()).exits(0).stdout
}

#[test]
fn the_help_reads_as_it_should() {
    insta::assert_snapshot!("help", help(&["--help"]));
    for command in [
        "run",
        "try",
        "validate",
        "judge",
        "record",
        "compare",
        "report",
        "comment",
        "init",
        "lambda",
        "demo",
        "schema",
        "completions",
        "man",
    ] {
        insta::assert_snapshot!(format!("help_{command}"), help(&[command, "--help"]));
    }
}

#[test]
fn what_is_no_command_is_told_with_the_nearest() {
    let home = tempfile::tempdir().unwrap();
    let output = loadgate(home.path()).arg("judgge").output().unwrap();
    let ran = Ran::new(&output).exits(2);
    assert!(ran.stderr.contains("'judge'"), "{}", ran.stderr);
}

#[test]
fn completions_are_printed_as_clap_makes_them() {
    for shell in Shell::value_variants() {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Cli::command(), "loadgate", &mut script);
        let script = String::from_utf8(script).unwrap();
        let printed = help(&["completions", &shell.to_string()]);
        assert_eq!(printed.trim_end(), script.trim_end(), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    assert!(help(&["man"]).contains(".TH loadgate 1"));
    for command in Cli::command().get_subcommands() {
        let page = help(&["man", command.get_name()]);
        let title = format!(".TH loadgate-{} 1", command.get_name());
        assert!(page.contains(&title), "{page}");
    }
    let home = tempfile::tempdir().unwrap();
    let output = loadgate(home.path()).args(["man", "nonsense"]).output();
    Ran::new(&output.unwrap()).exits(2).says(&["nonsense"]);
}
