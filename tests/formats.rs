//! What the rest of the scenario format does on the wire: files, rows, cookies, conditions, programs, environments, and
//! what `try` tells of them.

use std::collections::BTreeSet;

use crate::support::{Gate, Server, gate, loadgate};

const LENIENT: &str = "limits: { overall: { error_rate: off, unavailable: off } }";

/// A gate with a scenario of one class, which is written below `user_classes`.
fn with(head: &str, class: &str) -> Gate {
    gate(LENIENT).with_scenario(&format!(
        "name: sample\n{head}\nuser_classes:\n  - name: user\n    wait: 10ms\n{class}\nload:\n  - {{ phase: warm, users: 4, for: 1s }}\n"
    ))
}

/// `loadgate try` against a server, with further arguments and variables of the environment.
fn tried(gate: &Gate, server: &Server, more: &[&str], env: &[(&str, &str)]) -> crate::support::Ran {
    let output = loadgate(gate.home())
        .arg("try")
        .arg(gate.folder())
        .args(["--target", &server.url()])
        .args(more)
        .envs(env.iter().copied())
        .output();
    crate::support::Ran::new(&output.unwrap())
}

#[test]
fn an_unexpected_response_is_a_failure_of_its_own_kind() {
    let gate = with(
        "",
        "    tasks:
      - steps:
          - { get: /good, name: good, expect: { status: [200, 201], json: { $.status: done, $.n: 2, $.gone: { exists: false } }, header: { content-type: application/json }, body: done } }
          - { get: /bad, name: bad, expect: { json: { $.status: open } } }
          - { get: /header, name: header, expect: { header: { x-none: { exists: true } } } }
          - { get: /text, name: text, expect: { body: [done, undone] } }",
    );
    let server = || Server::start(|_| (200, "{\"status\": \"done\", \"n\": 2.0}".to_owned()));
    let (ran, _) = gate.run_on(server, &[]);
    ran.exits(0);
    let cells = crate::flows::cells(&gate);
    assert!(cells["good"].1.is_empty(), "{cells:?}");
    for name in ["bad", "header", "text"] {
        let (requests, kinds) = &cells[name];
        assert_eq!(kinds.get("expectation"), Some(requests), "{name}");
    }
    let ran = tried(&gate, &server(), &[], &[]).exits(1);
    ran.tells(&[
        "FAILED: $.status is \"done\", expected \"open\"",
        "FAILED: the header x-none is missing",
        "FAILED: the body does not contain 'undone'",
        "3 of 4 steps failed",
    ]);
}

#[test]
fn that_a_body_is_no_json_is_said_once() {
    let gate = with(
        "",
        "    tasks: [{ steps: [{ get: /, expect: { json: { $.a: 1, $.b: { exists: true }, $.c: { exists: false }, $.d: 2 } } }] }]",
    );
    let server = Server::start(|_| (200, "<html>".to_owned()));
    let ran = tried(&gate, &server, &[], &[]).exits(1);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let once = "so it has no $.a, no $.b and no $.d";
    assert_eq!(told.matches("is not JSON").count(), 1, "{told}");
    assert!(told.contains(once), "{told}");
}

#[test]
fn every_expectation_that_is_not_met_is_told() {
    let gate = with(
        "",
        "    tasks:
      - steps:
          - { get: /, name: all, expect: { header: { x-none: { exists: true }, content-type: text/plain }, json: { $.status: open, $.n: 3, $.gone: 1 } } }",
    );
    let server = Server::start(|_| (200, "{\"status\": \"done\", \"n\": 2.0}".to_owned()));
    let ran = tried(&gate, &server, &[], &[]).exits(1);
    let told = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, failure) = told.split_once("FAILED: ").unwrap();
    let mut after = failure;
    for unmet in [
        "the header x-none is missing; ",
        "content-type is ",
        "$.status is \"done\", expected \"open\"; ",
        "$.n is 2.0, expected 3; ",
        "the body has no $.gone, expected 1",
    ] {
        let (_, rest) = after
            .split_once(unmet)
            .unwrap_or_else(|| panic!("no {unmet} in {failure}"));
        after = rest;
    }
    // They are one failure of one step.
    assert!(told.contains("1 of 1 step failed"), "{told}");
}

#[test]
fn each_user_keeps_its_own_cookies() {
    let class = |cookies: &str| {
        format!(
            "    cookies: {cookies}
    on_start: [{{ post: /login }}]
    tasks: [{{ steps: [{{ get: /me }}] }}]"
        )
    };
    let server = || {
        Server::start(|request| match request.path.as_str() {
            // The test's server can set a header by way of a redirect's place alone.
            "/login" => (
                303,
                format!("/me\r\nset-cookie: sid=s{}; Path=/", request.connection),
            ),
            _ => (200, "{}".to_owned()),
        })
    };
    let gate = with(
        "defaults: { expect: { status: [200, 303] } }",
        &class("true"),
    );
    let (ran, kept) = gate.run_on(server, &[]);
    ran.exits(0);
    let mut seen = BTreeSet::new();
    for request in kept.received().iter().filter(|it| it.path == "/me") {
        let cookie = format!("sid=s{}", request.connection);
        assert_eq!(request.header("cookie"), Some(cookie.as_str()));
        seen.insert(cookie);
    }
    assert!(seen.len() > 4, "{seen:?}");
    let gate = with(
        "defaults: { expect: { status: [200, 303] } }",
        &class("false"),
    );
    let (_, none) = gate.run_on(server, &[]);
    assert!(
        none.received()
            .iter()
            .all(|it| it.header("cookie").is_none())
    );
}

#[test]
fn a_step_runs_if_its_condition_is_true_and_fails_if_unknown() {
    let gate = with(
        "variables: { beta: false }",
        "    tasks:
      - set: { plan: \"{{ pick(['pro', 'free']) }}\" }
        steps:
          - { get: '/{{ plan }}', name: plan }
          - { get: /pro-only, name: pro, when: \"{{ plan == 'pro' }}\", headers: { x-plan: '{{ plan }}' } }
          - { get: /beta, name: beta, when: '{{ beta }}' }
          - { get: /unknown, name: unknown, when: \"{{ late == 1 }}\", capture: { late: $.late } }
          - { get: /text, name: text, when: '{{ plan }}' }",
    );
    let (_, server) = gate.run_on(Server::fast, &[]);
    let received = server.received();
    let count = |path: &str| received.iter().filter(|it| it.path == path).count();
    assert!(count("/pro") > 10 && count("/free") > 10);
    let of_pro = received.iter().filter(|it| it.path == "/pro-only");
    assert!(of_pro.clone().all(|it| it.header("x-plan") == Some("pro")));
    assert!(of_pro.count().abs_diff(count("/pro")) <= 8);
    assert_eq!(count("/beta") + count("/unknown") + count("/text"), 0);
    let cells = crate::flows::cells(&gate);
    for name in ["unknown", "text"] {
        let (requests, kinds) = &cells[name];
        assert!(
            *requests > 0 && kinds.get("unset") == Some(requests),
            "{name}: {cells:?}"
        );
    }
    assert!(!cells.contains_key("beta"));
}

#[test]
fn rows_come_in_order_by_chance_or_one_for_each_user() {
    let gate = with(
        "data:\n  accounts: { file: accounts.csv, order: unique }\n  terms: terms.json\n  any: { file: terms.json, order: random }",
        "    on_start: [{ post: /login, form: { user: '{{ accounts.user }}', pin: '{{ accounts.pin }}' } }]
    tasks: [{ steps: [{ get: /search, query: { q: '{{ terms.q }}', n: '{{ terms.n }}', any: '{{ any.q }}' }, headers: { x-user: '{{ accounts.user }}' } }] }]",
    );
    let rows = (0..4).map(|n| format!("u{n},0{n}\n"));
    let rows = rows.collect::<Vec<_>>().concat();
    gate.write("accounts.csv", &format!("user,pin\n{rows}"));
    gate.write(
        "terms.json",
        "[{\"q\": \"a b\", \"n\": 1}, {\"q\": \"c\", \"n\": 2}, {\"q\": \"d\", \"n\": 3}]",
    );
    let (ran, server) = gate.run_on(Server::fast, &[]);
    ran.exits(0);
    let received = server.received();
    let of_load: Vec<_> = received.iter().filter(|it| it.connection > 0).collect();
    let logins: BTreeSet<&str> = of_load
        .iter()
        .filter(|it| it.path == "/login")
        .map(|it| it.body.as_str())
        .collect();
    assert_eq!(
        logins.into_iter().collect::<Vec<_>>(),
        [
            "user=u0&pin=00",
            "user=u1&pin=01",
            "user=u2&pin=02",
            "user=u3&pin=03"
        ]
    );
    for connection in 1..=4 {
        let users: BTreeSet<_> = of_load
            .iter()
            .filter(|it| it.connection == connection && it.path != "/login")
            .map(|it| it.header("x-user"))
            .collect();
        assert_eq!(users.len(), 1, "a user keeps its row");
    }
    let searches: Vec<&str> = of_load
        .iter()
        .filter(|it| it.path != "/login")
        .map(|it| it.path.as_str())
        .collect();
    let share = |part: &str| searches.iter().filter(|path| path.contains(part)).count();
    let counts = ["q=a%20b&n=1", "q=c&n=2", "q=d&n=3"].map(share);
    assert_eq!(counts.iter().sum::<usize>(), searches.len());
    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
    assert!(most - least <= 1, "each in its turn: {counts:?}");
    assert!(
        ["any=a%20b", "any=c", "any=d"]
            .map(share)
            .iter()
            .all(|count| *count > 20)
    );

    gate.write("accounts.csv", "user,pin\nu0,00\n");
    let few = gate.run(&server.url(), &[]).exits(2);
    few.says(&[
        "the data 'accounts' have 1 rows, but each of 4 users needs one",
        "order: sequential",
    ]);
}

#[test]
fn parts_of_a_scenario_are_read_only_from_its_repository() {
    let gate = with(
        "include: ../shared.yml\nenvironments: { staging: { variables: { way: staging } } }",
        "    tasks: [{ steps: [{ include: steps.yml }, { put: /upload, file: ../body.bin }] }]",
    );
    std::fs::write(
        gate.home().join("shared.yml"),
        "variables: { way: local }\n",
    )
    .unwrap();
    std::fs::write(gate.home().join("body.bin"), [1, 2, 255]).unwrap();
    std::fs::create_dir(gate.home().join(".git")).unwrap();
    gate.write("steps.yml", "- get: '/{{ way }}'\n  name: way\n");
    let server = Server::fast();
    tried(&gate, &server, &[], &[]).exits(0);
    tried(&gate, &server, &["--environment", "staging"], &[]).exits(0);
    tried(&gate, &server, &[], &[("LOADGATE_ENVIRONMENT", "staging")]).exits(0);
    let lines: Vec<String> = server
        .received()
        .iter()
        .map(crate::support::Received::line)
        .collect();
    assert_eq!(
        lines,
        [
            "GET /local",
            "PUT /upload",
            "GET /staging",
            "PUT /upload",
            "GET /staging",
            "PUT /upload"
        ]
    );
    gate.write("steps.yml", "- { post: /, file: /etc/hostname }\n");
    let ran = tried(&gate, &server, &[], &[]).exits(2);
    ran.says(&["steps.yml:1:20", "is an absolute path"]);
    gate.write(
        "steps.yml",
        "- { post: /, file: ../../../../../../../../etc/hostname }\n",
    );
    tried(&gate, &server, &[], &[]).exits(2);
}

#[test]
fn a_program_brings_values_and_its_failure_is_counted() {
    let class = |program: &str| {
        format!(
            "    tasks:
      - steps:
          - command: [sh, -c, '{program}', sh, \"{{{{ env.KEY_OF_SIGNER }}}}\"]
            capture: {{ signed: $.signed }}
          - {{ post: /order, headers: {{ x-signed: '{{{{ signed }}}}' }} }}
          - {{ get: /after }}"
        )
    };
    let env = [("KEY_OF_SIGNER", "it is $HOME")];
    let gate = with(
        "",
        &class("printf \"{\\\"signed\\\": \\\"<%s>\\\"}\" \"$1\""),
    );
    let refused = tried(&gate, &Server::fast(), &[], &env).exits(2);
    refused.says(&["runs a program on this machine", "--allow-commands"]);
    let allowed = [env[0], ("LOADGATE_ALLOW_COMMANDS", "1")];
    let (ran, server) = gate.run_on(Server::fast, &allowed);
    ran.exits(0);
    let orders: Vec<_> = server
        .received()
        .into_iter()
        .filter(|it| it.path == "/order")
        .collect();
    assert!(orders.len() > 8);
    assert!(
        orders
            .iter()
            .all(|it| it.header("x-signed") == Some("<it is $HOME>"))
    );
    let names: Vec<String> = crate::flows::cells(&gate).into_keys().collect();
    assert_eq!(
        names,
        ["GET /after", "POST /order"],
        "a program is counted nowhere"
    );

    // Works once, for the user that tries before the load, and then fails.
    let once = "test -e tried && exit 7; touch tried; echo \"{\\\"signed\\\": 1}\"";
    let gate = gate_with_limit(&class(once));
    let (ran, server) = gate.run_on(Server::fast, &allowed);
    assert_ne!(ran.code, Some(0), "{}", ran.stdout);
    let cells = crate::flows::cells(&gate);
    let (orders, kinds) = &cells["POST /order"];
    assert_eq!(kinds.get("unset"), Some(orders), "{cells:?}");
    assert!(server.received().iter().all(|it| it.path != "/order"));

    let gate = with("", &class("echo broken >&2; exit 3"));
    let (ran, _) = gate.run_on(Server::fast, &allowed);
    ran.exits(3).says(&[
        "no load was sent",
        "the program sh ended with exit status: 3: broken",
    ]);
    let ran = tried(&gate, &Server::fast(), &["--allow-commands"], &env).exits(1);
    ran.tells(&[
        "FAILED: the program sh ended with exit status: 3: broken",
        "not sent",
    ]);
}

#[test]
#[cfg(unix)]
fn a_program_is_found_beside_the_scenario_from_any_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let class = "    tasks: [{ steps: [{ command: [./sign], capture: { signed: $.signed } }, { get: '/{{ signed }}' }] }]";
    let gate = with("", class);
    gate.write("sign", "#!/bin/sh\necho '{\"signed\": \"yes\"}'\n");
    let path = gate.folder().join("sign");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::fast();
    for (from, named) in [
        (gate.home(), "gate"),
        (&*gate.folder(), "."),
        (&*gate.folder(), "../gate"),
    ] {
        let output = loadgate(from)
            .args(["try", named, "--allow-commands", "--target", &server.url()])
            .output()
            .unwrap();
        crate::support::Ran::new(&output)
            .exits(0)
            .tells(&["GET /yes"]);
    }
}

/// As [`with`], holding error rates to the usual limit.
fn gate_with_limit(class: &str) -> Gate {
    let gate = with("", class);
    gate.write("thresholds.yml", "");
    gate
}

#[test]
fn trying_shows_everything_but_secrets_in_eighty_columns() {
    let gate = with(
        "",
        "    auth: { bearer: '{{ token }}' }
    on_start:
      - post: /login?client_secret=s3cr3t-in-query
        name: POST /login
        json: { user: ann, password: '{{ env.PASSWORD_OF_TEST }}' }
        capture: { token: $.accessToken, order: $.order }
    tasks:
      - steps:
          - { get: '/orders/{{ order }}', name: 'GET /orders/:id', expect: { json: { $.state: shipped } } }
          - { think: 5s }
          - { get: /never, when: '{{ order == 0 }}' }",
    );
    let server = Server::start(|request| match request.path.as_str() {
        "/orders/17" => (
            200,
            format!(
                "{{\"state\": \"open\", \"text\": \"{}\", \"seen\": \"opaque-token-17\"}}",
                "long ".repeat(100)
            ),
        ),
        _ => (
            200,
            "{\"accessToken\": \"opaque-token-17\", \"order\": 17, \"echo\": \"pa$$ word\"}"
                .to_owned(),
        ),
    });
    let ran = tried(&gate, &server, &[], &[("PASSWORD_OF_TEST", "pa$$ word")]).exits(1);
    for secret in ["pa$$ word", "opaque-token", "s3cr3t"] {
        assert!(
            !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
            "{secret} in {}",
            ran.stdout
        );
    }
    assert!(
        ran.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ran.stdout
    );
    ran.tells(&[
        "== user: on_start",
        "-- POST /login 200 in",
        "> Authorization: ***",
        "token = *** (15 characters)",
        "order = 17",
        "== user: task 1",
        "> GET /orders/17 HTTP/1.1",
        "FAILED: $.state is \"open\", expected \"shipped\"",
        "skipped: its condition is false",
        "1 of 4 steps failed",
    ]);
    let sent = server.received();
    assert_eq!(sent.len(), 2);
    assert_eq!(
        sent[1].header("authorization"),
        Some("Bearer opaque-token-17")
    );
    let nobody = loadgate(gate.home())
        .arg("try")
        .arg(gate.folder())
        .args(["--target", crate::support::NOWHERE])
        .env("PASSWORD_OF_TEST", "x")
        .output();
    crate::support::Ran::new(&nobody.unwrap())
        .exits(3)
        .tells(&["does not respond"]);
}

/// A login with Cognito is an ordinary request to another path of the same origin, here behind a proxy of the API.
#[test]
fn a_cognito_login_is_an_ordinary_on_start() {
    let gate = with(
        "",
        "    auth: { bearer: '{{ token }}' }
    on_start:
      - post: /cognito
        name: POST InitiateAuth
        headers:
          Content-Type: application/x-amz-json-1.1
          X-Amz-Target: AWSCognitoIdentityProviderService.InitiateAuth
        json:
          AuthFlow: USER_PASSWORD_AUTH
          ClientId: '{{ env.COGNITO_CLIENT_ID }}'
          AuthParameters: { USERNAME: ann, PASSWORD: '{{ env.LOADTEST_PASSWORD }}' }
        expect: { json: { $.ChallengeName: { exists: false } } }
        capture: { token: $.AuthenticationResult.IdToken }
    tasks: [{ steps: [{ get: /me }] }]",
    );
    let server = || {
        Server::start(|request| {
            let target = request.header("x-amz-target");
            match (request.path.as_str(), target) {
            ("/cognito", Some("AWSCognitoIdentityProviderService.InitiateAuth"))
                if request.header("content-type") == Some("application/x-amz-json-1.1")
                    && request.body.contains("\"ClientId\":\"client-1\"")
                    && request.body.contains("\"PASSWORD\":\"secret-1\"") =>
            {
                (200, "{\"AuthenticationResult\": {\"IdToken\": \"id-token\", \"ExpiresIn\": 3600}}".to_owned())
            }
            ("/me", _) if request.header("authorization") == Some("Bearer id-token") => (200, "{}".to_owned()),
            _ => (400, "{\"__type\": \"NotAuthorizedException\"}".to_owned()),
        }
        })
    };
    let env = [
        ("COGNITO_CLIENT_ID", "client-1"),
        ("LOADTEST_PASSWORD", "secret-1"),
    ];
    let (ran, _) = gate.run_on(server, &env);
    ran.exits(0);
    let cells = crate::flows::cells(&gate);
    assert!(
        cells
            .values()
            .all(|(requests, kinds)| *requests > 0 && kinds.is_empty()),
        "{cells:?}"
    );
}

/// A custom authorizer's header is an ordinary one, which the login that brings its value goes without.
#[test]
fn a_header_of_the_class_waits_for_the_login_with_its_value() {
    let gate = with(
        "",
        "    headers: { X-Custom-Token: '{{ custom }}' }
    on_start: [{ post: /login, capture: { custom: $.token } }]
    tasks: [{ steps: [{ get: /me }] }]",
    );
    let server = || {
        Server::start(|request| match request.path.as_str() {
            "/login" if request.header("x-custom-token").is_none() => {
                (200, "{\"token\": \"t\"}".to_owned())
            }
            "/me" if request.header("x-custom-token") == Some("t") => (200, "{}".to_owned()),
            _ => (403, "{}".to_owned()),
        })
    };
    let (ran, _) = gate.run_on(server, &[]);
    ran.exits(0);
    let cells = crate::flows::cells(&gate);
    assert!(
        cells
            .values()
            .all(|(requests, kinds)| *requests > 0 && kinds.is_empty()),
        "{cells:?}"
    );
}
