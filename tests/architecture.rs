//! Holds the shape of `src/`: who may use whom, who may know which crate, and that each file says what it is.
//!
//! Tests inside a file may use what they like; everything else is read here as Rust reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use syn::visit::{self, Visit};

/// What each room may use of the crate, beside itself. Data flows down this list.
const MAY_USE: [(&str, &[&str]); 28] = [
    ("units", &[]),
    ("metric", &[]),
    ("yaml", &["units"]),
    ("files", &[]),
    ("error_chain", &[]),
    ("redact", &[]),
    ("processes", &["redact"]),
    ("http_client", &["error_chain", "redact"]),
    ("timer", &[]),
    ("fake_gateway", &["timer"]),
    ("scenario", &["units", "yaml", "redact"]),
    ("measurement", &["metric", "units"]),
    (
        "load",
        &[
            "scenario",
            "measurement",
            "processes",
            "timer",
            "units",
            "redact",
        ],
    ),
    ("record", &["scenario", "measurement", "metric", "units"]),
    ("thresholds", &["measurement", "metric", "units", "yaml"]),
    (
        "baseline",
        &["record", "measurement", "metric", "units", "files"],
    ),
    (
        "verdict",
        &[
            "baseline",
            "thresholds",
            "record",
            "measurement",
            "metric",
            "units",
        ],
    ),
    (
        "report",
        &[
            "verdict",
            "baseline",
            "thresholds",
            "record",
            "measurement",
            "metric",
            "units",
            "redact",
        ],
    ),
    (
        "aws",
        &[
            "scenario",
            "record",
            "measurement",
            "http_client",
            "error_chain",
            "redact",
            "units",
        ],
    ),
    ("ci", &["report", "http_client", "files", "redact"]),
    ("exit", &["verdict"]),
    (
        "plan",
        &[
            "scenario",
            "load",
            "record",
            "thresholds",
            "baseline",
            "metric",
            "aws",
            "ci",
            "http_client",
            "files",
            "processes",
            "units",
            "redact",
        ],
    ),
    (
        "gate",
        &[
            "plan",
            "scenario",
            "load",
            "fake_gateway",
            "measurement",
            "record",
            "thresholds",
            "baseline",
            "verdict",
            "report",
            "exit",
            "aws",
            "ci",
            "files",
            "error_chain",
            "metric",
            "processes",
            "units",
            "redact",
        ],
    ),
    (
        "demo",
        &["plan", "gate", "fake_gateway", "exit", "files", "units"],
    ),
    ("init", &["plan", "files", "redact"]),
    ("schema", &["scenario", "record", "thresholds", "baseline"]),
    (
        "cli",
        &[
            "plan",
            "gate",
            "demo",
            "init",
            "schema",
            "fake_gateway",
            "exit",
            "error_chain",
            "processes",
            "units",
            "redact",
        ],
    ),
    ("lib", &[]),
];

/// Crates that only these files may know: a prefix of the path below `src/`.
const ONLY_IN: [(&str, &[&str]); 31] = [
    ("hdrhistogram", &["measurement/histogram/"]),
    ("junit_report", &["report/junit.rs"]),
    ("maud", &["report/html/"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli/manual.rs"]),
    ("clap_mangen", &["cli/manual.rs"]),
    ("minijinja", &["scenario/"]),
    ("csv", &["scenario/data/", "record/sent.rs"]),
    ("aws_sigv4", &["load/signature.rs", "aws/client.rs"]),
    ("aws_credential_types", &["load/signature.rs", "aws/"]),
    ("serde_json_path", &["scenario/", "load/"]),
    ("serde_saphyr", &["yaml", "init/document.rs"]),
    ("httparse", &["load/http/"]),
    ("rustls", &["load/", "http_client/"]),
    ("webpki", &["load/http/tls.rs"]),
    ("futures_util", &["load/http/dial.rs"]),
    ("ipnet", &["load/http/no_proxy.rs"]),
    ("h2", &["load/http/h2/"]),
    ("brotli_decompressor", &["load/http/content_encoding.rs"]),
    ("reqwest", &["http_client/"]),
    (
        "tokio",
        &["load/", "timer/", "fake_gateway/", "http_client/"],
    ),
    ("hyper", &["load/http/h2/", "fake_gateway/"]),
    ("same_file", &["files/mod.rs"]),
    ("similar", &["baseline/"]),
    ("statrs", &["verdict/"]),
    ("signal_hook", &["gate/signals.rs"]),
    ("win32job", &["processes/windows.rs"]),
    ("sysinfo", &["plan/machine.rs"]),
    ("cpu_time", &["load/cpu_time.rs"]),
    ("terminal_size", &["gate/console.rs"]),
    ("anstyle_query", &["gate/console.rs"]),
];

/// Rooms that hold nothing but functions from data to data.
const PURE: [&str; 6] = [
    "scenario",
    "measurement",
    "record",
    "thresholds",
    "verdict",
    "report",
];

/// What a pure room must not name: files, sockets, clocks, the process and its environment, threads.
const IMPURE: [&str; 6] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
];

struct File {
    /// Below `src/`, with forward slashes.
    path: String,
    text: String,
    paths: BTreeSet<String>,
    /// What it exports of other files, by name.
    exports: BTreeMap<String, String>,
    is_async: bool,
}

impl File {
    fn room(&self) -> &str {
        self.path
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs")
    }

    /// Its module, such as `scenario::template`; that of `lib.rs` is empty.
    fn module(&self) -> String {
        let stem = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        stem.trim_start_matches("lib").replace('/', "::")
    }
}

/// Collects every path outside `#[cfg(test)]`, a `use` spelled out to its leaves.
#[derive(Default)]
struct Paths {
    found: BTreeSet<String>,
    exports: BTreeMap<String, String>,
    /// How many modules within the file are around.
    depth: usize,
    is_async: bool,
}

impl Paths {
    fn leaves(&mut self, prefix: &str, tree: &syn::UseTree, is_export: bool) {
        let name = match tree {
            syn::UseTree::Path(path) => {
                let prefix = format!("{prefix}{}::", path.ident);
                return self.leaves(&prefix, &path.tree, is_export);
            }
            syn::UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.leaves(prefix, tree, is_export));
            }
            syn::UseTree::Name(name) => name.ident.to_string(),
            syn::UseTree::Rename(name) => name.ident.to_string(),
            syn::UseTree::Glob(_) => "*".to_owned(),
        };
        let path = format!("{prefix}{name}");
        if is_export {
            self.exports.insert(name, path.clone());
        }
        self.note(&path);
    }

    /// Notes a path as the file itself would write it.
    fn note(&mut self, mut path: &str) {
        for _ in 0..self.depth {
            path = path.strip_prefix("super::").unwrap_or(path);
        }
        self.found.insert(path.to_owned());
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            self.depth += 1;
            visit::visit_item_mod(self, module);
            self.depth -= 1;
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            let is_export = !matches!(item.vis, syn::Visibility::Inherited);
            self.leaves("", &item.tree, is_export);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test(&function.attrs) {
            self.is_async |= function.sig.asyncness.is_some();
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.note(&segments.join("::"));
        visit::visit_path(self, path);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.is_async = true;
        visit::visit_expr_async(self, block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.is_async |= function.sig.asyncness.is_some();
        visit::visit_impl_item_fn(self, function);
    }
}

/// Every file of `src/` that is compiled into loadgate: those of test modules are left out.
fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(read_all);
    &FILES
}

/// Every Rust file below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn read_all() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut test_modules = BTreeSet::new();
    let mut found: Vec<File> = sources(&root)
        .iter()
        .map(|path| read(&root, path, &mut test_modules))
        .collect();
    found.retain(|file| {
        !test_modules
            .iter()
            .any(|module| file.path.starts_with(module))
    });
    found
}

fn read(root: &Path, path: &Path, test_modules: &mut BTreeSet<String>) -> File {
    let text = fs::read_to_string(path).unwrap();
    let syntax = syn::parse_file(&text).unwrap();
    let below: PathBuf = path.strip_prefix(root).unwrap().to_owned();
    let below = below.to_str().unwrap().replace('\\', "/");
    for item in &syntax.items {
        if let syn::Item::Mod(module) = item
            && module.content.is_none()
            && is_test(&module.attrs)
        {
            let folder = below.rsplit_once('/').map_or("", |(folder, _)| folder);
            let stem = format!("{folder}/{}", module.ident);
            let stem = stem.trim_start_matches('/');
            test_modules.extend([format!("{stem}.rs"), format!("{stem}/")]);
        }
    }
    let mut paths = Paths::default();
    paths.visit_file(&syntax);
    File {
        path: below,
        text,
        paths: paths.found,
        exports: paths.exports,
        is_async: paths.is_async,
    }
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for file in files()
        .iter()
        .filter(|file| !["lib.rs", "main.rs"].contains(&file.path.as_str()))
    {
        let room = file.room();
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!(
                "{}: the room '{room}' is not in the table",
                file.path
            ));
            continue;
        };
        for used in file
            .paths
            .iter()
            .filter_map(|path| path.strip_prefix("crate::"))
        {
            let used = used.split("::").next().unwrap();
            if used != room && !allowed.contains(&used) {
                wrong.push(format!("{}: uses {used}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What each part of `report` may use of it, beside itself: no format knows another.
const REPORT_MAY_USE: [(&str, &[&str]); 6] = [
    ("input", &[]),
    ("text", &[]),
    ("view", &["input", "text"]),
    ("wording", &["input", "text", "view"]),
    ("tables", &["input", "text", "view", "wording"]),
    (
        "gated",
        &["input", "text", "view", "wording", "openmetrics"],
    ),
];

/// What every other part of `report` may use.
const FORMATS_MAY_USE: [&str; 5] = ["input", "text", "view", "wording", "tables"];

/// The part of `report` that a path leads to; what its door exports stands for the part that defines it.
fn report_part(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("crate::report::")?;
    let part = rest.split("::").next()?;
    Some(match part {
        "ReportInput" | "ComparedWith" | "CommandHints" => "input",
        "View" => "view",
        part => part,
    })
}

#[test]
fn formats_of_reports_do_not_know_each_other() {
    let mut wrong = Vec::new();
    for file in files() {
        let Some(rest) = file.path.strip_prefix("report/") else {
            continue;
        };
        let part = rest.split('/').next().unwrap().trim_end_matches(".rs");
        if part == "mod" {
            continue;
        }
        let own = REPORT_MAY_USE.iter().find(|(name, _)| *name == part);
        let allowed = own.map_or(&FORMATS_MAY_USE[..], |(_, allowed)| *allowed);
        for used in file.paths.iter().filter_map(|path| report_part(path)) {
            if used != part && !allowed.contains(&used) {
                wrong.push(format!("{}: uses {used}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_are_known_only_where_the_table_says() {
    let mut wrong = Vec::new();
    for file in files() {
        for (name, places) in ONLY_IN {
            let knows = file
                .paths
                .iter()
                .any(|path| path == name || path.starts_with(&format!("{name}::")));
            if knows && !places.iter().any(|place| file.path.starts_with(place)) {
                wrong.push(format!("{}: knows {name}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_nothing_outside() {
    let mut wrong = Vec::new();
    for file in files().iter().filter(|file| PURE.contains(&file.room())) {
        for path in &file.paths {
            if IMPURE.iter().any(|outside| path.starts_with(outside)) {
                wrong.push(format!("{}: names {path}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_load_and_the_edges_are_async() {
    let asynchronous: Vec<&str> = files()
        .iter()
        .filter(|file| {
            file.is_async
                && !["load", "timer", "fake_gateway", "http_client"].contains(&file.room())
        })
        .map(|file| &*file.path)
        .collect();
    assert!(asynchronous.is_empty(), "{asynchronous:?}");
}

#[test]
fn every_file_says_at_its_top_what_it_is() {
    let silent: Vec<&str> = files()
        .iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| &*file.path)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

/// The names of a file's tests.
#[derive(Default)]
struct TestNames(Vec<String>);

impl<'ast> Visit<'ast> for TestNames {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let mut attributes = function.attrs.iter();
        let last = |attribute: &syn::Attribute| attribute.path().segments.last().cloned();
        if attributes.any(|attribute| last(attribute).is_some_and(|last| last.ident == "test")) {
            self.0.push(function.sig.ident.to_string());
        }
    }
}

/// Characters of a test's name at most: a longer one is hard to read.
const LONGEST_TEST_NAME: usize = 60;

#[test]
fn names_of_tests_are_short() {
    let mut names = TestNames::default();
    for folder in ["src", "tests"] {
        for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = fs::read_to_string(path).unwrap();
            names.visit_file(&syn::parse_file(&text).unwrap());
        }
    }
    names.0.retain(|name| name.len() > LONGEST_TEST_NAME);
    assert!(names.0.is_empty(), "{:?}", names.0);
}

#[test]
fn the_library_tells_the_sentence_in_its_order() {
    let text = &files()
        .iter()
        .find(|file| file.path == "lib.rs")
        .unwrap()
        .text;
    let rooms = [
        "scenario",
        "load",
        "measurement",
        "record",
        "thresholds",
        "baseline",
        "verdict",
        "report",
    ];
    let places: Vec<Option<usize>> = rooms
        .iter()
        .map(|room| text.find(&format!("pub mod {room};")))
        .collect();
    assert!(places.iter().all(Option::is_some), "{places:?}");
    assert!(places.is_sorted(), "{places:?}");
}

/// The most files of a circle of imports: what a parser, its keys and its types need of each other.
const LARGEST_CIRCLE: usize = 3;

/// Larger circles that are still to be broken: a file of each, and its size, which may only shrink.
const LARGER_CIRCLES: [(&str, usize); 2] = [("report::wording::line", 7), ("verdict::evidence", 5)];

/// The module that a path of another module leads to. What a door exports belongs to the module that defines it.
fn target(modules: &BTreeMap<String, &File>, from: &str, path: &str) -> Option<String> {
    let parent = |module: &str| {
        module
            .rsplit_once("::")
            .map_or("", |(parent, _)| parent)
            .to_owned()
    };
    let join = |module: &str, name: &str| {
        format!("{module}::{name}")
            .trim_start_matches(':')
            .to_owned()
    };
    let mut segments = path.split("::").peekable();
    let mut module = match *segments.peek()? {
        "crate" => {
            segments.next();
            String::new()
        }
        "super" | "self" => from.to_owned(),
        first if modules.contains_key(&join(from, first)) => from.to_owned(),
        _ => return None,
    };
    while segments.next_if_eq(&"self").is_some() {}
    while segments.next_if_eq(&"super").is_some() {
        module = parent(&module);
    }
    while let Some(name) = segments.next() {
        if modules.contains_key(&join(&module, name)) {
            module = join(&module, name);
        } else if let Some(export) = modules.get(&module).and_then(|it| it.exports.get(name)) {
            let rest: Vec<&str> = std::iter::once(&**export).chain(segments).collect();
            return target(modules, &module, &rest.join("::"));
        } else {
            break;
        }
    }
    Some(module)
}

/// What each module imports of others. What its door and those above define for their children is left out.
fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeMap<String, &File> = files()
        .iter()
        .filter(|file| file.path != "main.rs")
        .map(|file| (file.module(), file))
        .collect();
    let imports = |module: &str, file: &File| {
        let is_export = |path: &String| file.exports.values().any(|export| export == path);
        let paths = file.paths.iter().filter(|path| !is_export(path));
        paths
            .filter_map(|path| target(&modules, module, path))
            .filter(|target| {
                !module.strip_prefix(&**target).is_some_and(|rest| {
                    rest.is_empty() || target.is_empty() || rest.starts_with("::")
                })
            })
            .collect()
    };
    modules
        .iter()
        .map(|(module, file)| (module.clone(), imports(module, file)))
        .collect()
}

#[test]
fn import_circles_stay_small() {
    let imports = imports();
    let reached = |from: &String| {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            let next = imports.get(module).into_iter().flatten();
            open.extend(next.filter(|next| found.insert((*next).clone())));
        }
        found
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = imports
        .keys()
        .map(|module| (module, reached(module)))
        .collect();
    let circles: BTreeSet<Vec<&String>> = imports
        .keys()
        .map(|module| {
            let mut circle: Vec<&String> = imports.keys().collect();
            circle.retain(|other| {
                reached[module].contains(*other) && reached[*other].contains(module)
            });
            circle
        })
        .collect();
    for circle in &circles {
        let known = LARGER_CIRCLES
            .iter()
            .find(|(module, _)| circle.iter().any(|own| own == module));
        let most = known.map_or(LARGEST_CIRCLE, |(_, size)| *size);
        assert!(circle.len() <= most, "{} files: {circle:?}", circle.len());
    }
    assert!(circles.len() > 5, "the imports are not found: {circles:?}");
}
