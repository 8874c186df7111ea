//! The arguments that it takes to run the same again, without what may be secret in them.

use std::time::Duration;

use super::{Commands, Options, Place};

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

/// No shorter run of letters and digits is taken for a token.
const SHORTEST_TOKEN: usize = 20;

/// The flags that were given, with their values, beside gates, deployments, labels and seed, which a record has.
pub(super) fn given(options: &Options) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |flag: &str, value: Option<String>| {
        words.extend(value.map(|value| [flag.to_owned(), value]));
    };
    let number = |value: Option<u32>| value.map(|value| value.to_string());
    let length = |value: Option<Duration>| value.map(as_flag);
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
            let value = if is_secret(name) {
                HIDDEN.to_owned()
            } else {
                without_tokens(value)
            };
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

/// A length as a flag takes it, in one word.
fn as_flag(length: Duration) -> String {
    match (length.subsec_nanos(), length.subsec_nanos() % 1_000_000) {
        (0, _) => format!("{}s", length.as_secs()),
        (_, 0) => format!("{}ms", length.as_millis()),
        (_, _) => format!("{}us", length.as_micros()),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|part| name.contains(part))
}

/// A command with every value hidden that a secret's name stands before, that follows a `Bearer`, that stands before
/// the host of an address, that a variable of a secret's name has, or that looks like a token.
fn without_secrets(command: &str) -> String {
    let mut told = command.to_owned();
    // What is not UTF-8 is in no command that was read.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    for (name, value) in variables {
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
    without_tokens(word)
}

/// A word with every run of letters and digits hidden that nobody types: long, and of both.
fn without_tokens(word: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut told = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(start) = rest.find(is_part) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_part(c)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        let letters = run.bytes().filter(u8::is_ascii_alphabetic).count();
        let is_token = run.len() >= SHORTEST_TOKEN && digits >= 3 && letters >= 3;
        told.push_str(before);
        told.push_str(if is_token { HIDDEN } else { run });
        rest = after;
    }
    told + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_as_it_is_read() {
        for (micros, flag) in [
            (5_000_000, "5s"),
            (90_000_000, "90s"),
            (1_500_000, "1500ms"),
            (300_000, "300ms"),
            (20, "20us"),
        ] {
            let length = Duration::from_micros(micros);
            assert_eq!(as_flag(length), flag);
            assert_eq!(crate::units::parse_duration(flag), Ok(length));
        }
    }

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
                "SIGN=ghp_16C7e42F292c6912E7710c838347Ae178B4a ./a-server-of-a-very-long-name --in 2026-11-28",
                "SIGN=*** ./a-server-of-a-very-long-name --in 2026-11-28",
            ),
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
        assert_eq!(without_tokens("é9-ü"), "é9-ü");
    }
}
