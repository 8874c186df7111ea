//! The terminal: a log of 80 columns, read from its end.

use unicode_width::UnicodeWidthStr;

use super::*;

fn told(sample: &Sample, columns: usize) -> String {
    terminal(&sample.story(), columns, Colour::Never)
}

/// Checks that every line fits and does nothing but be read.
fn assert_lines(text: &str, columns: usize) {
    for line in text.lines() {
        assert!(line.width() <= columns, "{}: {line}", line.width());
        assert!(!line.trim_start().starts_with("::"), "{line}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn no_line_is_longer_than_the_terminal_is_wide() {
    for (_, sample) in all() {
        for columns in [40, 80, 120] {
            assert_lines(&told(sample, columns), columns);
            let verdict = verdict_line(&sample.story(), columns, Colour::Never);
            assert_lines(&verdict, columns);
        }
    }
}

#[test]
fn the_verdict_comes_last() {
    for (name, sample) in all() {
        let story = sample.story();
        let told = told(sample, 120);
        let last = told.trim_end().rsplit("\n\n").next().unwrap();
        let words = last.split_whitespace().collect::<Vec<_>>().join(" ");
        let marks = ["✓ ", "✗ ", "? ", "! "];
        assert!(marks.iter().any(|mark| last.starts_with(mark)), "{name}");
        assert!(words.contains("erformance gate "), "{name}: {words}");
        let exit = format!("(exit {})", story.exit);
        assert!(words.ends_with(&exit), "{name}: {words}");
        let alone = verdict_line(&story, 120, Colour::Never);
        assert!(told.ends_with(&alone), "{name}");
    }
}

#[test]
fn failing_checks_stand_first() {
    let ranks = [
        "✗ failed",
        "? inconclusive",
        "! warned",
        "- not judged",
        "! worse, not gated",
        "✓ passed",
        "·",
    ];
    for (name, sample) in all().iter().filter(|(name, _)| !name.contains("observed")) {
        let told = told(sample, 80);
        let lines = told
            .lines()
            .filter(|line| line.as_bytes().get(18) == Some(&b' '));
        let statuses = lines.filter_map(|line| {
            let position = |status: &&str| line.starts_with(&format!("{status}  "));
            ranks.iter().position(position)
        });
        assert!(statuses.collect::<Vec<_>>().is_sorted(), "{name}:\n{told}");
    }
}

#[test]
fn colours_only_colour() {
    for (name, sample) in all() {
        let coloured = terminal(&sample.story(), 80, Colour::Always);
        let lines = coloured.lines().map(text::one_line);
        let plain: String = lines.map(|line| line + "\n").collect();
        assert_eq!(plain, told(sample, 80), "{name}");
    }
}

#[test]
fn files_are_named_only_where_they_were_written() {
    let mut sample = story("failed").clone();
    let with = told(&sample, 80);
    assert!(with.contains("\nwritten: ") && with.contains("listed in summary.md"));
    sample.files.clear();
    let without = told(&sample, 80);
    assert!(!without.contains("written:") && !without.contains("summary.md"));
    assert!(without.contains("5 more checks not gated\n"), "{without}");
}

#[test]
fn a_long_list_of_passed_checks_is_cut_short_and_says_where_it_goes_on() {
    let told = told(story("thirty names"), 80);
    assert_eq!(told.matches("✓ passed").count(), 16);
    assert!(
        told.contains("45 more checks passed, listed in junit.xml"),
        "{told}"
    );
    assert!(
        told.contains("92 more checks not gated, listed in summary.md"),
        "{told}"
    );
}

#[test]
fn no_text_repaints_a_terminal_or_commands_a_ci_system() {
    let endless = endless();
    for text in TEXTS.into_iter().chain([endless.as_str()]) {
        assert_lines(&told(&saying(text), 80), 80);
        assert_lines(&told(&unreachable_saying(text), 80), 80);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_name_and_message_fits(text in texts(), columns in 40_usize..140) {
        assert_lines(&told(&saying(&text), columns), columns);
        assert_lines(&told(&unreachable_saying(&text), columns), columns);
    }
}

#[test]
fn logs_of_80_columns_read_well() {
    for name in [
        "passed",
        "failed",
        "inconclusive",
        "provisional",
        "duet failed",
        "no baseline",
        "generator late",
        "unreachable",
        "interrupted",
        "too few for a limit",
        "drifted",
        "observed",
        "warned",
        "accepted",
        "aborted",
        "more errors",
        "few errors",
        "below floors",
        "names come and go",
        "hostile",
        "cold starts",
        "guide",
        "no cold start",
    ] {
        snapshot(&format!("terminal 80 {name}"), &told(story(name), 80));
    }
}

#[test]
fn logs_of_120_columns_read_well() {
    for name in ["failed", "phases", "thirty names"] {
        snapshot(&format!("terminal 120 {name}"), &told(story(name), 120));
    }
}
