//! Compiles the classes of users and their tasks.

use std::collections::{BTreeMap, BTreeSet};

use super::captures::name;
use super::collections::Items;
use super::credentials::auth;
use super::headers::{self, HeaderTemplates};
use super::inputs::Inputs;
use super::parse::Defaults;
use super::source;
use super::steps::StepContext;
use super::template::ValueTemplate;
use super::variables::Variables;
use super::{Auth, Data, RowOrder, Step, Task, UserClass};
use crate::yaml::{Cursor, Error, Map};

/// The most names of requests. Every report has a row for each.
const MOST_NAMES: usize = 20_000;

/// Compiles the users, and collects the names of their requests.
pub(super) struct Compiler<'a> {
    pub(super) variables: &'a Variables<'a>,
    pub(super) defaults: Defaults,
    pub(super) inputs: Inputs<'a>,
    /// The data that users may take rows of.
    data: &'a [Data],
    /// The names of all requests, in the order of their first appearance.
    pub(super) requests: Vec<String>,
    /// The index of each name among the requests.
    indices: BTreeMap<String, usize>,
}

/// What the steps of a class have in common.
struct ClassContext {
    headers: HeaderTemplates,
    /// Names that any step of the class captures, and the names of data.
    captured: BTreeSet<String>,
    /// Names that any task of the class sets.
    set: BTreeSet<String>,
    /// The data that its headers and its authentication name.
    rows: BTreeSet<String>,
}

impl<'a> Compiler<'a> {
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
            indices: BTreeMap::new(),
        }
    }

    /// The index of a request's name.
    pub(super) fn intern(&mut self, name: &str) -> Result<usize, String> {
        if let Some(index) = self.indices.get(name) {
            return Ok(*index);
        }
        let index = self.requests.len();
        if index == MOST_NAMES {
            return Err(format!(
                "more than {MOST_NAMES} names of requests are too many to report; give steps that do the same one 'name'"
            ));
        }
        self.indices.insert(name.to_owned(), index);
        self.requests.push(name.to_owned());
        Ok(index)
    }

    /// Compiles `user_classes`.
    pub(super) fn classes(
        &mut self,
        sources: &Items<'_, source::Class<'_>>,
    ) -> Result<Vec<UserClass>, Error> {
        let mut classes: Vec<UserClass> = Vec::new();
        for source in &sources.items {
            let class = self.class(&source.value)?;
            if classes.iter().any(|other| other.name == class.name) {
                return Err(source.at.error(format_args!(
                    "another class is named '{}' as well; give each its own name",
                    class.name
                )));
            }
            classes.push(class);
        }
        Ok(classes)
    }

    fn class(&mut self, source: &source::Class<'_>) -> Result<UserClass, Error> {
        let (context, auth) = self.class_context(source)?;
        let on_start = match &source.on_start {
            Some(steps) => self.on_start(steps, &context)?,
            None => Vec::new(),
        };
        let start_named = &context.rows | &self.variables.rows.take_named();
        let (_, mut start_rows) = self.rows(&start_named);
        if on_start.is_empty() {
            start_rows.clear();
        }
        let mut named = start_named;
        let tasks = source.tasks.items.iter();
        let tasks: Vec<Task> = tasks
            .map(|task| self.task(&task.value, &context, &mut named))
            .collect::<Result<_, _>>()?;
        Ok(UserClass {
            name: source.name.0.clone(),
            weight: source.weight.map_or(1, |weight| weight.0),
            wait: source.wait.unwrap_or_default(),
            cookies: source.cookies.unwrap_or(self.defaults.cookies),
            auth,
            own_rows: self.rows(&named).0,
            start_rows,
            on_start,
            tasks,
        })
    }

    fn class_context(
        &self,
        source: &source::Class<'_>,
    ) -> Result<(ClassContext, Vec<Auth>), Error> {
        let captured = &captured(source) | &self.variables.rows.names();
        let set = source
            .tasks
            .items
            .iter()
            .flat_map(|task| names(&task.value.set))
            .collect();
        let runtime_names = &captured | &set;
        let names = self.variables.names(&runtime_names);
        let headers = headers::templates(&source.headers, names)?;
        let mut class_auth = Vec::new();
        if let Some(section) = &source.auth {
            class_auth = auth(section, names)?;
            refuse_both(&section.at, &class_auth, &headers)?;
        }
        let context = ClassContext {
            headers: headers::merge(&self.defaults.headers, headers),
            captured,
            set,
            rows: self.variables.rows.take_named(),
        };
        Ok((context, class_auth))
    }

    /// The indices of the named data: of those of which each user keeps its own row, and of those of which each pass
    /// through `on_start` or a task takes one.
    fn rows(&self, named: &BTreeSet<String>) -> (Vec<usize>, Vec<usize>) {
        let named = (0..self.data.len()).filter(|index| named.contains(&self.data[*index].name));
        named.partition(|index| self.data[*index].order == RowOrder::Unique)
    }

    fn task(
        &mut self,
        source: &source::Task<'_>,
        class: &ClassContext,
        named: &mut BTreeSet<String>,
    ) -> Result<Task, Error> {
        let mut runtime_names = class.captured.clone();
        let set = self.set(&source.set, &mut runtime_names)?;
        let steps = self.steps(&source.steps, class, &runtime_names)?;
        if !steps.iter().any(|step| step.request().is_some()) {
            return Err(source.steps.at.error("a task needs at least one request"));
        }
        let rows = &class.rows | &self.variables.rows.take_named();
        named.extend(rows.iter().cloned());
        Ok(Task {
            weight: source.weight.map_or(1, |weight| weight.0),
            rows: self.rows(&rows).1,
            set,
            stop_on_failure: source.stop_on_failure.unwrap_or(false),
            steps,
        })
    }

    /// Compiles `set`; each value may use those above it.
    fn set(
        &self,
        source: &Map<'_, Cursor<'_>>,
        runtime_names: &mut BTreeSet<String>,
    ) -> Result<Vec<(String, ValueTemplate)>, Error> {
        let mut set = Vec::new();
        for field in &source.0 {
            let name = name(&field.entry, &self.variables.rows)?;
            let value = self.variables.names(runtime_names).value(&field.value)?;
            runtime_names.insert(name.clone());
            set.push((name, value));
        }
        Ok(set)
    }

    fn steps(
        &mut self,
        source: &Items<'_, source::Step<'_>>,
        class: &ClassContext,
        runtime_names: &BTreeSet<String>,
    ) -> Result<Vec<Step>, Error> {
        // A task does not send headers of its class that use what only another task sets.
        let headers = available(&class.headers, &(&class.set - runtime_names));
        let context = StepContext {
            headers: &headers,
            names: self.variables.names(runtime_names),
        };
        let steps = source.items.iter();
        steps.map(|step| self.step(step, context)).collect()
    }

    /// Compiles `on_start`. A class header that uses a captured value is sent by the steps after the capture, so the
    /// login itself can be sent without it.
    fn on_start(
        &mut self,
        source: &Items<'_, source::Step<'_>>,
        class: &ClassContext,
    ) -> Result<Vec<Step>, Error> {
        let mut captured = BTreeSet::new();
        let mut steps = Vec::new();
        for (index, step) in source.items.iter().enumerate() {
            let later = source.items[index..].iter();
            let later = later.flat_map(|step| captured_by(&step.value)).collect();
            let missing = &(&later - &captured) | &(&class.set - &class.captured);
            captured.extend(captured_by(&step.value));
            let headers = available(&class.headers, &missing);
            let context = StepContext {
                headers: &headers,
                names: self.variables.names(&class.captured),
            };
            steps.push(self.step(step, context)?);
        }
        Ok(steps)
    }
}

/// The headers that need none of the missing names.
fn available(headers: &HeaderTemplates, missing: &BTreeSet<String>) -> HeaderTemplates {
    let available = headers
        .iter()
        .filter(|(_, value)| !value.needs_any(missing));
    available.cloned().collect()
}

/// A class cannot fill one header in two ways.
fn refuse_both(at: &Cursor<'_>, auth: &[Auth], headers: &HeaderTemplates) -> Result<(), Error> {
    let mut written = auth.iter().filter_map(Auth::header);
    let Some(name) = written.find(|name| headers::has(headers, name)) else {
        return Ok(());
    };
    let article = if name.starts_with('A') { "an" } else { "a" };
    Err(at.error(format_args!(
        "the class has {article} {name} header as well; remove one of them"
    )))
}

/// The names that any step of a class captures.
fn captured(class: &source::Class<'_>) -> BTreeSet<String> {
    let tasks = class.tasks.items.iter().map(|task| &task.value.steps);
    let steps = tasks.chain(&class.on_start).flat_map(|steps| &steps.items);
    steps.flat_map(|step| captured_by(&step.value)).collect()
}

fn captured_by(step: &source::Step<'_>) -> BTreeSet<String> {
    step.capture.iter().flat_map(names).collect()
}

fn names<T>(map: &Map<'_, T>) -> BTreeSet<String> {
    let fields = map.0.iter();
    fields.map(|field| field.entry.name().to_owned()).collect()
}
