//! The arguments that it takes to run the same again, without what may be secret in them.

use std::time::Duration;

use super::{Commands, Options, Place};
use crate::units::written;

/// What stands for a secret.
const HIDDEN: &str = "***";

/// Parts of a name that say that its value is secret.
const SECRET: [&str; 7] = [
    "token",
    "secret",
    "passw",
    "key",
    "credential",
    "auth",
    "cookie",
];

/// The flags that were given, with their values, beside gates, deployments, labels and seed, which a record has.
pub(super) fn given(options: &Options) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |flag: &str, value: Option<String>| {
        words.extend(value.map(|value| [flag.to_owned(), value]));
    };
    let number = |value: Option<u32>| value.map(|value| value.to_string());
    let length = |value: Option<Duration>| value.map(written);
    let command = |command: &Option<String>| command.as_deref().map(without_secrets);
    add("--target-cmd", command(&options.target_cmd));
    add("--base-cmd", command(&options.base_cmd));
    add("--ready", options.ready.clone());
    add("--restart-every", number(options.restart_every));
    add("--pairs", number(options.pairs));
    add("--slice", length(options.slice));
    add("--guard", length(options.guard));
    add(
        "--wait",
        length(Some(options.wait).filter(|wait| !wait.is_zero())),
    );
    add("--environment", options.environment.clone());
    for (flag, pairs) in [
        ("--set", &options.set),
        ("--against-set", &options.against_set),
    ] {
        for (name, value) in pairs {
            let value = if is_secret(name) { HIDDEN } else { value };
            add(flag, Some(format!("{name}={value}")));
        }
    }
    // An address may hold a secret, and what lies there changes.
    if let Some(Place::File(path)) = &options.baseline {
        add("--baseline", Some(path.display().to_string()));
    }
    let mut words: Vec<String> = words.into_iter().flatten().collect();
    if options.commands == Commands::Allowed {
        words.push("--allow-commands".to_owned());
    }
    words
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

/// A command with every value hidden that a secret's name stands before, that follows a `Bearer`, that stands before
/// the host of an address, or that a variable of a secret's name has.
fn without_secrets(command: &str) -> String {
    let mut told = command.to_owned();
    for (name, value) in std::env::vars() {
        if is_secret(&name) && value.len() > 3 {
            told = told.replace(&value, HIDDEN);
        }
    }
    let mut hides_next = false;
    let words: Vec<String> = told
        .split(' ')
        .map(|word| {
            if word.is_empty() {
                return String::new();
            }
            if std::mem::take(&mut hides_next) {
                let end = word.len() - word.trim_end_matches(['"', '\'']).len();
                return format!("{HIDDEN}{}", &word[word.len() - end..]);
            }
            let bare = word.trim_matches(['"', '\'']).to_ascii_lowercase();
            hides_next = ["bearer", "basic"].contains(&bare.as_str())
                || (bare.starts_with('-') && !bare.contains('=') && is_secret(&bare));
            hidden(word)
        })
        .collect();
    words.join(" ")
}

/// A word with what may be secret in it hidden.
fn hidden(word: &str) -> String {
    if let Some((name, _)) = word.split_once('=')
        && is_secret(name)
    {
        return format!("{name}={HIDDEN}");
    }
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((_, host)) = rest.rsplit_once('@')
    {
        return format!("{scheme}://{HIDDEN}@{host}");
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_without_its_secrets() {
        for (command, told) in [
            (
                "./server --port $LOADGATE_PORT",
                "./server --port $LOADGATE_PORT",
            ),
            (
                "API_TOKEN=hunter2 ./server --db-password hunter3 -v",
                "API_TOKEN=*** ./server --db-password *** -v",
            ),
            ("./server --api-key=hunter4", "./server --api-key=***"),
            (
                "./server --db postgres://me:hunter5@db/x",
                "./server --db postgres://***@db/x",
            ),
            (
                "./wait 'Authorization: Bearer hunter6' x",
                "./wait 'Authorization: Bearer ***' x",
            ),
        ] {
            assert_eq!(without_secrets(command), told);
        }
    }
}
