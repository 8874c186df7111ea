//! The users: who they are, how they authenticate, and their tasks.

use std::collections::BTreeSet;
use std::time::Duration;

use super::parse::{Defaults, refuse_cookies};
use super::steps::{Headers, Surroundings, headers, lay};
use super::template::{Place, ValueTemplate, refuse_name};
use super::variables::Variables;
use super::{Auth, Pause, Step, Task, UserClass};
use crate::units::parse_duration;
use crate::yaml::{Cursor, Error, Keys, Node};

/// The largest weight. The sum over all tasks that fit into a file stays below 2^32.
const HEAVIEST: u32 = 100_000;

const CLASS: Keys<'_> = Keys {
    known: &[
        "name", "weight", "wait", "headers", "auth", "on_start", "tasks", "cookies",
    ],
    planned: &["data", "when"],
};

const TASK: Keys<'_> = Keys {
    known: &["weight", "set", "stop_on_failure", "steps"],
    planned: &["data", "when"],
};

const AUTH: Keys<'_> = Keys {
    known: &["bearer"],
    planned: &["api_key", "basic", "aws_sigv4"],
};

/// Reads the users, gathering the names of their requests.
pub(super) struct Reader<'a> {
    pub(super) variables: &'a Variables<'a>,
    pub(super) defaults: Defaults,
    requests: Vec<String>,
}

/// A class as its steps see it.
struct Class {
    headers: Headers,
    /// What any step of the class captures.
    captured: BTreeSet<String>,
    /// What any task of the class sets.
    set: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(variables: &'a Variables<'a>, defaults: Defaults) -> Self {
        Self {
            variables,
            defaults,
            requests: Vec::new(),
        }
    }

    /// The names of all requests, in the order of their first appearance.
    pub(super) fn into_requests(self) -> Vec<String> {
        self.requests
    }

    /// The index of a request's name.
    pub(super) fn intern(&mut self, name: &str) -> usize {
        let known = self.requests.iter().position(|own| own == name);
        known.unwrap_or_else(|| {
            self.requests.push(name.to_owned());
            self.requests.len() - 1
        })
    }

    /// Reads `user_classes`.
    pub(super) fn classes(&mut self, section: &Cursor<'_>) -> Result<Vec<UserClass>, Error> {
        let mut classes: Vec<UserClass> = Vec::new();
        for cursor in section.filled_list()? {
            let class = self.class(&cursor)?;
            if classes.iter().any(|other| other.name == class.name) {
                return Err(cursor.error(format_args!(
                    "another class is named '{}' as well, give each its own name",
                    class.name
                )));
            }
            classes.push(class);
        }
        Ok(classes)
    }

    fn class(&mut self, cursor: &Cursor<'_>) -> Result<UserClass, Error> {
        let fields = cursor.fields(CLASS)?;
        let captured = captured(cursor.node());
        let set = set(cursor.node());
        let settable = &captured | &set;
        let own = fields.read_or("headers", Vec::new(), |section| {
            headers(section, self.variables, &settable)
        })?;
        let auth = fields
            .get("auth")
            .map(|auth| self.auth(auth, &settable))
            .transpose()?;
        if let Some(twice) = fields.get("auth")
            && own
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
        {
            return Err(
                twice.error("the class has an Authorization header as well, remove one of them")
            );
        }
        fields.read_or("cookies", (), refuse_cookies)?;
        let class = Class {
            headers: lay(&self.defaults.headers, own),
            captured,
            set,
        };
        Ok(UserClass {
            name: fields.require("name")?.line_of_text()?.to_owned(),
            weight: fields.read_or("weight", 1, weight)?,
            wait: fields.read_or("wait", Pause::default(), pause)?,
            cookies: false,
            auth,
            on_start: fields.read_or("on_start", Vec::new(), |section| {
                self.steps(section, &class, &class.captured)
            })?,
            tasks: fields
                .require("tasks")?
                .filled_list()?
                .iter()
                .map(|task| self.task(task, &class))
                .collect::<Result<_, _>>()?,
        })
    }

    fn auth(&self, cursor: &Cursor<'_>, settable: &BTreeSet<String>) -> Result<Auth, Error> {
        let fields = cursor.fields(AUTH)?;
        let bearer = fields.require("bearer")?;
        let template = self.variables.template(bearer, Place::Header, settable)?;
        Ok(Auth::Bearer(template))
    }

    fn task(&mut self, cursor: &Cursor<'_>, class: &Class) -> Result<Task, Error> {
        let fields = cursor.fields(TASK)?;
        let mut settable = class.captured.clone();
        let set = fields.read_or("set", Vec::new(), |section| {
            self.set(section, &mut settable)
        })?;
        let steps = self.steps(fields.require("steps")?, class, &settable)?;
        if !steps.iter().any(|step| matches!(step, Step::Request(_))) {
            return Err(fields
                .require("steps")?
                .error("a task needs at least one request"));
        }
        Ok(Task {
            weight: fields.read_or("weight", 1, weight)?,
            set,
            stop_on_failure: fields.read_or("stop_on_failure", false, Cursor::boolean)?,
            steps,
        })
    }

    /// Reads `set`; each value may use those above it.
    fn set(
        &self,
        section: &Cursor<'_>,
        settable: &mut BTreeSet<String>,
    ) -> Result<Vec<(String, ValueTemplate)>, Error> {
        let mut set = Vec::new();
        for entry in section.entries()? {
            if let Some(message) = refuse_name(&entry.key.text) {
                return Err(entry.error(message));
            }
            let value = self.variables.value(&entry.value, settable)?;
            settable.insert(entry.key.text.clone());
            set.push((entry.key.text.clone(), value));
        }
        Ok(set)
    }

    fn steps(
        &mut self,
        section: &Cursor<'_>,
        class: &Class,
        settable: &BTreeSet<String>,
    ) -> Result<Vec<Step>, Error> {
        // What a task sets holds for its own steps, and so do the class's headers that need it.
        let elsewhere = &class.set - settable;
        let mut headers = class.headers.clone();
        headers.retain(|(_, value)| !value.needs_any(&elsewhere));
        let around = Surroundings {
            headers: &headers,
            settable,
        };
        let steps = section.filled_list()?;
        steps.iter().map(|step| self.step(step, around)).collect()
    }
}

/// The names that any step of a class captures. Looks at the tree as it is; reading the steps finds what is wrong there.
fn captured(class: &Node) -> BTreeSet<String> {
    let tasks = class.get("tasks").map_or(&[][..], Node::items);
    let sections = tasks.iter().filter_map(|task| task.get("steps"));
    let steps = sections.chain(class.get("on_start")).flat_map(Node::items);
    keys(steps.filter_map(|step| step.get("capture")))
}

/// The names that any task of a class sets.
fn set(class: &Node) -> BTreeSet<String> {
    let tasks = class.get("tasks").map_or(&[][..], Node::items);
    keys(tasks.iter().filter_map(|task| task.get("set")))
}

fn keys<'n>(maps: impl Iterator<Item = &'n Node>) -> BTreeSet<String> {
    maps.flat_map(Node::entries)
        .map(|(key, _)| key.text.clone())
        .collect()
}

fn weight(cursor: &Cursor<'_>) -> Result<u32, Error> {
    cursor.whole(1..=HEAVIEST)
}

/// Reads a pause: one duration, or a range such as `2s..5s`.
pub(super) fn pause(cursor: &Cursor<'_>) -> Result<Pause, Error> {
    let duration = |text: &str| -> Result<Duration, Error> {
        parse_duration(text).map_err(|error| cursor.error(error))
    };
    let text = cursor.written()?;
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let pause = Pause {
        from: duration(from)?,
        to: duration(to)?,
    };
    if pause.from > pause.to {
        return Err(cursor.error(format_args!(
            "the range '{text}' is empty, write the shorter duration first"
        )));
    }
    Ok(pause)
}
