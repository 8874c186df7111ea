//! Tests of what the format can say beyond the example of the design: files, environments, conditions, programs.

use std::io::Cursor;

use super::*;
use crate::scenario::{Files, Opened};

/// Reads the least scenario after replacements, with files that are there by name.
fn read_among(
    files: &[(&str, &str)],
    text: &str,
    environment: Option<&str>,
) -> Result<Scenario, String> {
    let open = |from: &str, path: &str| {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = if folder.is_empty() {
            path.to_owned()
        } else {
            format!("{folder}/{path}")
        };
        let found = files.iter().find(|(own, _)| *own == name);
        let (_, text) = found.ok_or_else(|| format!("cannot read {name}: no such file"))?;
        Ok(Opened {
            file: name.clone(),
            identity: name,
            content: Box::new(Cursor::new((*text).to_owned())),
        })
    };
    let files = Files::new(&open);
    let set = BTreeMap::new();
    let inputs = Inputs {
        files: Some(&files),
        environment,
        ..inputs(&set)
    };
    parse("s.yml", text, &inputs).map_err(|error| error.to_string())
}

fn steps(class: &UserClass) -> Vec<String> {
    let tasks = class.tasks.iter().flat_map(|task| &task.steps);
    let paths = class.on_start.iter().chain(tasks);
    paths
        .map(|step| request(step).path.source().to_owned())
        .collect()
}

const LOGIN: &str = "- post: /login\n  capture: { token: $.t }\n- get: /me\n";

#[test]
fn shared_parts_are_put_in_place_and_errors_name_their_file() {
    let text = "name: demo
include: shared/base.yml
variables: { b: 2 }
user_classes:
  - name: own
    on_start: [{ include: shared/login.yml }, { get: /then }]
    tasks: [{ steps: [{ get: '/{{ a }}/{{ b }}/{{ token }}' }] }]
";
    let base = "variables: { a: 1, b: 1 }
defaults: { timeout: 3s }
load: [{ phase: steady, users: 1, for: 1s }]
user_classes: [{ name: shared, tasks: [{ steps: [{ include: login.yml }] }] }]
";
    let files = |base: &'static str| [("shared/base.yml", base), ("shared/login.yml", LOGIN)];
    let scenario = read_among(&files(base), text, None).unwrap();
    let [shared, own] = scenario.user_classes.as_slice() else {
        panic!("two classes")
    };
    assert_eq!(steps(shared), ["/login", "/me"]);
    assert_eq!(
        steps(own),
        ["/login", "/me", "/then", "/{{ a }}/{{ b }}/{{ token }}"]
    );
    assert_eq!(request(&own.on_start[0]).timeout, Duration::from_secs(3));
    assert_eq!(scenario.variables["b"], 2, "the file's own wins");

    // What was parsed is what counts: the same written in one file is the same scenario.
    let whole = "name: demo
variables: { a: 1, b: 2 }
defaults: { timeout: 3s }
user_classes:
  - { name: shared, tasks: [{ steps: [{ post: /login, capture: { token: $.t } }, { get: /me }] }] }
  - name: own
    on_start: [{ post: /login, capture: { token: $.t } }, { get: /me }, { get: /then }]
    tasks: [{ steps: [{ get: '/{{ a }}/{{ b }}/{{ token }}' }] }]
load: [{ phase: steady, users: 1, for: 1s }]
";
    assert_eq!(read(whole).sha256, scenario.sha256);

    for (login, message) in [
        (
            "- post: login\n",
            "shared/login.yml:1:9: user_classes[0].tasks[0].steps[0].post: 'login' is not a path; start it with '/', since the host is that of the target",
        ),
        (
            "- pots: /login\n",
            "shared/login.yml:1:3: unknown key 'pots' in user_classes[0].tasks[0].steps[0]: did you mean 'post'?",
        ),
        (
            "- include: login.yml\n",
            "shared/login.yml:1:12: include: a file cannot include itself: shared/login.yml includes shared/login.yml",
        ),
        (
            "- include: gone.yml\n",
            "shared/login.yml:1:12: include: cannot read shared/gone.yml: no such file",
        ),
        ("- [\n", "shared/login.yml:"),
    ] {
        let files = [("shared/base.yml", base), ("shared/login.yml", login)];
        let error = read_among(&files, text, None).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
    for (base, message) in [
        (
            "variabels: {}\n",
            "shared/base.yml:1:1: unknown key 'variabels': did you mean 'variables'?",
        ),
        (
            "variables: { a-b: 1 }\nload: [{ phase: a, users: 1, for: 1s }]\n",
            "shared/base.yml:1:14: variables: 'a-b' cannot be used in an expression; use letters, digits and _ only, and no digit first",
        ),
        (
            "[1]\n",
            "shared/base.yml:1:1: include: expected the sections of a scenario, such as variables or user_classes",
        ),
        (
            "include: base.yml\n",
            "shared/base.yml:1:10: include: a file cannot include itself: shared/base.yml includes shared/base.yml",
        ),
    ] {
        assert_eq!(read_among(&files(base), text, None).unwrap_err(), message);
    }
}

#[test]
fn an_environment_brings_its_target_and_its_variables() {
    let text = LEAST
        .replace(
            "name: demo",
            "name: demo
target: https://a.example.com
variables: { users: 1, twice: '{{ users * 2 }}' }
environments:
  staging: { target: 'https://staging.example.com', variables: { users: 7 } }
  production: {}",
        )
        .replace("users: 1, for", "users: '{{ twice }}', for");
    let users = |environment| {
        let scenario = read_among(&[], &text, environment).unwrap();
        let Shape::Users { to, .. } = scenario.load[0].shape else {
            panic!("users")
        };
        (to, scenario.target.unwrap(), scenario.sha256)
    };
    let (none, staging, production) = (
        users(None),
        users(Some("staging")),
        users(Some("production")),
    );
    assert_eq!((none.0, none.1.as_str()), (2, "https://a.example.com"));
    assert_eq!(
        (staging.0, staging.1.as_str()),
        (14, "https://staging.example.com")
    );
    assert_eq!(production, none);
    assert_ne!(staging.2, none.2, "another load is another scenario");
    for (environment, message) in [
        (
            "stagin",
            "--environment stagin: the scenario has no such environment: did you mean 'staging'?",
        ),
        (
            "zebra",
            "--environment zebra: the scenario has no such environment: use one of staging, production",
        ),
    ] {
        assert_eq!(
            read_among(&[], &text, Some(environment)).unwrap_err(),
            message
        );
    }
    let none = read_among(&[], LEAST, Some("staging")).unwrap_err();
    assert_eq!(
        none,
        "--environment staging: the scenario has no such environment: it has none; write them under environments"
    );
    let slip = text.replace("{ users: 7 }", "{ usres: 7 }");
    let error = read_among(&[], &slip, None).unwrap_err();
    assert_eq!(
        error,
        "s.yml:5:66: unknown variable 'usres' in environments.staging.variables: did you mean 'users'?"
    );
}

#[test]
fn rows_are_named_by_their_columns_and_taken_when_named() {
    let text = LEAST
        .replace(
            "name: demo",
            "name: demo
data:
  users: { file: users.csv, order: unique }
  skus: skus.json
  other: { file: users.csv, order: random }
  unused: skus.json",
        )
        .replace(
            "get: /items",
            "get: /items/{{ skus.id }}\n            headers: { a: '{{ users.email | upper }}' }",
        )
        .replace(
            "  - name: user\n",
            "  - name: user\n    on_start: [{ get: '/{{ other.pin }}' }]\n",
        );
    let (csv, json) = ("email,pin\na@b.c,1\n", "[{\"id\": 7}]");
    let files = [("users.csv", csv), ("skus.json", json)];
    let scenario = read_among(&files, &text, None).unwrap();
    let class = &scenario.user_classes[0];
    assert_eq!(
        (
            &class.own_rows[..],
            &class.start_rows[..],
            &class.tasks[0].rows[..]
        ),
        (&[0][..], &[2][..], &[1][..])
    );
    assert!(!scenario.canonical.contains("unused") && !scenario.canonical.contains("a@b.c"));
    let same = read_among(
        &[
            ("users.csv", "email,pin\r\n\"a@b.c\",1\r\n"),
            ("skus.json", "[ {\"id\":7} ]"),
        ],
        &text,
        None,
    );
    assert_eq!(same.unwrap().sha256, scenario.sha256);
    let other = read_among(
        &[("users.csv", "email,pin\na@b.c,2\n"), files[1]],
        &text,
        None,
    );
    assert_ne!(other.unwrap().sha256, scenario.sha256);
    for (old, new, part) in [
        (
            "skus.id",
            "skus.ids",
            "the rows of 'skus' have no column 'ids': did you mean 'id'?",
        ),
        (
            "users.email |",
            "users.mail |",
            "the rows of 'users' have no column 'mail': did you mean 'email'?",
        ),
        (
            "order: unique",
            "order: any",
            "s.yml:3:36: data.users.order: 'any' is not one of its values: use one of sequential, random, unique",
        ),
        (
            "skus: skus.json",
            "skus: skus.txt",
            "s.yml:4:9: data.skus: 'skus.txt' is not a file of rows; use one that ends in .csv or .json",
        ),
        (
            "skus: skus.json",
            "skus: gone.csv",
            "s.yml:4:9: data.skus: cannot read gone.csv: no such file",
        ),
        (
            "name: demo",
            "name: demo\nvariables: { users: 1 }",
            "'users' is a variable as well",
        ),
    ] {
        let error = read_among(&files, &text.replacen(old, new, 1), None).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let broken = read_among(&[("users.csv", "a,b\n1\n"), files[1]], &text, None).unwrap_err();
    assert_eq!(
        broken,
        "s.yml:3:18: data.users.file: users.csv: line 2 has 1 fields, and the first line names 2 columns"
    );
}

#[test]
fn a_body_from_a_file_is_part_of_the_identity() {
    let text = LEAST.replace("get: /items", "post: /items\n            file: body.bin");
    let sha = |body| {
        read_among(&[("body.bin", body)], &text, None)
            .unwrap()
            .sha256
    };
    assert_eq!(sha("a"), sha("a"));
    assert_ne!(sha("a"), sha("b"));
    let error = read_among(&[], &text, None).unwrap_err();
    assert_eq!(
        error,
        "s.yml:7:19: user_classes[0].tasks[0].steps[0].file: cannot read body.bin: no such file"
    );
}

#[test]
fn programs_are_refused_until_they_are_allowed() {
    let text = LEAST.replace(
        "- get: /items",
        "- command: [./sign]\n            capture: { a: $.a }\n          - get: /items",
    );
    assert!(parse_with(&text, &[]).is_ok());
    let set = BTreeMap::new();
    let inputs = Inputs {
        commands: Commands::Refused,
        ..inputs(&set)
    };
    let error = parse("s.yml", &text, &inputs).unwrap_err().to_string();
    assert_eq!(
        error,
        "s.yml:6:22: user_classes[0].tasks[0].steps[0].command: runs a program on this machine; review it, then allow it with --allow-commands"
    );
}

/// What stands in the place of a step, and what is told.
const STEPS: &[(&str, &str)] = &[
    (
        "command: ./sign a",
        "write the program and its arguments as a list, such as [./sign, \"{{ order }}\"]; no shell reads them, unless it is the program: [sh, -c, …]",
    ),
    ("command: [a]", "the key 'capture' is missing"),
    (
        "{ command: [a], capture: {} }",
        "nothing is taken from the output of the program; name a value under capture",
    ),
    (
        "{ command: ['{{ uuid() }}'], capture: { a: $ } }",
        "must be a program that is known before the run",
    ),
    (
        "{ command: [bash, -ec, 'echo {{ uuid() }}'], capture: { a: $ } }",
        "a shell would run whatever the value contains; pass it as an argument and write \"$1\", as in [sh, -c, 'sign \"$1\"', sh, \"{{ order }}\"]",
    ),
    (
        "{ command: ['C:\\\\Windows\\\\CMD.EXE', /c, echo, '{{ uuid() }}'], capture: { a: $ } }",
        "cmd would run whatever the value contains; call a program directly, or a PowerShell script with [pwsh, -File, sign.ps1, …]",
    ),
    (
        "{ command: [pwsh, -Command, sign, '{{ uuid() }}'], capture: { a: $ } }",
        "pwsh would run whatever the value contains; call a program directly, or a PowerShell script with [pwsh, -File, sign.ps1, …]",
    ),
    (
        "{ command: [pwsh, -File, '{{ uuid() }}'], capture: { a: $ } }",
        "pwsh would run whatever the value contains; call a program directly, or a PowerShell script with [pwsh, -File, sign.ps1, …]",
    ),
    (
        "{ command: [a], capture: { a: $ }, json: {} }",
        "'json' belongs to a request, but this step runs a program",
    ),
    (
        "{ get: /, when: yes }",
        "'yes' is not one whole expression; write it such as \"{{ plan == 'pro' }}\"",
    ),
    (
        "{ get: /, when: '{{ 1 }}' }",
        "yields a number, and a condition must be true or false: compare it with something (in '{{ 1 }}')",
    ),
    (
        "{ post: /, json: {}, form: {} }",
        "a request has one body, but this has both 'json' and 'form': remove one",
    ),
    (
        "{ head: /, raw: a }",
        "a HEAD request has no body; remove it",
    ),
    (
        "{ head: /, expect: { body: a } }",
        "a response to HEAD has no body to check; expect only its status or headers",
    ),
    (
        "{ get: /, expect: { stauts: 200 } }",
        "unknown key 'stauts'",
    ),
    (
        "{ get: /, expect: { json: { a: 1 } } }",
        "'a' is not a JSONPath (RFC 9535)",
    ),
    (
        "{ get: /, expect: { header: { a: { equals: 1 } } } }",
        "unknown key 'equals'",
    ),
    (
        "{ get: /, expect: { header: { 'a b': c } } }",
        "'a b' is not the name of a header",
    ),
];

/// What stands under `auth`, and what is told.
const AUTH_ENTRIES: &[(&str, &str)] = &[
    (
        "{ bearer: a, basic: { username: a, password: b } }",
        "fills the Authorization header in two ways; keep one of bearer, basic and aws_sigv4",
    ),
    (
        "{ api_key: { value: a } }",
        "needs the name of a header or of a query parameter, such as 'header: x-api-key'",
    ),
    (
        "{ api_key: { header: a, query: b, value: c } }",
        "is in a header and in the query; remove one of them",
    ),
    (
        "{ basic: { username: a } }",
        "the key 'password' is missing",
    ),
    (
        "{ aws_sigv4: { region: a, service: b } }",
        "the environment variable AWS_ACCESS_KEY_ID is unset or empty; set it before the run",
    ),
    (
        "{ baerer: a }",
        "unknown key 'baerer' in user_classes[0].auth: did you mean 'bearer'?",
    ),
];

#[test]
fn what_steps_say_wrongly_is_told_with_its_remedy() {
    let wrong = |old: &str, new: &str| {
        parse_with(&LEAST.replacen(old, new, 1), &[])
            .map(|_| ())
            .unwrap_err()
    };
    let here = "user_classes[0].tasks[0].steps[0]";
    for (step, message) in STEPS {
        let error = wrong("get: /items", step);
        assert!(
            error.starts_with("s.yml:") && error.contains(message) && error.contains(here),
            "{error}"
        );
    }
    for (auth, message) in AUTH_ENTRIES {
        let error = wrong(
            "- name: user\n",
            &format!("- name: user\n    auth: {auth}\n"),
        );
        assert!(
            error.starts_with("s.yml:4:") && error.contains(message),
            "{error}"
        );
    }
    let hides = LEAST
        .replace("name: demo", "name: demo\nvariables: { a: 1 }")
        .replace(
            "- get: /items",
            "- { command: [a], capture: { a: $ } }\n          - get: /items",
        );
    let error = parse_with(&hides, &[]).unwrap_err();
    assert!(
        error.contains("'a' is a variable as well, which would hide a failure of the program"),
        "{error}"
    );
}

#[test]
fn a_step_expects_the_defaults_that_it_does_not_override() {
    let text = LEAST
        .replace("name: demo", "name: demo\ndefaults: { expect: { status: 201, body: ok } }")
        .replace("get: /items", "{ get: /items, expect: { json: { $.a: { exists: true }, $.b: { c: 1 } }, header: { X-A: b, x-c: { contains: d } } } }");
    let scenario = read(&text);
    let expect = &request(&scenario.user_classes[0].tasks[0].steps[0]).expect;
    assert_eq!(
        (
            &expect.status[..],
            expect.json.len(),
            expect.header.len(),
            expect.body.len()
        ),
        (&[201][..], 2, 2, 1)
    );
    assert_eq!(expect.header[0].header, "x-a");
}
