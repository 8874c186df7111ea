//! Every format of every story, held against the files in `goldens/`: what changes there is a change that users see.
//!
//! `INSTA_UPDATE=always cargo test --lib goldens` writes them anew; look at the difference before it is committed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::catch_unwind;

use super::*;

/// Holds a document against its golden file; false where it differs.
fn is_golden(folder: &str, name: &str, document: &str) -> bool {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("goldens/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| catch_unwind(|| insta::assert_snapshot!(file_name(name), document)).is_ok())
}

fn file_name(name: &str) -> String {
    name.replace(' ', "_")
}

/// Formats one after the other, each under a line with its name.
#[derive(Default)]
struct Sections(String);

impl Sections {
    /// Adds one. Codes of colours are shown as a sign, and what has no last line break says so.
    fn add(&mut self, name: &str, text: &str) {
        let text = text.replace('\u{1b}', "\u{241b}");
        let end = if text.ends_with('\n') {
            ""
        } else {
            "\u{2404}\n"
        };
        let _ = writeln!(self.0, "=== {name}\n{text}{end}");
    }
}

fn remarks(story: &Story) -> String {
    let all = annotations(story);
    let told = all.iter().map(|it| {
        let file = it.file.as_deref().unwrap_or("-");
        format!(
            "{:?} {file}:{} {}\n    {}\n",
            it.severity, it.line, it.title, it.message
        )
    });
    told.collect()
}

fn pairs(outputs: &[(&str, String)]) -> String {
    let told = outputs.iter();
    told.map(|(name, value)| format!("{name}={value}\n"))
        .collect()
}

/// Everything but the page.
fn told(name: &str, story: &Story) -> String {
    let mut told = Sections::default();
    for columns in [60, 80, 120] {
        let log = terminal(story, columns, Colour::Never);
        told.add(&format!("terminal {columns}"), &log);
    }
    // One story tells how it fits into other widths.
    let widths: &[usize] = if name == "phases" {
        &[60, 80, 120]
    } else {
        &[80]
    };
    for columns in widths {
        let log = terminal_in_full(story, *columns, Colour::Never);
        told.add(&format!("terminal in full {columns}"), &log);
    }
    told.add(
        "terminal 80 in colour",
        &terminal(story, 80, Colour::Always),
    );
    told.add("last line 80", &verdict_line(story, 80, Colour::Never));
    told.add("summary.md", &summary(&[*story]));
    told.add("annotations", &remarks(story));
    told.add("outputs", &pairs(&outputs(&[*story])));
    // One element a line, so that a change is one.
    told.add("junit.xml", &junit(&[*story]).replace("><", ">\n<"));
    told.add("metrics.txt", &metrics(story));
    told.add("metrics-gated.txt", &gated(&[*story]));
    told.add("load-performance.json", &performance(story));
    told.add("notes on recording", &recording_notes(story).join("\n"));
    told.0
}

#[test]
fn every_story_reads_as_it_did_in_every_format() {
    let differing: Vec<&str> = all()
        .iter()
        .filter(|(name, sample)| !is_golden("stories", name, &told(name, &sample.story())))
        .map(|(name, _)| *name)
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
}

/// The stories whose pages are held against files: those of thirty names would be as large as all others together.
fn of_pages() -> impl Iterator<Item = &'static (&'static str, Sample)> {
    all().iter().filter(|(name, _)| *name != "thirty names")
}

/// A page, one element a line, so that a change is one. One page stands whole; the others stand without the style sheet and
/// the script, which are files of their own.
fn page(name: &str, story: &Story) -> String {
    let mut page = html(story);
    if name != "passed" {
        for (file, text) in [
            ("style.css", include_str!("../html/style.css")),
            ("script.js", include_str!("../html/script.js")),
        ] {
            assert_eq!(page.matches(text).count(), 1, "{name}: {file}");
            page = page.replace(text, &format!("[{file}]"));
        }
        assert!(!page.contains(">\n<"), "{name}");
    }
    page.replace("><", ">\n<")
}

#[test]
fn every_page_is_as_it_was() {
    let differing: Vec<&str> = of_pages()
        .filter(|(name, sample)| !is_golden("pages", name, &page(name, &sample.story())))
        .map(|(name, _)| *name)
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
}

/// What is told of several gates at once.
fn told_of_several(stories: &[Story], missing: &[Missing]) -> String {
    let mut told = Sections::default();
    told.add("summary.md", &summary(stories));
    let log = Some("https://ci.example.com/shop/runs/1842");
    told.add("comment", &comment(stories, missing, log));
    told.add("comment without a log", &comment(stories, missing, None));
    told.add("outputs", &pairs(&outputs(stories)));
    told.add("junit.xml", &junit(stories).replace("><", ">\n<"));
    told.add("metrics-gated.txt", &gated(stories));
    told.0
}

/// Gates that are told of together, by the name of the file.
fn gates() -> Vec<(&'static str, Vec<Sample>, usize)> {
    let called = |name: &str, gate: &str| story(name).called(gate);
    vec![
        ("none", Vec::new(), 0),
        ("none and one missing", Vec::new(), 1),
        (
            "all passed",
            vec![called("accepted", "shop"), called("duet passed", "catalog")],
            0,
        ),
        (
            "one failed",
            vec![
                called("accepted", "shop"),
                called("failed", "auth"),
                called("inconclusive", "basket"),
            ],
            0,
        ),
        (
            "of every kind",
            vec![
                called("passed", "shop"),
                called("warned", "catalog"),
                called("inconclusive strictly", "basket"),
                called("unreachable", "auth"),
                called("duet failed", "search"),
                called("observed", "stock"),
                called("interrupted", "users"),
                called("several candidates", "orders"),
            ],
            2,
        ),
        (
            "of one name",
            vec![called("passed", "shop"), called("failed", "shop")],
            30,
        ),
    ]
}

#[test]
fn several_gates_read_as_they_did_in_every_format() {
    for (name, samples, missing) in gates() {
        let stories: Vec<Story> = samples.iter().map(Sample::story).collect();
        let missing: Vec<Missing> = (0..missing)
            .map(|number| Missing {
                gate: format!("thresholds/gone-{number}"),
                why: "its job did not finish".to_owned(),
            })
            .collect();
        assert!(
            is_golden("gates", name, &told_of_several(&stories, &missing)),
            "{name}"
        );
    }
}

#[test]
fn every_golden_file_is_of_something() {
    let of = |names: Vec<&str>| -> BTreeSet<String> {
        names
            .into_iter()
            .map(|name| file_name(name) + ".snap")
            .collect()
    };
    let stories = all().iter().map(|(name, _)| *name);
    let pages = of_pages().map(|(name, _)| *name);
    for (folder, names) in [
        ("stories", of(stories.collect())),
        ("pages", of(pages.collect())),
        (
            "gates",
            of(gates().into_iter().map(|(name, ..)| name).collect()),
        ),
    ] {
        let path = format!(
            "{}/src/report/tests/goldens/{folder}",
            env!("CARGO_MANIFEST_DIR")
        );
        let files = std::fs::read_dir(path).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        // What was just found to differ stands beside.
        let files: BTreeSet<String> = files.filter(|name| !name.ends_with(".new")).collect();
        assert_eq!(files, names, "{folder}");
    }
}
