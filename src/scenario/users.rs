//! The users: who they are, how they authenticate, and their tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::auth;
use super::captures::name;
use super::inputs::Inputs;
use super::misplaced;
use super::parse::Defaults;
use super::steps::{Headers, Surroundings, headers, lay};
use super::template::ValueTemplate;
use super::variables::Variables;
use super::{Auth, Data, Pause, RowOrder, Step, Task, UserClass};
use crate::units::parse_duration;
use crate::yaml::{Cursor, Error, Keys, Node};

/// The largest weight. The sum over all tasks that fit into a file stays below 2^32.
const HEAVIEST: u32 = 100_000;

const CLASS: Keys<'_> = Keys {
    known: &[
        "name", "weight", "wait", "headers", "auth", "on_start", "tasks", "cookies",
    ],
    misplaced: misplaced::IN_CLASS,
};

const TASK: Keys<'_> = Keys {
    known: &["weight", "set", "stop_on_failure", "steps"],
    misplaced: misplaced::IN_TASK,
};

/// Reads the users, gathering the names of their requests.
pub(super) struct Reader<'a> {
    pub(super) variables: &'a Variables<'a>,
    pub(super) defaults: Defaults,
    pub(super) inputs: Inputs<'a>,
    /// The rows that users may take.
    data: &'a [Data],
    requests: Vec<String>,
    /// Where each name stands among them.
    places: BTreeMap<String, usize>,
}

/// The most names of requests. Every report has a row for each.
const MOST_NAMES: usize = 20_000;

/// A class as its steps see it.
struct Class {
    headers: Headers,
    /// What any step of the class captures, and the rows that it may take.
    captured: BTreeSet<String>,
    /// What any task of the class sets.
    set: BTreeSet<String>,
    /// The rows that its headers and its authentication name.
    rows: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        variables: &'a Variables<'a>,
        defaults: Defaults,
        inputs: Inputs<'a>,
        data: &'a [Data],
    ) -> Self {
        Self {
            variables,
            defaults,
            inputs,
            data,
            requests: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    /// The names of all requests, in the order of their first appearance.
    pub(super) fn into_requests(self) -> Vec<String> {
        self.requests
    }

    /// The index of a request's name.
    pub(super) fn intern(&mut self, name: &str) -> Result<usize, String> {
        if let Some(known) = self.places.get(name) {
            return Ok(*known);
        }
        let place = self.requests.len();
        if place == MOST_NAMES {
            return Err(format!(
                "more than {MOST_NAMES} names of requests are too many to report; give steps that do the same one 'name'"
            ));
        }
        self.places.insert(name.to_owned(), place);
        self.requests.push(name.to_owned());
        Ok(place)
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
        let captured = &captured(cursor.node()) | &self.variables.rows.names();
        let set = set(cursor.node());
        let settable = &captured | &set;
        let own = fields.read_or("headers", Vec::new(), |section| {
            headers(section, self.variables, &settable)
        })?;
        let auth = fields.read_or("auth", Vec::new(), |section| {
            auth::read(section, self.variables, &settable)
        })?;
        if let Some(section) = fields.get("auth") {
            refuse_both(section, &auth, &own)?;
        }
        let class = Class {
            headers: lay(&self.defaults.headers, own),
            captured,
            set,
            rows: self.variables.rows.take_named(),
        };
        let on_start = fields.read_or("on_start", Vec::new(), |section| {
            self.on_start(section, &class)
        })?;
        let start_rows = &class.rows | &self.variables.rows.take_named();
        let mut named = start_rows.clone();
        let tasks: Vec<Task> = fields
            .require("tasks")?
            .filled_list()?
            .iter()
            .map(|task| self.task(task, &class, &mut named))
            .collect::<Result<_, _>>()?;
        Ok(UserClass {
            name: fields.require("name")?.name()?.to_owned(),
            weight: fields.read_or("weight", 1, weight)?,
            wait: fields.read_or("wait", Pause::default(), pause)?,
            cookies: fields.read_or("cookies", self.defaults.cookies, Cursor::boolean)?,
            auth,
            own_rows: self.rows(&named, Keep::ForUser),
            start_rows: if on_start.is_empty() {
                Vec::new()
            } else {
                self.rows(&start_rows, Keep::ForPass)
            },
            on_start,
            tasks,
        })
    }

    /// The data among these names, by how long a row of them is kept.
    fn rows(&self, named: &BTreeSet<String>, keep: Keep) -> Vec<usize> {
        let kept = |data: &Data| match data.order {
            RowOrder::Unique => keep == Keep::ForUser,
            RowOrder::Sequential | RowOrder::Random => keep == Keep::ForPass,
        };
        let all = self.data.iter().enumerate();
        all.filter(|(_, data)| named.contains(&data.name) && kept(data))
            .map(|(index, _)| index)
            .collect()
    }

    fn task(
        &mut self,
        cursor: &Cursor<'_>,
        class: &Class,
        named: &mut BTreeSet<String>,
    ) -> Result<Task, Error> {
        let fields = cursor.fields(TASK)?;
        let mut settable = class.captured.clone();
        let set = fields.read_or("set", Vec::new(), |section| {
            self.set(section, &mut settable)
        })?;
        let steps = self.steps(fields.require("steps")?, class, &settable)?;
        if !steps.iter().any(|step| step.request().is_some()) {
            return Err(fields
                .require("steps")?
                .error("a task needs at least one request"));
        }
        let own = &class.rows | &self.variables.rows.take_named();
        named.extend(own.iter().cloned());
        Ok(Task {
            weight: fields.read_or("weight", 1, weight)?,
            rows: self.rows(&own, Keep::ForPass),
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
            let name = name(&entry, self.variables)?;
            let value = self.variables.value(&entry.value, settable)?;
            settable.insert(name.clone());
            set.push((name, value));
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

    /// Reads `on_start`. A header of the class that needs what a login brings goes with the steps after it, so that the
    /// login itself can be sent.
    fn on_start(&mut self, section: &Cursor<'_>, class: &Class) -> Result<Vec<Step>, Error> {
        let items = section.filled_list()?;
        let brings: Vec<BTreeSet<String>> = items
            .iter()
            .map(|item| keys(item.node().get("capture").into_iter()))
            .collect();
        let mut steps = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let before: BTreeSet<_> = brings[..place].iter().flatten().collect();
            let later = brings[place..].iter().flatten();
            let mut missing: BTreeSet<String> = later
                .filter(|name| !before.contains(name))
                .cloned()
                .collect();
            missing.extend(&class.set - &class.captured);
            let mut headers = class.headers.clone();
            headers.retain(|(_, value)| !value.needs_any(&missing));
            let around = Surroundings {
                headers: &headers,
                settable: &class.captured,
            };
            steps.push(self.step(item, around)?);
        }
        Ok(steps)
    }
}

/// How long a row is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// By its user, for as long as it is there.
    ForUser,
    /// For one pass through `on_start` or a task.
    ForPass,
}

/// A class cannot fill one header in two ways.
fn refuse_both(section: &Cursor<'_>, auth: &[Auth], headers: &Headers) -> Result<(), Error> {
    let mut written = auth.iter().filter_map(Auth::header);
    let twice = written.find(|name| {
        let mut own = headers.iter();
        own.any(|(own, _)| own.eq_ignore_ascii_case(name))
    });
    twice.map_or(Ok(()), |name| {
        let article = if name.starts_with('A') { "an" } else { "a" };
        Err(section.error(format_args!(
            "the class has {article} {name} header as well, remove one of them"
        )))
    })
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
