//! summary.md: what a pull request shows.

use super::markdown::{assert_whole, skeleton, tables};
use super::*;
use crate::plan::phase_names;
use crate::thresholds::{Names, parse};
use crate::verdict::{CheckOutcome, InvalidReason, NotJudged, Outcome};

/// What GitHub takes as a comment, less what is put around it.
const MOST: usize = 60_000;

fn written(sample: &Sample) -> String {
    summary(&[sample.story()])
}

/// The content of the fence of a language.
fn fence<'a>(markdown: &'a str, language: &str) -> Option<&'a str> {
    let (_, after) = markdown.split_once(&format!("```{language}\n"))?;
    after.split_once("```").map(|(inside, _)| inside)
}

#[test]
fn every_story_is_whole_and_short_enough() {
    for (name, sample) in all() {
        let written = written(sample);
        assert!(written.len() <= MOST, "{name}: {}", written.len());
        assert_whole(&written);
        assert!(written.starts_with("### "), "{name}");
    }
}

#[test]
fn failing_rows_stand_first() {
    for (name, sample) in usual() {
        let written = written(sample);
        let written = written.split("<details>").next().unwrap();
        let Some(table) = tables(written).into_iter().next() else {
            continue;
        };
        let rank = |cell: &str| match cell {
            "❌ **failed**" | "⚠️ **would fail**" => 0,
            "⚠️ inconclusive" => 1,
            "⚠️ warned" => 2,
            "not judged" => 3,
            "⚠️ worse, not gated" => 4,
            "✅ passed" => 5,
            other => panic!("{name}: {other}"),
        };
        let ranks: Vec<u8> = table[2..].iter().map(|row| rank(row[0])).collect();
        assert!(ranks.is_sorted(), "{name}: {ranks:?}");
    }
}

#[test]
fn five_hundred_names_fit_and_nothing_is_cut_in_its_middle() {
    let sample = samples::many_names(500, 500);
    let written = written(&sample);
    assert!(written.len() <= MOST, "{}", written.len());
    assert_whole(&written);
    let first = written.lines().next().unwrap();
    assert!(first.ends_with("; 500 more checks failed"), "{first}");
    assert!(written.contains("did not fit into a comment and are left out"));
    let hidden = "1,958 more checks: 453 failed, 1,004 worse, not gated, 501 passed.";
    assert!(written.contains(hidden), "{written}");
    // What the terminal refers to must be there.
    let log = terminal(&sample.story(), 80, Colour::Never);
    let log = log.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(log.contains("501 not gated"), "{log}");
}

/// A gate of so many names, none of which got enough requests for its limits.
fn unjudged(names: usize) -> Sample {
    let mut sample = samples::many_names(names, 0);
    let verdict = &mut sample.verdict;
    let why = NotJudged::TooFewRequests {
        have: 37,
        need: 268,
    };
    for line in &mut verdict.checks {
        line.outcome = CheckOutcome::NotJudged(why.clone());
    }
    let lines = 0..verdict.checks.len();
    verdict.invalid = lines
        .map(|line| InvalidReason::TooFewForRegression { check: line })
        .collect();
    verdict.outcome = Outcome::Invalid;
    sample
}

#[test]
fn hundreds_of_reasons_leave_room_for_the_rest() {
    for names in [100, 200] {
        let sample = unjudged(names);
        let more = sample.verdict.invalid.len() - 10;
        let written = written(&sample);
        assert!(written.len() <= MOST, "{names}: {}", written.len());
        assert_whole(&written);
        assert_eq!(written.matches("Fix:").count(), 10, "{names}");
        assert!(written.contains(&format!("{} more reasons", numbers::count(more as u64))));
        assert!(
            !tables(&written).is_empty(),
            "{names}: the checks are shown"
        );
        assert!(
            written.contains("Latency by request") || names > 150,
            "{names}"
        );
        let log = terminal(&sample.story(), 80, Colour::Never);
        assert!(
            log.lines().count() <= 40,
            "{names}: {}",
            log.lines().count()
        );
        assert!(annotations(&sample.story()).len() >= 10);
    }
}

#[test]
fn a_passed_gate_folds_all_that_nobody_needs_to_decide() {
    for (name, sample) in all() {
        if sample.verdict.outcome != Outcome::Passed {
            continue;
        }
        let written = written(sample);
        let (first, folded) = written.split_once("<details>").unwrap();
        for part in ["**Reproduce:**", "Generator", "**What it showed:**"] {
            assert!(!first.contains(part), "{name}: {first}");
        }
        assert!(folded.contains("**Reproduce:**"), "{name}");
        // Every row on the first screen is worse, or needs a word.
        for table in tables(first) {
            for row in &table[2..] {
                assert!(row[0] != "not judged", "{name}: {first}");
            }
        }
    }
}

#[test]
fn endless_names_fit() {
    let sample = saying(&endless());
    let written = written(&sample);
    assert!(written.len() <= MOST, "{}", written.len());
    assert_whole(&written);
    assert!(written.lines().next().unwrap().len() < 2_000);
}

#[test]
fn all_checks_are_folded_away_only_where_there_are_more() {
    let mut whole = 0;
    for (name, sample) in all() {
        let written = written(sample);
        let tables = tables(&written);
        let checks = tables.iter().filter(|table| table[0][1] == "request");
        let lengths: Vec<usize> = checks.map(Vec::len).filter(|length| *length > 0).collect();
        // The one unfolded, the one folded, and the latencies, whose first column is the request.
        if let [unfolded, folded, ..] = lengths.as_slice() {
            assert!(folded > unfolded, "{name}");
        }
        let is_folded = written.contains("<details><summary>All checks");
        // Of a gate that passed none need stand unfolded.
        let has_passed = sample.verdict.outcome == Outcome::Passed;
        let unfolded = usize::from(!has_passed);
        assert_eq!(is_folded, lengths.len() > unfolded, "{name}");
        whole += usize::from(!is_folded && !lengths.is_empty());
        assert!(sample.story().is_short(), "{name}");
    }
    assert!(whole > 0, "some stand unfolded, every one");
}

#[test]
fn a_diff_sets_every_figure_right_below_what_it_was() {
    for (name, sample) in all() {
        let written = written(sample);
        let Some(diff) = fence(&written, "diff").filter(|diff| !diff.starts_with("---")) else {
            continue;
        };
        let lines: Vec<&str> = diff.lines().collect();
        let metric = |line: &str| {
            line[1..]
                .trim_start()
                .split("  ")
                .next()
                .unwrap()
                .to_owned()
        };
        let mut pairs = 0;
        for (index, line) in lines.iter().enumerate() {
            if line.starts_with('-') {
                let next = lines[index + 1];
                assert!(next.starts_with('+'), "{name}: {diff}");
                assert_eq!(metric(line), metric(next), "{name}: {diff}");
                pairs += 1;
            }
        }
        let inserted = lines.iter().filter(|line| line.starts_with('+'));
        assert_eq!(inserted.count(), pairs, "{name}: {diff}");
        assert!(pairs > 0, "{name}");
    }
}

#[test]
fn a_pull_request_is_not_told_to_record_its_own_result() {
    let mut sample = story("no baseline").clone();
    sample.records[0].run.from_pull_request = true;
    let written = sample.story();
    for report in [
        summary(from_ref(&written)),
        terminal(&written, 200, Colour::Never),
        html(&written),
    ] {
        let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(report.contains("ecord runs on the main branch"), "{report}");
        assert!(!report.contains("loadgate record"), "{report}");
    }
}

/// The proposal of a summary as thresholds, read as the command would.
fn proposed(sample: &Sample, before: &str) -> String {
    let written = written(sample);
    let yaml = fence(&written, "yaml").unwrap();
    let text = format!("{before}{yaml}");
    let record = &sample.records[0];
    let phases = phase_names(&record.phases);
    let names = Names {
        requests: &record.requests,
        phases: &phases,
        cold_start: record.marks_cold_starts(),
        aws: record.aws.is_some(),
    };
    let read = parse("thresholds.yml", &text, &names);
    assert!(read.is_ok(), "{}\n{text}", read.unwrap_err());
    text
}

#[test]
fn every_proposed_acceptance_is_one_that_thresholds_take() {
    for (name, sample) in all() {
        if written(sample).contains("**Wanted?**") {
            let yaml = proposed(sample, "");
            let entries = yaml.lines().filter(|line| line.contains("{ request: "));
            let mut keys: Vec<&str> = entries
                .filter_map(|line| line.split(", up_to").next())
                .collect();
            let all = keys.len();
            keys.dedup();
            assert_eq!(keys.len(), all, "{name}: {yaml}");
        }
    }
}

#[test]
fn with_what_a_summary_proposes_the_gate_passes() {
    for (accept, written) in [
        (samples::regressed as fn(&str) -> Sample, "GET /orders"),
        (samples::duet_failed, "GET /orders"),
        (samples::rate_lost, "overall"),
        (samples::more_errors, "GET /orders"),
    ] {
        let failed = accept("");
        assert_eq!(failed.verdict.outcome, Outcome::Failed, "{written}");
        let yaml = proposed(&failed, "").replace("regression:\n", "");
        assert!(yaml.contains(written), "{yaml}");
        let accepted = accept(&yaml);
        let lines = accepted.verdict.checks.iter();
        let regressed = lines
            .filter(|line| line.outcome.fails(line.enforcement))
            .filter(|line| matches!(line.kind, crate::verdict::CheckKind::Change(_)));
        assert_eq!(regressed.count(), 0, "{yaml}");
    }
}

#[test]
fn an_acceptance_that_ended_is_to_be_replaced_and_not_doubled() {
    let written = written(story("acceptance expired"));
    assert!(written.contains("}  # in place of line 7\n"), "{written}");
}

#[test]
fn several_gates_are_told_worst_first() {
    let samples = [
        story("passed"),
        story("accepted"),
        story("inconclusive"),
        story("unreachable"),
        story("failed"),
        story("observed"),
    ];
    let stories: Vec<View> = samples.iter().map(|sample| sample.story()).collect();
    let written = summary(&stories);
    assert_whole(&written);
    let outcomes: Vec<&str> = tables(&written)[0][2..].iter().map(|row| row[1]).collect();
    assert_eq!(
        outcomes,
        [
            "❌ failed",
            "🛑 not judged",
            "⚠️ inconclusive",
            "⚠️ would have failed",
            "✅ passed",
            "✅ passed",
        ]
    );
    // A gate that passed says what was accepted, too.
    assert!(written.contains("- `shop`: overall P95: accepted for `GET /orders` up to 60 %"));
}

/// What is left of a summary whose texts are harmless; what has control characters can be no name in thresholds.
fn plain_skeleton(text: &str) -> String {
    let plain = if text.chars().any(char::is_control) {
        "GET /plain\u{1}"
    } else {
        "GET /plain"
    };
    skeleton(&written(&saying(plain)))
}

#[test]
fn no_text_becomes_markup_a_mention_or_a_link() {
    let endless = endless();
    for text in TEXTS.into_iter().chain([endless.as_str()]) {
        let written = written(&saying(text));
        assert_whole(&written);
        // Of an endless text, blocks that must quote it whole are left out.
        if text.len() < endless.len() {
            assert_eq!(skeleton(&written), plain_skeleton(text), "{text:?}");
        }
        assert_whole(&self::written(&unreachable_saying(text)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_name_and_message_stays_text(text in texts()) {
        let written = written(&saying(&text));
        assert_whole(&written);
        prop_assert_eq!(skeleton(&written), plain_skeleton(&text));
        assert_whole(&self::written(&unreachable_saying(&text)));
    }
}

#[test]
fn the_guides_questions_are_answered() {
    let written = written(story("guide"));
    for answer in [
        "- Errors follow the load: ",
        "of requests failed below 160 users, ",
        "480 cold starts in ",
        "with them, overall P95 is ",
        "- Latency grows with the load: P95 ",
        "from `warm` (20 users) to `burst` (300 users)",
        "- `recovery` is back at the level of `warm`: P95 ",
        "status 429: throttled by the service or a gateway in front of it",
        "status 504: a gateway waited too long for the service",
        "| 6 s in `burst`, with 300 users at 600/s",
        "| 12 s in `peak`, with 100 users at 600/s",
        "<details><summary>Phases side by side of",
        "<details><summary>Cold starts of",
        "<details><summary>Over time of",
        "<details><summary>Latency in <code>burst</code> of",
        "600/s at 45.0 ms each keep 27.0 requests in flight on average",
    ] {
        assert!(written.contains(answer), "no '{answer}' in: {written}");
    }
}

#[test]
fn what_a_run_cannot_tell_it_does_not_say() {
    let written = written(story("passed"));
    assert!(!written.contains("What it showed"), "{written}");
    assert!(written.contains("Phases side by side"));
    assert!(!written.contains("Cold starts of") && !written.contains("Latency in "));
}

#[test]
fn a_chart_ends_where_the_run_did_and_no_line_falls_with_it() {
    use crate::record::SecondRecord;
    let sample = |last: u64| {
        let mut sample = story("passed").clone();
        let run = &mut sample.records[0];
        let second = |requests| SecondRecord {
            users: u32::from(requests > 50) * 20,
            requests,
            errors: requests / 10,
            kinds: std::collections::BTreeMap::new(),
            p50_ms: Some(5.0),
            p95_ms: Some(9.0),
            p99_ms: Some(9.5),
        };
        run.timeline = vec![second(100); 6];
        run.timeline.push(second(last));
        run.run.duration_s = 6.04;
        sample
    };
    let sample = sample(4);
    let written = summary(&[sample.story()]);
    let log = terminal(&sample.story(), 80, Colour::Never);
    for text in [written.as_str(), log.as_str()] {
        for line in [
            "P95     ██████  9.00 ms to 9.00 ms",
            "errors  ██████  up to 10/s",
            "users   ██████  up to 20",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
    }
    assert!(
        written.contains("x-axis \"seconds since the start\" 0 --> 6.04\n"),
        "{written}"
    );
    assert!(written.contains("line [9, 9, 9, 9, 9, 9]"), "{written}");
}

#[test]
fn two_figures_of_one_metric_are_explained_where_both_stand() {
    for (name, why, key) in [
        (
            "failed",
            "Checks show the median slice, tables show all requests.",
            "change of the middle slice [95 %]",
        ),
        (
            "duet failed",
            "A change is estimated from the ranks of the slowest requests, values are of all requests.",
            "├─┼─┤ change [95 %]",
        ),
    ] {
        let shown = summary(&[story(name).story()]);
        let (_, latencies) = shown.split_once("Latency by request of").unwrap();
        let (latencies, _) = latencies.split_once("</details>").unwrap();
        assert!(latencies.contains(why), "{latencies}");
        let log = terminal(&story(name).story(), 80, Colour::Never);
        assert!(log.contains(key), "{log}");
    }
}
