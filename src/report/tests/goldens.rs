//! Every format of every story, held against the files in `goldens/`: what changes there is a change that users see.
//!
//! `INSTA_UPDATE=always cargo test --lib goldens` writes them anew; look at the difference before it is committed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::catch_unwind;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::measurement::{Arm, UnreachableCause};
use crate::plan::phase_names;
use crate::thresholds::{Names, parse};
use crate::verdict::{Design, PlannedLoad, forecast};

/// Every cause, as the schema of results lists them.
fn causes() -> Vec<UnreachableCause> {
    let schema = schemars::schema_for!(UnreachableCause).to_value();
    let variants = schema["oneOf"].as_array().unwrap().iter();
    variants
        .map(|variant| serde_json::from_value(variant["const"].clone()).unwrap())
        .collect()
}

/// The golden files of what is stored, which `files` holds.
const FILES: [&str; 7] = [
    "keys of result",
    "keys of baseline",
    "schema of result",
    "schema of baseline",
    "schema of scenario",
    "schema of thresholds",
    "verdicts",
];

/// Holds a document against its golden file; false where it differs.
pub(super) fn is_golden(folder: &str, name: &str, document: &str) -> bool {
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

fn remarks(story: &View) -> String {
    let all = annotations(story);
    let lines = all.iter().map(|it| {
        let file = it.file.as_deref().unwrap_or("-");
        format!(
            "{:?} {file}:{} {}\n    {}\n",
            it.severity, it.line, it.title, it.message
        )
    });
    lines.collect()
}

fn pairs(outputs: &[(&str, String)]) -> String {
    let lines = outputs.iter();
    let lines: Vec<String> = lines
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    lines.concat()
}

/// Everything but the page.
fn formats(name: &str, story: &View) -> String {
    let mut sections = Sections::default();
    for columns in [60, 80, 120] {
        let log = terminal(story, columns, Colour::Never);
        sections.add(&format!("terminal {columns}"), &log);
    }
    // One story shows how it fits into other widths.
    let widths: &[usize] = if name == "phases" {
        &[60, 80, 120]
    } else {
        &[80]
    };
    for columns in widths {
        let log = terminal_in_full(story, *columns, Colour::Never);
        sections.add(&format!("terminal in full {columns}"), &log);
    }
    sections.add(
        "terminal 80 in colour",
        &terminal(story, 80, Colour::Always),
    );
    sections.add("last line 80", &verdict_line(story, 80, Colour::Never));
    sections.add("summary.md", &summary(from_ref(story)));
    sections.add("annotations", &remarks(story));
    sections.add("outputs", &pairs(&outputs(from_ref(story))));
    // One element a line, so that a change is one.
    sections.add("junit.xml", &junit(from_ref(story)).replace("><", ">\n<"));
    sections.add("metrics.txt", &metrics(story));
    sections.add("metrics-gated.txt", &gated(from_ref(story)));
    sections.add("load-performance.json", &performance(story));
    sections.add("notes on recording", &recording_notes(story).join("\n"));
    sections.0
}

#[test]
fn every_story_reads_as_it_did_in_every_format() {
    let differing: Vec<&str> = all()
        .iter()
        .filter(|(name, sample)| !is_golden("stories", name, &formats(name, &sample.story())))
        .map(|(name, _)| *name)
        .collect();
    assert!(differing.is_empty(), "{differing:?}");
}

/// Stories whose pages are not held against files: one would be as large as all others together, and the others say what
/// some other page says.
const WITHOUT_PAGE: [&str; 4] = ["thirty names", "hearsay", "again", "everything"];

fn of_pages() -> impl Iterator<Item = &'static (&'static str, Sample)> {
    all()
        .iter()
        .filter(|(name, _)| !WITHOUT_PAGE.contains(name))
}

/// A page, one element a line, so that a change is one. One page stands whole; the others stand without the style sheet and
/// the script, which are files of their own.
fn page(name: &str, story: &View) -> String {
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

/// What is said of several gates at once.
fn formats_of_several(stories: &[View], missing: &[Missing]) -> String {
    let mut sections = Sections::default();
    sections.add("summary.md", &summary(stories));
    let log = Some("https://ci.example.com/shop/runs/1842");
    sections.add("comment", &comment(stories, missing, log));
    sections.add("comment without a log", &comment(stories, missing, None));
    sections.add("outputs", &pairs(&outputs(stories)));
    sections.add("junit.xml", &junit(stories).replace("><", ">\n<"));
    sections.add("metrics-gated.txt", &gated(stories));
    sections.0
}

/// Gates that are reported together, by the name of the file.
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
        let stories: Vec<View> = samples.iter().map(Sample::story).collect();
        let missing: Vec<Missing> = (0..missing)
            .map(|number| Missing {
                gate: format!("thresholds/gone-{number}"),
                why: "its job did not finish".to_owned(),
            })
            .collect();
        assert!(
            is_golden("gates", name, &formats_of_several(&stories, &missing)),
            "{name}"
        );
    }
}

/// What `validate` says, by the name of its section.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn outlooks() -> Sections {
    let sample = story("phases");
    let record = &sample.records[0];
    let phases = phase_names(&record.phases);
    let names = Names {
        requests: &record.requests,
        phases: &phases,
        cold_start: true,
        aws: false,
    };
    let promising = |text: &str| parse("thresholds.yml", text, &names).unwrap();
    let usual = promising(
        "limits:
  overall: { p95: 800ms, error_rate: 1%, requests_per_second: 20 }
  cold: { p50: 450ms, share: 25% }
  errors: { 5xx: 1% }
  requests: { GET /orders: { phases: { burst: { p95: 120ms } } } }
  warn: { overall: { p99: 900ms } }
regression: { gate: [p95, error_rate, requests_per_second, cold_p50], phases: [burst] }
",
    );
    let no_change = promising("limits: { overall: { p95: 800ms } }\nregression: { gate: [] }\n");
    let baseline = sample.baseline().unwrap();
    let jobs: Vec<&Job> = baseline.jobs.iter().collect();
    let duet = Design::Duet {
        jobs: &[],
        interleaving: crate::measurement::Interleaving::Turns,
        pairs: 12,
        slice_s: 5.0,
        looks: 2,
    };
    let many = [vec![4800.0, 2400.0], vec![4200.0, 2100.0]];
    let few = [vec![3.5, 40.0], vec![1.0, 0.0]];
    let none = [vec![0.0, 0.0], vec![0.0, 0.0]];
    let target = Some("https://api.example.com/prod");
    let base = Some("in turns with https://main.example.com/prod, in slices of 5 s");
    let unset = BTreeSet::from(["API_TOKEN".to_owned(), "USER\u{1b}[31m".to_owned()]);
    let mut sections = Sections::default();
    for (name, thresholds, design, counts, (target, against), (answers, undecided, unset)) in [
        (
            "against a history",
            &usual,
            Design::Jobs(&jobs),
            &many,
            (target, None),
            (LatencyAssumption::AsInBaseline, false, &BTreeSet::new()),
        ),
        (
            "against two jobs, with a condition",
            &usual,
            Design::Jobs(&jobs[..2]),
            &many,
            (target, None),
            (LatencyAssumption::Irrelevant, true, &BTreeSet::new()),
        ),
        (
            "too few, without a baseline and a target, with variables unset",
            &usual,
            Design::Jobs(&[]),
            &few,
            (None, None),
            (LatencyAssumption::Assumed(0.1), false, &unset),
        ),
        (
            "a duet",
            &usual,
            duet,
            &many,
            (target, base),
            (LatencyAssumption::Assumed(0.1), false, &BTreeSet::new()),
        ),
        (
            "of no use",
            &usual,
            Design::Jobs(&[]),
            &none,
            (target, None),
            (LatencyAssumption::Assumed(0.1), false, &BTreeSet::new()),
        ),
        (
            "no change is gated",
            &no_change,
            Design::Jobs(&[]),
            &many,
            (target, None),
            (LatencyAssumption::Irrelevant, false, &BTreeSet::new()),
        ),
    ] {
        let mut phases = record.phases.clone();
        phases[1].passes = 3;
        let mut unmeasured = phases[0].clone();
        "ramp".clone_into(&mut unmeasured.name);
        unmeasured.measured = false;
        phases.push(unmeasured);
        let counts: Vec<Vec<f64>> = counts.iter().cloned().chain([vec![10.0, 5.0]]).collect();
        let expected = PlannedLoad {
            phases: &phases,
            requests: &record.requests,
            counts: &counts,
        };
        let today = "2026-05-04".parse().unwrap();
        let (other, change) = match (design, target) {
            (Design::Jobs(_), Some(_)) => (duet, PlanChange::BaseVersion),
            (Design::Jobs(_), None) => (duet, PlanChange::GateAlone),
            (Design::Duet { .. }, _) => (Design::Jobs(&jobs[..]), PlanChange::Mix),
        };
        let otherwise = forecast(&expected, thresholds, other, today);
        let forecast = forecast(&expected, thresholds, design, today);
        let improvement = forecast.checks.first().map(|check| Improvement {
            change,
            check: check.clone(),
            then: 0.104,
        });
        for columns in [60, 80, 120] {
            let text = preview(
                &Preview {
                    gate: "shop",
                    target,
                    against,
                    lasts: "about 2 min",
                    phases: &phases,
                    requests: &record.requests,
                    counts: &counts,
                    undecided: &[undecided, false],
                    answers,
                    thresholds,
                    design,
                    forecast: &forecast,
                    otherwise: &otherwise,
                    improvement: improvement.clone(),
                    is_of_use: forecast.can_judge_anything(),
                    unset,
                },
                columns,
            );
            sections.add(&format!("{name} {columns}"), &text);
        }
    }
    sections
}

/// What `try` says of one step after the other.
fn rehearsals() -> Sections {
    let request: &[u8] =
        b"POST /login?api_key=query-key-1&limit=1 HTTP/1.1\r\nHost: h\r\nAuthorization: Basic \
        dXNlcjpwYXNz\r\nX-Page: 42\r\n\r\n{\"user\":\"ann\",\"password\":\"hunter2 env\"}";
    let form: &[u8] =
        b"POST /form HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n\
        grant=password&client_secret=a%20b%2Bc%3Dd&x=1";
    let headers = [
        "content-type: application/json".to_owned(),
        "set-cookie: sid=cookie-value-2; Path=/; HttpOnly".to_owned(),
    ];
    let body = json!({
        "accessToken": "opaque-token-1", "order": { "id": "ord-1", "lines": [1, 2.5, null, true] },
        "name": "x".repeat(300), "list": (0..40).collect::<Vec<_>>(),
    });
    let body = body.to_string().into_bytes();
    let captured = [
        ("token".to_owned(), Some(json!("opaque-token-1"))),
        ("order".to_owned(), Some(json!("ord-1"))),
        ("gone".to_owned(), None),
    ];
    let answer = |status, headers, body| Some((status, headers, body));
    let took = Some(Duration::from_micros(21_340));
    let mut sections = Sections::default();
    for columns in [60, 80, 120] {
        let mut secrets = HiddenValues::new(&["hunter2 env".to_owned()]);
        for (what, took, request, answer, captured, failure) in [
            (
                "POST /login",
                took,
                request,
                answer(200, &headers[..], &body[..]),
                &captured[..],
                None,
            ),
            (
                "POST /form",
                took,
                form,
                answer(422, &headers[..1], &b"no such a b+c=d\n"[..]),
                &[],
                Some("$.echo is \"hunter2 env\u{1b}[31m\", expected \"ok\""),
            ),
            (
                "GET /old",
                took,
                b"GET /old HTTP/1.1\r\nHost: h\r\n\r\n",
                answer(302, &[], b""),
                &[],
                None,
            ),
            (
                "GET /bytes",
                took,
                b"GET /bytes HTTP/1.1\r\n\r\n",
                answer(200, &[], &[0xff, 0, 1]),
                &[],
                None,
            ),
            (
                "GET /gone",
                None,
                b"GET /gone HTTP/1.1\r\nHost: h\r\n\r\n",
                None,
                &[],
                Some("Connection refused (os error 111)"),
            ),
            ("think", None, b"", None, &[], None),
        ] {
            let seen = TrialReport {
                what: what.to_owned(),
                took,
                request,
                answer,
                length: answer.map_or(0, |(_, _, body)| body.len() as u64),
                captured,
                secrets: &[],
                failure,
                unfollowed: (what == "GET /old").then_some("https://h/hunter2 env/login"),
            };
            sections.add(
                &format!("{what} {columns}"),
                &trial(&seen, &mut secrets, columns),
            );
        }
    }
    sections
}

/// What is said of a deployment that cannot be loaded, by what stands behind it.
fn unreachables() -> Sections {
    let mut sections = Sections::default();
    for cause in causes() {
        for arm in [Arm::Target, Arm::Base] {
            let sample = samples::unreachable_since(arm, cause);
            let story = sample.story();
            let text = format!(
                "{}\n{}\n{}",
                verdict_line(&story, 80, Colour::Never),
                remarks(&story),
                remedy(cause, arm)
            );
            sections.add(&format!("{cause:?} {arm:?}"), &text);
        }
    }
    sections
}

/// What `baseline` lists.
fn job_lists() -> Sections {
    let mut sections = Sections::default();
    for name in ["passed", "drifted", "inconclusive", "late jobs", "hostile"] {
        sections.add(name, &jobs(story(name).baseline().unwrap()));
    }
    let mut held = story("passed").baseline().unwrap().clone();
    held.jobs[3].accepted_worse = true;
    held.jobs[4].commit = None;
    held.jobs[5].cells.clear();
    sections.add("of every kind", &jobs(&held));
    sections
}

/// What is said beside the reports of a run, by the name of its file.
fn beside() -> [(&'static str, Sections); 4] {
    [
        ("validate", outlooks()),
        ("try", rehearsals()),
        ("unreachable", unreachables()),
        ("jobs", job_lists()),
    ]
}

#[test]
fn what_other_commands_say_is_as_it_was() {
    for (name, sections) in beside() {
        assert!(is_golden("beside", name, &sections.0), "{name}");
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
        (
            "beside",
            of([
                "validate",
                "try",
                "unreachable",
                "jobs",
                "memories",
                "memories with gaps",
            ]
            .into()),
        ),
        ("files", of(FILES.into())),
    ] {
        let path = format!(
            "{}/src/report/tests/goldens/{folder}",
            env!("CARGO_MANIFEST_DIR")
        );
        let files = std::fs::read_dir(path).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        // What was just found to differ stands beside.
        let files: BTreeSet<String> = files.filter(|name| !name.ends_with(".snap.new")).collect();
        assert_eq!(files, names, "{folder}");
    }
}
