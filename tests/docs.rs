//! README.md and the book: every link resolves, every block of code is what loadgate takes, and the style holds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::CommandFactory as _;
use loadgate::cli::Cli;
use serde_json::Value;

use crate::support::{CodeBlock, Ran, code_blocks, gate, pages, repository};

/// Habits that make English hard to read.
const BANNED: [&str; 16] = [
    "nobody",
    " is no ",
    " are no ",
    " mend ",
    "told",
    " tell ",
    " tells ",
    "seldom",
    "whoever",
    "in vain",
    "dearest",
    "to be expected",
    "held against",
    "where there is",
    "did not answer",
    "no answer",
];

/// What reads well although it has one: a plain sentence, also where a coloured line breaks, and a stored key.
const ALLOWED: [&str; 5] = [
    "there is no baseline",
    "\u{241b}[32m is no baseline",
    "\"told",
    ".told",
    "$defs/told",
];

/// Pages with links that must resolve.
fn linking() -> Vec<(PathBuf, String)> {
    let more = [
        "CONTRIBUTING.md",
        "SECURITY.md",
        "examples/lambda/README.md",
        "examples/node/README.md",
        "examples/python/README.md",
    ];
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(repository().join(&path)).unwrap();
        (path, text)
    };
    let more = more.map(PathBuf::from).map(read);
    pages().into_iter().chain(more).collect()
}

/// A page without its fenced code.
fn prose(text: &str) -> String {
    let parts = text.split("\n```").step_by(2);
    parts.collect::<Vec<_>>().join("\n")
}

/// The anchors of a page, as GitHub and mdBook make them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The path that a link of a page leads to, in the repository.
fn resolved(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().unwrap().to_owned();
    for part in link.split('/') {
        if part == ".." {
            assert!(path.pop(), "{link} leads out of the repository");
        } else {
            path.push(part);
        }
    }
    path
}

#[test]
fn every_relative_link_and_anchor_resolves() {
    let pages = linking();
    let mut broken = Vec::new();
    for (page, text) in &pages {
        let prose = prose(text);
        let links = prose.split("](").skip(1);
        for link in links.map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                resolved(page, path)
            };
            let known = pages.iter().find(|(page, _)| *page == target);
            let holds = match known {
                Some((_, text)) => anchor.is_empty() || anchors(text).contains(anchor),
                None => anchor.is_empty() && repository().join(&target).exists(),
            };
            if !holds {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn files_that_contributors_are_sent_to_exist() {
    // The report's view model is announced, and not there yet.
    let announced = "src/report/view";
    let text = std::fs::read_to_string(repository().join("CONTRIBUTING.md")).unwrap();
    for span in text.split('`').skip(1).step_by(2) {
        let is_path = ["src/", "tests/", ".ci/"]
            .iter()
            .any(|at| span.starts_with(at));
        if is_path && !span.contains('*') && span != announced {
            assert!(repository().join(span).exists(), "{span}");
        }
    }
}

#[test]
fn pages_that_reports_name_exist() {
    let advice =
        std::fs::read_to_string(repository().join("src/report/wording/advice.rs")).unwrap();
    let named = advice.split("(docs: ").skip(1);
    let named: Vec<&str> = named.map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(!named.is_empty());
    for page in named {
        let page = format!("docs/src/{page}.md");
        assert!(repository().join(&page).exists(), "{page}");
    }
}

#[test]
fn the_summary_lists_every_page_of_the_book() {
    let summary = std::fs::read_to_string(repository().join("docs/src/SUMMARY.md")).unwrap();
    for page in pages().into_keys() {
        if let Ok(page) = page.strip_prefix("docs/src") {
            let is_listed = summary.contains(&format!("]({})", page.display()));
            assert!(is_listed || page == Path::new("SUMMARY.md"), "{page:?}");
        }
    }
}

#[test]
fn the_readme_is_short_and_narrow() {
    let readme = &pages()[Path::new("README.md")];
    assert!(readme.lines().count() <= 150);
    for line in readme.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
}

/// Checks that a text has none of the banned habits.
fn assert_plain(name: &str, text: &str) {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let flat = ALLOWED.iter().fold(flat.to_lowercase(), |flat, allowed| {
        flat.replace(allowed, "")
    });
    for habit in BANNED {
        assert!(!flat.contains(habit), "{name}: {habit}");
    }
}

#[test]
fn pages_use_plain_english() {
    for (page, text) in linking() {
        assert_plain(&page.display().to_string(), &text);
    }
}

/// Golden files of reports and of help, below a folder.
fn goldens(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let (folders, files): (Vec<_>, Vec<_>) = entries
        .map(|entry| entry.unwrap().path())
        .partition(|path| path.is_dir());
    let nested = folders.iter().flat_map(|folder| goldens(folder));
    files.into_iter().chain(nested).collect()
}

#[test]
fn reports_and_help_use_plain_english() {
    for folder in ["src/report/tests/goldens", "tests/snapshots"] {
        for file in goldens(&repository().join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            assert_plain(&file.display().to_string(), &text);
        }
    }
}

#[test]
fn help_and_inputs_use_plain_english() {
    let mut grammar = Cli::command();
    assert_plain("--help", &grammar.render_long_help().to_string());
    for command in grammar.get_subcommands_mut() {
        let help = command.render_long_help().to_string();
        assert_plain(command.get_name(), &help);
    }
    // The rest of these files are scripts.
    for (file, end) in [
        ("action.yml", "\nruns:"),
        ("templates/loadgate.yml", "\n---"),
    ] {
        let text = std::fs::read_to_string(repository().join(file)).unwrap();
        assert_plain(file, text.split(end).next().unwrap());
    }
}

/// Whether a map has only these keys.
fn has_only(value: &Value, keys: &[&str]) -> bool {
    let map = value.as_object();
    map.is_some_and(|map| map.keys().all(|key| keys.contains(&key.as_str())))
}

const THRESHOLDS: [&str; 4] = ["mode", "limits", "regression", "abort"];
const CLASS: [&str; 7] = [
    "name", "wait", "headers", "auth", "cookies", "on_start", "tasks",
];
const STEPS: &str = "user_classes: [{ name: u, tasks: [{ steps: [{ get: /, name: GET / }] }] }]\n";
const LOAD: &str = "load: [{ phase: steady, users: 1, for: 60s }]\n";
const TASKS: &str = "tasks: [{ steps: [{ get: /, name: GET / }] }]\n";

/// The scenario that a block is, or is a part of; nothing if it is another file's.
fn scenario(text: &str) -> Option<String> {
    let value: Value = serde_saphyr::from_str(text).unwrap();
    let first = value.as_array().and_then(|items| items.first());
    let indented = |by: &str| {
        let lines: Vec<String> = text.lines().map(|line| format!("{by}{line}")).collect();
        lines.join("\n") + "\n"
    };
    if value.get("user_classes").is_some() {
        return Some(text.to_owned());
    }
    if let Some(first) = first {
        if has_only(first, &CLASS) {
            return Some(format!("name: a\n{LOAD}user_classes:\n{text}"));
        }
        let is_step = |key: &&str| first.get(key).is_some();
        return ["get", "post", "command"].iter().any(is_step).then(|| {
            let steps = indented("          ");
            format!(
                "name: a\n{LOAD}user_classes:\n  - name: u\n    tasks:\n      - steps:\n{steps}"
            )
        });
    }
    if has_only(&value, &["load"]) || has_only(&value, &["cold_start"]) {
        let load = if value.get("load").is_some() {
            ""
        } else {
            LOAD
        };
        return Some(format!("name: a\n{load}{STEPS}{text}"));
    }
    has_only(&value, &CLASS).then(|| {
        let keys = indented("  ");
        let depth = keys.find(|c| c != ' ').unwrap();
        let (item, key) = (" ".repeat(depth - 2), " ".repeat(depth));
        format!("name: a\n{LOAD}user_classes:\n{item}- name: u\n{key}{TASKS}{keys}")
    })
}

/// Names that a block of thresholds speaks of: a scenario that has them.
fn scenario_for(thresholds: &Value) -> String {
    let mut names = BTreeSet::from(["GET /".to_owned()]);
    for section in [
        "/limits/requests",
        "/limits/warn/requests",
        "/regression/requests",
    ] {
        if let Some(map) = thresholds.pointer(section).and_then(Value::as_object) {
            names.extend(map.keys().cloned());
        }
    }
    let accepted = thresholds.pointer("/regression/accepted");
    for item in accepted.and_then(Value::as_array).into_iter().flatten() {
        names.insert(item["request"].as_str().unwrap().to_owned());
    }
    let steps = names
        .iter()
        .map(|name| format!("{{ get: /, name: \"{name}\" }}"));
    let steps = steps.collect::<Vec<_>>().join(", ");
    format!(
        "name: a\nuser_classes:\n  - name: u\n    tasks: [{{ steps: [{steps}] }}]\nload:\n  - {{ phase: steady, users: 50, for: 60s }}\n  - {{ repeat: 5, phases: [{{ phase: burst, users: 50, for: 9s }}, {{ phase: idle, users: 0, for: 9s }}] }}\ncold_start: {{ header: x-cold-start, equals: \"true\" }}\naws: {{ functions: f }}\n"
    )
}

/// Checks a gate by `loadgate validate`, with files that documented scenarios name.
fn validated(scenario: &str, thresholds: &str) -> Ran {
    let gate = gate(thresholds).with_scenario(scenario);
    let rows = "a@example.com\n".repeat(50);
    gate.write("accounts.csv", &format!("email\n{rows}"));
    gate.write("terms.json", "[{ \"q\": \"lamp\" }]");
    std::fs::create_dir(gate.home().join("shared")).unwrap();
    std::fs::write(gate.home().join("shared/base.yml"), "variables: {}\n").unwrap();
    let variables = ["LOADTEST_PASSWORD", "API_KEY", "COGNITO_CLIENT_ID"];
    // With credentials, a scenario that names AWS services would be held against the limits of an account.
    let keys: &[&str] = if scenario.contains("aws:") {
        &[]
    } else {
        &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    };
    let output = crate::support::loadgate(gate.home())
        .args(["validate", gate.folder().to_str().unwrap()])
        .args(["--target", "http://127.0.0.1:1"])
        .envs(variables.iter().chain(keys).map(|name| (name, "a-value")))
        .output();
    Ran::new(&output.unwrap())
}

#[test]
fn every_documented_scenario_and_threshold_is_taken() {
    let (mut scenarios, mut thresholds) = (0, 0);
    for CodeBlock {
        page,
        language,
        text,
    } in code_blocks()
    {
        if language != "yaml" {
            continue;
        }
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let ran = if has_only(&value, &THRESHOLDS) {
            thresholds += 1;
            validated(&scenario_for(&value), &text)
        } else if let Some(scenario) = scenario(&text) {
            scenarios += 1;
            validated(&scenario, "")
        } else {
            continue;
        };
        let is_refused = ["scenario.yml:", "thresholds.yml:"]
            .iter()
            .any(|file| ran.stderr.contains(file));
        assert!(!is_refused, "{page:?}:\n{text}\n{}", ran.stderr);
    }
    assert!(scenarios > 10 && thresholds > 8, "{scenarios} {thresholds}");
}

/// Every map in a value.
fn maps<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) => {
            found.push(value);
            map.values().for_each(|value| maps(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| maps(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn documented_jobs_give_inputs_that_exist() {
    let read = |file: &str| std::fs::read_to_string(repository().join(file)).unwrap();
    let action: Value = serde_saphyr::from_str(&read("action.yml")).unwrap();
    let component = read("templates/loadgate.yml");
    let (head, _) = component.split_once("\n---").unwrap();
    let component: Value = serde_saphyr::from_str(head).unwrap();
    let mut uses = 0;
    for CodeBlock {
        page,
        language,
        text,
    } in code_blocks()
    {
        if language != "yaml" {
            continue;
        }
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let mut found = Vec::new();
        maps(&value, &mut found);
        for map in found {
            let is_ours = |key: &str| {
                let name = map.get(key).and_then(Value::as_str);
                name.is_some_and(|name| name.contains("loadgate/loadgate"))
            };
            let (given, known) = if is_ours("uses") {
                (&map["with"], &action["inputs"])
            } else if is_ours("remote") {
                (&map["inputs"], &component["spec"]["inputs"])
            } else {
                continue;
            };
            uses += 1;
            for name in given.as_object().unwrap().keys() {
                assert!(known.get(name).is_some(), "{page:?}: {name}");
            }
        }
    }
    assert!(uses > 8, "{uses}");
}

/// A folder of programs for the shell: loadgate checks its arguments and does nothing, the others do nothing at all.
fn programs(folder: &Path) {
    let loadgate = format!(
        "exec '{}' \"$@\" --help >/dev/null",
        env!("CARGO_BIN_EXE_loadgate")
    );
    let others = [
        "cargo",
        "cp",
        "examples/lambda/demo",
        "mdbook",
        "python3",
        "sudo",
    ];
    // A script asks for the memory size of a function.
    let aws = "case $2 in get-function-configuration) echo 512 ;; esac";
    let all = others.map(|name| (name, "exit 0"));
    let special = [("loadgate", &*loadgate), ("aws", aws)];
    for (name, script) in all.into_iter().chain(special) {
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        crate::action::sh(folder, &format!("chmod +x {name}"));
    }
}

#[test]
fn documented_commands_have_arguments_that_exist() {
    let home = tempfile::tempdir().unwrap();
    for folder in ["examples/lambda", "services/orders"] {
        std::fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    programs(home.path());
    let mut commands = 0;
    for CodeBlock {
        page,
        language,
        text,
    } in code_blocks()
    {
        if language != "sh" {
            continue;
        }
        commands += text.matches("loadgate ").count();
        let output = Command::new("/bin/sh")
            .args(["-e", "-c", &text])
            .current_dir(home.path())
            .env_clear()
            .env("PATH", home.path())
            .output();
        let ran = Ran::new(&output.unwrap());
        assert_eq!(ran.code, Some(0), "{page:?}:\n{text}\n{}", ran.stderr);
    }
    assert!(commands > 20, "{commands}");
}

#[test]
fn documented_json_is_json() {
    let blocks = code_blocks();
    let json = blocks.iter().filter(|block| block.language == "json");
    for CodeBlock { page, text, .. } in json {
        let read = serde_json::from_str::<Value>(text);
        assert!(read.is_ok(), "{page:?}: {read:?}\n{text}");
    }
}

#[test]
fn code_is_of_a_language_that_a_test_reads() {
    let read = [
        "groovy", "js", "json", "mermaid", "python", "rust", "sh", "text", "yaml",
    ];
    for CodeBlock {
        page,
        language,
        text,
    } in code_blocks()
    {
        assert!(read.contains(&&*language), "{page:?}: {language}\n{text}");
    }
}
