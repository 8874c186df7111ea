//! The stand-in as a process of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{Ran, StandIn, loadgate};

#[test]
fn it_prints_its_address_serves_until_told_to_stop_and_exits_0() {
    let home = tempfile::tempdir().unwrap();
    let stand_in = StandIn::start(home.path(), &["--latency", "1ms", "--cold-start", "2ms"]);
    let address = stand_in.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /prod/catalog/items?category=electronics&limit=2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("x-cold-start: true"), "{answer}");
    assert_eq!(stand_in.stop(), (Some(0), String::new()));
}

#[test]
fn its_report_log_is_complete_when_it_was_told_to_stop() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("events.jsonl");
    let log = log.to_str().unwrap();
    let settings = ["--cold-start", "2ms", "--front", "url", "--report-log", log];
    let stand_in = StandIn::start(home.path(), &settings);
    let address = stand_in.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request =
        "GET /prod/catalog/items?limit=2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(stand_in.stop(), (Some(0), String::new()));
    let (_, id) = answer.split_once("x-amzn-requestid: ").unwrap();
    let (id, _) = id.split_once("\r\n").unwrap();
    let events = std::fs::read_to_string(log).unwrap();
    let event: serde_json::Value = serde_json::from_str(&events).unwrap();
    let message = event["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("REPORT RequestId: {id}\tDuration: ")));
}

#[test]
fn it_serves_on_loopback_only() {
    let home = tempfile::tempdir().unwrap();
    let output = loadgate(home.path())
        .args(["lambda", "--address", "0.0.0.0:0"])
        .output()
        .unwrap();
    Ran::new(&output).exits(2).says(&["loopback", "127.0.0.1"]);
}
