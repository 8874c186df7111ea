//! Tests of each message of the scenario file, by one change to the least scenario.

use super::*;

/// Replaces a part of the least scenario and tells the error.
fn wrong(old: &str, new: &str) -> String {
    assert!(LEAST.contains(old), "{old}");
    parse_with(&LEAST.replacen(old, new, 1), &[])
        .map(|_| ())
        .expect_err(new)
}

/// The file as a whole: what is replaced, by what, and what is told.
const SECTIONS: &[(&str, &str, &str)] = &[
    (
        "name: demo",
        "nmae: demo",
        "s.yml:1:1: unknown key 'nmae': did you mean 'name'?",
    ),
    (
        "name: demo",
        "target: https://a.example.com",
        "s.yml:1:1: the key 'name' is missing",
    ),
    (
        "name: demo",
        "name: 1.1",
        "s.yml:1:7: name: expected text, found 1.1, which YAML may read as a number: quote it, \"1.1\"",
    ),
    (
        "name: demo",
        "name: demo\nseed: 1",
        "s.yml:2:1: unknown key 'seed': use one of aws, cold_start, data, defaults, environments, include, load, name, target, user_classes, variables",
    ),
    (
        "name: demo",
        "name: demo\nvariables: { pick: 1 }",
        "s.yml:2:14: variables: 'pick' already has a meaning in expressions; choose another name",
    ),
    (
        "name: demo",
        "name: demo\nvariables: { a-b: 1 }",
        "s.yml:2:14: variables: 'a-b' cannot be used in an expression; use letters, digits and _ only, and no digit first",
    ),
    (
        "name: demo",
        "name: demo\nvariables: { a: '{{ uuid() }}' }",
        "s.yml:2:17: variables.a: a variable keeps its value for the whole run; move values that are drawn anew into the 'set' of a task",
    ),
    (
        "name: demo",
        "name: demo\nvariables: { a: '{{ env.NO }}' }",
        "s.yml:2:17: variables.a: the environment variable NO is unset or empty; set it before the run (in '{{ env.NO }}')",
    ),
    (
        "name: demo",
        "name: demo\nvariables: { a: '{{ b }}', b: 1 }",
        "s.yml:2:17: variables.a: unknown name 'b': declare it under variables above its use, or set or capture it first (in '{{ b }}')",
    ),
    (
        "name: demo",
        "name: demo\ndefaults: { http: 1.1 }",
        "s.yml:2:19: defaults.http: expected text, found 1.1, which YAML may read as a number: quote it, \"1.1\"",
    ),
    (
        "name: demo",
        "name: demo\ndefaults: { http: \"3\" }",
        "s.yml:2:19: defaults.http: '3' is not one of its values: use one of 1.1, 2, auto",
    ),
    (
        "name: demo",
        "name: demo\ndefaults: { timeout: 0s }",
        "s.yml:2:22: defaults.timeout: must be longer than 0s",
    ),
    (
        "name: demo",
        "name: demo\ndefaults: { timeout: 5 }",
        "s.yml:2:22: defaults.timeout: '5' is not a duration; write a number with its unit, such as 800ms, 2s or 5m",
    ),
    (
        "name: demo",
        "name: demo\ncold_start: { header: x-cold, equals: true }",
        "s.yml:2:39: cold_start.equals: expected text, found true, which YAML may read as a boolean: quote it, \"true\"",
    ),
    (
        "name: demo",
        "name: demo\ncold_start: { header: x cold, equals: a }",
        "s.yml:2:23: cold_start.header: 'x cold' is not the name of a header",
    ),
    (
        "name: demo",
        "name: demo\naws: { region: eu-west-1 }",
        "s.yml:2:6: aws: names nothing; add `functions: [NAME]` or `api: { rest: ID, stage: NAME }`",
    ),
    (
        "name: demo",
        "name: demo\naws: { functions: [a/b] }",
        "s.yml:2:20: aws.functions[0]: 'a/b' is not a function; write its name, NAME:ALIAS or its ARN",
    ),
    (
        "name: demo",
        "name: demo\naws: { api: { rest: a1 } }",
        "s.yml:2:13: aws.api: has no 'stage'; add the stage of the REST API, such as prod",
    ),
    (
        "name: demo",
        "name: demo\naws: { api: { rest: a1, http: b2 } }",
        "s.yml:2:13: aws.api: is of two kinds; keep one of rest, http and alb",
    ),
    (
        "name: demo",
        "name: demo\naws: { functions: a, wait: 1h }",
        "s.yml:2:28: aws.wait: is longer than 15m; AWS has nearly all figures after 3m",
    ),
    (
        "name: demo",
        "name: demo\naws: { functions: a, trace: 11% }",
        "s.yml:2:29: aws.trace: is above 10%; AWS bills each recorded trace, and recording adds to the latency: use a share such as 2%",
    ),
    (
        "name: demo",
        "name: demo\naws: { functions: a, trace: 2 }",
        "s.yml:2:29: aws.trace: '2' is not a percentage; write it with its sign, such as 5%",
    ),
    (
        "name: demo",
        "name: demo\naws: { functions: a, api: { http: b2 }, trace: 2% }",
        "s.yml:2:48: aws.trace: needs a REST API or a function's URL; behind others no REPORT line names the trace of a request",
    ),
    (
        "name: demo",
        "name: demo\naws: { functions: a, trace: 2% }\ndefaults: { headers: { x-amzn-trace-id: own } }",
        "s.yml:2:29: aws.trace: sends the header X-Amzn-Trace-Id, which requests set already; remove one of them",
    ),
];

/// Who the users are: what is replaced, by what, and what is told.
const USERS: &[(&str, &str, &str)] = &[
    (
        "- name: user\n",
        "- weight: 1\n",
        "s.yml:3:5: user_classes[0]: the key 'name' is missing",
    ),
    (
        "- name: user\n",
        "- name: user\n    weight: 0\n",
        "s.yml:4:13: user_classes[0].weight: expected a whole number from 1 to 100000, found 0",
    ),
    (
        "- name: user\n",
        "- name: user\n    weight: -1\n",
        "s.yml:4:13: user_classes[0].weight: expected a whole number from 1 to 100000, found -1",
    ),
    (
        "- name: user\n",
        "- name: user\n    weight: 1.5\n",
        "s.yml:4:13: user_classes[0].weight: expected a whole number from 1 to 100000, found 1.5",
    ),
    (
        "- name: user\n",
        "- name: user\n    wait: 5s..2s\n",
        "s.yml:4:11: user_classes[0].wait: the range '5s..2s' is empty; write the shorter duration first",
    ),
    (
        "- name: user\n",
        "- name: user\n    wait: 2..5s\n",
        "s.yml:4:11: user_classes[0].wait: '2' is not a duration; write a number with its unit, such as 800ms, 2s or 5m",
    ),
    (
        "- name: user\n",
        "- name: user\n    headers: { a b: c }\n",
        "s.yml:4:16: user_classes[0].headers: 'a b' is not the name of a header",
    ),
    (
        "- name: user\n",
        "- name: user\n    headers: { Content-Length: 1 }\n",
        "s.yml:4:16: user_classes[0].headers: the header 'Content-Length' is set by loadgate; remove it",
    ),
    (
        "- name: user\n",
        "- name: user\n    headers: { a: b, A: c }\n",
        "s.yml:4:22: user_classes[0].headers: the header 'A' appears twice; remove one of them",
    ),
    (
        "- name: user\n",
        "- name: user\n    headers: { a: \"b\\nc\" }\n",
        "s.yml:4:19: user_classes[0].headers.a: a header cannot hold a line break or another control character",
    ),
    (
        "- name: user\n",
        "- name: user\n    headers: { Authorization: a }\n    auth: { bearer: b }\n",
        "s.yml:5:11: user_classes[0].auth: the class has an Authorization header as well; remove one of them",
    ),
    (
        "- name: user\n",
        "- name: user\n    auth: {}\n",
        "s.yml:4:11: user_classes[0].auth: needs one of bearer, basic, api_key or aws_sigv4",
    ),
    (
        "tasks:\n      - steps:\n          - get: /items",
        "tasks: []",
        "s.yml:4:12: user_classes[0].tasks: must not be empty",
    ),
    (
        "load:",
        "  - { name: user, tasks: [{ steps: [{ get: / }] }] }\nload:",
        "s.yml:7:5: user_classes[1]: another class is named 'user' as well; give each its own name",
    ),
];

/// What they do: what is replaced, by what, and what is told.
const STEPS: &[(&str, &str, &str)] = &[
    (
        "name: demo",
        "name: demo\ntarget: api.example.com",
        "s.yml:2:9: target: 'api.example.com' is not a target; write an address such as https://api.example.com, with a path if all steps share one",
    ),
    (
        "name: demo",
        "name: demo\ntarget: https://a.example.com/?a=b",
        "s.yml:2:9: target: 'https://a.example.com/?***' is not a target; write an address such as https://api.example.com, with a path if all steps share one",
    ),
    (
        "- steps:",
        "- wieght: 3\n        steps:",
        "s.yml:5:9: unknown key 'wieght' in user_classes[0].tasks[0]: did you mean 'weight'?",
    ),
    (
        "- get: /items",
        "- think: 1s",
        "s.yml:6:11: user_classes[0].tasks[0].steps: a task needs at least one request",
    ),
    (
        "- get: /items",
        "- gett: /items",
        "s.yml:6:13: unknown key 'gett' in user_classes[0].tasks[0].steps[0]: did you mean 'get'?",
    ),
    (
        "- get: /items",
        "- name: a",
        "s.yml:6:13: user_classes[0].tasks[0].steps[0]: a step needs one of get, post, put, patch, delete, head, options, think or command",
    ),
    (
        "- get: /items",
        "- { get: /a, post: /b }",
        "s.yml:6:13: user_classes[0].tasks[0].steps[0]: a step does one thing, but this has both 'get' and 'post'; make them two steps",
    ),
    (
        "- get: /items",
        "- { think: 1s, name: a }",
        "s.yml:6:13: user_classes[0].tasks[0].steps[0]: a pause has no other keys than 'think' and 'when'; make it a separate step",
    ),
    (
        "get: /items",
        "get: items",
        "s.yml:6:18: user_classes[0].tasks[0].steps[0].get: 'items' is not a path; start it with '/', since the host is that of the target",
    ),
    (
        "get: /items",
        "get: /items#top",
        "s.yml:6:18: user_classes[0].tasks[0].steps[0].get: a fragment is never sent; remove '#' and what follows",
    ),
    (
        "get: /items",
        "get: /items/{{ itmes }}",
        "s.yml:6:18: user_classes[0].tasks[0].steps[0].get: unknown name 'itmes': declare it under variables above its use, or set or capture it first (in '{{ itmes }}')",
    ),
    (
        "get: /items",
        "{ get: /items, name: 'GET {{ a }}' }",
        "s.yml:6:34: user_classes[0].tasks[0].steps[0].name: statistics are kept by name, so it cannot contain an expression; write what all requests of the step share, such as GET /items/:id",
    ),
    (
        "get: /items",
        "{ get: /items, name: overall }",
        "s.yml:6:34: user_classes[0].tasks[0].steps[0].name: 'overall' means all requests together; choose another name",
    ),
    (
        "get: /items",
        "{ get: /items, expect: {} }",
        "s.yml:6:36: user_classes[0].tasks[0].steps[0].expect: needs one of status, json, header or body",
    ),
    (
        "get: /items",
        "{ get: /items, expect: 200 }",
        "s.yml:6:36: user_classes[0].tasks[0].steps[0].expect: expected a map, found 200; write `status: …` or `json: …` or `header: …` or `body: …`",
    ),
    (
        "get: /items",
        "{ get: /items, expect: { status: 20 } }",
        "s.yml:6:46: user_classes[0].tasks[0].steps[0].expect.status: expected a whole number from 200 to 999, found 20",
    ),
    (
        "get: /items",
        "{ get: /items, expect: { status: ok } }",
        "s.yml:6:46: user_classes[0].tasks[0].steps[0].expect.status: expected a whole number from 200 to 999, found 'ok'",
    ),
    (
        "get: /items",
        "{ get: /items, capture: { token: accessToken } }",
        "s.yml:6:46: user_classes[0].tasks[0].steps[0].capture.token: 'accessToken' is not a place in a response; write a JSONPath such as $.accessToken, or header:location",
    ),
    (
        "get: /items",
        "{ get: /items, capture: { token: '$[' } }",
        "s.yml:6:46: user_classes[0].tasks[0].steps[0].capture.token: '$[' is not a JSONPath (RFC 9535): at position 1, parser error",
    ),
    (
        "get: /items",
        "{ get: /items, capture: { a.b: $.a } }",
        "s.yml:6:39: user_classes[0].tasks[0].steps[0].capture: 'a.b' cannot be used in an expression; use letters, digits and _ only, and no digit first",
    ),
    (
        "get: /items",
        "{ get: /items, redirects: 21 }",
        "s.yml:6:39: user_classes[0].tasks[0].steps[0].redirects: expected a whole number from 0 to 20, found 21",
    ),
    (
        "get: /items",
        "{ get: /items, query: { a: [b] } }",
        "s.yml:6:40: user_classes[0].tasks[0].steps[0].query.a: expected a single value, found a list",
    ),
    (
        "get: /items",
        "{ get: /items, json: { a: 2026-01-01 } }",
        "s.yml:6:39: user_classes[0].tasks[0].steps[0].json.a: expected text, found 2026-01-01, which YAML may read as a date: quote it, \"2026-01-01\"",
    ),
];

/// How many there are, and when: what is replaced, by what, and what is told.
const LOAD: &[(&str, &str, &str)] = &[
    (
        "users: 1,",
        "users: some,",
        "s.yml:8:29: load[0].users: 'some' is not a number of users, write one such as 20, or a range such as 0..100",
    ),
    (
        "users: 1,",
        "users: 1..,",
        "s.yml:8:29: load[0].users: '1..' is not a number of users, write one such as 20, or a range such as 0..100",
    ),
    (
        "users: 1,",
        "users: 100001,",
        "s.yml:8:29: load[0].users: 100001 is out of bounds; use 0 to 100000",
    ),
    (
        "users: 1,",
        "users: -1,",
        "s.yml:8:29: load[0].users: '-1' is not a number of users, write one such as 20, or a range such as 0..100",
    ),
    (
        "users: 1,",
        "users: 0,",
        "s.yml:8:3: load: no phase is both measured and sends something, so there is nothing to judge; add one without 'measure: false'",
    ),
    (
        "users: 1,",
        "users: \"{{ burst }}\",",
        "s.yml:8:29: load[0].users: unknown name 'burst': declare it under variables above its use, or set or capture it first (in '{{ burst }}')",
    ),
    (
        "users: 1,",
        "users: \"{{ random_int(1, 2) }}\",",
        "s.yml:8:29: load[0].users: must be known before the run; use variables only",
    ),
    (
        "users: 1,",
        "users: 1, arrivals: 1/s,",
        "s.yml:8:5: load[0]: has both users and arrivals; remove one of them",
    ),
    (
        "users: 1,",
        "users: 1, spacing: even,",
        "s.yml:8:41: load[0].spacing: belongs to arrivals, but this phase has users",
    ),
    (
        "users: 1,",
        "",
        "s.yml:8:5: load[0]: needs users (a number of them) or arrivals (a rate such as 200/s)",
    ),
    (
        "users: 1,",
        "arrivals: 200,",
        "s.yml:8:32: load[0].arrivals: '200' is not a rate; write it such as 200/s or 30/m",
    ),
    (
        "users: 1,",
        "arrivals: 2000000/s,",
        "s.yml:8:32: load[0].arrivals: '2000000/s' is more than one machine can send; use at most 1000000/s",
    ),
    (
        "users: 1,",
        "arrivals: 1/s, max_users: 0,",
        "s.yml:8:48: load[0].max_users: 0 is out of bounds; use 1 to 100000",
    ),
    (
        "users: 1,",
        "arrivals: 1/s, spacing: random,",
        "s.yml:8:46: load[0].spacing: 'random' is not one of its values: use one of even, poisson",
    ),
    (
        "users: 1,",
        "measure: false, users: 1,",
        "s.yml:8:3: load: no phase is both measured and sends something, so there is nothing to judge; add one without 'measure: false'",
    ),
    (
        "users: 1,",
        "measure: no, users: 1,",
        "s.yml:8:31: load[0].measure: expected true or false, found 'no'",
    ),
    (
        "for: 1s",
        "for: 0s",
        "s.yml:8:37: load[0].for: must be longer than 0s",
    ),
    (
        "for: 1s",
        "for: 1",
        "s.yml:8:37: load[0].for: '1' is not a duration; write a number with its unit, such as 800ms, 2s or 5m",
    ),
    (
        "phase: steady",
        "phase: all",
        "s.yml:8:14: load[0].phase: 'all' means all phases together; choose another name",
    ),
    (
        "load:\n",
        "load:\n  - { phase: steady, users: 1, for: 1s }\n",
        "s.yml:9:14: load[1].phase: another phase is named 'steady' as well; give each its own name; for several passes of the same phases use repeat",
    ),
    (
        "load:\n",
        "load:\n  - { repeat: 0, phases: [{ phase: a, users: 1, for: 1s }] }\n",
        "s.yml:8:15: load[0].repeat: 0 is out of bounds; use 1 to 1000",
    ),
    (
        "load:\n",
        "load:\n  - { repeat: 2, phases: [] }\n",
        "s.yml:8:26: load[0].phases: must not be empty",
    ),
    (
        "load:\n",
        "load:\n  - { repeat: 2, phases: [{ repeat: 2, phases: [] }] }\n",
        "s.yml:8:27: load[0].phases[0]: a repeat cannot be inside another one; write its phases out",
    ),
    (
        "  - { phase: steady, users: 1, for: 1s }",
        "  []",
        "s.yml:8:3: load: must not be empty",
    ),
];

/// Keys in the wrong map: what is replaced, by what, and what is said.
const MISPLACED: &[(&str, &str, &str)] = &[
    (
        "- steps:\n          - get: /items",
        "- get: /items",
        "s.yml:5:9: 'get' does not belong in user_classes[0].tasks[0]; put it into 'steps': `steps: [{ get: /items }]`",
    ),
    (
        "- steps:",
        "- wait: 1s\n        steps:",
        "s.yml:5:9: 'wait' does not belong in user_classes[0].tasks[0]; put it into the class of users: `user_classes: [{ name: user, wait: 1s, tasks: […] }]`",
    ),
    (
        "tasks:\n      - steps:\n          - get: /items",
        "steps:\n      - get: /items",
        "s.yml:4:5: 'steps' does not belong in user_classes[0]; put them into a task: `tasks: [{ steps: … }]`",
    ),
    (
        "name: demo",
        "name: demo\nget: /items",
        "s.yml:2:1: 'get' does not belong at the top of the file; put it into a step: `user_classes: [{ name: user, tasks: [{ steps: [{ get: /items }] }] }]`",
    ),
    (
        "name: demo",
        "name: demo\nusers: 5",
        "s.yml:2:1: 'users' does not belong at the top of the file; write what they do under 'user_classes': `user_classes: [{ name: user, tasks: […] }]`, and how many there are in a phase: `load: [{ phase: steady, users: 5, for: 60s }]`",
    ),
    (
        "name: demo",
        "name: demo\nvariables: [a]",
        "s.yml:2:12: variables: expected a map, found a list; write `NAME: …`",
    ),
    (
        "name: demo",
        "name: demo\ndata: users.csv",
        "s.yml:2:7: data: expected a map, found 'users.csv'; write `NAME: …`",
    ),
    (
        "name: demo",
        "name: demo\nlimits: {}",
        "s.yml:2:1: 'limits' does not belong at the top of the file; put it into thresholds.yml beside this file",
    ),
    (
        "- get: /items",
        "- repeat: 3\n            steps: [{ get: / }]",
        "s.yml:6:13: 'repeat' does not belong in user_classes[0].tasks[0].steps[0]; users repeat their tasks for as long as a phase lasts; to send a request several times in a task, repeat its step; to repeat phases, write 'repeat' under 'load'",
    ),
    (
        "phase: steady, users: 1",
        "name: steady, users: 1",
        "s.yml:8:7: 'name' does not belong in load[0]; write `phase: steady`",
    ),
    (
        "- get: /items",
        "- GET /items",
        "s.yml:6:13: user_classes[0].tasks[0].steps[0]: expected a step such as 'get: /items', found 'GET /items'",
    ),
    (
        "- get: /items",
        "get: /items",
        "s.yml:6:11: user_classes[0].tasks[0].steps: expected a list, found a map; begin each of its items with '- '",
    ),
];

#[test]
fn a_fault_of_the_file_is_told_with_its_place_and_its_remedy() {
    for (old, new, message) in [SECTIONS, USERS, STEPS, LOAD, MISPLACED].concat() {
        assert_eq!(wrong(old, new), message);
    }
}
