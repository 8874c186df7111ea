//! The arguments that it takes to run the same again, without what may be secret in them.

use std::time::Duration;

use super::{BaselineLocation, Commands, Options, SchedulingPolicy};
use crate::redact::{HIDDEN, may_name_secret};

/// What stands for a command. Whatever its text holds may be secret, and no rule would find all of that.
const COMMAND: &str = "…";

/// The flags that were given, with their values, beside gates, deployments, labels and seed, which a record has.
pub(super) fn given(options: &Options) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |flag: &str, value: Option<String>| {
        words.extend(value.map(|value| [flag.to_owned(), value]));
    };
    let number = |value: Option<u32>| value.map(|value| value.to_string());
    let length = |value: Option<Duration>| value.map(as_flag);
    let command = |command: &Option<String>| command.as_ref().map(|_| COMMAND.to_owned());
    add("--target-cmd", command(&options.target_cmd));
    add("--base-cmd", command(&options.base_cmd));
    add("--ready", options.ready.as_deref().map(without_query));
    add("--restart-every", number(options.restart_every));
    add("--pairs", number(options.pairs));
    add("--slice", length(options.slice));
    add("--guard", length(options.guard));
    add(
        "--wait",
        length(Some(options.wait).filter(|wait| !wait.is_zero())),
    );
    add("--max-late", length(options.max_late));
    add("--environment", options.environment.clone());
    for (flag, pairs) in [
        ("--set", &options.set),
        ("--against-set", &options.against_set),
    ] {
        for (name, value) in pairs {
            let value = if is_harmless(name, value) {
                value
            } else {
                HIDDEN
            };
            add(flag, Some(format!("{name}={value}")));
        }
    }
    // An address may hold a secret, and what lies there changes.
    if let Some(BaselineLocation::File(path)) = &options.baseline {
        add("--baseline", Some(path.display().to_string()));
    }
    for name in &options.passed {
        add("--pass-env", Some(name.clone()));
    }
    let text = options.text.iter().flat_map(|text| text.arguments.clone());
    let mut words: Vec<String> = text.chain(words.into_iter().flatten()).collect();
    if options.commands == Commands::Allowed {
        words.push("--allow-commands".to_owned());
    }
    if options.no_early_stop {
        words.push("--no-early-stop".to_owned());
    }
    if options.scheduling == SchedulingPolicy::Normal {
        words.extend(["--scheduling", "normal"].map(str::to_owned));
    }
    words
}

/// A path without what may be secret in its query.
fn without_query(path: &str) -> String {
    match path.split_once('?') {
        Some((path, _)) => format!("{path}?{HIDDEN}"),
        None => path.to_owned(),
    }
}

/// A length as a flag takes it, in one word.
pub fn as_flag(length: Duration) -> String {
    match (length.subsec_nanos(), length.subsec_nanos() % 1_000_000) {
        (0, _) => format!("{}s", length.as_secs()),
        (_, 0) => format!("{}ms", length.as_millis()),
        (_, _) => format!("{}us", length.as_micros()),
    }
}

/// Variables whose values may be secret.
pub(super) fn secrets(options: &Options) -> Vec<(String, String)> {
    let pairs = options.set.iter().chain(&options.against_set);
    let secret = pairs.filter(|(name, value)| !is_harmless(name, value));
    secret.cloned().collect()
}

/// Whether the value of a variable may be shown: a number that no name makes a secret.
fn is_harmless(name: &str, value: &str) -> bool {
    value.parse::<f64>().is_ok() && !may_name_secret(name)
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
    fn the_query_of_a_path_is_not_told() {
        assert_eq!(without_query("/health"), "/health");
        assert_eq!(without_query("/health?key=abc"), "/health?***");
    }

    #[test]
    fn of_the_values_of_variables_numbers_alone_are_told() {
        for (name, value, expected) in [
            ("burst_users", "500", true),
            ("share", "0.5", true),
            ("session", "d41d8cd98f", false),
            ("region", "eu-west-1", false),
            ("PIN", "1234", false),
            ("apiKey", "1234", false),
            ("DBPass", "123456", false),
            ("pincode", "1234", false),
            ("userpin", "1234", false),
            ("authcode", "1234", false),
            ("oauth", "1234", false),
            ("SigningKey", "1234", false),
        ] {
            assert_eq!(is_harmless(name, value), expected, "{name}");
        }
    }
}
