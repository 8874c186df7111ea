//! What the target receives is what the scenario says.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::support::{Received, Server, gate};

/// A shipped gate's scenario with a shorter load.
fn shortened(gate: &str, load: &str) -> String {
    let path = format!(
        "{}/thresholds/{gate}/scenario.yml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    let (head, _) = text.split_once("\nload:\n").unwrap();
    format!("{head}\nload:\n{load}\n")
}

#[test]
fn the_catalogue_is_read_three_to_one_with_waits_of_one_to_three_seconds() {
    let scenario = shortened(
        "lambda-catalog",
        "  - { phase: steady, users: 200, for: 10s }",
    );
    let gate = gate("limits: { overall: { error_rate: off } }").with_scenario(&scenario);
    let (ran, server) = gate.run_on(Server::fast, &[]);
    ran.exits(0);
    let received = server.received();
    // The first connection is that of the unrecorded user.
    let received: Vec<&Received> = received.iter().filter(|it| it.connection > 0).collect();
    let (lists, items): (Vec<&Received>, Vec<&Received>) = received
        .iter()
        .partition(|request| request.path == "/prod/catalog/items?category=electronics&limit=20");
    assert!(
        items
            .iter()
            .all(|it| it.path == "/prod/catalog/items/SKU-10458")
    );
    assert!(received.iter().all(|it| it.method == "GET"));

    // A share of three quarters, four standard deviations of a draw to either side.
    let (lists, all) = (lists.len() as f64, received.len() as f64);
    assert!((800.0..1200.0).contains(&all), "{all}");
    let deviation = (0.75 * 0.25 / all).sqrt();
    assert!(
        (lists / all - 0.75).abs() < 4.0 * deviation,
        "{lists} of {all}"
    );

    let waits = first_waits(&received);
    assert!(
        waits.len() >= 390,
        "two waits of each of 200 users: {}",
        waits.len()
    );
    let (least, most) = waits
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(a, b), w| (a.min(*w), b.max(*w)));
    assert!((0.999..1.1).contains(&least), "{least}");
    assert!((2.9..3.5).contains(&most), "{most}");
    // Uniform from 1 s to 3 s: its mean, and as many in each half, to four standard deviations.
    let mean = waits.iter().sum::<f64>() / waits.len() as f64;
    assert!((mean - 2.0).abs() < 0.12, "{mean}");
    let short = waits.iter().filter(|wait| **wait < 2.0).count() as f64;
    assert!((short / waits.len() as f64 - 0.5).abs() < 0.1, "{short}");
}

/// The first two pauses of every connection, in seconds: they lie within the load, however long they are.
fn first_waits(received: &[&Received]) -> Vec<f64> {
    let mut by_user: BTreeMap<u64, Vec<Instant>> = BTreeMap::new();
    for request in received {
        by_user
            .entry(request.connection)
            .or_default()
            .push(request.at);
    }
    let waits = by_user.values().flat_map(|times| {
        let pairs = times.windows(2).take(2);
        pairs.map(|pair| pair[1].duration_since(pair[0]).as_secs_f64())
    });
    waits.collect()
}

#[test]
fn requests_carry_their_host_and_an_agent() {
    let gate = gate("");
    let server = Server::fast();
    gate.run(&server.url(), &[]).exits(0);
    let first = &server.received()[0];
    let host = server.url().replace("http://", "");
    assert_eq!(first.header("host"), Some(host.as_str()));
    assert!(first.header("user-agent").unwrap().starts_with("loadgate/"));
}
