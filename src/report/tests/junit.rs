//! junit.xml: the schema, and what the consumers of JUnit ask for beyond it.

use std::collections::HashSet;

use super::schema::faults;
use super::xml::{Element, read};
use super::*;
use crate::verdict::{Outcome, Warning};

/// The cases of one story.
fn cases(sample: &Sample) -> Vec<Element> {
    let xml = junit(&[sample.story()]);
    let mut root = read(&xml).unwrap_or_else(|error| panic!("{error}:\n{xml}"));
    assert_eq!(faults(&root), Vec::<String>::new(), "{xml}");
    assert_eq!(root.children.len(), 1, "{xml}");
    root.children.remove(0).children
}

/// What a case came to: the element inside it, if any.
fn result(case: &Element) -> Option<&Element> {
    let mut inside = case.children.iter();
    inside.find(|child| ["failure", "error", "skipped"].contains(&child.name.as_str()))
}

fn results<'a>(cases: &'a [Element], kind: &'a str) -> Vec<(&'a str, &'a str)> {
    let results = cases
        .iter()
        .filter_map(|case| Some((case.attribute("name")?, result(case)?)));
    results
        .filter(|(_, result)| result.name == kind)
        .map(|(name, result)| (name, result.attribute("type").unwrap()))
        .collect()
}

#[test]
fn every_story_keeps_to_the_schema_and_adds_up() {
    for (name, sample) in all() {
        let cases = cases(sample);
        assert_eq!(cases[0].attribute("name"), Some("run: valid"), "{name}");
    }
}

#[test]
fn another_reader_of_junit_reads_every_story() {
    for (name, sample) in all() {
        let xml = junit(&[sample.story()]);
        let report = quick_junit::Report::deserialize_from_str(&xml);
        let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.test_suites[0].tests, cases(sample).len(), "{name}");
    }
}

#[test]
fn names_are_unique_and_carry_no_measured_value() {
    for (name, sample) in all() {
        let cases = cases(sample);
        let mut names = HashSet::new();
        for case in &cases {
            let own = case.attribute("name").unwrap();
            assert!(names.insert(own.to_owned()), "{name}: {own} stands twice");
            assert!(
                !own.contains(" ms") && !own.contains('%') && !own.contains('→'),
                "{name}: {own}"
            );
        }
    }
}

#[test]
fn a_name_means_the_same_in_every_run() {
    let names = |sample: &Sample| -> Vec<String> {
        let cases = cases(sample);
        let names = cases.iter().filter_map(|case| case.attribute("name"));
        names.map(str::to_owned).collect()
    };
    assert_eq!(names(story("passed")), names(story("failed")));
    assert_eq!(names(story("passed")), names(story("observed"))[..]);
    let stopped = names(story("aborted"));
    assert_eq!(
        stopped,
        [
            "run: valid",
            "run: not stopped early",
            "overall: P95 limit",
            "overall: error rate limit",
            "GET /orders: P95 limit",
        ]
    );
}

#[test]
fn the_message_is_also_the_first_line_of_the_body() {
    for (name, sample) in all() {
        for case in &cases(sample) {
            let Some(result) = result(case) else { continue };
            let message = result.attribute("message").unwrap();
            assert_eq!(Some(message), result.text.lines().next(), "{name}");
            assert!(!message.is_empty(), "{name}");
        }
    }
}

#[test]
fn types_are_namespaced() {
    for (name, sample) in all() {
        for case in &cases(sample) {
            let Some(result) = result(case) else { continue };
            let type_ = result.attribute("type").unwrap();
            assert!(type_.starts_with("loadgate."), "{name}: {type_}");
        }
    }
}

#[test]
fn what_failed_is_a_failure_and_nothing_else_is() {
    for (name, sample) in all() {
        let cases = cases(sample);
        let failed = sample.verdict.outcome == Outcome::Failed && !sample.verdict.observed;
        assert_eq!(!results(&cases, "failure").is_empty(), failed, "{name}");
        assert!(!failed || results(&cases, "error").is_empty(), "{name}");
    }
}

#[test]
fn what_could_not_be_measured_is_an_error() {
    for (name, sample) in all() {
        let cases = cases(sample);
        let invalid = sample.verdict.outcome == Outcome::Invalid && !sample.verdict.observed;
        let is_error = result(&cases[0]).is_some_and(|result| result.name == "error");
        assert_eq!(is_error, invalid, "{name}");
    }
    let rare = cases(story("too few for a limit"));
    assert_eq!(
        results(&rare, "error"),
        [
            ("run: valid", "loadgate.invalid"),
            ("GET /report: P95 limit", "loadgate.too_few"),
        ]
    );
}

#[test]
fn a_run_that_could_not_be_judged_lists_its_warnings_too() {
    for name in [
        "passed",
        "failed",
        "too few for a limit",
        "observed invalid",
    ] {
        let mut sample = story(name).clone();
        let resent = Warning::Resent {
            resent: 71,
            most: None,
        };
        sample
            .verdict
            .warnings
            .extend([Warning::CertificatesUnchecked, resent]);
        let run = cases(&sample).remove(0);
        let text = match result(&run) {
            Some(result) => &result.text,
            None => &run.children[0].text,
        };
        for written in [
            "Certificates were not verified",
            "71 requests got no response",
        ] {
            let lines = text.lines().filter(|line| line.starts_with(written));
            assert_eq!(lines.count(), 1, "{name}: {text}");
        }
    }
}

#[test]
fn what_was_not_compared_is_skipped_and_never_passed() {
    for sample in [
        story("no baseline"),
        story("scenario differs"),
        story("no job matches"),
        story("baseline required"),
    ] {
        let cases = cases(sample);
        assert_eq!(
            results(&cases, "skipped"),
            [
                ("overall: P95 regression", "loadgate.no_comparison"),
                ("overall: error rate regression", "loadgate.no_comparison"),
            ]
        );
    }
    let base_fails = cases(story("base silent"));
    assert_eq!(
        results(&base_fails, "skipped"),
        [
            ("overall: P95 regression", "loadgate.not_judged"),
            ("overall: error rate regression", "loadgate.not_judged"),
        ]
    );
}

#[test]
fn what_nobody_could_tell_is_skipped_or_under_strict_an_error() {
    let written = |sample: &Sample, kind: &str| -> Vec<(String, String)> {
        let cases = cases(sample);
        let results = results(&cases, kind).into_iter();
        results
            .map(|(name, type_)| (name.to_owned(), type_.to_owned()))
            .collect()
    };
    let lenient = written(story("inconclusive"), "skipped");
    assert_eq!(
        lenient,
        [
            "GET /orders: P95 limit",
            "overall: P95 regression",
            "GET /orders: P95 regression",
        ]
        .map(|name| (name.to_owned(), "loadgate.inconclusive".to_owned()))
    );
    assert_eq!(written(story("inconclusive strictly"), "error"), lenient);
}

#[test]
fn observing_turns_nothing_red() {
    for sample in [story("observed"), story("observed invalid")] {
        let cases = cases(sample);
        assert_eq!(results(&cases, "failure"), []);
        assert_eq!(results(&cases, "error"), []);
        let skipped = results(&cases, "skipped");
        assert!(
            skipped
                .iter()
                .any(|(_, type_)| *type_ == "loadgate.observed")
        );
    }
}

#[test]
fn a_limit_that_only_warns_is_never_red() {
    let cases = cases(story("warned"));
    let warned = cases
        .iter()
        .find(|case| case.attribute("name") == Some("overall: P95 limit that warns"))
        .unwrap();
    assert!(result(warned).is_none());
    assert!(warned.children[0].text.contains(", warned: "));
}

#[test]
fn only_the_run_takes_time() {
    let cases = cases(story("failed"));
    let times: Vec<&str> = cases
        .iter()
        .filter_map(|case| case.attribute("time"))
        .collect();
    assert_eq!(times[0], "12");
    assert!(times[1..].iter().all(|time| *time == "0"), "{times:?}");
}

#[test]
fn two_gates_of_one_name_are_told_apart() {
    let (passed, failed) = (story("passed"), story("failed"));
    let xml = junit(&[passed.story(), failed.story()]);
    let root = read(&xml).unwrap();
    assert_eq!(faults(&root), Vec::<String>::new());
    let classes: Vec<&str> = root
        .children
        .iter()
        .filter_map(|suite| suite.children[0].attribute("classname"))
        .collect();
    assert_eq!(classes, ["loadgate.shop", "loadgate.shop (2)"]);
}

#[test]
fn no_text_breaks_out_of_the_document() {
    let endless = endless();
    for text in TEXTS.into_iter().chain([endless.as_str()]) {
        let cases = cases(&saying(text));
        assert_eq!(cases.len(), self::cases(&saying("GET /plain")).len());
        self::cases(&unreachable_saying(text));
        let attached = junit(&[saying(text).story()]).contains("[[ATTACHMENT|");
        assert!(!attached, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_name_and_message_is_well_formed(text in texts()) {
        cases(&saying(&text));
        cases(&unreachable_saying(&text));
    }
}
