//! The words of the command line.

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
        "run", "try", "validate", "judge", "record", "compare", "report", "comment", "init",
        "lambda", "demo",
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
