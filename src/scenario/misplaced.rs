//! Keys that people write in the wrong map of a scenario, and what to write instead.

use crate::yaml::{Misplaced, misplaced};

const IN_LOAD: &str =
    "put it into a phase at the top of the file: `load: [{ phase: steady, users: 5, for: 60s }]`";

const REPEATED: &str = "users repeat their tasks for as long as a phase lasts; to send a request several times in a task, \
     repeat its step; to repeat phases, write 'repeat' under 'load'";

/// At the top of the file.
pub(super) const IN_FILE: &[Misplaced<'_>] = misplaced! {
    get post put patch delete head options think command =>
        "put it into a step: `user_classes: [{ name: user, tasks: [{ steps: [{ KEY: VALUE }] }] }]`";
    steps => "put them into a task: `user_classes: [{ name: user, tasks: [{ steps: VALUE }] }]`";
    tasks wait auth on_start => "put it into a class of users: `user_classes: [{ name: user, KEY: VALUE }]`";
    users => "write what they do under 'user_classes': `user_classes: [{ name: user, tasks: […] }]`, and how many there are in a \
         phase: `load: [{ phase: steady, users: 5, for: 60s }]`";
    arrivals for max_users spacing measure => IN_LOAD;
    phases phase repeat => "write the phases under 'load': `load: [{ phase: steady, users: 5, for: 60s }]`";
    timeout http headers expect redirects cookies => "put it into the defaults: `defaults: { KEY: VALUE }`";
    limits regression abort mode => "put it into thresholds.yml beside this file";
};

/// In a class of users.
pub(super) const IN_CLASS: &[Misplaced<'_>] = misplaced! {
    get post put patch delete head options think command => "put it into a step: `tasks: [{ steps: [{ KEY: VALUE }] }]`";
    steps => "put them into a task: `tasks: [{ steps: VALUE }]`";
    set stop_on_failure => "put it into a task: `tasks: [{ KEY: VALUE, steps: [{ get: /items }] }]`";
    timeout http expect redirects => "put it into the defaults at the top of the file: `defaults: { KEY: VALUE }`";
    users arrivals for max_users spacing measure => IN_LOAD;
};

/// In a task.
pub(super) const IN_TASK: &[Misplaced<'_>] = misplaced! {
    get post put patch delete head options think command => "put it into 'steps': `steps: [{ KEY: VALUE }]`";
    name => "name its requests: `steps: [{ get: /items, name: VALUE }]`";
    wait auth on_start cookies headers =>
        "put it into the class of users: `user_classes: [{ name: user, KEY: VALUE, tasks: […] }]`";
    query json form raw capture expect timeout redirects when =>
        "put it into a step: `steps: [{ get: /items, KEY: VALUE }]`";
    repeat => REPEATED;
    users arrivals for max_users spacing measure => IN_LOAD;
};

/// In a step.
pub(super) const IN_STEP: &[Misplaced<'_>] = misplaced! {
    repeat loop count => REPEATED;
    steps => "write its steps directly into the list";
    wait sleep pause delay => "make the pause a step of its own: `{ think: VALUE }`";
    weight set stop_on_failure => "put it into the task: `tasks: [{ KEY: VALUE, steps: […] }]`";
    auth cookies on_start =>
        "put it into the class of users: `user_classes: [{ name: user, KEY: VALUE, tasks: […] }]`";
    http => "put it into the defaults at the top of the file: `defaults: { http: VALUE }`";
    status => "put it into 'expect': `expect: { status: VALUE }`";
    body data => "name its kind: `json: …`, `form: …`, `raw: …` or `file: …`";
    url path method => "write the method with its path, `get: /items`; the host is the target's";
    extract save => "write `capture: { name: $.path }`";
};

/// In a phase.
pub(super) const IN_PHASE: &[Misplaced<'_>] = misplaced! {
    name => "write `phase: VALUE`";
    duration => "write `for: VALUE`";
    rate rps => "write `arrivals: 50/s`";
    phases => "a phase can contain phases only to repeat them: `{ repeat: 3, phases: VALUE }`";
    user_classes tasks steps => "put it at the top of the file: users do the same in every phase";
};
