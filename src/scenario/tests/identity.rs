//! Tests of what makes a scenario the same scenario.

use super::*;

#[test]
fn only_what_changes_the_requests_changes_the_identity() {
    let identity = |text: &str| read(text).sha256;
    let least = identity(LEAST);
    for (old, new) in [
        (
            "name: demo",
            "# a comment\nname: demo\ntarget: https://b.example.com",
        ),
        ("name: demo", "name: demo\nvariables: { unused: 1 }"),
        ("get: /items", "name: GET /items\n            get: /items"),
        (
            "  - name: user\n",
            "  - weight: 1\n    wait: 0s\n    name: user\n",
        ),
        (
            "- steps:",
            "- weight: 1\n        stop_on_failure: false\n        steps:",
        ),
        (
            "users: 1, for: 1s",
            "for: 1000ms, measure: true, users: 1..1",
        ),
        (
            "name: demo",
            "name: demo\ndefaults: { timeout: 30s, http: \"1.1\", redirects: 0, cookies: false }",
        ),
    ] {
        assert_eq!(identity(&LEAST.replace(old, new)), least, "{new}");
    }
    let mut envs = ["hunter2", "other"].map(|password| {
        let inputs = Inputs {
            env: &|_| Some(password.to_owned()),
            ..Inputs::default()
        };
        parse("s.yml", AUTH, &inputs).unwrap()
    });
    assert_eq!(envs[0].sha256, envs[1].sha256);
    assert!(!envs[1].canonical.contains("other\""));
    assert!(envs[1].canonical.contains("{{ env.LOADTEST_PASSWORD }}"));
    assert_eq!(envs[1].secrets.pop().unwrap(), "other");
    let shuffled = CHECKOUT.replace(
        "json: { customerId: \"{{ customer }}\", item: \"{{ pick(items) }}\" }",
        "json: { item: \"{{ pick(items) }}\", customerId: \"{{ customer }}\" }",
    );
    assert_ne!(shuffled, CHECKOUT);
    assert_eq!(identity(&shuffled), identity(CHECKOUT));
}

#[test]
fn what_changes_what_is_sent_changes_the_identity() {
    let identity = |text: &str| read(text).sha256;
    let least = identity(LEAST);
    for (old, new) in [
        ("- steps:", "- weight: 2\n        steps:"),
        ("get: /items", "post: /items"),
        ("get: /items", "get: /items/"),
        ("get: /items", "get: /items\n            timeout: 1s"),
        ("get: /items", "get: /items\n            headers: { a: b }"),
        ("get: /items", "get: /items\n            json: {}"),
        ("users: 1,", "users: 2,"),
        ("for: 1s", "for: 2s"),
    ] {
        let text = LEAST.replace(old, new);
        assert_ne!(identity(&text), least, "{new}");
    }
    let set = parse_with(AUTH, &[("burst_users", "301")]).unwrap();
    assert_ne!(set.sha256, read(AUTH).sha256);
}

#[test]
fn the_canonical_text_has_one_fact_per_line_and_is_yaml() {
    let scenario = read(LEAST);
    insta::assert_snapshot!(scenario.canonical, @r#"
    name: "demo"
    http: "1.1"
    user_classes:
      - name: "user"
        weight: 1
        wait: "0s"
        tasks:
          - weight: 1
            stop_on_failure: false
            steps:
              - get: "/items"
                name: "GET /items"
                expect:
                  status: "below 400"
                timeout: "30s"
                redirects: 0
    load:
      - phase: "steady"
        users: "1"
        for: "1s"
        measure: true
    "#);
    assert_eq!(scenario.sha256.len(), 64);
    for text in [AUTH, CHECKOUT, LEAST] {
        let canonical = read(text).canonical;
        crate::yaml::Node::parse("canonical", &canonical).unwrap();
    }
}
