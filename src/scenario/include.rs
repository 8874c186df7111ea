//! Files that a scenario includes. They are put in place before the scenario is parsed.
//!
//! `include` at the top merges the sections of a file below those of this one: variables, defaults, data and environments
//! key by key, user classes and phases before its own. An item `include` in the list of user classes, tasks, steps or
//! phases is replaced by the items of a file. Every value keeps the position in its own file, for errors.

use std::io::Read as _;

use super::inputs::Inputs;
use crate::yaml::{Error, Key, Node, Position, Value};

/// The most files that one scenario may include. A file counts each time that it is included.
const MOST_FILES: usize = 100;

/// The most values in all included files together: as many as four of the largest files have.
const MOST_VALUES: usize = 200_000;

/// The longest included file, in bytes: one more than a file may have, so that parsing refuses a longer one.
const LONGEST: u64 = (1 << 20) + 1;

const INCLUDE: &str = "include";

/// Replaces every `include` by the content of its file.
pub(super) fn expand(root: Node, inputs: &Inputs<'_>) -> Result<Node, Error> {
    let mut includes = Includes {
        inputs,
        open: Vec::new(),
        count: 0,
        values: 0,
    };
    includes.sections(root)
}

struct Includes<'a> {
    inputs: &'a Inputs<'a>,
    /// The files that are being expanded, outermost first, by identity and name.
    open: Vec<(String, String)>,
    count: usize,
    /// The number of values in the files so far.
    values: usize,
}

/// The kind of the items of a list.
#[derive(Clone, Copy)]
enum Items {
    Classes,
    Tasks,
    Steps,
    Phases,
}

impl Items {
    /// The lists that an item of this kind holds in turn.
    fn inner(self) -> &'static [(&'static str, Self)] {
        match self {
            Self::Classes => &[("on_start", Self::Steps), ("tasks", Self::Tasks)],
            Self::Tasks => &[("steps", Self::Steps)],
            Self::Phases => &[("phases", Self::Phases)],
            Self::Steps => &[],
        }
    }
}

impl Includes<'_> {
    /// Merges the sections of a file over those of the files that it includes.
    fn sections(&mut self, mut root: Node) -> Result<Node, Error> {
        let Value::Map(entries) = &mut root.value else {
            return Ok(root);
        };
        let mut merged = Vec::new();
        if let Some(index) = entries.iter().position(|(key, _)| key.text == INCLUDE) {
            let (_, paths) = entries.remove(index);
            for path in self::paths(&paths) {
                let part = self.part(path, Self::sections)?;
                for (key, node) in entries_of(part)? {
                    merge(&mut merged, key, node);
                }
            }
        }
        for (key, node) in std::mem::take(entries) {
            merge(&mut merged, key, node);
        }
        for (key, node) in &mut merged {
            match key.text.as_str() {
                "user_classes" => self.list(node, Items::Classes)?,
                "load" => self.list(node, Items::Phases)?,
                _ => {}
            }
        }
        *entries = merged;
        Ok(root)
    }

    /// Replaces items that include a file by the items of that file.
    fn list(&mut self, node: &mut Node, items: Items) -> Result<(), Error> {
        let Value::List(list) = &mut node.value else {
            return Ok(());
        };
        let mut all = Vec::with_capacity(list.len());
        for mut item in std::mem::take(list) {
            if let Some(path) = only_include(&item) {
                let part = self.part(path, |includes, root| {
                    let mut list = as_list(root);
                    includes.list(&mut list, items)?;
                    Ok(list)
                })?;
                if let Value::List(parts) = part.value {
                    all.extend(parts);
                }
                continue;
            }
            if let Value::Map(entries) = &mut item.value {
                for (key, node) in entries {
                    let inner = items.inner().iter().find(|(name, _)| *name == key.text);
                    if let Some((_, items)) = inner {
                        self.list(node, *items)?;
                    }
                }
            }
            all.push(item);
        }
        *list = all;
        Ok(())
    }

    /// Parses an included file and expands what it includes itself.
    fn part(
        &mut self,
        path: &Node,
        expand: impl FnOnce(&mut Self, Node) -> Result<Node, Error>,
    ) -> Result<Node, Error> {
        let wrong = |message: String| error(&path.at, &message);
        let Value::Text { text, .. } = &path.value else {
            return Err(wrong("expected the path of a file".to_owned()));
        };
        let opened = self.inputs.open(&path.at.file, text).map_err(wrong)?;
        if let Some(at) = self.open.iter().position(|(id, _)| *id == opened.identity) {
            let open = self.open[at..].iter().map(|(_, name)| name.as_str());
            let cycle: Vec<&str> = open.chain([opened.file.as_str()]).collect();
            return Err(wrong(format!(
                "a file cannot include itself: {}",
                cycle.join(" includes ")
            )));
        }
        self.count += 1;
        if self.count > MOST_FILES {
            return Err(wrong(format!("more than {MOST_FILES} files are included")));
        }
        let mut text = String::new();
        let read = opened.content.take(LONGEST).read_to_string(&mut text);
        read.map_err(|error| wrong(format!("cannot read {}: {error}", opened.file)))?;
        let root = Node::parse(&opened.file, &text)?;
        self.values += values_in(&root);
        if self.values > MOST_VALUES {
            return Err(wrong(format!(
                "the included files hold more than {MOST_VALUES} values together; include fewer or smaller ones"
            )));
        }
        self.open.push((opened.identity, opened.file));
        let root = expand(self, root);
        self.open.pop();
        root
    }
}

/// The number of values in a node, with itself.
fn values_in(node: &Node) -> usize {
    let inner = node.entries().iter().map(|(_, value)| value);
    1 + inner.chain(node.items()).map(values_in).sum::<usize>()
}

/// The path of an item that includes a file and has no other keys.
fn only_include(item: &Node) -> Option<&Node> {
    match item.entries() {
        [(key, path)] if key.text == INCLUDE => Some(path),
        _ => None,
    }
}

/// One path, or a list of them.
fn paths(node: &Node) -> &[Node] {
    if let Value::List(items) = &node.value {
        return items;
    }
    std::slice::from_ref(node)
}

/// A list, or a list of one item.
fn as_list(node: Node) -> Node {
    if let Value::List(_) = node.value {
        return node;
    }
    let at = node.at.clone();
    let value = Value::List(vec![node]);
    Node { value, at }
}

fn entries_of(root: Node) -> Result<Vec<(Key, Node)>, Error> {
    match root.value {
        Value::Null => Ok(Vec::new()),
        Value::Map(entries) => Ok(entries),
        Value::Bool(_) | Value::Number { .. } | Value::Text { .. } | Value::List(_) => Err(error(
            &root.at,
            "expected the sections of a scenario, such as variables or user_classes",
        )),
    }
}

/// Merges a section over the others: lists are appended, maps are merged key by key, and other values are replaced.
fn merge(sections: &mut Vec<(Key, Node)>, key: Key, node: Node) {
    let Some((below_key, below)) = sections.iter_mut().find(|(it, _)| it.text == key.text) else {
        sections.push((key, node));
        return;
    };
    match (&mut below.value, node.value) {
        (Value::List(below), Value::List(over)) => below.extend(over),
        (Value::Map(below), Value::Map(over)) => {
            for (key, node) in over {
                match below.iter_mut().find(|(it, _)| it.text == key.text) {
                    Some(entry) => *entry = (key, node),
                    None => below.push((key, node)),
                }
            }
        }
        (_, value) => below.value = value,
    }
    below.at = node.at;
    *below_key = key;
}

fn error(at: &Position, message: &str) -> Error {
    at.error(format!("{INCLUDE}: {message}"))
}
