//! What stands between loadgate and a target before the load: gateways, proxies, TLS, and responses without an end.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Gate, NOWHERE, Ran, Server, gate, load_slot, loadgate};

/// Runs a gate with variables of the environment, once.
fn run_with(gate: &Gate, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let _slot = load_slot();
    let output = loadgate(gate.home())
        .args(["run", gate.folder().to_str().unwrap()])
        .args(arguments)
        .env("LOADGATE_OUT", gate.out())
        .envs(variables.iter().copied())
        .output();
    Ran::new(&output.unwrap())
}

fn result(gate: &Gate) -> Value {
    serde_json::from_str(&gate.written("result.json")).unwrap()
}

/// What stands behind a run that could not be judged.
fn cause(gate: &Gate) -> Value {
    result(gate)["run"]["ended"]["unreachable"]["cause"].clone()
}

fn failures(gate: &Gate) -> u64 {
    let result = result(gate);
    let slices = result["slices"].as_array().unwrap().iter();
    slices
        .flat_map(|slice| slice["cells"].as_array().unwrap().clone())
        .map(|cell| cell["failures"].as_u64().unwrap())
        .sum()
}

/// A gateway whose service comes up after so many requests.
fn gateway(status: u16, requests: u64) -> Server {
    Server::start(move |request| {
        if request.number < requests {
            (status, String::new())
        } else {
            (200, "{}".to_owned())
        }
    })
}

#[test]
fn a_gateway_without_a_service_is_waited_for() {
    for status in [502, 503, 504] {
        let gate = gate("");
        let server = gateway(status, 3);
        let url = server.url();
        let ran = run_with(&gate, &["--target", &url, "--wait", "60s"], &[]);
        assert_eq!(failures(&gate), 0, "{ran:?}");
        assert!(ran.stderr.contains(&status.to_string()), "{}", ran.stderr);
        let first: Vec<String> = server
            .received()
            .iter()
            .take(4)
            .map(crate::support::Received::line)
            .collect();
        assert_eq!(first, vec!["GET /items"; 4], "one request at a time");
    }
}

#[test]
fn a_gateway_that_never_has_a_service_ends_the_run_unloaded() {
    let gate = gate("");
    let server = gateway(503, u64::MAX);
    let url = server.url();
    let waiting = ["--target", &url, "--wait", "600ms"];
    run_with(&gate, &waiting, &[]).exits(3);
    assert_eq!(cause(&gate), "unavailable");
    let sent = server.received().len();
    assert!((2..20).contains(&sent), "{sent}");
    // In a duet the deployment that is missing is named, whichever it is.
    let up = Server::fast().url();
    for (arguments, arm) in [
        (["--target", &up, "--against", &url], "base"),
        (["--target", &url, "--against", &up], "target"),
    ] {
        let arguments = [&arguments[..], &["--wait", "600ms"]].concat();
        run_with(&gate, &arguments, &[]).exits(3);
        assert_eq!(result(&gate)["run"]["ended"]["unreachable"]["arm"], arm);
        assert_eq!(cause(&gate), "unavailable");
    }
}

#[test]
fn without_wait_a_gateways_status_is_a_failed_request() {
    let gate = gate("");
    let server = gateway(503, u64::MAX);
    gate.run(&server.url(), &[]).exits(1);
    assert!(failures(&gate) > 0);
}

#[test]
fn a_status_that_the_scenario_expects_is_not_waited_through() {
    let scenario = "\
name: down
user_classes:
  - name: reader
    wait: 5ms
    tasks: [{ steps: [{ get: /items, expect: { status: 503 } }] }]
load: [{ phase: warm, users: 2, for: 1s }]
";
    let gate = gate("limits: { overall: { error_rate: off } }\n").with_scenario(scenario);
    gate.run(&gateway(503, u64::MAX).url(), &["--wait", "60s"])
        .exits(0);
    assert_eq!(failures(&gate), 0);
}

#[test]
fn the_path_of_ready_is_waited_for_at_any_target() {
    let gate = gate("");
    let server = || {
        Server::start(|request| match request.path.as_str() {
            "/base/health" if request.number < 3 => (500, String::new()),
            "/base/health" | "/base/items" => (200, "{}".to_owned()),
            _ => (404, String::new()),
        })
    };
    let (target, base) = (server(), server());
    let (target_url, base_url) = (target.url() + "/base", base.url() + "/base");
    let arguments = [
        "--target",
        &target_url,
        "--against",
        &base_url,
        "--ready",
        "/health",
    ];
    let quick = ["--pairs", "5", "--slice", "0.25s", "--wait", "60s"];
    run_with(&gate, &[&arguments[..], &quick].concat(), &[]);
    for server in [&target, &base] {
        let received = server.received();
        let first: Vec<&str> = received.iter().take(5).map(|it| it.path.as_str()).collect();
        let expected = [["/base/health"; 4].as_slice(), &["/base/items"]].concat();
        assert_eq!(first, expected);
    }
    let never = Server::start(|_| (503, String::new()));
    let url = never.url();
    let arguments = ["--target", &url, "--ready", "/health", "--wait", "500ms"];
    run_with(&gate, &arguments, &[]).exits(3);
    assert_eq!(cause(&gate), "not_ready");
    assert!(never.received().iter().all(|it| it.path == "/health"));
}

/// A server whose every response begins and never ends.
fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut lines = BufReader::new(&stream).lines();
                while lines
                    .next()
                    .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
                {}
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
                let mut out = &stream;
                let mut sent = out.write_all(head.as_bytes());
                while sent.is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                    sent = out.write_all(b"data: 1\n\n");
                }
            });
        }
    });
    url
}

#[test]
fn a_response_without_an_end_is_told_from_none() {
    let scenario = "\
name: events
defaults: { timeout: 500ms }
user_classes: [{ name: u, tasks: [{ steps: [{ get: /events }] }] }]
load: [{ phase: steady, users: 1, for: 1s }]
";
    let gate = gate("").with_scenario(scenario);
    let url = endless();
    let ran = run_with(&gate, &["--target", &url], &[]).exits(3);
    assert_eq!(cause(&gate), "unending_body", "{ran:?}");
    // It did respond, so that the step failed and not all.
    gate.command("try", &["--target", &url]).exits(1);
}

/// A host that no machine of ours has; a proxy is asked for it, and nobody else.
const ELSEWHERE: &str = "http://elsewhere.invalid:8080";

#[test]
fn a_proxy_that_is_down_is_named_and_not_the_target() {
    let gate = gate("");
    let down = NOWHERE;
    for (variable, target) in [
        ("http_proxy", ELSEWHERE),
        ("HTTP_PROXY", ELSEWHERE),
        ("ALL_PROXY", ELSEWHERE),
        ("https_proxy", "https://elsewhere.invalid"),
    ] {
        for proxy in [down, "http://proxy.invalid:3128"] {
            let ran = run_with(&gate, &["--target", target], &[(variable, proxy)]).exits(3);
            let ended = &result(&gate)["run"]["ended"]["unreachable"];
            assert_eq!(ended["cause"], "proxy", "{ran:?}");
            let why = ended["why"].as_str().unwrap();
            assert!(why.contains(variable), "{why}");
            assert!(why.contains(proxy.trim_start_matches("http://")), "{why}");
        }
    }
}

/// A server of this behaviour on each connection.
fn raw(behave: impl Fn(&TcpStream) + Send + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let behave = behave.clone();
            std::thread::spawn(move || behave(&stream));
        }
    });
    url
}

fn head(stream: &TcpStream) {
    let mut lines = BufReader::new(stream).lines();
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
}

#[test]
fn a_proxy_that_hangs_is_named_after_one_connection() {
    let gate = gate("");
    gate.write(
        "scenario.yml",
        &gate
            .read("scenario.yml")
            .replace("name: sample", "name: sample\ndefaults: { timeout: 500ms }"),
    );
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let hanging = raw(move |stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        head(stream);
        head(stream);
    });
    for (target, expected) in [
        ("https://elsewhere.invalid", "proxy"),
        (ELSEWHERE, "proxy_response"),
    ] {
        let ran = run_with(&gate, &["--target", target], &[("all_proxy", &hanging)]).exits(3);
        assert_eq!(cause(&gate), expected, "{ran:?}");
        // Further connections that look for a cause would take seconds.
        assert_eq!(connections.swap(0, Ordering::SeqCst), 1);
        ran.tells(&["all_proxy", "NO_PROXY"]);
    }
}

#[test]
fn a_target_that_responds_is_not_said_to_be_silent() {
    let closes = raw(|mut stream| {
        head(stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello");
    });
    let ssh = raw(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n");
        head(stream);
    });
    let long = raw(|mut stream| {
        head(stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n");
        let _ = stream.write_all(&b" ".repeat(2_000_000));
    });
    let gate = gate("");
    let reading = gate
        .read("scenario.yml")
        .replace("get: /items,", "get: /items, capture: { a: $.a },");
    gate.write("scenario.yml", &reading);
    let secure = ssh.replace("http:", "https:");
    for (target, expected, code) in [
        (&closes, "broken_response", 1),
        (&ssh, "not_http", 3),
        (&secure, "not_tls", 3),
        (&long, "body_too_long", 1),
    ] {
        let ran = run_with(&gate, &["--target", target], &[]).exits(3);
        assert_eq!(cause(&gate), expected, "{ran:?}");
        assert!(!ran.stdout.contains("--wait 60s"), "{}", ran.stdout);
        gate.command("try", &["--target", target]).exits(code);
    }
}

#[test]
fn a_body_that_was_packed_for_the_transfer_is_read() {
    for codings in ["gzip, chunked", "chunked", "gzip"] {
        let target = raw(move |mut stream| {
            head(stream);
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(br#"{"a":"b"}"#).unwrap();
            let packed = packed.finish().unwrap();
            let coded = if codings == "chunked" {
                "content-encoding: gzip\r\n"
            } else {
                ""
            };
            let head = format!("HTTP/1.1 200 OK\r\n{coded}transfer-encoding: {codings}\r\n\r\n");
            let body = if codings.ends_with("chunked") {
                let size = format!("{:x}\r\n", packed.len());
                [size.as_bytes(), &packed, b"\r\n0\r\n\r\n"].concat()
            } else {
                packed
            };
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        });
        let gate = gate("");
        let reading = gate
            .read("scenario.yml")
            .replace("get: /items,", "get: /items, capture: { a: $.a },");
        gate.write("scenario.yml", &reading);
        gate.command("try", &["--target", &target]).exits(0);
    }
}

#[test]
fn a_proxy_that_wants_credentials_says_so_before_the_load() {
    let gate = gate("");
    let proxy = Server::start(|_| (407, String::new()));
    let url = proxy.url();
    for target in [ELSEWHERE, "https://elsewhere.invalid"] {
        run_with(&gate, &["--target", target], &[("all_proxy", &url)]).exits(3);
        assert_eq!(cause(&gate), "proxy_credentials", "{target}");
        let why = &result(&gate)["run"]["ended"]["unreachable"]["why"];
        assert!(!why.as_str().unwrap().contains("***"), "{why}");
    }
    assert_eq!(proxy.received().len(), 2);
    let with_credentials = url.replace("http://", "http://me:Wrong-word-1@");
    let variables = [("all_proxy", with_credentials.as_str())];
    for target in [ELSEWHERE, "https://elsewhere.invalid"] {
        let ran = run_with(&gate, &["--target", target], &variables).exits(3);
        assert_eq!(cause(&gate), "proxy_refused", "{target}");
        let why = &result(&gate)["run"]["ended"]["unreachable"]["why"];
        let part = "refuses the credentials in all_proxy";
        assert!(why.as_str().unwrap().contains(part), "{why}");
        assert!(!ran.stderr.contains("Wrong-word-1"), "{}", ran.stderr);
    }
}

#[test]
fn reports_name_the_proxy_that_requests_went_through() {
    for (status, code) in [(200, 0), (503, 1)] {
        let gate = gate("");
        let proxy = Server::start(move |_| (status, "{}".to_owned()));
        let url = proxy.url();
        let variables = [("http_proxy", url.as_str()), ("no_proxy", "other.invalid")];
        let ran = run_with(&gate, &["--target", ELSEWHERE], &variables);
        assert!(
            matches!(ran.code, Some(own) if own == code || own == 3),
            "{ran:?}"
        );
        let named = url.trim_start_matches("http://");
        let target = &result(&gate)["target"];
        assert_eq!(target["proxy"], named);
        assert_eq!(target["proxy_variable"], "http_proxy");
        assert_eq!(target["proxy_forwards"], true);
        if ran.code == Some(code) {
            for file in ["summary.md", "junit.xml", "report.html"] {
                assert!(gate.written(file).contains(named), "{file} of {status}");
            }
            assert!(ran.stdout.contains(named), "{}", ran.stdout);
        }
    }
}

#[test]
fn a_proxy_that_is_not_http_is_refused_and_named() {
    let gate = gate("");
    let socks = [("ALL_PROXY", "socks5://proxy.invalid:1080")];
    run_with(&gate, &["--target", ELSEWHERE], &socks)
        .exits(2)
        .says(&["ALL_PROXY", "socks5"]);
}

#[test]
fn the_wrong_scheme_is_told_by_what_the_server_speaks() {
    let gate = gate("");
    let server = Server::fast();
    let url = server.url().replace("http://", "https://");
    let ran = run_with(&gate, &["--target", &url], &[]).exits(3);
    assert_eq!(cause(&gate), "plain_http");
    ran.tells(&[&server.url()]);
    gate.command("try", &["--target", &url])
        .exits(3)
        .tells(&["http://"]);
}
