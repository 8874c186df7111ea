//! Shared parts: files that a scenario includes, put in place before anything of it is read.
//!
//! `include` at the top lays a file's sections under this one's: variables, defaults, data and environments key by key,
//! user classes and phases before its own. An item `include` in the list of user classes, tasks, steps or phases is
//! replaced by the items of a file. Every value keeps the name of its file, so that errors tell where it stands.

use std::io::Read as _;
use std::sync::Arc;

use super::inputs::Inputs;
use crate::yaml::{Document, Error, Key, Node, Value};

/// Files that one scenario may include, those that are included several times counted as often.
const MOST_FILES: usize = 100;

/// The most values in all included files together: as many as four of the largest files hold.
const MOST_VALUES: usize = 200_000;

/// The longest included file: one more byte than a document may have, so that a longer one is told as such.
const LONGEST: u64 = (1 << 20) + 1;

const INCLUDE: &str = "include";

/// Puts all that a file includes in its place.
pub(super) fn expanded(document: Document, inputs: &Inputs<'_>) -> Result<Document, Error> {
    let file = document.root().file().to_owned();
    let mut includes = Includes {
        inputs,
        open: Vec::new(),
        count: 0,
        values: 0,
    };
    let root = includes.sections(&file, document.into_root())?;
    Ok(Document::new(&file, root))
}

struct Includes<'a> {
    inputs: &'a Inputs<'a>,
    /// The files that are being read, outermost first, by identity and name.
    open: Vec<(String, String)>,
    count: usize,
    /// Values in the files so far.
    values: usize,
}

/// What the items of a list are.
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
    /// The sections of a file, with those of the files that it includes below them.
    fn sections(&mut self, file: &str, mut root: Node) -> Result<Node, Error> {
        let mut include = None;
        if let Value::Map(entries) = &mut root.value {
            let place = entries.iter().position(|(key, _)| key.text == INCLUDE);
            include = place.map(|place| entries.remove(place).1);
        }
        let mut under: Vec<(Key, Node)> = Vec::new();
        for named in include.iter().flat_map(paths) {
            let part = self.part(file, named, Self::sections)?;
            for (mut key, mut node) in entries_of(part.root, &part.file)? {
                key.file = Some(Arc::clone(&part.file));
                node.file.get_or_insert_with(|| Arc::clone(&part.file));
                lay(&mut under, key, node);
            }
        }
        if let Value::Map(entries) = &mut root.value {
            for (key, node) in std::mem::take(entries) {
                lay(&mut under, key, node);
            }
            *entries = under;
            for (key, node) in entries {
                let items = match key.text.as_str() {
                    "user_classes" => Items::Classes,
                    "load" => Items::Phases,
                    _ => continue,
                };
                self.list(file, node, items)?;
            }
        }
        Ok(root)
    }

    /// Puts the items of included files in the place of those that name them.
    fn list(&mut self, file: &str, node: &mut Node, items: Items) -> Result<(), Error> {
        let file = node.file.clone().unwrap_or_else(|| file.into());
        let Value::List(list) = &mut node.value else {
            return Ok(());
        };
        let mut all = Vec::with_capacity(list.len());
        for mut item in std::mem::take(list) {
            let own = item.file.clone().unwrap_or_else(|| Arc::clone(&file));
            if let Some(named) = only_include(&item) {
                let named = named.clone();
                let part = self.part(&own, &named, |includes, name, root| {
                    let mut list = root;
                    if !matches!(list.value, Value::List(_)) {
                        let value = Value::List(vec![list.clone()]);
                        list.value = value;
                    }
                    includes.list(name, &mut list, items)?;
                    Ok(list)
                })?;
                if let Value::List(parts) = part.root.value {
                    all.extend(parts.into_iter().map(|mut item| {
                        item.file.get_or_insert_with(|| Arc::clone(&part.file));
                        item
                    }));
                }
                continue;
            }
            if let Value::Map(entries) = &mut item.value {
                for (key, node) in entries {
                    let inner = items.inner().iter().find(|(name, _)| *name == key.text);
                    if let Some((_, items)) = inner {
                        self.list(&own, node, *items)?;
                    }
                }
            }
            all.push(item);
        }
        *list = all;
        Ok(())
    }

    /// Reads an included file, and in it what it includes itself.
    fn part(
        &mut self,
        from: &str,
        named: &Node,
        read: impl FnOnce(&mut Self, &str, Node) -> Result<Node, Error>,
    ) -> Result<Part, Error> {
        let from = named.file.as_deref().unwrap_or(from);
        let wrong = |message: String| error(from, named, &message);
        let Value::Text { text: path, .. } = &named.value else {
            return Err(wrong("expected the path of a file".to_owned()));
        };
        let opened = self.inputs.open(from, path).map_err(wrong)?;
        if let Some(at) = self.open.iter().position(|(id, _)| *id == opened.identity) {
            let way: Vec<&str> = self.open[at..]
                .iter()
                .map(|(_, name)| name.as_str())
                .collect();
            let way = way.join(" includes ");
            return Err(wrong(format!(
                "a file cannot include itself: {way} includes {}",
                opened.file
            )));
        }
        self.count += 1;
        if self.count > MOST_FILES {
            return Err(wrong(format!("more than {MOST_FILES} files are included")));
        }
        let mut text = String::new();
        opened
            .content
            .take(LONGEST)
            .read_to_string(&mut text)
            .map_err(|error| wrong(format!("cannot read {}: {error}", opened.file)))?;
        let root = Document::parse(&opened.file, &text)?.into_root();
        self.values += values_in(&root);
        if self.values > MOST_VALUES {
            return Err(wrong(format!(
                "the included files hold more than {MOST_VALUES} values together; include fewer or smaller ones"
            )));
        }
        self.open.push((opened.identity, opened.file.clone()));
        let root = read(self, &opened.file, root);
        self.open.pop();
        Ok(Part {
            file: opened.file.into(),
            root: root?,
        })
    }
}

/// How many values a node holds, itself among them.
fn values_in(node: &Node) -> usize {
    let inner = node.entries().iter().map(|(_, value)| value);
    1 + inner.chain(node.items()).map(values_in).sum::<usize>()
}

/// A file that was included.
struct Part {
    file: Arc<str>,
    root: Node,
}

/// The path of an item that names a file and nothing else.
fn only_include(item: &Node) -> Option<&Node> {
    match item.entries() {
        [(key, named)] if key.text == INCLUDE => Some(named),
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

fn entries_of(root: Node, file: &str) -> Result<Vec<(Key, Node)>, Error> {
    if matches!(root.value, Value::Null) {
        return Ok(Vec::new());
    }
    let wrong = error(
        file,
        &root,
        "expected the sections of a scenario, such as variables or user_classes",
    );
    let Value::Map(entries) = root.value else {
        return Err(wrong);
    };
    Ok(entries)
}

/// Lays a section over those that are there: lists go on, maps key by key, and anything else takes the place.
fn lay(under: &mut Vec<(Key, Node)>, key: Key, node: Node) {
    let Some((own, below)) = under.iter_mut().find(|(own, _)| own.text == key.text) else {
        under.push((key, node));
        return;
    };
    // What the parts of a section bring with them keeps the file that it stands in.
    let (below_file, over_file) = (below.file.clone(), node.file.clone());
    match (&mut below.value, node.value) {
        (Value::List(below), Value::List(mut over)) => {
            mark(below.iter_mut(), below_file.as_ref());
            mark(over.iter_mut(), over_file.as_ref());
            below.append(&mut over);
        }
        (Value::Map(below), Value::Map(mut over)) => {
            mark_entries(below, below_file.as_ref());
            mark_entries(&mut over, over_file.as_ref());
            for (key, node) in over {
                match below.iter_mut().find(|(own, _)| own.text == key.text) {
                    Some(place) => *place = (key, node),
                    None => below.push((key, node)),
                }
            }
        }
        (_, value) => below.value = value,
    }
    (below.line, below.column, below.file) = (node.line, node.column, node.file);
    *own = key;
}

fn mark<'n>(nodes: impl Iterator<Item = &'n mut Node>, file: Option<&Arc<str>>) {
    for node in nodes {
        if let (None, Some(file)) = (&node.file, file) {
            node.file = Some(Arc::clone(file));
        }
    }
}

fn mark_entries(entries: &mut [(Key, Node)], file: Option<&Arc<str>>) {
    for (key, node) in entries {
        if let (None, Some(file)) = (&key.file, file) {
            key.file = Some(Arc::clone(file));
        }
        mark(std::iter::once(node), file);
    }
}

fn error(file: &str, node: &Node, message: &str) -> Error {
    Error {
        file: file.to_owned(),
        line: node.line,
        column: node.column,
        message: format!("{INCLUDE}: {message}"),
    }
}
