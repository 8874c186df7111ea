//! The terminal: a log of 80 columns, read from its end.

use super::*;
use crate::report::text::columns_of;

fn written(sample: &Sample, columns: usize) -> String {
    terminal(&sample.story(), columns, Colour::Never)
}

/// Checks that every line fits and does nothing but be read.
fn assert_lines(text: &str, columns: usize) {
    for line in text.lines() {
        assert!(columns_of(line) <= columns, "{}: {line}", columns_of(line));
        assert!(!line.trim_start().starts_with("::"), "{line}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn no_line_is_longer_than_the_terminal_is_wide() {
    for (_, sample) in all() {
        for columns in [40, 60, 80, 120] {
            assert_lines(&written(sample, columns), columns);
            let verdict = verdict_line(&sample.story(), columns, Colour::Never);
            assert_lines(&verdict, columns);
            let in_full = terminal_in_full(&sample.story(), columns, Colour::Never);
            assert_lines(&in_full, columns);
        }
    }
}

/// The heads of the tables of what was measured: by name, by phase, and by name in each phase.
fn heads(written: &str) -> Vec<Vec<&str>> {
    let heads = written
        .lines()
        .filter(|line| line.contains(" req/s ") && !line.starts_with("over time"));
    heads
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn from_80_columns_on_the_tables_have_every_figure() {
    let figures = [
        "req/s", "err", "%", "avg", "P50", "P90", "P95", "P99", "P99.9", "max",
    ];
    for (name, sample) in usual() {
        for columns in [80, 120] {
            let story = sample.story();
            for written in [
                terminal(&story, columns, Colour::Never),
                terminal_in_full(&story, columns, Colour::Never),
            ] {
                for head in heads(&written) {
                    let is_whole = head.windows(figures.len()).any(|own| own == figures);
                    assert!(is_whole, "{name} at {columns}: {head:?}");
                }
            }
        }
    }
    let written = terminal_in_full(&story("phases").story(), 60, Colour::Never);
    for head in heads(&written) {
        for figure in ["req/s", "err", "P50", "P95", "P99", "max"] {
            assert!(head.contains(&figure), "at 60: {head:?}");
        }
    }
}

#[test]
fn in_full_the_guides_questions_are_answered() {
    let written = terminal_in_full(&story("guide").story(), 80, Colour::Never);
    let words = written.split_whitespace().collect::<Vec<_>>().join(" ");
    for answer in [
        "252 × status 429: throttled by the service or a gateway in front of it",
        "first at 6 s in burst, with 300 users at 600/s",
        "12 × status 504: a gateway waited too long for the service",
        "errors follow the load: 0.78 % of requests failed below 160 users",
        "480 cold starts in",
        "with them, overall P95 is",
        "latency grows with the load: P95",
        "recovery is back at the level of warm: P95 57.0 → 57.0 ms, 0.0 % [-3.9 %, +4.1 %]",
        "keep 27.0 requests in flight on average",
        "over time from s users req/s errors/s P50 P95 P99 warm 0 20 600 0 ",
    ] {
        assert!(words.contains(answer), "no '{answer}' in: {written}");
    }
    let over_time = written
        .split("\n\n")
        .find(|part| part.starts_with("over time"));
    let marked = over_time.unwrap().lines().skip(1);
    let marked: Vec<&str> = marked
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(marked, ["warm", "burst", "peak", "recovery"], "{written}");
}

#[test]
fn in_full_every_name_and_phase_stands_above_what_it_was() {
    for (name, past, rows) in [("phases", "  before", 9), ("duet failed", "  base", 3)] {
        let written = terminal_in_full(&story(name).story(), 80, Colour::Never);
        let lines: Vec<&str> = written.lines().collect();
        let before: Vec<usize> = (0..lines.len())
            .filter(|index| lines[*index].starts_with(past))
            .collect();
        // Three in all phases, two phases, and two names in each of them.
        assert_eq!(before.len(), rows, "{name}: {written}");
        for index in before {
            let figures = |line: &str| line.split_whitespace().rev().take(9).count();
            assert!(!lines[index - 1].starts_with("  "), "{written}");
            assert_eq!(figures(lines[index]), 9, "{written}");
        }
    }
    let written = terminal_in_full(&story("phases").story(), 80, Colour::Always);
    let dim = written
        .lines()
        .filter(|line| line.contains("\u{1b}[2mbefore"));
    assert_eq!(dim.count(), 9, "{written}");
}

/// A letter of two columns, one with marks that take none, and a picture of several characters.
const NAMES: [&str; 3] = ["目录商品列表", "e\u{301}u\u{308}\u{323}n\u{303}", "👩‍👩‍👧‍👧🏳️‍🌈"];

#[test]
fn names_in_wide_letters_fit_and_columns_are_aligned() {
    for name in NAMES {
        for repeat in [1, 4, 30] {
            let sample = saying(&format!("GET /{}", name.repeat(repeat)));
            for columns in [60, 80] {
                let written = written(&sample, columns);
                assert_lines(&written, columns);
                assert!(written.contains("GET /"), "{written}");
                let table = written
                    .lines()
                    .skip_while(|line| !line.starts_with("phase "));
                let rows = table.take_while(|line| !line.is_empty());
                // A name that is too long stands above its figures.
                let figures = rows.filter(|line| !line.ends_with(')') && !line.ends_with('…'));
                let widths: Vec<usize> = figures.map(columns_of).collect();
                assert_eq!(widths.len(), 3, "{written}");
                let aligned = widths.iter().all(|own| *own == widths[0]);
                assert!(aligned, "{widths:?}\n{written}");
            }
        }
    }
}

#[test]
fn the_verdict_comes_last() {
    for (name, sample) in usual() {
        let story = sample.story();
        let written = written(sample, 120);
        let last = written.trim_end().rsplit("\n\n").next().unwrap();
        let words = last.split_whitespace().collect::<Vec<_>>().join(" ");
        let marks = ["✓ ", "✗ ", "? ", "! "];
        assert!(marks.iter().any(|mark| last.starts_with(mark)), "{name}");
        assert!(words.contains("erformance gate "), "{name}: {words}");
        let exit = format!("(exit {})", story.exit);
        assert!(words.ends_with(&exit), "{name}: {words}");
        let alone = verdict_line(&story, 120, Colour::Never);
        assert!(written.ends_with(&alone), "{name}");
    }
}

#[test]
fn failing_checks_stand_first() {
    let ranks = [
        "✗ failed",
        "? inconclusive",
        "! warned",
        "- not judged",
        "✓ passed",
        "·",
    ];
    for (name, sample) in usual()
        .iter()
        .filter(|(name, _)| !name.contains("observed"))
    {
        let written = written(sample, 80);
        let statuses = written.lines().filter_map(|line| {
            let position = |status: &&str| line.starts_with(&format!("{status} "));
            ranks.iter().position(position)
        });
        assert!(
            statuses.collect::<Vec<_>>().is_sorted(),
            "{name}:\n{written}"
        );
    }
}

#[test]
fn colours_only_colour() {
    for (name, sample) in usual() {
        let coloured = terminal(&sample.story(), 80, Colour::Always);
        let lines = coloured.lines().map(text::one_line);
        let plain: String = lines.map(|line| line + "\n").collect();
        assert_eq!(plain, written(sample, 80), "{name}");
    }
}

#[test]
fn files_are_named_only_where_they_were_written() {
    let mut sample = story("failed").clone();
    let with = written(&sample, 80);
    assert!(with.contains("\nreport: loadgate-out/shop/report.html and 4 files beside it\n"));
    assert!(with.contains("5 not gated (summary.md)"), "{with}");
    let wide = written(story("unreachable"), 400);
    assert!(
        wide.contains("\nwritten: loadgate-out/shop/junit.xml, "),
        "{wide}"
    );
    sample.files.clear();
    let without = written(&sample, 80);
    for file in ["written:", "report:", "summary.md", "junit.xml"] {
        assert!(!without.contains(file), "{file}: {without}");
    }
    assert!(without.contains("5 not gated\n"), "{without}");
}

#[test]
fn a_long_list_of_passed_checks_says_where_it_continues() {
    let written = written(story("thirty names"), 80);
    assert!(
        written.contains("passed (junit.xml), 92 not gated (summary.md)"),
        "{written}"
    );
}

/// What is told as a rule, which must fit on the smallest screen.
#[test]
fn an_ordinary_verdict_takes_less_than_a_screen() {
    let long = ["hostile"];
    for (name, sample) in usual().iter().filter(|(name, _)| !long.contains(name)) {
        for columns in [80, 120] {
            let written = written(sample, columns);
            assert!(
                written.lines().count() <= 24,
                "{name} at {columns}:\n{written}"
            );
        }
    }
}

#[test]
fn what_fits_is_told_in_full() {
    for name in ["passed", "no baseline"] {
        let written = written(story(name), 80);
        for text in [
            "newest job 8d10e7f",
            "GET /user/profile",
            "✓ passed  P95 GET /orders",
        ] {
            let is_compared = name == "passed" || !text.starts_with("newest");
            assert!(written.contains(text) == is_compared, "{name}: {written}");
        }
    }
}

#[test]
fn a_reason_is_wrapped_and_not_cut() {
    for name in [
        "failed",
        "duet failed",
        "below floors",
        "cold starts",
        "aborted",
        "inconclusive",
    ] {
        let written = written(story(name), 80);
        let checks = written.lines().filter(|line| line.starts_with("  "));
        let cut: Vec<&str> = checks.filter(|line| line.contains('…')).collect();
        assert!(cut.is_empty(), "{name}: {cut:?}");
    }
    assert!(written(story("duet failed"), 80).contains("in all\n          12 pairs"));
}

#[test]
fn a_tight_screen_loses_what_passed_before_what_failed() {
    let written = written(story("failed"), 80);
    assert_eq!(written.matches("✗ failed  P95 ").count(), 2, "{written}");
    assert!(written.contains("limit 120 ms broken"), "{written}");
    assert!(written.contains("4 passed (junit.xml)"), "{written}");
}

#[test]
fn no_text_repaints_a_terminal_or_commands_a_ci_system() {
    let endless = endless();
    for text in TEXTS.into_iter().chain([endless.as_str()]) {
        assert_lines(&written(&saying(text), 80), 80);
        assert_lines(&written(&unreachable_saying(text), 80), 80);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_name_and_message_fits(text in texts(), columns in 40_usize..140) {
        assert_lines(&written(&saying(&text), columns), columns);
        assert_lines(&written(&unreachable_saying(&text), columns), columns);
    }
}
