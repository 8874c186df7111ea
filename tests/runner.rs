//! Runs a composite action as GitHub's runner does: expressions evaluated, a bash for each step, files for outputs and
//! summary, the log read for commands. Steps that use another action are noted and not run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::replay::{self, Load};
use crate::support::{MAX_LATE, NOWHERE};

/// What a job gives an action, and where it runs.
pub(crate) struct Job {
    home: TempDir,
    pub(crate) workspace: PathBuf,
    inputs: BTreeMap<String, String>,
    github: Value,
    variables: BTreeMap<String, String>,
    /// What a download brings.
    artifact: Option<PathBuf>,
    /// Folders of artifacts by their names: those that can be downloaded, and where uploads go.
    artifacts: Option<(PathBuf, PathBuf)>,
    /// Which job of a matrix it is.
    index: u64,
    /// What stands in for the load of its gates.
    load: Option<Load>,
    matrix: Value,
}

/// What came of an action.
#[derive(Debug, Default)]
pub(crate) struct Acted {
    /// Whether every step passed.
    pub(crate) is_success: bool,
    pub(crate) log: String,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
    /// Commands that the runner would have obeyed, in their order.
    pub(crate) commands: Vec<String>,
    /// Actions that would have been used, with what they would have been given.
    pub(crate) uses: Vec<(String, BTreeMap<String, String>)>,
    /// The environment of the step that runs the gate.
    pub(crate) steps: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads YAML as JSON.
pub(crate) fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A program in a folder that runs loadgate. Platforms take checksums of their binary each time, and one for tests is large.
pub(crate) fn small_binary(folder: &Path) -> PathBuf {
    let binary = folder.join("loadgate");
    let script = format!(
        "#!/bin/sh\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_loadgate")
    );
    std::fs::write(&binary, script).unwrap();
    let mut made = Command::new("chmod");
    assert!(made.arg("+x").arg(&binary).status().unwrap().success());
    binary
}

impl Job {
    /// A job in an empty workspace.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let workspace = home.path().join("workspace");
        std::fs::create_dir(&workspace).unwrap();
        std::fs::create_dir(home.path().join("temp")).unwrap();
        let binary = small_binary(home.path());
        Self {
            workspace,
            inputs: BTreeMap::from([(
                "binary-path".to_owned(),
                binary.to_str().unwrap().to_owned(),
            )]),
            github: json!({
                "job": "gate", "token": "ghs_a-token-that-nobody-may-see", "event_name": "pull_request",
                "action_repository": "", "event": { "pull_request": { "number": 7, "head": { "sha": "3f2c9ab0" } } },
            }),
            variables: BTreeMap::from([("GITHUB_RUN_ID".to_owned(), "1842".to_owned())]),
            artifact: None,
            artifacts: None,
            index: 0,
            load: None,
            matrix: Value::Null,
            home,
        }
    }

    pub(crate) fn with(mut self, input: &str, value: &str) -> Self {
        self.inputs.insert(input.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same as this job of a matrix.
    pub(crate) fn of_matrix(mut self, index: u64) -> Self {
        self.index = index;
        self
    }

    /// The same with a generated load in place of one that is sent.
    pub(crate) fn replaying(mut self, load: Load) -> Self {
        self.load = Some(load);
        self.with("target", NOWHERE)
    }

    /// The same with these values of a matrix.
    pub(crate) fn matrix(mut self, values: Value) -> Self {
        self.matrix = values;
        self
    }

    /// The same for a push to the default branch, whose runs become part of the history.
    pub(crate) fn on_main(self) -> Self {
        self.github("event_name", Value::from("push"))
            .github("ref", Value::from("refs/heads/main"))
            .github(
                "event",
                json!({ "repository": { "default_branch": "main" } }),
            )
    }

    /// What an artifact holds, for steps that download one.
    pub(crate) fn artifact(mut self, folder: &Path) -> Self {
        self.artifact = Some(folder.to_owned());
        self
    }

    /// The artifacts before the job, and a folder for those that it uploads.
    pub(crate) fn artifacts(mut self, before: &Path, after: &Path) -> Self {
        self.artifacts = Some((before.to_owned(), after.to_owned()));
        self
    }

    /// Everything of the job: its workspace, what the runner keeps for it, and its temporary files.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Sets a field of the `github` context, such as `event_name`.
    pub(crate) fn github(mut self, field: &str, value: Value) -> Self {
        self.github[field] = value;
        self
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.workspace.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.workspace.join(path)).unwrap()
    }

    /// A workflow's step that uses the action: what it gives, with `vars` and `matrix` of this context; none where its
    /// condition does not hold.
    pub(crate) fn given_by(self, step: &Value, context: &Value) -> Option<Self> {
        assert_eq!(step["uses"], "loadgate/loadgate@v0.1.0");
        let mut context = context.clone();
        context["github"] = self.github.clone();
        if !is_true(step["if"].as_str().unwrap_or("success()"), &context, true) {
            return None;
        }
        let with = step["with"].as_object().unwrap();
        Some(with.iter().fold(self, |job, (input, value)| {
            job.with(input, &filled(value.as_str().unwrap(), &context, true))
        }))
    }

    /// What a workflow's step gives another action.
    pub(crate) fn gives(&self, step: &Value) -> BTreeMap<String, String> {
        let context = json!({ "github": self.github });
        let with = step["with"].as_object().unwrap();
        with.iter()
            .map(|(name, value)| {
                (
                    name.clone(),
                    filled(value.as_str().unwrap(), &context, true),
                )
            })
            .collect()
    }

    /// Whether a workflow's job runs at all.
    pub(crate) fn runs(&self, job: &Value) -> bool {
        let context = json!({ "github": self.github });
        is_true(job["if"].as_str().unwrap(), &context, true)
    }

    /// Runs this repository's action.
    pub(crate) fn act(&self) -> Acted {
        self.act_in(root())
    }

    /// Runs the action of a folder.
    pub(crate) fn act_in(&self, action_path: &Path) -> Acted {
        let action = yaml(&action_path.join("action.yml"));
        let inputs = self.declared_inputs(&action);
        let context = |inputs: &Map<String, Value>, steps: &Map<String, Value>| {
            json!({
                "inputs": inputs, "steps": steps, "github": self.github,
                "strategy": { "job-index": self.index }, "matrix": self.matrix,
                "runner": { "os": "Linux", "arch": "X64" },
            })
        };
        if let Some(load) = &self.load {
            let scenarios = replay::scenarios(&self.workspace);
            load.write(&self.replayed(), scenarios.iter().map(String::as_str));
        }
        std::fs::write(
            self.home.path().join("event.json"),
            self.github["event"].to_string(),
        )
        .unwrap();
        let mut acted = Acted {
            is_success: true,
            ..Acted::default()
        };
        // The action as a whole is a step too, with files of its own.
        let outer = self.file_commands("action");
        let mut steps = Map::new();
        for (index, step) in action["runs"]["steps"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            let context = context(&inputs, &steps);
            let condition = step["if"].as_str().unwrap_or("success()");
            if !is_true(condition, &context, acted.is_success) {
                continue;
            }
            let pairs = |field: &str| -> BTreeMap<String, String> {
                let pairs = step[field].as_object().into_iter().flatten();
                pairs
                    .map(|(name, value)| {
                        let text = value
                            .as_str()
                            .map_or_else(|| value.to_string(), str::to_owned);
                        (name.clone(), filled(&text, &context, acted.is_success))
                    })
                    .collect()
            };
            let outputs = if let Some(uses) = step["uses"].as_str() {
                let with = pairs("with");
                self.transfer(uses, &with);
                acted.uses.push((uses.to_owned(), with));
                BTreeMap::new()
            } else {
                let folder = step["working-directory"].as_str().unwrap_or(".");
                let folder = self
                    .workspace
                    .join(filled(folder, &context, acted.is_success));
                let shell = filled(step["shell"].as_str().unwrap(), &context, acted.is_success);
                let script = step["run"].as_str().unwrap();
                assert!(
                    !script.contains("${{"),
                    "an expression in a script is code: {script}"
                );
                let env = pairs("env");
                let runs = env.get("RUNS").cloned();
                let runs = runs.unwrap_or_else(|| script.rsplit('/').next().unwrap().to_owned());
                acted.steps.push(runs.trim_end_matches('"').to_owned());
                self.step(
                    index,
                    (&shell, script),
                    &folder,
                    &env,
                    action_path,
                    &mut acted,
                )
            };
            if let Some(id) = step["id"].as_str() {
                steps.insert(id.to_owned(), json!({ "outputs": outputs }));
            }
        }
        for file in outer {
            assert_eq!(std::fs::read_to_string(file).unwrap(), "");
        }
        let context = context(&inputs, &steps);
        for (name, output) in action["outputs"].as_object().unwrap() {
            let value = filled(
                output["value"].as_str().unwrap(),
                &context,
                acted.is_success,
            );
            acted.outputs.insert(name.clone(), value);
        }
        acted
    }

    /// The value of every input that the action declares: as given, else its default.
    fn declared_inputs(&self, action: &Value) -> Map<String, Value> {
        let context = json!({
            "inputs": {}, "steps": {},
            "github": self.github, "strategy": { "job-index": self.index }, "matrix": self.matrix,
            "runner": { "os": "Linux", "arch": "X64" },
        });
        let mut inputs = Map::new();
        for (name, declared) in action["inputs"].as_object().unwrap() {
            let given = self.inputs.get(name).cloned();
            let usual = || {
                filled(
                    declared["default"].as_str().unwrap_or_default(),
                    &context,
                    true,
                )
            };
            inputs.insert(name.clone(), Value::from(given.unwrap_or_else(usual)));
        }
        for name in self.inputs.keys() {
            assert!(inputs.contains_key(name), "there is no input '{name}'");
        }
        inputs
    }

    fn replayed(&self) -> PathBuf {
        self.home.path().join("replayed")
    }

    /// Does what a step that downloads or uploads an artifact does, if the job has any.
    fn transfer(&self, uses: &str, with: &BTreeMap<String, String>) {
        let copy = |from: &Path, to: &Path| {
            std::fs::create_dir_all(to).unwrap();
            let copied = Command::new("cp")
                .arg("-r")
                .arg(from.join("."))
                .arg(to)
                .status();
            assert!(copied.unwrap().success());
        };
        let path = || Path::new(&with["path"]);
        if uses.contains("download-artifact@") {
            if let Some(artifact) = &self.artifact {
                copy(artifact, path());
            }
            if let Some((before, _)) = &self.artifacts {
                let wanted = |name: &str| match with["pattern"].strip_suffix('*') {
                    Some(start) if with["name"].is_empty() => name.starts_with(start),
                    _ => name == with["name"],
                };
                for entry in std::fs::read_dir(before).unwrap() {
                    let entry = entry.unwrap();
                    if wanted(entry.file_name().to_str().unwrap()) {
                        copy(&entry.path(), path());
                    }
                }
            }
        }
        if let Some((_, after)) = &self.artifacts
            && uses.contains("upload-artifact@")
        {
            let place = after.join(&with["name"]);
            assert_eq!(with["overwrite"], "true");
            if place.exists() {
                std::fs::remove_dir_all(&place).unwrap();
            }
            copy(path(), &place);
        }
    }

    /// The files by which a step speaks to the runner: environment, path, outputs, state and summary.
    fn file_commands(&self, step: &str) -> [PathBuf; 5] {
        let folder = self.home.path().join("temp/_runner_file_commands");
        std::fs::create_dir_all(&folder).unwrap();
        let names = [
            "set_env",
            "add_path",
            "set_output",
            "save_state",
            "step_summary",
        ];
        names.map(|name| {
            let path = folder.join(format!("{name}_{step}"));
            std::fs::write(&path, "").unwrap();
            path
        })
    }

    fn step(
        &self,
        index: usize,
        (shell, script): (&str, &str),
        folder: &Path,
        env: &BTreeMap<String, String>,
        action_path: &Path,
        acted: &mut Acted,
    ) -> BTreeMap<String, String> {
        let files = self.file_commands(&index.to_string());
        let [changed, paths, outputs, state, summary] = &files;
        let script_file = self.home.path().join(format!("temp/{index}.sh"));
        std::fs::write(&script_file, script).unwrap();
        let format = match shell {
            "bash" => "bash --noprofile --norc -eo pipefail {0}",
            other => other,
        };
        let script_file = script_file.display().to_string();
        let words: Vec<String> = format
            .split(' ')
            .map(|word| word.replace("{0}", &script_file))
            .collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder).env_clear();
        for kept in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
            .env(MAX_LATE.0, MAX_LATE.1)
            .envs(
                self.load
                    .is_some()
                    .then(|| (replay::VARIABLE, self.replayed())),
            )
            .env("CI", "true")
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTION_PATH", action_path)
            .env("GITHUB_ENV", changed)
            .env(
                "GITHUB_EVENT_NAME",
                self.github["event_name"].as_str().unwrap(),
            )
            .env("GITHUB_EVENT_PATH", self.home.path().join("event.json"))
            .env("GITHUB_JOB", self.github["job"].as_str().unwrap())
            .env("GITHUB_OUTPUT", outputs)
            .env("GITHUB_PATH", paths)
            .env("GITHUB_REF", self.github["ref"].as_str().unwrap_or(""))
            .env("GITHUB_REPOSITORY", "shop/api")
            .env("GITHUB_STATE", state)
            .env("GITHUB_STEP_SUMMARY", summary)
            .env("GITHUB_WORKSPACE", &self.workspace)
            .env("HOME", self.home.path())
            .env("RUNNER_ARCH", "X64")
            .env("RUNNER_OS", "Linux")
            .env("RUNNER_TEMP", self.home.path().join("temp"))
            .envs(&self.variables)
            .envs(env)
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        // The runner reads both streams for commands.
        let log = [output.stdout, output.stderr].concat();
        let log = String::from_utf8_lossy(&log).into_owned();
        acted.commands.extend(commands(&log));
        acted.log += &log;
        acted.summary += &std::fs::read_to_string(summary).unwrap();
        acted.is_success &= output.status.success();
        for file in [changed, paths, state] {
            assert_eq!(
                std::fs::read_to_string(file).unwrap(),
                "",
                "no step changes the environment of later ones"
            );
        }
        pairs(&std::fs::read_to_string(outputs).unwrap())
    }
}

/// The commands that the runner obeys: `::name …::…` at a line's beginning, unless they are stopped.
fn commands(log: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut stopped: Option<String> = None;
    for line in log.lines().map(str::trim_start) {
        if let Some(word) = &stopped {
            if line == format!("::{word}::") {
                stopped = None;
            }
            continue;
        }
        if let Some(word) = line.strip_prefix("::stop-commands::") {
            stopped = Some(word.to_owned());
            continue;
        }
        let is_command = line.strip_prefix("::").is_some_and(|rest| {
            rest.split_once("::").is_some_and(|(name, _)| {
                name.split(' ').next().is_some_and(|name| !name.is_empty())
            })
        });
        if is_command || line.contains("##[") || line.contains("##vso[") {
            found.push(line.to_owned());
        }
    }
    found
}

/// The pairs of a file of outputs, as the runner reads it.
pub(crate) fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (equals, Some(heredoc)) if equals.is_none_or(|equals| heredoc < equals) => {
                let (name, end) = (&line[..heredoc], &line[heredoc + 2..]);
                assert!(
                    !name.is_empty() && !end.is_empty(),
                    "invalid format: {line}"
                );
                let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                pairs.insert(name.to_owned(), value.join("\n"));
            }
            (Some(equals), _) => {
                pairs.insert(line[..equals].to_owned(), line[equals + 1..].to_owned());
            }
            _ => panic!("invalid format: {line}"),
        }
    }
    pairs
}

/// A text with its `${{ }}` in place.
fn filled(text: &str, context: &Value, is_success: bool) -> String {
    let mut rest = text;
    let mut whole = String::new();
    while let Some(start) = rest.find("${{") {
        let end = rest[start..].find("}}").unwrap() + start;
        whole += &rest[..start];
        whole += &shown(&evaluated(&rest[start + 3..end], context, is_success));
        rest = &rest[end + 2..];
    }
    whole + rest
}

fn is_true(condition: &str, context: &Value, is_success: bool) -> bool {
    let inner = condition.trim();
    let inner = inner
        .strip_prefix("${{")
        .map_or(inner, |rest| rest.strip_suffix("}}").unwrap());
    let asks_for_status = ["always()", "cancelled()", "failure()", "success()"];
    let asks_for_status = asks_for_status.iter().any(|name| inner.contains(name));
    let holds = truthy(&evaluated(inner, context, is_success));
    holds && (asks_for_status || is_success)
}

/// The few forms of expressions that the action and the recipes use: `||`, `&&`, `==`, `!=`, `!`, a text, a path, a status, a
/// place in a list.
fn evaluated(expression: &str, context: &Value, is_success: bool) -> Value {
    let expression = expression.trim();
    if let Some((left, right)) = expression.split_once("||") {
        let left = evaluated(left, context, is_success);
        return if truthy(&left) {
            left
        } else {
            evaluated(right, context, is_success)
        };
    }
    if let Some((left, right)) = expression.split_once("&&") {
        let left = evaluated(left, context, is_success);
        return if truthy(&left) {
            evaluated(right, context, is_success)
        } else {
            left
        };
    }
    for (operator, wanted) in [("==", true), ("!=", false)] {
        if let Some((left, right)) = expression.split_once(operator) {
            let side = |text| shown(&evaluated(text, context, is_success)).to_lowercase();
            return json!((side(left) == side(right)) == wanted);
        }
    }
    if let Some(rest) = expression.strip_prefix('!') {
        return json!(!truthy(&evaluated(rest, context, is_success)));
    }
    if let Some(rest) = expression.strip_prefix("contains(fromJSON('") {
        let (list, rest) = rest.split_once("'),").unwrap();
        let list: Vec<Value> = serde_json::from_str(list).unwrap();
        let sought = evaluated(rest.strip_suffix(')').unwrap(), context, is_success);
        return json!(list.contains(&sought));
    }
    if let Some(rest) = expression.strip_prefix("toJSON(") {
        let value = evaluated(rest.strip_suffix(')').unwrap(), context, is_success);
        return json!(value.to_string());
    }
    if let Some(text) = expression.strip_prefix('\'') {
        return json!(text.strip_suffix('\'').unwrap());
    }
    match expression {
        "always()" => json!(true),
        "cancelled()" => json!(false),
        "success()" => json!(is_success),
        path => {
            let known: BTreeSet<&str> = [
                "inputs", "steps", "github", "strategy", "runner", "vars", "matrix",
            ]
            .into();
            assert!(
                known.contains(path.split('.').next().unwrap()),
                "an unknown context: {path}"
            );
            let pointer = format!("/{}", path.replace('.', "/"));
            context.pointer(&pointer).cloned().unwrap_or_default()
        }
    }
}

fn truthy(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && *value != json!("") && *value != json!(0)
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        return String::new();
    }
    let text = value.as_str().map(str::to_owned);
    text.unwrap_or_else(|| value.to_string())
}
