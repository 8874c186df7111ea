//! A URL in place of a gate: what is sent, what is said, and that the same gate can be kept.

use std::path::Path;

use serde_json::Value;

use crate::support::{NOWHERE, Ran, Server, load_slot, loadgate};

/// Enough requests for a limit on errors, in as little time as a load takes.
const QUICK: [&str; 4] = ["--rate", "300", "--duration", "1s"];

fn run(home: &Path, arguments: &[&str]) -> Ran {
    let _slot = load_slot();
    let output = loadgate(home).arg("run").args(arguments).output();
    Ran::new(&output.unwrap())
}

fn result(home: &Path) -> Value {
    let text = std::fs::read_to_string(home.join("loadgate-out/result.json"));
    serde_json::from_str(&text.unwrap()).unwrap()
}

/// Does what the end of a run's output says, by a shell, and returns it.
fn keep(home: &Path, ran: &Ran) -> String {
    let (_, command) = ran.stdout.split_once("\nKeep it: ").unwrap();
    let mut shell = std::process::Command::new("sh");
    let kept = shell.args(["-c", command]).current_dir(home).output();
    Ran::new(&kept.unwrap()).exits(0);
    command.to_owned()
}

/// All text below a folder.
fn texts(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &texts(&path);
        } else {
            all += &std::fs::read_to_string(path).unwrap();
        }
    }
    all
}

#[test]
fn a_url_alone_gets_a_verdict_and_becomes_the_same_gate() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::fast();
    let url = format!("{}/orders?limit=20", server.url());
    let odd = "X-Odd: it's \"$HOME\" {x} é";
    let body = "{\"sku\":\n \"a'b\"}";
    let flags = [
        "--method", "put", "--header", odd, "--body", body, "--limit", "p99=10s",
    ];
    let arguments = [&[&*url][..], &flags, &QUICK].concat();
    let ran = run(home.path(), &arguments).exits(0).tells(&["passed"]);
    let received = server.received();
    assert!(received.len() >= 300, "{}", received.len());
    for request in &received {
        assert_eq!(request.line(), "PUT /orders?limit=20");
        assert_eq!(request.header("x-odd"), Some("it's \"$HOME\" {x} é"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(request.body, body);
    }
    let alone = result(home.path());
    keep(home.path(), &ran);
    run(home.path(), &["thresholds/api"]).exits(0);
    let kept = result(home.path());
    assert_eq!(kept["scenario"], alone["scenario"]);
    assert_eq!(kept["run"]["seed"], alone["run"]["seed"]);
    let thresholds = std::fs::read_to_string(home.path().join("thresholds/api/thresholds.yml"));
    assert!(thresholds.unwrap().contains("p99: 10s"));
}

#[test]
fn a_broken_limit_fails_without_a_file_to_look_at() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::fast();
    let limit = ["--limit", "p95=1us"];
    let ran = run(
        home.path(),
        &[&[&*server.url()][..], &limit, &QUICK].concat(),
    )
    .exits(1);
    assert!(!ran.stdout.contains("thresholds.yml"), "{}", ran.stdout);
    assert_eq!(server.received()[0].line(), "GET /");
}

#[test]
fn a_secret_in_a_header_is_sent_and_never_written() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::fast();
    let header = ["-H", "Authorization: Bearer hunter2hunter2"];
    let ran = run(
        home.path(),
        &[&[&*server.url()][..], &header, &QUICK].concat(),
    )
    .exits(0);
    let received = server.received();
    assert_eq!(
        received[0].header("authorization"),
        Some("Bearer hunter2hunter2")
    );
    let command = keep(home.path(), &ran);
    assert!(command.contains("{{ env.LOADTEST_AUTHORIZATION }}"));
    let said = ran.stdout + &ran.stderr + &texts(home.path());
    assert!(!said.contains("hunter2"));
    let alone = result(home.path());
    let arguments = ["run", "thresholds/api", "--dry-run"];
    let missing = loadgate(home.path()).args(arguments).output();
    Ran::new(&missing.unwrap()).tells(&["LOADTEST_AUTHORIZATION"]);
    let _slot = load_slot();
    let kept = loadgate(home.path())
        .args(["run", "thresholds/api"])
        .env("LOADTEST_AUTHORIZATION", "Bearer other")
        .output();
    Ran::new(&kept.unwrap()).exits(0);
    assert_eq!(result(home.path())["scenario"], alone["scenario"]);
}

#[test]
fn both_versions_get_the_path_of_the_url_once() {
    let home = tempfile::tempdir().unwrap();
    let (target, base) = (Server::fast(), Server::fast());
    let url = |server: &Server| format!("{}/orders?n=1", server.url());
    let load = ["--rate", "300", "--duration", "2.5s"];
    for against in [base.url(), url(&base)] {
        let versions = [&*url(&target), "--against", &*against];
        let ran = run(home.path(), &[&versions[..], &load].concat());
        // Two servers that respond at once differ by more than nothing.
        assert!(matches!(ran.code, Some(0 | 1)), "{ran:?}");
        let summary = std::fs::read_to_string(home.path().join("loadgate-out/summary.md"));
        let again = format!("loadgate run '{}' --against {} ", url(&target), base.url());
        assert!(summary.unwrap().contains(&again), "{again}");
    }
    for server in [target, base] {
        let received = server.received();
        assert!(received.len() > 300, "{}", received.len());
        assert!(received.iter().all(|it| it.line() == "GET /orders?n=1"));
    }
}

#[test]
fn a_url_with_nobody_behind_it_is_invalid() {
    let home = tempfile::tempdir().unwrap();
    run(home.path(), &[NOWHERE])
        .exits(3)
        .tells(&["did not respond"]);
}

#[test]
fn arguments_that_do_not_fit_a_url_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let long = format!("http://h/{}", "x".repeat(1_100));
    for (arguments, parts) in [
        (&["ftp://h/x"][..], &["ftp://h/x"][..]),
        (&["http://a", "http://b"], &["a URL is run alone"]),
        (&["http://a", "gate"], &["a URL is run alone"]),
        (&["gate", "--method", "GET"], &["--method", "only to a URL"]),
        (
            &["gate", "--limit", "p95=1s"],
            &["--limit", "only to a URL"],
        ),
        (&["http://a", "--record"], &["--record needs a gate"]),
        (&["http://a", "--target", "http://b"], &["--target"]),
        (&["http://a", "--target-cmd", "x"], &["--target-cmd"]),
        (&["http://a", "--limit", "p95=300"], &["--limit", "'300'"]),
        (&["http://a", "--limit", "p59=1s"], &["--limit", "p59"]),
        (
            &["http://a", "-H", "Connection: close"],
            &["--header", "Connection"],
        ),
        (
            &["http://a", "-H", "A: b\nC: d"],
            &["--header", "line break"],
        ),
        (&["http://a", "-H", "A: {{ env.NO }}"], &["--header", "NO"]),
        (&["http://a", "--body", "{{ x"], &["--body", "never closed"]),
        (
            &["http://a", "--body", "{% x %}"],
            &["--body", "statements"],
        ),
        (
            &["http://a", "--method", "HEAD", "--body", "x"],
            &["--body"],
        ),
        (
            &["http://a", "--against", "http://b", "--duration", "1s"],
            &["--duration", "2.5s"],
        ),
        (&[&*long], &["the URL", "shorter name"]),
    ] {
        run(home.path(), arguments).exits(2).says(parts);
    }
    for arguments in [
        &["--rate", "5", "--users", "3"][..],
        &["--rate", "0"],
        &["--users", "0"],
        &["--duration", "0s"],
        &["--method", "FOO"],
    ] {
        run(home.path(), &[&["http://a"], arguments].concat()).exits(2);
    }
    let init = loadgate(home.path()).args(["init", "--rate", "5"]).output();
    Ran::new(&init.unwrap()).exits(2).says(&["--target"]);
}
