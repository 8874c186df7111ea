//! `report`: a stored result, told again in each format, and what is no result refused.

use crate::replay::Load;
use crate::support::{Gate, Ran, SCENARIO, gate};

/// Each format, with the file in which a run leaves it.
const FORMATS: [(&str, &str); 7] = [
    ("html", "report.html"),
    ("summary", "summary.md"),
    ("junit", "junit.xml"),
    ("metrics", "metrics.txt"),
    ("metrics-gated", "metrics-gated.txt"),
    ("load-performance", "load-performance.json"),
    ("result", "result.json"),
];

/// `loadgate report` on the result of a gate's run.
fn report(gate: &Gate, more: &[&str]) -> Ran {
    let result = gate.out().join("result.json");
    let arguments = [&["report", result.to_str().unwrap()], more].concat();
    gate.loadgate(&arguments)
}

/// A page without the list of files that a run wrote beside it: telling again writes none.
fn without_files(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<dt>written</dt>") else {
        return text.to_owned();
    };
    let (_, after) = rest.split_once("</dd>").unwrap();
    format!("{before}{after}")
}

#[test]
fn a_result_is_told_again_byte_for_byte_as_its_run_told_it() {
    let gate = gate("limits: { overall: { p95: 1ms } }");
    let ran = gate.replay(&Load::taking(5.0), &[]).exits(1);
    let folder = gate.folder();
    let folder = folder.to_str().unwrap();
    for (format, file) in FORMATS {
        let told = report(&gate, &["--gate", folder, "--format", format]).exits(0);
        assert!(
            without_files(&told.stdout) == without_files(&gate.written(file)),
            "{format}"
        );
        assert_eq!(told.stderr, "");
        let told_before = told.stdout;
        let path = gate.home().join("again");
        let out = ["--out", path.to_str().unwrap()];
        let more = [&["--gate", folder, "--format", format], &out[..]].concat();
        let told = report(&gate, &more).exits(0);
        assert_eq!(told.stdout, "");
        assert!(
            std::fs::read_to_string(path).unwrap() == told_before,
            "{format}"
        );
    }
    // The log, but for the paragraph that says what was written.
    let told = report(&gate, &["--gate", folder]).exits(0);
    let last = |ran: &Ran| ran.stdout.lines().last().unwrap().to_owned();
    assert_eq!(last(&told), last(&ran));
    assert!(last(&told).ends_with("(exit 1)") && !told.stdout.contains("written:"));
}

#[test]
fn without_its_gate_a_result_is_rendered_by_default_limits() {
    let gate = gate("limits: { overall: { p95: 1us } }");
    gate.replay(&Load::taking(2.0), &["--record"]).exits(1);
    let told = report(&gate, &["--format", "text"]).exits(0);
    assert!(told.stderr.contains("--gate GATE"), "{}", told.stderr);
    told.tells(&["the one limit holds; nothing was compared", "(exit 0)"]);
    gate.write("thresholds.yml", "");
    gate.replay(&Load::taking(2.0), &["--record"]).exits(0);
    let baseline = gate.folder().join("baseline.json");
    let against = ["--baseline", baseline.to_str().unwrap()];
    let itself = report(&gate, &against).exits(0);
    // The next is held against it.
    gate.replay(&Load::taking(2.0).on_day(1), &[]).exits(0);
    assert_eq!(gate.baseline_status(&[]), "single");
    let told = report(&gate, &against).exits(0);
    assert!(told.stdout != itself.stdout);
}

#[test]
fn hostile_names_are_never_a_command_to_a_ci_platform() {
    let name = r"##[error]</script><script>alert(1)</script>\u001b[31m\n::error::x";
    let gate = gate("");
    gate.replay(&Load::taking(2.0), &[]).exits(0);
    let result = gate.written("result.json");
    let file = gate.out().join("result.json");
    std::fs::write(file, result.replace("GET /items", name)).unwrap();
    let unwritten = ["text", "benchmark-action", "bmf"].map(|format| (format, ""));
    for (format, _) in FORMATS.into_iter().chain(unwritten) {
        let told = report(&gate, &["--format", format]).exits(0).stdout;
        // It holds sums alone.
        let is_named = format != "load-performance";
        assert_eq!(told.contains("error"), is_named, "{format}");
        assert!(
            !told.contains("##[error]") && !told.contains('\u{1b}'),
            "{format}"
        );
        assert!(
            !told.lines().any(|line| line.trim_start().starts_with("::")),
            "{format}"
        );
        assert!(format != "html" || !told.contains("<script>alert"));
    }
}

#[test]
fn what_cannot_be_told_is_refused_and_leaves_what_was_there() {
    let gate = gate("");
    gate.replay(&Load::taking(2.0), &["--record"]).exits(0);
    let own = |file: &str| gate.home().join(file).to_str().unwrap().to_owned();
    let baseline = own("gate/baseline.json");
    gate.loadgate(&["report", &baseline])
        .exits(2)
        .says(&["baseline.json is a baseline, not the result of a run"]);
    std::fs::write(own("cut.json"), &gate.written("result.json")[..999]).unwrap();
    gate.loadgate(&["report", &own("cut.json")])
        .exits(2)
        .says(&["cut.json is not a loadgate result", "line"]);
    gate.loadgate(&["report", &own("none.json")])
        .exits(2)
        .says(&["cannot read the result", "none.json"]);
    let refused = report(&gate, &["--format", "pdf"]).exits(2);
    assert!(
        refused.stderr.contains("load-performance"),
        "{}",
        refused.stderr
    );
    report(&gate, &["--baseline", &own("none.json")])
        .exits(2)
        .says(&["none.json"]);
    let result = gate.out().join("result.json");
    report(&gate, &["--baseline", result.to_str().unwrap()])
        .exits(2)
        .says(&["result.json is a result, not a baseline"]);
    report(&gate, &["--out", &own("no/such/folder.html")])
        .exits(2)
        .says(&["cannot write", "folder.html"]);
    std::fs::create_dir(own("taken")).unwrap();
    report(&gate, &["--out", &own("taken")])
        .exits(2)
        .says(&["cannot write"]);
    // A file that is there already is whole, the old or the new.
    std::fs::write(own("page.html"), "old").unwrap();
    gate.loadgate(&[
        "report",
        &baseline,
        "--format",
        "html",
        "--out",
        &own("page.html"),
    ])
    .exits(2);
    assert_eq!(std::fs::read_to_string(own("page.html")).unwrap(), "old");
    let left = std::fs::read_dir(gate.home()).unwrap().count();
    assert_eq!(
        left, 6,
        "gate, replayed, out, cut.json, taken and page.html"
    );
    gate.write("scenario.yml", &SCENARIO.replace("users: 4", "users: 5"));
    let folder = own("gate");
    report(&gate, &["--gate", &folder])
        .exits(2)
        .says(&["another scenario", "-    users: \"5\""]);
}

#[test]
fn a_result_in_text_has_each_name_in_each_phase() {
    const PHASES: &str = "\
name: sample
user_classes:
  - name: visitor
    wait: 2ms
    tasks: [{ steps: [{ get: /items }, { get: /orders }] }]
load:
  - { phase: warm, users: 2, for: 500ms }
  - { phase: peak, users: 4, for: 500ms }
  - { phase: down, users: 4..1, for: 500ms }
";
    let gate = gate("regression: { gate: [error_rate] }").with_scenario(PHASES);
    gate.replay(&Load::taking(2.0), &["--record"]).exits(0);
    let old = gate.home().join("old.json");
    std::fs::copy(gate.out().join("result.json"), &old).unwrap();
    gate.replay(&Load::taking(2.0).on_day(1), &[]);
    let new = gate.out().join("result.json");
    let folder = gate.folder();
    let told = report(&gate, &["--gate", folder.to_str().unwrap()]).exits(0);
    let compared = gate.loadgate(&["compare", old.to_str().unwrap(), new.to_str().unwrap()]);
    for told in [told.stdout, compared.exits(0).stdout] {
        for phase in [
            "in warm (2 users)",
            "in peak (4 users)",
            "in down (4 to 1 users)",
        ] {
            let of = told.split("\n\n").find(|part| part.starts_with(phase));
            // Where the figures are wide, the heads stand below the title.
            let rows: Vec<&str> = of
                .unwrap_or_else(|| panic!("{phase}: {told}"))
                .lines()
                .skip_while(|line| !line.contains("req/s"))
                .skip(1)
                .collect();
            assert_eq!(rows.len(), 4, "two names, and each before: {told}");
            for (row, name) in [
                (0, "GET /items "),
                (1, "  before "),
                (2, "GET /orders "),
                (3, "  before "),
            ] {
                assert!(
                    rows[row].starts_with(name) && !rows[row].contains('–'),
                    "{told}"
                );
            }
        }
        let all = told
            .split("\n\n")
            .find(|part| part.starts_with("latency in ms"));
        assert_eq!(all.unwrap().matches("\n  before ").count(), 3, "{told}");
    }
    let (summary, page) = (gate.written("summary.md"), gate.written("report.html"));
    assert_eq!(
        summary.matches("| overall (before) |").count(),
        4,
        "{summary}"
    );
    assert_eq!(page.matches(", before</th>").count(), 3 + 3 + 9);
}
