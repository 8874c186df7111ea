//! The GitLab component, its job run as a runner's shell runs it, beside a stand-in for the server's API.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::action::serving;
use crate::platform::{Api, Fault, JOB_TOKEN, Plays};
use crate::replay::{self, Load};
use crate::runner::small_binary;
use crate::support::{MAX_LATE, NOWHERE, Ran, SCENARIO, Server, load_slot};

const TOKEN: &str = "glpat-a-token-that-nobody-may-see";

/// A pipeline with the one job of `.gitlab-ci.yml`'s include.
pub(crate) struct Pipeline {
    checkout: PathBuf,
    job: Value,
    variables: BTreeMap<String, String>,
    /// What stands in for the load of its gates.
    load: Option<Load>,
    replayed: TempDir,
    /// Where its loadgate is.
    _programs: TempDir,
}

/// The texts of YAML with `$[[ inputs.NAME ]]` in place, as the server puts them there once the file is read.
fn interpolated(value: &Value, inputs: &BTreeMap<String, String>) -> Value {
    let text = |text: &str| {
        inputs.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("$[[ inputs.{name} ]]"), value)
        })
    };
    match value {
        Value::String(value) => Value::from(text(value)),
        Value::Array(items) => items
            .iter()
            .map(|item| interpolated(item, inputs))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (text(name), interpolated(field, inputs)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

impl Pipeline {
    /// The job that a checkout's `.gitlab-ci.yml` includes.
    pub(crate) fn of(checkout: &Path, api: &Api) -> Self {
        let text = std::fs::read_to_string(checkout.join(".gitlab-ci.yml")).unwrap();
        let file: Value = serde_saphyr::from_str(&text).unwrap();
        let include = &file["include"][0];
        let place = include["remote"].as_str().unwrap();
        let (_, path) = place.split_once("/v0.1.0/").unwrap();
        let component = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let component = std::fs::read_to_string(component).unwrap();
        let (header, body) = component.split_once("\n---\n").unwrap();
        let header: Value = serde_saphyr::from_str(header).unwrap();
        let declared = header["spec"]["inputs"].as_object().unwrap();
        let given = include["inputs"].as_object().unwrap();
        for name in given.keys() {
            assert!(declared.contains_key(name), "there is no input '{name}'");
        }
        let input = |(name, input): (&String, &Value)| {
            let value = given.get(name).unwrap_or(&input["default"]);
            (name.clone(), value.as_str().unwrap().to_owned())
        };
        let inputs = declared.iter().map(input).collect();
        let body = interpolated(&serde_saphyr::from_str(body).unwrap(), &inputs);
        let job = body.as_object().unwrap().values().next().unwrap().clone();
        let programs = tempfile::tempdir().unwrap();
        small_binary(programs.path());
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", programs.path().display());
        let variables = [
            ("PATH", path.as_str()),
            MAX_LATE,
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("CI_API_V4_URL", &api.url()),
            ("CI_PROJECT_ID", "12"),
            ("CI_PIPELINE_ID", "50"),
            ("CI_JOB_NAME", "performance"),
            ("CI_JOB_TOKEN", JOB_TOKEN),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("GITLAB_TOKEN", TOKEN),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            checkout: checkout.to_owned(),
            job,
            variables: variables.into_iter().map(owned).collect(),
            load: Some(Load::taking(2.0)),
            replayed: tempfile::tempdir().unwrap(),
            _programs: programs,
        }
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same with another load, or with one that is sent.
    pub(crate) fn loading(self, load: Option<Load>) -> Self {
        Self { load, ..self }
    }

    /// The same for merge request 7 onto this commit.
    pub(crate) fn merge_request(mut self, base: &str) -> Self {
        self.variables.remove("CI_COMMIT_BRANCH");
        self.variable("CI_PIPELINE_SOURCE", "merge_request_event")
            .variable("CI_MERGE_REQUEST_IID", "7")
            .variable("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)
    }

    /// Runs the job's script, and holds what always holds: no token is told.
    pub(crate) fn run(&self) -> Ran {
        // A replayed load takes no processor from another.
        let _slot = self.load.is_none().then(load_slot);
        if let Some(load) = &self.load {
            let scenarios = replay::scenarios(&self.checkout);
            load.write(self.replayed.path(), scenarios.iter().map(String::as_str));
        }
        let ran = self.run_script();
        for told in [&ran.stdout, &ran.stderr] {
            assert!(!told.contains("-that-nobody-may-see"), "{told}");
        }
        ran
    }

    fn run_script(&self) -> Ran {
        let script = self.job["script"].as_array().unwrap();
        let script: Vec<&str> = script.iter().map(|line| line.as_str().unwrap()).collect();
        let variables = self.job["variables"].as_object().unwrap();
        let variables = variables
            .iter()
            .map(|(name, value)| (name, value.as_str().unwrap()));
        let mut command = Command::new("sh");
        command
            .args(["-e", "-c", &script.join("\n")])
            .current_dir(&self.checkout)
            .env_clear()
            .stdin(Stdio::null());
        for kept in ["HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        if self.load.is_some() {
            command.env(replay::VARIABLE, self.replayed.path());
        }
        let output = command.envs(variables).envs(&self.variables).output();
        Ran::new(&output.unwrap())
    }
}

/// A checkout with a pipeline of one gate, with these further inputs.
fn checkout(inputs: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let gate = home.path().join("gates/sample");
    std::fs::create_dir_all(&gate).unwrap();
    std::fs::write(gate.join("scenario.yml"), SCENARIO).unwrap();
    // A second is too short for a percentile's history.
    let thresholds = "regression: { gate: [error_rate] }";
    std::fs::write(gate.join("thresholds.yml"), thresholds).unwrap();
    let text = format!(
        "include:\n  - remote: https://example.com/v0.1.0/templates/loadgate.yml\n    inputs:\n      gates: gates/sample\n      target: {NOWHERE}\n{inputs}"
    );
    std::fs::write(home.path().join(".gitlab-ci.yml"), text).unwrap();
    home
}

const FILE: &str = "loadgate-baseline/0.0.1/baseline-gates-sample-3427008523.json";

fn jobs(api: &Api) -> usize {
    api.package(FILE)
        .map_or(0, |file| file["jobs"].as_array().unwrap().len())
}

#[test]
fn main_adds_to_a_history_that_merge_requests_read() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let on_main = |id: &str| {
        let home = checkout("");
        Pipeline::of(home.path(), &api)
            .variable("CI_PIPELINE_ID", id)
            .run()
    };
    on_main("1").exits(0);
    assert_eq!(jobs(&api), 1);
    on_main("2").exits(0).tells(&["1 baseline job"]);
    assert_eq!(jobs(&api), 2);
    let home = checkout("");
    let ran = Pipeline::of(home.path(), &api).merge_request("").run();
    ran.exits(0).tells(&["2 baseline jobs"]);
    assert_eq!(jobs(&api), 2, "a merge request adds nothing");
    let puts = api.calls();
    let puts = puts.iter().filter(|call| call.method == "PUT").count();
    assert_eq!(puts, 2);
}

#[test]
fn registry_failures_change_no_verdict_and_lose_no_history() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let home = checkout("");
    Pipeline::of(home.path(), &api).run().exits(0);
    let before = api.package(FILE);
    let get = "GET /projects/12/packages/";
    let put = "PUT /projects/12/packages/";
    for (id, line, fault, said) in [
        (2, get, Fault::Answers(403, "", "no"), "responded 403"),
        (3, get, Fault::Drops, "responded 000"),
        (4, put, Fault::Answers(403, "", "no"), "was not kept"),
        (5, put, Fault::Drops, "was not kept"),
    ] {
        api.fault(line, fault);
        let home = checkout("");
        let ran = Pipeline::of(home.path(), &api)
            .variable("CI_PIPELINE_ID", &id.to_string())
            .run();
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
        if line == get {
            ran.exits(0);
        }
        assert_eq!(api.package(FILE), before, "{said}");
    }
    for (id, fault) in [
        (6, Fault::Answers(429, "retry-after: 1\r\n", "slow down")),
        (7, Fault::Answers(500, "", "oops")),
    ] {
        api.fault(get, fault);
        let home = checkout("");
        Pipeline::of(home.path(), &api)
            .variable("CI_PIPELINE_ID", &id.to_string())
            .run()
            .tells(&["baseline job"]);
    }
}

#[test]
fn where_the_registry_keeps_its_files_is_not_handed_the_token() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let home = checkout("");
    Pipeline::of(home.path(), &api).run().exits(0);
    let kept = api.package(FILE).unwrap().to_string();
    let store = Server::start(move |_| (200, kept.clone()));
    let location = format!("location: {}/signed?sig=1\r\n", store.url());
    // Faults live as long as the API, which is as long as the test.
    let location: &'static str = Box::leak(location.into_boxed_str());
    let moved = Fault::Answers(302, location, "moved");
    api.fault("GET /projects/12/packages/", moved);
    let home = checkout("");
    Pipeline::of(home.path(), &api)
        .variable("CI_PIPELINE_ID", "2")
        .run()
        .tells(&["1 baseline job"]);
    let received = store.received();
    assert_eq!(received.len(), 1, "{received:?}");
    let is_told = |header: &str| received[0].header(header).is_some();
    assert!(!is_told("job-token") && !is_told("authorization"));
    assert_eq!(jobs(&api), 2);
}

/// A folder with these tools of the PATH alone, and programs of the test's own.
fn tools(own: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var("PATH").unwrap();
    for name in [
        "sh",
        "git",
        "curl",
        "sha256sum",
        "tar",
        "gzip",
        "uname",
        "mktemp",
        "cat",
        "rm",
        "tr",
        "mkdir",
        "chmod",
        "cp",
        "cut",
        "cksum",
        "find",
        "touch",
    ] {
        let mut places = path.split(':').map(|place| Path::new(place).join(name));
        let place = places.find(|place| place.exists());
        let place = place.unwrap_or_else(|| panic!("{name} is not on the PATH"));
        std::os::unix::fs::symlink(place, folder.path().join(name)).unwrap();
    }
    for (name, script) in own {
        std::fs::write(folder.path().join(name), script).unwrap();
        let program = folder.path().join(name);
        let made = Command::new("chmod").arg("+x").arg(program).status();
        assert!(made.unwrap().success());
    }
    folder
}

/// A version in a checkout's cache that was last used long ago.
fn aged(checkout: &Path) -> PathBuf {
    let old = checkout.join(".loadgate/old");
    std::fs::create_dir_all(&old).unwrap();
    let touched = Command::new("touch")
        .args(["-d", "2020-01-01"])
        .arg(&old)
        .status();
    assert!(touched.unwrap().success());
    old
}

#[test]
fn duet_inputs_are_ignored_if_serve_has_no_base() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    for (against, is_kept) in [("", false), ("http://127.0.0.1:9", true)] {
        let home = tempfile::tempdir().unwrap();
        let binary = home.path().join("binary");
        std::fs::write(&binary, "#!/bin/sh\nenv >asked\n").unwrap();
        crate::action::sh(home.path(), "chmod +x binary && mkdir -p gates/sample");
        let text = format!(
            "include:\n  - remote: https://example.com/v0.1.0/templates/loadgate.yml\n    inputs: {{ gates: gates/sample, serve: exec true, history: '', binary: '{}', against: '{against}' }}\n",
            binary.display()
        );
        std::fs::write(home.path().join(".gitlab-ci.yml"), text).unwrap();
        let settings = [
            "LOADGATE_PAIRS",
            "LOADGATE_AGAINST_SET",
            "LOADGATE_GUARD",
            "LOADGATE_NO_EARLY_STOP",
        ];
        let pipeline = Pipeline::of(home.path(), &api);
        let pipeline = settings
            .iter()
            .fold(pipeline, |pipeline, name| pipeline.variable(name, "7=8"));
        pipeline.run().exits(0);
        let asked = std::fs::read_to_string(home.path().join("asked")).unwrap();
        for name in settings {
            let is_told = asked.lines().any(|line| line == format!("{name}=7=8"));
            assert_eq!(is_told, is_kept, "{name} against '{against}': {asked}");
        }
    }
}

#[test]
fn loadgate_comes_as_a_checked_release_or_from_source() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let none = tools(&[]);
    let home = checkout("");
    let _ = Pipeline::of(home.path(), &api)
        .variable("PATH", none.path().to_str().unwrap())
        .run()
        .exits(2)
        .says(&["sha256"]);

    let folder = tempfile::tempdir().unwrap();
    let program = format!(
        "#!/bin/sh\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_loadgate")
    );
    std::fs::write(folder.path().join("loadgate"), &program).unwrap();
    let sum = crate::action::sh(
        folder.path(),
        "chmod +x loadgate && tar -czf a.tar.gz loadgate && sha256sum a.tar.gz | cut -d' ' -f1",
    );
    let url = serving(std::fs::read(folder.path().join("a.tar.gz")).unwrap());
    let inputs = |sum: &str| format!("      source: {url}\n      sha256: '{sum}'\n");
    let home = checkout(&inputs(&sum));
    let old = aged(home.path());
    let ran = Pipeline::of(home.path(), &api)
        .variable("PATH", none.path().to_str().unwrap())
        .run();
    let _ = ran.tells(&["loadgate"]).exits(0);
    assert!(!old.exists(), "the cache does not grow for ever");
    let home = checkout(&inputs(&"0".repeat(64)));
    let _ = Pipeline::of(home.path(), &api)
        .variable("PATH", none.path().to_str().unwrap())
        .run()
        .exits(2)
        .says(&["checksum"]);
    assert!(
        !home.path().join("loadgate-out").exists(),
        "it does not run"
    );

    let cargo = format!(
        "#!/bin/sh\necho \"$@\" >asked\nwhile [ \"$1\" != --root ]; do shift; done\nmkdir -p \"$2/bin\" && cp {} \"$2/bin/loadgate\"\n",
        env!("CARGO_BIN_EXE_loadgate")
    );
    let with_cargo = tools(&[("cargo", &cargo)]);
    let home = checkout("      history: ''\n");
    Pipeline::of(home.path(), &api)
        .variable("PATH", with_cargo.path().to_str().unwrap())
        .run()
        .exits(0);
    let asked = std::fs::read_to_string(home.path().join("asked")).unwrap();
    assert!(
        asked.contains("--locked --git https://github.com/loadgate/loadgate --rev v0.1.0"),
        "{asked}"
    );
}

#[test]
fn builds_are_cached_by_version_and_architecture() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let cargo = format!(
        "#!/bin/sh\nwhile [ \"$1\" != --root ]; do [ \"$1\" = --rev ] && echo \"$2\" >>revisions; shift; done\nmkdir -p \"$2/bin\" && cp {} \"$2/bin/loadgate\"\n",
        env!("CARGO_BIN_EXE_loadgate")
    );
    let tools = tools(&[("cargo", &cargo)]);
    let machine = crate::action::sh(Path::new("."), "uname -m");
    let input = |version: &str| format!("      history: ''\n      version: {version}\n");
    let home = checkout(&input("release/1.0"));
    aged(home.path());
    for version in ["release/1.0", "v0.1.0"] {
        let text = std::fs::read_to_string(home.path().join(".gitlab-ci.yml")).unwrap();
        std::fs::write(
            home.path().join(".gitlab-ci.yml"),
            text.replace("release/1.0", version),
        )
        .unwrap();
        let pipeline =
            Pipeline::of(home.path(), &api).variable("PATH", tools.path().to_str().unwrap());
        let cache = &pipeline.job["cache"];
        let key = cache["key"].as_str().unwrap();
        assert!(!key.contains('/') && !key.contains('$'), "{key}");
        assert_eq!(cache["paths"], serde_json::json!([".loadgate/"]));
        pipeline.run().exits(0);
    }
    let built = std::fs::read_dir(home.path().join(".loadgate")).unwrap();
    let mut built: Vec<String> = built
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    built.sort();
    assert_eq!(
        built,
        [
            format!("{machine}-release-1.0"),
            format!("{machine}-v0.1.0")
        ]
    );
    let revisions = std::fs::read_to_string(home.path().join("revisions")).unwrap();
    assert_eq!(revisions, "release/1.0\nv0.1.0\n");
}

/// A merge request whose build is this, with a program for loadgate that it can replace.
fn building(build: &str, api: &Api) -> (TempDir, Pipeline) {
    let home = checkout(
        "      binary: ./loadgate\n      serve: 'env >served; exec ./serve'\n      build: 'sh ./build.sh'\n",
    );
    let (of, binary) = (home.path(), env!("CARGO_BIN_EXE_loadgate"));
    std::fs::write(of.join("build.sh"), build).unwrap();
    for (name, does) in [
        ("loadgate", "\"$@\""),
        ("serve", "lambda --address 127.0.0.1:$LOADGATE_PORT"),
    ] {
        std::fs::write(of.join(name), format!("#!/bin/sh\nexec {binary} {does}\n")).unwrap();
    }
    let thief = format!("#!/bin/sh\nenv >>{}/stolen\n", of.display());
    std::fs::write(of.join("thief"), thief).unwrap();
    crate::action::sh(
        of,
        "chmod +x loadgate serve thief && sed -i '/target:/d' .gitlab-ci.yml && git init -q . && git add -A && git commit -qm one",
    );
    let pipeline = Pipeline::of(of, api)
        .variable("HOME", of.to_str().unwrap())
        .variable(
            "CI_REPOSITORY_URL",
            &format!("https://ci:{JOB_TOKEN}@example.com/shop/api.git"),
        );
    (home, pipeline)
}

#[test]
fn code_of_a_change_gets_no_token() {
    let traps = "env >built
        for hook in post-checkout reference-transaction; do cp thief .git/hooks/$hook; done
        git config core.fsmonitor $PWD/thief; git config core.hooksPath $PWD/.git/hooks
        echo 'proxy = http://127.0.0.1:9' >$HOME/.curlrc; cp thief $HOME/.profile";
    let api = Api::start(Plays::GitLab, Some("bot"));
    let (home, pipeline) = building(traps, &api);
    pipeline.run().exits(0);
    for file in ["built", "served"] {
        let seen = std::fs::read_to_string(home.path().join(file)).unwrap();
        assert!(
            seen.contains("CI_PIPELINE_ID=") && !seen.contains("that-nobody-may-see"),
            "{seen}"
        );
    }
    assert_eq!(jobs(&api), 1, "the history is kept all the same");
    let (home, pipeline) = building(traps, &api);
    let base = crate::action::sh(home.path(), "git rev-parse HEAD");
    let duet = Load::taking(2.0).against(2.0);
    let pipeline = pipeline.merge_request(&base).loading(Some(duet));
    pipeline.run().exits(0);
    let stolen = std::fs::read_to_string(home.path().join("stolen")).unwrap_or_default();
    assert!(!stolen.contains("that-nobody-may-see"), "{stolen}");
    assert_eq!(api.of("bot").len(), 1);
    // Another program in place of loadgate speaks for nobody.
    let api = Api::start(Plays::GitLab, Some("bot"));
    let (home, pipeline) = building("cp thief loadgate", &api);
    let base = crate::action::sh(home.path(), "git rev-parse HEAD");
    pipeline.merge_request(&base).run().exits(2);
    assert!(api.of("bot").is_empty() && !home.path().join("stolen").exists());
}

#[test]
fn a_kept_baseline_takes_the_place_of_a_link() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    Pipeline::of(checkout("").path(), &api).run().exits(0);
    let home = checkout("");
    let keep = home.path().join("keep");
    std::fs::write(&keep, "keep").unwrap();
    std::os::unix::fs::symlink(&keep, home.path().join("gates/sample/baseline.json")).unwrap();
    Pipeline::of(home.path(), &api)
        .variable("CI_PIPELINE_ID", "2")
        .run()
        .exits(0);
    assert_eq!(std::fs::read_to_string(keep).unwrap(), "keep");
    assert_eq!(jobs(&api), 2);
}

#[test]
fn merge_requests_only_read_the_cache() {
    let api = Api::start(Plays::GitLab, Some("bot"));
    let home = checkout("");
    let job = Pipeline::of(home.path(), &api).job;
    assert_eq!(job["cache"]["policy"], "$LOADGATE_CACHE_POLICY");
    assert_eq!(job["variables"]["LOADGATE_CACHE_POLICY"], "pull-push");
    let of_merge_requests = &job["rules"][0];
    assert_eq!(
        of_merge_requests["variables"]["LOADGATE_CACHE_POLICY"],
        "pull"
    );
}
