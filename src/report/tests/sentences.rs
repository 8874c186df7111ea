//! The sentences: what happened, why, and what to do next.

use super::wording::headline;
use super::*;

/// The log with its lines joined, so that a sentence can be looked for.
fn log(name: &str) -> String {
    let log = terminal(&story(name).story(), 400, Colour::Never);
    log.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_failed_change_is_not_explained_by_a_limit_that_holds() {
    let sample = story("regressed").story();
    for text in [terminal(&sample, 80, Colour::Never), summary(&[sample])] {
        assert!(!text.contains("took longer"), "{text}");
    }
    assert!(log("regressed").contains("limit 120 ms holds"));
    let both = log("failed");
    assert!(both.contains(
        "limit 120 ms broken: 1,260 of 4,800 requests took longer or failed, 5 % allowed;"
    ));
}

#[test]
fn a_change_that_is_too_small_to_matter_says_what_would_matter() {
    let latencies = summary(&[story("below floors").story()]);
    assert!(latencies.contains("the change of 725 µs is below the floor of 2 ms"));
    assert!(latencies.contains("the change of 3.62 ms is below the floor of 10 ms"));
    let errors = log("few errors");
    assert!(errors.contains("too small to fail: that takes 5 errors and a rise of 0.1 pp"));
    assert!(
        !log("passed").contains("floor"),
        "where the change is noise, no floor decided"
    );
}

#[test]
fn what_got_slower_and_is_tolerated_is_said_with_how_much() {
    let sample = samples::duet_tolerated();
    let written = sample.story();
    let wanted = "nothing slower beyond the tolerance: P95 GET /orders is worse by +27.5 % [";
    let headline = headline(&written).to_string();
    assert!(headline.contains(wanted), "{headline}");
    assert!(headline.contains("], 60 % is tolerated; "), "{headline}");
    for columns in [60, 80] {
        let log = terminal(&written, columns, Colour::Never);
        let words = log.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(wanted), "{log}");
        assert!(!log.contains('…'), "{log}");
    }
}

#[test]
fn a_long_message_keeps_both_its_ends() {
    let words = |count: usize| {
        (0..count)
            .map(|n| format!("word-{n}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    // 480 columns are as many as a message gets.
    let whole = words(80)[..480].to_owned();
    for message in [words(30), whole] {
        let log = terminal(&unreachable_saying(&message).story(), 80, Colour::Never);
        let written = log.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(written.contains(&format!("({message})")), "{log}");
    }
    let endless = unreachable_saying(&words(200));
    for columns in [60, 80] {
        let written = terminal(&endless.story(), columns, Colour::Never);
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, message) = written.split_once("did not respond (").unwrap();
        let (message, _) = message.split_once(')').unwrap();
        let ends = (
            message.starts_with("word-0 word-1 "),
            message.ends_with(" word-199"),
        );
        assert_eq!(ends, (true, true), "{written}");
        let is_cut = message.contains('…') && message.chars().count() <= 480;
        assert!(is_cut, "{written}");
    }
}

#[test]
fn whatever_is_not_passed_says_what_to_do_next() {
    for (name, next) in [
        (
            "failed",
            "The broken limit is in thresholds/shop/thresholds.yml line 4.",
        ),
        (
            "regressed",
            "Intended? Accept it in thresholds/shop/thresholds.yml; summary.md has the lines to add.",
        ),
        (
            "inconclusive",
            "For a clear result, run it again. If that does not help, record more jobs",
        ),
        (
            "inconclusive",
            "A limit is too close to call: run longer or with more users.",
        ),
        ("aborted", "Fix the errors first, then run it again."),
        (
            "no baseline",
            "there is no baseline; record a first run with `loadgate record thresholds/shop RESULT`",
        ),
        (
            "scenario differs",
            "start a new baseline with `loadgate record thresholds/shop RESULT --restart`",
        ),
        (
            "no job matches",
            "record comparable runs with `loadgate record",
        ),
        (
            "baseline required",
            "Fix: record a first run with `loadgate record",
        ),
        (
            "generator late",
            "Fix: use a machine with more free cores, or send less.",
        ),
        (
            "unreachable",
            "Fix: start it or correct its address; --wait 60s gives it time to start.",
        ),
        (
            "interrupted",
            "Fix: run it again; result.json has what was measured, marked partial.",
        ),
        (
            "no requests",
            "Fix: give every measured phase in scenario.yml users or arrivals, and check the conditions",
        ),
        (
            "too few for a limit",
            "Fix: run longer or with more users, or remove the limit",
        ),
        (
            "too few since late",
            "Fix: use a machine with more free cores, or send less.",
        ),
        (
            "too few for regression",
            "Fix: run longer or with more users, or remove the metric from",
        ),
        (
            "base silent",
            "Fix: start it, or correct the address in --against.",
        ),
        (
            "acceptance expired",
            "ended on 2026-04-30; remove it or set a later date",
        ),
        ("much faster", "check that it still does its work"),
        (
            "no cold start",
            "send bursts of more users after idle gaps, and mark cold responses with a header",
        ),
    ] {
        let log = log(name);
        assert!(log.contains(next), "{name}: {log}");
    }
}

#[test]
fn an_acceptance_in_force_is_told_in_every_report() {
    let sample = story("accepted").story();
    for text in [
        log("accepted"),
        summary(from_ref(&sample)),
        junit(from_ref(&sample)),
    ] {
        assert!(
            text.contains("accepted up to 60 % until 2027-01-31 ("),
            "{text}"
        );
    }
}

#[test]
fn measured_figures_have_three_digits_and_limits_their_own() {
    let log = log("more errors");
    for text in [
        "GET /user/profile 2,400 200 0.50 19.9 19.9 28.0 29.0 29.8 30.0 30.0",
        "error rate overall 0.33 → 5.17 %",
        "limit 5 % inconclusive",
        "7,200 requests in 12 s",
    ] {
        assert!(log.contains(text), "{text}: {log}");
    }
}
