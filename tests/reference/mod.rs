//! Pages of the book that are generated from the code, so that they cannot drift.
//!
//! `LOADGATE_UPDATE_DOCS=1 cargo test reference::` writes them.

mod keys;

use clap::{Arg, Command, CommandFactory as _};
use loadgate::cli::Cli;
use loadgate::metric::Metric;
use loadgate::report::{FAMILIES, GATED};
use loadgate::schema::{Kind, schema};
use serde_json::Value;

use crate::support::repository;
use keys::keys;

/// Set to write the pages instead of comparing them.
const UPDATE: &str = "LOADGATE_UPDATE_DOCS";

#[test]
fn generated_pages_are_up_to_date() {
    for (page, text) in [
        ("action", action()),
        ("cli", cli()),
        ("gitlab-component", gitlab_component()),
        ("metrics", metrics()),
        ("scenario", scenario()),
        ("thresholds", thresholds()),
    ] {
        let text = format!("{}\n", text.trim_end());
        let path = repository().join(format!("docs/src/reference/{page}.md"));
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{page}.md is outdated; run {UPDATE}=1 cargo test reference::"
        );
    }
}

/// A table, without the columns that are empty in every row.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let columns: Vec<usize> = (0..N)
        .filter(|&column| rows.iter().any(|row| !row[column].is_empty()))
        .collect();
    let line = |cell: &dyn Fn(usize) -> String| {
        let cells = columns.iter().map(|&column| cell(column));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let mut text = line(&|column| head[column].to_owned()) + &line(&|_| "---".to_owned());
    for row in rows {
        text += &line(&|column| row[column].replace('|', "\\|").replace('\n', " "));
    }
    text.replace("|  |", "| |").replace("|  |", "| |") + "\n"
}

/// Text as code; nothing if there is none.
fn code(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("`{text}`")
    }
}

fn yaml(file: &str) -> Value {
    let text = std::fs::read_to_string(repository().join(file)).unwrap();
    let head = text.split("\n---\n").next().unwrap();
    serde_saphyr::from_str(head).unwrap()
}

/// The rows of a map of inputs: name, default and description.
fn inputs(map: &Value) -> Vec<[String; 3]> {
    let rows = map.as_object().unwrap().iter().map(|(name, input)| {
        let default = input["default"].as_str().map(code);
        let default = default.unwrap_or_else(|| "required".to_owned());
        [code(name), default, description(input)]
    });
    rows.collect()
}

fn description(value: &Value) -> String {
    value["description"].as_str().unwrap_or_default().to_owned()
}

fn action() -> String {
    let action = yaml("action.yml");
    let outputs = action["outputs"].as_object().unwrap().iter();
    let outputs: Vec<_> = outputs
        .map(|(name, output)| [code(name), description(output)])
        .collect();
    let mut permissions = vec![[code("contents: read"), "the checkouts".to_owned()]];
    for (name, input) in action["inputs"].as_object().unwrap() {
        let description = description(input);
        if let Some((_, needs)) = description.split_once("needs ") {
            let words: Vec<_> = needs.split([' ', ',']).take(2).collect();
            permissions.push([code(&words.join(": ")), code(name)]);
        }
    }
    format!(
        "# GitHub Action\n\n{}.\n\n[Gate a service in a pull request](../tutorial/pull-request.md) has a workflow.\n\n\
         ## Inputs\n\n{}## Outputs\n\n{}## Permissions\n\n{}",
        description(&action),
        table(
            ["Input", "Default", "Description"],
            &inputs(&action["inputs"])
        ),
        table(["Output", "Description"], &outputs),
        table(["Permission", "Needed for"], &permissions),
    )
}

fn gitlab_component() -> String {
    let component = yaml("templates/loadgate.yml");
    format!(
        "# GitLab component\n\n`templates/loadgate.yml` is the job. [Run in GitLab CI](../how-to/gitlab.md) shows how to \
         include it.\n\n{}",
        table(
            ["Input", "Default", "Description"],
            &inputs(&component["spec"]["inputs"])
        )
    )
}

fn metrics() -> String {
    let described = schemars::schema_for!(Metric);
    let described = described.as_value()["oneOf"].as_array().unwrap();
    let keys: Vec<_> = Metric::ALL
        .into_iter()
        .map(|metric| {
            let schema = described.iter().find(|item| item["const"] == metric.key());
            [
                code(metric.key()),
                metric.label().to_owned(),
                description(schema.unwrap()),
            ]
        })
        .collect();
    let families = FAMILIES.iter().chain([&GATED]).map(|family| {
        let labels: Vec<_> = family.labels.iter().map(|label| code(label)).collect();
        let (kind, unit) = (family.kind.to_owned(), family.unit.to_owned());
        [
            code(family.name),
            kind,
            unit,
            labels.join(", "),
            family.help.to_owned(),
        ]
    });
    format!(
        "# Metrics\n\n## Keys\n\n`thresholds.yml`, `result.json` and reports name metrics by these keys. \
         [thresholds.yml: keys](thresholds.md) says which limits exist.\n\n{}\
         ## OpenMetrics\n\n`metrics.txt` has these families. `metrics-gated.txt` has only `{}`. \
         Samples of a counter have the suffix `_total`.\n\n{}",
        table(["Key", "In reports", "Description"], &keys),
        GATED.name,
        table(
            ["Family", "Type", "Unit", "Labels", "Description"],
            &families.collect::<Vec<_>>()
        ),
    )
}

fn scenario() -> String {
    keys(
        "# scenario.yml: keys\n\n[scenario.yml: behaviour](scenario-guide.md) explains what the keys do.",
        &serde_json::from_str(&schema(Kind::Scenario)).unwrap(),
    )
}

fn thresholds() -> String {
    keys(
        "# thresholds.yml: keys\n\n[Set thresholds](../how-to/set-thresholds.md) explains how to choose them.",
        &serde_json::from_str(&schema(Kind::Thresholds)).unwrap(),
    )
}

fn cli() -> String {
    let mut grammar = Cli::command();
    grammar.build();
    let commands = || {
        let all = grammar.get_subcommands();
        all.filter(|command| command.get_name() != "help")
    };
    let list: Vec<_> = commands()
        .map(|command| {
            let name = command.get_name();
            [format!("[`{name}`](#loadgate-{name})"), about(command)]
        })
        .collect();
    let mut page = format!(
        "# Command line\n\n{}\n\n{}{}",
        grammar.get_long_about().unwrap(),
        table(["Command", "Description"], &list),
        after_help(&grammar),
    );
    for command in commands() {
        page += &section(command);
    }
    page
}

fn about(command: &Command) -> String {
    command.get_about().unwrap().to_string()
}

/// Text after the options: aligned lines as they are, prose as prose.
fn after_help(command: &Command) -> String {
    let text = command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.is_empty());
    let paragraphs = paragraphs.map(|paragraph| {
        if paragraph.contains("\n  ") {
            let lines: Vec<_> = paragraph.lines().collect();
            format!("    {}\n\n", lines.join("\n    "))
        } else {
            format!("{paragraph}\n\n")
        }
    });
    paragraphs.collect()
}

/// One command: its usage, its arguments, and its options by heading.
fn section(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let mut text = format!(
        "## loadgate {}\n\n{}.\n\n`{}`\n\n",
        command.get_name(),
        about(command),
        usage.trim_start_matches("Usage: ")
    );
    let shown =
        |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    let (positionals, options): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(shown)
        .partition(|arg| arg.is_positional());
    if !positionals.is_empty() {
        text += &arguments("Argument", &positionals);
    }
    let mut headings: Vec<Option<&str>> = vec![];
    for option in &options {
        if !headings.contains(&option.get_help_heading()) {
            headings.push(option.get_help_heading());
        }
    }
    for heading in headings {
        let below = options
            .iter()
            .filter(|arg| arg.get_help_heading() == heading);
        text += &arguments(
            heading.unwrap_or("Option"),
            &below.copied().collect::<Vec<_>>(),
        );
    }
    text + &after_help(command)
}

fn arguments(head: &str, arguments: &[&Arg]) -> String {
    let rows: Vec<_> = arguments.iter().map(|arg| argument(arg)).collect();
    table([head, "Variable", "Default", "Description"], &rows)
}

/// Name, variable, default and description of an argument.
fn argument(arg: &Arg) -> [String; 4] {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // Defaults that are not known before the files are read stand in the text.
    let (help, described) = match help.split_once(" [default: ") {
        Some((help, default)) => (help.to_owned(), default.trim_end_matches(']').to_owned()),
        None => (help, String::new()),
    };
    let takes_value = arg.get_action().takes_values();
    let fixed = arg.get_default_values().iter().filter(|_| takes_value);
    let fixed: Vec<_> = fixed.map(|value| code(&value.to_string_lossy())).collect();
    let help = match values(arg) {
        values if values.is_empty() => help,
        values => format!("{help}: {values}"),
    };
    let variable = arg.get_env().map(|name| code(&name.to_string_lossy()));
    let short = arg.get_short().map(|short| format!("-{short}, "));
    [
        code(&format!("{}{arg}", short.unwrap_or_default())),
        variable.unwrap_or_default(),
        if fixed.is_empty() {
            described
        } else {
            fixed.join(", ")
        },
        help,
    ]
}

/// The values that an argument can have, with what they mean.
fn values(arg: &Arg) -> String {
    if arg.is_hide_possible_values_set() || !arg.get_action().takes_values() {
        return String::new();
    }
    let values = arg.get_possible_values();
    let values = values.iter().map(|value| match value.get_help() {
        Some(help) => format!("`{}` ({help})", value.get_name()),
        None => code(value.get_name()),
    });
    values.collect::<Vec<_>>().join(", ")
}
