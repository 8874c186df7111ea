//! Secrets in every form that a scenario, a server and the command line give them: no output repeats one.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{MAX_LATE, NOWHERE, Server, load_slot, loadgate};

/// A folder with a gate of one task, with these steps and what stands beside them.
struct Home(tempfile::TempDir);

impl Home {
    fn new(variables: &str, task: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("gate")).unwrap();
        let file = format!(
            "name: small\ntarget: {NOWHERE}\nvariables: {variables}\nuser_classes: [{{ name: u, tasks: [{{ {task} }}] }}]\n\
             load: [{{ phase: s, users: 1, for: 1s }}]\n"
        );
        fs::write(home.path().join("gate/scenario.yml"), file).unwrap();
        Self(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = loadgate(self.path());
        command
            .args(arguments)
            .env("PW", "hunter2-Secret")
            .env("PAIR", "ann:Horse-battery9")
            .env(MAX_LATE.0, MAX_LATE.1);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// All files below the folder, but for the gate's own.
    fn files(&self) -> Vec<(String, String)> {
        let mut open = vec![self.path().to_owned()];
        let mut files = Vec::new();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(
                    fs::read_dir(path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
            } else if !path.ends_with("scenario.yml") {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                files.push((path.display().to_string(), text));
            }
        }
        files
    }
}

fn said(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// A server that repeats path and body of each request in JSON, with a token.
fn echo() -> Server {
    Server::start(|received| {
        let body = serde_json::json!({
            "path": received.path, "body": received.body, "name": "value-of-name",
            "access_token": "Captured-Token-77",
        });
        (200, body.to_string())
    })
}

/// What stands in for a secret, in any case.
fn holds(text: &str, secrets: &[&str]) -> bool {
    let text = text.to_lowercase();
    secrets
        .iter()
        .any(|secret| text.contains(&secret.to_lowercase()))
}

#[test]
fn what_an_expression_makes_of_a_secret_is_hidden_in_try() {
    let _slot = load_slot();
    let server = echo();
    for (expression, made) in [
        ("env.PW | upper", "HUNTER2-SECRET"),
        ("env.PW | title", "Hunter2-Secret"),
        ("env.PW | reverse", "terceS-2retnuh"),
        ("env.PW | list | join('-')", "h-u-n-t-e-r-2"),
        ("env.PW | replace('e', '3')", "hunt3r2"),
        ("(env.PAIR | split(':'))[1]", "Horse-battery9"),
        ("made", "HUNTER2-SECRET"),
        ("made | lower", "hunter2-secret"),
        ("own | reverse", "terceS-2retnuh"),
        ("taken | upper", "CAPTURED-TOKEN-77"),
        ("task_made", "77-nekoT"),
        ("task_made | upper", "77-NEKOT"),
    ] {
        let home = Home::new(
            "{ made: \"{{ env.PW | upper }}\" }",
            &format!(
                "set: {{ own: \"{{{{ env.PW }}}}\" }}, steps: [{{ get: /first, capture: {{ taken: $.access_token }} }}, \
                 {{ post: \"/x/{{{{ {expression} }}}}\", json: {{ note: \"a {{{{ {expression} }}}}\" }}, \
                 expect: {{ json: {{ $.name: \"{{{{ {expression} }}}}\" }} }} }}]"
            )
            .replace("task_made", "taken | reverse"),
        );
        let output = home.run(&["try", "gate", "--target", &server.url()]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("FAILED"), "{said}");
        assert!(!holds(&said, &[made]), "{expression}: {said}");
    }
}

#[test]
fn what_a_failing_program_repeats_of_a_changed_secret_is_hidden() {
    let _slot = load_slot();
    let server = echo();
    for (expression, made) in [
        ("env.PW | upper", "HUNTER2-SECRET"),
        ("token | upper", "CAPTURED-TOKEN-77"),
        ("changed", "77-nekoT-derutpaC"),
    ] {
        let home = Home::new(
            "{ n: 1 }",
            &format!(
                "steps: [{{ command: [sh, -c, \"echo bad $1 token=of-others >&2; exit 3\", sh, \"{{{{ {expression} }}}}\"], capture: {{ x: $.x }} }}, {{ get: /last }}]"
            ),
        );
        let file = home.path().join("gate/scenario.yml");
        let scenario = fs::read_to_string(&file).unwrap().replace(
            "tasks:",
            "on_start: [{ get: /first, capture: { token: $.access_token } }], tasks:",
        );
        fs::write(&file, scenario.replace("changed", "token | reverse")).unwrap();
        for arguments in [
            &["try", "gate", "--allow-commands", "--target", &server.url()][..],
            &["run", "gate", "--allow-commands", "--target", &server.url()],
        ] {
            let said = said(&home.run(arguments));
            assert!(said.contains("bad ***"), "{said}");
            assert!(!holds(&said, &[made, "of-others"]), "{expression}: {said}");
        }
    }
}

#[test]
fn an_error_of_an_expression_repeats_no_value() {
    for expression in [
        "'x' | indent(**{env.PW | upper: 1})",
        "'x' | indent(**{made | reverse: 1})",
        "[1] | join(**{(env.PAIR | split(':'))[1]: 1})",
    ] {
        let home = Home::new(
            "{ made: \"{{ env.PW | upper }}\" }",
            &format!("steps: [{{ get: \"/?x={{{{ {expression} }}}}\" }}]"),
        );
        let output = home.run(&["validate", "gate"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("scenario.yml:"), "{said}");
        let made = ["HUNTER2", "terceS", "TERCES", "2RETNUH", "Horse"];
        assert!(!holds(&said, &made), "{expression}: {said}");
    }
}

#[test]
fn a_value_of_set_that_is_used_as_a_secret_stands_in_no_file() {
    let _slot = load_slot();
    let server = echo();
    for step in [
        "post: /a, raw: \"password={{ x }}\"",
        "post: /a, raw: '{\"password\": \"{{ x }}\"}'",
        "post: /a, json: { note: \"Bearer {{ x }}\" }",
        "get: /a, expect: { json: { $.password: \"{{ x }}\" } }",
        "get: /a, expect: { json: { $.all: { password: \"{{ x }}\" } } }",
        "get: /a, expect: { header: { x-token: \"{{ x }}\" } }",
        "get: /a, expect: { body: \"token={{ x }}\" }",
        "get: \"/echo;token={{ x }}\"",
        "get: \"/echo?token={{ x | upper }}\"",
    ] {
        let home = Home::new("{ x: none }", &format!("steps: [{{ {step} }}]"));
        let target = server.url();
        let set = ["gate", "--target", &target, "--set", "x=S3cr3t-of-set"];
        let tried = said(&home.run(&[&["try"], &set[..]].concat()));
        let ran = said(&home.run(&[&["run"], &set[..], &["--record", "--out", "out"]].concat()));
        let files = home.files();
        assert!(
            files.iter().any(|(path, _)| path.ends_with("result.json")),
            "{ran}"
        );
        for (place, text) in [("try", &tried), ("run", &ran)]
            .into_iter()
            .chain(files.iter().map(|(path, text)| (path.as_str(), text)))
        {
            assert!(
                !holds(text, &["S3cr3t-of-set"]),
                "{step} in {place}: {text}"
            );
        }
    }
}

#[test]
fn an_error_of_the_arguments_repeats_no_secret() {
    let home = Home::new("{ password: none }", "steps: [{ get: / }]");
    for arguments in [
        &["--set=password:s3cr3tpw"][..],
        &["--set", "s3cr3tpw"],
        &["--set", "password", "s3cr3tpw"],
        &["--label", "s3cr3tpw"],
        &["--against-set", "s3cr3tpw"],
        &["--target", "me:s3cr3tpw@127.0.0.1:1"],
        &["--target", "http://127.0.0.1:1/?token=s3cr3tpw"],
        &["--target", "http:/me:s3cr3tpw@127.0.0.1:1"],
        &["--target", "127.0.0.1:1/#token=s3cr3tpw"],
        &["--against", "ftp://me:s3cr3tpw@127.0.0.1:1"],
        &["--baseline", "ftp://me:s3cr3tpw@127.0.0.1:1/?a=s3cr3tpw"],
        &["--seed", "1", "--password=s3cr3tpw"],
        &["password=s3cr3tpw"],
    ] {
        let output = home.run(&[&["run", "gate"], arguments].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(!holds(&said, &["s3cr3tpw"]), "{arguments:?}: {said}");
    }
    let mut command = home.command(&["try", "gate", "password=s3cr3tpw"]);
    let said = said(&command.output().unwrap());
    assert!(!holds(&said, &["s3cr3tpw"]), "{said}");
}

#[test]
fn the_last_lines_of_a_server_hold_no_secret_that_they_name() {
    let _slot = load_slot();
    let home = Home::new("{ n: 1 }", "steps: [{ get: / }]");
    let script = "echo 'password=\"correct horse battery\"'; echo '{password: '\\''a secret9'\\''}'; \
                  echo 'Password => hunter2'; echo 'run --password secret8'; echo '<password>secret7</password>'; exit 1";
    let output = home.run(&["run", "gate", "--target-cmd", script, "--out", "out"]);
    let said = said(&output);
    assert!(said.contains("last lines"), "{said}");
    let secrets = [
        "correct", "horse", "battery", "secret9", "hunter2", "secret8", "secret7",
    ];
    assert!(!holds(&said, &secrets), "{said}");
    for (path, text) in home.files() {
        let is_log = Path::new(&path).extension() == Some("log".as_ref());
        assert!(is_log || !holds(&text, &secrets), "{path}: {text}");
    }
}

#[test]
fn the_last_lines_of_a_server_hold_no_part_of_a_secret() {
    let _slot = load_slot();
    let home = Home::new(
        "{ n: 1 }",
        "steps: [{ get: /, headers: { X: \"{{ env.KEY }}\" } }]",
    );
    let script = "echo \"GET /x?apikey=$SHOWN\"; exit 1";
    let mut command = home.command(&["run", "gate", "--target-cmd", script, "--out", "out"]);
    let output = command
        .env("KEY", "plain;semi-tail")
        .env("SHOWN", "plain;semi-tail")
        .args(["--pass-env", "SHOWN"])
        .output()
        .unwrap();
    let said = said(&output);
    assert!(said.contains("apikey=***"), "{said}");
    assert!(!holds(&said, &["semi-tail"]), "{said}");
}
