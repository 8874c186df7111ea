//! Keys that people write in the wrong map of a scenario, and the lines to write instead.

use crate::yaml::Misplaced;

const OF_STEPS: &[&str] = &[
    "get", "post", "put", "patch", "delete", "head", "options", "think", "command",
];
const OF_REQUESTS: &[&str] = &[
    "query",
    "json",
    "form",
    "raw",
    "capture",
    "expect",
    "timeout",
    "redirects",
    "when",
];
const OF_CLASSES: &[&str] = &["wait", "auth", "on_start", "cookies", "headers"];
const OF_TASKS: &[&str] = &["set", "stop_on_failure"];
const OF_PHASES: &[&str] = &[
    "users",
    "arrivals",
    "for",
    "max_users",
    "spacing",
    "measure",
];

const IN_LOAD: &str =
    "put it into a phase at the top of the file: `load: [{ phase: steady, users: 5, for: 60s }]`";

/// At the top of the file.
pub(super) const IN_FILE: &[Misplaced<'_>] = &[
    Misplaced {
        keys: OF_STEPS,
        instead: "put it into a step: `user_classes: [{ name: user, tasks: [{ steps: [{ KEY: VALUE }] }] }]`",
    },
    Misplaced {
        keys: &["steps"],
        instead: "put them into a task: `user_classes: [{ name: user, tasks: [{ steps: VALUE }] }]`",
    },
    Misplaced {
        keys: &["tasks", "wait", "auth", "on_start"],
        instead: "put it into a class of users: `user_classes: [{ name: user, KEY: VALUE }]`",
    },
    Misplaced {
        keys: OF_PHASES,
        instead: IN_LOAD,
    },
    Misplaced {
        keys: &["phases", "phase", "repeat"],
        instead: "write the phases under 'load': `load: [{ phase: steady, users: 5, for: 60s }]`",
    },
    Misplaced {
        keys: &[
            "timeout",
            "http",
            "headers",
            "expect",
            "redirects",
            "cookies",
        ],
        instead: "put it into the defaults: `defaults: { KEY: VALUE }`",
    },
    Misplaced {
        keys: &["limits", "regression", "abort", "mode"],
        instead: "put it into thresholds.yml beside this file",
    },
];

/// In a class of users.
pub(super) const IN_CLASS: &[Misplaced<'_>] = &[
    Misplaced {
        keys: OF_STEPS,
        instead: "put it into a step: `tasks: [{ steps: [{ KEY: VALUE }] }]`",
    },
    Misplaced {
        keys: &["steps"],
        instead: "put them into a task: `tasks: [{ steps: VALUE }]`",
    },
    Misplaced {
        keys: OF_TASKS,
        instead: "put it into a task: `tasks: [{ KEY: VALUE, steps: [{ get: /items }] }]`",
    },
    Misplaced {
        keys: &["timeout", "http", "expect", "redirects"],
        instead: "put it into the defaults at the top of the file: `defaults: { KEY: VALUE }`",
    },
    Misplaced {
        keys: OF_PHASES,
        instead: IN_LOAD,
    },
];

/// In a task.
pub(super) const IN_TASK: &[Misplaced<'_>] = &[
    Misplaced {
        keys: OF_STEPS,
        instead: "put it into 'steps': `steps: [{ KEY: VALUE }]`",
    },
    Misplaced {
        keys: &["name"],
        instead: "name its requests: `steps: [{ get: /items, name: VALUE }]`",
    },
    Misplaced {
        keys: OF_CLASSES,
        instead: "put it into the class of users: `user_classes: [{ name: user, KEY: VALUE, tasks: […] }]`",
    },
    Misplaced {
        keys: OF_REQUESTS,
        instead: "put it into a step: `steps: [{ get: /items, KEY: VALUE }]`",
    },
    Misplaced {
        keys: &["repeat"],
        instead: REPEATED,
    },
    Misplaced {
        keys: OF_PHASES,
        instead: IN_LOAD,
    },
];

const REPEATED: &str = "users do their tasks again and again for as long as a phase lasts; to send one request several times \
     in a task, write its step as often, and to repeat phases, write 'repeat' under 'load'";

/// In a step.
pub(super) const IN_STEP: &[Misplaced<'_>] = &[
    Misplaced {
        keys: &["repeat", "loop", "count"],
        instead: REPEATED,
    },
    Misplaced {
        keys: &["steps"],
        instead: "write its steps into the list that it stands in",
    },
    Misplaced {
        keys: &["wait", "sleep", "pause", "delay"],
        instead: "make the pause a step of its own: `{ think: VALUE }`",
    },
    Misplaced {
        keys: &["weight", "set", "stop_on_failure"],
        instead: "put it into the task: `tasks: [{ KEY: VALUE, steps: […] }]`",
    },
    Misplaced {
        keys: &["auth", "cookies", "on_start"],
        instead: "put it into the class of users: `user_classes: [{ name: user, KEY: VALUE, tasks: […] }]`",
    },
    Misplaced {
        keys: &["http"],
        instead: "put it into the defaults at the top of the file: `defaults: { http: VALUE }`",
    },
    Misplaced {
        keys: &["status"],
        instead: "put it into 'expect': `expect: { status: VALUE }`",
    },
    Misplaced {
        keys: &["body", "data"],
        instead: "name its kind: `json: …`, `form: …`, `raw: …` or `file: …`",
    },
    Misplaced {
        keys: &["url", "path", "method"],
        instead: "write the method with its path, `get: /items`; the host is the target's",
    },
    Misplaced {
        keys: &["extract", "save"],
        instead: "write `capture: { name: $.path }`",
    },
];

/// In a phase.
pub(super) const IN_PHASE: &[Misplaced<'_>] = &[
    Misplaced {
        keys: &["name"],
        instead: "write `phase: VALUE`",
    },
    Misplaced {
        keys: &["duration"],
        instead: "write `for: VALUE`",
    },
    Misplaced {
        keys: &["rate", "rps"],
        instead: "write `arrivals: 50/s`",
    },
    Misplaced {
        keys: &["phases"],
        instead: "phases stand in a phase only to be repeated: `{ repeat: 3, phases: VALUE }`",
    },
    Misplaced {
        keys: &["user_classes", "tasks", "steps"],
        instead: "put it at the top of the file: users do the same in every phase",
    },
];
