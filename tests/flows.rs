//! What one user does: logs in, carries values from step to step, pauses, goes on or stops after a failure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{Gate, Received, Server, gate};

/// No limit, so that a flow may fail on purpose.
const LENIENT: &str = "limits: { overall: { error_rate: off, unavailable: off } }\nregression: { gate: [error_rate] }";

/// The received requests by connection, without the unrecorded user's.
fn by_user(server: &Server) -> BTreeMap<u64, Vec<Received>> {
    let mut users: BTreeMap<u64, Vec<Received>> = BTreeMap::new();
    for request in server.received() {
        users.entry(request.connection).or_default().push(request);
    }
    users.remove(&0);
    users
}

/// All cells of a result, by request name: requests and failures by kind.
pub(crate) fn cells(gate: &Gate) -> BTreeMap<String, (u64, BTreeMap<String, u64>)> {
    let result: Value = serde_json::from_str(&gate.written("result.json")).unwrap();
    let names = result["requests"].as_array().unwrap();
    let mut cells: BTreeMap<String, (u64, BTreeMap<String, u64>)> = BTreeMap::new();
    for slice in result["slices"].as_array().unwrap() {
        for cell in slice["cells"].as_array().unwrap() {
            let name = &names[usize::try_from(cell["request"].as_u64().unwrap()).unwrap()];
            let sum = cells.entry(name.as_str().unwrap().to_owned()).or_default();
            sum.0 += cell["requests"].as_u64().unwrap();
            for (kind, count) in cell["cell"]["errors"].as_object().into_iter().flatten() {
                *sum.1.entry(kind.clone()).or_default() += count.as_u64().unwrap();
            }
        }
    }
    cells
}

const MEMBER: &str = r#"
name: member
variables: { usernames: [anna, bert, carl] }
user_classes:
  - name: member
    wait: 20ms
    auth: { bearer: "{{ token }}" }
    headers: { X-Flow: "{{ flow }}" }
    on_start:
      - post: /login
        json: { user: "{{ pick(usernames) }}", password: "{{ env.SECRET_WORD }}", remember: true }
        expect: { status: 201 }
        capture: { token: $.accessToken, account: header:X-Account }
    tasks:
      - set: { flow: "{{ uuid() }}" }
        steps:
          - get: /profile/{{ account }}
            name: GET /profile
          - put: /profile
            json: { n: "{{ random_int(1, 3) }}" }
load:
  - { phase: warm, users: 5, for: 1s }
"#;

#[test]
fn a_user_logs_in_once_and_carries_what_it_was_given() {
    let gate = gate("").with_scenario(MEMBER);
    let server = || {
        Server::start(|request| {
            let token = format!("t{}", request.connection);
            match request.path.as_str() {
                "/login" => (201, format!("{{\"accessToken\":\"{token}\"}}")),
                _ if request.header("authorization") == Some(&format!("Bearer {token}")) => {
                    (200, "{}".to_owned())
                }
                _ => (401, "{}".to_owned()),
            }
        })
    };
    // The captured header is missing, so that each profile is sent to nobody.
    let (ran, server) = gate.run_on(server, &[("SECRET_WORD", "correct-horse")]);
    ran.exits(1);
    let users = by_user(&server);
    assert_eq!(users.len(), 5);
    for requests in users.values() {
        let logins = requests.iter().filter(|it| it.path == "/login");
        assert_eq!(logins.count(), 1, "once, and first");
        let login: Value = serde_json::from_str(&requests[0].body).unwrap();
        assert!(["anna", "bert", "carl"].contains(&login["user"].as_str().unwrap()));
        assert_eq!(login["password"], "correct-horse");
        assert_eq!(login["remember"], true);
        assert_eq!(requests[0].header("authorization"), None);
        assert!(requests[1..].iter().all(|it| it.line() == "PUT /profile"));
        let flows: BTreeSet<_> = requests[1..].iter().map(|it| it.header("x-flow")).collect();
        assert_eq!(flows.len(), requests.len() - 1, "a value for each pass");
        for request in &requests[1..] {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            assert!(
                (1..=3).contains(&body["n"].as_i64().unwrap()),
                "a number: {body}"
            );
        }
    }
    let cells = cells(&gate);
    let (unset, kinds) = &cells["GET /profile"];
    assert_eq!(kinds.get("unset"), Some(unset), "unsent, and counted");
    assert_eq!(cells["PUT /profile"].1, BTreeMap::new());
    assert_eq!(
        cells["POST /login"].1.get("expectation"),
        Some(&5),
        "a capture that finds nothing"
    );
    for file in ["result.json", "summary.md", "junit.xml", "metrics.txt"] {
        assert!(!gate.written(file).contains("correct-horse"), "{file}");
    }
}

#[test]
fn a_user_whose_login_failed_goes_on_without_its_token() {
    let gate = gate(LENIENT).with_scenario(&MEMBER.replace("{{ env.SECRET_WORD }}", "x"));
    let refusing = || Server::start(|_| (403, "{}".to_owned()));
    let (_, server) = gate.run_on(refusing, &[]);
    let users = by_user(&server);
    assert_eq!(users.len(), 5);
    for requests in users.values() {
        assert!(requests.len() > 1 && requests[0].path == "/login");
        assert!(
            requests
                .iter()
                .all(|it| it.header("authorization").is_none())
        );
    }
    assert!(cells(&gate)["POST /login"].1.contains_key("403"));
}

fn checkout(stop: &str) -> String {
    format!(
        "name: checkout
user_classes:
  - name: buyer
    tasks:
      - set: {{ session: \"{{{{ uuid() }}}}\" }}
        stop_on_failure: {stop}
        steps:
          - post: /cart
            headers: {{ X-Session: \"{{{{ session }}}}\" }}
            json: {{ item: 1 }}
          - think: 100ms..200ms
          - post: /checkout
            headers: {{ X-Session: \"{{{{ session }}}}\" }}
load:
  - {{ phase: warm, users: 4, for: 2s }}
"
    )
}

#[test]
fn a_flow_keeps_its_session_and_pauses_where_it_says() {
    let gate = gate(LENIENT).with_scenario(&checkout("false"));
    let (_, server) = gate.run_on(Server::fast, &[]);
    let mut sessions = BTreeSet::new();
    for requests in by_user(&server).values() {
        for pass in requests.chunks_exact(2) {
            assert_eq!(pass[0].line(), "POST /cart");
            assert_eq!(pass[1].line(), "POST /checkout");
            let session = pass[0].header("x-session").unwrap();
            assert_eq!(pass[1].header("x-session"), Some(session));
            assert!(sessions.insert(session.to_owned()), "a session of its own");
            let pause = pass[1].at.duration_since(pass[0].at).as_secs_f64();
            assert!((0.099..5.0).contains(&pause), "{pause}");
        }
    }
    assert!(sessions.len() > 12, "{}", sessions.len());
}

#[test]
fn a_failed_step_ends_the_pass_where_the_task_says_so() {
    let refusing = || {
        Server::start(|request| match request.path.as_str() {
            "/cart" if request.number % 2 == 1 => (409, "{}".to_owned()),
            _ => (200, "{}".to_owned()),
        })
    };
    for (stop, goes_on) in [("true", false), ("false", true)] {
        let gate = gate(LENIENT).with_scenario(&checkout(stop));
        gate.run(&refusing().url(), &[]);
        let cells = cells(&gate);
        let ((carts, failed), (checkouts, _)) = (&cells["POST /cart"], &cells["POST /checkout"]);
        let failed = failed.get("409").copied().unwrap_or_default();
        assert!(failed > 0);
        let expected = if goes_on { *carts } else { carts - failed };
        // A user that leaves between the two steps ends its pass all the same.
        assert!(
            checkouts.abs_diff(expected) <= 4,
            "{stop}: {carts} carts, {failed} failed, {checkouts} checkouts"
        );
    }
}

#[test]
fn redirects_are_followed_within_the_origin_and_fail_in_a_loop() {
    let scenario = |redirects: u32| {
        format!(
            "name: redirects
user_classes:
  - name: a
    wait: 20ms
    tasks:
      - steps: [{{ get: /old, redirects: {redirects} }}, {{ get: /circle, redirects: {redirects} }}]
load: [{{ phase: warm, users: 2, for: 1s }}]
"
        )
    };
    let gate = gate(LENIENT).with_scenario(&scenario(2));
    let redirecting = || {
        Server::start(|request| match request.path.as_str() {
            "/old" => (302, "/new".to_owned()),
            "/circle" => (302, "/circle".to_owned()),
            _ => (200, "{}".to_owned()),
        })
    };
    let (_, server) = gate.run_on(redirecting, &[]);
    let counted = cells(&gate);
    assert_eq!(counted["GET /old"].1, BTreeMap::new());
    let (circles, kinds) = &counted["GET /circle"];
    assert_eq!(kinds.get("redirect"), Some(circles));
    let paths: BTreeSet<String> = server.received().into_iter().map(|it| it.path).collect();
    assert!(paths.contains("/new"));

    gate.write("scenario.yml", &scenario(0));
    gate.run_on(redirecting, &[]);
    // A redirect that is not followed is an answer below 400.
    assert_eq!(cells(&gate)["GET /circle"].1, BTreeMap::new());
}
