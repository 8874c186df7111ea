//! examples/lambda as its README runs it, with moto for CloudWatch: what the figures say is what the function logged.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{BINARY, Ran, clean, code_blocks, eventually, load_slot, loadgate, signal};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const GATE: &str = "thresholds/api";
/// Where loadgate looks for the logs alone.
const LOGS: &str = "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS";

/// The example in a folder of its own, with seconds of load.
struct Example(TempDir);

impl Example {
    /// An example that waits so long for figures.
    fn waiting(wait: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let from = Path::new(ROOT).join("examples/lambda");
        let files = ["demo", "aws.py", "requirements.txt", "thresholds"];
        let copied = Command::new("cp")
            .arg("-R")
            .args(files.map(|file| from.join(file)))
            .arg(home.path())
            .status();
        assert!(copied.unwrap().success());
        let example = Self(home);
        let scenario = format!("{GATE}/scenario.yml");
        example.edit(&scenario, "for: 5s", "for: 1s");
        example.edit(&scenario, "for: 20s", "for: 2s");
        example.edit(&scenario, "wait: 3m", &format!("wait: {wait}"));
        // The machine may be busy.
        let thresholds = format!("{GATE}/thresholds.yml");
        example.edit(&thresholds, "p95: 800ms", "p95: 60s");
        example.edit(&thresholds, "share: 20%", "share: 99%");
        // Enough for both kinds of cold starts.
        example.edit("aws.py", "--proactive-inits 20%", "--proactive-inits 50%");
        let log = "--log .demo/received.jsonl --report-log";
        example.edit("aws.py", "--report-log", log);
        example
    }

    fn home(&self) -> &Path {
        self.0.path()
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.home().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// The one command of the README.
    fn demo(&self) -> Command {
        let tools =
            std::env::var_os("OUTSIDE_TOOLS").expect("tests/outside/run sets OUTSIDE_TOOLS");
        let mut demo = clean(self.home().join("demo"), self.home());
        demo.env("LOADGATE", BINARY)
            .env("DEMO_VENV", Path::new(&tools).join("moto"));
        demo
    }

    /// The values of a file of JSON lines.
    fn lines(&self, file: &str) -> Vec<Value> {
        let text =
            std::fs::read_to_string(self.home().join(".demo").join(file)).unwrap_or_default();
        let lines = text.lines().map(serde_json::from_str);
        lines.map_while(Result::ok).collect()
    }

    fn figures(&self) -> Value {
        let result = self.home().join("loadgate-out/result.json");
        let result: Value = serde_json::from_slice(&std::fs::read(result).unwrap()).unwrap();
        result["aws"]["figures"].clone()
    }

    /// Judges the result with a limit of AWS in place of another.
    fn judged_with(&self, from: &str, to: &str) -> Ran {
        let thresholds = format!("{GATE}/thresholds.yml");
        self.edit(&thresholds, from, to);
        let judged = loadgate(self.home())
            .args(["judge", GATE, "loadgate-out/result.json"])
            .output();
        self.edit(&thresholds, to, from);
        Ran::new(&judged.unwrap())
    }
}

/// The figure after a name in a REPORT line.
fn figure(line: &Value, name: &str) -> Option<f64> {
    let (_, rest) = line["message"]
        .as_str()?
        .split_once(&format!("\t{name}: "))?;
    rest.split(' ').next()?.parse().ok()
}

/// The verdict at the end of the output that the book shows.
fn documented_verdict() -> String {
    let blocks = code_blocks().into_iter();
    let output = blocks
        .filter(|block| block.language == "text")
        .find_map(|block| Some(block.text.split_once('✓')?.1.to_owned()));
    let words = output.unwrap();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Checks a run whose log can be read. Returns its cold starts, felt and pre-initialised, as they were planted and as they
/// were found.
fn passed() -> ([usize; 2], [Value; 2]) {
    let example = Example::waiting("8s");
    let documented = documented_verdict();
    Ran::new(&example.demo().output().unwrap())
        .exits(0)
        .tells(&[&documented]);
    let lines = &example.lines("events.jsonl")[1..];
    let figures = example.figures();
    assert_eq!(figures["join"]["joined"], lines.len());
    assert_eq!(figures["join"]["answered"], lines.len());
    let function = &figures["functions"][0];
    assert_eq!(function["throttles"], 0.0);
    let billed = lines.iter();
    let billed: f64 = billed
        .filter_map(|line| figure(line, "Billed Duration"))
        .sum();
    // 512 MB on x86 in us-east-1.
    let dollars = billed / 1e3 * 0.5 * 0.000_016_666_7 + lines.len() as f64 * 0.2e-6;
    let cost = figures["cost"]["usd"].as_f64().unwrap();
    assert!((cost - dollars).abs() < 1e-9, "{cost} is not {dollars}");
    let lowered = [
        ("billed_ms_p95: 600", "billed_ms_p95: 1"),
        ("cost_per_million: $4", "cost_per_million: $0.01"),
    ];
    for (limit, lower) in lowered {
        example.judged_with(limit, lower).exits(1);
    }
    // The first request is the probe before the load, which is not part of the figures.
    let received = example.lines("received.jsonl").into_iter();
    let received = received.filter(|one| one["path"] != "/health").skip(1);
    let felt = received.filter(|one| one["cold"] == true).count();
    let has_init = |line: &&Value| figure(line, "Init Duration").is_some();
    let inits = lines.iter().filter(has_init).count();
    let found = ["cold", "pre_initialised"].map(|kind| function["reports"][kind].clone());
    ([felt, inits - felt], found)
}

/// Runs until all cold starts are found: on a machine that hangs, a response may be as late as if it waited for an init.
fn passes() {
    let runs = std::iter::repeat_with(passed).take(3);
    let mut others = Vec::new();
    for (planted, found) in runs {
        assert!(planted.iter().all(|count| *count > 0), "{planted:?}");
        if planted == found {
            return;
        }
        others.push((planted, found));
    }
    panic!("{others:?}");
}

/// A run whose log cannot be read.
fn is_invalid() {
    let example = Example::waiting("4s");
    let demo = example.demo().env(LOGS, "http://127.0.0.1:1").output();
    Ran::new(&demo.unwrap())
        .exits(3)
        .tells(&["AWS did not give the figure"]);
    assert!(example.figures()["functions"][0]["invocations"].as_f64() > Some(0.0));
}

/// A run that is stopped leaves no process behind.
fn stops() {
    let example = Example::waiting("4s");
    let mut demo = example.demo();
    let demo = demo
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the load is on", || {
        !example.lines("events.jsonl").is_empty()
    });
    signal(&demo, Signal::TERM);
    Ran::new(&demo.wait_with_output().unwrap()).exits(143);
    let folders = std::fs::read_dir("/proc").unwrap();
    let at_home = |process: &PathBuf| {
        std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == example.home())
    };
    let left: Vec<PathBuf> = folders
        .map(|folder| folder.unwrap().path())
        .filter(at_home)
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_lambda_example_judges_what_its_function_logged() {
    let _slot = load_slot();
    passes();
    // Both wait for most of their time.
    std::thread::scope(|scope| {
        scope.spawn(is_invalid);
        scope.spawn(stops);
    });
}
