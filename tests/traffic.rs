//! What the target receives is what the scenario says.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Received, Server, gate};

/// A shipped gate's scenario.
fn shipped(gate: &str) -> String {
    let path = format!(
        "{}/thresholds/{gate}/scenario.yml",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(path).unwrap()
}

/// A shipped gate's scenario with a shorter load.
fn shortened(gate: &str, load: &str) -> String {
    let text = shipped(gate);
    let (head, _) = text.split_once("\nload:\n").unwrap();
    format!("{head}\nload:\n{load}\n")
}

#[test]
fn the_catalogue_is_read_three_to_one_with_waits_in_between() {
    // Half of the guide's waits of 1 s to 3 s.
    let scenario = instead(
        &shortened(
            "lambda-catalog",
            "  - { phase: steady, users: 200, for: 5s }",
        ),
        "wait: 1s..3s",
        "wait: 500ms..1500ms",
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
    assert!((700.0..1200.0).contains(&all), "{all}");
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
    // No wait is shorter; a busy machine makes each a little longer.
    assert!((0.499..0.6).contains(&least), "{least}");
    assert!(most > 1.4, "{most}");
    // Uniform from 0.5 s to 1.5 s: its mean, and as many in each half, to four standard deviations and that little.
    let mean = waits.iter().sum::<f64>() / waits.len() as f64;
    assert!((0.94..1.2).contains(&mean), "{mean}");
    let short = waits.iter().filter(|wait| **wait < 1.0).count() as f64;
    let share = short / waits.len() as f64;
    assert!((0.3..0.6).contains(&share), "{share}");
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
    gate.run(&server.url(), &[]);
    let first = &server.received()[0];
    let host = server.url().replace("http://", "");
    assert_eq!(first.header("host"), Some(host.as_str()));
    assert!(first.header("user-agent").unwrap().starts_with("loadgate/"));
}

/// No limit, so that servers may refuse on purpose.
const LENIENT: &str = "limits: { overall: { error_rate: off, unavailable: off } }";
const SECRETS: [(&str, &str); 2] = [
    ("LOADTEST_PASSWORD", "correct-horse"),
    ("LOADTEST_TOKEN", "given.load.token"),
];

/// The text with one part in the place of another, which must be there.
fn instead(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old}");
    text.replace(old, new)
}

/// What each user sent, without the unrecorded ones, whose connections come first.
fn by_user(received: &[Received], unrecorded: u64) -> Vec<Vec<&Received>> {
    let mut users: BTreeMap<u64, Vec<&Received>> = BTreeMap::new();
    for request in received.iter().filter(|it| it.connection >= unrecorded) {
        users.entry(request.connection).or_default().push(request);
    }
    users.into_values().collect()
}

/// Checks a share against chance: four standard deviations of a binomial to either side.
#[track_caller]
fn is_share(hits: usize, of: usize, share: f64) {
    let (hits, of) = (hits as f64, of as f64);
    let deviation = (share * (1.0 - share) / of).sqrt();
    assert!(
        (hits / of - share).abs() < 4.0 * deviation,
        "{hits} of {of} for {share}"
    );
}

/// Checks that each of a field's values was sent, and none more often than chance allows.
#[track_caller]
fn are_picked<'v>(values: impl Iterator<Item = &'v Value>, from: &[Value]) {
    let values: Vec<&Value> = values.collect();
    for one in from {
        let hits = values.iter().filter(|value| **value == one).count();
        is_share(hits, values.len(), 1.0 / from.len() as f64);
    }
    assert!(values.iter().all(|value| from.contains(value)));
}

fn seconds(from: &Received, to: &Received) -> f64 {
    to.at.duration_since(from.at).as_secs_f64()
}

fn body(request: &Received) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

/// Accepts a login unless its user comes third, and then whoever shows its token or the given one.
fn authorizer() -> Server {
    Server::start(|request| {
        let shown = request.header("authorization").unwrap_or_default();
        let own = format!("Bearer t{}", request.connection);
        match request.path.as_str() {
            "/prod/auth/login" if request.connection.is_multiple_of(3) => (401, "{}".to_owned()),
            "/prod/auth/login" => (
                200,
                format!("{{\"accessToken\": \"t{}\"}}", request.connection),
            ),
            path if path.starts_with("/prod/catalog") => (200, "{}".to_owned()),
            _ if shown == own || shown == "Bearer given.load.token" => (200, "{}".to_owned()),
            _ => (401, "{}".to_owned()),
        }
    })
}

/// Checks one user that logs in: once and first, and a token only where that worked.
fn is_member(requests: &[&Received]) {
    let login = requests[0];
    assert_eq!(login.line(), "POST /prod/auth/login");
    let sent = body(login);
    assert_eq!(sent["password"], "correct-horse");
    assert_eq!(sent["deviceId"], "lt-browser-session-01");
    assert_eq!(sent.as_object().unwrap().len(), 3);
    assert_eq!(login.header("authorization"), None);
    let token =
        (!login.connection.is_multiple_of(3)).then(|| format!("Bearer t{}", login.connection));
    for request in &requests[1..] {
        assert_eq!(request.header("authorization"), token.as_deref());
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert!(
            [
                "GET /prod/user/profile",
                "GET /prod/orders?status=open&limit=10"
            ]
            .contains(&&*request.line()),
            "{}",
            request.line()
        );
    }
}

#[test]
fn members_log_in_once_and_read_with_a_token_if_that_worked() {
    // A tenth of the guide's waits of 2 s to 5 s.
    let load =
        "  - { phase: login, users: 0..60, for: 300ms }\n  - { phase: steady, users: 60, for: 4s }";
    let scenario = instead(
        &shortened("lambda-auth", load),
        "wait: 2s..5s",
        "wait: 200ms..500ms",
    );
    let gate = gate(LENIENT).with_scenario(&scenario);
    let (ran, server) = gate.run_on(authorizer, &SECRETS);
    ran.exits(0);
    let received = server.received();
    let users = by_user(&received, 1);
    assert_eq!(users.len(), 60);
    let (mut profiles, mut reads, mut waits) = (0, 0, Vec::new());
    for requests in &users {
        is_member(requests);
        profiles += requests
            .iter()
            .filter(|it| it.path == "/prod/user/profile")
            .count();
        reads += requests.len() - 1;
        waits.extend(requests[1..].windows(2).map(|two| seconds(two[0], two[1])));
    }
    assert!(reads > 250, "{reads}");
    is_share(profiles, reads, 0.4);
    let mean = waits.iter().sum::<f64>() / waits.len() as f64;
    assert!(waits.iter().all(|wait| *wait > 0.199), "{waits:?}");
    assert!((0.33..0.60).contains(&mean), "{mean}");
    let logins: Vec<Value> = users.iter().map(|requests| body(requests[0])).collect();
    let names = ["001", "002", "003"].map(|n| json!(format!("loadtest_user_{n}@example.com")));
    are_picked(logins.iter().map(|login| &login["username"]), &names);
}

/// Checks the flows of one user: cart, pause, checkout, and at once the next, each in a session of its own.
fn is_buyer(requests: &[&Received], sessions: &mut BTreeSet<String>) {
    for pair in requests.chunks_exact(2) {
        assert_eq!(pair[0].line(), "POST /prod/cart/items");
        assert_eq!(pair[1].line(), "POST /prod/orders/checkout");
        let session = pair[0].header("x-session-id").unwrap();
        assert_eq!(session.len(), 36);
        assert_eq!(
            pair[1].header("x-session-id"),
            Some(session),
            "kept through the flow"
        );
        assert!(sessions.insert(session.to_owned()), "another for each flow");
        let pause = seconds(pair[0], pair[1]);
        assert!(
            (0.099..5.0).contains(&pause),
            "between cart and checkout: {pause}"
        );
        for request in pair {
            assert_eq!(
                request.header("authorization"),
                Some("Bearer given.load.token")
            );
            assert_eq!(request.header("content-type"), Some("application/json"));
            let customer = body(request)["customerId"].as_str().unwrap().to_owned();
            let number: u32 = customer.strip_prefix("cust-").unwrap().parse().unwrap();
            assert!((1000..=9999).contains(&number));
        }
        let mut checkout = body(pair[1]);
        checkout["customerId"].take();
        assert_eq!(
            checkout,
            json!({
                "customerId": null,
                "paymentMethod": { "type": "card", "token": "tok_visa_4242" },
                "shippingAddress": {
                    "name": "Taylor Smith", "line1": "100 Market St", "city": "San Francisco",
                    "state": "CA", "postalCode": "94105", "country": "US",
                },
                "currency": "USD",
            })
        );
    }
}

#[test]
fn buyers_pause_before_checkout_in_a_session_for_each_flow() {
    let load = "  - { phase: steady, users: 20, for: 4s }";
    let scenario = instead(
        &shortened("lambda-checkout", load),
        "think: 1s..2s",
        "think: 100ms..200ms",
    );
    let gate = gate(LENIENT).with_scenario(&scenario);
    let (ran, server) = gate.run_on(authorizer, &SECRETS);
    ran.exits(0);
    let received = server.received();
    let mut sessions = BTreeSet::new();
    let (mut carts, mut gaps) = (Vec::new(), Vec::new());
    for requests in by_user(&received, 0)
        .iter()
        .filter(|requests| requests.len() > 1)
    {
        is_buyer(requests, &mut sessions);
        carts.extend(requests.iter().step_by(2).map(|cart| body(cart)));
        gaps.extend(
            requests[1..]
                .chunks_exact(2)
                .map(|two| seconds(two[0], two[1])),
        );
    }
    assert!(sessions.len() > 150, "{}", sessions.len());
    gaps.sort_by(f64::total_cmp);
    assert!(
        gaps[gaps.len() / 2] < 0.09,
        "no pause after a checkout: {}",
        gaps[gaps.len() / 2]
    );
    let items = [("SKU-10458", 1), ("SKU-20491", 2), ("SKU-30912", 1)];
    let items = items.map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity }));
    are_picked(carts.iter().map(|cart| &cart["item"]), &items);
}

#[test]
fn bursts_come_from_nobody_to_all_and_again_after_silence() {
    let mut scenario = shipped("lambda-burst");
    for (old, new) in [
        ("repeat: 5", "repeat: 2"),
        ("for: 2s }", "for: 1s }"),
        ("for: 8s }", "for: 1600ms }"),
    ] {
        scenario = instead(&scenario, old, new);
    }
    let gate = gate(LENIENT).with_scenario(&scenario);
    let variables = [SECRETS[1], ("LOADGATE_SET", "burst_users=40\nidle=1200ms")];
    let (ran, server) = gate.run_on(authorizer, &variables);
    ran.exits(0);
    let received = server.received();
    let users = by_user(&received, 0);
    assert_eq!(users.len(), 80, "each pass makes its users anew");
    let silence = received.windows(2).map(|two| seconds(&two[0], &two[1]));
    assert!(
        silence.fold(0.0, f64::max) > 0.6,
        "between the bursts nobody asks"
    );
    let first = received[0].at;
    let early = received
        .iter()
        .filter(|it| it.at.duration_since(first).as_secs_f64() < 0.1);
    let early: BTreeSet<u64> = early.map(|it| it.connection).collect();
    assert!(
        early.len() < 20,
        "they come one after the other: {}",
        early.len()
    );
    for requests in &users {
        let waits = requests.windows(2).map(|two| seconds(two[0], two[1]));
        assert!(requests.len() > 4 && waits.clone().all(|wait| wait > 0.199));
        let mut waits: Vec<f64> = waits.collect();
        waits.sort_by(f64::total_cmp);
        assert!(waits[0] < 0.4, "{waits:?}");
    }
    let sent: Vec<Value> = received.iter().map(body).collect();
    let ids: BTreeSet<&str> = sent
        .iter()
        .map(|body| body["reportId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), sent.len(), "each report has an id of its own");
    assert!(
        received
            .iter()
            .all(|it| it.line() == "POST /prod/reports/generate-preview"
                && it.header("authorization") == Some("Bearer given.load.token"))
    );
    for body in &sent {
        assert_eq!(
            body["dateRange"],
            json!({ "start": "2026-03-01", "end": "2026-03-31" })
        );
        assert_eq!(body["format"], "json");
    }
    let picked = |pointer: &'static str, from: [&str; 3]| {
        let values = sent.iter().map(|body| body.pointer(pointer).unwrap());
        are_picked(values, &from.map(Value::from));
    };
    picked(
        "/reportType",
        ["sales_summary", "inventory_snapshot", "customer_activity"],
    );
    picked("/filters/region", ["us-east-1", "us-west-2", "eu-west-1"]);
    picked("/filters/channel", ["web", "mobile", "partner"]);
}

#[test]
fn readers_and_writers_come_together_as_in_their_own_gates() {
    let mut scenario = shortened("lambda-mixed", "  - { phase: warm, users: 100, for: 4s }");
    for (old, new) in [
        ("wait: 1s..3s", "wait: 100ms..300ms"),
        ("wait: 2s..5s", "wait: 200ms..500ms"),
        ("think: 1s..2s", "think: 100ms..200ms"),
    ] {
        scenario = instead(&scenario, old, new);
    }
    let gate = gate(LENIENT).with_scenario(&scenario);
    let (ran, server) = gate.run_on(authorizer, &SECRETS);
    ran.exits(0);
    let received = server.received();
    let (mut counts, mut sessions) = ([0; 3], BTreeSet::new());
    let (mut lists, mut views) = (0, 0);
    let (mut profiles, mut reads) = (0, 0);
    let (mut shoppers_waits, mut members_waits) = (Vec::new(), Vec::new());
    // One unrecorded user of each class that has something harmless to send comes first.
    for requests in by_user(&received, 2) {
        match requests[0].path.as_str() {
            "/prod/auth/login" => {
                counts[1] += 1;
                is_member(&requests);
                let own = requests.iter();
                profiles += own.filter(|it| it.path == "/prod/user/profile").count();
                reads += requests.len() - 1;
                members_waits.extend(requests[1..].windows(2).map(|two| seconds(two[0], two[1])));
            }
            "/prod/cart/items" => {
                counts[2] += 1;
                is_buyer(&requests, &mut sessions);
            }
            _ => {
                counts[0] += 1;
                let list = "GET /prod/catalog/items?category=electronics&limit=20";
                lists += requests.iter().filter(|it| it.line() == list).count();
                views += requests.len();
                shoppers_waits.extend(requests.windows(2).map(|two| seconds(two[0], two[1])));
                assert!(
                    requests
                        .iter()
                        .all(|it| it.path.starts_with("/prod/catalog/items"))
                );
            }
        }
    }
    assert_eq!(
        counts,
        [40, 40, 20],
        "users by the weights of their classes"
    );
    assert!(
        views > 200 && sessions.len() > 80,
        "{views} {}",
        sessions.len()
    );
    is_share(lists, views, 0.75);
    assert!(reads > 150, "{reads}");
    is_share(profiles, reads, 0.4);
    // A tenth of 1 s to 3 s and of 2 s to 5 s, and an answer that takes next to nothing.
    for (waits, least, mean) in [(shoppers_waits, 0.1, 0.2), (members_waits, 0.2, 0.35)] {
        let told = waits.iter().sum::<f64>() / waits.len() as f64;
        assert!(waits.iter().all(|wait| *wait > least - 0.001), "{waits:?}");
        assert!((mean - 0.02..mean + 0.25).contains(&told), "{told}");
    }
}
