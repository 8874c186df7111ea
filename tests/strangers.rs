//! Files and arguments of strangers, given to the real binary: each ends with a code of the contract and a clean message.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{Server, alone, loadgate};

/// A scenario of one request in one step.
fn scenario(step: &str) -> String {
    format!(
        "name: small\ntarget: http://127.0.0.1:9\nuser_classes: [{{ name: u, tasks: [{{ steps: [{step}] }}] }}]\nload: [{{ phase: s, users: 1, for: 1s }}]\n"
    )
}

/// A folder with a gate in a repository, and what the binary does there.
struct Home(tempfile::TempDir);

impl Home {
    fn new(scenario: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("repository/.git")).unwrap();
        fs::create_dir_all(home.path().join("repository/gate")).unwrap();
        let home = Self(home);
        home.write("repository/gate/scenario.yml", scenario);
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    fn loadgate(&self, arguments: &[&str]) -> Output {
        let mut command = loadgate(&self.path().join("repository"));
        command.args(arguments).output().unwrap()
    }

    fn validated(&self) -> Output {
        self.loadgate(&["validate", "gate"])
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The one line of an error.
fn error(output: &Output) -> String {
    let said = text(&output.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((output.status.code(), lines.len()), (Some(2), 1), "{said}");
    lines[0].to_owned()
}

#[test]
fn a_panic_ends_with_a_code_of_the_contract_and_one_line() {
    // minijinja negates this number, which overflows in builds with checks only.
    let expected = if cfg!(debug_assertions) {
        (2, 1)
    } else {
        (0, 0)
    };
    let step = "{ get: \"/?x={{ 'abc'[::(-9223372036854775807 - 1)] }}\" }";
    let home = Home::new(&scenario(step));
    let output = home.validated();
    let said = text(&output.stderr);
    let lines = said.lines().filter(|line| line.contains("bug")).count();
    assert_eq!(
        (output.status.code(), lines),
        (Some(expected.0), expected.1),
        "{said}"
    );
    assert!(!said.contains("backtrace"), "{said}");
}

#[test]
fn a_panic_in_a_worker_ends_the_run_as_invalid() {
    let _alone = alone();
    let server = Server::fast();
    // The length of a value that users set is known during the run only.
    let step = "{ get: \"/?x={{ 'abc'[::(-9223372036854775807 - n|int)] }}\" }";
    let file = scenario(step).replace("steps:", "set: { n: \"{{ random_int(1, 1) }}\" }, steps:");
    let home = Home::new(&file);
    let output = home.loadgate(&["run", "gate", "--target", &server.url()]);
    if cfg!(debug_assertions) {
        let said = text(&output.stderr);
        let bugs = said.lines().filter(|line| line.contains("bug")).count();
        assert_eq!((output.status.code(), bugs), (Some(3), 1), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn files_of_a_gate_that_lead_elsewhere_are_not_read() {
    for name in ["scenario.yml", "thresholds.yml", "baseline.json"] {
        for (to, is_there) in [
            ("../../secret", true),
            ("/dev/zero", true),
            ("missing", false),
        ] {
            let home = Home::new(&scenario("{ get: / }"));
            home.write("secret", "machine example.org password ghp_SECRET\n");
            let link = home.path().join("repository/gate").join(name);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(to, &link).unwrap();
            let error = error(&home.validated());
            assert!(error.contains(name), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
            assert!(
                !is_there || error.contains("leads out of the repository"),
                "{error}"
            );
        }
        let home = Home::new(&scenario("{ get: / }"));
        let pipe = home.path().join("repository/gate").join(name);
        let _ = fs::remove_file(&pipe);
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        assert!(error(&home.validated()).contains("not a file"));
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_a_gate_may_be_a_link_within_the_repository() {
    let home = Home::new("");
    home.write("repository/shared.yml", &scenario("{ get: / }"));
    let link = home.path().join("repository/gate/scenario.yml");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("../shared.yml", &link).unwrap();
    assert_eq!(home.validated().status.code(), Some(0));
}

#[test]
fn files_that_are_too_long_are_refused() {
    let long = "a".repeat(2 << 20);
    for (name, start) in [("scenario.yml", "name: "), ("thresholds.yml", "limits: ")] {
        let home = Home::new(&scenario("{ get: / }"));
        home.write(
            &format!("repository/gate/{name}"),
            &format!("{start}{long}"),
        );
        assert!(error(&home.validated()).contains("longer than 1 MB"));
    }
    let home = Home::new(&scenario("{ get: / }"));
    home.write("repository/gate/baseline.json", &"[".repeat(20 << 20));
    assert!(error(&home.validated()).contains("too large"));
}

#[test]
fn what_an_error_quotes_is_cut() {
    let long = "secret".repeat(200);
    for line in [
        format!("name: {{ {long}: 1 }}"),
        format!("{long}: 1"),
        format!("load: [{{ phase: a, users: '{long}', for: 1s }}]"),
        format!("load: [{{ phase: a, users: 1, for: '{long}' }}]"),
        format!("target: '{long}'"),
        format!("{long}"),
    ] {
        let file = scenario("{ get: / }");
        let key = line.split(':').next().unwrap().to_owned() + ":";
        let kept: Vec<&str> = file.lines().filter(|own| !own.starts_with(&key)).collect();
        let home = Home::new(&format!("{}\n{line}\n", kept.join("\n")));
        let error = error(&home.validated());
        assert!(!error.contains(&"secret".repeat(20)), "{error}");
    }
}

/// What must be in no line that is printed: CI systems and terminals act on it.
fn acts(output: &[u8]) -> bool {
    let printed = text(output);
    let commands = printed
        .split(['\n', '\r'])
        .any(|line| line.trim_start().starts_with("::") || line.contains("##["));
    commands
        || printed
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t')
        || printed.contains('\u{202e}')
}

#[test]
fn no_printed_line_acts_on_a_terminal_or_a_ci_system() {
    const FORGED: &str = "x\\r::error file=a::forged\\e[31m\\u202e\\n::error::y ##[error]z\\x9b2J";
    let quoted = format!("\"{FORGED}\"");
    for file in [
        format!("{quoted}: 1"),
        format!("name: [{quoted}]"),
        scenario(&format!("{{ get: / , {quoted}: 1 }}")),
        scenario(&format!("{{ get: {quoted} }}")),
        scenario(&format!("{{ get: /, name: {quoted} }}")),
        scenario("{ get: / }").replace("phase: s", &format!("phase: {quoted}")),
        scenario("{ get: / }").replace("name: small", &format!("name: {quoted}")),
        scenario("{ get: / }").replace("target: http://127.0.0.1:9", &format!("target: {quoted}")),
        scenario("{ get: / }").replace("name: u", &format!("name: {quoted}")),
    ] {
        let home = Home::new(&file);
        for command in [vec!["validate", "gate"], vec!["try", "gate"]] {
            let output = home.loadgate(&command);
            assert!(!acts(&output.stdout), "{}", text(&output.stdout));
            assert!(!acts(&output.stderr), "{}", text(&output.stderr));
        }
    }
    let home = Home::new(&scenario("{ get: / }"));
    let forged = "x\r::error file=a::forged\u{1b}[31m\n::error::y";
    for arguments in [
        vec!["validate", forged],
        vec!["run", "gate", "--pairs", forged],
        vec!["run", "gate", "--set", forged],
        vec!["run", "gate", "--target", forged],
        vec!["judge", "gate", forged],
        vec![forged],
        vec!["run", forged, "--environment", forged],
    ] {
        let output = home.loadgate(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(!acts(&output.stdout), "{}", text(&output.stdout));
        assert!(!acts(&output.stderr), "{}", text(&output.stderr));
    }
}

#[test]
fn results_of_several_gates_stay_below_the_output_folder() {
    let _alone = alone();
    let server = Server::fast();
    let home = Home::new(&scenario("{ get: / }").replace("name: small", "name: ../../escaped"));
    fs::create_dir_all(home.path().join("repository/other")).unwrap();
    home.write("repository/other/scenario.yml", &scenario("{ get: / }"));
    let url = server.url();
    let run = [
        "run", "gate", "other", "--target", &url, "--out", "deep/out",
    ];
    assert!(home.loadgate(&run).status.code() != Some(2));
    let out = home.path().join("repository/deep/out");
    for folder in ["-..-escaped", "small"] {
        let result = fs::read_to_string(out.join(folder).join("result.json")).unwrap();
        assert!(serde_json::from_str::<Value>(&result).is_ok());
    }
    assert!(!home.path().join("escaped").exists());
    assert!(!home.path().join("repository/escaped").exists());

    home.write(
        "repository/other/scenario.yml",
        &scenario("{ get: / }").replace("name: small", "name: -..-ESCAPED"),
    );
    assert!(error(&home.loadgate(&run)).contains("one folder"));
}
