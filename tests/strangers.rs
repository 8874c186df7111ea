//! Files and arguments of strangers, given to the real binary: each ends with a code of the contract and a clean message.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::support::{Server, load_slot, loadgate};

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
fn a_panic_of_the_template_engine_is_an_error_of_the_expression() {
    for expression in ["'%(é'|format(a=1)", "'%(aé)d'|format(a=1)"] {
        let home = Home::new(&scenario(&format!(
            "{{ get: \"/x?{{{{ {expression} }}}}\" }}"
        )));
        let error = error(&home.validated());
        assert!(error.contains("scenario.yml:3:"), "{error}");
        assert!(!error.contains("bug"), "{error}");
    }
}

#[test]
fn a_panic_of_the_template_engine_fails_only_the_request() {
    let _slot = load_slot();
    let server = Server::fast();
    // What users set is known during the run only.
    let step = "{ get: \"/?x={{ ('%(' ~ n ~ 'é')|format(a=1) }}\" }";
    let file = scenario(step).replace("steps:", "set: { n: \"{{ uuid() }}\" }, steps:");
    let home = Home::new(&file);
    let output = home.loadgate(&["run", "gate", "--target", &server.url(), "--out", "out"]);
    let said = text(&output.stderr);
    assert!(!said.contains("bug"), "{said}");
    let result = home.path().join("repository/out/result.json");
    assert!(result.exists(), "{said}");
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
        long.clone(),
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
    let _slot = load_slot();
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

/// Runs against a server, and returns what was printed with every file that was written.
fn told_by_a_run(
    home: &Home,
    server: &Server,
    more: &[&str],
    env: &[(&str, &str)],
) -> (Option<i32>, String) {
    let url = server.url();
    let mut command = loadgate(&home.path().join("repository"));
    command.args(["run", "gate", "--target", &url, "--out", "out", "--record"]);
    let output = command
        .args(more)
        .envs(env.iter().copied())
        .output()
        .unwrap();
    let mut all = text(&output.stdout) + &text(&output.stderr);
    for folder in ["out", "gate"] {
        for entry in fs::read_dir(home.path().join("repository").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "scenario.yml") {
                all += &text(&fs::read(path).unwrap());
            }
        }
    }
    (output.status.code(), all)
}

#[test]
fn a_secret_given_by_a_flag_is_in_nothing_that_is_written() {
    let _slot = load_slot();
    let server = Server::fast();
    let file = scenario("{ get: \"/?a={{ plain }}&token={{ by_query }}\", headers: { Authorization: \"Bearer {{ made }}\" } }, { post: /login, name: login, json: { user: \"{{ plain }}\", password: \"{{ by_json }}\" } }")
        .replace("user_classes:", "variables: { password: x, plain: w, by_query: x, by_json: x, part: x, made: \"a-{{ part }}\", number: 1 }\nuser_classes:")
        .replace("{ steps:", "{ set: { session: \"{{ number }}\" }, steps:");
    let home = Home::new(&file);
    let set = |name: &str| format!("{name}=given-{name}");
    let names = ["password", "plain", "by_query", "by_json", "part"];
    let pairs: Vec<String> = names
        .iter()
        .map(|name| set(name))
        .chain(["number=1357924680".to_owned()])
        .collect();
    let more: Vec<&str> = pairs.iter().flat_map(|pair| ["--set", pair]).collect();
    let (code, all) = told_by_a_run(&home, &server, &more, &[]);
    assert_ne!(code, Some(2), "{all}");
    assert!(all.contains("given-plain"), "{all}");
    for secret in ["given-password", "given-by", "given-part", "1357924680"] {
        assert!(!all.contains(secret), "{secret}");
    }
    // It was sent all the same.
    let received = server.received();
    let has = |part: &str| {
        received
            .iter()
            .any(|own| own.path.contains(part) || own.body.contains(part))
    };
    assert!(has("token=given-by_query") && has("\"password\":\"given-by_json\""));
    assert!(
        received
            .iter()
            .any(|own| own.header("authorization") == Some("Bearer a-given-part"))
    );

    // A secret is no part of what makes a scenario the same; anything else is.
    let sha = |more: &[&str]| {
        let (code, all) = told_by_a_run(&home, &server, more, &[]);
        assert_ne!(code, Some(2), "{all}");
        let result = fs::read(home.path().join("repository/out/result.json")).unwrap();
        let result: Value = serde_json::from_slice(&result).unwrap();
        result["scenario"]["sha256"].as_str().unwrap().to_owned()
    };
    let plain = sha(&[]);
    assert_eq!(sha(&["--set", "password=1", "--set", "by_json=2"]), plain);
    assert_ne!(sha(&["--set", "plain=z"]), plain);
}

#[test]
fn what_a_failing_program_prints_holds_no_secret() {
    let _slot = load_slot();
    let server = Server::fast();
    let step = "{ command: [sh, -c, 'echo \"bad $1\" >&2; exit 3', sh, \"{{ env.LOADTEST_PW }}\"], capture: { a: $.a } }, { get: / }";
    let home = Home::new(&scenario(step));
    let (code, all) = told_by_a_run(
        &home,
        &server,
        &["--allow-commands"],
        &[("LOADTEST_PW", "ENV secret/1")],
    );
    assert_eq!(code, Some(3), "{all}");
    assert!(
        all.contains("bad ***") && !all.contains("ENV secret"),
        "{all}"
    );
}

#[test]
fn what_a_failing_program_prints_holds_no_secret_of_a_response() {
    let _slot = load_slot();
    let server = Server::start(|_| (200, "{\"t\": \"given-by-the-server\"}".to_owned()));
    let steps = "{ get: /, capture: { session_token: $.t } }, { command: [sh, -c, 'echo \"bad $1\" >&2; exit 3', sh, \"{{ session_token }}\"], capture: { a: $.a } }, { get: / }";
    let home = Home::new(&scenario(steps));
    let (code, all) = told_by_a_run(&home, &server, &["--allow-commands"], &[]);
    assert_eq!(code, Some(3), "{all}");
    assert!(
        all.contains("bad ***") && !all.contains("given-by-the-server"),
        "{all}"
    );
}

#[test]
fn errors_about_the_load_hold_no_value_of_the_environment() {
    let load = "phase: s, users: 1, for: 1s";
    for other in [
        "phase: s, users: '{{ env.LOADTEST_PW }}', for: 1s",
        "phase: s, users: '1..{{ env.LOADTEST_PW }}', for: 1s",
        "phase: s, users: 1, for: '{{ env.LOADTEST_PW }}'",
        "phase: s, arrivals: '{{ env.LOADTEST_PW }}', for: 1s",
        "phase: s, arrivals: 1/s, max_users: '{{ env.LOADTEST_PW }}', for: 1s",
        "repeat: '{{ env.LOADTEST_PW }}', phases: [{ phase: s, users: 1, for: 1s }]",
        "phase: s, users: \"{{ env.LOADTEST_PW|int }}\", for: 1s",
        "phase: s, users: \"{{ env.LOADTEST_PW + 1 }}\", for: 1s",
    ] {
        for value in ["ENVSECRET", "99999999999"] {
            let home = Home::new(&scenario("{ get: / }").replace(load, other));
            let mut command = loadgate(&home.path().join("repository"));
            let output = command
                .args(["run", "gate"])
                .env("LOADTEST_PW", value)
                .output()
                .unwrap();
            let error = error(&output);
            assert!(!error.contains(value), "{error}");
        }
    }
}

#[test]
fn try_hides_a_secret_in_every_form_that_is_sent() {
    let server = Server::start(|request| {
        (
            200,
            format!("{{\"echo\": {:?}}}", request.path.clone() + &request.body),
        )
    });
    let step = "{ get: \"/x/{{ env.LOADTEST_PW }}\", query: { q: \"{{ env.LOADTEST_PW }}\" }, headers: { X-Note: \"{{ env.LOADTEST_PW }}\" }, name: x }, { post: /form, name: form, form: { f: \"{{ env.LOADTEST_PW }}\" } }, { post: /json, name: json, json: { j: \"{{ env.LOADTEST_PW }}\" } }";
    let home = Home::new(&scenario(step));
    for secret in ["P@ss word#1/+\"é", "tok+en/with space99", " padded-word "] {
        let mut command = loadgate(&home.path().join("repository"));
        command.args(["try", "gate", "--target", &server.url()]);
        let output = command.env("LOADTEST_PW", secret).output().unwrap();
        let shown = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{shown}");
        for part in ["ss%20w", "ss w", "word", "space99", "en%2Fwith", "padded"] {
            assert!(!shown.contains(part), "{part} in {shown}");
        }
    }
}

#[test]
fn no_value_of_the_environment_is_in_help_or_errors() {
    let home = Home::new(&scenario("{ get: / }"));
    for (name, value) in [
        ("LOADGATE_SET", "PRIVATE"),
        ("LOADGATE_SET", "a=1\nPRIVATE"),
        ("LOADGATE_AGAINST_SET", "PRIVATE"),
        ("LOADGATE_TARGET", "http://PRIVATE:PRIVATE@127.0.0.1:x"),
        ("LOADGATE_TARGET", "http://PRIVATE@127.0.0.1/?a"),
        ("LOADGATE_BASELINE", "http://me:PRIVATE@127.0.0.1:1/a"),
    ] {
        for arguments in [vec!["run", "--help"], vec!["run", "gate"]] {
            let mut command = loadgate(&home.path().join("repository"));
            let output = command.args(&arguments).env(name, value).output().unwrap();
            let told = text(&output.stdout) + &text(&output.stderr);
            assert!(!told.contains("PRIVATE"), "{name}: {told}");
        }
    }
    for target in [
        "http://me:PRIVATE@h:x",
        "http://me:PRI/VATE@h:x",
        "ftp://me:PRIVATE@h",
        "http://me:PRIVATE@h/?a",
    ] {
        let error = error(&home.loadgate(&["run", "gate", "--target", target]));
        assert!(!error.contains("PRI"), "{error}");
        let home = Home::new(&scenario("{ get: / }").replace("http://127.0.0.1:9", target));
        assert!(!self::error(&home.validated()).contains("PRI"));
    }
}

#[test]
fn loads_without_end_are_refused() {
    let one = "  - { phase: s, users: 1, for: 168h }\n";
    let phases: Vec<String> = (0..10)
        .map(|k| format!("      - {{ phase: s{k}, users: 1, for: 168h }}\n"))
        .collect();
    let phases = phases.concat();
    let load = |text: &str| {
        let file = scenario("{ get: / }");
        let start = file.find("load:").unwrap();
        format!("{}load:\n{text}", &file[..start])
    };
    assert_eq!(Home::new(&load(one)).validated().status.code(), Some(0));
    for text in [
        format!("  - repeat: 1000\n    phases:\n{phases}"),
        format!("{one}  - {{ phase: t, users: 1, for: 1s }}\n"),
    ] {
        let error = error(&Home::new(&load(&text)).validated());
        assert!(
            error.contains("scenario.yml:4:1: load:") || error.contains("scenario.yml:5:3: load:"),
            "{error}"
        );
    }
    // As many names as a week has no room for.
    let steps: Vec<String> = (0..1000).map(|k| format!("{{ get: /{k} }}")).collect();
    let many = load(one).replace("{ get: / }", &steps.join(", "));
    assert!(error(&Home::new(&many).validated()).contains("1000 names"));
}

#[test]
fn files_that_are_too_much_together_are_refused() {
    let part: String = "- { get: /a }\n".repeat(16_000);
    let home = Home::new(&scenario(&["{ include: part.yml }"; 8].join(", ")));
    home.write("repository/gate/part.yml", &part);
    let error_of = |home: &Home| error(&home.validated());
    assert!(error_of(&home).contains("values together"));
    let long = "n".repeat(512 << 10);
    for file in [
        scenario("{ get: / }").replace("small", &long),
        scenario("{ get: / }").replace("phase: s", &format!("phase: {long}")),
        scenario("{ get: / }").replace("name: u", &format!("name: {long}")),
        scenario(&format!("{{ get: /, name: {long} }}")),
        scenario(&format!("{{ get: /{long} }}")),
    ] {
        assert!(error_of(&Home::new(&file)).contains("1000 bytes"));
    }
    let home = Home::new(
        &scenario("{ get: \"/{{ rows.c1 }}\" }")
            .replace("user_classes", "data: { rows: rows.csv }\nuser_classes"),
    );
    let names: Vec<String> = (0..100_000).map(|k| format!("c{k}")).collect();
    home.write(
        "repository/gate/rows.csv",
        &format!("{}\n", names.join(",")),
    );
    assert!(error_of(&home).contains("1000 columns"));
    home.write(
        "repository/gate/rows.csv",
        &format!("c1\n\"{}", "x\n".repeat(1 << 20)),
    );
    assert!(error_of(&home).contains("longer than 1 MB"));
}

#[cfg(unix)]
#[test]
fn no_file_of_a_run_is_written_through_a_link() {
    let _slot = load_slot();
    let server = Server::fast();
    let home = Home::new(&scenario("{ get: / }"));
    home.write("kept", "KEEP");
    fs::create_dir_all(home.path().join("repository/out")).unwrap();
    let names = [
        "result.json",
        "junit.xml",
        "summary.md",
        "report.html",
        "target.log",
    ];
    for name in names {
        std::os::unix::fs::symlink("../../kept", home.path().join("repository/out").join(name))
            .unwrap();
    }
    let (code, _) = told_by_a_run(&home, &server, &[], &[]);
    assert_ne!(code, Some(2));
    let output = home.loadgate(&[
        "run",
        "gate",
        "--target-cmd",
        "echo started; exit 1",
        "--out",
        "out",
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        fs::read_to_string(home.path().join("kept")).unwrap(),
        "KEEP"
    );
    let log = fs::read_to_string(home.path().join("repository/out/target.log")).unwrap();
    assert_eq!(log, "started\n");
}
