//! Tests of the scenario file as a whole: what it means, and each of its messages once.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;

mod errors;
mod format;
mod identity;

/// The example of the design, whole.
const AUTH: &str = r#"
name: lambda-auth
target: https://api.example.com            # --target wins; step paths are joined to its path
variables:
  usernames: [loadtest_user_001@example.com, loadtest_user_002@example.com, loadtest_user_003@example.com]
  burst_users: 300                         # --set burst_users=500
defaults:
  timeout: 30s
  http: "1.1"                              # "1.1" | "2" | auto
user_classes:
  - name: member
    weight: 1                              # several classes share the users, or the arrivals, by weight
    wait: 2s..5s                           # after every task: uniform in the range; one duration is constant
    headers:
      Content-Type: application/json
    auth:
      bearer: "{{ token }}"                # left out while token is unset
    on_start:                              # once per virtual user, before its first task
      - post: /prod/auth/login
        name: POST /auth/login             # the group that statistics are kept under
        json:
          username: "{{ pick(usernames) }}"
          password: "{{ env.LOADTEST_PASSWORD }}"
          deviceId: lt-browser-session-01
        expect:
          status: 200
        capture:
          token: $.accessToken             # RFC 9535 JSONPath; also header:NAME
    tasks:                                 # one is drawn by weight each time
      - weight: 2
        steps:
          - get: /prod/user/profile
            name: GET /user/profile
      - weight: 3
        steps:
          - get: /prod/orders
            query: { status: open, limit: 10 }
            name: GET /orders
load:
  - { phase: warm-up, users: 0..20, for: 10s, measure: false }
  - { phase: warm, users: 20, for: 60s }
  - { phase: ramp, users: 20..100, for: 60s }
  - repeat: 3
    phases:
      - { phase: burst, users: "{{ burst_users }}", for: 10s }
      - { phase: idle, users: 0, for: 30s }
  - { phase: peak, arrivals: 200/s, for: 60s }     # open model
  - { phase: recovery, users: 20, for: 60s }
cold_start: { header: x-cold-start, equals: "true" }   # how this target marks one, if it does
"#;

/// The guide's checkout, with what the example leaves out.
const CHECKOUT: &str = r#"
name: lambda-checkout
variables:
  items: [{ sku: SKU-1, quantity: 1 }, { sku: SKU-2, quantity: 2 }]
defaults: { timeout: 5s, redirects: 2, headers: { accept: application/json, x-a: "1" }, expect: { status: [201, 200] } }
user_classes:
  - name: buyer
    wait: 0s
    headers: { X-Session: "{{ session }}", X-A: "2" }
    tasks:
      - set: { session: "{{ uuid() }}", customer: "cust-{{ random_int(1000, 9999) }}" }
        stop_on_failure: true
        steps:
          - post: /cart/{{ customer }}
            json: { customerId: "{{ customer }}", item: "{{ pick(items) }}" }
            capture: { next: header:Location }
          - think: 1s..2s
          - delete: /cart?all
            headers: { Accept: "*/*", x-next: "{{ next }}" }
            timeout: 200ms
            redirects: 0
            expect: { status: 204 }
  - { name: other, weight: 4, tasks: [{ steps: [{ head: / , name: again }, { get: /, name: again }] }] }
load:
  - { phase: peak, arrivals: 50/s..500/s, spacing: poisson, max_users: 10, for: 60s }
"#;

/// The least that is a scenario; tests replace parts of it.
const LEAST: &str = "name: demo
user_classes:
  - name: user
    tasks:
      - steps:
          - get: /items
load:
  - { phase: steady, users: 1, for: 1s }
";

fn env(name: &str) -> Option<String> {
    (name == "LOADTEST_PASSWORD").then(|| "hunter2".to_owned())
}

fn inputs(set: &BTreeMap<String, String>) -> Inputs<'_> {
    Inputs {
        set,
        env: &env,
        commands: Commands::Allowed,
        ..Inputs::default()
    }
}

fn parse_with(text: &str, overrides: &[(&str, &str)]) -> Result<Scenario, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let set = overrides.iter().map(own).collect();
    parse("s.yml", text, &inputs(&set)).map_err(|error| error.to_string())
}

fn read(text: &str) -> Scenario {
    parse_with(text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn request(step: &Step) -> &Request {
    step.request().expect("a request")
}

#[test]
fn the_example_of_the_design_is_read() {
    let scenario = read(AUTH);
    assert_eq!(scenario.target.as_deref(), Some("https://api.example.com"));
    assert_eq!(
        scenario.requests,
        ["POST /auth/login", "GET /user/profile", "GET /orders"]
    );
    assert_eq!(scenario.secrets, ["hunter2"]);
    let cold = scenario.cold_start.unwrap();
    assert_eq!(
        (cold.header.as_str(), cold.equals.as_str()),
        ("x-cold-start", "true")
    );
    let [member] = scenario.user_classes.as_slice() else {
        panic!("one class")
    };
    let seconds = Duration::from_secs;
    assert_eq!(
        member.wait,
        Pause {
            from: seconds(2),
            to: seconds(5)
        }
    );
    assert_eq!(
        member
            .tasks
            .iter()
            .map(|task| task.weight)
            .collect::<Vec<_>>(),
        [2, 3]
    );
    let login = request(&member.on_start[0]);
    assert_eq!((login.method, login.timeout), (Method::Post, seconds(30)));
    assert!(login.expect.accepts(200) && !login.expect.accepts(201));
    assert_eq!(login.headers[0].1.constant(), Some("application/json"));
    let orders = request(&member.tasks[1].steps[0]);
    let query: Vec<_> = orders
        .query
        .iter()
        .map(|(name, value)| (name.as_str(), value.constant().unwrap()))
        .collect();
    assert_eq!(query, [("status", "open"), ("limit", "10")]);
    assert!(orders.expect.accepts(302) && !orders.expect.accepts(400));
}

#[test]
fn phases_come_in_their_order_with_repeats_unrolled() {
    let phases = parse_with(AUTH, &[("burst_users", "500")]).unwrap().load;
    let found: Vec<_> = phases
        .iter()
        .map(|phase| {
            format!(
                "{} {} {}/{}",
                phase.index, phase.name, phase.pass, phase.passes
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "0 warm-up 0/1",
            "1 warm 0/1",
            "2 ramp 0/1",
            "3 burst 0/3",
            "4 idle 0/3",
            "3 burst 1/3",
            "4 idle 1/3",
            "3 burst 2/3",
            "4 idle 2/3",
            "5 peak 0/1",
            "6 recovery 0/1",
        ]
    );
    assert_eq!(phases[0].shape, Shape::Users { from: 0, to: 20 });
    assert_eq!(phases[3].shape, Shape::Users { from: 500, to: 500 });
    let (spacing, max_users) = (Spacing::Even, 1000);
    assert_eq!(
        phases[9].shape,
        Shape::Arrivals {
            from: 200.0,
            to: 200.0,
            spacing,
            max_users
        }
    );
    let steady: Vec<_> = phases
        .iter()
        .filter(|phase| phase.is_steady())
        .map(|phase| &phase.name)
        .collect();
    assert_eq!(steady, ["warm", "peak", "recovery"]);
}

#[test]
fn steps_lie_over_their_class_and_the_class_over_the_defaults() {
    let scenario = read(CHECKOUT);
    let task = &scenario.user_classes[0].tasks[0];
    assert!(task.stop_on_failure);
    assert!(
        matches!(task.steps[1].action, Action::Think(Pause { from, .. }) if from == Duration::from_secs(1))
    );
    let (add, clear) = (request(&task.steps[0]), request(&task.steps[2]));
    let headers = |request: &Request| -> Vec<String> {
        request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.source()))
            .collect()
    };
    assert_eq!(
        headers(add),
        [
            "accept: application/json",
            "X-Session: {{ session }}",
            "X-A: 2"
        ]
    );
    assert_eq!(
        headers(clear),
        [
            "X-Session: {{ session }}",
            "X-A: 2",
            "Accept: */*",
            "x-next: {{ next }}"
        ]
    );
    assert_eq!((add.timeout, add.redirects), (Duration::from_secs(5), 2));
    assert_eq!(
        (clear.timeout, clear.redirects),
        (Duration::from_millis(200), 0)
    );
    assert_eq!(
        (&*add.expect.status, &*clear.expect.status),
        (&[200, 201][..], &[204][..])
    );
    assert!(matches!(&add.capture[0].from, Source::Header(name) if name == "location"));
    assert_eq!(
        scenario.requests,
        ["POST /cart/{{ customer }}", "DELETE /cart?all", "again"]
    );
    assert_eq!(scenario.user_classes[1].weight, 4);
}

#[test]
fn a_pass_through_a_task_renders_what_the_guide_sends() {
    let scenario = read(CHECKOUT);
    let task = &scenario.user_classes[0].tasks[0];
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut values = BTreeMap::new();
    for (name, value) in &task.set {
        let value = value
            .render(&mut Scope {
                values: &values,
                rng: &mut rng,
                now: || jiff::Timestamp::UNIX_EPOCH,
                log: None,
            })
            .unwrap();
        values.insert(name.clone(), value);
    }
    let scope = &mut Scope {
        values: &values,
        rng: &mut rng,
        now: || jiff::Timestamp::UNIX_EPOCH,
        log: None,
    };
    let (add, clear) = (request(&task.steps[0]), request(&task.steps[2]));
    let customer = values["customer"].as_str().unwrap();
    assert_eq!(add.path.render(scope).unwrap(), format!("/cart/{customer}"));
    let Some(Body::Json(body)) = &add.body else {
        panic!("a body")
    };
    let body = body.render(scope).unwrap();
    assert_eq!(body["customerId"], json!(customer));
    assert!(
        body["item"]["quantity"].is_u64(),
        "an object stays an object: {body}"
    );
    let next = &clear.headers[3].1;
    assert_eq!(next.render(scope), Err(RenderError::Unset("next".into())));
}

#[test]
fn the_scenario_that_is_shipped_is_the_first_test_of_the_guide() {
    let scenario = read(include_str!(
        "../../../thresholds/lambda-catalog/scenario.yml"
    ));
    assert_eq!(
        scenario.requests,
        ["GET /catalog/items", "GET /catalog/items/:itemId"]
    );
    let [shopper] = scenario.user_classes.as_slice() else {
        panic!("one class")
    };
    assert_eq!(
        (shopper.wait.from.as_secs(), shopper.wait.to.as_secs()),
        (1, 3)
    );
    let tasks = shopper.tasks.iter().map(|task| {
        let path = request(&task.steps[0]).path.constant().unwrap();
        (task.weight, path)
    });
    let paths = ["/prod/catalog/items", "/prod/catalog/items/SKU-10458"];
    assert_eq!(tasks.collect::<Vec<_>>(), [(3, paths[0]), (1, paths[1])]);
    let steady: Vec<_> = scenario
        .load
        .iter()
        .filter(|phase| phase.is_steady())
        .collect();
    assert_eq!((steady.len(), steady[0].duration.as_secs()), (1, 90));
}

#[test]
fn cores_can_share_a_scenario() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&read(LEAST));
}

#[test]
fn variables_are_set_from_outside_and_may_build_on_those_above() {
    let text = LEAST
        .replace(
            "name: demo",
            "name: demo\nvariables: { a: 1, b: '{{ a + 1 }}', p: '{{ env.LOADTEST_PASSWORD }}' }",
        )
        .replace("/items", "/items/{{ b }}?p={{ p }}");
    let path = |scenario: &Scenario| {
        request(&scenario.user_classes[0].tasks[0].steps[0])
            .path
            .constant()
            .unwrap()
            .to_owned()
    };
    let scenario = parse_with(&text, &[("a", "41")]).unwrap();
    assert_eq!(path(&scenario), "/items/42?p=hunter2");
    assert_eq!(scenario.variables.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(!scenario.canonical.contains("hunter2"));
    for (name, value, message) in [
        (
            "aa",
            "1",
            "--set aa: the scenario has no such variable: did you mean 'a'?",
        ),
        (
            "zebra",
            "1",
            "--set zebra: the scenario has no such variable: declare it under variables first",
        ),
        ("a", "[", "--set a: unclosed bracket '['"),
        (
            "a",
            "on",
            "--set a: expected text, found on, which YAML may read as a boolean: quote it, \"on\"",
        ),
    ] {
        assert_eq!(parse_with(&text, &[(name, value)]).unwrap_err(), message);
    }
}

#[test]
fn what_is_nested_without_end_does_not_exhaust_the_stack() {
    let field = |field: &str, value: &str| {
        let field = format!("get: /\n            {field}: {}", json!(value));
        parse_with(&LEAST.replace("get: /items", &field), &[])
    };
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("not ", ""),
        ("-", ""),
        ("1+", ""),
        ("{'a':", "}"),
        ("a|b(", ")"),
        ("1 if ", ""),
    ] {
        for count in [18, 1000 / (open.len() + close.len()) - 3, 100_000] {
            let expression = open.repeat(count) + "1" + &close.repeat(count);
            let _ = field("json", &format!("{{{{ {expression} }}}}"));
        }
    }
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("!(", ")"),
        ("[?@", "]"),
        ("[?length(", ")]"),
    ] {
        for count in [7, 500 / (open.len() + close.len()) - 3, 100_000] {
            let path = format!("$[?{}@.a{}]", open.repeat(count), close.repeat(count));
            let nested = LEAST.replace(
                "get: /items",
                &format!("get: /\n            capture: {{ a: {} }}", json!(path)),
            );
            let _ = parse_with(&nested, &[]);
        }
    }
    let deep = format!(
        "get: /\n            capture: {{ a: '$[?{}@.a{}]' }}",
        "(".repeat(9),
        ")".repeat(9)
    );
    assert_eq!(
        parse_with(&LEAST.replace("get: /items", &deep), &[]).unwrap_err(),
        "s.yml:7:27: user_classes[0].tasks[0].steps[0].capture.a: a JSONPath is at most 500 bytes long and nested 8 deep; take a value further up"
    );
    let long = "1+".repeat(600) + "1";
    assert_eq!(
        field("json", &format!("{{{{ {long} }}}}")).unwrap_err(),
        "s.yml:7:19: user_classes[0].tasks[0].steps[0].json: an expression is longer than 1000 bytes or nested deeper than 20; keep parts of it in variables"
    );
}

proptest! {
    #[test]
    fn no_change_of_a_scenario_makes_the_reader_panic(
        at in any::<prop::sample::Index>(),
        length in 0_usize..8,
        noise in "[-a-z0-9{}\\[\\]:,. \n'\"%$*&é]{0,12}",
    ) {
        let start = at.index(CHECKOUT.len());
        let end = (start + length).min(CHECKOUT.len());
        let text = format!("{}{noise}{}", &CHECKOUT[..start], &CHECKOUT[end..]);
        let _ = parse_with(&text, &[]);
    }

    #[test]
    fn no_expression_makes_the_reader_panic(expression in "[-a-z0-9 |.()\\[\\]{}'\"+*/~%,:]{0,40}") {
        let path = json!(format!("/{{{{ {expression} }}}}")).to_string();
        let _ = parse_with(&LEAST.replace("/items", &path), &[]);
    }
}

#[test]
fn a_class_header_of_a_task_value_goes_with_that_task_only() {
    let scenario = read(&LEAST.replace(
        "    tasks:\n      - steps:\n          - get: /items\n",
        "    headers: { X-Flow: \"{{ flow }}\", X-Token: \"{{ token }}\", X-Same: a }
    on_start: [{ post: /login, capture: { token: $.t } }]
    tasks:
      - { set: { flow: \"{{ uuid() }}\" }, steps: [{ get: /a }] }
      - { steps: [{ get: /b }] }
",
    ));
    let class = &scenario.user_classes[0];
    let names = |step: &Step| {
        let headers = request(step).headers.iter();
        headers.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    // The login itself can have no token yet.
    assert_eq!(names(&class.on_start[0]), ["X-Same"]);
    assert_eq!(
        names(&class.tasks[0].steps[0]),
        ["X-Flow", "X-Token", "X-Same"]
    );
    assert_eq!(names(&class.tasks[1].steps[0]), ["X-Token", "X-Same"]);
}
