//! What a response is worth: one that came at the second attempt, and one that only points elsewhere.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::flows::cells;
use crate::support::{Answer, Gate, Received, Server, gate};

/// A scenario of four users that do these steps and wait.
fn scenario(wait: &str, steps: &str) -> String {
    format!(
        "name: responses\nuser_classes:\n  - name: user\n    wait: {wait}\n    tasks:\n      - steps: [{steps}]\nload:\n  - {{ phase: warm, users: 4, for: 2s }}\n"
    )
}

/// A gate whose users do these steps again and again.
fn doing(thresholds: &str, steps: &str) -> Gate {
    gate(thresholds).with_scenario(&scenario("5ms", steps))
}

/// What `result.json` says beside times, summed over phases, by request name.
fn parts(gate: &Gate, field: &str) -> BTreeMap<String, u64> {
    let result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let mut sums = BTreeMap::new();
    for own in result["parts"].as_array().unwrap() {
        let name = &result["requests"][usize::try_from(own["request"].as_u64().unwrap()).unwrap()];
        *sums.entry(name.as_str().unwrap().to_owned()).or_default() +=
            own["parts"][field].as_u64().unwrap();
    }
    sums
}

/// The address that the parts of a request name hold.
fn address(gate: &Gate, index: usize) -> Option<String> {
    let result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let mut parts = result["parts"].as_array().unwrap().iter();
    let own = parts.find(|own| own["request"] == index)?;
    own["parts"]["redirect"].as_str().map(str::to_owned)
}

/// The reports of a run that are for people and for machines.
const REPORTS: [&str; 3] = ["summary.md", "junit.xml", "report.html"];

/// Whether a server that dies with a request in hand does so with this one.
fn dies(request: &Received) -> bool {
    request.number >= 20 && request.number.is_multiple_of(5)
}

#[test]
fn requests_that_die_and_are_sent_again_fail_the_gate() {
    let gate = doing(
        "limits: { overall: { error_rate: 1% } }",
        "{ get: /items }, { put: /items, json: {} }, { delete: /items }, { post: /items, json: {} }",
    );
    let dying = || {
        Server::start(|request| {
            if dies(request) {
                (Server::CLOSES, String::new())
            } else {
                (200, "{}".to_owned())
            }
        })
    };
    let (ran, server) = gate.run_on(dying, &[]);
    ran.exits(1);
    let mut died: BTreeMap<String, u64> = BTreeMap::new();
    for request in server.received().iter().filter(|request| dies(request)) {
        *died.entry(request.line()).or_default() += 1;
    }
    let resent = parts(&gate, "resent");
    for (name, (_, kinds)) in cells(&gate) {
        let kind = |kind: &str| kinds.get(kind).copied().unwrap_or(0);
        // One that dies again at the second attempt has died twice, and is a failure as any other.
        assert_eq!(resent[&name] + kind("reset"), died[&name], "{name}");
        if name.starts_with("POST") {
            assert_eq!(resent[&name], 0, "not idempotent");
        } else {
            assert!(kind("resent") > 0, "{name}: {kinds:?}");
            assert!(kind("resent") <= resent[&name], "{name}: {kinds:?}");
        }
    }
    let metrics = gate.written("metrics.txt");
    for name in ["GET /items", "PUT /items", "DELETE /items"] {
        let labels = format!("{{request=\"{name}\",phase=\"warm\"}}");
        let line = format!("loadgate_resent_total{labels} {}\n", resent[name]);
        assert!(metrics.contains(&line), "no {line}");
    }
}

#[test]
fn a_connection_closed_between_two_requests_is_not_a_failure() {
    let gate = gate("limits: { overall: { error_rate: off } }\nregression: { gate: [error_rate] }")
        .with_scenario(&scenario("100ms", "{ get: /items }"));
    let (_, server) = gate.run_on(Server::closing, &[]);
    let (requests, kinds) = &cells(&gate)["GET /items"];
    // On a busy machine a server may come to its close only when the next request has arrived.
    let resent = kinds.get("resent").copied().unwrap_or(0);
    assert!(*requests > 10 && resent * 5 <= *requests, "{kinds:?}");
    assert!(kinds.keys().all(|kind| kind == "resent"), "{kinds:?}");
    let mut received = server.received();
    let all = received.len();
    received.dedup_by_key(|request| request.connection);
    assert_eq!(received.len(), all, "one request per connection");
}

/// A server that answers every request with this.
fn answering(status: u16, body: &str) -> impl Fn() -> Server {
    let body = body.to_owned();
    move || {
        let body = body.clone();
        Server::start(move |_| -> Answer { (status, body.clone()) })
    }
}

#[test]
fn a_name_that_is_only_redirected_cannot_be_judged() {
    let secret = [("PASS_WORD", "hush-hush")];
    for status in [301, 302, 303, 307, 308] {
        let gate = doing(
            "limits: { overall: { error_rate: 1% } }",
            "{ get: '/page?p={{ env.PASS_WORD }}' }, { head: /page, name: HEAD page }",
        );
        let place = "https://me:pw@moved.example.com/hush-hush/page?token=t#f";
        let (ran, _) = gate.run_on(answering(status, place), &secret);
        ran.exits(3);
        let shown = "https://moved.example.com/***/page?…";
        assert_eq!(address(&gate, 0).as_deref(), Some(shown));
        for (name, unfollowed) in parts(&gate, "unfollowed") {
            assert_eq!(unfollowed, cells(&gate)[&name].0, "{name}");
        }
        for report in REPORTS {
            let report = gate.written(report);
            assert!(report.contains(&status.to_string()));
            assert!(report.contains("moved.example.com"));
            for hidden in ["hush-hush", "me:pw", "token=t"] {
                assert!(!report.contains(hidden), "{hidden}");
            }
        }
    }
}

#[test]
fn a_redirect_that_leads_nowhere_is_judged_as_any_other() {
    for status in [300, 302, 304, 305, 307] {
        let gate = doing("limits: { overall: { error_rate: 1% } }", "{ get: /page }");
        let (ran, _) = gate.run_on(answering(status, ""), &[]);
        ran.exits(3);
        assert_eq!(address(&gate, 0), None);
        let (requests, _) = cells(&gate)["GET /page"];
        assert_eq!(
            parts(&gate, "unfollowed")["GET /page"],
            requests,
            "{status}"
        );
        for report in REPORTS {
            assert!(gate.written(report).contains(&status.to_string()));
        }
        let server = answering(status, "")();
        gate.command("try", &["--target", &server.url()]).exits(0);
        let gate = doing("", "{ get: /page, redirects: 3 }");
        let (ran, _) = gate.run_on(answering(status, ""), &[]);
        ran.exits(1);
        assert!(
            cells(&gate)["GET /page"].1.contains_key("redirect"),
            "{status}"
        );
    }
}

#[test]
fn what_asks_for_a_redirect_gets_one_and_no_other_status_is_one() {
    for (status, step) in [
        (302, "{ get: /page, expect: { status: 302 } }"),
        (302, "{ get: /page, expect: { status: [200, 302] } }"),
        (302, "{ get: /page, capture: { place: header:Location } }"),
        (
            302,
            "{ get: /page, expect: { header: { Location: /login } } }",
        ),
        (304, "{ get: /page, headers: { If-None-Match: '\"1\"' } }"),
        (304, "{ get: /page, expect: { status: 304 } }"),
        (300, "{ get: /page, expect: { status: [200, 300] } }"),
    ] {
        let gate = doing("limits: { overall: { error_rate: 1% } }", step);
        let (ran, _) = gate.run_on(answering(status, "/login"), &[]);
        ran.exits(0);
        assert_eq!(parts(&gate, "unfollowed")["GET /page"], 0, "{step}");
    }
}

#[test]
fn try_tells_of_a_redirect_that_nothing_follows_and_of_no_other() {
    let server = || {
        Server::start(|request| match request.path.as_str() {
            "/" => (200, "{}".to_owned()),
            "/created" => (201, "/".to_owned()),
            _ => (302, "https://me:pw@moved.example.com/?token=t".to_owned()),
        })
    };
    let said = "302 to https://moved.example.com/?… was not followed; set `redirects` to follow it";
    for (step, code, count) in [
        ("{ get: /page }, { get: / }, { get: /page }", 0, 2),
        ("{ get: /page, expect: { status: 200 } }", 1, 1),
        ("{ get: /created }", 0, 0),
        ("{ get: /page, expect: { status: 302 } }", 0, 0),
        ("{ get: /page, capture: { place: header:Location } }", 0, 0),
        ("{ get: /page, redirects: 3 }", 1, 0),
    ] {
        let gate = doing("", step);
        let server = server();
        let ran = gate
            .command("try", &["--target", &server.url()])
            .exits(code);
        let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(told.matches(said).count(), count, "{step}: {told}");
    }
}

#[test]
fn a_redirect_out_of_the_target_fails_and_names_the_address() {
    let gate = doing(
        "limits: { overall: { error_rate: 1% } }",
        "{ get: /in, redirects: 3 }, { get: /out, redirects: 3 }",
    );
    let leaving = || {
        Server::start(|request| match request.path.as_str() {
            "/in" => (302, "/ok".to_owned()),
            "/out" => (302, "/further".to_owned()),
            "/further" => (302, "https://moved.example.com/page?token=t".to_owned()),
            _ => (200, "{}".to_owned()),
        })
    };
    let (ran, _) = gate.run_on(leaving, &[]);
    ran.exits(1);
    let counted = cells(&gate);
    assert_eq!(counted["GET /in"].1, BTreeMap::new());
    let (requests, kinds) = &counted["GET /out"];
    assert_eq!(kinds, &BTreeMap::from([("redirect".to_owned(), *requests)]));
    assert_eq!(
        address(&gate, 1).as_deref(),
        Some("https://moved.example.com/page?…")
    );
    for report in REPORTS {
        let report = gate.written(report);
        assert!(report.contains("moved.example.com") && !report.contains("token=t"));
    }
}
