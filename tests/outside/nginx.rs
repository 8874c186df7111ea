//! The catalogue gate against a server that is not ours.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Gate, eventually, gate};

/// An nginx of our own on free loopback ports, for as long as the test runs.
struct Nginx {
    process: Child,
    /// Answers the catalogue's routes.
    good: u16,
    /// Answers 500 to everything.
    bad: u16,
}

impl Nginx {
    fn start(home: &Path) -> Self {
        let [good, bad] = [(); 2].map(|()| free_port());
        let home = home.join("nginx");
        std::fs::create_dir(&home).unwrap();
        let config = format!(
            "daemon off;\nworker_processes 1;\npid {home}/pid;\nerror_log {home}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{\n  access_log off;\n  default_type application/json;\n\
             client_body_temp_path {home}/body;\n  proxy_temp_path {home}/proxy;\n\
             fastcgi_temp_path {home}/fastcgi;\n  uwsgi_temp_path {home}/uwsgi;\n  scgi_temp_path {home}/scgi;\n\
             server {{ listen 127.0.0.1:{good} backlog=4096;\n\
             location = /prod/catalog/items {{ return 200 '{{\"items\":[]}}'; }}\n\
             location /prod/catalog/items/ {{ return 200 '{{\"sku\":\"SKU-10458\"}}'; }} }}\n\
             server {{ listen 127.0.0.1:{bad}; location / {{ return 500 '{{}}'; }} }}\n}}\n",
            home = home.display()
        );
        let file = home.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let process = Command::new("nginx")
            .arg("-p")
            .arg(&home)
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(home.join("error.log"))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self { process, good, bad };
        eventually("nginx answers", || {
            [good, bad]
                .iter()
                .all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
        started
    }

    fn good(&self) -> String {
        format!("http://127.0.0.1:{}", self.good)
    }

    fn bad(&self) -> String {
        format!("http://127.0.0.1:{}", self.bad)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its worker on SIGTERM; killed, it would leave it behind.
        crate::support::signal(&self.process, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn shipped(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("thresholds/lambda-catalog");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The shipped gate with a load of two seconds and these thresholds.
fn shortened(thresholds: &str) -> Gate {
    let scenario = shipped("scenario.yml");
    let (head, _) = scenario.split_once("\nload:\n").unwrap();
    let scenario = format!("{head}\nload:\n  - {{ phase: steady, users: 300, for: 4s }}\n");
    gate(thresholds).with_scenario(&scenario)
}

#[test]
fn the_catalogue_gate_as_it_is_shipped_passes_within_its_limits() {
    let gate = gate(&shipped("thresholds.yml")).with_scenario(&shipped("scenario.yml"));
    let nginx = Nginx::start(gate.home());
    gate.run(&nginx.good(), &[]).exits(0).tells(&[
        "lambda-catalog",
        "GET /catalog/items/:itemId",
        "passed",
        "(exit 0)",
    ]);
    let result: serde_json::Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let sent: u64 = result["slices"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|slice| slice["cells"].as_array().unwrap())
        .map(|cell| cell["requests"].as_u64().unwrap())
        .sum();
    // 300 users, one request every two seconds, for 90 s; and a ramp of ten seconds before.
    assert!((13_500..=15_000).contains(&sent), "{sent}");
}

#[test]
fn each_fault_has_its_exit_code() {
    let gate = shortened("");
    let nginx = Nginx::start(gate.home());
    gate.run(&nginx.good(), &[]).exits(0);
    gate.run(&nginx.bad(), &[])
        .exits(1)
        .tells(&["error rate overall", "limit 1 %"]);
    let good = nginx.good();
    let broken = shortened("limits: { overall: { p95: 1us } }");
    broken
        .run(&good, &[])
        .exits(1)
        .tells(&["P95 overall", "limit 1 µs"]);
    let unknown = shortened("limits: { phases: { stedy: { p95: 1s } } }");
    unknown
        .run(&good, &[])
        .exits(2)
        .says(&["stedy", "'steady'"]);
    gate.write("baseline.json", "{");
    gate.run(&good, &[]).exits(2).says(&["baseline.json"]);
    std::fs::remove_file(gate.folder().join("baseline.json")).unwrap();
    drop(nginx);
    gate.run(&good, &[]).exits(3).tells(&["did not respond"]);
}
