//! What holds in every format.

use serde_json::Value;

use super::markdown::assert_whole;
use super::metrics::assert_read;
use super::samples::{gate, recorded};
use super::*;
use crate::measurement::FailureKind;
use crate::record::samples::{Traffic, record, traffic};

/// What turns the order of what is read around.
const TURNING: [char; 12] = [
    '\u{200e}', '\u{200f}', '\u{061c}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

fn comment_on(sample: &Sample, text: &str) -> String {
    let missing = Missing {
        gate: text.to_owned(),
        why: text.to_owned(),
    };
    comment(&[sample.story()], &[missing], Some(text))
}

/// Every format of a story, by the name of its file or place; what else is foreign is this text.
fn formats(sample: &Sample, text: &str) -> Vec<(&'static str, String)> {
    let story = sample.story();
    let remarks = annotations(&story);
    let remarks = remarks.iter().flat_map(|it| [&*it.title, &*it.message]);
    let outputs = outputs(from_ref(&story));
    let outputs = outputs.iter().map(|(_, value)| value.as_str());
    vec![
        ("the log", terminal(&story, 80, Colour::Never)),
        (
            "the log in full",
            terminal_in_full(&story, 80, Colour::Never),
        ),
        ("the last line", verdict_line(&story, 80, Colour::Never)),
        ("summary.md", summary(from_ref(&story))),
        ("the comment", comment_on(sample, text)),
        ("report.html", html(&story)),
        ("junit.xml", junit(from_ref(&story))),
        ("metrics.txt", metrics(&story)),
        ("metrics-gated.txt", gated(from_ref(&story))),
        ("load-performance.json", performance(&story)),
        ("benchmark-action", benchmark_action(&story)),
        ("bmf", bencher(&story)),
        ("the annotations", remarks.collect::<Vec<_>>().join("\n")),
        ("the outputs", outputs.collect::<Vec<_>>().join("\n")),
    ]
}

/// Checks that nothing in any format of a gate of this text acts instead of being read.
fn assert_plain(sample: &Sample, text: &str) {
    for (format, written) in formats(sample, text) {
        assert!(!written.contains(TURNING), "{format} of {text:?}");
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!written.contains(acts), "{format} of {text:?}: {written:?}");
    }
    for remark in annotations(&sample.story()) {
        assert!(!remark.title.contains('\n') && !remark.message.contains('\n'));
    }
    assert_whole(&comment_on(sample, text));
}

#[test]
fn no_name_breaks_any_format() {
    let rows = |sample: &Sample| assert_read(&gated(&[sample.story()])).len();
    let remarks = |sample: &Sample| annotations(&sample.story()).len();
    let figures = |sample: &Sample| {
        let story = sample.story();
        (performance(&story), outputs(from_ref(&story)))
    };
    let plain = saying("GET /plain");
    let (plain_rows, plain_remarks) = (rows(&plain), remarks(&plain));
    let plain_figures = figures(&plain);
    let endless = endless();
    let turning = String::from_iter(TURNING) + "gpj.exe";
    let letters = "a".repeat(10_000);
    let more = [&*endless, &*turning, &*letters, "\u{202e}evil\u{2066}"];
    for text in TEXTS.into_iter().chain(more) {
        let sample = saying(text);
        assert_plain(&sample, text);
        // These hold figures and words of ours, and nothing that is foreign.
        let own = figures(&sample);
        let metrics: Value = serde_json::from_str(&own.0).unwrap();
        assert!(metrics["metrics"]["http_reqs"]["count"].as_u64() > Some(0));
        assert_eq!(own, plain_figures);
        assert_eq!(rows(&sample), plain_rows, "{text:?}");
        assert_eq!(remarks(&sample), plain_remarks, "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_name_at_all_breaks_any_format(text in texts()) {
        assert_plain(&saying(&text), &text);
    }
}

#[test]
fn slices_left_out_of_latencies_are_in_every_report() {
    let sample = story("late slice");
    let written = formats(sample, "x").into_iter().filter(|(format, _)| {
        let tells = [
            "the log",
            "summary.md",
            "the comment",
            "report.html",
            "junit.xml",
            "the annotations",
        ];
        tells.contains(format)
    });
    for (format, written) in written {
        // Logs and XML break lines where they must.
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let written = written.replace('\u{a0}', " ").to_lowercase();
        assert!(
            written.contains("latencies are judged without 1 of 12 slices: the generator was late in them (up to 62"),
            "{format}: {written}"
        );
    }
    let on_time = formats(story("passed"), "x");
    assert!(
        on_time
            .iter()
            .all(|(_, written)| !written.contains("judged without"))
    );
}

#[test]
fn failures_of_a_kind_are_beside_those_of_base_and_baseline() {
    let failing = |throttled, overloaded| -> [Traffic; 2] {
        let orders = traffic("GET /orders", 900, 40.0);
        let orders = orders.failing(FailureKind::Status(429), throttled);
        let orders = orders.failing(FailureKind::Status(503), overloaded);
        [orders, traffic("GET /profile", 100, 20.0)]
    };
    let run = |throttled, overloaded| {
        let second = failing(throttled, overloaded);
        record().steady("warm").slices(12, &second).build()
    };
    let duet = (0..12).fold(record().steady("warm"), |run, _| {
        run.pair(&failing(5, 0), &failing(20, 8))
    });
    let duet = gate(duet.build()).judged();
    let baseline = recorded((0..5).map(|_| run(5, 0)));
    let history = gate(run(20, 8)).after(&baseline).judged();
    for sample in [&duet, &history] {
        let log = terminal(&sample.story(), 120, Colour::Never);
        let log = log
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('\u{a0}', " ");
        let written = summary(&[sample.story()]).replace('\u{a0}', " ");
        for (kind, now, before) in [("429", "2.00 %", "0.50 %"), ("503", "0.80 %", "0 %")] {
            let said = format!("; {now}, before {before}");
            let (_, after) = log.split_once(&format!("× {kind} ")).unwrap();
            assert!(after.contains(&said), "no '{said}' in: {log}");
            let mut rows = written.lines();
            let row = rows.find(|row| row.starts_with(&format!("| status {kind}: ")));
            let row = row.unwrap_or_else(|| panic!("{written}"));
            assert!(row.contains(&format!("| {now} | {before} |")), "{row}");
        }
    }
    // Nothing was compared, and nothing is said of it.
    let alone = gate(run(20, 8)).judged();
    assert!(!summary(&[alone.story()]).contains("| before |"));
    assert!(!terminal(&alone.story(), 120, Colour::Never).contains(", before"));
}
